package t38

import (
	"hash/crc32"
	"slices"

	"tipring/t38/modem"
	"tipring/t38/t30"
)

// A Tap keeps the record of a fax that passes as sound, in a call that its owner only passes on:
// it reads both machines' frames of V.21, and of a page's signal no more than that it is there.
type Tap struct {
	Watch Watch // its local machine is the one whose sound is given first

	now   int64
	sides [2]tapSide
}

// A tapSide hears one machine.
type tapSide struct {
	tap  *Tap
	slow *modem.Receiver
	hdlc modem.HDLCReceiver
	up   bool // V.21 sounds

	heard  [4]heardFrame // the last ones, in turns
	next   int
	sounds int // samples of something else without a pause
}

type heardFrame struct {
	sum uint32 // of its octets
	at  int64  // 0: there was none
}

const (
	echoWithin = t30.SampleRate * 3 / 2 // a frame of one side is heard on the other again: half a second each way
	audible    = 160                    // mean of the samples' amounts: -43 dBm0
)

// NewTap makes a tap.
func NewTap() *Tap {
	t := &Tap{}
	for i := range t.sides {
		s := &t.sides[i]
		s.tap, s.slow = t, modem.NewReceiver()
		s.hdlc.Start(s)
		s.slow.Start(modem.V21, false, &s.hdlc)
	}
	return t
}

// Exchange takes what both sides say in the same time.
func (t *Tap) Exchange(local, remote []int16) {
	for len(local) > 0 {
		n := min(block, len(local), len(remote))
		if n == 0 {
			return
		}
		t.sides[0].hear(local[:n])
		t.sides[1].hear(remote[:n])
		t.now += int64(n)
		local, remote = local[n:], remote[n:]
	}
}

func (s *tapSide) local() bool { return s == &s.tap.sides[0] }

func (s *tapSide) other() *tapSide {
	if s.local() {
		return &s.tap.sides[1]
	}
	return &s.tap.sides[0]
}

func (s *tapSide) hear(in []int16) {
	s.slow.Feed(in)
	sum := 0
	for _, v := range in {
		sum += max(int(v), -int(v))
	}
	if s.up || s.other().up || sum < audible*len(in) {
		s.sounds = 0
		return
	}
	// V.21 is known by its preamble within 150 ms.
	if s.sounds += len(in); s.sounds == shortestImage && s.tap.Watch.ready {
		s.tap.Watch.Image(s.local())
	}
}

// Frame implements modem.FrameSink.
func (s *tapSide) Frame(octets []byte, good bool) {
	if s.isEcho(octets) || !good && !s.up {
		return
	}
	if good {
		s.heard[s.next] = heardFrame{crc32.ChecksumIEEE(octets), s.tap.now}
		s.next = (s.next + 1) % len(s.heard)
	}
	s.tap.Watch.Frame(s.local(), octets, good)
}

// isEcho tells whether a frame is one of the other machine, come back: while that speaks, and
// louder, or a little later.
func (s *tapSide) isEcho(octets []byte) bool {
	o := s.other()
	if o.up && o.slow.LevelDBm0() > s.slow.LevelDBm0() {
		return true
	}
	sum := crc32.ChecksumIEEE(octets)
	return slices.ContainsFunc(o.heard[:], func(f heardFrame) bool {
		return f.at != 0 && f.sum == sum && s.tap.now-f.at < echoWithin
	})
}

// Framing implements modem.FrameSink.
func (s *tapSide) Framing(e modem.HDLCEvent) {
	switch e {
	case modem.HDLCFlags:
		s.up = true
	case modem.HDLCLost:
		s.up = false
	}
}

// Status implements modem.FrameSink.
func (s *tapSide) Status(e modem.Status) {
	if e == modem.CarrierDown {
		s.up = false
	}
}
