package features

import (
	"strings"

	"tipring/agent/call"
)

// wishes are what codes have asked for of the next call.
type wishes struct{ hide, show, noWaiting bool }

// Codes implements call.Features. Whoever begins to dial has asked for nothing yet: what codes
// have asked for of a call that was not made is forgotten.
func (b *Book) Codes(port int, held bool) []string {
	b.note(port, func(r *recent) { r.once = wishes{} })
	t := b.table(port, held)
	return t.list()
}

// Does is the name of what a code does that is dialled now, without a held call; empty: it is none.
func (b *Book) Does(port int, code string) string {
	t := b.table(port, false)
	a, digit := t.find(code)
	if a == actions || a == SpeedDial && len(digit) != 1 {
		return ""
	}
	return known[a].name
}

// table are the codes that can do something.
func (b *Book) table(port int, held bool) Table {
	t := b.cfg.Table(port)
	if !held { // there is nobody to transfer or to join
		t.by[Transfer], t.by[Conference] = "", ""
	}
	if b.cfg.Mailbox(port) == "" {
		t.by[VoiceMail] = ""
	}
	return t
}

// Code implements call.Features. It waits for the disk where it sets something: a confirmation
// tone says that it is kept.
func (b *Book) Code(port int, code string) call.Next {
	t := b.cfg.Table(port)
	a, digit := t.find(code)
	switch a {
	case ForwardAll, ForwardBusy, ForwardNoAnswer, SetSpeedDial:
		return call.Next{Step: call.NextNumber}
	case HideOnce, ShowOnce, NoWaitingOnce:
		b.note(port, func(r *recent) {
			r.once.noWaiting = r.once.noWaiting || a == NoWaitingOnce
			if a != NoWaitingOnce {
				r.once.hide, r.once.show = a == HideOnce, a == ShowOnce
			}
		})
		return call.Next{Step: call.NextDial}
	case CallReturn:
		number, _ := b.Last(port)
		return callTo(number)
	case Redial:
		_, number := b.Last(port)
		return callTo(number)
	case SpeedDial:
		return callTo(b.Settings(port).SpeedDials[digit])
	case VoiceMail:
		return callTo(b.cfg.Mailbox(port))
	case Transfer:
		return call.Next{Step: call.NextTransfer}
	case Conference:
		return call.Next{Step: call.NextConference}
	case Menu:
		return call.Next{Step: call.NextMenu}
	}
	if set := setBy[a]; set != nil && b.Change(port, set) == nil {
		return call.Next{Step: call.NextDone}
	}
	return call.Next{Step: call.NextRefused}
}

// setBy is what codes without a number set.
var setBy = [actions + 1]func(*Settings){
	ForwardAllOff:      func(s *Settings) { s.ForwardAll = "" },
	ForwardBusyOff:     func(s *Settings) { s.ForwardBusy = "" },
	ForwardNoAnswerOff: func(s *Settings) { s.ForwardNoAnswer = "" },
	DND:                func(s *Settings) { s.DND = true },
	DNDOff:             func(s *Settings) { s.DND = false },
	HideAll:            func(s *Settings) { s.HideNumber = true },
	HideAllOff:         func(s *Settings) { s.HideNumber = false },
	RejectAnonymous:    func(s *Settings) { s.RejectAnonymous = true },
	RejectAnonymousOff: func(s *Settings) { s.RejectAnonymous = false },
	NoWaiting:          func(s *Settings) { s.NoWaiting = true },
	NoWaitingOff:       func(s *Settings) { s.NoWaiting = false },
}

// callTo calls a number, if there is one.
func callTo(number string) call.Next {
	if number == "" {
		return call.Next{Step: call.NextRefused}
	}
	return call.Next{Step: call.NextCall, Call: number}
}

// Number implements call.Features. Like Code it waits for the disk.
func (b *Book) Number(port int, code, number string) bool {
	t := b.cfg.Table(port)
	a, _ := t.find(code)
	if a == SetSpeedDial {
		return b.setSpeedDial(port, number)
	}
	number = strings.TrimPrefix(number, "*") // *21*NUMBER, as ETSI has it
	if dialable(number) == "" {
		return false
	}
	return b.Change(port, func(s *Settings) {
		switch a {
		case ForwardAll:
			s.ForwardAll = number
		case ForwardBusy:
			s.ForwardBusy = number
		case ForwardNoAnswer:
			s.ForwardNoAnswer = number
		}
	}) == nil
}

// setSpeedDial takes a digit and the number behind it; the digit alone forgets its number.
func (b *Book) setSpeedDial(port int, keys string) bool {
	if keys == "" {
		return false
	}
	return b.Change(port, func(s *Settings) { s.SetSpeedDial(keys[:1], strings.TrimPrefix(keys[1:], "*")) }) == nil
}

// Leaving implements call.Features.
func (b *Book) Leaving(port int) (w call.Wishes) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, r := b.ports[port], b.recent[port]
	w.Anonymous = (s.HideNumber || r.once.hide) && !r.once.show
	w.NoWaiting = s.NoWaiting || r.once.noWaiting
	if r.once != (wishes{}) {
		r.once = wishes{}
		b.recent[port] = r
	}
	return w
}
