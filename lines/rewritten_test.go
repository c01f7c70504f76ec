package lines

import (
	"testing"

	"tipring/internal/sipmsg"
)

// What a server adds to our Via is its right; another address in place of ours is not.
func TestRewrittenVia(t *testing.T) {
	for _, tt := range []struct {
		sent, came string
		want       bool
	}{
		{"192.168.1.9:5060", "192.168.1.9:5060;received=198.51.100.7;rport=40123", false},
		{"192.168.1.9:5060", "192.168.1.9;rport=5060", false}, // its default port
		{"[2001:db8::9]:5062", "[2001:DB8:0::9]:5062", false},
		{"192.168.1.9:5060", "198.51.100.7:5060", true},
		{"192.168.1.9:5060", "192.168.1.9:40123", true},
		{"192.168.1.9:5060", "pbx.example:5060", true},
	} {
		via := func(at string) []sipmsg.Via {
			m, err := sipmsg.Parse([]byte("OPTIONS sip:x@y SIP/2.0\r\nVia: SIP/2.0/UDP " + at + ";branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:x@y>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"))
			if err != nil {
				t.Fatal(err)
			}
			return m.Via
		}
		if got := rewritten(&sipmsg.Message{Via: via(tt.sent)}, &sipmsg.Message{Via: via(tt.came)}); got != tt.want {
			t.Errorf("%s came back as %s: rewritten %v", tt.sent, tt.came, got)
		}
	}
	if rewritten(&sipmsg.Message{}, &sipmsg.Message{}) {
		t.Error("no Via at all")
	}
}
