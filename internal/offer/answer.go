package offer

import (
	"slices"

	"tipring/internal/media/srtp"
)

// Answer answers the peer's offer and puts both in force. Every m= line is answered in its
// place, with port 0 where it is refused (RFC 3264 section 6); an offer of which nothing
// can be accepted, or that offers nothing, is a Refusal and changes nothing. The offer in force, sent again
// as a session refresh does, gets the same answer again.
//
// One stream is accepted: of sound and T.38 the one that prefersImage says.
func (s *Session) Answer(offer *Description) (*Description, error) {
	if s.pending {
		return nil, ErrPending
	}
	var next state
	var err error
	if s.agreed.live() && equal(s.agreed.remote, offer) && len(offer.Media) == len(s.agreed.local.Media) {
		next = s.repeat()
	} else if next, err = s.negotiate(offer); err != nil {
		return nil, err
	}
	next.local, next.remote = s.stamp(next.local), offer
	s.agreed, s.offered = next, nil
	s.mode = next.mode()
	return next.local, nil
}

// repeat is the state in force with the direction and address now wanted.
func (s *Session) repeat() state {
	next := s.agreed
	next.local = s.refreshed()
	if s.agreed.image != nil {
		image := *s.agreed.image
		image.Local, next.image = s.imageLocal(), &image
	}
	i := s.agreed.audioIndex()
	if i < 0 {
		return next
	}
	audio := *s.agreed.audio
	audio.Direction = s.agreed.remote.Direction(i).Reverse() & s.want
	if audio.Held {
		audio.Direction &^= SendOnly
	}
	next.local.Media[i].Attributes.setDirection(audio.Direction)
	if own := next.local.Media[i].cryptos(); audio.SRTP != nil && len(own) > 0 {
		audio.SRTP = &srtp.Keys{Local: own[0].key, Remote: audio.SRTP.Remote}
	}
	next.audio = &audio
	return next
}

// negotiate answers an offer: one line of the kind that is preferred, else one of the other.
func (s *Session) negotiate(offer *Description) (state, error) {
	next := state{local: s.describe()}
	for _, m := range offer.Media {
		next.local.Media = append(next.local.Media, refuse(m))
	}
	kinds := []func(next *state, offer *Description) error{s.acceptAudio, s.acceptImage}
	if s.prefersImage(offer) {
		slices.Reverse(kinds)
	}
	err := kinds[0](&next, offer)
	if err == nil {
		return next, nil
	}
	if other := kinds[1](&next, offer); other == nil || err == errNotOffered {
		err = other
	}
	if err == errNotOffered {
		err = refusal(warnMedia, "no audio stream is offered")
	}
	return next, err
}

// errNotOffered is an offer without a stream of a kind.
var errNotOffered = refusal(warnMedia, "not offered")

// prefersImage decides an offer that has sound and T.38: a first one by the mode wanted here,
// a later one that adds T.38 for T.38, and one that repeats what was refused as before.
func (s *Session) prefersImage(offer *Description) bool {
	switch {
	case s.mode == Fax, s.mode == FaxPreferred, s.agreed.image != nil && s.agreed.audio == nil:
		return true
	case s.agreed.remote == nil, s.agreed.remote.lineOf(0, Media.isImage) >= 0:
		return false
	}
	return true
}

// acceptAudio answers the first line of sound that can be accepted. Who offers both, an encrypted
// line and a plain one, gets the first in whatever order.
func (s *Session) acceptAudio(next *state, offer *Description) error {
	answer := func(i int) (m Media, err error) {
		m, next.audio, err = s.answerAudio(offer, i)
		return m, err
	}
	if s.caps.Security != Plain && next.accept(offer, Media.isSecureAudio, answer) == nil {
		return nil
	}
	return next.accept(offer, Media.isAudio, answer)
}

// acceptImage answers the first line of T.38 that can be accepted.
func (s *Session) acceptImage(next *state, offer *Description) error {
	if s.caps.T38 == nil {
		return errNotOffered
	}
	return next.accept(offer, Media.isImage, func(i int) (m Media, err error) {
		m, next.image, err = s.answerImage(offer, i)
		return m, err
	})
}

// accept puts the answer to the first line of a kind that has one into its place. The error
// is that of the first line.
func (next *state) accept(offer *Description, kind func(Media) bool, answer func(i int) (Media, error)) error {
	why := errNotOffered
	for i, m := range offer.Media {
		if !kind(m) || m.Port == 0 {
			continue
		}
		line, err := answer(i)
		if err == nil {
			next.local.Media[i] = line
			return nil
		}
		if why == errNotOffered {
			why = err
		}
	}
	return why
}

// TakeAnswer takes the peer's answer to our offer. It may be called again for the same
// offer, since a 2xx repeats or replaces what a 1xx said; the last one holds. On an error
// what was agreed before the offer is in force again, but for ErrFaxDeclined.
func (s *Session) TakeAnswer(answer *Description) error {
	if s.offered == nil {
		if s.agreed.remote != nil && equal(s.agreed.remote, answer) {
			return nil
		}
		return ErrNoOffer
	}
	next := state{local: s.offered, remote: answer}
	why := s.take(&next, answer)
	switch {
	case why == nil:
	case s.offered.imageIndex() >= 0 && s.before.audio != nil:
		next.audio = s.before.audio
		s.agreed, s.offered, s.pending, s.mode = next, nil, false, Sound
		return &declined{why}
	default:
		s.Revert()
		return why
	}
	s.agreed, s.pending = next, false
	s.mode = next.mode()
	return nil
}

// take reads what an answer says to each stream that we offered. The error is that of the first
// where it accepts none.
func (s *Session) take(next *state, answer *Description) (why error) {
	if at := s.offered.audioIndex(); at >= 0 {
		next.audio, why = s.takeAudio(&s.offered.Media[at], answer, at)
	}
	if at := s.offered.imageIndex(); at >= 0 {
		var err error
		if next.image, err = s.takeImage(&s.offered.Media[at], answer, at); why == nil {
			why = err
		}
	}
	if next.audio != nil || next.image != nil {
		return nil
	}
	return why
}

// lineOf is the position of a line of a kind in use: i, or the first where the peer has put
// its lines in an order of its own; -1: there is none.
func (d *Description) lineOf(i int, kind func(Media) bool) int {
	used := func(m Media) bool { return kind(m) && m.Port != 0 }
	if i < len(d.Media) && used(d.Media[i]) {
		return i
	}
	return slices.IndexFunc(d.Media, used)
}
