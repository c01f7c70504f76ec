package provisioning

import (
	"errors"

	"tipring/internal/faxback"
)

// An AccountState is what RADIUS said of this device's account the last time it was asked.
type AccountState uint8

// The states.
const (
	NotAsked    AccountState = iota // no servers, or nobody was asked yet
	Found                           // the device has an account
	Remembered                      // no server answered: it is the one that was found last
	Rejected                        // Access-Reject: the servers do not know the device
	Empty                           // Access-Accept without an account
	UnknownFlag                     // it has one, and something about it that this program does not know
	SwitchedOff                     // it has one, which may neither send nor receive
	NoAnswer                        // no server answered in a way that could be believed
)

func (s AccountState) String() string {
	return [...]string{"", "found", "remembered", "rejected", "empty", "unknown_flag", "disabled", "no_answer"}[s]
}

// accountState is what a lookup's end says of the account.
func accountState(p faxback.Provisioned, err error) AccountState {
	switch {
	case err == nil && p.Stored:
		return Remembered
	case err == nil:
		return Found
	case errors.Is(err, faxback.ErrRejected):
		return Rejected
	case errors.Is(err, faxback.ErrEmpty):
		return Empty
	case errors.Is(err, faxback.ErrUnknownFlag):
		return UnknownFlag
	case errors.Is(err, faxback.ErrDisabled):
		return SwitchedOff
	}
	return NoAnswer
}
