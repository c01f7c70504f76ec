package convey

import "tipring/t38/ifp"

const (
	defaultEvery = SampleRate * 30 / 1000
	leastSpacing = SampleRate * 20 / 1000  // between an indicator or end and what went before
	repeats      = 2                       // of an indicator or end, when nothing follows it
	endWait      = SampleRate * 120 / 1000 // for the end of a signal whose final frame has come
	latest       = SampleRate / 4          // that a packet may be asked for without falling behind, as by blocks of 200 ms
	v21Octets    = 7                       // T.38 clause 7.5: so that a packet's delay stays small
	tailMS       = 40                      // of zeros behind an image: some far ends let its last rows go
	// backlog bounds what is queued, in octets: an ECM block's first seconds. Signals of a line
	// come no faster than they leave.
	backlog = 1 << 15

	// What an IFP packet holds besides the octets of a frame whose FCS it tells of.
	packetOverhead = 7
	// What a frame has on the line besides its octets: FCS and a flag.
	frameBits = 24
)

// A Packet is an IFP packet to be sent now.
type Packet struct {
	IFP     []byte // valid until the next call of the Sender
	Control bool   // no image data: it deserves more redundancy
	Repeat  bool   // the last packet once more, under the number it has
}

// A Sender makes packets of signals.
type Sender struct {
	Coding   ifp.Coding
	Every    int64 // samples between packets of image data, 160 to 320; 0 is 240
	MaxIFP   int   // octets that an IFP packet may have; 0: as many as Every takes
	Renumber bool  // repeats get numbers of their own (Packet.Repeat is never set)
	Alive    int64 // samples after which silence is told once more (LinkConfig.Alive); 0: never

	q        queue
	packet   []byte
	fields   [2]ifp.Field
	telling  bool  // the last packet has an indicator or an end
	open     bool  // a tone or burst has begun and not ended
	line     int64 // when a line would have sent all that was sent
	last     int64 // when the last packet went
	repeats  int   // that the last packet may still have
	repeatAt int64
	overflow int
}

// Overflow returns how many octets came faster than their modem's rate allows for so long
// that they were dropped.
func (s *Sender) Overflow() int { return s.overflow }

// Tone begins a tone: ifp.CNG or ifp.CED.
func (s *Sender) Tone(i ifp.Indicator) {
	s.Break()
	s.q.push(item{kind: anIndicator, indicator: i}, nil)
	s.open = i != ifp.NoSignal
}

// Silence ends a tone.
func (s *Sender) Silence() { s.Tone(ifp.NoSignal) }

// Signal begins a modem's burst: the preamble of V.21, or a training.
func (s *Sender) Signal(d ifp.DataType, short bool) {
	if i, ok := ifp.TrainingFor(d, short); ok {
		s.Tone(i)
	}
}

// Part adds to the burst what there is of an HDLC frame that is still coming: all of its
// octets so far. Frame ends it, or Break.
func (s *Sender) Part(now int64, d ifp.DataType, octets []byte) {
	if i := s.add(now, d, octets); i != nil {
		i.live = true
	}
}

// add adds the octets that are new of a frame, and returns the frame; nil: it was none.
func (s *Sender) add(now int64, d ifp.DataType, octets []byte) *item {
	i, told := s.growing(d), 0
	if i != nil {
		told = i.octets
	}
	if len(octets) <= told || len(octets) > MaxFrame || !carried(d) || !s.room(len(octets)-told) {
		return i
	}
	if i == nil {
		s.Break()
		s.q.push(item{kind: aFrame, data: d, open: true, since: now}, nil)
		i = s.q.back()
	}
	i.grow(octets[told:])
	s.q.add(octets[told:])
	return i
}

// growing is the frame that is still coming; nil: none is.
func (s *Sender) growing(d ifp.DataType) *item {
	if i := s.q.back(); i != nil && i.open && i.data == d {
		return i
	}
	return nil
}

// Frame adds a whole HDLC frame, without FCS, to the burst, or what is missing of the one
// that Part began.
func (s *Sender) Frame(now int64, d ifp.DataType, octets []byte, good bool) {
	i := s.add(now, d, octets)
	if i == nil {
		return
	}
	i.final, i.since = isFinal(octets) && !isImage(d), now
	i.close(good && i.octets == len(octets)) // there may have been no room
}

// Break ends a frame that Part began and that did not come to its end.
func (s *Sender) Break() {
	if i := s.q.back(); i != nil && i.open {
		i.close(false)
	}
}

// isFinal tells whether a T.30 frame's control field says that no other follows it.
func isFinal(octets []byte) bool { return len(octets) > 1 && octets[1]&0x10 != 0 }

// Octets adds octets of an image without error correction, or of a training check.
func (s *Sender) Octets(now int64, d ifp.DataType, octets []byte) {
	if len(octets) == 0 || !s.room(len(octets)) || !carried(d) {
		return
	}
	if i := s.q.back(); i != nil && i.kind == theOctets && i.data == d {
		i.left += len(octets)
		i.bits += 8 * len(octets)
		s.q.add(octets)
		return
	}
	s.Break()
	s.q.push(item{kind: theOctets, data: d, left: len(octets), bits: 8 * len(octets), since: now}, octets)
}

func (s *Sender) room(n int) bool {
	if len(s.q.octets)-s.q.taken+n <= backlog {
		return true
	}
	s.overflow += n
	return false
}

// End ends the burst; hdlc tells whether it was one of frames.
func (s *Sender) End(now int64, d ifp.DataType, hdlc bool) {
	if !carried(d) {
		return
	}
	s.Break()
	switch i := s.q.back(); {
	case hdlc && i != nil && i.kind == aFrame && i.data == d:
		i.ends = true
	case hdlc:
		s.q.push(item{kind: anEnd, data: d, field: ifp.HDLCSigEnd}, nil)
	default:
		tail := [tailMS * 14400 / 8000]byte{}
		s.Octets(now, d, tail[:d.BitRate()*tailMS/8000])
		s.q.push(item{kind: anEnd, data: d, field: ifp.NonECMSigEnd}, nil)
	}
	s.Silence()
}

// Cut drops what was not sent yet, and ends the tone or burst if one is open.
func (s *Sender) Cut() {
	begun := s.open || s.q.len() > 0
	s.q.clear()
	if begun {
		s.Silence()
	}
}

// Queued returns how many octets wait.
func (s *Sender) Queued() int { return len(s.q.octets) - s.q.taken }

// Idle tells whether all was sent, and a line would have sent it too. Repeats may follow.
func (s *Sender) Idle(now int64) bool { return s.q.len() == 0 && now >= s.line }

// Deadline returns when the next packet is due. ok is false if none is.
func (s *Sender) Deadline() (at int64, ok bool) {
	at, ok = s.due()
	switch {
	case s.repeats > 0 && (!ok || s.repeatAt < at):
		return s.repeatAt, true
	case !ok:
		return s.alive()
	}
	return at, ok
}

// alive returns when silence is to be told for no other reason than to say something.
func (s *Sender) alive() (at int64, ok bool) {
	switch {
	case s.Alive == 0 || s.open || s.q.len() > 0:
		return 0, false
	case len(s.packet) == 0: // nothing was ever said
		return 0, true
	}
	return s.last + s.Alive, true
}

// due returns when the front item's next packet is.
func (s *Sender) due() (at int64, ok bool) {
	i := s.q.front()
	if i == nil {
		return 0, false
	}
	at = max(s.line, i.since)
	switch {
	case i.open && i.left < s.chunk(i.data):
		return 0, false // more is coming
	case i.kind == anIndicator || i.kind == anEnd:
		if len(s.packet) > 0 {
			at = max(at, s.last+leastSpacing)
		}
	case i.kind == aFrame && i.left == 0 && i.final && !i.ends && s.q.len() == 1:
		at += endWait
	case i.kind == theOctets && i.left < s.chunk(i.data) && s.q.len() == 1:
		at = max(at, i.since+2*s.every())
	}
	return at, true
}

func (s *Sender) every() int64 {
	if s.Every == 0 {
		return defaultEvery
	}
	return s.Every
}

// chunk is how many octets of data a packet has.
func (s *Sender) chunk(d ifp.DataType) int {
	n := int(int64(d.BitRate()) * s.every() / (8 * SampleRate))
	if d == ifp.V21Data {
		n = v21Octets
	}
	if s.MaxIFP > 0 {
		n = min(n, s.MaxIFP-packetOverhead)
	}
	return max(n, 1)
}

// Next returns the next packet that is due by now. ok is false if none is.
func (s *Sender) Next(now int64) (p Packet, ok bool) {
	at, ok := s.due()
	if s.repeats > 0 && s.repeatAt <= now && (!ok || s.repeatAt < at) {
		return s.repeat(), true
	}
	if still, quiet := s.alive(); quiet && still <= now {
		s.Silence()
		at, ok = s.due()
	}
	if !ok || at > now {
		return Packet{}, false
	}
	i := s.q.front()
	// Data that is asked for a little late was sent in time: lateness does not add up.
	if at = max(at, now-latest); i.kind == anIndicator {
		at = now
	}
	s.say(at, i)
	p = Packet{IFP: s.packet, Control: s.telling || !isImage(i.data)}
	s.repeats = 0
	if s.telling {
		s.repeats, s.repeatAt = repeats, now+s.every()
	}
	if i.left == 0 && !i.open && (i.kind != aFrame || i.field == said) {
		s.q.pop()
	}
	s.last = now
	return p, true
}

// said marks a frame whose end was told.
const said = ifp.NoField

// say makes the next packet of an item, and counts what it takes on the line.
func (s *Sender) say(at int64, i *item) {
	if i.kind == anIndicator {
		s.packet, _ = ifp.AppendIndicator(s.packet[:0], i.indicator)
		s.line = at + lead(i.indicator)
		s.telling = true
		return
	}
	fields, bits := s.fields[:0], i.bits
	if n := min(i.left, s.chunk(i.data)); n > 0 {
		kind := ifp.HDLCData
		if i.kind == theOctets {
			kind = ifp.NonECMData
		}
		fields = append(fields, ifp.Field{Type: kind, Data: s.q.take(n)})
		i.since = at
	}
	switch {
	case i.kind == anEnd:
		fields = append(fields, ifp.Field{Type: i.field})
	case i.kind == aFrame && i.left == 0 && !i.open && (isImage(i.data) || len(fields) == 0):
		fields = append(fields, ifp.Field{Type: i.frameEnd()})
		i.field = said
	}
	s.telling = fields[len(fields)-1].Type.Ends()
	s.packet, _ = ifp.AppendData(s.packet[:0], s.Coding, i.data, fields...)
	if s.line = at; !i.live {
		s.line += int64(bits-i.bits) * SampleRate / int64(i.data.BitRate())
	}
}

// frameEnd is the field at the end of a frame.
func (i *item) frameEnd() ifp.FieldType {
	switch {
	case i.ends && i.field == ifp.HDLCFCSOK:
		return ifp.HDLCFCSOKSigEnd
	case i.ends:
		return ifp.HDLCFCSBadSigEnd
	}
	return i.field
}

// repeat says the last packet once more, each time after twice as long.
func (s *Sender) repeat() Packet {
	s.repeats--
	s.repeatAt += 2 * s.every()
	return Packet{IFP: s.packet, Control: true, Repeat: !s.Renumber}
}
