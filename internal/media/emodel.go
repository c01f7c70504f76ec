package media

// The E-model, ITU-T G.107, in its short form for a telephone whose hybrid's echo is
// cancelled: R = 93.2 - Id - Ie,eff, where 93.2 is what its default values leave (clause 7.7).
const (
	basicR = 93.2

	// G.113 Appendix I: Ie is 0 for G.711, and Bpl 25.1 with a concealment as in its Appendix I.
	robustG711 = 25.1
	// G.722 has no value for the narrow band that a telephone hears of it. A decoder that lost
	// packets needs some time to be itself again: concealment gains three quarters of what
	// it does with G.711, and so much this takes.
	robustG722 = 19

	otherDelayMS = 25 // that packets are filled for, and frames of the port
)

// lost is the part of the packets in percent that were not there when they were to be played.
func (st Stats) lost() float64 {
	expected := float64(st.PacketsReceived) + float64(st.Lost)
	if expected == 0 {
		return 0
	}
	return 100 * (float64(st.Lost) + float64(st.Late)) / expected
}

// burst is BurstR of G.107 clause 7.5: the mean length of the runs of losses over the mean
// length of as many losses at random. A late packet is a run of its own.
func (st Stats) burst() float64 {
	runs := float64(st.gaps) + float64(st.Late)
	if runs == 0 {
		return 1
	}
	return max(1, (float64(st.Lost)+float64(st.Late))/runs*(1-st.lost()/100))
}

// R is the transmission rating of what is heard, 0 to 93.2: of loss, also by lateness, with its
// bursts, and of the delay from mouth to ear, half the round trip where RTCP tells it, the
// jitter buffer, and what packets take to be filled.
func (st Stats) R() float64 {
	if st.PacketsReceived == 0 {
		return 0
	}
	robust := robustG711
	if st.G722 {
		robust = robustG722
	}
	lost, delay := st.lost(), st.DelayMS+otherDelayMS+max(st.RTTMS, 0)/2
	r := basicR - 95*lost/(lost/max(st.Burst, 1)+robust) - 0.024*delay
	if delay > 177.3 { // from here on talkers wait for each other
		r -= 0.11 * (delay - 177.3)
	}
	return min(max(r, 0), 100)
}

// MOS is the opinion of listeners that R stands for, 1 to 4.41 (G.107 Annex B); 0 where
// nothing came.
func (st Stats) MOS() float64 {
	if st.PacketsReceived == 0 {
		return 0
	}
	r := st.R()
	return max(1, 1+0.035*r+r*(r-60)*(100-r)*7e-6)
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
