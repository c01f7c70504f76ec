package main

import (
	"fmt"
	"math/rand/v2"

	"tipring/internal/dsp"
	"tipring/internal/dsp/talker"
	"tipring/tools/peers/netlab"
)

// talkOffRows: the digits that the detector hears in an hour in which there are none, three
// quarters of it people of all voices, the rest noise of all colours. It is computed.
func talkOffRows(netlab.T) []row {
	const hour = 60
	return []row{{"DTMF digits heard in an hour of speech and noise", fmt.Sprint(talkOff(hour)), "-", "1", "0"}}
}

func talkOff(minutes int) (digits int) {
	var d dsp.DTMFDetector
	var events []dsp.DTMFEvent
	random := rand.New(rand.NewPCG(uint64(minutes), 24))
	pcm := make([]int16, 60*dsp.SampleRate)
	for m := range minutes {
		if m%4 < 3 {
			talker.New(random.Uint64(), talker.Config{
				PitchHz: 80 + 280*random.Float64(), LevelDBm0: -20 + 12*random.Float64(), NoiseDBm0: -60 + 20*random.Float64(),
			}).Read(pcm)
		} else {
			noise(random, pcm)
		}
		events = d.Feed(events[:0], pcm)
		for _, e := range events {
			if e.Down {
				digits++
			}
		}
	}
	return digits
}

// noise is -12 to -32 dBm0 of it, white to dark.
func noise(random *rand.Rand, pcm []int16) {
	peak, slow, y := float64(dsp.Peak(-12-20*random.Float64())), 0.9*random.Float64(), 0.0
	for i := range pcm {
		y = slow*y + (1-slow)*random.NormFloat64()*peak
		pcm[i] = int16(max(-32768, min(y, 32767)))
	}
}
