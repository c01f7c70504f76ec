// Package offer reads and writes session descriptions (SDP, RFC 8866) and negotiates a
// call's media with them (offer and answer, RFC 3264 as RFC 6337 reads it).
//
// A Session is the negotiation of one dialog: what was agreed, what is offered, and what
// this side wants. It writes offers, answers and takes answers; what comes out is an Audio
// for sound and an Image for T.38, of which one is there at a time but where both were
// offered beside each other. It opens no socket, reads no
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

	// ErrFaxDeclined: the peer took an offer of T.38 in the place of sound and accepted nothing
	// of it. No stream is in force by the letter; Audio is what it was, and the next offer
	// is one of sound again.
	ErrFaxDeclined = errors.New("T.38 declined")
)

// declined is ErrFaxDeclined with its cause.
type declined struct{ why error }

func (d *declined) Error() string        { return ErrFaxDeclined.Error() + ": " + d.why.Error() }
func (d *declined) Is(target error) bool { return target == ErrFaxDeclined }

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
	Comfort bool    // RFC 3389 comfort noise, payload type 13: the peer may send nothing else in silence
	PtimeMS int     // 10, 20, 30 or 40
	T38     *T38    // nil: m=image is refused

	Security Security // of sound; T.38 is always in the clear
	PlainWhy string   // why it is Plain, for who offers more; empty: it is off
}

// Local is where this side receives, as the peer shall see it: behind a NAT the mapped addresses.
type Local struct {
	RTP  netip.AddrPort
	RTCP netip.AddrPort // zero: the port after RTP's

	// UDPTL is where T.38 comes in when it stands beside sound. Zero: it is not offered beside
	// sound. In the place of sound it comes in at RTP.
	UDPTL netip.AddrPort
}

// A Session is the offer/answer state of one dialog.
type Session struct {
	caps    Capabilities
	local   Local
	want    Direction
	mode    Mode // of the next offer; follows what is agreed
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
	image         *Image
}

// live reports that there is a stream.
func (st state) live() bool { return st.audioIndex() >= 0 || st.imageIndex() >= 0 }

// mode is which streams there are.
func (st state) mode() Mode {
	switch {
	case st.image == nil:
		return Sound
	case st.audio == nil:
		return Fax
	}
	return SoundAndFax
}

// audioIndex is the position of our audio line in use, or -1.
func (st state) audioIndex() int {
	if st.audio == nil || st.local == nil {
		return -1
	}
	return st.local.audioIndex()
}

// audioIndex is the position of the first audio line in use, or -1.
func (d *Description) audioIndex() int { return d.lineOf(0, Media.isAudio) }

// imageIndex is the position of our image line in use, or -1.
func (st state) imageIndex() int {
	if st.image == nil || st.local == nil {
		return -1
	}
	return st.local.imageIndex()
}

// imageIndex is the position of the first image line in use, or -1.
func (d *Description) imageIndex() int { return d.lineOf(0, Media.isImage) }

func (m Media) isAudio() bool { return strings.EqualFold(m.Kind, "audio") }

func (m Media) isSecureAudio() bool { return m.isAudio() && strings.EqualFold(m.Proto, secureProfile) }

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

// SetMode says which media this side wants from the next offer or answer on. What is agreed
// then, and what a refused offer leaves in force, is what it wants after that.
func (s *Session) SetMode(m Mode) { s.mode = m }

// Mode is which media this side wants: what SetMode said, until something was agreed.
func (s *Session) Mode() Mode { return s.mode }

// SetCapabilities changes what the next OfferAll and Answer name.
func (s *Session) SetCapabilities(caps Capabilities) { s.caps = caps }

// Security is how far the next offer encrypts.
func (s *Session) Security() Security { return s.caps.Security }

// SetLocal changes where this side receives, from the next offer or answer on.
func (s *Session) SetLocal(l Local) { s.local = l }

// Pending reports whether our offer waits for its answer.
func (s *Session) Pending() bool { return s.pending }

// Audio is what is agreed for the audio stream; nil: none is.
func (s *Session) Audio() *Audio { return s.agreed.audio }

// Image is what is agreed for T.38; nil: nothing is.
func (s *Session) Image() *Image { return s.agreed.image }

// Agreed reports that something is agreed, for sound or T.38.
func (s *Session) Agreed() bool { return s.agreed.audio != nil || s.agreed.image != nil }

// Remote is the peer's description in force; nil before there is one.
func (s *Session) Remote() *Description { return s.agreed.remote }

// Local is our description in force; nil before there is one.
func (s *Session) Local() *Description { return s.agreed.local }

// Offer makes an offer: of everything while nothing is agreed, later of the session as it
// is with the direction, address and mode now wanted. Unchanged, it is the description in force
// with its version (RFC 3264 section 8, RFC 4028 section 7.4): a session refresh.
func (s *Session) Offer() (*Description, error) {
	if !s.agreed.live() {
		return s.OfferAll()
	}
	if s.pending {
		return nil, ErrPending
	}
	d := s.refreshed()
	switch audio, image := s.agreed.audioIndex(), s.agreed.imageIndex(); {
	case s.mode == Fax && audio >= 0 && s.caps.T38 != nil:
		s.toFax(d, audio, image)
	case s.mode == Sound && image >= 0:
		s.toSound(d, audio, image)
	case audio >= 0:
		d.Media[audio].Attributes.setDirection(s.offerDirection())
	}
	return s.propose(d), nil
}

// toFax makes d an offer of T.38 alone. RFC 3264 section 8.3.3 has sound and fax take turns in
// one m= line; one of T.38 that is there already is used again.
func (s *Session) toFax(d *Description, audio, image int) {
	at := image
	if at < 0 {
		at = slices.IndexFunc(d.Media, Media.isImage)
	}
	if at < 0 {
		at = audio
	} else {
		d.Media[audio] = refuse(d.Media[audio])
	}
	if image < 0 {
		d.Media[at] = s.imageMedia(s.imageLocal(), s.caps.T38)
	}
}

// toSound makes d an offer of sound alone.
func (s *Session) toSound(d *Description, audio, image int) {
	at := audio
	if at < 0 {
		at = slices.IndexFunc(d.Media, Media.isAudio)
	}
	if at < 0 {
		at = image
	} else {
		d.Media[image] = refuse(d.Media[image])
	}
	if audio < 0 {
		d.Media[at] = s.offerAudio(s.offerDirection())
	}
}

// OfferAll makes an offer of everything this side can: the first one, the one that an
// INVITE without an offer asks for (RFC 6337 section 5.2.5), and one after new capabilities.
// In a fax it is one of the fax alone: who asks without an offer refreshes the session, and
// would take what stands first.
func (s *Session) OfferAll() (*Description, error) {
	if s.pending {
		return nil, ErrPending
	}
	if s.agreed.imageIndex() >= 0 {
		return s.propose(s.refreshed()), nil
	}
	d := s.describe()
	if s.agreed.local != nil {
		for _, m := range s.agreed.local.Media { // RFC 3264 section 8: no line may vanish
			d.Media = append(d.Media, refuse(m))
		}
	}
	first := s.agreed.remote == nil && s.caps.T38 != nil
	if beside := s.mode == SoundAndFax && s.local.UDPTL.IsValid(); first && (s.mode == Fax || beside) {
		local := s.local.RTP
		if beside {
			d.put(s.offerAudio(s.offerDirection()), Media.isAudio)
			local = s.local.UDPTL
		}
		d.put(s.imageMedia(local, s.caps.T38), Media.isImage)
	} else {
		d.put(s.offerAudio(s.offerDirection()), Media.isAudio)
	}
	return s.propose(d), nil
}

// put puts a line in the place of the first of its kind, or at the end.
func (d *Description) put(m Media, kind func(Media) bool) {
	if at := slices.IndexFunc(d.Media, kind); at >= 0 {
		d.Media[at] = m
		return
	}
	d.Media = append(d.Media, m)
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
	if s.agreed.live() {
		s.mode = s.agreed.mode()
	}
}

// refuse is a line with port 0 in the place of m.
func refuse(m Media) Media {
	return Media{Kind: m.Kind, Proto: m.Proto, Formats: slices.Clone(m.Formats)}
}

// describe begins a description of ours.
func (s *Session) describe() *Description {
	return &Description{Name: "-", Connection: addressOf(s.local.RTP.Addr())}
}

// refreshed is our description in force with our present addresses, and without the lines of
// ours that the peer refused.
func (s *Session) refreshed() *Description {
	d := s.agreed.local.clone()
	d.Connection = addressOf(s.local.RTP.Addr())
	audio, image := s.agreed.audioIndex(), s.agreed.imageIndex()
	for i := range d.Media {
		switch m := &d.Media[i]; {
		case i == audio:
			s.keepCrypto(m, s.moved())
			m.Port = int(s.local.RTP.Port())
			s.writeRTCP(m)
		case i == image:
			s.locate(m, s.imageLocal())
		case m.Port != 0:
			*m = refuse(*m)
		}
	}
	return d
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
