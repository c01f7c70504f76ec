package ports

import (
	"tipring/webui/frame"
	"tipring/webui/words"
)

var n = words.N

var (
	bells    = frame.Words{{"true", n("Ringing voltage on")}, {"false", n("Not ringing")}}
	outcomes = frame.Words{
		{"incomplete", n("More digits are needed.")},
		{"matched", n("This may be the whole number. More digits may follow.")},
		{"complete", n("The number is complete, and is sent at once.")},
		{"blocked", n("The dial plan bars this number: nothing is sent.")},
		{"unmatched", n("No rule of the dial plan fits: nothing is sent.")},
	}
)
