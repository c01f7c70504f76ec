package convey

import (
	"tipring/t38/ifp"
	"tipring/t38/t30"
)

// data are T.38's names of T.30's modulations, modulations the other way round.
var (
	data = [...]ifp.DataType{
		t30.V27ter2400: ifp.V27Data2400, t30.V27ter4800: ifp.V27Data4800,
		t30.V29At7200: ifp.V29Data7200, t30.V29At9600: ifp.V29Data9600,
		t30.V17At7200: ifp.V17Data7200, t30.V17At9600: ifp.V17Data9600,
		t30.V17At12000: ifp.V17Data12000, t30.V17At14400: ifp.V17Data14400,
	}
	modulations = [...]t30.Modulation{
		ifp.V27Data2400: t30.V27ter2400, ifp.V27Data4800: t30.V27ter4800,
		ifp.V29Data7200: t30.V29At7200, ifp.V29Data9600: t30.V29At9600,
		ifp.V17Data7200: t30.V17At7200, ifp.V17Data9600: t30.V17At9600,
		ifp.V17Data12000: t30.V17At12000, ifp.V17Data14400: t30.V17At14400,
	}
)

// ahead is how many octets a Station has queued at its Sender: it takes more from the
// terminal while there are fewer.
const ahead = 128

// A Station is a fax machine that speaks T.38: a t30.Terminal whose line is a Link.
type Station struct {
	T30  *t30.Terminal
	Link *Link

	doing  t30.Transmission
	until  int64 // when a pause or tone ends
	ended  bool  // all of the burst was given to the Sender
	octets [ahead]byte
	fast   fastCarrier
}

// A fastCarrier is what the terminal was told of an image's signal.
type fastCarrier struct {
	up   bool
	told bool // whether the training succeeded
}

// NewStation makes a station of a terminal. One that is under way on a line may be taken over
// when the call becomes T.38: it goes on where it is, and what its last front end was saying is
// made good by T.30's repetition. A station may be dropped at any moment: T30.Stop says DCN first.
func NewStation(t *t30.Terminal, c LinkConfig) *Station {
	s := &Station{T30: t}
	s.Link = NewLink(c, (*hears)(s))
	return s
}

// Start begins the facsimile, or goes on with it: the call is through, and its media are T.38.
func (s *Station) Start() {
	s.T30.Start()
	s.speak()
}

// Done tells that the facsimile is over and all of it is said.
func (s *Station) Done() bool { return s.T30.Done() && s.Link.Sender.Idle(s.T30.Now()) }

// Now returns the time: samples since the terminal's Start.
func (s *Station) Now() int64 { return s.T30.Now() }

// Advance lets time pass, in samples: not past Deadline.
func (s *Station) Advance(samples int) {
	s.T30.Advance(samples)
	s.speak()
}

// Hear takes a datagram of the peer. The error is udptl.ErrMalformed; the datagram is
// then not used.
func (s *Station) Hear(datagram []byte) error {
	err := s.Link.Hear(s.Now(), datagram)
	s.speak()
	return err
}

// Say returns a datagram that is due now. ok is false if none is. It is valid until the next
// call.
func (s *Station) Say() (datagram []byte, ok bool) {
	datagram, ok = s.Link.Say(s.Now())
	s.speak()
	return datagram, ok
}

// Deadline tells in how many samples Advance and Say are to be called next if nothing is
// heard. ok is false when nothing is due.
func (s *Station) Deadline() (samples int64, ok bool) {
	samples, ok = s.T30.Deadline()
	if at, is := s.Link.Deadline(); is && (!ok || at-s.Now() < samples) {
		samples, ok = at-s.Now(), true
	}
	if at, is := s.done(); is && (!ok || at-s.Now() < samples) {
		samples, ok = at-s.Now(), true
	}
	return max(samples, 0), ok
}

// done returns when the transmission will be done, if that is known.
func (s *Station) done() (at int64, ok bool) {
	switch s.doing.Kind {
	case t30.Nothing:
		return 0, false
	case t30.Silence, t30.CNG, t30.CED:
		return s.until, true
	}
	out := &s.Link.Sender
	return out.line, s.ended && out.q.len() == 0
}

// speak does what the terminal wants to be sent, as far as it can be done now.
func (s *Station) speak() {
	for {
		if x := s.T30.Sending(); x.Serial != s.doing.Serial || x.Kind != s.doing.Kind {
			s.begin(x)
		}
		if s.doing.Kind == t30.Nothing || !s.goOn() {
			return
		}
		serial := s.doing.Serial
		s.doing = t30.Transmission{Kind: t30.Nothing, Serial: serial}
		s.T30.Sent(serial)
	}
}

// begin begins a transmission. One that is not done is cut short.
func (s *Station) begin(x t30.Transmission) {
	out := &s.Link.Sender
	if s.doing.Kind != t30.Nothing && s.doing.Kind != t30.Silence {
		out.Cut()
	}
	s.doing, s.until, s.ended = x, s.Now()+int64(x.Samples), false
	switch x.Kind {
	case t30.CNG:
		out.Tone(ifp.CNG)
	case t30.CED:
		out.Tone(ifp.CED)
	case t30.V21:
		out.Signal(ifp.V21Data, false)
	case t30.TCF, t30.Image, t30.ECM:
		out.Signal(data[x.Modulation], x.Short)
	}
}

// goOn tells whether the transmission is done.
func (s *Station) goOn() bool {
	switch s.doing.Kind {
	case t30.Silence:
		return s.Now() >= s.until
	case t30.CNG, t30.CED:
		if s.Now() < s.until {
			return false
		}
		s.Link.Sender.Silence()
		return true
	case t30.V21:
		return s.frames(ifp.V21Data)
	case t30.ECM:
		return s.frames(data[s.doing.Modulation])
	}
	return s.plain(data[s.doing.Modulation])
}

// frames gives the Sender frames until it has enough, and the end after the last.
func (s *Station) frames(d ifp.DataType) bool {
	out := &s.Link.Sender
	for !s.ended && out.Queued() < ahead {
		f := s.T30.NextFrame()
		if f == nil {
			out.End(s.Now(), d, true)
			s.ended = true
			break
		}
		if d == ifp.V21Data {
			s.Link.Told(f)
		}
		out.Frame(s.Now(), d, f, true)
	}
	return s.ended && out.Idle(s.Now())
}

func (s *Station) plain(d ifp.DataType) bool {
	out := &s.Link.Sender
	for !s.ended && out.Queued() < ahead {
		n := s.T30.ReadOctets(s.octets[:])
		out.Octets(s.Now(), d, s.octets[:n])
		if n < len(s.octets) {
			out.End(s.Now(), d, false)
			s.ended = true
		}
	}
	return s.ended && out.Idle(s.Now())
}

// hears is the station as the receiver's sink: it tells the terminal what it listens for.
type hears Station

func (h *hears) Indicator(i ifp.Indicator) {
	listens := h.T30.Listening()
	switch _, _, fast := i.Training(); {
	case i == ifp.CNG && listens.Tones:
		h.T30.Tone(t30.ToneCNG)
	case i == ifp.CED && listens.Tones:
		h.T30.Tone(t30.ToneCED)
	case i == ifp.V21Preamble && listens.V21:
		h.T30.Carrier(t30.ChannelV21, t30.CarrierUp)
	case fast && listens.Fast != t30.Nothing:
		h.fast = fastCarrier{up: true}
		h.T30.Carrier(t30.ChannelFast, t30.CarrierUp)
	}
}

// awaits tells whether the terminal listens for a modem of images.
func (h *hears) awaits(d ifp.DataType) bool {
	l := h.T30.Listening()
	return l.Fast != t30.Nothing && modulations[d] == l.Modulation
}

// comes tells whether image data is for the terminal, and tells it first that the modem is
// trained, or is another one than was agreed: only data shows how long a training was.
func (h *hears) comes(d ifp.DataType) bool {
	if !isImage(d) || h.T30.Listening().Fast == t30.Nothing {
		return false
	}
	if !h.fast.up {
		h.T30.Carrier(t30.ChannelFast, t30.CarrierUp)
	}
	if !h.fast.told {
		h.fast = fastCarrier{up: true, told: true}
		event := t30.CarrierFailed
		if h.awaits(d) {
			event = t30.CarrierTrained
		}
		h.T30.Carrier(t30.ChannelFast, event)
	}
	return h.awaits(d)
}

func (h *hears) Frame(d ifp.DataType, octets []byte, good bool) {
	switch {
	case d == ifp.V21Data && h.T30.Listening().V21:
		h.T30.Frame(t30.ChannelV21, octets, good)
	case h.comes(d):
		h.T30.Frame(t30.ChannelFast, octets, good)
	}
}

func (h *hears) Octets(d ifp.DataType, octets []byte) {
	if h.comes(d) {
		h.T30.Octets(octets)
	}
}

func (h *hears) End(d ifp.DataType) {
	switch {
	case d == ifp.V21Data && h.T30.Listening().V21:
		h.T30.Carrier(t30.ChannelV21, t30.CarrierDown)
	case isImage(d) && h.fast.up:
		if !h.fast.told { // all of its data was lost
			h.T30.Carrier(t30.ChannelFast, t30.CarrierFailed)
		}
		h.T30.Carrier(t30.ChannelFast, t30.CarrierDown)
		h.fast = fastCarrier{}
	}
}
