package convey

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"tipring/t38/ifp"
	"tipring/t38/udptl"
)

// A record writes what a receiver tells.
type record struct{ words []string }

func (r *record) add(format string, args ...any) {
	r.words = append(r.words, fmt.Sprintf(format, args...))
}
func (r *record) Indicator(i ifp.Indicator)            { r.add("%v", i) }
func (r *record) Octets(d ifp.DataType, octets []byte) { r.add("%v octets %x", d, octets) }
func (r *record) End(d ifp.DataType)                   { r.add("%v end", d) }
func (r *record) Frame(d ifp.DataType, octets []byte, good bool) {
	if len(octets) > 8 {
		octets = octets[:8]
	}
	r.add("%v frame %x %v", d, octets, map[bool]string{true: "good", false: "bad"}[good])
}

// A step gives a receiver a packet, or lets time pass.
type step func(r *Receiver, now *int64)

func indicator(i ifp.Indicator) step {
	return func(r *Receiver, now *int64) {
		b, _ := ifp.AppendIndicator(nil, i)
		r.Take(*now, udptl.Packet{IFP: b})
	}
}

func fields(d ifp.DataType, f ...ifp.Field) step { return after(0, d, f...) }

// after is a packet before which so many are lost.
func after(lost int, d ifp.DataType, f ...ifp.Field) step {
	return func(r *Receiver, now *int64) {
		b, _ := ifp.AppendData(nil, r.Coding, d, f...)
		r.Take(*now, udptl.Packet{IFP: b, Lost: lost})
	}
}

func octets(f ifp.FieldType, b ...byte) ifp.Field { return ifp.Field{Type: f, Data: b} }

func raw(lost int, b ...byte) step {
	return func(r *Receiver, now *int64) { r.Take(*now, udptl.Packet{IFP: b, Lost: lost}) }
}

func wait(seconds int64) step {
	return func(r *Receiver, now *int64) {
		*now += seconds * SampleRate
		r.Expire(*now)
	}
}

func TestReceiver(t *testing.T) {
	const v21, v17 = ifp.V21Data, ifp.V17Data14400
	begin, train := indicator(ifp.V21Preamble), indicator(ifp.V17ShortTraining14400)
	hdlc := func(b ...byte) ifp.Field { return octets(ifp.HDLCData, b...) }
	ok, okEnd, end := octets(ifp.HDLCFCSOK), octets(ifp.HDLCFCSOKSigEnd), octets(ifp.HDLCSigEnd)
	for _, tt := range []struct {
		name  string
		steps []step
		want  string
	}{
		{"tones", []step{indicator(ifp.CNG), indicator(ifp.NoSignal), indicator(ifp.CED)}, "cng; no-signal; ced"},
		{"tones, each numbered three times", []step{indicator(ifp.CNG), indicator(ifp.CNG), indicator(ifp.CNG), indicator(ifp.NoSignal), indicator(ifp.NoSignal)}, "cng; no-signal"},
		{"ANSam is CED", []step{indicator(ifp.V8ANSam), indicator(ifp.V8Signal)}, "ced"},
		{"a frame in parts, bits reversed", []step{begin, fields(v21, hdlc(0xFF)), fields(v21, hdlc(0xC8, 0x01)), fields(v21, okEnd), indicator(ifp.NoSignal)},
			"v21-preamble; v21 frame ff1380 good; v21 end"},
		{"frames in one packet, the end apart", []step{begin, fields(v21, hdlc(1), ok, hdlc(2), ok), fields(v21, end)},
			"v21-preamble; v21 frame 80 good; v21 frame 40 good; v21 end"},
		{"two ends", []step{begin, fields(v21, hdlc(1)), fields(v21, okEnd), fields(v21, end), fields(v21, end)},
			"v21-preamble; v21 frame 80 good; v21 end"},
		{"data with the end of the frame", []step{begin, fields(v21, hdlc(1)), fields(v21, octets(ifp.HDLCFCSOKSigEnd, 2))},
			"v21-preamble; v21 frame 8040 good; v21 end"},
		{"data with the end of the signal", []step{train, fields(v17, octets(ifp.NonECMData, 1)), fields(v17, octets(ifp.NonECMSigEnd, 2))},
			"v17-14400-short-training; v17-14400 octets 80; v17-14400 octets 40; v17-14400 end"},
		{"a wrong FCS", []step{begin, fields(v21, hdlc(1), octets(ifp.HDLCFCSBad), hdlc(2), octets(ifp.HDLCFCSBadSigEnd))},
			"v21-preamble; v21 frame 80 bad; v21 frame 40 bad; v21 end"},
		{"an FCS of nothing", []step{begin, fields(v21, ok, ok), fields(v21, okEnd)}, "v21-preamble; v21 end"},
		{"the preamble numbered three times", []step{begin, begin, begin, fields(v21, hdlc(1), okEnd)}, "v21-preamble; v21 frame 80 good; v21 end"},
		{"the end was lost", []step{begin, fields(v21, hdlc(1), ok), train}, "v21-preamble; v21 frame 80 good; v21 end; v17-14400-short-training"},
		{"the end was lost, silence", []step{train, fields(v17, octets(ifp.NonECMData, 1)), indicator(ifp.NoSignal)}, "v17-14400-short-training; v17-14400 octets 80; v17-14400 end"},
		{"the end was lost, the same begins again", []step{begin, fields(v21, hdlc(1), ok), begin}, "v21-preamble; v21 frame 80 good; v21 end; v21-preamble"},
		{"the end was lost, and nothing follows", []step{begin, fields(v21, hdlc(1), ok), wait(3), wait(1)}, "v21-preamble; v21 frame 80 good; v21 end"},
		{"the beginning was lost", []step{after(2, v21, hdlc(2)), fields(v21, ok, hdlc(1), okEnd)}, "v21-preamble; v21 frame 40 bad; v21 frame 80 good; v21 end"},
		{"the beginning of another modem was lost", []step{begin, fields(v21, hdlc(1), ok), fields(v17, octets(ifp.NonECMData, 1))},
			"v21-preamble; v21 frame 80 good; v21 end; v17-14400-long-training; v17-14400 octets 80"},
		{"the beginning was lost, but not of the frame", []step{after(2, v21, hdlc(0xFF, 0xC8, 0x01)), fields(v21, okEnd)}, "v21-preamble; v21 frame ff1380 good; v21 end"},
		{"what was lost may be of this ECM frame", []step{train, after(1, v17, hdlc(0xFF, 0xC0, 0x5F), ok, hdlc(0xFF, 0xC0, 0x60), ok), after(1, v17, hdlc(0xFF, 0xC0, 0x60), ok)},
			"v17-14400-short-training; v17-14400 frame ff03fa bad; v17-14400 frame ff0306 good; v17-14400 frame ff0306 good"},
		{"a part of a frame was lost", []step{begin, fields(v21, hdlc(1)), after(1, v21, hdlc(3)), fields(v21, ok, hdlc(1), okEnd)},
			"v21-preamble; v21 frame 80c0 bad; v21 frame 80 good; v21 end"},
		{"what was lost lies before the beginning", []step{fields(v21, hdlc(1)), raw(3, 0x06), fields(v21, hdlc(1), okEnd)},
			"v21-preamble; v21 end; v21-preamble; v21 frame 80 good; v21 end"},
		{"a malformed packet within a frame", []step{begin, fields(v21, hdlc(1)), raw(0, 0xC0, 0x05), fields(v21, okEnd)},
			"v21-preamble; v21 frame 80 bad; v21 end"},
		{"a frame without end", []step{begin, fields(v21, hdlc(make([]byte, 200)...)), fields(v21, hdlc(make([]byte, 200)...)), fields(v21, okEnd)},
			"v21-preamble; v21 frame 0000000000000000 bad; v21 end"},
		{"what is not carried", []step{fields(ifp.V8Data, hdlc(1)), indicator(ifp.V34PrimaryChannel), indicator(ifp.V33Training14400)}, ""},
		{"fields of later editions", []step{begin, raw(0, 0xC0, 0x01, 0xC2, 0x00, 0, 0, 1), raw(0, 0xC0, 0x01, 0xC0, 0x00, 0, 0, 1), fields(v21, hdlc(1), okEnd)},
			"v21-preamble; v21 frame 80 good; v21 end"},
		{"an empty packet of data", []step{begin, fields(v21)}, "v21-preamble"},
	} {
		var told record
		r := NewReceiver(&told)
		r.Coding = ifp.Corrected
		now := int64(1000)
		for _, s := range tt.steps {
			s(r, &now)
		}
		if got := strings.Join(told.words, "; "); got != tt.want {
			t.Errorf("%s:\n%s\nwant\n%s", tt.name, got, tt.want)
		}
	}
}

// A partRecord writes parts down, too.
type partRecord struct{ record }

func (r *partRecord) Part(octets []byte) { r.add("part %x", octets) }

// Frames of V.21 are told while they come, those of images are not.
func TestReceiverTellsParts(t *testing.T) {
	const v21, v17 = ifp.V21Data, ifp.V17Data14400
	begin := indicator(ifp.V21Preamble)
	hdlc := func(b ...byte) ifp.Field { return octets(ifp.HDLCData, b...) }
	ok := octets(ifp.HDLCFCSOK)
	for _, tt := range []struct {
		name  string
		steps []step
		want  string
	}{
		{"in two packets, the end in a third", []step{begin, fields(v21, hdlc(1)), fields(v21, hdlc(2, 3)), fields(v21, ok)},
			"v21-preamble; part 80; part 8040c0; v21 frame 8040c0 good"},
		{"a packet of it is lost", []step{begin, fields(v21, hdlc(1)), after(1, v21, hdlc(3)), fields(v21, ok)},
			"v21-preamble; part 80; part 80c0; v21 frame 80c0 bad"},
		{"the end is lost", []step{begin, fields(v21, hdlc(1)), indicator(ifp.NoSignal)}, "v21-preamble; part 80; v21 end"},
		{"an empty field", []step{begin, fields(v21, hdlc())}, "v21-preamble"},
		{"an image's", []step{indicator(ifp.V17ShortTraining14400), fields(v17, hdlc(1)), fields(v17, ok)},
			"v17-14400-short-training; v17-14400 frame 80 good"},
	} {
		var told partRecord
		r := NewReceiver(&told)
		now := int64(1000)
		for _, s := range tt.steps {
			s(r, &now)
		}
		if got := strings.Join(told.words, "; "); got != tt.want {
			t.Errorf("%s:\n%s\nwant\n%s", tt.name, got, tt.want)
		}
	}
}

func TestReceiverAllocatesNothing(t *testing.T) {
	r := NewReceiver(nothing{})
	packet, _ := ifp.AppendData(nil, r.Coding, ifp.V17Data14400, octets(ifp.HDLCData, make([]byte, 54)...), octets(ifp.HDLCFCSOK))
	image, _ := ifp.AppendData(nil, r.Coding, ifp.V17Data14400, octets(ifp.NonECMData, make([]byte, 54)...))
	take := func() {
		r.Take(0, udptl.Packet{IFP: packet})
		r.Take(0, udptl.Packet{IFP: image})
	}
	take()
	if n := testing.AllocsPerRun(100, take); n != 0 {
		t.Errorf("%v allocations for two packets", n)
	}
}

type nothing struct{}

func (nothing) Indicator(ifp.Indicator)          {}
func (nothing) Frame(ifp.DataType, []byte, bool) {}
func (nothing) Octets(ifp.DataType, []byte)      {}
func (nothing) End(ifp.DataType)                 {}

// balanced fails if bursts do not begin and end in turn, or have data outside, or if a frame
// is not what its parts said.
type balanced struct {
	t    *testing.T
	open bool
	data ifp.DataType
	part []byte
}

func (b *balanced) Part(octets []byte) {
	if !b.open || b.data != ifp.V21Data || len(octets) == 0 || len(octets) > MaxFrame || !bytes.HasPrefix(octets, b.part) {
		b.t.Fatalf("part %x of %v behind %x", octets, b.data, b.part)
	}
	b.part = append(b.part[:0], octets...)
}

func (b *balanced) Indicator(i ifp.Indicator) {
	data, _, fast := i.Training()
	if i == ifp.V21Preamble {
		data, fast = ifp.V21Data, true
	}
	if b.open || i > ifp.V17LongTraining14400 {
		b.t.Fatalf("%v within a burst of %v", i, b.data)
	}
	b.open, b.data = fast, data
}

func (b *balanced) Frame(d ifp.DataType, octets []byte, good bool) {
	if !b.open || b.data != d || len(octets) == 0 || len(octets) > MaxFrame {
		b.t.Fatalf("frame of %d octets of %v", len(octets), d)
	}
	if !bytes.HasPrefix(octets, b.part) {
		b.t.Fatalf("frame %x behind part %x", octets, b.part)
	}
	b.part = b.part[:0]
}

func (b *balanced) Octets(d ifp.DataType, octets []byte) {
	if !b.open || b.data != d || len(octets) == 0 {
		b.t.Fatalf("%d octets of %v", len(octets), d)
	}
}

func (b *balanced) End(d ifp.DataType) {
	if !b.open || b.data != d {
		b.t.Fatalf("end of %v", d)
	}
	b.open, b.part = false, b.part[:0]
}

// FuzzReceiver gives packets of any content, each with its length before it; the length's
// highest bit stands for a loss before the packet.
func FuzzReceiver(f *testing.F) {
	f.Add([]byte{1, 6, 8, 0xC0, 1, 0x80, 0, 2, 0xFF, 0xC8, 1, 3, 0xC0, 1, 0x20, 1, 0}, true)
	f.Add([]byte{1, 30, 7, 0xD0, 1, 0xE0, 0, 1, 0, 0, 0x83, 0xD0, 1, 0x70}, false)
	f.Fuzz(func(t *testing.T, b []byte, corrected bool) {
		r := NewReceiver(&balanced{t: t})
		if corrected {
			r.Coding = ifp.Corrected
		}
		for now := int64(0); len(b) > 0; now += 240 {
			n := min(int(b[0]&0x7F), len(b)-1)
			r.Take(now, udptl.Packet{IFP: b[1 : 1+n], Lost: int(b[0] >> 7)})
			b = b[1+n:]
		}
		if at, ok := r.Deadline(); ok {
			r.Expire(at)
		}
		if _, ok := r.Deadline(); ok {
			t.Fatal("a burst without end")
		}
	})
}
