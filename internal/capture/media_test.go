package capture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

var peer = netip.MustParseAddrPort("192.0.2.7:30000")

// rtp is a packet of a payload type with a payload behind n contributing sources and, if x, an
// extension of one word.
func rtp(payloadType byte, n byte, x bool, payload ...byte) []byte {
	b := []byte{0x80 | n, payloadType, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3}
	b = append(b, make([]byte, 4*int(n))...)
	if x {
		b[0] |= 0x10
		b = append(b, 0xBE, 0xDE, 0, 1, 1, 2, 3, 4)
	}
	return append(b, payload...)
}

// keptPackets are the packets of a call, oldest first.
func keptPackets(s *Store, id string) (all [][]byte) {
	p := &s.calls[id].packets
	p.each(p.blocks, func(one packet) { all = append(all, one.data) })
	return all
}

func TestWhatIsCaptured(t *testing.T) {
	for _, tt := range []struct {
		media Media
		want  string // by RTP, event, RTCP, UDPTL, strange
	}{{Off, "....."}, {Fax, ".###."}, {All, "#####"}} {
		s := New()
		s.Configure(false, tt.media)
		s.Dialog(1, "7", "a")
		s.Ports("7", here.Addr(), 16384, 16385)
		got := ""
		for k := RTP; k <= Strange; k++ {
			before := len(keptPackets(s, "7"))
			s.Packet(t0, k, true, 16384, peer, rtp(0, 0, false, 1, 2, 3, 4))
			s.Packet(t0, k, true, 16390, peer, rtp(0, 0, false, 1, 2, 3, 4)) // of no call
			got += map[bool]string{true: "#", false: "."}[len(keptPackets(s, "7")) == before+1]
		}
		if got != tt.want {
			t.Errorf("of %d is captured %s, want %s", tt.media, got, tt.want)
		}
	}
}

// The digit of a telephone event goes, whatever stands in front of it; a flash is none.
func TestDigitsOfTelephoneEvents(t *testing.T) {
	for _, tt := range []struct {
		kind   PacketKind
		in     []byte
		want   []byte
		digits bool
	}{
		{TelephoneEvent, rtp(101, 0, false, 5, 0x8A, 3, 32), rtp(101, 0, false, 255, 0x8A, 3, 32), false},
		{TelephoneEvent, rtp(101, 2, true, 15, 10, 0, 160, 0, 10, 0, 160), rtp(101, 2, true, 255, 10, 0, 160, 255, 10, 0, 160), false},
		{TelephoneEvent, rtp(101, 0, false, 16, 10, 0, 160), rtp(101, 0, false, 16, 10, 0, 160), false},
		{TelephoneEvent, rtp(101, 0, false, 5, 10, 0, 160), rtp(101, 0, false, 5, 10, 0, 160), true},
		{Strange, rtp(99, 0, false, 5, 10, 0, 160), rtp(99, 0, false, 0, 0, 0, 0), false},
		{TelephoneEvent, []byte{0x90, 101, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 5, 10}, []byte{0x90, 101, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 255, 10}, false},
		{TelephoneEvent, []byte{5}, []byte{255}, false},
	} {
		s := New()
		s.Configure(tt.digits, All)
		s.Dialog(1, "7", "a")
		s.Ports("7", here.Addr(), 16384)
		given := bytes.Clone(tt.in)
		s.Packet(t0, tt.kind, false, 16384, peer, given)
		if got := keptPackets(s, "7")[0]; !bytes.Equal(got, tt.want) || !bytes.Equal(given, tt.in) {
			t.Errorf("% x is kept as % x, want % x", tt.in, got, tt.want)
		}
	}
}

// A call keeps its newest packets, and all calls together what they may.
func TestBoundsOfMedia(t *testing.T) {
	s := New()
	s.Configure(false, All)
	for c := range 4 {
		id := fmt.Sprint(c)
		s.Dialog(1, id, id)
		s.Ports(id, here.Addr(), uint16(20000+2*c))
		for i := range 5000 {
			b := rtp(0, 0, false, make([]byte, 160)...)
			binary.BigEndian.PutUint16(b[2:], uint16(i))
			s.Packet(after(20*i), RTP, i%2 == 0, uint16(20000+2*c), peer, b)
		}
		kept := keptPackets(s, id)
		if n := len(kept); n < 2500 || binary.BigEndian.Uint16(kept[n-1][2:]) != 4999 || s.calls[id].packets.size() > maxCallMedia {
			t.Errorf("call %s keeps %d packets in %d octets", id, n, s.calls[id].packets.size())
		}
		s.Ended(id)
	}
	sum := 0
	for _, c := range s.calls {
		sum += c.packets.size()
	}
	if s.packets > maxAllMedia || s.packets != sum || len(s.ports) != 0 {
		t.Errorf("%d octets, %d counted, %d ports", sum, s.packets, len(s.ports))
	}
	if n := len(s.calls["0"].packets.blocks); n != 0 {
		t.Errorf("the oldest call still has %d blocks", n)
	}
	for c := range 4 {
		s.Forget(fmt.Sprint(c))
	}
	if s.packets != 0 {
		t.Errorf("%d octets of calls that are forgotten", s.packets)
	}
}

// What is not captured neither allocates nor waits for anybody.
func BenchmarkPacketThatIsNotWanted(b *testing.B) {
	s := New()
	data := rtp(0, 0, false, make([]byte, 160)...)
	s.mu.Lock()
	defer s.mu.Unlock()
	b.ReportAllocs()
	for b.Loop() {
		if s.Takes(RTP) {
			s.Packet(t0, RTP, true, 1, peer, data)
		}
	}
}

func BenchmarkPacket(b *testing.B) {
	s := New()
	s.Configure(false, All)
	s.Dialog(1, "7", "a")
	s.Ports("7", here.Addr(), 16384)
	data := rtp(0, 0, false, make([]byte, 160)...)
	b.ReportAllocs()
	for b.Loop() {
		s.Packet(t0, RTP, true, 16384, peer, data)
	}
}

// readFrames reads a capture of ours, and checks every length and checksum in it.
func readFrames(t testing.TB, file []byte) (frames []frame) {
	t.Helper()
	le, be := binary.LittleEndian, binary.BigEndian
	if len(file) < 24 || le.Uint32(file) != 0xA1B2C3D4 || le.Uint32(file[20:]) != linkRaw {
		t.Fatalf("no capture: % x", file[:min(24, len(file))])
	}
	for b := file[24:]; len(b) > 0; {
		n := int(le.Uint32(b[8:]))
		at := int64(le.Uint32(b))*1e9 + int64(le.Uint32(b[4:]))*1e3
		if n != int(le.Uint32(b[12:])) || 16+n > len(b) {
			t.Fatalf("a frame of %d octets, %d are left", n, len(b))
		}
		ip := b[16 : 16+n]
		b = b[16+n:]
		var from, to netip.Addr
		var udp []byte
		if ip[0]>>4 == 4 {
			if int(be.Uint16(ip[2:])) != n || checksum(0, ip[:20]) != 0 {
				t.Fatalf("bad IPv4 header % x", ip[:20])
			}
			from, _ = netip.AddrFromSlice(ip[12:16])
			to, _ = netip.AddrFromSlice(ip[16:20])
			udp = ip[20:]
		} else {
			if int(be.Uint16(ip[4:])) != n-40 {
				t.Fatalf("bad IPv6 header % x", ip[:40])
			}
			from, _ = netip.AddrFromSlice(ip[8:24])
			to, _ = netip.AddrFromSlice(ip[24:40])
			udp = ip[40:]
		}
		pseudo := sum(protocolUDP+uint32(len(udp)), append(from.AsSlice(), to.AsSlice()...))
		if int(be.Uint16(udp[4:])) != len(udp) || checksum(pseudo, udp) != 0 {
			t.Fatalf("bad UDP header % x", udp[:8])
		}
		frames = append(frames, frame{at, netip.AddrPortFrom(from, be.Uint16(udp)), netip.AddrPortFrom(to, be.Uint16(udp[2:])), udp[8:]})
	}
	return frames
}

func TestPcap(t *testing.T) {
	s := New()
	s.Dialog(1, "7", "a")
	s.Message(said(0, true, first, "a", "INVITE", ""))
	m := said(10, false, first, "a", "200 INVITE", "")
	m.Local = netip.AddrPortFrom(netip.IPv6Unspecified(), 5060) // of a socket of both families
	s.Message(m)
	s.Event(after(11), "7", first, "not in the capture")
	lost := said(12, true, first, "a", "BYE", "")
	lost.Err = fmt.Errorf("not sent")
	s.Message(lost)
	s.Ports("7", here.Addr(), 16384)
	s.Packet(after(5), UDPTL, false, 16384, netip.MustParseAddrPort("[::ffff:192.0.2.7]:30000"), []byte{0, 1, 1, 6, 0})
	six := netip.MustParseAddrPort("[2001:db8::1]:5060")
	m = said(20, true, six, "a", "ACK", "")
	m.Local, m.Transport = netip.MustParseAddrPort("[2001:db8::a]:40000"), TLS
	s.Message(m)
	file, ok := s.Pcap("7")
	if !ok {
		t.Fatal("nothing is kept")
	}
	got := ""
	for _, f := range readFrames(t, file) {
		line, _, _ := strings.Cut(string(f.data), "\r\n")
		got += fmt.Sprintf("%d %v>%v %q\n", (f.at-t0.UnixNano())/1e6, f.from, f.to, line)
	}
	want := `0 192.0.2.10:5060>192.0.2.1:5060 "INVITE sip:600@pbx SIP/2.0"
5 192.0.2.7:30000>192.0.2.10:16384 "\x00\x01\x01\x06\x00"
10 192.0.2.1:5060>192.0.2.10:5060 "SIP/2.0 200 Some Reason"
20 [2001:db8::a]:40000>[2001:db8::1]:5060 "ACK sip:600@pbx SIP/2.0"
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if _, ok := s.Pcap("8"); ok {
		t.Error("there is a capture of a call that nobody made")
	}
}

// A call goes on while its capture and its ladder are made, which nobody waits for: they show one
// moment of it.
func TestShownWhileTheCallGoesOn(t *testing.T) {
	s := New()
	s.Dialog(1, "7", "a")
	s.Ports("7", here.Addr(), 16384)
	goOn := func(n int) {
		s.Message(said(n, true, first, "a", "INFO", ""))
		s.Packet(after(n), TelephoneEvent, true, 16384, peer, append(rtp(101, 0, false, 5, 10, 1, 64), make([]byte, 1000)...))
	}
	goOn(0)
	moment, _ := s.kept("7")
	file, rows := appendPcap(nil, moment.frames()), fmt.Sprint(moment.ladder())
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		for range 100 {
			s.Pcap("7")
			s.Ladder("7")
		}
	}()
	for n := range 1000 { // more than is kept
		goOn(1 + n)
	}
	<-shown
	s.Ended("7")
	s.Forget("7")
	if !bytes.Equal(appendPcap(nil, moment.frames()), file) || fmt.Sprint(moment.ladder()) != rows {
		t.Error("what is shown has changed with the call")
	}
}

// Twelve secrets are planted in what crosses the device, and none of them is in what it shows.
func TestPlantedSecrets(t *testing.T) {
	s := New()
	s.Configure(false, All)
	s.Dialog(1, "7", "a")
	s.Ports("7", here.Addr(), 16384)
	secrets := []string{"r35p0n53", "cn0nc35ecret", "b4s1cCr3d", "pr00f0f5erver", "ur1p455w0rd", "h77pp455", "s3ss10nk3y1", "s3ss10nk3y2", "kl1n3k3y", "m1k3yk3y", "4711", "081547"}
	plant := func(what, head, body string) {
		m := said(len(s.calls["7"].entries), true, first, "a", what, head+"\n"+body)
		s.Message(m)
		m.Line, m.Method, m.CallID = 3, "REGISTER", "r"
		s.Message(m)
	}
	plant("INVITE", `Authorization: Digest username="1001", realm="pbx", nonce="abc", response="r35p0n53", cnonce="cn0nc35ecret"`+"\n", "")
	plant("INVITE", "Proxy-Authorization: Basic b4s1cCr3d\nContact: <sip:1001:ur1p455w0rd@192.0.2.10>\nAlert-Info: <http://u:h77pp455@h/ring.wav>\n", "")
	plant("200 INVITE", "Authentication-Info: rspauth=\"pr00f0f5erver\"\nContent-Type: application/sdp\n",
		"v=0\nm=audio 1 RTP/SAVP 0\nk=clear:kl1n3k3y\na=key-mgmt:mikey m1k3yk3y\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:s3ss10nk3y1|2^20;inline:s3ss10nk3y2\n")
	plant("INFO", "Content-Type: application/dtmf-relay\n", "Signal=4711\nDuration=160\n")
	plant("NOTIFY", "Content-Type: application/kpml-response+xml\n", "<kpml-response digits='081547'/>\n")
	for _, digit := range []byte{1, 2, 3, 4} {
		s.Packet(t0, TelephoneEvent, true, 16384, peer, rtp(101, 0, false, digit, 10, 1, 64))
	}
	file, _ := s.Pcap("7")
	readFrames(t, file)
	shown := string(file) + fmt.Sprintf("%+v %+v", ladder(t, s, "7"), s.Registrations(3))
	for _, secret := range secrets {
		if strings.Contains(shown, secret) {
			t.Errorf("%s is shown", secret)
		}
	}
	for _, digit := range []byte{1, 2, 3, 4} {
		if bytes.Contains(file, rtp(101, 0, false, digit, 10, 1, 64)) {
			t.Errorf("the digit %d is in the capture", digit)
		}
	}
	if n := strings.Count(shown, "xxxxxxxx"); n < 12 {
		t.Errorf("%d secrets are overwritten: were they planted?", n)
	}
}

// Whatever is put into it, a capture can be read.
func FuzzPcap(f *testing.F) {
	f.Add([]byte("INVITE sip:a@b SIP/2.0\r\n\r\n"), []byte{192, 0, 2, 1}, []byte{192, 0, 2, 2}, uint16(5060), int64(1), byte(0))
	f.Add([]byte{0x90, 101, 0}, []byte{}, bytes.Repeat([]byte{0x20}, 16), uint16(0), int64(-1), byte(1))
	f.Add(bytes.Repeat([]byte{1}, 70000), bytes.Repeat([]byte{0}, 16), []byte{0, 0, 0, 0}, uint16(65535), int64(1)<<62, byte(4))
	f.Fuzz(func(t *testing.T, data, local, remote []byte, port uint16, at int64, kind byte) {
		a, _ := netip.AddrFromSlice(local)
		b, _ := netip.AddrFromSlice(remote)
		s := New()
		s.Configure(kind&8 != 0, All)
		s.Dialog(1, "7", "a")
		s.Ports("7", a, port)
		to := netip.AddrPortFrom(b, port)
		s.Message(Message{At: time.Unix(0, at), Line: 1, Out: kind&1 != 0, Local: netip.AddrPortFrom(a, port), Remote: to, CallID: "a", Method: "INVITE", Text: data})
		s.Packet(time.Unix(0, at), PacketKind(kind%5), kind&1 != 0, port, to, data)
		file, ok := s.Pcap("7")
		if !ok {
			t.Fatal("no capture")
		}
		readFrames(t, file)
		l, _ := s.Ladder("7")
		rows(l)
	})
}
