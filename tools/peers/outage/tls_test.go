package outage

import (
	"strings"
	"testing"
	"time"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/certs"
	"tipring/tools/peers/dns"
	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
)

// A server whose certificate is not in order gets nothing: no REGISTER, no
// password, no plain connection instead; and the line says what is wrong.
func TestCertificates(t *testing.T) {
	for _, tt := range []struct {
		name string
		pair func(l *lab) certs.Pair
	}{
		{"expired", func(l *lab) certs.Pair { return l.ca.Server("x", certs.Expired, "10.9.0.1") }},
		{"not yet valid", func(l *lab) certs.Pair { return l.ca.Server("x", certs.NotYetValid, "10.9.0.1") }},
		{"wrong name", func(l *lab) certs.Pair { return l.ca.Server("x", certs.WrongName) }},
		{"self-signed", func(l *lab) certs.Pair { return l.ca.Server("x", certs.SelfSigned, "10.9.0.1") }},
		{"unknown authority", func(l *lab) certs.Pair {
			return certs.NewAuthority(l.t, netlab.WorkDir(l.t), "other").Server("x", certs.Good, "10.9.0.1")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, "tls", false)
			pair := tt.pair(l)
			l.primary.Restart(func(o *kamailio.Options) { o.TLS = &pair })
			l.config.Set("sip1", "backup_addr", "")
			l.run()
			line := l.agent.WaitLine(patience, 1, "failed", func(line agent.Line) bool { return line.LastError != nil && line.State != "registered" })
			if text := *line.LastError; !strings.Contains(text, "certificate") && !strings.Contains(text, "x509") {
				t.Errorf("last error %q does not name the certificate", text)
			}
			if !netlab.Holds(time.Second, func() bool { return len(l.primary.Received()) == 0 }) {
				got := l.primary.Received()
				t.Errorf("the server received %+v", got)
			}
			if n := len(l.sent(time.Time{}, "REGISTER", l.p.Addr)); n != 0 {
				t.Errorf("%d REGISTERs went out in clear", n)
			}
		})
	}
}

// Two names at one address are two servers: a connection that was verified for
// one name does not serve the other.
func TestNoConnectionUnderAnotherName(t *testing.T) {
	t.Parallel()
	l := newLab(t, "tls", false)
	pair := l.ca.Server("one", certs.Good, "one.test")
	l.primary.Restart(func(o *kamailio.Options) { o.TLS = &pair })
	names := dns.Start(t, l.farHost, dns.Records{dns.A("one.test", "10.9.0.1"), dns.A("two.test", "10.9.0.1")})
	l.host.UseDNS(names.Host.Addr)
	l.config.
		Set("sip1", "register_addr", "one.test").Set("sip1", "backup_addr", "").
		Set("sip2", "username", "1002").Set("sip2", "register_addr", "two.test").Set("sip2", "register_port", 5061).Set("sip2", "transport", "tls")
	l.run()
	l.agent.WaitRegistered(patience, 1, "primary")
	l.agent.WaitLine(patience, 2, "failed", func(line agent.Line) bool { return line.LastError != nil && line.State != "registered" })
	for _, r := range l.primary.Received() {
		if strings.Contains(r.URI, "two.test") {
			t.Errorf("the second line's request came over the first line's connection: %+v", r)
		}
	}
}
