package fxs

import "time"

// Caller is who calls, as a telephone is to show it.
type Caller struct {
	Number, Name string
	Private      bool      // the caller does not want to be shown
	Unavailable  bool      // the number is not known: out of the area
	At           time.Time // when, in local time
}

// Incoming is a call that is to ring a telephone.
type Incoming struct {
	Caller Caller
	Alert  string // the ringing pattern that the server named, by its key in the country's table: bellcore-dr2; else the usual one
}
