package media

import (
	"fmt"
	"net/netip"
	"testing"
)

// A stranger's packets, one after the other, from an address.
type run struct {
	from  string
	ssrc  uint32
	seq   uint16
	n     int
	taken int // how many of them are accepted

	before int // ms that pass before the first
}

func TestRemote(t *testing.T) {
	const (
		private = "192.168.1.7:4000"
		public  = "203.0.113.5:4000"
	)
	for _, tt := range []struct {
		name     string
		learning Learning
		given    string
		runs     []run
		remote   string // where we send at the end
	}{
		{"from where it said", LearnNAT, public, []run{{public, 1, 1, 3, 3, 0}}, public},
		{"another port of the same host", LearnNAT, public, []run{{"203.0.113.5:9", 1, 1, 5, 4, 0}}, "203.0.113.5:9"},
		{"a private address behind a NAT", LearnNAT, private, []run{{public, 1, 1, 10, 6, 0}}, public},
		{"an address of a carrier's NAT", LearnNAT, "100.64.3.4:4000", []run{{public, 1, 65534, 10, 6, 0}}, public},
		{"a public address is not moved to another host", LearnNAT, public, []run{{"198.51.100.9:4000", 1, 1, 100, 0, 0}}, public},
		{"unless that is wanted", LearnAny, public, []run{{"198.51.100.9:4000", 1, 1, 10, 6, 0}}, "198.51.100.9:4000"},
		{"never", LearnNever, private, []run{{public, 1, 1, 100, 0, 0}, {"192.168.1.7:9", 1, 1, 100, 0, 0}, {private, 1, 1, 3, 3, 0}}, private},
		{"numbers that do not follow prove nothing", LearnNAT, private, []run{{public, 1, 1, 4, 0, 0}, {public, 1, 9, 4, 0, 0}, {public, 2, 13, 4, 0, 0}}, private},
		{"once settled, nobody moves it", LearnNAT, private, []run{{private, 1, 1, 1, 1, 0}, {public, 1, 2, 100, 0, 0}, {"192.168.1.7:9", 1, 1, 100, 0, 0}, {private, 1, 2, 1, 1, 0}}, private},
		{"once learned, no other moves it", LearnNAT, private, []run{{public, 1, 1, 6, 2, 0}, {"198.51.100.9:1", 9, 1, 100, 0, 0}, {public, 1, 7, 1, 1, 0}}, public},
		{"but the one it gave", LearnNAT, private, []run{{from: "198.51.100.9:1", ssrc: 9, seq: 1, n: 6, taken: 2}, {from: private, ssrc: 1, seq: 1, n: 2, taken: 2, before: 4900}, {from: "198.51.100.9:1", ssrc: 9, seq: 7, n: 10}}, private},
		{"and not that in the middle of a call", LearnNAT, private, []run{{from: public, ssrc: 1, seq: 1, n: 6, taken: 2}, {from: public, ssrc: 1, seq: 7, n: 1, taken: 1, before: 5000}, {from: private, ssrc: 1, seq: 8, n: 100, before: 400}, {from: public, ssrc: 1, seq: 8, n: 10, taken: 10}}, public},
		{"but when the other has gone quiet", LearnNAT, private, []run{{from: public, ssrc: 1, seq: 1, n: 6, taken: 2}, {from: private, ssrc: 1, seq: 7, n: 10, taken: 10, before: 5000}}, private},
		{"which settles it before", LearnNAT, private, []run{{public, 9, 1, 4, 0, 0}, {private, 1, 1, 2, 2, 0}, {public, 9, 5, 10, 0, 0}}, private},
		{"four others at the same time do not hinder it", LearnNAT, private, []run{
			{"198.51.100.1:1", 1, 1, 1, 0, 0}, {"198.51.100.2:1", 1, 1, 1, 0, 0}, {"198.51.100.3:1", 1, 1, 1, 0, 0},
			{public, 1, 1, 2, 0, 0}, {"198.51.100.1:1", 1, 5, 1, 0, 0}, {public, 1, 3, 4, 2, 0}}, public},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := remote{learning: tt.learning}
			given := netip.MustParseAddrPort(tt.given)
			r.set(given, netip.AddrPortFrom(given.Addr(), given.Port()+1))
			for _, run := range tt.runs {
				r.pass(run.before * samplesPerMS)
				taken := 0
				for i := range run.n {
					if r.accept(netip.MustParseAddrPort(run.from), run.ssrc, run.seq+uint16(i)) {
						taken++
					}
				}
				if taken != run.taken {
					t.Errorf("%+v: %d taken", run, taken)
				}
			}
			if got := r.rtp.String(); got != tt.remote {
				t.Errorf("sends to %s, want %s", got, tt.remote)
			}
			if r.settled && r.rtcp != netip.AddrPortFrom(r.rtp.Addr(), r.rtp.Port()+1) {
				t.Errorf("RTCP to %v", r.rtcp)
			}
		})
	}
}

func TestRemoteOfARenegotiation(t *testing.T) {
	given := netip.MustParseAddrPort("192.168.1.7:4000")
	nat := netip.MustParseAddrPort("203.0.113.5:4000")
	r := remote{}
	set := func(a netip.AddrPort) { r.set(a, netip.AddrPortFrom(a.Addr(), a.Port()+1)) }
	learn := func(from netip.AddrPort) {
		for i := range otherHostRun {
			r.accept(from, 1, uint16(i))
		}
	}
	set(given)
	learn(nat)
	set(given)
	if r.rtp != nat {
		t.Errorf("the same address again forgets what was learned: %v", r.rtp)
	}
	set(netip.AddrPortFrom(netip.Addr{}, 4000))
	if r.known() || !r.accept(nat, 1, 9) {
		t.Error("on hold without an address nothing is sent and the peer is heard")
	}
	set(netip.MustParseAddrPort("[::ffff:192.168.1.7]:4000"))
	if r.rtp != nat || !r.known() {
		t.Errorf("after the hold: %v", r.rtp)
	}
	other := netip.MustParseAddrPort("192.168.1.7:4010")
	set(other)
	if r.rtp != other || r.accept(nat, 1, 10) {
		t.Errorf("a new address: sends to %v", r.rtp)
	}
	moved := netip.MustParseAddrPort("203.0.113.5:4010")
	learn(moved)
	if r.rtp != moved {
		t.Errorf("learning is not open again: %v", r.rtp)
	}
}

func TestRemoteRTCP(t *testing.T) {
	given := netip.MustParseAddrPort("192.168.1.7:4000")
	r := remote{}
	r.set(given, netip.MustParseAddrPort("192.168.1.8:4005"))
	for from, want := range map[string]bool{"192.168.1.8:4005": true, "192.168.1.7:77": true, "192.168.1.8:4006": false, "203.0.113.5:4001": false} {
		if got := r.acceptRTCP(netip.MustParseAddrPort(from)); got != want {
			t.Errorf("from %s: %v, want %v", from, got, want)
		}
	}
	if r.rtcp != netip.MustParseAddrPort("192.168.1.8:4005") {
		t.Errorf("moved to %v without a NAT", r.rtcp)
	}
	nat := netip.MustParseAddr("203.0.113.5")
	for i := range otherHostRun {
		r.accept(netip.AddrPortFrom(nat, 4000), 1, uint16(i))
	}
	mapped := netip.AddrPortFrom(nat, 61001)
	if !r.acceptRTCP(mapped) || r.rtcp != mapped {
		t.Errorf("behind a NAT RTCP goes to %v, want %v", r.rtcp, mapped)
	}
	if r.acceptRTCP(netip.MustParseAddrPort("192.168.1.8:4005")) || r.rtcp != mapped {
		t.Errorf("where it was said to come from it is still taken, and goes to %v", r.rtcp)
	}
	r.set(netip.MustParseAddrPort("192.168.1.7:4010"), netip.MustParseAddrPort("192.168.1.7:4011"))
	for i := range otherHostRun {
		r.accept(netip.AddrPortFrom(nat, 65535), 1, uint16(i))
	}
	if r.rtp.Port() != 65535 || r.rtcp.IsValid() {
		t.Errorf("RTP to %v, RTCP to %v", r.rtp, r.rtcp)
	}
}

// TestForeignPackets injects RTP from three strangers at four moments of a call. Nothing of
// it is played, nothing is sent to a stranger, and the stream stays where it is. A peer that may
// be anywhere is safe from them once it was heard.
func TestForeignPackets(t *testing.T) {
	for learning, moments := range map[Learning][]string{
		LearnNAT:   {"before the first packet", "with the first packet", "in mid-call", "while the peer is silent"},
		LearnNever: {"before the first packet", "with the first packet", "in mid-call", "while the peer is silent"},
		LearnAny:   {"in mid-call", "while the peer is silent"},
	} {
		for _, moment := range moments {
			t.Run(fmt.Sprint(learning, " ", moment), func(t *testing.T) { foreignPackets(t, learning, moment) })
		}
	}
}

func foreignPackets(t *testing.T, learning Learning, moment string) {
	public := netip.MustParseAddrPort("203.0.113.9:5000")
	strangers := []netip.AddrPort{
		netip.MustParseAddrPort("198.51.100.1:5000"),               // another host
		netip.MustParseAddrPort("198.51.100.2:1"),                  // and one more
		netip.AddrPortFrom(netip.MustParseAddr("10.0.0.1"), 65000), // our own
	}
	for _, stranger := range strangers {
		t.Run(stranger.String(), func(t *testing.T) {
			b := newBench(t, Config{Learning: learning}, ulaw20)
			peer, err := b.network.Listen(public)
			if err != nil {
				t.Fatal(err)
			}
			defer closing(peer)
			wrong, err := b.network.Listen(stranger)
			if err != nil {
				t.Fatal(err)
			}
			defer closing(wrong)
			if err := b.Update(ulaw20.to(public)); err != nil {
				t.Fatal(err)
			}
			if moment == "in mid-call" || moment == "while the peer is silent" {
				b.talk(public, 1, 1, 50)
			}
			if moment == "while the peer is silent" {
				b.run(2000, nil)
			}
			foreign := 0
			inject := func(n int) {
				for range n {
					b.network.Send(rtpPacket(0, uint16(foreign), uint32(foreign)*160, 99, tone20()), stranger, ours)
					foreign++
				}
			}
			inject(20)
			heard := b.run(400, nil)
			if loud(heard[2000:]) > 0 {
				t.Error("a stranger is heard")
			}
			for i := range 20 {
				inject(1)
				b.talk(public, 1, 51+i, 1)
				inject(1)
			}
			b.run(20, nil)
			st := b.count()
			if int(st.Foreign) != foreign || b.Remote() != public || b.source.ssrc != 1 || st.Lost > 0 {
				t.Errorf("remote %v, source %d, %+v", b.Remote(), b.source.ssrc, st)
			}
			if _, ok := wrong.RTP.Read(make([]byte, 1500)); ok {
				t.Error("something was sent to a stranger")
			}
		})
	}
}

// The far end's stream moves to another port of its host, as with a call that takes another's place
// at one server. The end of the old stream proves nothing that lasts.
func TestEndOfTheStreamBefore(t *testing.T) {
	b := newBench(t, Config{}, ulaw20)
	b.talk(peers, 1, 1, 50)
	next := netip.AddrPortFrom(peers.Addr(), peers.Port()+10)
	if err := b.Update(ulaw20.to(next)); err != nil {
		t.Fatal(err)
	}
	b.talk(peers, 1, 51, 20)
	if heard := b.talk(next, 2, 1, 50); loud(heard) < 45*160 || b.Remote() != next {
		t.Errorf("%d samples heard, sends to %v", loud(heard), b.Remote())
	}
}

func TestSessionLearnsThePeerBehindANAT(t *testing.T) {
	b := newBench(t, Config{}, ulaw20)
	mapped := netip.MustParseAddrPort("203.0.113.9:61000")
	nat, err := b.network.Listen(mapped)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(nat)
	heard := b.talk(mapped, 1, 1, 50)
	if loud(heard) < 40*160 {
		t.Errorf("%d samples heard", loud(heard))
	}
	if _, ok := nat.RTP.Read(make([]byte, 1500)); !ok || b.Remote() != mapped {
		t.Errorf("sends to %v", b.Remote())
	}
}
