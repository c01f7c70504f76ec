package audio

import (
	"math"
	"testing"
)

func TestLevel(t *testing.T) {
	for _, dbm0 := range []float64{0, -10, -30} {
		pcm := Sine(1000, dbm0, 1600)
		if got := Level(pcm, 1000); math.Abs(got-dbm0) > 0.2 {
			t.Errorf("1000 Hz made at %v dBm0 measures %.2f", dbm0, got)
		}
		if err := Heard(FromULaw(ULaw(pcm)), 1000, dbm0); err != nil {
			t.Errorf("through mu-law: %v", err)
		}
		if err := Heard(pcm, 440, dbm0); err == nil {
			t.Error("1000 Hz was taken for 440 Hz")
		}
	}
	if got := Level(make([]int16, 800), 1000); got != -99 {
		t.Errorf("silence measures %v", got)
	}
}

// Values from ITU-T G.711 table 2a/2b and 1a/1b, at the ends of segments.
func TestG711(t *testing.T) {
	for code, want := range map[byte]int16{0x80: 32124, 0x00: -32124, 0xff: 0, 0xf0: 120, 0xef: 132} {
		if got := FromULaw([]byte{code})[0]; got != want {
			t.Errorf("mu-law %#x is %d, want %d", code, got, want)
		}
		if back := ULaw([]int16{want})[0]; back != code {
			t.Errorf("mu-law of %d is %#x, want %#x", want, back, code)
		}
	}
	for code, want := range map[byte]int16{0xd5: 8, 0x55: -8, 0xaa: 32256, 0x2a: -32256} {
		if got := FromALaw([]byte{code})[0]; got != want {
			t.Errorf("A-law %#x is %d, want %d", code, got, want)
		}
	}
}

func TestWAV(t *testing.T) {
	pcm, rate, err := FromWAV(WAV([]int16{1, -2, 300}, Rate))
	if err != nil || rate != Rate || len(pcm) != 3 || pcm[1] != -2 || pcm[2] != 300 {
		t.Errorf("got %v at %d Hz, %v", pcm, rate, err)
	}
}
