// Package offer reads and writes session descriptions (SDP, RFC 8866) and negotiates a
// call's media with them (offer and answer, RFC 3264 as RFC 6337 reads it).
//
// A Session is the negotiation of one dialog: what was agreed, what is offered, and what
// this side wants. It writes offers, answers and takes answers; what comes out is an Audio
// for internal/media and the peer's m=image lines for T.38. It opens no socket, reads no
// clock and knows nothing of SIP: its owner tells it when an offer is sent, refused or
// answered. One goroutine owns it.
package offer

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Errors of a negotiation.
var (
	ErrNotAcceptable = errors.New("session description not acceptable") // 488
	ErrPending       = errors.New("an offer is not answered yet")       // 491, or 500 with Retry-After
	ErrNoOffer       = errors.New("an answer without an offer")
)

// Codes of a Warning (RFC 3261 section 20.43) that a description can earn.
const (
	warnAddress   = 301 // incompatible network address formats
	warnTransport = 302 // incompatible transport protocol
	warnMedia     = 304 // media type not available
	warnFormat    = 305 // incompatible media format
	warnMulticast = 330 // multicast not available
)

// A Refusal is why a description is ErrNotAcceptable, as the Warning of a 488 tells it.
type Refusal struct {
	Warning int    // warn-code of RFC 3261 section 20.43
	Text    string // one line, for people
}

func (r *Refusal) Error() string { return ErrNotAcceptable.Error() + ": " + r.Text }

// Is makes it ErrNotAcceptable to errors.Is.
func (r *Refusal) Is(target error) bool { return target == ErrNotAcceptable }

func refusal(warning int, format string, args ...any) error {
	return &Refusal{warning, fmt.Sprintf(format, args...)}
}

// Capabilities is what this side can do.
type Capabilities struct {
	Codecs  []Codec // the preferred first
	Events  bool    // RFC 4733 telephone events
	PtimeMS int     // 10, 20, 30 or 40
}

// Local is where this side receives, as the peer shall see it: behind a NAT the mapped addresses.
type Local struct {
	RTP  netip.AddrPort
	RTCP netip.AddrPort // zero: the port after RTP's
}

// A Session is the offer/answer state of one dialog.
type Session struct {
	caps    Capabilities
	local   Local
	want    Direction
	id      uint32
	version uint64  // of the last description sent
	origin  Address // of o=: the first address we gave, for the whole session
	sent    *Description

	agreed  state        // in force
	before  state        // what was in force when offered was sent
	offered *Description // our offer of the last exchange; nil when the peer made it
	pending bool         // offered has no answer yet
}

// A state is a pair of descriptions in force and what they mean.
type state struct {
	local, remote *Description
	audio         *Audio
}

// audioIndex is the position of our audio line in use, or -1.
func (st state) audioIndex() int {
	if st.audio == nil || st.local == nil {
		return -1
	}
	return st.local.audioIndex()
}

// audioIndex is the position of the first audio line in use, or -1.
func (d *Description) audioIndex() int {
	return slices.IndexFunc(d.Media, func(m Media) bool { return m.isAudio() && m.Port != 0 })
}

func (m Media) isAudio() bool { return strings.EqualFold(m.Kind, "audio") }

// New begins the negotiation of a new dialog. A local that is not known yet is set with
// SetLocal before the first offer or answer.
func New(caps Capabilities, local Local) *Session {
	var random [4]byte
	_, _ = rand.Read(random[:]) // never fails
	// Below 2^31, which every peer's parser can hold.
	id := binary.BigEndian.Uint32(random[:]) >> 1
	return &Session{caps: caps, local: local, want: SendRecv, id: id}
}

// Fork copies the session: the answers of several forks to one offer are taken by one copy each.
func (s *Session) Fork() *Session {
	c := *s
	return &c
}

// SetDirection says what this side wants from the next offer or answer on: SendRecv, or to
// hold the peer SendOnly (with music) or Inactive.
func (s *Session) SetDirection(d Direction) { s.want = d }

// Wanted is what SetDirection said.
func (s *Session) Wanted() Direction { return s.want }

// SetCapabilities changes what the next OfferAll and Answer name.
func (s *Session) SetCapabilities(caps Capabilities) { s.caps = caps }

// SetLocal changes where this side receives, from the next offer or answer on.
func (s *Session) SetLocal(l Local) { s.local = l }

// Pending reports whether our offer waits for its answer.
func (s *Session) Pending() bool { return s.pending }

// Audio is what is agreed for the audio stream; nil: none is.
func (s *Session) Audio() *Audio { return s.agreed.audio }

// Remote is the peer's description in force; nil before there is one.
func (s *Session) Remote() *Description { return s.agreed.remote }

// Local is our description in force; nil before there is one.
func (s *Session) Local() *Description { return s.agreed.local }

// Offer makes an offer: of everything while nothing is agreed, later of the session as it
// is with the direction and address now wanted. Unchanged, it is the description in force
// with its version (RFC 3264 section 8, RFC 4028 section 7.4): a session refresh.
func (s *Session) Offer() (*Description, error) {
	i := s.agreed.audioIndex()
	if i < 0 {
		return s.OfferAll()
	}
	if s.pending {
		return nil, ErrPending
	}
	d := s.agreed.local.clone()
	s.relocate(d, i)
	d.Media[i].Attributes.setDirection(s.offerDirection())
	return s.propose(d), nil
}

// OfferAll makes an offer of everything this side can: the first one, the one that an
// INVITE without an offer asks for (RFC 6337 section 5.2.5), and one after new capabilities.
func (s *Session) OfferAll() (*Description, error) {
	if s.pending {
		return nil, ErrPending
	}
	audio := s.offerAudio(s.offerDirection())
	d := s.describe()
	if s.agreed.local != nil {
		for _, m := range s.agreed.local.Media { // RFC 3264 section 8: no line may vanish
			d.Media = append(d.Media, refuse(m))
		}
	}
	at := slices.IndexFunc(d.Media, Media.isAudio)
	if at < 0 {
		d.Media = append(d.Media, audio)
	} else {
		d.Media[at] = audio
	}
	return s.propose(d), nil
}

// offerDirection is what to offer. RFC 3264 section 8.4: a stream the peer already holds
// is held by inactive; RFC 6337 section 5.3: who does not hold offers sendrecv, even while held.
func (s *Session) offerDirection() Direction {
	if s.want == SendOnly && s.agreed.audio != nil && s.agreed.audio.Held {
		return Inactive
	}
	return s.want
}

// propose stamps d and remembers it as our offer.
func (s *Session) propose(d *Description) *Description {
	d = s.stamp(d)
	s.before, s.offered, s.pending = s.agreed, d, true
	return d
}

// Revert drops our offer after the peer refused it (488, 491, any failure of its request):
// what was agreed before it stays in force (RFC 6141).
func (s *Session) Revert() {
	if s.offered != nil {
		s.agreed = s.before
	}
	s.offered, s.pending = nil, false
}

// TakeAnswer takes the peer's answer to our offer. It may be called again for the same
// offer, since a 2xx repeats or replaces what a 1xx said; the last one holds. On an error
// what was agreed before the offer is in force again.
func (s *Session) TakeAnswer(answer *Description) error {
	if s.offered == nil {
		if s.agreed.remote != nil && equal(s.agreed.remote, answer) {
			return nil
		}
		return ErrNoOffer
	}
	next := state{local: s.offered, remote: answer}
	if at := s.offered.audioIndex(); at >= 0 {
		audio, err := s.takeAudio(&s.offered.Media[at], answer, at)
		if err != nil {
			s.Revert()
			return err
		}
		next.audio = audio
	}
	s.agreed, s.pending = next, false
	return nil
}

// Answer answers the peer's offer and puts both in force. Every m= line is answered in its
// place, with port 0 where it is refused (RFC 3264 section 6); an offer of which nothing
// can be accepted, or that offers nothing, is a Refusal and changes nothing. The offer in force, sent again
// as a session refresh does, gets the same answer again.
func (s *Session) Answer(offer *Description) (*Description, error) {
	if s.pending {
		return nil, ErrPending
	}
	var next state
	var err error
	if s.agreed.remote != nil && equal(s.agreed.remote, offer) && len(offer.Media) == len(s.agreed.local.Media) {
		next = s.repeat()
	} else if next, err = s.negotiate(offer); err != nil {
		return nil, err
	}
	next.local, next.remote = s.stamp(next.local), offer
	s.agreed, s.offered = next, nil
	return next.local, nil
}

// repeat is the state in force with the direction and address now wanted.
func (s *Session) repeat() state {
	next := state{local: s.agreed.local.clone()}
	i := s.agreed.audioIndex()
	if i < 0 {
		return next
	}
	audio := *s.agreed.audio
	audio.Direction = s.agreed.remote.Direction(i).Reverse() & s.want
	if audio.Held {
		audio.Direction &^= SendOnly
	}
	s.relocate(next.local, i)
	next.local.Media[i].Attributes.setDirection(audio.Direction)
	next.audio = &audio
	return next
}

// negotiate answers an offer line by line.
func (s *Session) negotiate(offer *Description) (state, error) {
	next := state{local: s.describe()}
	var why error
	for i, m := range offer.Media {
		line := refuse(m)
		if m.isAudio() && m.Port != 0 && next.audio == nil {
			accepted, audio, err := s.answerAudio(offer, i)
			if err == nil {
				line, next.audio = accepted, audio
			} else if why == nil {
				why = err
			}
		}
		next.local.Media = append(next.local.Media, line)
	}
	if next.audio != nil {
		return next, nil
	}
	if why == nil {
		why = refusal(warnMedia, "no audio stream is offered")
	}
	return next, why
}

// refuse is a line with port 0 in the place of m.
func refuse(m Media) Media {
	return Media{Kind: m.Kind, Proto: m.Proto, Formats: slices.Clone(m.Formats)}
}

// describe begins a description of ours.
func (s *Session) describe() *Description {
	return &Description{Name: "-", Connection: addressOf(s.local.RTP.Addr())}
}

// relocate puts our present address into line i of d.
func (s *Session) relocate(d *Description, i int) {
	d.Connection = addressOf(s.local.RTP.Addr())
	d.Media[i].Port = int(s.local.RTP.Port())
	s.writeRTCP(&d.Media[i])
}

// stamp gives d its o= line. The version grows by one with every change and with nothing
// else (RFC 3264 section 8).
func (s *Session) stamp(d *Description) *Description {
	if s.origin == (Address{}) {
		s.origin = d.Connection
	}
	d.Origin = Origin{User: "-", ID: strconv.FormatUint(uint64(s.id), 10), Address: s.origin}
	for _, known := range []*Description{s.agreed.local, s.sent} {
		if known == nil {
			continue
		}
		if d.Origin.Version = known.Origin.Version; equal(d, known) {
			return known
		}
	}
	s.version++
	d.Origin.Version = strconv.FormatUint(s.version, 10)
	s.sent = d
	return d
}

// equal reports whether two descriptions say the same.
func equal(a, b *Description) bool { return bytes.Equal(a.Bytes(), b.Bytes()) }

// clone copies a description that is to be changed.
func (d *Description) clone() *Description {
	c := *d
	c.Media = slices.Clone(d.Media)
	for i := range c.Media {
		c.Media[i].Attributes = slices.Clone(c.Media[i].Attributes)
	}
	return &c
}
