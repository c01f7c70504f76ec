package ifp

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestCodingOfVersion(t *testing.T) {
	for version, want := range []Coding{Original, Original, Corrected, Corrected, Corrected} {
		if got := CodingOf(version); got != want {
			t.Errorf("version %d: coding %d, want %d", version, got, want)
		}
	}
}

// Clause 7.1.1 and annex A: what a later edition adds is read and told apart from what
// is wrong.
func TestLaterEditions(t *testing.T) {
	for _, tt := range []struct {
		name   string
		octets []byte
		coding Coding
		want   Packet
	}{
		{"indicator 16+7", []byte{0x21, 0xC0}, Original, Packet{Indicator: 23, Data: NoData}},
		{"indicator 16+63", []byte{0x2F, 0xC0}, Corrected, Packet{Indicator: 79, Data: NoData}},
		{"indicator 16+64", []byte{0x30, 0x01, 0x40}, Corrected, Packet{Indicator: 80, Data: NoData}},
		{"indicator too large to keep", []byte{0x30, 0x02, 0x12, 0x34}, Corrected, Packet{Indicator: NoIndicator, Data: NoData}},
		{"data 9+6 with a field", []byte{0xE1, 0x80, 0x01, 0x80, 0, 0, 0xAA}, Corrected,
			Packet{IsData: true, Indicator: NoIndicator, Data: 15, Fields: []Field{{HDLCData, []byte{0xAA}}}}},
		{"field 8+4 between others", []byte{0xC0, 0x03, 0x80, 0, 0, 0xAA, 0xC2, 0x00, 0, 1, 1, 2, 0x10}, Corrected,
			Packet{IsData: true, Indicator: NoIndicator, Fields: []Field{{HDLCData, []byte{0xAA}}, {12, []byte{1, 2}}, {HDLCFCSOK, nil}}}},
	} {
		var p Packet
		n, err := p.Decode(tt.octets, tt.coding)
		if err != nil || n != len(tt.octets) || !same(&p, &tt.want) {
			t.Errorf("%s: took %d octets, %v, as %+v; want %+v", tt.name, n, err, p, tt.want)
		}
	}
}

func same(a, b *Packet) bool {
	return a.IsData == b.IsData && a.Indicator == b.Indicator && a.Data == b.Data &&
		slices.EqualFunc(a.Fields, b.Fields, func(x, y Field) bool { return x.Type == y.Type && bytes.Equal(x.Data, y.Data) })
}

func TestMalformed(t *testing.T) {
	for _, tt := range []struct {
		name   string
		octets []byte
	}{
		{"nothing", nil},
		{"data type between the root and the extension", []byte{0x52}},
		{"extension without its number", []byte{0x20}},
		{"long extension number without octets", []byte{0x30, 0x00}},
		{"long extension number cut off", []byte{0x30, 0x04, 1}},
		{"long extension number of fragmented length", []byte{0x30, 0xC1, 1}},
		{"fields without a count", []byte{0xC0}},
		{"count of fragments", []byte{0xC0, 0xC1}},
		{"count in two octets, cut off", []byte{0xC0, 0x80}},
		{"more fields than octets", []byte{0xC0, 5, 0x00}},
		{"more fields than are taken", append([]byte{0xC0, 0x81, 0x00}, make([]byte, 300)...)},
		{"field data without its length", []byte{0xC0, 1, 0x80, 0}},
		{"field data that claims 65536 octets", []byte{0xC0, 1, 0x80, 0xFF, 0xFF, 1, 2, 3}},
		{"field data one octet short", []byte{0xC0, 1, 0x80, 0, 2, 1, 2}},
		{"second field's data one octet short", []byte{0xC0, 2, 0x80, 0, 0, 9, 0x80, 0, 2, 1, 2}},
	} {
		var p Packet
		for _, c := range []Coding{Original, Corrected} {
			if n, err := p.Decode(tt.octets, c); !errors.Is(err, ErrMalformed) || n != 0 {
				t.Errorf("%s, coding %d: took %d octets, %v, as %+v", tt.name, c, n, err, p)
			}
		}
	}
}

// A packet restored by parity is as long as the longest it was mixed with.
func TestPaddedPacket(t *testing.T) {
	var p Packet
	for _, g := range goldens(t) {
		n, err := p.Decode(append(slices.Clone(g.octets), 0, 0, 0), g.codings[0])
		if err != nil || n != len(g.octets) || says(&p) != g.says {
			t.Errorf("%s, padded: took %d octets, %v, as %s", g.line, n, err, says(&p))
		}
	}
}

func TestUnsupported(t *testing.T) {
	for name, p := range map[string]Packet{
		"indicator of a later edition": {Indicator: 23},
		"indicator with fields":        {Fields: []Field{{}}},
		"data of a later edition":      {IsData: true, Data: 15},
		"field of a later edition":     {IsData: true, Fields: []Field{{Type: 12}}},
		"field of the corrected list":  {IsData: true, Fields: []Field{{Type: CMMessage}}},
		"field data too long":          {IsData: true, Fields: []Field{{Data: make([]byte, MaxFieldData+1)}}},
		"too many fields":              {IsData: true, Fields: make([]Field, MaxFields+1)},
	} {
		if b, err := p.Append([]byte{1, 2}, Original); !errors.Is(err, ErrUnsupported) || !bytes.Equal(b, []byte{1, 2}) {
			t.Errorf("%s: written as %x, %v", name, b, err)
		}
	}
}

func TestTrainings(t *testing.T) {
	for i := range Indicator(len(indicatorNames)) {
		data, short, ok := i.Training()
		if want := i >= V27Training2400 && i <= V17LongTraining14400; ok != want {
			t.Errorf("%v is a training: %v", i, ok)
		}
		if !ok {
			continue
		}
		if back, ok := TrainingFor(data, short); !ok || back != i {
			t.Errorf("%v announces %v, which %v announces", i, data, back)
		}
		if back, ok := TrainingFor(data, true); data < V17Data7200 && (!ok || back != i) {
			t.Errorf("%v has no short training: %v", data, back)
		}
	}
	if i, ok := TrainingFor(V21Data, false); !ok || i != V21Preamble {
		t.Errorf("V.21 begins with %v", i)
	}
	if i, ok := TrainingFor(V33Data14400, false); ok {
		t.Errorf("V.33 begins with %v", i)
	}
}

func TestNames(t *testing.T) {
	for got, want := range map[string]string{
		V17LongTraining14400.String(): "v17-14400-long-training",
		Indicator(99).String():        "indicator-99",
		V33Data14400.String():         "v33-14400",
		DataType(99).String():         "data-99",
		NonECMSigEnd.String():         "t4-non-ecm-sig-end",
		FieldType(99).String():        "field-99",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if V17Data14400.BitRate() != 14400 || V21Data.BitRate() != 300 || DataType(99).BitRate() != 0 {
		t.Error("bit rates")
	}
	for f := range FieldType(12) {
		if want := f == HDLCSigEnd || f == HDLCFCSOKSigEnd || f == HDLCFCSBadSigEnd || f == NonECMSigEnd; f.Ends() != want {
			t.Errorf("%v ends the signal: %v", f, f.Ends())
		}
	}
}

// Every packet that can be written is read back as it was.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Coding(rapid.IntRange(0, 1).Draw(t, "coding"))
		want := anyPacket(t, c)
		b, err := want.Append(nil, c)
		if err != nil {
			t.Fatalf("%+v: %v", want, err)
		}
		var got Packet
		if n, err := got.Decode(b, c); err != nil || n != len(b) || !same(&got, &want) {
			t.Fatalf("%x: took %d octets, %v, as %+v; want %+v", b, n, err, got, want)
		}
	})
}

func anyPacket(t *rapid.T, c Coding) Packet {
	if rapid.Bool().Draw(t, "indicator") {
		return Packet{Indicator: Indicator(rapid.IntRange(0, 22).Draw(t, "which")), Data: NoData}
	}
	last := map[Coding]int{Original: 7, Corrected: 11}[c]
	field := rapid.Custom(func(t *rapid.T) Field {
		return Field{FieldType(rapid.IntRange(0, last).Draw(t, "type")), rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "octets")}
	})
	return Packet{IsData: true, Indicator: NoIndicator, Data: DataType(rapid.IntRange(0, 14).Draw(t, "modem")),
		Fields: rapid.SliceOfN(field, 0, 20).Draw(t, "fields")}
}

func TestLongestPacket(t *testing.T) {
	fields := make([]Field, MaxFields)
	for i := range fields {
		fields[i] = Field{NonECMData, []byte{byte(i)}}
	}
	fields[0].Data = make([]byte, MaxFieldData)
	want := Packet{IsData: true, Indicator: NoIndicator, Fields: fields}
	b, err := want.Append(nil, Corrected)
	if err != nil {
		t.Fatal(err)
	}
	var got Packet
	if n, err := got.Decode(b, Corrected); err != nil || n != len(b) || !same(&got, &want) {
		t.Errorf("took %d of %d octets, %v, %d fields", n, len(b), err, len(got.Fields))
	}
}

func TestNoAllocation(t *testing.T) {
	octets := []byte{0xC0, 0x03, 0x80, 0x00, 0x00, 0x55, 0x10, 0x40}
	var p Packet
	buffer := make([]byte, 0, 100)
	if n := testing.AllocsPerRun(100, func() {
		p.Decode(octets, Corrected)
		p.Append(buffer, Corrected)
		AppendData(buffer, Original, V17Data14400, Field{NonECMData, octets}, Field{Type: NonECMSigEnd})
		AppendIndicator(buffer, V21Preamble)
	}); n != 0 {
		t.Errorf("%v allocations for a packet", n)
	}
}

func FuzzDecode(f *testing.F) {
	for _, g := range goldens(f) {
		f.Add(g.octets, g.codings[0] == Corrected)
	}
	f.Fuzz(func(t *testing.T, b []byte, corrected bool) {
		c := Original
		if corrected {
			c = Corrected
		}
		var p, again Packet
		n, err := p.Decode(b, c)
		if err != nil {
			return
		}
		if n < 1 || n > len(b) {
			t.Fatalf("took %d of %d octets", n, len(b))
		}
		octets, err := p.Append(nil, c)
		if err != nil {
			return // of a later edition
		}
		if _, err := again.Decode(octets, c); err != nil || !same(&p, &again) {
			t.Fatalf("%x as %+v, written as %x: %v, as %+v", b, p, octets, err, again)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	octets, _ := AppendData(nil, Original, V17Data14400, Field{NonECMData, make([]byte, 54)})
	var p Packet
	b.ReportAllocs()
	for b.Loop() {
		p.Decode(octets, Original)
	}
}
