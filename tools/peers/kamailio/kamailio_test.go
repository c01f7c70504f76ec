package kamailio

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"tipring/tools/peers/certs"
	"tipring/tools/peers/netlab"
)

func TestMain(m *testing.M) { netlab.Main(nil, m.Run) }

// Both servers of a pair come up with every transport, and do as Fail says.
func TestPair(t *testing.T) {
	lan := netlab.New(t)
	p, b, far := lan.Host("primary", 1), lan.Host("backup", 2), lan.Host("far", 20)
	dir := netlab.WorkDir(t)
	pair := certs.NewAuthority(t, dir, "ca").Server("server", certs.Good, "10.9.0.1", "10.9.0.2")
	for _, algorithm := range []string{"", "MD5", "SHA-256"} {
		o := Options{Algorithm: algorithm, TLS: &pair, Far: netip.AddrPortFrom(far.Addr, 5060)}
		o.Other = b.Addr
		primary := Start(t, p, o)
		o.Other = p.Addr
		backup := Start(t, b, o)

		out, err := far.Run("sipsak", "-v", "-s", "sip:10.9.0.1")
		if err != nil || !strings.Contains(out, "200") {
			t.Errorf("sipsak at %s: %v\n%s", p.Addr, err, out)
		}
		primary.Fail(503, 7)
		out, _ = far.Run("sipsak", "-vvv", "-s", "sip:10.9.0.1")
		if !strings.Contains(out, "SIP/2.0 503") || !strings.Contains(out, "Retry-After: 7") {
			t.Errorf("after Fail(503, 7) sipsak got\n%s", out)
		}
		primary.Fail(0, 0)
		if _, err = far.Run("sipsak", "-s", "sip:10.9.0.1"); err != nil {
			t.Errorf("after Fail(0, 0): %v", err)
		}
		if got := primary.Received(); len(got) != 3 || got[0].Method != "OPTIONS" || got[0].Proto != "udp" {
			t.Errorf("requests at the primary: %+v", got)
		}
		out, err = far.Run("sipsak", "-U", "-C", "sip:2001@10.9.0.20:5060", "-x", "60", "-a", Password("2001"), "-u", "2001", "-s", "sip:2001@10.9.0.2", "-vv")
		if err != nil && algorithm != "SHA-256" { // sipsak does not know it
			t.Errorf("register with %q digest: %v\n%s", algorithm, err, out)
		}
		primary.Restart(func(o *Options) { o.Algorithm = "" })
		if got := primary.Received(); len(got) != 0 {
			t.Errorf("requests at the restarted primary: %+v", got)
		}
		primary.Stop()
		backup.Stop()
		if _, err := primary.Wait(time.Second); err != nil {
			t.Error(err)
		}
	}
}
