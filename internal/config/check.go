package config

import (
	"fmt"
	"strings"
)

// A spot is a key of one section, as cross-checks speak of it.
type spot struct {
	s   *section
	key string
}

// conflict reports what is wrong between keys. It names the first of them that a
// layer set, and stays silent when one of them is at fault by itself.
func (b *builder) conflict(wanted string, spots ...spot) {
	for _, at := range spots {
		if b.bad[at] {
			return
		}
	}
	for _, at := range spots {
		i := at.s.desc.index(at.key)
		if o := at.s.origin(i); o.layer != 0 {
			b.conflictAt(o, at.s, at.key, wanted)
			return
		}
	}
	b.conflictAt(spots[0].s.head, spots[0].s, spots[0].key, wanted)
}

func (b *builder) conflictAt(o origin, s *section, key, wanted string) {
	i := s.desc.index(key)
	value := s.desc.Keys[i].Masked(s.text(i))
	f := Fault{File: b.config.layers[o.layer].name, Line: int(o.line), Section: s.name(), Key: key, Value: value, Wanted: wanted}
	if o.layer == 0 {
		f.File = "built-in"
	}
	b.faults = append(b.faults, located{int(o.layer) - 1, f})
}

// check judges what no key can tell alone.
func (b *builder) check(checks Checks) {
	drivers := make(map[string]*section)
	for j := range b.config.sections {
		s := &b.config.sections[j]
		switch data := s.data.(type) {
		case *Device:
			if checks.Country != nil {
				if err := checks.Country(data.Country); err != nil {
					b.conflict("a known country: "+err.Error(), spot{s, "country"})
				}
			}
			if checks.Tones != nil && data.Tones != "" {
				if err := checks.Tones(data.Country, data.Tones); err != nil {
					b.conflict("tones as in etc/tones.txt: "+err.Error(), spot{s, "tones"})
				}
			}
		case *SIP:
			b.checkSIP(s, data)
		case *Line:
			b.checkLine(s, data)
		case *Port:
			b.checkPort(s, data, drivers, checks)
		case *Radius:
			b.checkRadius(s, data)
		case *Web:
			b.checkWeb(s, data)
			b.checkKeyPair(s, data.TLSCert, data.TLSKey, checks)
		case *Provisioning:
			b.checkKeyPair(s, data.TLSCert, data.TLSKey, checks)
		}
		b.checkFiles(s, checks)
	}
}

// checkFiles looks at the files that a section names.
func (b *builder) checkFiles(s *section, checks Checks) {
	for i := range s.desc.Keys {
		k := &s.desc.Keys[i]
		path := s.text(i)
		if k.File == NoFile || path == "" || checks.File == nil {
			continue
		}
		if err := checks.File(k.File, path); err != nil {
			b.conflict(k.File.String()+": "+err.Error(), spot{s, k.Name})
			b.bad[spot{s, k.Name}] = true
		}
	}
}

// checkKeyPair looks whether the key of tls_key is that of the certificate of tls_cert.
func (b *builder) checkKeyPair(s *section, cert, key string, checks Checks) {
	if cert == "" || key == "" || checks.KeyPair == nil || checks.File == nil ||
		checks.File(Certificate, cert) != nil || checks.File(PrivateKey, key) != nil {
		return
	}
	if err := checks.KeyPair(cert, key); err != nil {
		b.conflict("the key of tls_cert: "+err.Error(), spot{s, "tls_key"}, spot{s, "tls_cert"})
	}
}

func (b *builder) checkSIP(s *section, sip *SIP) {
	if sip.RTPPortMin >= sip.RTPPortMax {
		b.conflict(fmt.Sprintf("rtp_port_min (%d) below rtp_port_max (%d)", sip.RTPPortMin, sip.RTPPortMax),
			spot{s, "rtp_port_max"}, spot{s, "rtp_port_min"})
	}
	if sip.RTPPortMin <= sip.UDPPort && sip.UDPPort <= sip.RTPPortMax {
		b.conflict("a port outside rtp_port_min to rtp_port_max",
			spot{s, "udp_port"}, spot{s, "rtp_port_min"}, spot{s, "rtp_port_max"})
	}
	if sip.JitterMinMS > sip.JitterMaxMS {
		b.conflict(fmt.Sprintf("jitter_min_ms (%d) up to jitter_max_ms (%d)", sip.JitterMinMS, sip.JitterMaxMS),
			spot{s, "jitter_max_ms"}, spot{s, "jitter_min_ms"})
	}
	if sip.TCPPort == sip.TLSPort && sip.TCPPort != 0 {
		b.conflict("another port than tcp_port", spot{s, "tls_port"}, spot{s, "tcp_port"})
	}
}

func (b *builder) checkLine(s *section, l *Line) {
	if l.BackupAddr != "" && l.RegisterAddr == "" {
		b.conflict("a Server Address of SIP Server 1 (register_addr), the primary that it backs up", spot{s, "backup_addr"}, spot{s, "register_addr"})
	}
	if l.Enabled && l.RegisterAddr != "" && l.Username == "" {
		// An absent username has a default; an empty one cannot be registered.
		if s.origin(s.desc.index("username")).layer != 0 {
			b.conflict("a user name to register at register_addr", spot{s, "username"}, spot{s, "register_addr"})
		}
	}
	if l.EnableHotline && l.HotlineNumber == "" {
		b.conflict("a hotline_number with it", spot{s, "enable_hotline"}, spot{s, "hotline_number"})
	}
	if l.UseSTUN && b.config.SIP.STUNServer == "" {
		sip := b.config.sectionNamed("sip")
		b.conflict("a stun_server in [sip] with it", spot{s, "use_stun"}, spot{sip, "stun_server"})
	}
	clear := l.Transport != TLS || l.BackupAddr != "" && l.BackupTransport != TLS
	if l.Enabled && l.SRTP != "off" && clear && !l.SRTPOverClear {
		b.noKeys(s, l.SRTP)
	}
}

// noKeys warns of a line that has to do without SRTP, because a server of its is not reached by TLS.
func (b *builder) noKeys(s *section, value string) {
	i := s.desc.index("srtp")
	at := s.origin(i)
	so := "calls are not encrypted there"
	if value == "required" {
		so = "no call is made or taken there"
	}
	b.warnings = append(b.warnings, located{int(at.layer) - 1, Fault{
		File: b.config.layers[at.layer].name, Line: int(at.line), Section: s.name(), Key: "srtp", Value: value,
		Wanted: "TLS to every server (transport = 3), or srtp_over_clear = 1: over UDP and TCP the keys can be read, so " + so,
	}})
}

func (b *builder) checkPort(s *section, p *Port, drivers map[string]*section, checks Checks) {
	if b.config.Line(p.Line) == nil {
		b.noLine(s, p)
	}
	switch p.Driver.Name {
	case "tcp":
		if p.DriverToken == "" {
			b.conflict("a driver_token with it", spot{s, "driver"}, spot{s, "driver_token"})
		}
	case "none":
		if p.Kind != "fax" {
			b.conflict("none only with kind = fax", spot{s, "driver"}, spot{s, "kind"})
		}
	}
	if p.Driver.Addr != "" {
		if other := drivers[p.Driver.String()]; other != nil {
			b.conflict(fmt.Sprintf("another address than [%s] has", other.name()), spot{s, "driver"}, spot{other, "driver"})
		}
		drivers[p.Driver.String()] = s
	}
	if checks.DialPlan != nil && p.DialPlan != "" {
		if err := checks.DialPlan(p.DialPlan); err != nil {
			b.conflict("a dial plan: "+err.Error(), spot{s, "dial_plan"})
		}
	}
	if checks.StarCodes != nil && p.StarCodeTable != "" {
		if err := checks.StarCodes(p.StarCodeTable); err != nil {
			b.conflict("star codes: "+strings.ReplaceAll(err.Error(), "\n", "; "), spot{s, "star_code_table"})
		}
	}
}

// noLine reports a port without its line. While there is no line at all the device
// waits to be provisioned, and that is only worth a warning.
func (b *builder) noLine(s *section, p *Port) {
	i := s.desc.index("line")
	if len(b.config.Lines) > 0 {
		b.conflict("a line that exists: "+b.lineNumbers(), spot{s, "line"})
		return
	}
	at := s.origin(i)
	if at.layer == 0 {
		at = s.head
	}
	b.warnings = append(b.warnings, located{int(at.layer) - 1, Fault{
		File: b.config.layers[at.layer].name, Line: int(at.line), Section: s.name(), Key: "line", Value: s.text(i),
		Wanted: fmt.Sprintf("a section [sip%d], from this file or provisioned", p.Line),
	}})
}

func (b *builder) lineNumbers() string {
	const most = 8
	var words []string
	for i, l := range b.config.Lines {
		if i == most {
			words = append(words, "...")
			break
		}
		words = append(words, fmt.Sprintf("[sip%d]", l.N))
	}
	return strings.Join(words, ", ")
}

func (b *builder) checkRadius(s *section, r *Radius) {
	for _, list := range []struct {
		key     string
		servers []RadiusServer
	}{{"servers", r.Servers}, {"acct_servers", r.AcctServers}} {
		for _, server := range list.servers {
			// RFC 6614 section 2.3: over TLS the shared secret is "radsec".
			if !server.TLS && r.Secret == "" {
				b.conflict("a secret with it", spot{s, list.key}, spot{s, "secret"})
				break
			}
		}
	}
}

func (b *builder) checkWeb(s *section, w *Web) {
	if (w.TLSCert == "") != (w.TLSKey == "") {
		b.conflict("tls_cert and tls_key together", spot{s, "tls_cert"}, spot{s, "tls_key"})
	}
	if overlap(w.Listen, w.TLSListen) {
		b.conflict("another address than listen", spot{s, "tls_listen"}, spot{s, "listen"})
	}
	sip := b.config.sectionNamed("sip")
	for _, web := range []struct{ key, addr string }{{"listen", w.Listen}, {"tls_listen", w.TLSListen}} {
		for _, line := range []struct {
			key  string
			port int
		}{{"tcp_port", b.config.SIP.TCPPort}, {"tls_port", b.config.SIP.TLSPort}} {
			host := ""
			if b.config.SIP.Bind.IsValid() {
				host = b.config.SIP.Bind.String()
			}
			if overlap(web.addr, joinHostPort(host, line.port)) {
				b.conflict(fmt.Sprintf("another port than [sip] %s", line.key), spot{s, web.key}, spot{sip, line.key})
			}
		}
	}
}

// overlap reports whether two addresses to listen on cannot both be had.
func overlap(a, b string) bool {
	hostA, portA := cutPort(a)
	hostB, portB := cutPort(b)
	return portA == portB && portA != "" && portA != "0" &&
		(everyAddress(hostA) || everyAddress(hostB) || hostA == hostB)
}

func cutPort(addr string) (host, port string) {
	i := strings.LastIndexByte(addr, ':')
	if i < 0 {
		return addr, ""
	}
	return addr[:i], addr[i+1:]
}

func everyAddress(host string) bool { return host == "" || host == "0.0.0.0" || host == "[::]" }

func joinHostPort(host string, port int) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return fmt.Sprintf("%s:%d", host, port)
}

func (c *Config) sectionNamed(name string) *section {
	for j := range c.sections {
		if s := &c.sections[j]; s.name() == name {
			return s
		}
	}
	return nil
}
