package dsp_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"

	"tipring/internal/dsp"
)

// digest is short, but sounds that differ do not share it by chance.
func digest(pcm []int16) string {
	sum := sha256.New()
	for _, v := range pcm {
		sum.Write([]byte{byte(v), byte(v >> 8)})
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// hissing adds noise that is made of integers, some 20 dB below a tone of -14 dBm0.
func hissing(pcm []int16) []int16 {
	noise := uint32(1)
	for i := range pcm {
		noise = noise*1664525 + 1013904223
		pcm[i] += int16(int32(noise) >> 22)
	}
	return pcm
}

// flags are those of V.21 channel 2, as triangles: no floating point makes them.
func flags(samples int) []int16 {
	out := make([]int16, samples)
	phase := uint32(0)
	for i := range out {
		out[i] = int16(max(int32(phase), -int32(phase)-1)>>18) - 1<<12
		hz := uint64(1650) // a 1
		if bit := i * 300 / dsp.SampleRate % 8; bit == 0 || bit == 7 {
			hz = 1850
		}
		phase += uint32(hz << 32 / dsp.SampleRate)
	}
	return out
}

func dialled() []int16 {
	g := dsp.NewDTMFGenerator(-9, -7)
	for _, key := range []byte("159D") {
		g.Press(key, 80*ms, 80*ms)
	}
	out := make([]int16, 640*ms)
	g.Read(out)
	return out
}

// Every processor makes the same samples, and hears the same at the same moment, to the
// last bit.
func TestVectorsAreTheSameOnEveryProcessor(t *testing.T) {
	for _, tt := range []struct {
		name string
		pcm  []int16
		want string
		told string // by the detector of fax tones, with noise: what, whether it ended, began, at
	}{
		{"CNG", played(dsp.CNGSignal(-14), 4000*ms), "ab2e47977d300f21", "[{cng false 0 2800} {cng true 0 4000} {cng false 28000 30800}]"},
		{"CED", played(dsp.CEDSignal(-14, 3000*ms), 3200*ms), "afe1219ad07239a4", "[{ced false 0 3360} {ced true 0 24000}]"},
		{"ANS", ans(2000 * ms), "d0c2670fbf5a5162", "[{ced false 0 3360} {reversal false 3590 3620} {reversal false 7190 7220} {reversal false 10790 10820} {reversal false 14390 14420}]"},
		{"ANSam", ansam(2000 * ms), "207e489a4191d594", "[{ansam false 0 3360} {reversal false 3590 3620} {reversal false 7190 7220} {reversal false 10790 10820} {reversal false 14390 14420}]"},
		{"ANSam flattened", flatten(ansam(2000 * ms)), "2eb1881212985ea8", "[{ced false 0 3360}]"},
		{"flags of V.21", flags(1000 * ms), "ca7ea01d56def579", "[{preamble false -53 800}]"},
		{"DTMF", dialled(), "c8ec5706b35be807", "[]"},
	} {
		if got := digest(tt.pcm); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
		if got := fmt.Sprint(detect(hissing(tt.pcm))); got != tt.told {
			t.Errorf("%s: heard %s, want %s", tt.name, got, tt.told)
		}
	}
}
