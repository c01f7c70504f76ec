package lab

import "fmt"

// A Kind of Event.
type Kind uint8

// What a server tells.
const (
	Registered   Kind = iota + 1 // User has a new binding: Contact, for ExpiresS
	Refreshed                    // a known binding was prolonged
	Unregistered                 // User took Contact out
	Expired                      // Contact ran out, or its connection ended
	Queried                      // User asked for its bindings, and changed none
	Calling                      // an INVITE of User for Peer is on its way
	Answered                     // and has its 2xx
	Failed                       // and has another final response: Code
	HungUp                       // a BYE crossed the server
	Challenged                   // the device of User wants a check-sync of ours proved
)

func (k Kind) String() string {
	return [...]string{"none", "registered", "refreshed", "unregistered", "expired", "queried", "calling", "answered", "failed", "hung up", "challenged"}[k]
}

// An Event is something that happened at a server.
type Event struct {
	Kind     Kind
	Server   string // primary, backup
	User     string
	Contact  string
	ExpiresS int
	Peer     string
	Code     int
	CallID   string
}

func (e Event) String() string {
	s := e.Server + ": " + e.User + " " + e.Kind.String()
	switch e.Kind {
	case Registered, Refreshed:
		return fmt.Sprintf("%s at %s for %d s", s, e.Contact, e.ExpiresS)
	case Unregistered, Expired:
		return s + ", was at " + e.Contact
	case Calling, Answered, HungUp:
		return s + " " + e.Peer
	case Failed:
		return fmt.Sprintf("%s %s: %d", s, e.Peer, e.Code)
	}
	return s
}
