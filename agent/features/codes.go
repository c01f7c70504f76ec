package features

import (
	"errors"
	"fmt"
	"strings"
)

// A Table says by which star code each thing is done. The zero value has no codes: they are for
// the server.
type Table struct {
	by   [actions]string // empty: switched off
	none bool            // whatever begins with a star is refused
}

// NoCodes refuses every star code.
func NoCodes() Table { return Table{none: true} }

// An Action is what a star code does.
type Action uint8

// The actions, in the order of the table below.
const (
	ForwardAll Action = iota
	ForwardAllOff
	ForwardBusy
	ForwardBusyOff
	ForwardNoAnswer
	ForwardNoAnswerOff
	DND
	DNDOff
	HideOnce
	ShowOnce
	HideAll
	HideAllOff
	RejectAnonymous
	RejectAnonymousOff
	NoWaitingOnce
	NoWaiting
	NoWaitingOff
	CallReturn
	Redial
	SetSpeedDial
	SpeedDial // followed by the digit of one
	VoiceMail
	Transfer
	Conference
	Menu
	actions
)

// known are the names by which the configuration changes codes, and the codes as the ATAs of
// most makers have them.
var known = [actions]struct{ name, code string }{
	{"forward_all", "*72"}, {"forward_all_off", "*73"},
	{"forward_busy", "*90"}, {"forward_busy_off", "*91"},
	{"forward_no_answer", "*92"}, {"forward_no_answer_off", "*93"},
	{"dnd", "*78"}, {"dnd_off", "*79"},
	{"hide_once", "*67"}, {"show_once", "*82"},
	{"hide", "*30"}, {"hide_off", "*31"},
	{"reject_anonymous", "*77"}, {"reject_anonymous_off", "*87"},
	{"no_waiting_once", "*70"}, {"no_waiting", "*50"}, {"no_waiting_off", "*51"},
	{"call_return", "*69"}, {"redial", "*07"},
	{"set_speed_dial", "*74"}, {"speed_dial", "*75"},
	{"voice_mail", "*97"}, {"transfer", "*98"}, {"conference", "*23"}, {"menu", "***"},
}

// ParseTable reads what the configuration changes of the usual codes: name=code, separated by
// commas or blanks; nothing behind = switches the code off. No code may begin another: it acts
// as soon as it is dialled.
func ParseTable(text string) (t Table, err error) {
	for a := range t.by {
		t.by[a] = known[a].code
	}
	var faults []error
	for _, item := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' }) {
		name, code, ok := strings.Cut(item, "=")
		a := actionOf(name)
		switch {
		case a == actions:
			faults = append(faults, fmt.Errorf("there is no star code called %.40q", name))
		case !ok || code != "" && !isCode(code):
			faults = append(faults, fmt.Errorf("%.40q: want %s=*NN", item, name))
		default:
			t.by[a] = code
		}
	}
	return t, errors.Join(append(faults, t.overlaps()...)...)
}

func actionOf(name string) Action {
	for a, k := range known {
		if k.name == name {
			return Action(a)
		}
	}
	return actions
}

// isCode reports a star code: * or #, and one to six keys.
func isCode(code string) bool {
	return len(code) >= 2 && len(code) <= 7 && (code[0] == '*' || code[0] == '#') && strings.Trim(code, "0123456789*#") == ""
}

// overlaps tells which codes could not be told apart.
func (t *Table) overlaps() (faults []error) {
	for a, x := range t.by {
		for b, y := range t.by {
			if a != b && x != "" && strings.HasPrefix(y, x) && (x != y || a < b) {
				faults = append(faults, fmt.Errorf("%s (%s) begins %s (%s)", known[a].name, x, known[b].name, y))
			}
		}
	}
	return faults
}

// list are the codes as they are dialled.
func (t *Table) list() (codes []string) {
	if t.none {
		return []string{"*"}
	}
	for a, code := range t.by {
		switch {
		case code == "":
		case Action(a) == SpeedDial:
			for d := '0'; d <= '9'; d++ {
				codes = append(codes, code+string(d))
			}
		default:
			codes = append(codes, code)
		}
	}
	return codes
}

// find tells what a code does. digit is that of a speed dial.
func (t *Table) find(code string) (a Action, digit string) {
	for a, c := range t.by {
		if c == "" {
			continue
		}
		if rest, ok := strings.CutPrefix(code, c); ok && (rest == "" || Action(a) == SpeedDial) {
			return Action(a), rest
		}
	}
	return actions, ""
}

// A Code is a star code and the name of what it does.
type Code struct{ Name, Code string }

// All lists the codes that are not switched off, in the order of a manual.
func (t *Table) All() (all []Code) {
	for a, code := range t.by {
		if code != "" {
			all = append(all, Code{known[a].name, code})
		}
	}
	return all
}

// Acts reports a code of the table.
func (t *Table) Acts(code string) bool {
	a, _ := t.find(code)
	return a != actions
}
