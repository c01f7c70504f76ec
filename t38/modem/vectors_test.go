package modem

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"
)

// Every processor makes the same samples of the same bits and hears the same in them, to
// the last bit: testdata/vectors.txt has the digests of both for every mode. The line
// between is noise and an echo made of integers.
func TestVectorsAreTheSameOnEveryProcessor(t *testing.T) {
	const file = "testdata/vectors.txt"
	var b strings.Builder
	sent, heard := vector(V21, false)
	fmt.Fprintf(&b, "%v sent %s heard %s\n", V21, sent, heard)
	for _, m := range qamModes() {
		for _, short := range []bool{false, true} {
			sent, heard := vector(m, short)
			fmt.Fprintf(&b, "%v short=%v sent %s heard %s\n", m, short, sent, heard)
		}
	}
	if os.Getenv("UPDATE_VECTORS") != "" {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func vector(m Mode, short bool) (sent, heard string) {
	l := &burstListener{}
	l.start(m, false)
	pcm := burst(m, false, true, -13, v21Random(2000, 1))
	l.hear(distorted(pcm))
	if short {
		l.start(m, true)
		pcm = burst(m, true, false, -20, v21Random(2000, 2))
		l.hear(distorted(pcm))
	}
	of := sha256.New()
	for _, v := range pcm {
		of.Write([]byte{byte(v), byte(v >> 8)})
	}
	told := sha256.New()
	told.Write(l.bits)
	fmt.Fprint(told, l.statuses)
	if m == V21 {
		r := &l.receiver.v21
		fmt.Fprint(told, r.clock, r.clockStep, r.drift, r.turn, r.turnStep, r.level, r.inBand, r.total)
	} else {
		q := &l.receiver.qam
		fmt.Fprint(told, q.eq.re, q.eq.im, q.carrier, q.sampler.edges, q.errorPower)
	}
	return hex.EncodeToString(of.Sum(nil)[:8]), hex.EncodeToString(told.Sum(nil)[:8])
}

// distorted adds an echo of 1 ms and noise some 26 dB below a burst of -13 dBm0.
func distorted(pcm []int16) []int16 {
	out := make([]int16, len(pcm))
	noise := uint32(1)
	for i, v := range pcm {
		noise = noise*1664525 + 1013904223
		v := int32(v) + int32(noise)>>23
		if i >= 8 {
			v += int32(pcm[i-8]) / 8
		}
		out[i] = int16(min(max(v, -32768), 32767))
	}
	return out
}
