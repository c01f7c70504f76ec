package webui

import (
	"net"
	"net/http"
	"net/netip"
	"strconv"

	"tipring/internal/config"
)

// A Shutting is a setting of [web] that would shut somebody out.
type Shutting struct {
	Key  string
	Text string // in sentences: who is shut out, and what to do then
}

// ShutsOut tells by which settings whoever sent a request, and is let in now, would not be any
// more.
func (s *Server) ShutsOut(w config.Web, r *http.Request) (list []Shutting) {
	from := addrOf(r.RemoteAddr)
	if from.IsValid() && !allowed(w.Allow, from) {
		list = append(list, Shutting{"allow", "This shuts you out: you come from " + from.String() + ", which Allow does not name any more."})
	}
	if !isOwnHost(r, w.Hosts) {
		list = append(list, Shutting{"hosts", "This shuts you out: you opened this page as " + hostOf(r.Host) + ", and the device will not answer to that name. It answers to its addresses."})
	}
	if key, text := leaves(w, r); key != "" {
		list = append(list, Shutting{key, text})
	}
	return list
}

// leaves tells whether nothing would listen any more where a request came in.
func leaves(w config.Web, r *http.Request) (key, text string) {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return "", ""
	}
	at, err := netip.ParseAddrPort(local.String())
	if err != nil {
		return "", ""
	}
	key, scheme, listen := "listen", "http", w.Listen
	if r.TLS != nil {
		key, scheme, listen = "tls_listen", "https", w.TLSListen
	}
	host, port, err := net.SplitHostPort(listen)
	switch {
	case listen == "" || err != nil:
		other := "nothing else is"
		if r.TLS == nil && w.TLSListen != "" {
			other = "https is, at " + w.TLSListen
		} else if r.TLS != nil && w.Listen != "" {
			other = "http is, at " + w.Listen
		}
		return key, "This shuts you out: you opened this page by " + scheme + ", which is not served any more; " + other + "."
	case !reaches(host, at.Addr()):
		return key, "This shuts you out: you opened this page at " + at.Addr().Unmap().String() + ", and the page will be served at " + host + " alone."
	case port != "0" && port != strconv.Itoa(int(at.Port())):
		return key, "This page moves: afterwards open " + scheme + "://" + net.JoinHostPort(hostOf(r.Host), port) + "/."
	}
	return "", ""
}

// reaches tells whether who listens at host hears what is sent to an address of the device.
func reaches(host string, at netip.Addr) bool {
	ip, err := netip.ParseAddr(host)
	switch {
	case host == "" || err == nil && ip.IsUnspecified():
		return true
	case err != nil: // a name: localhost, or what the network says
		return host != "localhost" || at.IsLoopback()
	}
	return ip.Unmap().WithZone("") == at.Unmap().WithZone("")
}
