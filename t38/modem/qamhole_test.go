package modem

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"tipring/internal/dsp/line"
)

// A hole in the middle of a page, as lost packets make it, costs the bits that were in it
// and few more: the carrier is kept, and what follows is right. Bits are lost with it, so
// that those after it are found by what they are.
func TestHolesCostLittle(t *testing.T) {
	for _, m := range qamModes() {
		for _, ms := range []int{20, 40, 100} {
			sent := v21Random(m.BitRate(), uint64(m))
			pcm := burst(m, false, false, -14, sent)
			hole := len(pcm) * 7 / 10
			clear(pcm[hole:][:ms*SampleRate/1000])
			var l burstListener
			l.start(m, false)
			l.hear(line.New(line.Model{OffsetHz: 3, SkewPPM: 100, Law: line.ULaw, Noise: line.SNR(30, -14), Seed: 1}).Run(pcm))
			if !slices.Equal(l.statuses, onePage) {
				t.Errorf("%v, %d ms: %v, want %v", m, ms, l.statuses, onePage)
			}
			lost := m.BitRate() * (ms + 60) / 1000
			if missing := missingAfter(sent, l.bits); missing > lost {
				t.Errorf("%v, hole of %d ms: %d bits are not right, want %d at most", m, ms, missing, lost)
			}
			if !bytes.Contains(l.bits, make([]byte, lostZeros)) {
				t.Errorf("%v, hole of %d ms: the bits around it are put together", m, ms)
			}
		}
	}
}

// missingAfter counts the bits sent that are neither in the beginning of those heard nor
// in their end.
func missingAfter(sent, heard []byte) int {
	before := 0
	for before < min(len(sent), len(heard)) && sent[before] == heard[before] {
		before++
	}
	tail := sent[len(sent)-64:]
	for end := len(heard); end >= 64; end-- {
		if !slices.Equal(heard[end-64:end], tail) {
			continue
		}
		after := 0
		for after < min(len(sent), end) && sent[len(sent)-1-after] == heard[end-1-after] {
			after++
		}
		return len(sent) - before - after
	}
	return len(sent) - before
}

// A burst whose training is drowned is told as one that failed, and the next one is heard.
func TestFailedTrainingIsTold(t *testing.T) {
	failed := []Status{CarrierUp, TrainingFailed, CarrierDown}
	for _, m := range qamModes() {
		sent := v21Random(2000, uint64(m))
		pcm := burst(m, false, false, -14, sent)
		for _, part := range []struct {
			name     string
			from, to float64 // seconds from the beginning of the burst
		}{{"the beginning", 0, 0.3}, {"all", 0, 3}, {"the conditioning", 0.06, 1.2}} {
			noisy := slices.Clone(pcm)
			from, to := 1600+int(part.from*SampleRate), min(1600+int(part.to*SampleRate), len(pcm)-1600)
			noise := line.New(line.Model{Noise: line.Noise{When: line.Always, DBm0: -14}, Seed: 5}).Run(make([]int16, to-from))
			for i, v := range noise {
				noisy[from+i] = v + noisy[from+i]/4
			}
			var l burstListener
			l.start(m, false)
			l.hear(noisy)
			if !slices.Equal(l.statuses, failed) {
				t.Errorf("%v, noise over %s of the training: %v, want %v", m, part.name, l.statuses, failed)
			}
			l.bits, l.statuses = nil, nil
			l.hear(pcm)
			checkBurst(t, &l, sent, fmt.Sprintf("%v after a failure", m))
		}
	}
}

// After a page T.30 goes on with V.21: that is no page coming back.
func TestV21AfterABurstIsNoData(t *testing.T) {
	for _, m := range qamModes() {
		sent := v21Random(3000, 3)
		page := burst(m, false, false, -14, sent)
		pcm := slices.Concat(page[:len(page)-1600+600], v21Sound(v21Random(600, 4), -14)[1600:])
		var l burstListener
		l.start(m, false)
		l.hear(line.New(line.Model{Law: line.ULaw, Noise: line.Noise{When: line.Always, DBm0: -45}, Seed: 1}).Run(pcm))
		checkBurst(t, &l, sent, m.String())
		if extra := len(l.bits) - len(sent); extra > m.BitRate()/40 {
			t.Errorf("%v: %d bits after the end", m, extra)
		}
	}
}

// Packets that are dropped, or sent twice, move the signal in time. Where they are as long
// as packets are, 10 ms or a multiple, elements and carrier fit together again at once;
// otherwise the clock, the carrier and the equaliser have to be found anew without a
// training, which takes up to half a second.
func TestJumpsAreSurvived(t *testing.T) {
	for _, m := range qamModes() {
		for _, samples := range []int{160, 80, 53, 37, -80, -41} {
			sent := v21Random(m.BitRate()*2, uint64(m))
			pcm := burst(m, false, false, -14, sent)
			at := len(pcm) * 6 / 10
			most := 600
			if samples%80 == 0 {
				most = max(samples, 0)/8 + 20
			}
			if samples > 0 {
				pcm = slices.Delete(pcm, at, at+samples)
			} else {
				pcm = slices.Insert(pcm, at, pcm[at+samples:at]...)
			}
			var l burstListener
			l.start(m, false)
			l.hear(line.New(line.Model{OffsetHz: 3, SkewPPM: 100, Law: line.ULaw, Noise: line.SNR(30, -14), Seed: 1}).Run(pcm))
			if lost := missingAfter(sent, l.bits) * 1000 / m.BitRate(); lost > most {
				t.Errorf("%v, %d samples less: %d ms of bits lost, want %d at most", m, samples, lost, most)
			}
		}
	}
}
