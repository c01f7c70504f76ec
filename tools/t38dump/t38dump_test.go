package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/bits"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"tipring/t38/ifp"
	"tipring/t38/udptl"
	"tipring/tools/internal/pcap"
)

var update = flag.Bool("update", false, "write testdata anew")

// A scene makes the capture of a call: two ends that send packets as they are told.
type scene struct {
	t      testing.TB
	out    bytes.Buffer
	w      *pcap.Writer
	now    time.Duration
	coding ifp.Coding
	ends   [2]netip.AddrPort
	from   [2]*udptl.Encoder
	last   []byte
}

func newScene(t testing.TB, coding ifp.Coding) *scene {
	s := &scene{t: t, coding: coding}
	s.ends = [2]netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:4000"), netip.MustParseAddrPort("192.0.2.2:4002")}
	s.from = [2]*udptl.Encoder{udptl.NewEncoder(udptl.LimitsOf(0), 0), udptl.NewEncoder(udptl.LimitsOf(0), 65533)}
	s.w, _ = pcap.NewWriter(&s.out)
	return s
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return b
}

// raw captures a datagram as it is.
func (s *scene) raw(from int, b []byte) {
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC).Add(s.now)
	if err := s.w.WriteUDP(at, s.ends[from], s.ends[1-from], b); err != nil {
		s.t.Fatal(err)
	}
}

// make makes the next datagram of an end and lets 30 ms pass.
func (s *scene) make(from int, p ifp.Packet, protection udptl.Protection) []byte {
	packet, err := p.Append(nil, s.coding)
	if err != nil {
		s.t.Fatal(err)
	}
	s.last, err = s.from[from].Append(nil, packet, protection)
	if err != nil {
		s.t.Fatal(err)
	}
	s.now += 30 * time.Millisecond
	return s.last
}

func (s *scene) send(from int, p ifp.Packet) {
	s.raw(from, s.make(from, p, udptl.Protection{Secondaries: 1}))
}

func (s *scene) indicate(from int, i ifp.Indicator) { s.send(from, ifp.Packet{Indicator: i}) }

func (s *scene) data(from int, d ifp.DataType, fields ...ifp.Field) {
	s.send(from, ifp.Packet{IsData: true, Data: d, Fields: fields})
}

// frames sends frames on V.21, each in two packets and one for its end.
func (s *scene) frames(from int, frames ...string) {
	s.indicate(from, ifp.V21Preamble)
	for i, f := range frames {
		octets, end := unhex(s.t, f), ifp.HDLCFCSOK
		if i == len(frames)-1 {
			end = ifp.HDLCFCSOKSigEnd
		}
		s.data(from, ifp.V21Data, ifp.Field{Type: ifp.HDLCData, Data: octets[:2]})
		s.data(from, ifp.V21Data, ifp.Field{Type: ifp.HDLCData, Data: octets[2:]})
		s.data(from, ifp.V21Data, ifp.Field{Type: end})
	}
	s.indicate(from, ifp.NoSignal)
}

// The frames of a usual call, T.30 table 2 bit by bit: 1 to 8, 9 to 16, and so on.
const (
	dis    = "FFC801 00 77 1f 23 01 c0" // V.17; fine, superfine, 300; MR, MMR; ECM; A4, any length, 0 ms
	dcs    = "FFC841 00 47 0e"          // V.17 14400, fine, MR, A4, 0 ms
	dcsECM = "FFC841 00 62 0f 22"       // V.29 9600, fine, MMR, ECM of 256
	cfr    = "FFC821"
)

// named is a frame with an identification (T.30 clause 5.3.6.2.4).
func named(frame, name string) string {
	name = fmt.Sprintf("%20s", name)
	for i := len(name) - 1; i >= 0; i-- {
		frame += fmt.Sprintf("%02x", bits.Reverse8(name[i]))
	}
	return frame
}

func callWithoutECM(t testing.TB) *scene {
	s := newScene(t, ifp.Original)
	s.indicate(0, ifp.NoSignal)
	s.indicate(1, ifp.CED)
	s.raw(1, s.from[1].Repeat(nil, udptl.Protection{Secondaries: 1}))
	s.now += time.Second
	s.frames(1, named("FFC002", "+41 44 555 0123"), dis)
	s.now += 500 * time.Millisecond
	s.frames(0, dcs)
	s.indicate(0, ifp.V17LongTraining14400)
	for range 20 {
		s.data(0, ifp.V17Data14400, ifp.Field{Type: ifp.NonECMData, Data: make([]byte, 54)})
	}
	s.data(0, ifp.V17Data14400, ifp.Field{Type: ifp.NonECMSigEnd, Data: make([]byte, 3)})
	s.frames(1, cfr)
	s.indicate(0, ifp.V17ShortTraining14400)
	for i := range 100 {
		b := s.make(0, ifp.Packet{IsData: true, Data: ifp.V17Data14400, Fields: []ifp.Field{{Type: ifp.NonECMData, Data: make([]byte, 54)}}}, udptl.Protection{Secondaries: 1})
		switch i {
		case 20: // made good by the next one
		case 40, 41: // the first of them is lost
		case 60:
			s.raw(0, b)
			s.raw(0, b)
		default:
			s.raw(0, b)
		}
		if i == 48 {
			s.raw(0, unhex(t, "0020 01 00 00 00")) // late by far
		}
		if i == 80 {
			s.raw(1, unhex(t, "0000 7f"))
			s.raw(0, unhex(t, "005f 01 02 00 00")) // a number of lately with another packet
		}
	}
	s.data(0, ifp.V17Data14400, ifp.Field{Type: ifp.NonECMSigEnd})
	s.frames(0, "FFC874")
	s.frames(1, "FFC831")
	s.frames(0, "FFC85F")
	return s
}

func callWithECM(t testing.TB) *scene {
	s := newScene(t, ifp.Corrected)
	s.indicate(1, ifp.V8ANSam)
	s.frames(1, "FFC004 ad0055", dis, "FF0001")
	s.data(0, ifp.V8Data, ifp.Field{Type: ifp.CMMessage, Data: []byte{1, 2}})
	s.frames(0, named("FFC042", "555\x01\xff9"), dcsECM, "FFC848 0062")
	s.indicate(0, ifp.V29Training9600)
	for i := range 8 {
		f := append(unhex(t, "FFC060"), byte(i))
		f = append(f, make([]byte, 256)...)
		end := ifp.HDLCFCSOK
		if i == 5 {
			end = ifp.HDLCFCSBad
		}
		s.data(0, ifp.V29Data9600, ifp.Field{Type: ifp.HDLCData, Data: f[:200]})
		s.data(0, ifp.V29Data9600, ifp.Field{Type: ifp.HDLCData, Data: f[200:]}, ifp.Field{Type: end})
	}
	for range 3 {
		s.data(0, ifp.V29Data9600, ifp.Field{Type: ifp.HDLCData, Data: unhex(t, "FFC061")}, ifp.Field{Type: ifp.HDLCFCSOK})
	}
	s.data(0, ifp.V29Data9600, ifp.Field{Type: ifp.HDLCSigEnd})
	s.frames(0, "FFC87D f4 00 80 e0")
	s.frames(1, "FFC83D 04"+strings.Repeat("00", 31), "FFC83D")
	s.data(1, ifp.V21Data, ifp.Field{Type: ifp.HDLCData, Data: []byte{0xFF}}, ifp.Field{Type: ifp.HDLCFCSBadSigEnd})
	s.data(1, ifp.V21Data, ifp.Field{Type: ifp.HDLCData, Data: []byte{0xFF, 0xC8}}, ifp.Field{Type: ifp.HDLCSigEnd})
	s.data(1, ifp.V21Data)
	s.frames(0, "FFC87D", "FFC873 00", "FFC0A9 01", "FFC8DF")
	return s
}

// The captures and what is written of them are in testdata; tools/peers/fax has tshark read the same
// captures.
func TestCalls(t *testing.T) {
	for name, make := range map[string]func(testing.TB) *scene{"noecm": callWithoutECM, "ecm": callWithECM} {
		capture := make(t).out.Bytes()
		compare(t, name+".cap", capture)
		for _, all := range []bool{false, true} {
			var out bytes.Buffer
			if err := write(&out, bytes.NewReader(capture), 0, all); err != nil {
				t.Error(err)
			}
			compare(t, name+map[bool]string{false: ".txt", true: "-all.txt"}[all], out.Bytes())
		}
	}
}

func compare(t *testing.T, file string, got []byte) {
	t.Helper()
	file = "testdata/" + file
	if *update {
		os.WriteFile(file, got, 0o644)
	}
	want, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s: %v; got\n%s", file, err, got)
	}
}

func TestFindsCalls(t *testing.T) {
	var out bytes.Buffer
	w, _ := pcap.NewWriter(&out)
	a, b := netip.MustParseAddrPort("192.0.2.1:5060"), netip.MustParseAddrPort("192.0.2.2:5060")
	c, d := netip.MustParseAddrPort("192.0.2.1:10000"), netip.MustParseAddrPort("192.0.2.2:10000")
	for i := range 200 {
		at := time.Unix(int64(i), 0)
		w.WriteUDP(at, a, b, []byte("OPTIONS sip:192.0.2.2 SIP/2.0\r\n\r\n"))
		rtp := append([]byte{0x80, 0, byte(i >> 8), byte(i), 0, 0, byte(i >> 4), byte(i << 4), 1, 2, 3, 4}, bytes.Repeat([]byte{0xD5}, 160)...)
		w.WriteUDP(at, c, d, rtp)
		w.WriteUDP(at, d, c, nil)
	}
	var none bytes.Buffer
	if err := write(&none, bytes.NewReader(out.Bytes()), 0, false); err != nil || none.String() != "no T.38 in this capture\n" {
		t.Errorf("SIP and RTP: %v\n%s", err, none.String())
	}
	var forced bytes.Buffer
	if err := write(&forced, bytes.NewReader(out.Bytes()), 10000, false); err != nil || !strings.Contains(forced.String(), "malformed datagram") {
		t.Errorf("port 10000: %v\n%s", err, forced.String())
	}
}

// The shortest call has nothing that only one of the codings could have.
func shortCall(t testing.TB, coding ifp.Coding) *scene {
	s := newScene(t, coding)
	s.frames(1, named("FFC002", "5551234"), dis)
	s.frames(0, dcsECM)
	s.indicate(0, ifp.V29Training9600)
	for range 50 {
		s.data(0, ifp.V29Data9600, ifp.Field{Type: ifp.NonECMData, Data: make([]byte, 36)})
	}
	s.indicate(0, ifp.NoSignal)
	s.frames(1, cfr)
	s.indicate(0, ifp.V29Training9600)
	for range 3 {
		s.data(0, ifp.V29Data9600, ifp.Field{Type: ifp.HDLCData, Data: unhex(t, "FFC061")}, ifp.Field{Type: ifp.HDLCFCSOK})
	}
	s.data(0, ifp.V29Data9600, ifp.Field{Type: ifp.HDLCData, Data: unhex(t, "FFC061")}, ifp.Field{Type: ifp.HDLCFCSOKSigEnd})
	s.frames(0, "FFC8DF")
	return s
}

func TestCodingIsFound(t *testing.T) {
	for coding, want := range map[ifp.Coding]string{ifp.Original: "original (version 0)", ifp.Corrected: "corrected (version 2 and later)"} {
		var out bytes.Buffer
		if err := write(&out, &shortCall(t, coding).out, 0, false); err != nil {
			t.Error(err)
		}
		for _, line := range []string{"coding of fields: " + want + "\n", `CSI "5551234"`, "v29-9600 1800 octets, 50 packets", "in 4 frames, 4 packets"} {
			if !strings.Contains(out.String(), line) {
				t.Errorf("%s: no line with %q:\n%s", want, line, out.String())
			}
		}
	}
}

func TestCutOff(t *testing.T) {
	capture := callWithECM(t).out.Bytes()
	var out bytes.Buffer
	if err := write(&out, bytes.NewReader(capture[:len(capture)-1]), 0, false); err != io.ErrUnexpectedEOF || !strings.Contains(out.String(), "DIS") {
		t.Errorf("%v\n%s", err, out.String())
	}
	if err := write(&out, strings.NewReader("no capture"), 0, false); !errors.Is(err, pcap.ErrFormat) {
		t.Error(err)
	}
}

// FuzzCall has datagrams of any content, each with its length before it, dumped.
func FuzzCall(f *testing.F) {
	f.Add(unhex(f, "0005 0000010600 0006 000101020000 0008 000203c0010800 00"))
	f.Add(unhex(f, "0012 0000 0d c001800008 ffc801ffc801ffc801 00 0009 0001 03 c00120 00 00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c := &call{}
		for len(b) >= 2 {
			n := min(int(b[0]&7)<<8|int(b[1]), len(b)-2)
			c.datagrams = append(c.datagrams, sent{time.Unix(int64(len(b)), 0), int(b[0] >> 7), b[2 : 2+n]})
			b = b[2+n:]
		}
		if len(c.datagrams) == 0 {
			return
		}
		c.isT38()
		c.write(io.Discard, true)
		c.write(io.Discard, false)
	})
}

func FuzzFrame(f *testing.F) {
	for _, frame := range []string{named("FFC002", "1"), dis, dcs, cfr, "FFC87D f4 00 80 e0", "FFC83D 0400", "FFC848", "00"} {
		f.Add(unhex(f, frame))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if text := frameText(b); text == "" || strings.ContainsAny(text, "\n\r\x1b") {
			t.Errorf("%x: %q", b, text)
		}
	})
}
