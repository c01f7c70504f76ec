package t30

// outbox holds what is to be sent: the Transmission in progress and those behind it.
type outbox struct {
	queue  []Transmission
	held   bool // until the other side's signal has ended
	serial uint32

	frames [][]byte  // of the V21 Transmission, not yet handed out
	octets octetFeed // of the TCF or Image
	block  frameFeed // of the ECM
}

// A frameFeed hands out the frames of an ECM transmission, nil behind the last.
type frameFeed interface{ nextFrame() []byte }

// An octetFeed hands out the octets of a TCF or Image, 0 behind the last.
type octetFeed interface{ readOctets(p []byte) int }

func (o *outbox) current() Transmission {
	if len(o.queue) == 0 || o.held {
		return Transmission{}
	}
	return o.queue[0]
}

func (o *outbox) busy() bool { return len(o.queue) > 0 }

// add queues one thing to send.
func (o *outbox) add(x Transmission) {
	o.serial++
	x.Serial = o.serial
	o.queue = append(o.queue, x)
}

func (o *outbox) addFrames(frames [][]byte) {
	o.frames = frames
	o.add(Transmission{Kind: V21})
}

func (o *outbox) addOctets(kind Kind, m Modulation, short bool, feed octetFeed) {
	o.octets = feed
	o.add(Transmission{Kind: kind, Modulation: m, Short: short})
}

func (o *outbox) addBlock(m Modulation, short bool, feed frameFeed) {
	o.block = feed
	o.add(Transmission{Kind: ECM, Modulation: m, Short: short})
}

// clear drops what is being sent and what is queued.
func (o *outbox) clear() {
	o.queue, o.held, o.frames, o.octets, o.block = o.queue[:0], false, nil, nil, nil
}

// ended drops the current Transmission if serial names it.
func (o *outbox) ended(serial uint32) bool {
	if !o.busy() || o.held || o.queue[0].Serial != serial {
		return false
	}
	o.queue = append(o.queue[:0], o.queue[1:]...)
	return true
}

func (o *outbox) nextFrame() []byte {
	switch kind := o.current().Kind; {
	case kind == V21 && len(o.frames) > 0:
		f := o.frames[0]
		o.frames = o.frames[1:]
		return f
	case kind == ECM && o.block != nil:
		return o.block.nextFrame()
	default:
		return nil
	}
}

func (o *outbox) readOctets(p []byte) int {
	if kind := o.current().Kind; o.octets == nil || kind != TCF && kind != Image {
		return 0
	}
	return o.octets.readOctets(p)
}
