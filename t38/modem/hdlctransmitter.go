package modem

const (
	hdlcQueue    = 4 // frames that wait
	closingFlags = 2 // after the last frame: one would do, if no receiver lost its end
	abortFlags   = 8 // after an abort, so that a receiver is in step again
	hdlcAbort    = 0xff
)

// An HDLCTransmitter is a BitSource that sends frames: flags first, then the frames that
// its owner queues, flags while there is none, and the End once Finish was called and
// the last frame has been sent. The zero value ends at once; Start begins.
//
// A frame may be sent before all of it is known: QueuePart, Grow, Close. If the line needs an
// octet that has not come, the frame is aborted, and sent again once it is whole: a receiver
// takes no notice of what was aborted.
type HDLCTransmitter struct {
	queue  [hdlcQueue]hdlcFrame
	queued int

	state  hdlcState
	finish bool
	flags  int  // to be sent before the next frame or the end
	octet  byte // on its way, its next bit least significant
	bits   int  // of it to come
	at     int  // the next octet of the first frame
	ones   int  // in a row, in the frame
}

type hdlcFrame struct {
	octets [MaxFrame + fcsOctets]byte
	length int
	open   bool // more of it is to come
	waits  bool // until it is whole: it was aborted
}

type hdlcState uint8

const (
	hdlcEnded hdlcState = iota
	hdlcFlags
	hdlcInFrame
)

// Start begins a burst with flags for at least so many bits, one flag at least. Frames
// that were not sent are dropped.
func (t *HDLCTransmitter) Start(preambleBits int) {
	t.queued, t.finish, t.state = 0, false, hdlcFlags
	t.flags = max(1, (preambleBits+7)/8)
	t.octet, t.bits = 0, 0
}

// Queue puts a frame in line and adds its check sequence; the octets are copied. It
// reports false when the line is full or the frame is empty or longer than MaxFrame.
func (t *HDLCTransmitter) Queue(frame []byte) bool { return t.put(frame, 0) }

// QueueDamaged does what Queue does with a check sequence that is wrong, so that the
// receiver learns what this side learnt: that there was a frame, and that it was lost.
func (t *HDLCTransmitter) QueueDamaged(frame []byte) bool { return t.put(frame, 0xffff) }

func (t *HDLCTransmitter) put(frame []byte, damage uint16) bool {
	if !t.QueuePart(frame) {
		return false
	}
	t.close(damage)
	return true
}

// QueuePart puts the beginning of a frame in line: one octet at least. No other frame can be
// queued until it is closed.
func (t *HDLCTransmitter) QueuePart(octets []byte) bool {
	if t.Room() == 0 || len(octets) == 0 || len(octets) > MaxFrame {
		return false
	}
	f := &t.queue[t.queued]
	f.length, f.open, f.waits = copy(f.octets[:], octets), true, false
	t.queued++
	return true
}

// growing is the frame that was queued in part; nil: there is none.
func (t *HDLCTransmitter) growing() *hdlcFrame {
	if t.queued == 0 || !t.queue[t.queued-1].open {
		return nil
	}
	return &t.queue[t.queued-1]
}

// Grow adds octets to the frame that QueuePart began. It reports false, and adds none, if
// there is no such frame or it would be longer than MaxFrame.
func (t *HDLCTransmitter) Grow(octets []byte) bool {
	f := t.growing()
	if f == nil || f.length+len(octets) > MaxFrame {
		return false
	}
	f.length += copy(f.octets[f.length:], octets)
	return true
}

// Close ends the frame that QueuePart began, with its check sequence.
func (t *HDLCTransmitter) Close() { t.close(0) }

// CloseDamaged ends it with a check sequence that is wrong.
func (t *HDLCTransmitter) CloseDamaged() { t.close(0xffff) }

func (t *HDLCTransmitter) close(damage uint16) {
	f := t.growing()
	if f == nil {
		return
	}
	fcs := fcsOf(f.octets[:f.length]) ^ damage
	f.octets[f.length], f.octets[f.length+1] = byte(fcs), byte(fcs>>8)
	f.length, f.open = f.length+fcsOctets, false
}

// Room returns how many frames can be queued now.
func (t *HDLCTransmitter) Room() int {
	if t.growing() != nil {
		return 0
	}
	return hdlcQueue - t.queued
}

// Pending returns how many frames are queued or on their way.
func (t *HDLCTransmitter) Pending() int { return t.queued }

// Finish ends the burst after the last frame that was queued. One that is not closed yet is
// damaged.
func (t *HDLCTransmitter) Finish() {
	t.CloseDamaged()
	t.finish = true
}

// NextBit returns the next bit of the burst, or End.
func (t *HDLCTransmitter) NextBit() int {
	if t.state == hdlcEnded {
		return End
	}
	if t.state == hdlcInFrame && t.ones == 5 {
		t.ones = 0
		return 0
	}
	if t.bits == 0 && !t.next() {
		t.state = hdlcEnded
		return End
	}
	bit := int(t.octet & 1)
	t.octet >>= 1
	t.bits--
	if t.ones++; bit == 0 {
		t.ones = 0
	}
	return bit
}

// next takes up the octet that follows, or reports that none does.
func (t *HDLCTransmitter) next() bool {
	t.bits = 8
	if t.state == hdlcInFrame {
		f := &t.queue[0]
		if t.at < f.length {
			t.octet = f.octets[t.at]
			t.at++
			return true
		}
		if f.open {
			f.waits = true
			t.state, t.flags, t.octet = hdlcFlags, abortFlags, hdlcAbort
			return true
		}
		t.queued--
		copy(t.queue[:t.queued], t.queue[1:])
		t.state, t.flags = hdlcFlags, 1
		if t.finish && t.queued == 0 {
			t.flags = closingFlags
		}
	}
	if t.flags > 0 {
		t.flags--
		t.octet = hdlcFlag
		return true
	}
	return t.afterFlags()
}

func (t *HDLCTransmitter) afterFlags() bool {
	switch {
	case t.queued > 0 && !(t.queue[0].open && t.queue[0].waits):
		t.state, t.at, t.ones = hdlcInFrame, 1, 0
		t.octet = t.queue[0].octets[0]
		return true
	case t.finish:
		return false
	}
	t.octet = hdlcFlag
	return true
}
