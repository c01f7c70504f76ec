package media

// dataDelayMS is how late packets are waited for in data mode, unless the adaptive buffer had
// found that more is needed. A modem does not mind the delay; a packet that comes too late
// costs it a part of a page.
const dataDelayMS = 100

// DataMode prepares the sound for what modems say to each other: the jitter buffer holds one
// delay and follows nothing but the drift of the clocks, gaps are silent, and no telephone
// event is made of what sounds like one. It is on until it is turned off, whatever Update brings.
func (s *Session) DataMode(on bool) {
	if on == s.data {
		return
	}
	s.data, s.player.data = on, on
	if !on {
		s.player.conceal.clear()
		s.player.configure(s.jitter)
		return
	}
	s.events.stop()
	s.player.hold(max(dataDelayMS, int(s.player.delay)/samplesPerMS))
}

// Data reports data mode.
func (s *Session) Data() bool { return s.data }

// hold keeps one delay from now on. What is missing of it is added at once, packet by packet,
// by playing a little of what there is twice: no signal of a fax that needs its exact time has
// begun when a tone or a preamble is recognised.
func (b *jitterBuffer) hold(ms int) {
	b.configure(Jitter{Fixed: true, StartMS: ms})
	if missing := b.start - b.delay; b.running && missing > 0 {
		b.excess, b.hurry = -missing, true
	}
}
