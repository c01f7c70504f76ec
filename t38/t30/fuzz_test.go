package t30

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// FuzzFrame: any octets are a frame or none; what is one comes back from its parts, and its
// text is one line of printable ASCII.
func FuzzFrame(f *testing.F) {
	for fcf := range fcfNames {
		f.Add(Frame{FCF: fcf, X: true, Final: true, Info: []byte{0, 0xCE, 0xB8, 0x80, 0x44}}.Append(nil))
		f.Add(Frame{FCF: fcf}.Append(nil))
	}
	f.Add([]byte{Address, ControlFinal})
	f.Fuzz(func(t *testing.T, octets []byte) {
		frame, ok := ParseFrame(octets)
		if !ok {
			return
		}
		if again := frame.Append(nil); !bytes.Equal(again, octets) {
			t.Errorf("% X comes back as % X", octets, again)
		}
		for _, c := range frame.String() {
			if c < ' ' || c > '~' {
				t.Fatalf("%q is not printable ASCII", frame.String())
			}
		}
		if caps, ok := ParseCapabilities(frame.Info); ok {
			if again, _ := ParseCapabilities(caps.Bits()); again.String() != caps.String() {
				t.Errorf("%v becomes %v", caps, again)
			}
		}
		if cmd, err := ParseCommand(frame.Info); err == nil {
			if again, err := ParseCommand(cmd.Bits()); err != nil || again != cmd {
				t.Errorf("%v becomes %v, %v", cmd, again, err)
			}
		}
	})
}

// FuzzTerminal: whatever comes from the line, at whatever time, the terminal neither fails
// nor keeps more than it must, and it comes to an end.
func FuzzTerminal(f *testing.F) {
	for role := range byte(32) {
		f.Add(append([]byte{role}, fuzzCall(role&2 != 0)...))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) == 0 {
			return
		}
		x := fuzzed(t, data[0])
		x.Start()
		for data = data[1:]; len(data) > 0; {
			data = fuzzStep(x, data)
			checkBounds(t, x)
		}
		for n := 0; !x.Done(); n++ {
			if n > 4*3600 {
				t.Fatalf("no end in state %v", x.State())
			}
			x.Advance(SampleRate)
			drain(x)
		}
		if s := x.Sending(); s.Kind != Nothing || x.Listening() != (Listening{}) {
			t.Errorf("after its end it sends %v and listens %+v", s.Kind, x.Listening())
		}
		for _, p := range x.cfg.Sink.(*testSink).pages {
			if !p.closed {
				t.Errorf("page %d was not closed", p.n)
			}
		}
	})
}

func fuzzed(t *testing.T, role byte) *Terminal {
	c := Config{Calling: role&1 != 0, ECM: role&2 != 0, Sink: &testSink{busy: int(role >> 5)}, CRP: role&8 != 0}
	if role&4 != 0 {
		c.Source = textPages(3, 700)
	}
	if role&16 != 0 {
		c.Operator = func() bool { return true }
	}
	c.Timers.Call = 2 * 3600 * SampleRate
	x, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// fuzzStep does what the next two octets say, and what follows them where they are not enough.
func fuzzStep(x *Terminal, data []byte) []byte {
	op, arg := data[0], byte(0)
	if data = data[1:]; len(data) > 0 {
		arg, data = data[0], data[1:]
	}
	take := func(limit int) []byte {
		n := min(int(arg)%limit, len(data))
		o := data[:n]
		data = data[n:]
		return o
	}
	switch op % 14 {
	case 0:
		x.Advance(int(arg) * 400)
	case 1:
		x.Advance(int(arg) * 4000)
	case 2:
		drain(x)
	case 3:
		x.Carrier(ChannelV21, CarrierEvent(arg%5))
	case 4:
		x.Carrier(ChannelFast, CarrierEvent(arg%5))
	case 5, 6:
		x.Frame(ChannelV21, take(64), op%14 == 5)
	case 7:
		x.Frame(ChannelFast, take(256), true)
	case 8:
		x.Octets(make([]byte, int(arg)*8))
	case 9: // a frame whose address and control are right
		fuzzFrame(x, append([]byte{Address, ControlFinal}, take(40)...))
	case 10, 11:
		fuzzFrame(x, fuzzFrames[int(arg)%len(fuzzFrames)])
	case 12:
		fuzzSignal(x, arg)
	case 13:
		fuzzOwner(x, arg)
	}
	return data
}

// fuzzFrames are frames that mean something, by their number in fuzzing.
var fuzzFrames = func() (list [][]byte) {
	all := Capabilities{Receives: true, HasDocument: true, Modulations: SetAll, ECM: true, Codings: Codings(MR, MMR), Resolutions: Resolutions(Fine), Subaddress: true, Password: true, Selective: true}
	slow := Capabilities{Receives: true, MinScan: 20}
	for _, c := range []Capabilities{all, slow} {
		list = append(list, Frame{FCF: DIS, Final: true, Info: c.Bits()}.Append(nil), Frame{FCF: DTC, Final: true, Info: c.Bits()}.Append(nil))
	}
	for _, m := range []Modulation{V17At14400, V29At9600, V27ter2400} {
		for _, ecm := range []bool{false, true} {
			dcs := Command{Modulation: m, ECM: ecm}.Bits()
			list = append(list, Frame{FCF: DCS, Final: true, Info: dcs}.Append(nil), Frame{FCF: CTC, Final: true, Info: dcs[:2]}.Append(nil))
		}
	}
	for _, q := range []FCF{NULL, MPS, EOM, EOP, PRIMPS, PRIEOP} {
		for _, frames := range []byte{0, 2} {
			list = append(list, Frame{FCF: PPS, Final: true, Info: []byte{byte(q), 0, frames, frames}}.Append(nil))
		}
		list = append(list, Frame{FCF: EOR, Final: true, Info: []byte{byte(q)}}.Append(nil))
	}
	for _, fcf := range []FCF{CFR, FTT, CTR, MPS, EOM, EOP, PRIMPS, PRIEOM, PRIEOP, MCF, RTN, RTP, PIP, PIN, RNR, RR, ERR, CRP, DCN} {
		list = append(list, Frame{FCF: fcf, Final: true}.Append(nil))
	}
	return append(list, Frame{FCF: PPR, Final: true, Info: []byte{1}}.Append(nil), Frame{FCF: CSI, Info: encodeIdent("1", "")}.Append(nil),
		Frame{FCF: NSF, Info: make([]byte, 250)}.Append(nil))
}()

// fuzzFrame has a frame come as it should, and what the terminal answers go out.
func fuzzFrame(x *Terminal, octets []byte) {
	x.Carrier(ChannelV21, CarrierUp)
	x.Advance(SampleRate)
	x.Frame(ChannelV21, octets, true)
	x.Carrier(ChannelV21, CarrierDown)
	x.Advance(pauseTurn)
	drain(x)
	x.Advance(pauseTurn)
}

// fuzzSignal has a page or TCF come: failed, short or whole.
func fuzzSignal(x *Terminal, arg byte) {
	x.Carrier(ChannelFast, CarrierUp)
	x.Advance(SampleRate)
	x.Carrier(ChannelFast, CarrierTrained+CarrierEvent(arg&1))
	x.Octets(make([]byte, 3000*int(arg>>1&1)))
	for n := range arg >> 2 & 7 {
		x.Frame(ChannelFast, append([]byte{Address, ControlMore, byte(FCD), n}, bytes.Repeat([]byte{arg}, 256)...), true)
	}
	x.Advance(SampleRate * 3 / 2)
	x.Carrier(ChannelFast, CarrierDown)
	x.Advance(pauseTurn)
	drain(x)
	x.Advance(pauseTurn)
}

// fuzzOwner does what the application may.
func fuzzOwner(x *Terminal, arg byte) {
	switch arg % 16 {
	case 0:
		x.Stop()
	case 1:
		x.LineLost()
	case 2:
		x.Interrupt()
	default:
		x.Tone(Tone(arg % 3))
	}
}

// fuzzCall is a call in the form of fuzzStep: to the called terminal a DCS, TCF, a page and
// its commands, to the calling one the answers to its own, and DTC to one that has a document.
func fuzzCall(ecm bool) (d []byte) {
	say := func(f FCF, info ...byte) {
		for i, o := range fuzzFrames {
			if FCF(o[2]) == f && (len(info) == 0 || bytes.HasPrefix(o[3:], info)) {
				d = append(d, 10, byte(i))
				return
			}
		}
		panic("no such frame")
	}
	d = []byte{2, 0}
	say(DIS)
	say(DTC)
	say(DCS, Command{Modulation: V17At14400, ECM: ecm}.Bits()...)
	d = append(d, 12, 0b10, 12, 0b1110)
	say(CFR)
	say(PPS, byte(MPS))
	say(PPS, byte(MPS))
	say(MPS)
	say(RTN)
	d = append(d, 12, 0b1110)
	for _, f := range []FCF{PPR, MCF, EOM, RNR, MCF, DIS, DTC, CFR, EOP, CRP, MCF, DCN} {
		say(f)
	}
	return d
}

// checkBounds fails when the terminal keeps more than a page block and some frames.
func checkBounds(t *testing.T, x *Terminal) {
	said := 0
	for _, o := range x.said.frames {
		said += len(o)
	}
	p := x.peer
	texts := len(p.Ident) + len(p.Subaddress) + len(p.Selective) + len(p.Password) + len(p.NSF)
	if len(x.out.queue) > 6 || said > 600 || texts > 300 || len(x.receiver.block.data) > 1<<16 || cap(x.sender.block.data) > 1<<16 {
		t.Fatalf("keeps %d transmissions, %d octets said, %d of text", len(x.out.queue), said, texts)
	}
}

// The corpus is there, so that a plain test run covers what fuzzing found worth keeping.
func TestSeedsAreThere(t *testing.T) {
	for _, name := range []string{"FuzzFrame", "FuzzTerminal"} {
		if seeds, err := os.ReadDir(filepath.Join("testdata/fuzz", name)); err != nil || len(seeds) == 0 {
			t.Errorf("no seeds of %s: %v", name, err)
		}
	}
}
