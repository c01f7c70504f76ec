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
	Burst       float64 // length of the runs that losses come in, against that of losses at random: 1 or more
	G722        bool    // is what came last
	RTTMS       float64 // round trip; -1: not known

	RemoteLossPct, RemoteJitterMS float64 // what the peer tells of our stream; -1: nothing

	gaps uint32 // runs of lost packets
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
	pubGaps
	pubG722
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
		pubGaps: s.gapsBefore + s.source.gapsBefore + s.source.gaps, pubG722: uint32(boolInt(s.player.wide)),
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
		RTTMS: -1, RemoteLossPct: -1, RemoteJitterMS: -1, G722: v[pubG722] != 0, gaps: v[pubGaps],
	}
	st.rate()
	if v[pubRTT] != notKnown {
		st.RTTMS = float64(v[pubRTT]) / 65.536
	}
	if v[pubRemoteLoss] != notKnown {
		st.RemoteLossPct, st.RemoteJitterMS = float64(v[pubRemoteLoss])/2.56, ms(v[pubRemoteJitter])
	}
	return st
}

// rate sets what follows from the counts.
func (st *Stats) rate() {
	st.LossPct = 0
	if expected := st.PacketsReceived + st.Lost; expected > 0 {
		st.LossPct = 100 * float64(st.Lost) / float64(expected)
	}
	st.Burst = st.burst()
}

// Since is what came after before in the same session: of a call that has taken another's place.
// What was lost may still come, so that a count may have become less.
func (st Stats) Since(before Stats) Stats {
	for _, n := range [...]struct {
		now *uint32
		was uint32
	}{
		{&st.PacketsSent, before.PacketsSent}, {&st.PacketsReceived, before.PacketsReceived}, {&st.Lost, before.Lost}, {&st.Late, before.Late},
		{&st.Duplicates, before.Duplicates}, {&st.Reordered, before.Reordered}, {&st.Foreign, before.Foreign}, {&st.Unauthentic, before.Unauthentic},
		{&st.Malformed, before.Malformed}, {&st.UnknownType, before.UnknownType}, {&st.SendErrors, before.SendErrors}, {&st.gaps, before.gaps},
	} {
		*n.now -= min(*n.now, n.was)
	}
	st.ConcealedMS -= min(st.ConcealedMS, before.ConcealedMS)
	st.rate()
	return st
}
