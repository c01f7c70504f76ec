package modem

import "fmt"

// An HDLCEvent is what an HDLCReceiver tells besides frames.
type HDLCEvent uint8

const (
	HDLCFlags   HDLCEvent = iota + 1 // preambleFlags flags in a row: a preamble, or a pause between frames
	HDLCAborted                      // a frame was broken off: by seven ones, by its length, or by the carrier's end
	HDLCLost                         // no flags any more after HDLCFlags: ones only, or a frame too long, or no carrier
)

// String returns the event in words.
func (e HDLCEvent) String() string {
	switch e {
	case HDLCFlags:
		return "flags"
	case HDLCAborted:
		return "frame aborted"
	case HDLCLost:
		return "flags lost"
	}
	return fmt.Sprintf("HDLC event %d", uint8(e))
}

const (
	preambleFlags = 4  // 107 ms at 300 bit/s; no frame and hardly a noise holds as many
	abortOnes     = 7  // end a frame
	idleOnes      = 15 // end the framing
	flagBits      = 6  // of a closing flag taken for data before it is known: 0 and five ones
	minFrame      = 1  // octets; what is shorter is no frame
	minDamaged    = 3  // address, control and one more: what is shorter and wrong is noise between flags
)

// A FrameSink takes what an HDLCReceiver hears. Its methods are called from PutBit and
// Status of the receiver.
type FrameSink interface {
	// Frame has a frame, without its check sequence, and whether that was right. The
	// octets are the receiver's: they change after the call.
	Frame(octets []byte, good bool)
	Framing(e HDLCEvent)
	Status(s Status) // of the modem, passed on
}

// A PartSink is a FrameSink that is told of frames while they come.
type PartSink interface {
	FrameSink
	// Part has a frame's octets so far, three at least, without what may be its check
	// sequence. Each call has one octet more than the last; Frame, or HDLCAborted, ends it.
	Part(octets []byte)
}

// An HDLCReceiver is a BitSink that finds frames. Start comes before the first bit.
type HDLCReceiver struct {
	sink  FrameSink
	parts PartSink // the sink, if it is one

	octets [MaxFrame + fcsOctets]byte
	bits   int  // since the last flag
	octet  byte // that is being filled, from above
	fcs    uint16
	ones   int // in a row
	flags  int // in a row
	parted int // octets of the frame that were told as a part
	synced bool
	told   bool // HDLCFlags
}

// Start makes the receiver ready for a burst and gives what it hears to sink, parts of
// frames too if it is a PartSink.
func (r *HDLCReceiver) Start(sink FrameSink) {
	*r = HDLCReceiver{sink: sink}
	r.parts, _ = sink.(PartSink)
}

// Status passes a status on. With the carrier what was begun ends.
func (r *HDLCReceiver) Status(s Status) {
	if s == CarrierDown {
		r.breakOff()
		r.lose()
		r.ones = 0
	}
	r.sink.Status(s)
}

// PutBit takes the next bit.
func (r *HDLCReceiver) PutBit(bit int) {
	if bit != 0 {
		if r.ones = min(r.ones+1, idleOnes); r.ones <= 5 {
			r.add(1)
		} else if r.ones == abortOnes {
			r.breakOff()
		} else if r.ones == idleOnes {
			r.lose()
		}
		return
	}
	ones := r.ones
	r.ones = 0
	switch {
	case ones < 5:
		r.add(0)
	case ones == 6:
		r.flag()
	}
}

func (r *HDLCReceiver) add(bit byte) {
	if !r.synced {
		return
	}
	r.octet = r.octet>>1 | bit<<7
	if r.bits++; r.bits%8 != 0 {
		return
	}
	at := r.bits/8 - 1
	if at == len(r.octets) {
		r.breakOff()
		r.lose()
		return
	}
	r.octets[at] = r.octet
	r.fcs = fcsAdd(r.fcs, r.octet)
	if n := at + 1 - fcsOctets; n >= minDamaged && r.parts != nil {
		r.parted = n
		r.parts.Part(r.octets[:n])
	}
}

// flag ends a frame, if there was one, and begins the next.
func (r *HDLCReceiver) flag() {
	switch {
	case !r.synced:
		r.flags = 1
	case r.bits <= flagBits: // 5 when the two flags share a 0
		r.flags++
	default:
		r.frame()
		r.flags = 1
	}
	r.synced, r.bits, r.parted, r.fcs = true, 0, 0, fcsStart
	if r.flags >= preambleFlags && !r.told {
		r.told = true
		r.sink.Framing(HDLCFlags)
	}
}

func (r *HDLCReceiver) frame() {
	length := max((r.bits-flagBits)/8-fcsOctets, r.parted)
	good := r.bits%8 == flagBits && r.fcs == fcsGood
	if length >= minDamaged || good && length >= minFrame {
		r.sink.Frame(r.octets[:length], good)
	}
}

// breakOff ends the frame that is being received, if one is.
func (r *HDLCReceiver) breakOff() {
	if r.synced && r.bits/8 >= minDamaged+fcsOctets {
		r.sink.Framing(HDLCAborted)
	}
	r.synced, r.flags = false, 0
}

func (r *HDLCReceiver) lose() {
	if r.told {
		r.told = false
		r.sink.Framing(HDLCLost)
	}
}
