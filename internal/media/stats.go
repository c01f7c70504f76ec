package media

import (
	"runtime"
	"sync/atomic"
)

// Stats is how the media of a call goes.
type Stats struct {
	PacketsSent, PacketsReceived uint32
	Lost                         uint32 // never came
	Late                         uint32 // came after their time
	Duplicates, Reordered        uint32
	Foreign                      uint32 // from who is not the peer
	Unauthentic                  uint32 // of SRTP: not of the peer, or not under its key
	Malformed, UnknownType       uint32
	SendErrors                   uint32

	LossPct     float64 // of the packets that should have come
	JitterMS    float64 // interarrival jitter (RFC 3550 section 6.4.1)
	DelayMS     float64 // of the jitter buffer
	ConcealedMS float64 // made up where nothing was there to play
	QuietMS     float64 // since the last packet
	RTTMS       float64 // round trip; -1: not known

	RemoteLossPct, RemoteJitterMS float64 // what the peer tells of our stream; -1: nothing
}

// publishEvery is how many samples lie between two publications.
const publishEvery = sampleRate / 2

// Indexes of what is published.
const (
	pubSent = iota
	pubReceived
	pubLost
	pubLate
	pubDuplicates
	pubReordered
	pubForeign
	pubUnauthentic
	pubMalformed
	pubUnknown
	pubFailed
	pubJitter
	pubDelay
	pubConcealed
	pubQuiet
	pubRTT
	pubRemoteLoss
	pubRemoteJitter
	pubCount
)

const notKnown = 1<<32 - 1

// published is the statistics as other goroutines may read them: a sequence lock, whose
// version is odd while the values are being written.
type published struct {
	version atomic.Uint32
	values  [pubCount]atomic.Uint32
}

// publish lets Stats see the present counts.
func (s *Session) publish() {
	rtt, remoteLoss, remoteJitter := uint32(notKnown), uint32(notKnown), uint32(notKnown)
	if s.hasRoundTrip {
		rtt = s.roundTrip
	}
	if s.told {
		remoteLoss, remoteJitter = uint32(s.theirs.fraction), s.theirs.jitter
	}
	s.version.Add(1)
	for i, v := range [pubCount]uint32{
		pubSent: s.packets, pubReceived: s.receivedBefore + s.source.received, pubLost: s.lostBefore + s.source.lost(),
		pubLate: s.late, pubDuplicates: s.duplicates, pubReordered: s.reordered,
		pubForeign: s.foreign, pubUnauthentic: s.unauthentic, pubMalformed: s.malformed, pubUnknown: s.unknown, pubFailed: s.failed,
		pubJitter: s.source.jitter, pubDelay: uint32(max(s.player.delay, 0)), pubConcealed: s.player.concealed,
		pubQuiet: uint32(min(s.clock-s.lastCame, notKnown)), pubRTT: rtt, pubRemoteLoss: remoteLoss, pubRemoteJitter: remoteJitter,
	} {
		s.values[i].Store(v)
	}
	s.version.Add(1)
}

// Stats is how the call went until half a second ago. Any goroutine may ask.
func (s *Session) Stats() Stats {
	var v [pubCount]uint32
	for {
		version := s.version.Load()
		for i := range v {
			v[i] = s.values[i].Load()
		}
		if version&1 == 0 && version == s.version.Load() {
			break
		}
		runtime.Gosched()
	}
	ms := func(samples uint32) float64 { return float64(samples) / samplesPerMS }
	st := Stats{
		PacketsSent: v[pubSent], PacketsReceived: v[pubReceived], Lost: v[pubLost], Late: v[pubLate],
		Duplicates: v[pubDuplicates], Reordered: v[pubReordered], Foreign: v[pubForeign], Unauthentic: v[pubUnauthentic],
		Malformed: v[pubMalformed], UnknownType: v[pubUnknown], SendErrors: v[pubFailed],
		JitterMS: ms(v[pubJitter]) / 16, DelayMS: ms(v[pubDelay]), ConcealedMS: ms(v[pubConcealed]), QuietMS: ms(v[pubQuiet]),
		RTTMS: -1, RemoteLossPct: -1, RemoteJitterMS: -1,
	}
	if expected := st.PacketsReceived + st.Lost; expected > 0 {
		st.LossPct = 100 * float64(st.Lost) / float64(expected)
	}
	if v[pubRTT] != notKnown {
		st.RTTMS = float64(v[pubRTT]) / 65.536
	}
	if v[pubRemoteLoss] != notKnown {
		st.RemoteLossPct, st.RemoteJitterMS = float64(v[pubRemoteLoss])/2.56, ms(v[pubRemoteJitter])
	}
	return st
}

// MOS is the opinion of a listener that the figures stand for, 1 to 4.4, by the E-model's
// short form for G.711 with concealment (ITU-T G.107, G.113 appendix I): R = 93.2 - Id - Ie.
func (st Stats) MOS() float64 {
	received := float64(st.PacketsReceived)
	if received == 0 {
		return 0
	}
	lost := 100 * (float64(st.Lost) + float64(st.Late)) / (received + float64(st.Lost))
	delay := st.DelayMS + 20 + max(st.RTTMS, 0)/2
	r := 93.2 - 0.024*delay - 95*lost/(lost+25.1)
	if delay > 177.3 {
		r -= 0.11 * (delay - 177.3)
	}
	r = min(max(r, 0), 100)
	return max(1, 1+0.035*r+r*(r-60)*(100-r)*7e-6)
}
