package lines

import (
	"bytes"
	"errors"
	"fmt"

	"tipring/internal/offer"
	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/transport"
)

// Keys of SRTP stand in the messages (RFC 4568 section 1: who can read those can listen), so they
// go by TLS alone, unless srtp_over_clear says otherwise.

// carriesKeys reports a way that keys may go.
func (l *Line) carriesKeys(way transport.Proto) bool {
	return way == transport.TLS || l.cfg.SRTPOverClear
}

// secure fills in how far a call by a way encrypts its sound. An emergency call that nobody can
// encrypt is made all the same.
func (l *Line) secure(caps *offer.Capabilities, way transport.Proto, emergency bool) {
	required := l.cfg.SRTP == "required"
	switch {
	case !required && l.cfg.SRTP != "optional":
	case !l.carriesKeys(way):
		caps.PlainWhy = keysCanBeRead(way)
	case required && !emergency:
		caps.Security = offer.Encrypted
	default:
		caps.Security = offer.Opportunistic
	}
}

func keysCanBeRead(way transport.Proto) string {
	return fmt.Sprintf("keys of SRTP are not sent over %v, where they can be read (srtp_over_clear = 0)", way)
}

// tooClear is why a line that requires SRTP has no call by a way; nil: it may have.
func (l *Line) tooClear(way transport.Proto, emergency bool) error {
	if l.cfg.SRTP != "required" || emergency || l.carriesKeys(way) {
		return nil
	}
	return errors.New("srtp = required: " + keysCanBeRead(way))
}

// mayInsist reports the refusal of a description that offered keys beside plain sound. RFC 8643 section
// 3.2 lets the far end take both, but who has to encrypt may look for RTP/SAVP alone.
func (g *leg) mayInsist(res *sipmsg.Message) bool {
	return (res.StatusCode == 488 || res.StatusCode == 606) && g.offer.Security() == offer.Opportunistic
}

// errKeysInClear is a request with keys that would go by a way where they can be read, as after a
// failover from TLS to UDP.
var errKeysInClear = fmt.Errorf("keys of SRTP would be readable: %w", ua.ErrCancelled)

// bares reports that a message would lay keys open.
func (l *Line) bares(m *sipmsg.Message, way transport.Proto) bool {
	return !l.carriesKeys(way) && bytes.Contains(m.Body, []byte("\r\na=crypto:"))
}

// secretFrom refuses an offer that came in the clear into a call whose keys are secret: an answer
// with a key would lay it open, and one without would end what was agreed.
func (s *session) secretFrom(in *ua.Incoming) *refusal {
	a := s.offer.Audio()
	way := in.Flow.Target().Proto
	if a == nil || a.SRTP == nil || s.l.carriesKeys(way) || in.Req.Method != sipmsg.INVITE && len(in.Req.Body) == 0 {
		return nil
	}
	return warned(302, keysCanBeRead(way))
}
