package transport

import (
	"net/netip"
	"testing"
)

func TestTargetNormal(t *testing.T) {
	for _, c := range []struct{ in, want Target }{
		{Target{UDP, netip.MustParseAddrPort("[::ffff:192.0.2.1]:5060"), "pbx.example", "tun0"},
			Target{UDP, netip.MustParseAddrPort("192.0.2.1:5060"), "", "tun0"}},
		{Target{TCP, netip.MustParseAddrPort("192.0.2.1:5060"), "pbx.example", ""},
			Target{TCP, netip.MustParseAddrPort("192.0.2.1:5060"), "", ""}},
		{Target{TLS, netip.MustParseAddrPort("192.0.2.1:5061"), "pbx.example", ""},
			Target{TLS, netip.MustParseAddrPort("192.0.2.1:5061"), "pbx.example", ""}},
	} {
		if got := c.in.Normal(); got != c.want {
			t.Errorf("%v: got %v, want %v", c.in, got, c.want)
		}
	}
}

func TestTargetString(t *testing.T) {
	target := Target{TLS, netip.MustParseAddrPort("[2001:db8::1]:5061"), "pbx.example", "tun0"}
	if got, want := target.String(), "tls:[2001:db8::1]:5061 (pbx.example) via tun0"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for p, want := range map[Proto]string{UDP: "udp UDP 5060", TCP: "tcp TCP 5060", TLS: "tls TLS 5061"} {
		if got := p.String() + " " + p.Via() + " " + map[uint16]string{5060: "5060", 5061: "5061"}[p.DefaultPort()]; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
