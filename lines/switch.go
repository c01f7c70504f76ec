package lines

import (
	"time"

	"tipring/internal/offer"
)

// A wish is the media that Switch asked for and that are not agreed yet.
type wish struct {
	mode   offer.Mode // Sound or Fax
	set    bool
	glares uint8 // times that it was told to come later
}

// maxGlares is how often a switch comes again after a 491, or a 500 with Retry-After: a far end that
// says so for ever is a far end without T.38.
const maxGlares = 5

// Switch asks the far end for T.38 in the place of sound (Fax), or for sound again (Sound), by a
// re-INVITE that goes as soon as the dialog allows one. FaxHandler tells what comes of it: Image and
// Media, or SwitchRefused. Nothing is told where it is so already, be it because the far
// end was faster.
func (c *Call) Switch(m offer.Mode) {
	c.post(func(now time.Time) {
		switch h, ok := c.handler.(FaxHandler); {
		case !ok || m != offer.Sound && m != offer.Fax:
		case c.s == nil:
			h.SwitchRefused(c, 481)
		case m == offer.Fax && c.media.T38 == nil:
			h.SwitchRefused(c, 488)
		default:
			c.s.switchTo(now, m)
		}
	})
}

func (s *session) switchTo(now time.Time, m offer.Mode) {
	s.wish = wish{mode: m, set: true}
	if s.fulfilled(); s.wish.set {
		s.reinvite(now)
	}
}

// inviteLimit is how long a re-INVITE of ours may have a 1xx and nothing else. Fax machines do not
// wait: a switch gets as long as one that nothing answers.
func (s *session) inviteLimit() time.Duration {
	if s.wish.set {
		return 64 * s.l.dev.Timers.T1
	}
	return ringLimit
}

// fulfilled drops a wish that has come true, by an offer of either side, and the re-INVITE
// that waits to carry it.
func (s *session) fulfilled() {
	if s.wish.set && s.inviting == nil && s.offer.Mode() == s.wish.mode {
		s.wish, s.wanted = wish{}, false
	}
}

// notSwitched tells that what this re-INVITE was to bring is not to be had, if it is still wished
// for.
func (x *reinvitation) notSwitched(code int) {
	if s := x.session; x.wish.set && x.wish.mode == s.wish.mode {
		s.notSwitched(code)
	}
}

// notSwitched tells that what is wished for is not to be had.
func (s *session) notSwitched(code int) {
	if !s.wish.set || s.ended || s.c.over {
		return
	}
	if code == 487 { // of our own CANCEL, after a 1xx and nothing else
		code = 408
	}
	s.wish = wish{}
	if h, ok := s.c.handler.(FaxHandler); ok {
		h.SwitchRefused(s.c, code)
	}
}

// tellImage tells what is agreed for T.38, if that is new.
func (c *Call) tellImage(i *offer.Image) (told bool) {
	h, ok := c.handler.(FaxHandler)
	if !ok || i == c.image || i != nil && c.image != nil && *i == *c.image {
		return false
	}
	c.image = i
	h.Image(c, i)
	return true
}
