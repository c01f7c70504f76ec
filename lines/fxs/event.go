package fxs

import "fmt"

// EventKind is what happened at a port.
type EventKind uint8

const (
	OffHook    EventKind = iota // lifted to make a call: dial tone has begun
	Answered                    // lifted while it rang: ringing has stopped, the port is in state Talking
	OnHook                      // hung up
	Flash                       // the loop was open for a moment; dial tone again if nothing else was going on
	KeyDown                     // a DTMF key, or a digit of dial pulses, began
	KeyUp                       // and ended
	Dialled                     // a number is complete; the port is in state Calling and silent
	NotDialled                  // nothing will come of the keys; reorder tone plays
	Coded                       // a star code is complete, in Number; the owner says what follows: Recall, Confirm, Park, Talk
)

var eventNames = [...]string{"off-hook", "answered", "on-hook", "flash", "key down", "key up", "dialled", "not dialled", "code"}

// String returns the kind in words.
func (k EventKind) String() string { return eventNames[k] }

// Event is something that happened at a port.
type Event struct {
	Kind EventKind
	At   int64 // samples since the port began

	Key byte // of KeyDown and KeyUp

	// Of Dialled, NotDialled and Coded. Number is what the plan sends, Keys what was dialled:
	// empty for the hotline, and when the handset was lifted and nothing dialled.
	Number    string
	Keys      string
	Emergency bool
	Outcome   Outcome // NoMatch or Barred, of NotDialled
}

// String returns the event for logs and tests.
func (e Event) String() string {
	switch e.Kind {
	case KeyDown, KeyUp:
		return fmt.Sprintf("%v %c", e.Kind, e.Key)
	case Dialled, Coded:
		return fmt.Sprintf("%v %s", e.Kind, e.Number)
	case NotDialled:
		return fmt.Sprintf("%v %s: %v", e.Kind, e.Keys, e.Outcome)
	}
	return e.Kind.String()
}
