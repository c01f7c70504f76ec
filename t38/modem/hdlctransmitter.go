package modem

const (
	hdlcQueue    = 4 // frames that wait
	closingFlags = 2 // after the last frame: one would do, if no receiver lost its end
)

// An HDLCTransmitter is a BitSource that sends frames: flags first, then the frames that
// its owner queues, flags while there is none, and the End once Finish was called and
// the last frame has been sent. The zero value ends at once; Start begins.
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
	if t.queued == hdlcQueue || len(frame) == 0 || len(frame) > MaxFrame {
		return false
	}
	f := &t.queue[t.queued]
	n := copy(f.octets[:], frame)
	fcs := fcsOf(frame) ^ damage
	f.octets[n], f.octets[n+1] = byte(fcs), byte(fcs>>8)
	f.length = n + fcsOctets
	t.queued++
	return true
}

// Room returns how many frames can be queued now.
func (t *HDLCTransmitter) Room() int { return hdlcQueue - t.queued }

// Pending returns how many frames are queued or on their way.
func (t *HDLCTransmitter) Pending() int { return t.queued }

// Finish ends the burst after the last frame that was queued.
func (t *HDLCTransmitter) Finish() { t.finish = true }

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
	case t.queued > 0:
		t.state, t.at, t.ones = hdlcInFrame, 1, 0
		t.octet = t.queue[0].octets[0]
		return true
	case t.finish:
		return false
	}
	t.octet = hdlcFlag
	return true
}
