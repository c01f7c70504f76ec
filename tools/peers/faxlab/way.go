package faxlab

import (
	"time"

	"tipring/tools/peers/faxend"
)

// A Way is how the far end faxes.
type Way struct {
	Name      string
	Transport string        // t38 audio
	Called    faxend.Script // by the port's side
	Calling   faxend.Script // the port
}

// Ways are by T.38, which the far end offers when it is called, and by sound, where it
// refuses T.38 when it calls.
var Ways = []Way{
	{"T.38", "t38", faxend.Script{Switch: faxend.AtOnce}, faxend.Script{}},
	{"G.711", "audio", faxend.Script{}, faxend.Script{Refuse: []int{488, 488, 488}}},
}

// At is an action of a far end so long after its answer.
func At(after time.Duration, do func(*faxend.Fax)) faxend.Action {
	return faxend.Action{After: after, Do: do}
}
