package provisioning

import (
	"time"

	"tipring/internal/faxback"
)

// A State is how far the device is with its settings.
type State uint8

// The states.
const (
	Idle        State = iota // nobody has settings for this device, or nobody was asked yet
	Searching                // sources are being asked
	Fetching                 // a file is on its way
	Applying                 // settings wait for lines to be idle, or are being put in force
	OnProbation              // the new generation has yet to register a line
	RollingBack              // the generation before it shows whether it still can
	Good                     // what runs is what the sources have
	RolledBack               // what the sources have was bad: the generation before it runs
	Unproven                 // nobody registers: what the sources have runs until a server answers
	Failed                   // the last attempt came to nothing; what ran before still runs
)

func (s State) String() string {
	return [...]string{"idle", "searching", "fetching", "applying", "trial", "rolling_back", "good", "rolled_back", "unproven", "failed"}[s]
}

// A Status is what the outside is shown. It is never changed.
type Status struct {
	State    State
	Attempt  int                   // the last one that began; 0: none
	Finished int                   // the last one that ended
	Source   string                // of the settings in force, or of the last attempt
	URL      string                // of the file, without its password
	Account  string                // as RADIUS told it
	Profile  *faxback.QueueProfile // of the account; nil: it has none. Not to be changed

	AccountState AccountState
	Last         time.Time // when the last attempt ended
	Next         time.Time // when the next one begins; zero: when asked
	Err          string    // a sentence; empty: the last attempt worked
	Generation   int       // the one running; 0: none, only installed files
	Trial        *TrialStatus
	Notes        []NotUnderstood
	Asked        []Asked // by the last attempt that ended
}

// A TrialStatus is a generation that is being judged.
type TrialStatus struct {
	Generation int // that is judged; Status.Generation is the one running
	State      State
	Until      time.Time // zero: until a server answers
}
