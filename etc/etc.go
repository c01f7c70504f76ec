// Package etc holds data files that the program carries with it.
package etc

import _ "embed"

// Tones is the table of tones, ringing and hook timing by country; lines/fxs reads it.
//
//go:embed tones.txt
var Tones string

// Dictionary is FaxBack's RADIUS dictionary; internal/faxback reads it where the
// configuration names no other.
//
//go:embed dictionary.faxback
var Dictionary string
