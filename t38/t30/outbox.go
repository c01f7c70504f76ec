package t30

// outbox holds what is to be sent: the Transmission in progress and those behind it.
type outbox struct {
	queue  []Transmission
	frames [][]byte // of the next or current V21 Transmission
	serial uint32

	pages pageOctets // TCF and Image
	block frameFeed  // ECM
}

// A frameFeed hands out the frames of an ECM block.
type frameFeed interface{ nextFrame() []byte }

// A pageOctets hands out the octets of TCF or Image.
type pageOctets interface{ readOctets(p []byte) int }

func (o *outbox) current() Transmission {
	if len(o.queue) == 0 {
		return Transmission{}
	}
	return o.queue[0]
}

// add queues one thing to send.
func (o *outbox) add(x Transmission) {
	o.serial++
	x.Serial = o.serial
	o.queue = append(o.queue, x)
}

// clear drops what is being sent and what is queued.
func (o *outbox) clear() {
	o.queue, o.frames, o.pages, o.block = o.queue[:0], o.frames[:0], nil, nil
}

func (o *outbox) busy() bool { return len(o.queue) > 0 }

// ended drops the current Transmission if serial names it.
func (o *outbox) ended(serial uint32) bool {
	if !o.busy() || o.queue[0].Serial != serial {
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
	if kind := o.current().Kind; o.pages == nil || kind != TCF && kind != Image {
		return 0
	}
	return o.pages.readOctets(p)
}
