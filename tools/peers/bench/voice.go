package main

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"

	"tipring/internal/dsp/talker"
	"tipring/internal/media"
	"tipring/tools/peers/netlab"
)

// voiceRows: how far what is heard is from what was said when packets of 20 ms are lost,
// and how far silence in their place would be, as log-spectral distance (talker.Distance) on
// a minute of synthetic speech, half of it a man's and half a woman's. It is computed, not
// timed: two sessions of ours in sample time.
func voiceRows(t netlab.T) []row {
	var rows []row
	for _, run := range []float64{1, 2.5} {
		for _, pct := range []float64{1, 3, 5} {
			ours, silence := concealment(t, pct/100, run)
			required := "-"
			if pct == 3 {
				required = "30 % less"
			}
			rows = append(rows, row{
				fmt.Sprintf("spectral distance, %.0f %% lost in runs of %.1f", pct, run),
				fmt.Sprintf("%.2f dB, silence %.2f: %.0f %% less", ours, silence, 100*(1-ours/silence)), "-", required, "-",
			})
		}
	}
	return append(rows, row{"RTP to card in sample time, packets just missed by a frame", ms(float64(delay(t)+packetSize) / 8), "-", "40 ms", "-"})
}

const packetSize = 160

// delay is how many samples a sound is late that comes in packets of the length of a frame,
// each in time for a frame, once the jitter buffer has seen for a while that they all do.
func delay(t netlab.T) int {
	speech := make([]int16, 60*8000)
	at := len(speech) - 8000
	speech[at] = 10000
	sound := heard(t, speech, nil, media.Jitter{})
	return slices.Index(sound, slices.Max(sound)) - at
}

func concealment(t netlab.T, part, run float64) (ours, silence float64) {
	for i, c := range []talker.Config{{}, {PitchHz: 190}} {
		speech := talker.Speech(uint64(i+1), c, 30)
		lost := losses(uint64(i+7), len(speech)/packetSize, part, run)
		said := heard(t, speech, nil, patient)
		gaps := append([]int16(nil), said...)
		for n, gone := range lost {
			if at := n*packetSize + playout; gone && at+packetSize <= len(gaps) {
				clear(gaps[at : at+packetSize])
			}
		}
		ours += talker.Distance(said, heard(t, speech, lost, patient)) / 2
		silence += talker.Distance(said, gaps) / 2
	}
	return ours, silence
}

// losses says which packets are lost: the given part, in runs of that mean length (Gilbert).
func losses(seed uint64, n int, part, run float64) []bool {
	random := rand.New(rand.NewPCG(seed, 711))
	lost := make([]bool, n)
	for i := 1; i < n; i++ {
		if lost[i-1] {
			lost[i] = random.Float64() < 1-1/run
		} else {
			lost[i] = random.Float64() < part/(run*(1-part))
		}
	}
	return lost
}

// playout is the delay of the patient buffer, 40 ms.
const playout = 320

var patient = media.Jitter{Fixed: true, StartMS: playout / 8}

// heard is what a telephone hears of speech that comes in packets.
func heard(t netlab.T, speech []int16, lost []bool, jitter media.Jitter) []int16 {
	from, to := netip.MustParseAddrPort("10.0.0.1:4000"), netip.MustParseAddrPort("10.0.0.2:4000")
	sent := 0
	n := &media.Network{Filter: func(_, dst netip.AddrPort, _ []byte) bool {
		if dst != to {
			return true
		}
		sent++
		return lost == nil || !lost[sent-1]
	}}
	session := func(own, peer netip.AddrPort) *media.Session {
		pair, err := n.Listen(own)
		if err != nil {
			t.Fatalf("%v", err)
		}
		s := media.New(pair, media.Config{Jitter: jitter})
		if err := s.Update(media.Params{
			Remote: peer, RTCP: netip.AddrPortFrom(peer.Addr(), peer.Port()+1), Send: media.Format{Codec: "PCMU"}, Receive: []media.Format{{Codec: "PCMU"}},
			EventSend: -1, EventReceive: -1, PtimeMS: 20, Sends: true, Receives: true,
		}); err != nil {
			t.Fatalf("%v", err)
		}
		return s
	}
	talks, hears := session(from, to), session(to, from)
	defer func() { _, _ = talks.Close(), hears.Close() }()
	all, silent, in := make([]int16, 0, len(speech)), make([]int16, packetSize), make([]int16, packetSize)
	for at := 0; at+packetSize <= len(speech); at += packetSize {
		talks.Exchange(speech[at:at+packetSize], in)
		hears.Exchange(silent, in)
		all = append(all, in...)
	}
	return all
}
