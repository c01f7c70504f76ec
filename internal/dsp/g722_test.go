package dsp

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestG722AgreesWithAnotherImplementation(t *testing.T) {
	input := readSamples(t, "input.s16")
	for _, tt := range []struct {
		name   string
		encode func([]byte, []int16) int
		decode func([]int16, []byte) int
	}{
		{"wide", new(G722Encoder).EncodeWide, new(G722Decoder).DecodeWide},
		{"port", new(G722Encoder).Encode, new(G722Decoder).Decode},
	} {
		wantCode, wantPCM := readFile(t, tt.name+".g722"), readSamples(t, tt.name+".s16")
		code, pcm := make([]byte, len(wantCode)), make([]int16, len(wantPCM))
		if n := tt.encode(code, input); n != len(wantCode) || !bytes.Equal(code, wantCode) {
			t.Errorf("%s: %d octets, other than the %d expected", tt.name, n, len(wantCode))
		}
		if n := tt.decode(pcm, wantCode); n != len(wantPCM) || !slices.Equal(pcm, wantPCM) {
			t.Errorf("%s: %d samples, other than the %d expected", tt.name, n, len(wantPCM))
		}
	}
}

// A port at 8 kHz talks with a peer at 16 kHz.
func TestG722PortAndWidePeerHearEachOther(t *testing.T) {
	for _, hz := range []float64{300, 1000, 2100, 3400} {
		tone := Steady(Partial{hz, -10})

		code := make([]byte, 8000)
		new(G722Encoder).Encode(code, play(tone, 8000))
		wide := make([]int16, 16000)
		new(G722Decoder).DecodeWide(wide, code)
		if got := levelAt(wide[8000:], hz/2); math.Abs(got+10) > 0.5 { // measured as if it were 8 kHz
			t.Errorf("%v Hz arrives at a wide peer with %.1f dBm0, want -10", hz, got)
		}

		code = make([]byte, 8000)
		new(G722Encoder).EncodeWide(code, play(Steady(Partial{hz / 2, -10}), 16000))
		narrow := make([]int16, 8000)
		new(G722Decoder).Decode(narrow, code)
		if got := levelAt(narrow[4000:], hz); math.Abs(got+10) > 0.5 {
			t.Errorf("%v Hz arrives at the port with %.1f dBm0, want -10", hz, got)
		}
	}
}

func TestG722PortDoesNotHearAboveItsBand(t *testing.T) {
	code := make([]byte, 8000)
	new(G722Encoder).EncodeWide(code, play(Steady(Partial{5500. / 2, -10}), 16000))
	pcm := make([]int16, 8000)
	new(G722Decoder).Decode(pcm, code)
	var m Meter
	m.Add(pcm[4000:])
	if m.DBm0() > -50 {
		t.Errorf("5500 Hz at -10 dBm0 is heard with %.1f dBm0", m.DBm0())
	}
}

func TestG722NoiseOfOneTrip(t *testing.T) {
	in := play(Steady(Partial{700, -12}, Partial{1900, -18}), 8000)
	code, out := make([]byte, 8000), make([]int16, 8000)
	new(G722Encoder).Encode(code, in)
	new(G722Decoder).Decode(out, code)
	var signal, noise Meter
	signal.Add(in[4000:])
	for i := range out {
		out[i] -= in[i]
	}
	noise.Add(out[4000:])
	if snr := signal.DBm0() - noise.DBm0(); snr < 30 {
		t.Errorf("signal to noise %.1f dB, want at least 30", snr)
	}
}

// No stream of octets can make the decoder overflow or stick.
func TestG722DecoderRecoversFromGarbage(t *testing.T) {
	var d G722Decoder
	garbage := make([]byte, 16000)
	for i := range garbage {
		garbage[i] = byte(i * i >> 3)
	}
	out := make([]int16, 16000)
	d.Decode(out, garbage)
	code := make([]byte, 16000)
	var e G722Encoder
	in := play(Steady(Partial{1000, -10}), 16000)
	e.Encode(code, in)
	d.Decode(out, code)
	if got := levelAt(out[8000:], 1000); math.Abs(got+10) > 0.5 {
		t.Errorf("a second after garbage the tone has %.1f dBm0, want -10", got)
	}
}

func TestG722TakesWhatBothSlicesHave(t *testing.T) {
	var e G722Encoder
	var d G722Decoder
	for _, tt := range []struct {
		name      string
		got, want int
	}{
		{"Encode", e.Encode(make([]byte, 3), make([]int16, 5)), 3},
		{"EncodeWide", e.EncodeWide(make([]byte, 9), make([]int16, 5)), 2},
		{"Decode", d.Decode(make([]int16, 9), make([]byte, 5)), 5},
		{"DecodeWide", d.DecodeWide(make([]int16, 5), make([]byte, 5)), 4},
	} {
		if tt.got != tt.want {
			t.Errorf("%s did %d, want %d", tt.name, tt.got, tt.want)
		}
	}
}

func levelAt(pcm []int16, hz float64) float64 {
	g := NewGoertzel(hz, 4000)
	g.Feed(pcm[:4000])
	return g.DBm0()
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "g722", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func readSamples(t *testing.T, name string) []int16 {
	b := readFile(t, name)
	pcm := make([]int16, len(b)/2)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(b[2*i:]))
	}
	return pcm
}

func BenchmarkG722Encode(b *testing.B) {
	var e G722Encoder
	in, out := play(Steady(Partial{1000, -10}), 160), make([]byte, 160)
	b.ReportAllocs()
	for b.Loop() {
		e.Encode(out, in)
	}
}

func BenchmarkG722Decode(b *testing.B) {
	var e G722Encoder
	var d G722Decoder
	in, code := play(Steady(Partial{1000, -10}), 160), make([]byte, 160)
	e.Encode(code, in)
	b.ReportAllocs()
	for b.Loop() {
		d.Decode(in, code)
	}
}
