package t30

import (
	"fmt"
	"testing"
)

func TestPollingBothRoles(t *testing.T) {
	for _, ecm := range []bool{false, true} {
		doc := newDoc(fullPage(2000, 1, Form{}), fullPage(2000, 2, Form{}), fullPage(2000, 3, Form{Resolution: Fine}))
		sink := &testSink{}
		var asked Peer
		l := newLink(t,
			Config{Sink: sink, ECM: ecm, Ident: "111", Password: "4711", Selective: "8"},
			Config{Source: doc, ECM: ecm, Ident: "222", NeedsSecret: "4711", Admit: func(p Peer) bool { asked = p; return true }})
		mustSend(t, l, doc, sink)
		if !asked.Polls || asked.Selective != "8" || asked.Ident != "111" || l.ends[0].t.Result().Peer.Ident != "222" {
			t.Errorf("asked %+v", asked)
		}
	}
}

func TestSendThenPoll(t *testing.T) {
	for _, ecm := range []bool{false, true} {
		there, back := textPages(2, 2000), textPages(2, 3000)
		sunk, polled := &testSink{}, &testSink{}
		l := newLink(t, Config{Source: there, Sink: polled, ECM: ecm}, Config{Source: back, Sink: sunk, ECM: ecm})
		mustSend(t, l, there, sunk)
		for i, p := range polled.pages {
			if !p.sameAs(back.pages[i].octets) {
				t.Errorf("polled page %d differs", i)
			}
		}
		if len(polled.pages) != 2 {
			t.Errorf("polled %d pages", len(polled.pages))
		}
	}
}

func TestRefusals(t *testing.T) {
	doc := func() *testDoc { return textPages(1, 1000) }
	for _, tt := range []struct {
		name            string
		calling, called Config
		sender, other   Code
	}{
		{"no receiver", Config{Source: doc()}, Config{Source: doc()}, CannotReceive, PeerLeftEarly},
		{"nothing to poll", Config{Sink: &testSink{}}, Config{Sink: &testSink{}}, NothingToPoll, PeerLeftEarly},
		{"no password", Config{Source: doc()}, Config{Sink: &testSink{}, NeedsSecret: "1"}, PeerLeftTrain, SecretRefused},
		{"wrong password", Config{Source: doc(), Password: "2"}, Config{Sink: &testSink{}, NeedsSecret: "1"}, PeerLeftTrain, SecretRefused},
		{"wrong password for polling", Config{Sink: &testSink{}, Password: "2"}, Config{Source: doc(), NeedsSecret: "1"}, PeerLeftEarly, SecretRefused},
		{"not admitted", Config{Source: doc()}, Config{Sink: &testSink{}, Admit: func(Peer) bool { return false }}, PeerLeftTrain, Refused},
		{"empty document", Config{Source: newDoc()}, Config{Sink: &testSink{}}, NoPages, PeerLeftEarly},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLink(t, tt.calling, tt.called)
			if !l.run() {
				t.Fatal("does not end")
			}
			if a, b := l.ends[0].t.Result().Code, l.ends[1].t.Result().Code; a != tt.sender || b != tt.other {
				t.Errorf("calling: %v; called: %v", a, b)
			}
		})
	}
	l := newLink(t, Config{Source: doc(), Password: "123", Subaddress: "9#1"}, Config{Sink: &testSink{}, NeedsSecret: "123"})
	if !l.run() || l.ends[1].t.Result().Code != OK || l.ends[1].t.Result().Peer.Subaddress != "9#1" {
		t.Errorf("right password: %+v", l.ends[1].t.Result())
	}
}

func TestOperators(t *testing.T) {
	yes := func() bool { return true }
	for _, ecm := range []bool{false, true} {
		for _, tt := range []struct {
			name            string
			calling, called Config
			ask             int // which end's operator asks; 2: none
			want            [2]Code
		}{
			{"sender asks, receiver agrees", Config{}, Config{Operator: yes}, 0, [2]Code{TakenOver, TakenOver}},
			{"sender asks, nobody there", Config{}, Config{}, 0, [2]Code{OK, OK}},
			{"receiver asks, sender agrees", Config{Operator: yes}, Config{}, 1, [2]Code{TakenOver, TakenOver}},
			{"receiver asks, nobody there", Config{}, Config{}, 1, [2]Code{OK, OK}},
		} {
			t.Run(fmt.Sprintf("%s, ECM %v", tt.name, ecm), func(t *testing.T) {
				doc, sink := textPages(2, 2000), &testSink{}
				tt.calling.Source, tt.calling.ECM, tt.called.Sink, tt.called.ECM = doc, ecm, sink, ecm
				l := newLink(t, tt.calling, tt.called)
				if tt.ask < 2 {
					l.ends[tt.ask].t.Interrupt()
				}
				if !l.run() {
					t.Fatal("does not end")
				}
				if got := [2]Code{l.ends[0].t.Result().Code, l.ends[1].t.Result().Code}; got != tt.want {
					t.Errorf("%v\n%v\n%v", got, l.ends[0].log, l.ends[1].log)
				}
				if s, r := l.ends[0].t.Result().Sent, l.ends[1].t.Result().Received; s != r {
					t.Errorf("sent %d, received %d", s, r)
				}
			})
		}
	}
}
