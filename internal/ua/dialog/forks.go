package dialog

import (
	"errors"

	"tipring/internal/sipmsg"
)

// maxForks bounds the dialogs that one INVITE may make. Past it a 2xx still makes one, up to
// maxAnswers: who has lifted the telephone is told by BYE that it was in vain.
const (
	maxForks   = 16
	maxAnswers = 64
)

// ErrTooManyForks reports an early dialog past the sixteenth of one INVITE.
var ErrTooManyForks = errors.New("more than 16 dialogs from one INVITE")

// Forks are the dialogs that come of one INVITE of ours, which a proxy may send to several
// places (RFC 3261 sections 12.1.2, 13.2.2).
type Forks struct {
	invite  *sipmsg.Message
	dialogs []*Dialog
	winner  *Dialog
}

// NewForks begins with an INVITE as it was sent.
func NewForks(invite *sipmsg.Message) *Forks { return &Forks{invite: invite} }

// Receive takes a response to the INVITE and returns the dialog it makes or belongs to;
// nil when there is none, as with 100, a 1xx without a tag, or a refusal. The dialog of the
// first 2xx is the call's. The user acknowledges each 2xx, repeated ones too, and ends
// with a BYE each dialog whose 2xx came later than the first (lost is true).
func (f *Forks) Receive(res *sipmsg.Message) (d *Dialog, lost bool, err error) {
	if res.IsRequest() || res.StatusCode <= 100 || res.StatusCode >= 300 || res.IsProvisional() && res.To.Tag() == "" {
		return nil, false, nil
	}
	d = f.find(ResponseID(res))
	switch {
	case d == nil && len(f.dialogs) >= maxForks && (res.IsProvisional() || len(f.dialogs) >= maxAnswers):
		return nil, false, ErrTooManyForks
	case d == nil:
		if d, err = FromResponse(f.invite, res); err != nil {
			return nil, false, err
		}
		f.dialogs = append(f.dialogs, d)
	default:
		d.Confirm(res)
	}
	if res.IsSuccess() && f.winner == nil {
		f.winner = d
	}
	return d, res.IsSuccess() && d != f.winner, nil
}

func (f *Forks) find(id ID) *Dialog {
	for _, d := range f.dialogs {
		if d.ID == id {
			return d
		}
	}
	return nil
}

// Match is the dialog that a request received belongs to; nil without one.
func (f *Forks) Match(req *sipmsg.Message) *Dialog { return f.find(RequestID(req)) }

// Winner is the dialog of the first 2xx; nil before it.
func (f *Forks) Winner() *Dialog { return f.winner }

// Dialogs are all of them, in the order they came.
func (f *Forks) Dialogs() []*Dialog { return f.dialogs }
