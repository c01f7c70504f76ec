package media

import (
	"errors"
	"net/netip"
	"testing"
)

// udptl is a datagram with that sequence number.
func udptl(number int) []byte { return []byte{byte(number >> 8), byte(number), 1, 6} }

// A volley is datagrams with numbers that count up by step, one after the other, from an address.
type volley struct {
	from        string
	first, step int
	n           int
	taken       int // how many of them are read
}

func TestPacketsLearnTheirPeer(t *testing.T) {
	const (
		private = "192.168.1.7:6000"
		public  = "203.0.113.5:6000"
	)
	for _, tt := range []struct {
		name     string
		learning Learning
		given    string
		volleys  []volley
		remote   string
	}{
		{"from where it said", LearnNAT, public, []volley{{public, 0, 1, 3, 3}}, public},
		{"from another port of the host", LearnNAT, public, []volley{{"203.0.113.5:9", 0, 1, 5, 4}}, "203.0.113.5:9"},
		{"a private address behind a NAT", LearnNAT, private, []volley{{public, 0, 1, 8, 4}}, public},
		{"numbers wrap", LearnNAT, private, []volley{{public, 65534, 1, 8, 4}}, public},
		{"a loss in between", LearnNAT, private, []volley{{public, 0, 3, 8, 4}}, public},
		{"repeats prove nothing", LearnNAT, private, []volley{{public, 7, 0, 50, 0}}, private},
		{"nor do wild numbers", LearnNAT, private, []volley{{public, 7, 1000, 50, 0}}, private},
		{"RTP that is late is no UDPTL", LearnNAT, public, []volley{{"203.0.113.5:4000", 0x8000, 0, 50, 0}}, public},
		{"a public address is not moved to another host", LearnNAT, public, []volley{{"198.51.100.9:6000", 0, 1, 50, 0}}, public},
		{"unless that is wanted", LearnAny, public, []volley{{"198.51.100.9:6000", 0, 1, 8, 4}}, "198.51.100.9:6000"},
		{"never", LearnNever, private, []volley{{public, 0, 1, 50, 0}, {private, 0, 1, 3, 3}}, private},
		{"once locked, nobody moves it", LearnNAT, private, []volley{{private, 0, 1, 1, 1}, {public, 1, 1, 50, 0}, {private, 1, 1, 2, 2}}, private},
		{"nor what was learned", LearnNAT, private, []volley{{public, 0, 1, 6, 2}, {"198.51.100.9:1", 6, 1, 50, 0}, {public, 6, 1, 2, 2}}, public},
		{"but the address it named", LearnNAT, private, []volley{{public, 0, 1, 6, 2}, {private, 0, 1, 5, 5}, {public, 6, 1, 5, 0}}, private},
		{"which settles it before", LearnNAT, private, []volley{{public, 0, 1, 4, 0}, {private, 0, 1, 5, 5}, {public, 4, 1, 50, 0}}, private},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, Config{Learning: tt.learning}, ulaw20)
			p := b.Packets(netip.MustParseAddrPort(tt.given))
			var buf [maxDatagram]byte
			for _, v := range tt.volleys {
				taken := 0
				for i := range v.n {
					b.network.Send(udptl(v.first+i*v.step), netip.MustParseAddrPort(v.from), ours)
					if n, ok := p.Read(buf[:]); ok && n == 4 {
						taken++
					}
				}
				if taken != v.taken {
					t.Errorf("%+v: %d taken", v, taken)
				}
			}
			if got := p.Remote().String(); got != tt.remote {
				t.Errorf("sends to %s, want %s", got, tt.remote)
			}
		})
	}
}

func TestPacketsCountStrangers(t *testing.T) {
	b := newBench(t, Config{}, ulaw20)
	named := netip.MustParseAddrPort("203.0.113.5:6000")
	p := b.Packets(named)
	stranger := netip.MustParseAddrPort("198.51.100.9:6000")
	for i := range 200 {
		b.network.Send(udptl(i), stranger, ours)
	}
	b.network.Send(udptl(1), named, ours)
	b.network.Send([]byte{0}, named, ours)
	b.network.Send(make([]byte, maxDatagram+1), named, ours)
	var buf [maxDatagram]byte
	taken, reads := 0, 0
	for reads = range 10 {
		if _, ok := p.Read(buf[:]); ok {
			taken++
		}
	}
	if st := p.Stats(); taken != 1 || st != (PacketStats{Received: 1, Foreign: 200, Malformed: 2}) {
		t.Errorf("%d taken in %d reads, %+v", taken, reads+1, st)
	}
}

func TestPacketsStopLearning(t *testing.T) {
	b := newBench(t, Config{}, ulaw20)
	private, outside := netip.MustParseAddrPort("10.9.9.9:6000"), netip.MustParseAddrPort("203.0.113.5:6000")
	p := b.Packets(private)
	b.run(30000, nil)
	var buf [maxDatagram]byte
	try := func(from netip.AddrPort) (taken int) {
		for i := range 10 {
			b.network.Send(udptl(i), from, ours)
			if _, ok := p.Read(buf[:]); ok {
				taken++
			}
		}
		return taken
	}
	if n := try(outside); n != 0 {
		t.Errorf("after half a minute %d datagrams of another address are taken", n)
	}
	if n := try(private); n != 10 {
		t.Errorf("%d datagrams of the address that the peer named are taken", n)
	}
	again := netip.MustParseAddrPort("10.9.9.8:6000")
	p.SetRemote(again)
	if n := try(outside); n != 6 {
		t.Errorf("%d datagrams are taken when the peer has named another address, want 6", n)
	}
	b.run(30000, nil)
	if n := try(again); n != 0 || p.Remote() != outside {
		t.Errorf("half a minute later %d datagrams of the address that it named are taken", n)
	}
}

// A peer whose sound came through a NAT is sought there first when it names the same
// address for T.38, but may have another hole for it.
func TestPacketsBeginWhereSoundCameFrom(t *testing.T) {
	b := newBench(t, Config{}, ulaw20)
	outside := netip.MustParseAddrPort("203.0.113.5:7000")
	b.talk(outside, 1, 1, 10)
	p := b.Packets(peers)
	if p.Remote() != outside {
		t.Fatalf("sends to %v, want %v", p.Remote(), outside)
	}
	other := netip.MustParseAddrPort("203.0.113.5:7002")
	var buf [maxDatagram]byte
	for i := range 3 {
		b.network.Send(udptl(i), other, ours)
		_, _ = p.Read(buf[:])
	}
	if p.Remote() != other {
		t.Errorf("sends to %v, want %v", p.Remote(), other)
	}
}

// The socket carries RTP, then T.38, then RTP: each time nothing of the other.
func TestPacketsAndBack(t *testing.T) {
	b := newBench(t, Config{}, ulaw20)
	b.talk(peers, 1, 1, 50)
	before := b.got()
	p := b.Packets(peers)
	if heard := b.talk(peers, 1, 51, 50); loud(heard) > 0 || len(b.got()) > 0 {
		t.Error("sound while the socket is lent")
	}
	if err := p.Write(udptl(0)); err != nil {
		t.Fatal(err)
	}
	var buf [maxDatagram]byte
	if d, ok := b.peer.RTP.Read(buf[:]); !ok || d.N != 4 || d.From != ours {
		t.Fatalf("%+v arrived", d)
	}
	for ok := true; ok; {
		_, ok = p.Read(buf[:])
	}
	if err := b.Update(ulaw20.to(peers)); err != nil {
		t.Fatal(err)
	}
	b.network.Send(udptl(9), peers, ours)
	if _, ok := p.Read(buf[:]); ok || !errors.Is(p.Write(udptl(1)), errTooLate) {
		t.Error("the datagrams go on when sound is back")
	}
	if heard := b.talk(peers, 1, 101, 50); loud(heard) < 7000 {
		t.Errorf("%d samples of sound in a second", loud(heard))
	}
	after := b.got()
	if len(after) != 50 {
		t.Fatalf("%d packets in a second", len(after))
	}
	first, last := after[0], before[len(before)-1]
	if !first.Marker || first.SequenceNumber != last.SequenceNumber+1 || first.Timestamp-last.Timestamp != 51*160 {
		t.Errorf("after a second of T.38 the stream goes on with %v, before it was %v", first, last)
	}
}

func TestPacketsOfAClosedSession(t *testing.T) {
	b := newBench(t, Config{}, ulaw20)
	p := b.Packets(peers)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	var buf [maxDatagram]byte
	if _, ok := p.Read(buf[:]); ok || !errors.Is(p.Write(udptl(0)), errTooLate) {
		t.Error("a closed session still has datagrams")
	}
	late := b.Packets(peers)
	if _, ok := late.Read(buf[:]); ok || !errors.Is(late.Write(udptl(0)), errTooLate) {
		t.Error("a closed session lends a socket")
	}
	if _, _, n := b.gotRTCP(0); n != 0 {
		t.Error("a BYE of RTCP in the middle of T.38")
	}
}

func TestPacketsToNobody(t *testing.T) {
	b := newBench(t, Config{}, ulaw20)
	for _, to := range []string{"0.0.0.0:6000", "10.0.0.2:0"} {
		p := b.Packets(netip.MustParseAddrPort(to))
		if err := p.Write(udptl(0)); err != nil || p.Stats().Sent != 0 {
			t.Errorf("to %s: %v, %+v", to, err, p.Stats())
		}
	}
}

func TestPacketsOfAClosedPair(t *testing.T) {
	inMemory, err := (&Network{}).Listen(ours)
	if err != nil {
		t.Fatal(err)
	}
	for _, pair := range []*Pair{inMemory, listenLoopback(t, newTestPorts(t))} {
		p := pair.Packets(peers)
		if err := pair.Close(); err != nil {
			t.Fatal(err)
		}
		if err := p.Write(udptl(0)); !errors.Is(err, errTooLate) || p.Stats().SendErrors > 0 {
			t.Errorf("%T: %v, %+v", pair.RTP, err, p.Stats())
		}
	}
}

func BenchmarkPackets(b *testing.B) {
	n := &Network{}
	pair, err := n.Listen(ours)
	if err != nil {
		b.Fatal(err)
	}
	defer closing(pair)
	p := NewPackets(pair.RTP, peers, LearnNAT)
	var buf [maxDatagram]byte
	b.ReportAllocs()
	for b.Loop() {
		_, _ = p.Read(buf[:])
	}
}
