package transport

import (
	"net/netip"
	"testing"
)

func TestTargetsInLogs(t *testing.T) {
	at := netip.MustParseAddrPort("192.0.2.7:5060")
	for want, target := range map[string]Target{
		"udp:192.0.2.7:5060":               {Addr: at},
		"tls:192.0.2.7:5060 (pbx.example)": {Proto: TLS, Addr: at, Name: "pbx.example"},
		"udp:192.0.2.7:5060 via wg1":       {Addr: at, Name: "192.0.2.7", Device: "wg1"},
		"tcp:192.0.2.7:5060 via wg0":       {Proto: TCP, Addr: at, Device: "wg0"},
		"udp:no address (pbx.example)":     {Name: "pbx.example"},
	} {
		if got := target.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
