package spool

import "testing"

// Faxes wait for those before them to the same destination, and for no others.
func TestDestination(t *testing.T) {
	for _, tt := range []struct {
		x, y Record
		same bool
	}{
		{Record{Kind: Submitted, Peer: "030 1"}, Record{Kind: Machine, Peer: "0301"}, true},
		{Record{Kind: Submitted, Peer: "0301"}, Record{Kind: Submitted, Peer: "sip:0301@example.com"}, true},
		{Record{Kind: Submitted, Peer: "sip:0301@example.com"}, Record{Kind: Submitted, Peer: "sip:0302@example.com"}, false},
		{Record{Kind: Submitted, Peer: "sip:bob@example.com"}, Record{Kind: Submitted, Peer: "sip:alice@example.com"}, false},
		{Record{Kind: Submitted, Peer: "sip:bob@example.com"}, Record{Kind: Submitted, Peer: "SIP:Bob@example.com"}, true},
		{Record{Kind: ToMachine, Port: 1, Peer: "1"}, Record{Kind: Notice, Port: 1, Peer: "2"}, true},
		{Record{Kind: ToMachine, Port: 1, Peer: "1"}, Record{Kind: Submitted, Port: 1, Peer: "1"}, false},
	} {
		if same := destination(tt.x) == destination(tt.y); same != tt.same {
			t.Errorf("%s %s, %s %s: same %v", tt.x.Kind, tt.x.Peer, tt.y.Kind, tt.y.Peer, same)
		}
	}
}
