package media

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
	"time"

	"tipring/internal/capture"
	"tipring/internal/media/srtp"
)

// keyOf is a master key that is one number all through.
func keyOf(n byte) (k srtp.Key) {
	k.Suite = srtp.AES128SHA80
	for i := range k.Suite.Size() {
		k.Master[i] = n
	}
	return k
}

// secure gives params keys by their numbers.
func (p Params) secure(local, remote byte) Params {
	p.SRTP = &srtp.Keys{Local: keyOf(local), Remote: keyOf(remote)}
	return p
}

// A securePeer speaks SRTP to a bench.
type securePeer struct {
	*bench
	out *srtp.Sender
	in  *srtp.Receiver
}

func newSecurePeer(b *bench, local, remote byte) *securePeer {
	b.Helper()
	out, err := srtp.NewSender(keyOf(local))
	if err != nil {
		b.Fatal(err)
	}
	in, err := srtp.NewReceiver(keyOf(remote))
	if err != nil {
		b.Fatal(err)
	}
	return &securePeer{b, out, in}
}

func secureBench(t *testing.T) *securePeer {
	t.Helper()
	return newSecurePeer(newBench(t, Config{}, ulaw20.secure(1, 2)), 2, 1)
}

// packet is the peer's packet n.
func (p *securePeer) packet(n int) []byte {
	p.Helper()
	b, err := p.out.RTP(rtpPacket(0, uint16(n), uint32(n)*160, 7, tone20()))
	if err != nil {
		p.Fatal(err)
	}
	return b
}

// says lets the peer send n packets from its own address, beginning with number seq.
func (p *securePeer) says(seq, n int) (heard []int16) {
	for i := range n {
		p.network.Send(p.packet(seq+i), peers, ours)
		heard = append(heard, p.run(20, nil)...)
	}
	return heard
}

// hears takes what reached the peer and returns its payloads, source and first number.
func (p *securePeer) hears() (payload []byte, ssrc uint32, seq uint16) {
	p.Helper()
	buf, dst := make([]byte, 2000), make([]byte, 2000)
	first := true
	for {
		d, ok := p.peer.RTP.Read(buf)
		if !ok {
			return payload, ssrc, seq
		}
		plain, m, err := p.in.RTP(dst, buf[:d.N])
		if err != nil {
			p.Fatalf("% x: %v", buf[:12], err)
		}
		p.in.Accept(m)
		if first {
			ssrc, seq, first = binary.BigEndian.Uint32(plain[8:]), binary.BigEndian.Uint16(plain[2:]), false
		}
		payload = append(payload, plain[12:]...)
	}
}

func TestTwoSecureSessions(t *testing.T) {
	n := &Network{Clock: time.Now}
	wire := 0
	n.Filter = func(from, _ netip.AddrPort, b []byte) bool {
		if wire++; bytes.Contains(b, bytes.Repeat([]byte{0x90}, 8)) || bytes.Contains(b, []byte("\xff\xff\xff\xff\xff\xff\xff\xff")) {
			t.Errorf("from %v the sound can be read", from)
		}
		return true
	}
	var sessions [2]*Session
	for i, a := range []netip.AddrPort{ours, peers} {
		pair, err := n.Listen(a)
		if err != nil {
			t.Fatal(err)
		}
		sessions[i] = New(pair, Config{})
		defer closing(sessions[i])
	}
	for i, a := range []netip.AddrPort{peers, ours} {
		if err := sessions[i].Update(ulaw20.to(a).secure(byte(1+i), byte(2-i))); err != nil {
			t.Fatal(err)
		}
	}
	in, out := make([]int16, 160), make([]int16, 160)
	for i := range in {
		in[i] = int16(4000 * (i/10%2*2 - 1))
	}
	var heard [2]int
	for range 1500 {
		for i, s := range sessions {
			s.Exchange(in, out)
			heard[i] += loud(out)
		}
	}
	for i, s := range sessions {
		s.publish()
		st := s.Stats()
		if heard[i] < 1400*160 || st.Unauthentic+st.Malformed+st.Foreign+st.Lost+st.Duplicates > 0 {
			t.Errorf("session %d hears %d samples: %+v", i, heard[i], st)
		}
		if st.RTTMS < 0 || st.RemoteLossPct != 0 {
			t.Errorf("session %d reads no report: %+v", i, st)
		}
	}
	if wire < 3000 {
		t.Errorf("%d packets", wire)
	}
}

// What is not authentic is not heard, counts, and changes nothing.
func TestNotAuthentic(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(p *securePeer, n int) []byte
	}{
		{"another key", func(p *securePeer, n int) []byte {
			return newSecurePeer(p.bench, 9, 1).packet(n)
		}},
		{"our own key, sent back", func(p *securePeer, n int) []byte {
			return newSecurePeer(p.bench, 1, 1).packet(n)
		}},
		{"no key", func(p *securePeer, n int) []byte { return rtpPacket(0, uint16(n), uint32(n)*160, 7, tone20()) }},
		{"a bit of the sound", func(p *securePeer, n int) []byte {
			b := p.packet(n)
			b[20] ^= 1
			return b
		}},
		{"a bit of the tag", func(p *securePeer, n int) []byte {
			b := p.packet(n)
			b[len(b)-1] ^= 0x80
			return b
		}},
		{"a bit of the header", func(p *securePeer, n int) []byte {
			b := p.packet(n)
			b[5] ^= 1
			return b
		}},
		{"cut short", func(p *securePeer, n int) []byte { return p.packet(n)[:20] }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := secureBench(t)
			for n := range 50 {
				p.network.Send(tt.spoil(p, n), peers, ours)
				if loud(p.run(20, nil)) > 0 {
					t.Fatal("it is heard")
				}
			}
			if st := p.count(); st.Unauthentic != 50 || st.PacketsReceived != 0 {
				t.Errorf("%+v", st)
			}
			if p.remote.settled {
				t.Error("it settled the source")
			}
			if p.out, _ = srtp.NewSender(keyOf(2)); loud(p.says(100, 50)) < 40*160 {
				t.Error("the peer is not heard after it")
			}
		})
	}
}

// Neither a stranger with packets of its own nor one who repeats the peer's moves the stream.
func TestStrangersMoveNothing(t *testing.T) {
	stranger := netip.AddrPortFrom(peers.Addr(), peers.Port()+2) // where plain RTP would be learned from
	elsewhere := netip.MustParseAddrPort("10.0.0.3:5000")
	for _, settled := range []bool{false, true} {
		p := secureBench(t)
		seq := 0
		if settled {
			p.says(0, 20)
			seq = 20
		}
		copied := make([][]byte, 20)
		for i := range copied {
			copied[i] = p.packet(seq + i)
		}
		for i := range 20 {
			for _, from := range []netip.AddrPort{stranger, elsewhere} {
				p.network.Send(rtpPacket(0, uint16(seq+i), uint32(seq+i)*160, 7, tone20()), from, ours)
				control := appendCNAME(appendReport(nil, 7, nil, nil), 7, "x")
				p.network.Send(control, from, netip.AddrPortFrom(ours.Addr(), ours.Port()+1))
			}
			p.run(20, nil)
			if p.Remote() != peers || p.remote.rtcp.Port() != peers.Port()+1 {
				t.Fatalf("settled %v: sound goes to %v, reports to %v", settled, p.Remote(), p.remote.rtcp)
			}
		}
		for _, b := range copied {
			p.network.Send(b, peers, ours)
			p.run(20, nil)
			p.network.Send(b, elsewhere, ours)
			p.network.Send(b, peers, ours)
		}
		p.run(20, nil)
		if st := p.count(); int(st.PacketsReceived) != seq+20 || st.Duplicates != 20 || p.Remote() != peers {
			t.Errorf("settled %v: %+v", settled, st)
		}
	}
}

// Behind a NAT the peer is learned by packets that only it can have sent.
func TestSecurePeerBehindNAT(t *testing.T) {
	p := secureBench(t)
	mapped := netip.MustParseAddrPort("10.0.0.9:7777")
	for i := range otherHostRun + 20 {
		p.network.Send(p.packet(i), mapped, ours)
		p.run(20, nil)
	}
	if p.Remote() != mapped {
		t.Errorf("sound goes to %v", p.Remote())
	}
}

func TestSecureReports(t *testing.T) {
	p := secureBench(t)
	p.says(0, 10)
	at := netip.AddrPortFrom(ours.Addr(), ours.Port()+1)
	block := &reportBlock{ssrc: p.ssrc, fraction: 64}
	say := func(n byte, mend func(b []byte)) {
		s, err := srtp.NewSender(keyOf(n))
		if err != nil {
			t.Fatal(err)
		}
		b, err := s.RTCP(appendReport(make([]byte, 0, 200), 7, nil, block))
		if err != nil {
			t.Fatal(err)
		}
		if mend(b); true {
			p.network.Send(b, netip.AddrPortFrom(peers.Addr(), peers.Port()+1), at)
		}
		p.run(200, nil)
	}
	say(9, func([]byte) {})
	say(2, func(b []byte) { b[12] ^= 1 })
	p.network.Send(appendBYE(nil, 7), netip.AddrPortFrom(peers.Addr(), peers.Port()+1), at)
	p.run(200, nil)
	if st := p.count(); st.Unauthentic != 3 || st.RemoteLossPct != -1 || p.left {
		t.Errorf("strangers: %+v, left %v", st, p.left)
	}
	say(2, func([]byte) {})
	if st := p.count(); st.RemoteLossPct != 25 {
		t.Errorf("the peer: %+v", st)
	}
	// On the port of RTP too (RFC 5761), and once.
	say(2, func([]byte) {})
	if st := p.count(); st.Unauthentic != 4 {
		t.Errorf("the same number again: %+v", st)
	}
	p.report(true)
	buf, dst := make([]byte, 500), make([]byte, 500)
	var last []byte
	for {
		d, ok := p.peer.RTCP.Read(buf)
		if !ok {
			break
		}
		plain, m, err := p.in.RTCP(dst, buf[:d.N])
		if err != nil {
			t.Fatal(err)
		}
		p.in.Accept(m)
		last = slices.Clone(plain)
	}
	if r, ok := parseRTCP(last, 7); !ok || !r.bye || !r.has {
		t.Errorf("our last report: %+v", r)
	}
}

// A new key on either side is in force at once, and what was under the old one is no more.
func TestNewKeys(t *testing.T) {
	p := secureBench(t)
	if loud(p.says(0, 20)) == 0 {
		t.Fatal("not heard")
	}
	_, ssrc, _ := p.hears()
	old := p.packet(20)
	if err := p.Update(ulaw20.to(peers).secure(3, 4)); err != nil {
		t.Fatal(err)
	}
	p.network.Send(old, peers, ours)
	p.run(20, nil)
	if st := p.count(); st.Unauthentic != 1 {
		t.Errorf("under the old key: %+v", st)
	}
	next := newSecurePeer(p.bench, 4, 3)
	if loud(next.says(21, 20)) < 15*160 {
		t.Error("not heard under the new key")
	}
	if payload, again, _ := next.hears(); len(payload) == 0 || again != ssrc {
		t.Errorf("%d octets from %x, was %x", len(payload), again, ssrc)
	}
}

// The same keys once more, as a session refresh or a hold brings them, begin nothing anew: nor
// after sound that was plain, or a fax.
func TestSameKeysGoOn(t *testing.T) {
	p := secureBench(t)
	p.says(65530, 20)
	p.hears()
	for _, between := range []func(){
		func() {},
		func() { _ = p.Update(ulaw20.to(peers)) },
		func() { p.Packets(peers) },
	} {
		if between(); false {
			continue
		}
		p.run(20, nil)
		for { // what went out meanwhile is plain
			if _, ok := p.peer.RTP.Read(make([]byte, 500)); !ok {
				break
			}
		}
		if err := p.Update(ulaw20.to(peers).secure(1, 2)); err != nil {
			t.Fatal(err)
		}
		seq := int(p.source.highest()) + 1
		if loud(p.says(seq, 20)) < 15*160 {
			t.Error("not heard")
		}
		if payload, _, _ := p.hears(); len(payload) == 0 {
			t.Error("nothing is sent")
		}
	}
}

// Once the numbers have wrapped, who comes in with a key of its own cannot know how often: to
// it we are another source.
func TestNewKeysAfterAWrap(t *testing.T) {
	for _, tt := range []struct {
		name          string
		local, remote byte
	}{{"ours", 3, 2}, {"theirs", 1, 4}, {"both", 3, 4}} {
		t.Run(tt.name, func(t *testing.T) {
			p := secureBench(t)
			p.seq = 65530
			p.run(200, nil)
			_, ssrc, _ := p.hears()
			if !p.secure.out.Rolled() {
				t.Fatal("no wrap")
			}
			if err := p.Update(ulaw20.to(peers).secure(tt.local, tt.remote)); err != nil {
				t.Fatal(err)
			}
			p.run(200, nil)
			payload, again, seq := newSecurePeer(p.bench, tt.remote, tt.local).hears()
			if len(payload) == 0 || again == ssrc || seq >= 1<<15 {
				t.Errorf("%d octets from %x (was %x), first number %d", len(payload), again, ssrc, seq)
			}
		})
	}
}

// Nearly at a wrap, the first packets under a key could be lost.
func TestKeysShortBeforeAWrap(t *testing.T) {
	b := newBench(t, Config{}, ulaw20)
	b.seq = 65530
	if err := b.Update(ulaw20.to(peers).secure(1, 2)); err != nil {
		t.Fatal(err)
	}
	if b.seq >= 1<<15 {
		t.Errorf("number %d", b.seq)
	}
}

// A packet that could not be sent has used its number.
func TestNumberOfAPacketNotSent(t *testing.T) {
	p := secureBench(t)
	before := p.seq
	_ = p.pair.RTP.Close()
	p.run(100, nil)
	if st := p.count(); st.SendErrors != 5 || p.seq != before+5 {
		t.Errorf("%d after %d: %+v", p.seq, before, st)
	}
}

func TestKeysThatCannotBe(t *testing.T) {
	p := secureBench(t)
	for _, keys := range []srtp.Keys{{}, {Local: keyOf(1)}, {Remote: keyOf(2)}} {
		params := ulaw20.to(peers)
		params.SRTP = &keys
		if err := p.Update(params); err == nil {
			t.Errorf("%v", keys)
		}
	}
	if loud(p.says(0, 20)) == 0 {
		t.Error("what was in force is not any more")
	}
}

// A capture shows what was on the wire, and of an encrypted event nothing but its header.
func TestCaptureOfSecureSound(t *testing.T) {
	p := secureBench(t)
	seen := &seenPackets{}
	p.tap = seen
	p.says(0, 3)
	event, err := p.out.RTP(rtpPacket(101, 3, 480, 7, []byte{5, 10, 0, 160}))
	if err != nil {
		t.Fatal(err)
	}
	p.network.Send(event, peers, ours)
	p.run(20, nil)
	p.SendEvent(5, 100)
	p.run(40, nil)
	for _, x := range seen.list {
		if x.kind == capture.TelephoneEvent || bytes.Contains(x.data, tone20()[:20]) {
			t.Errorf("kind %d: % x", x.kind, x.data)
		}
	}
	if n := len(seen.list); n < 8 {
		t.Errorf("%d packets", n)
	}
}

type seenPackets struct{ list []seenPacket }

type seenPacket struct {
	kind capture.PacketKind
	data []byte
}

func (s *seenPackets) Takes(capture.PacketKind) bool { return true }
func (s *seenPackets) Packet(_ time.Time, k capture.PacketKind, _ bool, _ uint16, _ netip.AddrPort, b []byte) {
	s.list = append(s.list, seenPacket{k, slices.Clone(b)})
}

func TestSecureFramesAllocateNothing(t *testing.T) {
	legs := secureLegs(t)
	in, out := make([]int16, 160), make([]int16, 160)
	if n := testing.AllocsPerRun(1000, func() {
		legs[0].Exchange(in, out)
		legs[1].Exchange(in, out)
	}); n > 0 {
		t.Errorf("%v allocations a frame", n)
	}
	if legs[0].publish(); legs[0].Stats().PacketsReceived < 900 {
		t.Errorf("%+v", legs[0].Stats())
	}
}

// secureLegs are the sessions of a call over the kernel's loopback.
func secureLegs(t testing.TB) (legs [2]*Session) {
	ports := newTestPorts(t)
	pairs := [2]*Pair{listenLoopback(t, ports), listenLoopback(t, ports)}
	for i := range legs {
		legs[i] = New(pairs[i], Config{})
		t.Cleanup(func() { closing(legs[i]) })
		if err := legs[i].Update(ulaw20.to(pairs[1-i].RTP.Local()).secure(byte(1+i), byte(2-i))); err != nil {
			t.Fatal(err)
		}
	}
	return legs
}

// BenchmarkSecureCall is BenchmarkCall with SRTP.
func BenchmarkSecureCall(b *testing.B) {
	legs := secureLegs(b)
	in, out := make([]int16, 160), make([]int16, 160)
	b.ReportAllocs()
	for b.Loop() {
		legs[0].Exchange(in, out)
		legs[1].Exchange(in, out)
	}
}
