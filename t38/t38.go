// Package t38 is a fax session. A Machine is a fax machine on a telephone line: it plays
// the procedures of package t30 with the modems of package modem. A Gateway stands between
// such a line and the packets of T.38, and makes every signal of T.30 anew on either side. A
// Watch reads along and keeps the Record of a call.
//
// Nothing here has a clock, a goroutine, a lock or a socket. Time is the number of samples
// exchanged, 8000 a second, and a block of them neither allocates nor waits.
package t38

import (
	"tipring/t38/modem"
	"tipring/t38/t30"
)

// modes are the modems of T.30's modulations.
var modes = [...]modem.Mode{
	t30.V27ter2400: modem.V27ter2400, t30.V27ter4800: modem.V27ter4800,
	t30.V29At7200: modem.V29At7200, t30.V29At9600: modem.V29At9600,
	t30.V17At7200: modem.V17At7200, t30.V17At9600: modem.V17At9600,
	t30.V17At12000: modem.V17At12000, t30.V17At14400: modem.V17At14400,
}

// faxEvents is room for the tones that a block can hold.
const faxEvents = 8
