package features

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Settings is what one telephone has set.
type Settings struct {
	ForwardAll      string `json:"forward_all,omitempty"` // where its calls go; empty: nowhere else
	ForwardBusy     string `json:"forward_busy,omitempty"`
	ForwardNoAnswer string `json:"forward_no_answer,omitempty"`
	NoAnswerS       int    `json:"no_answer_s,omitempty"` // how long it rings before; 0: DefaultNoAnswerS

	DND             bool `json:"dnd,omitempty"`              // its calls are refused as busy
	HideNumber      bool `json:"hide_number,omitempty"`      // of every call that it makes
	RejectAnonymous bool `json:"reject_anonymous,omitempty"` // callers who hide are refused
	NoWaiting       bool `json:"no_waiting,omitempty"`       // no second call is announced

	SpeedDials map[string]string `json:"speed_dials,omitempty"` // by a digit
}

// The bounds of settings.
const (
	DefaultNoAnswerS = 20
	MaxNoAnswerS     = 120
	MaxNumber        = 32 // characters of a number
)

// Check tells what is wrong with settings.
func (s *Settings) Check() error {
	for i, number := range s.forwards() {
		if number != "" && dialable(number) != number {
			return &WrongError{forwardNames[i], number, numberWanted}
		}
	}
	if s.NoAnswerS < 0 || s.NoAnswerS > MaxNoAnswerS {
		return &WrongError{"no_answer_s", fmt.Sprint(s.NoAnswerS), fmt.Sprintf("1 to %d", MaxNoAnswerS)}
	}
	for _, key := range slices.Sorted(maps.Keys(s.SpeedDials)) {
		number := s.SpeedDials[key]
		switch {
		case len(key) != 1 || key[0] < '0' || key[0] > '9':
			return &WrongError{"speed_dials", key, "a digit, 0 to 9"}
		case number == "" || dialable(number) != number:
			return &WrongError{"speed_dials/" + key, number, numberWanted}
		}
	}
	return nil
}

// A WrongError is a setting that cannot be. Name is its member, and of a speed dial its digit:
// speed_dials/3.
type WrongError struct{ Name, Value, Wanted string }

func (e *WrongError) Error() string {
	return fmt.Sprintf("%s = %.60q: want %s", e.Name, e.Value, e.Wanted)
}

const numberWanted = "a number of digits, * and #, which may begin with +"

var forwardNames = [3]string{"forward_all", "forward_busy", "forward_no_answer"}

func (s *Settings) forwards() [3]string {
	return [3]string{s.ForwardAll, s.ForwardBusy, s.ForwardNoAnswer}
}

// AnswerTime is how long the telephone rings before its call is forwarded, in seconds.
func (s *Settings) AnswerTime() int {
	if s.NoAnswerS == 0 {
		return DefaultNoAnswerS
	}
	return s.NoAnswerS
}

func (s Settings) clone() Settings {
	s.SpeedDials = maps.Clone(s.SpeedDials)
	return s
}

func (s Settings) equal(o Settings) bool {
	return s.forwards() == o.forwards() && s.NoAnswerS == o.NoAnswerS && s.DND == o.DND && s.HideNumber == o.HideNumber &&
		s.RejectAnonymous == o.RejectAnonymous && s.NoWaiting == o.NoWaiting && maps.Equal(s.SpeedDials, o.SpeedDials)
}

// SetSpeedDial keeps the number behind a digit; an empty number forgets it.
func (s *Settings) SetSpeedDial(digit, number string) {
	if number == "" {
		delete(s.SpeedDials, digit)
		return
	}
	if s.SpeedDials == nil {
		s.SpeedDials = map[string]string{}
	}
	s.SpeedDials[digit] = number
}

// dialable is a number as a telephone could dial it; empty for what is none, as the address of
// a caller who hides.
func dialable(number string) string {
	digits := strings.TrimPrefix(number, "+")
	if digits == "" || len(number) > MaxNumber || strings.Trim(digits, "0123456789*#") != "" {
		return ""
	}
	return number
}
