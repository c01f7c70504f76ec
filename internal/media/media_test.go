package media

import (
	"encoding/binary"
	"io"
	"math"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"unsafe"

	"github.com/pion/rtp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	ours   = netip.MustParseAddrPort("10.0.0.1:4000")
	peers  = netip.MustParseAddrPort("10.0.0.2:5000")
	ulaw20 = Params{Send: Format{0, "PCMU"}, Receive: []Format{{0, "PCMU"}}, EventSend: 101, EventReceive: 101, PtimeMS: 20, Sends: true, Receives: true}
)

// to gives params the peer's address.
func (p Params) to(a netip.AddrPort) Params {
	p.Remote, p.RTCP = a, netip.AddrPortFrom(a.Addr(), a.Port()+1)
	return p
}

// closing closes what a test opened.
func closing(c io.Closer) { _ = c.Close() }

// A bench is a session whose peer is the test.
type bench struct {
	*testing.T
	*Session
	network *Network
	peer    *Pair
}

func newBench(t *testing.T, cfg Config, p Params) *bench {
	t.Helper()
	n := &Network{}
	pair, err := n.Listen(ours)
	if err != nil {
		t.Fatal(err)
	}
	peer, err := n.Listen(peers)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{T: t, Session: New(pair, cfg), network: n, peer: peer}
	if err := b.Update(p.to(peers)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = b.Close(), peer.Close() })
	return b
}

// run exchanges ms milliseconds in frames of 20 and returns what the port hears. said gives
// the samples of the port; nil is silence.
func (b *bench) run(ms int, said func(i int) int16) []int16 {
	in, out := make([]int16, 160), make([]int16, 160)
	var heard []int16
	for range ms / 20 {
		for i := range in {
			in[i] = 0
			if said != nil {
				in[i] = said(len(heard) + i)
			}
		}
		b.Exchange(in, out)
		heard = append(heard, out...)
	}
	return heard
}

// got is the RTP packets that reached the peer.
func (b *bench) got() []rtp.Packet {
	b.Helper()
	var all []rtp.Packet
	buf := make([]byte, 2000)
	for {
		d, ok := b.peer.RTP.Read(buf)
		if !ok {
			return all
		}
		var p rtp.Packet
		if err := p.Unmarshal(slices.Clone(buf[:d.N])); err != nil {
			b.Fatal(err)
		}
		all = append(all, p)
	}
}

// gotRTCP is the last compound packet that reached the peer, and how many did.
func (b *bench) gotRTCP(about uint32) (r report, raw []byte, n int) {
	b.Helper()
	buf := make([]byte, 2000)
	for {
		d, ok := b.peer.RTCP.Read(buf)
		if !ok {
			return r, raw, n
		}
		if r, ok = parseRTCP(buf[:d.N], about); !ok {
			b.Fatalf("malformed RTCP % x", buf[:d.N])
		}
		raw = slices.Clone(buf[:d.N])
		n++
	}
}

// rtpPacket writes a packet.
func rtpPacket(payloadType uint8, seq uint16, ts, ssrc uint32, payload []byte) []byte {
	p := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: payloadType, SequenceNumber: seq, Timestamp: ts, SSRC: ssrc}, Payload: payload}
	b, err := p.Marshal()
	if err != nil {
		panic(err)
	}
	return b
}

// tone20 is 20 ms of a µ-law square wave.
func tone20() []byte {
	b := make([]byte, 160)
	for i := range b {
		b[i] = 0x90
		if i/10%2 == 0 {
			b[i] = 0x10
		}
	}
	return b
}

// talk lets a sender at from send n packets of 20 ms, one a frame, beginning with seq.
func (b *bench) talk(from netip.AddrPort, ssrc uint32, seq, n int) (heard []int16) {
	for i := range n {
		b.network.Send(rtpPacket(0, uint16(seq+i), uint32(seq+i)*160, ssrc, tone20()), from, ours)
		heard = append(heard, b.run(20, nil)...)
	}
	return heard
}

func loud(pcm []int16) int {
	n := 0
	for _, s := range pcm {
		if s > 1000 || s < -1000 {
			n++
		}
	}
	return n
}

// count is the statistics of this moment.
func (b *bench) count() Stats {
	b.publish()
	return b.Stats()
}

func TestFramesBecomePackets(t *testing.T) {
	for _, tt := range []struct{ ptime, packets int }{{10, 100}, {20, 50}, {30, 33}, {40, 25}} {
		p := ulaw20
		p.PtimeMS = tt.ptime
		b := newBench(t, Config{}, p)
		b.run(1000, func(i int) int16 { return int16(i) })
		got := b.got()
		if len(got) != tt.packets {
			t.Fatalf("ptime %d: %d packets in a second, want %d", tt.ptime, len(got), tt.packets)
		}
		for i, p := range got {
			if p.PayloadType != 0 || len(p.Payload) != tt.ptime*8 || p.Marker != (i == 0) ||
				p.SequenceNumber != got[0].SequenceNumber+uint16(i) || p.Timestamp != got[0].Timestamp+uint32(i*tt.ptime*8) || p.SSRC != got[0].SSRC {
				t.Fatalf("ptime %d, packet %d: %v", tt.ptime, i, p)
			}
		}
	}
}

func TestEveryCodecBothWays(t *testing.T) {
	for _, name := range []string{"PCMU", "PCMA", "G722"} {
		t.Run(name, func(t *testing.T) {
			n := &Network{}
			p := ulaw20
			p.Send = Format{96, name}
			p.Receive = []Format{p.Send}
			var sides [2]*Session
			for i, addr := range []netip.AddrPort{ours, peers} {
				pair, err := n.Listen(addr)
				if err != nil {
					t.Fatal(err)
				}
				sides[i] = New(pair, Config{})
				if err := sides[i].Update(p.to([]netip.AddrPort{peers, ours}[i])); err != nil {
					t.Fatal(err)
				}
			}
			in, out, silence := make([]int16, 160), make([]int16, 160), make([]int16, 160)
			var said, heard []int16
			for range 100 {
				for i := range in {
					in[i] = int16(8000 * math.Sin(float64(len(said)+i)*2*math.Pi*440/8000))
				}
				said = append(said, in...)
				sides[0].Exchange(in, out)
				sides[1].Exchange(silence, out)
				heard = append(heard, out...)
			}
			// The same level, and a tone of the same frequency: 440 Hz crosses zero 880 times a second.
			energy, crossings := 0.0, 0
			for i, s := range heard[8000:] {
				energy += float64(s) * float64(s)
				if (s < 0) != (heard[8000+i-1] < 0) {
					crossings++
				}
			}
			if level := math.Sqrt(energy / 8000); level < 5200 || level > 6100 || crossings < 870 || crossings > 890 {
				t.Errorf("level %.0f, %d crossings; want 5657 and 880", level, crossings)
			}
			for _, s := range sides {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestDirections(t *testing.T) {
	for _, tt := range []struct {
		name            string
		sends, receives bool
	}{{"sendrecv", true, true}, {"sendonly", true, false}, {"recvonly", false, true}, {"inactive", false, false}} {
		t.Run(tt.name, func(t *testing.T) {
			p := ulaw20
			p.Sends, p.Receives = tt.sends, tt.receives
			b := newBench(t, Config{}, p)
			heard := b.talk(peers, 1, 1, 50)
			if got := len(b.got()) > 0; got != tt.sends {
				t.Errorf("sends: %v", got)
			}
			if got := loud(heard) > 0; got != tt.receives {
				t.Errorf("plays: %v", got)
			}
			if st := b.count(); st.PacketsReceived != 50 {
				t.Errorf("%d packets counted, want 50", st.PacketsReceived)
			}
			b.run(8000, nil)
			if _, _, n := b.gotRTCP(0); n == 0 {
				t.Error("no RTCP")
			}
		})
	}
}

func TestMarkerAfterAPause(t *testing.T) {
	b := newBench(t, Config{}, ulaw20)
	b.run(200, nil)
	before := b.got()
	held := ulaw20.to(peers)
	held.Sends = false
	if err := b.Update(held); err != nil {
		t.Fatal(err)
	}
	b.run(500, nil)
	if got := b.got(); len(got) > 0 {
		t.Errorf("%d packets while held", len(got))
	}
	if err := b.Update(ulaw20.to(peers)); err != nil {
		t.Fatal(err)
	}
	b.run(100, nil)
	after := b.got()
	last := before[len(before)-1]
	if p := after[0]; !p.Marker || p.SequenceNumber != last.SequenceNumber+1 || p.Timestamp != last.Timestamp+160+4000 {
		t.Errorf("first packet after the pause %v, last before it %v", p, last)
	}
	if after[1].Marker {
		t.Error("the second packet is marked too")
	}
}

func TestHoldByNoAddress(t *testing.T) {
	b := newBench(t, Config{}, ulaw20)
	b.talk(peers, 1, 1, 10)
	b.got()
	hold := ulaw20
	hold.Sends = false
	hold.Remote = netip.AddrPortFrom(netip.Addr{}, 5000)
	if err := b.Update(hold); err != nil {
		t.Fatal(err)
	}
	heard := b.talk(peers, 1, 11, 20)
	b.run(10000, nil)
	if _, _, n := b.gotRTCP(0); len(b.got()) > 0 || n > 0 {
		t.Error("something is sent although there is nowhere to send to")
	}
	if loud(heard) == 0 {
		t.Error("music on hold is not heard")
	}
}

func TestCodecAndPacketTimeChangeInMidCall(t *testing.T) {
	b := newBench(t, Config{}, ulaw20)
	b.run(50, nil)
	b.got()
	next := Params{Send: Format{8, "PCMA"}, Receive: []Format{{8, "PCMA"}, {0, "PCMU"}}, EventSend: -1, EventReceive: -1, PtimeMS: 30, Sends: true, Receives: true}
	if err := b.Update(next.to(peers)); err != nil {
		t.Fatal(err)
	}
	b.run(300, nil)
	got := b.got()
	for _, p := range got {
		if p.PayloadType != 8 || len(p.Payload) != 240 {
			t.Fatalf("packet %v", p)
		}
	}
	if len(got) != 10 || !got[0].Marker {
		t.Errorf("%d packets, the first marked: %v", len(got), got[0].Marker)
	}
	// The peer may change between what was agreed at any packet.
	var heard []int16
	for i := range 40 {
		payload, pt := tone20(), uint8(0)
		if i >= 20 {
			pt = 8
		}
		b.network.Send(rtpPacket(pt, uint16(i), uint32(i)*160, 1, payload), peers, ours)
		heard = append(heard, b.run(20, nil)...)
	}
	if got := loud(heard); got < 37*160 {
		t.Errorf("%d of %d samples heard", got, 40*160)
	}
}

func TestUpdateRefusesAndChangesNothing(t *testing.T) {
	b := newBench(t, Config{}, ulaw20)
	for name, change := range map[string]func(*Params){
		"unknown codec to send":    func(p *Params) { p.Send.Codec = "opus" },
		"unknown codec to receive": func(p *Params) { p.Receive = []Format{{96, "opus"}} },
		"packet time":              func(p *Params) { p.PtimeMS = 60 },
		"no packet time":           func(p *Params) { p.PtimeMS = 0 },
		"too many formats":         func(p *Params) { p.Receive = make([]Format, maxFormats) },
	} {
		p := ulaw20.to(netip.MustParseAddrPort("10.9.9.9:9"))
		change(&p)
		if err := b.Update(p); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if b.Remote() != peers || b.ptime != 160 || b.format.Codec != "PCMU" {
		t.Errorf("remote %v, packet of %d, codec %s", b.Remote(), b.ptime, b.format.Codec)
	}
}

func TestWhatIsNotAudio(t *testing.T) {
	b := newBench(t, Config{}, ulaw20)
	send := func(raw []byte) { b.network.Send(raw, peers, ours); b.run(20, nil) }
	b.talk(peers, 1, 1, 10)
	send(rtpPacket(13, 11, 11*160, 1, []byte{70}))
	send(rtpPacket(77, 12, 12*160, 1, tone20()))
	send(rtpPacket(0, 13, 13*160, 1, nil))
	send([]byte{0x80, 0, 0})
	send(append([]byte{0x40}, rtpPacket(0, 14, 0, 1, tone20())[1:]...))
	send(rtpPacket(0, 14, 14*160, 1, make([]byte, maxPayload+1)))
	padded := rtpPacket(0, 14, 14*160, 1, tone20())
	padded[0] |= 0x20
	padded[len(padded)-1] = 200 // more padding than payload
	send(padded)
	extended := rtpPacket(0, 14, 14*160, 1, []byte{0xbe, 0xde, 0xff, 0xff, 1})
	extended[0] |= 0x10 // an extension longer than the packet
	send(extended)
	if st := b.count(); st.PacketsReceived != 13 || st.Malformed != 5 || st.UnknownType != 1 || st.Lost != 0 || st.Foreign != 0 {
		t.Errorf("%+v", st)
	}
}

func TestSequenceNumbersAreCounted(t *testing.T) {
	b := newBench(t, Config{}, ulaw20)
	for _, seq := range []uint16{65533, 65534, 65534, 0, 65535, 1, 4, 5, 3, 3} { // 2 never comes
		b.network.Send(rtpPacket(0, seq, uint32(int16(seq))*160, 1, tone20()), peers, ours)
		b.run(20, nil)
	}
	if st := b.count(); st.PacketsReceived != 8 || st.Lost != 1 || st.Duplicates != 2 || st.Reordered != 2 || math.Abs(st.LossPct-100.0/9) > 0.01 {
		t.Errorf("%+v", st)
	}
}

func TestSourceChanges(t *testing.T) {
	b := newBench(t, Config{}, ulaw20)
	b.talk(peers, 1, 100, 20)
	heard := b.talk(peers, 2, 30000, 20)
	if got := loud(heard); got < 15*160 {
		t.Errorf("%d samples of the new source heard", got)
	}
	if st := b.count(); st.PacketsReceived != 39 || st.Lost != 0 { // the first of the new source only announces it
		t.Errorf("%+v", st)
	}
	// Two that send at once: the one that plays goes on.
	for i := range 20 {
		b.network.Send(rtpPacket(0, uint16(30020+i), uint32(30020+i)*160, 2, tone20()), peers, ours)
		b.network.Send(rtpPacket(0, uint16(i), uint32(i)*160, 3, tone20()), peers, ours)
		b.run(20, nil)
	}
	if b.source.ssrc != 2 {
		t.Errorf("source %d took over", b.source.ssrc)
	}
	// After a pause, or a BYE, the next one needs no proof.
	b.run(1000, nil)
	b.network.Send(rtpPacket(0, 7, 7, 4, tone20()), peers, ours)
	b.run(20, nil)
	if b.source.ssrc != 4 {
		t.Errorf("source %d, want 4", b.source.ssrc)
	}
	bye := appendBYE(appendReport(nil, 4, nil, nil), 4)
	b.network.Send(bye, netip.AddrPortFrom(peers.Addr(), 5001), netip.AddrPortFrom(ours.Addr(), 4001))
	b.run(120, nil)
	b.network.Send(rtpPacket(0, 7, 7, 5, tone20()), peers, ours)
	b.run(20, nil)
	if b.source.ssrc != 5 {
		t.Errorf("source %d, want 5", b.source.ssrc)
	}
}

func TestSequenceJumpNeedsASecondPacket(t *testing.T) {
	b := newBench(t, Config{}, ulaw20)
	b.talk(peers, 1, 1, 10)
	b.talk(peers, 1, 40000, 1)
	b.talk(peers, 1, 11, 10) // it was a stray one
	if st := b.count(); st.PacketsReceived != 20 || st.Lost != 0 {
		t.Errorf("after a stray packet %+v", st)
	}
	b.talk(peers, 1, 40000, 10)
	if st := b.count(); st.Lost != 0 || st.PacketsReceived > 30 {
		t.Errorf("after a jump %+v", st)
	}
}

func TestFloodDoesNotHoldTheFrameUp(t *testing.T) {
	b := newBench(t, Config{}, ulaw20)
	for i := range queueLimit {
		b.network.Send(rtpPacket(0, uint16(i), uint32(i), 1, tone20()), peers, ours)
	}
	b.run(20, nil)
	if st := b.count(); st.PacketsReceived > drainLimit {
		t.Errorf("%d packets in one frame", st.PacketsReceived)
	}
}

func TestClosedSessionIsSilent(t *testing.T) {
	b := newBench(t, Config{}, ulaw20)
	b.talk(peers, 1, 1, 10)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
	heard := b.run(100, nil)
	if loud(heard) > 0 {
		t.Error("a closed session plays")
	}
	if _, err := b.network.Listen(ours); err != nil {
		t.Errorf("the sockets were not given back: %v", err)
	}
	if st := b.Stats(); st.PacketsReceived != 10 {
		t.Errorf("the figures went: %+v", st)
	}
}

func TestReleaseKeepsTheSockets(t *testing.T) {
	b := newBench(t, Config{}, ulaw20)
	pair := b.Release()
	if pair == nil || b.Release() != nil {
		t.Fatal("the sockets are handed over once")
	}
	if err := pair.RTP.Write([]byte("udptl"), peers); err != nil {
		t.Error(err)
	}
	if err := pair.Close(); err != nil {
		t.Error(err)
	}
}

func TestRandomStart(t *testing.T) {
	seen := map[uint32]bool{}
	for range 3 {
		s := New(nil, Config{})
		for _, v := range []uint32{s.ssrc, s.ts, uint32(s.seq) << 8} {
			if seen[v] {
				t.Errorf("%d twice", v)
			}
			seen[v] = true
		}
	}
}

func TestMemoryOfASession(t *testing.T) {
	size := unsafe.Sizeof(Session{}) + 2*unsafe.Sizeof(g722{}) + unsafe.Sizeof(Pair{}) + 2*unsafe.Sizeof(udpConn{})
	t.Logf("a session %d octets, all %d", unsafe.Sizeof(Session{}), size)
	if size > 16<<10 {
		t.Errorf("%d octets, want 16 kB at most", size)
	}
}

func TestFrameAllocatesNothing(t *testing.T) {
	ports := newTestPorts(t)
	pair, peer := listenLoopback(t, ports), listenLoopback(t, ports)
	s := New(pair, Config{})
	defer closing(s)
	defer closing(peer)
	p := ulaw20.to(peer.RTP.Local())
	p.Send, p.Receive = Format{9, "G722"}, []Format{{9, "G722"}}
	if err := s.Update(p); err != nil {
		t.Fatal(err)
	}
	raw := rtpPacket(9, 0, 0, 1, tone20())
	in, out := make([]int16, 160), make([]int16, 160)
	seq := uint16(0)
	if n := testing.AllocsPerRun(1000, func() {
		seq++
		binary.BigEndian.PutUint16(raw[2:], seq)
		binary.BigEndian.PutUint32(raw[4:], uint32(seq)*160)
		_ = peer.RTP.Write(raw, pair.RTP.Local())
		s.Exchange(in, out)
	}); n > 0 {
		t.Errorf("%v allocations a frame", n)
	}
	s.publish()
	if st := s.Stats(); st.PacketsReceived < 900 || st.PacketsSent < 1000 {
		t.Errorf("%+v", st)
	}
}

func TestStatsWhileTheFramesRun(t *testing.T) {
	b := newBench(t, Config{}, ulaw20)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 1000 {
			if st := b.Stats(); st.PacketsSent < st.PacketsReceived {
				t.Errorf("%+v", st)
				return
			}
			runtime.Gosched()
		}
	}()
	for i := range 200 {
		b.talk(peers, 1, i, 1)
	}
	<-done
}

func BenchmarkFrame(b *testing.B) {
	for _, name := range []string{"PCMU", "G722"} {
		b.Run(name, func(b *testing.B) {
			n := &Network{}
			pair, _ := n.Listen(ours)
			s := New(&Pair{RTP: &echo{local: ours}, RTCP: pair.RTCP}, Config{})
			_ = pair.RTP.Close()
			defer closing(s)
			p := ulaw20.to(peers)
			p.Send = Format{0, name}
			p.Receive = []Format{p.Send}
			if err := s.Update(p); err != nil {
				b.Fatal(err)
			}
			in, out := make([]int16, 160), make([]int16, 160)
			b.ReportAllocs()
			for b.Loop() {
				s.Exchange(in, out)
			}
		})
	}
}

// BenchmarkCall is a frame of both legs of a call over the kernel's loopback.
func BenchmarkCall(b *testing.B) {
	ports := newTestPorts(b)
	var legs [2]*Session
	pairs := [2]*Pair{listenLoopback(b, ports), listenLoopback(b, ports)}
	for i := range legs {
		legs[i] = New(pairs[i], Config{})
		defer closing(legs[i])
		if err := legs[i].Update(ulaw20.to(pairs[1-i].RTP.Local())); err != nil {
			b.Fatal(err)
		}
	}
	in, out := make([]int16, 160), make([]int16, 160)
	b.ReportAllocs()
	for b.Loop() {
		legs[0].Exchange(in, out)
		legs[1].Exchange(in, out)
	}
}

// echo is a socket that gives back what is written, once, as from the peer.
type echo struct {
	local  netip.AddrPort
	packet [200]byte
	n      int
}

func (e *echo) Read(b []byte) (Datagram, bool) {
	if e.n == 0 {
		return Datagram{}, false
	}
	n := copy(b, e.packet[:e.n])
	e.n = 0
	return Datagram{N: n, From: peers}, true
}

func (e *echo) Write(b []byte, _ netip.AddrPort) error {
	e.n = copy(e.packet[:], b)
	return nil
}

func (e *echo) Local() netip.AddrPort { return e.local }
func (e *echo) Close() error          { return nil }
