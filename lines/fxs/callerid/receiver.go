package callerid

import "tipring/internal/dsp"

// Receiver is the display's side of FSK, for simulated telephones: it takes both modems, whose
// frequencies lie about 1700 Hz. The zero value is ready.
type Receiver struct {
	past   [window]int16
	at     int
	loud   int  // samples left in which there is a signal
	bit    bool // as heard last
	left   int  // thirds of a sample until the next bit is read; 0: waits for a start bit
	place  int  // bits of the octet so far
	octet  byte
	octets []byte
}

const (
	window     = 7 // samples: about a bit
	markHz     = 1250
	spaceHz    = 2150
	threshold  = 40 // of a sample that is no silence
	hang       = 40 // samples without one that end a message
	longestMsg = 257 + 1
)

// Feed takes samples and calls got for each message whose checksum is right, without that.
func (r *Receiver) Feed(pcm []int16, got func(message []byte)) {
	for _, s := range pcm {
		if s > threshold || s < -threshold {
			r.loud = hang
		} else if r.loud--; r.loud < 0 {
			r.loud, r.left, r.octets, r.bit = 0, 0, r.octets[:0], true
			continue
		}
		r.clock(r.discriminate(s), got)
	}
}

// discriminate tells whether the last samples are rather a mark than a space.
func (r *Receiver) discriminate(s int16) bool {
	r.past[r.at] = s
	r.at = (r.at + 1) % window
	const mark, space = markHz << 32 / dsp.SampleRate, spaceHz << 32 / dsp.SampleRate
	var sums [4]int64
	for i := range uint32(window) {
		v := int64(r.past[(r.at+int(i))%window])
		sums[0] += v * int64(dsp.Sine(i*mark))
		sums[1] += v * int64(dsp.Sine(i*mark+1<<30))
		sums[2] += v * int64(dsp.Sine(i*space))
		sums[3] += v * int64(dsp.Sine(i*space+1<<30))
	}
	for i := range sums {
		sums[i] >>= 16
	}
	return sums[0]*sums[0]+sums[1]*sums[1] >= sums[2]*sums[2]+sums[3]*sums[3]
}

// clock reads bits: a start bit, eight from the lowest, and a stop bit.
func (r *Receiver) clock(bit bool, got func(message []byte)) {
	was := r.bit
	r.bit = bit
	switch {
	case r.left == 0 && was && !bit:
		r.left, r.place, r.octet = bitThirds/2, -1, 0
		return
	case r.left == 0:
		return
	}
	if r.left -= sampleThirds; r.left > 0 {
		return
	}
	r.left += bitThirds
	switch {
	case r.place < 0 && bit || r.place == 8 && !bit: // no start, no stop
		r.left = 0
		r.octets = r.octets[:0]
	case r.place == 8:
		r.left = 0
		r.take(got)
	case r.place >= 0 && bit:
		r.octet |= 1 << r.place
	}
	r.place++
}

// take adds an octet to the message. What comes before its type is the seizure.
func (r *Receiver) take(got func(message []byte)) {
	if len(r.octets) == 0 && r.octet&0x7F > 0x20 {
		return
	}
	r.octets = append(r.octets, r.octet)
	n := len(r.octets)
	if n < 3 || n < int(r.octets[1])+3 {
		return
	}
	sum := byte(0)
	for _, c := range r.octets {
		sum += c
	}
	if sum == 0 {
		got(r.octets[:n-1])
	}
	r.octets = r.octets[:0]
}

// Shown is what a telephone reads in a message.
type Shown struct {
	Time         string // MMDDHHMM
	Number, Name string
	Absent       byte // P or O, instead of a number
	Lamp         byte // of waiting messages: 1 on, 2 off; 0: not spoken of
}

// Read reads a message without its checksum.
func Read(m []byte) (s Shown, ok bool) {
	if len(m) < 2 || int(m[1]) != len(m)-2 {
		return s, false
	}
	kind, body := m[0], m[2:]
	switch kind {
	case singleCall:
		if len(body) < 9 {
			return s, false
		}
		s.Time = string(body[:8])
		if s.number(body[8:]); s.Number == "P" || s.Number == "O" {
			s.Absent, s.Number = s.Number[0], ""
		}
		return s, true
	case singleWaiting:
		s.lamp(len(body) > 0 && body[0] == 0x42)
		return s, true
	case multiCall, multiWaiting:
		return s, s.params(body)
	}
	return s, false
}

func (s *Shown) params(body []byte) bool {
	for len(body) >= 2 && len(body) >= 2+int(body[1]) {
		n := 2 + int(body[1])
		value := body[2:n]
		switch kind := body[0]; {
		case kind == paramTime:
			s.Time = string(value)
		case kind == paramNumber:
			s.number(value)
		case kind == paramName:
			s.Name = string(value)
		case kind == paramNoNumber && len(value) == 1:
			s.Absent = value[0]
		case kind == paramVisual && len(value) == 1:
			s.lamp(value[0] != 0)
		}
		body = body[n:]
	}
	return len(body) == 0
}

func (s *Shown) number(b []byte) { s.Number = string(b) }

func (s *Shown) lamp(on bool) {
	s.Lamp = 2
	if on {
		s.Lamp = 1
	}
}
