package call

import (
	"fmt"
	"time"

	"tipring/internal/dsp"
	"tipring/internal/offer"
	"tipring/lines"
)

// giveWay is how long the far end is given to ask for T.38 itself, in samples.
const giveWay = dsp.SampleRate

// An asking says whether a sign of a fax makes this side ask for T.38.
type asking uint8

const (
	notAsked asking = iota
	askLater        // when the far end has not within giveWay
	askNow
)

// asksFor decides who switches to T.38 (t38_reinvite): sends is the side that made the call, near
// tells that the sign came from the machine on the port. Where the preamble is not
// listened for, the answer tone stands for it.
func asksFor(reinvite string, sends, near bool, tone dsp.FaxTone, preamble bool) asking {
	answers := tone == dsp.Preamble || !preamble && (tone == dsp.CED || tone == dsp.ANSam)
	switch {
	case reinvite == "detector" && answers, !sends && near && answers && reinvite != "never":
		return askLater
	case reinvite == "caller" && sends && near && tone == dsp.CNG:
		return askNow
	}
	return notAsked
}

// A switching is what a relay does to have the call as T.38, or as sound again.
type switching struct {
	at       int64 // when to ask for T.38; 0: not
	asked    bool  // by this side, in this call
	refused  bool  // T.38 is not to be had: not asked for again
	leaving  bool  // sound was asked for
	toVoice  bool  // and is to be speech
	packetBy int64 // when the first packet must have come; 0: one has
}

// open reports that a sign of a fax may still make a difference.
func (s *switching) open() bool { return !s.asked && !s.refused && s.at == 0 }

// again lets another fax of the same call begin.
func (s *switching) again() { *s = switching{refused: s.refused} }

// askAt has T.38 asked for at that time.
func (s *switching) askAt(at int64) {
	if s.open() {
		s.at = max(at, 1)
	}
}

func (s *switching) tick(r *relay) {
	switch {
	case r.phase == inImage:
		if s.packetBy != 0 && r.now >= s.packetBy && !s.leaving {
			r.remember()
			s.refused = true
			s.back(r, fmt.Sprintf("no packet of T.38 came within %d s", packetsBy/dsp.SampleRate))
		}
	case s.at != 0 && r.now >= s.at && r.up && r.c.call != nil:
		s.at = 0
		s.ask(r)
	}
}

// ask asks for T.38, once in a call, and not where it is known to be refused.
func (s *switching) ask(r *relay) {
	switch {
	case !r.settings.T38 || s.asked || s.refused:
	case r.p.dev.Memory.Refuses(r.number, time.Now()):
		s.refused = true
		r.note("sent in sound: the destination had no T.38 the last time")
	default:
		s.asked = true
		r.c.call.Switch(offer.Fax)
	}
}

// back asks for sound again.
func (s *switching) back(r *relay, why string) {
	if s.leaving {
		return
	}
	s.leaving = true
	r.note("back to sound: " + why)
	r.c.call.Switch(offer.Sound)
}

// remember notes that T.38 with the far end came to nothing.
func (r *relay) remember() { r.p.dev.Memory.Refused(r.number, time.Now()) }

// switchRefused implements faxSide.
func (r *relay) switchRefused(code int) {
	s := &r.change
	switch {
	case s.leaving:
		// The far end wants no sound. The machines end what is of no use to them.
		r.note(fmt.Sprintf("back to sound: refused with %d", code))
	case !s.asked || s.refused:
	default:
		s.refused = true
		r.note("sent in sound: " + refusalOf(code))
		switch code {
		case 200, 408, 415, 488, 501, 606:
			r.remember()
		}
	}
}

func refusalOf(code int) string {
	switch code {
	case 200:
		return "the far end declined T.38"
	case 408:
		return "the far end did not answer when asked for T.38"
	}
	return fmt.Sprintf("the far end refused T.38 with %d", code)
}

// image implements faxSide.
func (r *relay) image(i *offer.Image) {
	s := &r.change
	switch {
	case i == nil && r.phase == inImage:
		r.net.stop(r)
		s.packetBy = 0
		if r.inSound(); s.toVoice {
			r.voice()
		}
		s.leaving, s.toVoice = false, false
	case i == nil:
		r.net.noneBeside()
	case r.phase == inImage:
		r.net.move(i.Remote)
	case r.second != nil && i.Local.Port() == r.beside:
		r.net.offeredBeside(r, i)
	default:
		r.byPackets(i)
	}
}

// byPackets goes on with T.38.
func (r *relay) byPackets(i *offer.Image) {
	r.net.start(r, i)
	r.change.at, r.change.leaving = 0, false
	r.change.packetBy = r.now + packetsBy
	r.isFax()
	r.phase, r.byT38, r.asFax = inImage, true, true
	r.watches()
	r.show()
}

// openBeside gives an outgoing call the socket of T.38 beside sound, where that is offered: in the
// first INVITE alone, to a destination that is not known to refuse it.
func (r *relay) openBeside() {
	if !r.settings.T38 || !r.settings.First || r.p.dev.Memory.Refuses(r.number, time.Now()) {
		return
	}
	pair, err := r.p.listen()
	if err != nil {
		r.p.log.Warn("T.38 not offered beside sound", "cause", err)
		return
	}
	r.second, r.beside = pair, pair.RTP.Local().Port()
}

// offer says in m what this side does by T.38. Where the outside address of its socket beside
// sound is not found out, the call begins with sound.
func (r *relay) offer(m *lines.Media) {
	m.T38 = r.settings.Offer()
	switch {
	case m.T38 == nil:
	case r.second == nil:
		if r.settings.First && !r.attempt.Send {
			m.Want = offer.FaxPreferred
		}
	case m.Mapped.IsValid() && !m.MappedUDPTL.IsValid():
		r.p.giveBack(r.second)
		r.second = nil
	default:
		m.Want, m.UDPTLPort = offer.SoundAndFax, r.beside
		if m.MappedUDPTL.IsValid() {
			r.beside = m.MappedUDPTL.Port()
		}
	}
}
