package convey

import (
	"tipring/t38/ifp"
	"tipring/t38/udptl"
)

// A Sink takes the signals that packets tell of. Octets are valid until the call returns.
type Sink interface {
	Indicator(i ifp.Indicator)                      // a tone or burst begins; NoSignal: a tone ends
	Frame(d ifp.DataType, octets []byte, good bool) // whole, without FCS; not good: wrong, or parts are missing
	Octets(d ifp.DataType, octets []byte)           // of an image or a training check
	End(d ifp.DataType)                             // the burst has ended
}

// A PartSink is a Sink that is told of the frames of V.21 while they come: that modem is so
// slow that who says them again cannot wait for their end.
type PartSink interface {
	Sink
	// Part has all of a frame's octets so far. Frame ends it, or the end of the burst.
	Part(octets []byte)
}

// starved is how long a burst goes on without a packet before its end is taken for lost:
// longer than any network's delay varies, and shorter than T.30's timer T2.
const starved = 4 * SampleRate

// A Receiver makes signals of packets. Each burst has a beginning and one end, whatever
// was lost of it, repeated, or told in another order than T.38 has it.
type Receiver struct {
	Coding ifp.Coding

	sink      Sink
	parts     PartSink // the sink, if it is one
	packet    ifp.Packet
	tone      ifp.Indicator // that sounds; NoSignal: none
	open      bool          // a burst has begun and not ended
	data      ifp.DataType  // of the burst
	begun     ifp.Indicator // how it began
	carried   bool          // something of it has come besides its indicator
	frame     []byte        // as it comes
	damaged   bool          // a part of it is missing, or it is too long
	plain     []byte        // octets handed on
	last      int64         // when a packet of the burst came
	malformed int
}

// NewReceiver returns a receiver that tells a sink.
func NewReceiver(s Sink) *Receiver {
	parts, _ := s.(PartSink)
	return &Receiver{sink: s, parts: parts}
}

// Malformed returns how many packets were none of T.38.
func (r *Receiver) Malformed() int { return r.malformed }

// Take takes a packet from UDPTL.
func (r *Receiver) Take(now int64, u udptl.Packet) {
	if u.Lost > 0 || u.Resync {
		r.damaged = true // unless the next packet begins a burst
	}
	if _, err := r.packet.Decode(u.IFP, r.Coding); err != nil {
		r.malformed++
		r.damaged = true
		return
	}
	r.last = now
	switch p := &r.packet; {
	case !p.IsData:
		r.indicator(p.Indicator)
	case carried(p.Data):
		r.fields(p.Data, p.Fields)
	}
}

// Deadline returns when the end of a burst is to be taken for lost: call Expire then.
func (r *Receiver) Deadline() (at int64, ok bool) { return r.last + starved, r.open }

// Expire ends a burst of which nothing has come for too long.
func (r *Receiver) Expire(now int64) {
	if at, ok := r.Deadline(); ok && now >= at {
		r.end()
	}
}

func (r *Receiver) indicator(i ifp.Indicator) {
	if i == ifp.V8ANSam {
		i = ifp.CED // V.8 is not carried: the machines are to go on as after CED
	}
	switch {
	case i == ifp.NoSignal || i == ifp.CNG || i == ifp.CED:
		r.end()
		if i != r.tone {
			r.sink.Indicator(i)
		}
		r.tone = i
	case i <= ifp.V17LongTraining14400 && !(r.open && i == r.begun && !r.carried):
		r.begin(i)
	}
}

// begin begins a burst; one that still goes on has lost its end.
func (r *Receiver) begin(i ifp.Indicator) {
	r.end()
	data, _, fast := i.Training()
	if !fast {
		data = ifp.V21Data
	}
	r.open, r.data, r.begun, r.tone = true, data, i, ifp.NoSignal
	r.sink.Indicator(i)
}

func (r *Receiver) end() {
	if r.open {
		r.open = false
		r.sink.End(r.data)
	}
	r.carried, r.damaged, r.frame = false, false, r.frame[:0]
}

// fields takes data. That of another modem than the burst's, or without a burst, has lost
// its beginning; but an end alone is that of the burst before.
func (r *Receiver) fields(d ifp.DataType, fields []ifp.Field) {
	for _, f := range fields {
		if !f.Type.Known() || f.Type >= ifp.CMMessage {
			continue
		}
		if !r.open || r.data != d {
			if f.Type.Ends() && len(f.Data) == 0 && len(r.frame) == 0 {
				continue
			}
			i, _ := ifp.TrainingFor(d, false)
			damaged := r.damaged
			r.begin(i)
			r.damaged = damaged
		}
		r.carried = true
		r.field(f)
	}
}

func (r *Receiver) field(f ifp.Field) {
	switch f.Type {
	case ifp.NonECMData, ifp.NonECMSigEnd:
		if len(f.Data) > 0 {
			r.plain = reversed(r.plain[:0], f.Data)
			r.sink.Octets(r.data, r.plain)
		}
	default:
		r.hdlc(f.Data)
	}
	switch f.Type {
	case ifp.HDLCData:
		if r.parts != nil && r.data == ifp.V21Data && len(f.Data) > 0 {
			r.parts.Part(r.frame)
		}
	case ifp.HDLCFCSOK, ifp.HDLCFCSOKSigEnd:
		r.endFrame(true)
	case ifp.HDLCFCSBad, ifp.HDLCFCSBadSigEnd:
		r.endFrame(false)
	}
	if f.Type.Ends() {
		r.end()
	}
}

func (r *Receiver) hdlc(octets []byte) {
	if len(r.frame) == 0 && beginsFrame(octets, isImage(r.data)) {
		r.damaged = false // what was lost lies before it
	}
	if len(r.frame)+len(octets) > MaxFrame {
		octets = octets[:MaxFrame-len(r.frame)]
		r.damaged = true
	}
	r.frame = reversed(r.frame, octets)
}

// beginsFrame tells whether octets of a field are surely the beginning of a frame: address,
// control field and, of image data, the facsimile control field of T.4 annex A.
func beginsFrame(b []byte, image bool) bool {
	const address, control, final, fcd, rcp = 0xFF, 0xC0, 0xC8, 0x60, 0x61
	return len(b) > 2 && b[0] == address && (b[1] == control || b[1] == final) && (!image || b[2] == fcd || b[2] == rcp)
}

func (r *Receiver) endFrame(good bool) {
	if len(r.frame) > 0 {
		r.sink.Frame(r.data, r.frame, good && !r.damaged)
	}
	r.frame, r.damaged = r.frame[:0], false
}
