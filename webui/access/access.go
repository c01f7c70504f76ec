// Package access knows who may use the device: users and their passwords, the sessions of
// browsers, the tokens of programs, and the claim code with which the first password is set.
// It speaks no HTTP: webui and webui/api bring the cookies and headers that it asks for.
//
// What it keeps stands in one file of the state directory, which is replaced whole (book.go);
// sessions are kept in memory only. Who guesses is slowed down by where he comes from, never
// by the name that he tries, so that nobody can shut the owner out (lanes.go).
//
// It starts no goroutine. A password costs 8 MiB and some time to compute (password.go): one
// is computed at a time, and few visitors wait for their turn.
package access

import (
	"errors"
	"fmt"
	"time"
)

// A Role is what a user or a token may do.
type Role string

// The roles.
const (
	User  Role = "user"  // sees what the device does, calls and faxes
	Admin Role = "admin" // changes the device
)

// Valid reports whether r is one of the roles.
func (r Role) Valid() bool { return r == User || r == Admin }

// Owner is the user whose password is the first one.
const Owner = "admin"

// A Pass says who somebody is.
type Pass struct {
	Name string // of the user or the token
	Role Role
	ID   string // of the session or the token, which says nothing to a thief
}

// What may be wrong with an attempt.
var (
	ErrWrong     = errors.New("the name or the password is wrong") // whichever: names are not told
	ErrWrongOld  = errors.New("the old password is wrong")
	ErrWrongCode = errors.New("the claim code is wrong: it is in the device's log, and in the file claim-code of its state directory")
	ErrUnclaimed = errors.New("there is no password yet: set the first one with the claim code")
	ErrClaimed   = errors.New("the first password was set before: log in")
	ErrDamaged   = errors.New("the file of users is damaged: set a password with tipring passwd on the device")
	ErrUnknown   = errors.New("there is no such user or token")
	ErrTaken     = errors.New("there is a user of this name")
	ErrLastAdmin = errors.New("the last administrator stays: make another one first")
	ErrFull      = errors.New("there are as many as there may be: remove one first")
)

// A WaitError refuses an attempt that comes too soon.
type WaitError struct{ After time.Duration }

func (e *WaitError) Error() string {
	return fmt.Sprintf("too many tries: wait %d s", e.Seconds())
}

// Seconds is what to wait, in whole seconds, at least 1.
func (e *WaitError) Seconds() int {
	return max(1, int((e.After+time.Second-1)/time.Second))
}

// An InvalidError refuses a value.
type InvalidError struct {
	Field string // name role new password
	Text  string // what is wanted, as a sentence
}

func (e *InvalidError) Error() string { return e.Text }
