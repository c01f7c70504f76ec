package provisioning

import (
	"fmt"
	"strings"

	"tipring/internal/config"
)

// guarded are where a line's requests, and its credentials, go.
var guarded = map[string]bool{
	"register_addr": true, "register_port": true, "transport": true,
	"backup_addr": true, "backup_port": true, "backup_transport": true,
	"proxy_addr": true, "proxy_port": true, "backup_proxy_addr": true, "backup_proxy_port": true,
	"server_name": true, "realm": true,
}

// byStranger reports a file that any host of the network could have named: its URL came by
// DHCP or PnP, and neither a seal, a digest, nor an authority of the device's own choice
// vouches for it. A certificate of a public authority only says that the host is itself.
func byStranger(o Offer, f File, p config.Provisioning) bool {
	named := strings.HasPrefix(o.Source, "dhcp:") || strings.HasPrefix(o.Source, "pnp:")
	return named && !f.Sealed && o.SHA256 == "" && !(f.Secure && p.TLSCAFile != "")
}

// fromStranger leaves out of a stranger's file what would take the device over: where its
// settings are, whose requests a line takes, and other servers for a line than those it has
// by files that are not a stranger's.
func (s Search) fromStranger(l config.Layer) (config.Layer, []NotUnderstood) {
	l, dropped := l.Without(func(e config.Setting) bool {
		switch {
		case e.Section == "provisioning" && e.Key == "url", e.Key == "accept_from":
			return true
		}
		return guarded[e.Key] && s.holds(e.Section, e.Key, l.Source)
	})
	var notes []NotUnderstood
	for _, e := range dropped {
		notes = append(notes, NotUnderstood{Source: l.Source, Line: e.Line, Text: fmt.Sprintf(
			"[%s] %s: not taken from a file that any host of the network may have named", e.Section, e.Key)})
	}
	return l, notes
}

// holds reports a value that the device's own files give; or, of a line whose password they
// give, one that came from elsewhere than the file at hand.
func (s Search) holds(section, key, file string) bool {
	if s.said(section, key) {
		return true
	}
	value, _ := s.Config.Value(section, key)
	source, _, _ := s.Config.Source(section, key)
	own := s.said(section, "auth_password") || s.said(section, "proxy_password")
	return own && value != "" && source != "built-in" && source != file
}
