package provisioning

// A LookResult is how a look for settings ended.
type LookResult uint8

// The results.
const (
	AppliedLook   LookResult = iota // new settings were put in force
	UnchangedLook                   // the sources have what runs
	EmptyLook                       // nobody has settings
	BadLook                         // the sources have what was found bad before
	FailedLook

	lookResults
)

// LookResults are all of them, for whoever lists counters.
func LookResults() []LookResult {
	return []LookResult{AppliedLook, UnchangedLook, EmptyLook, BadLook, FailedLook}
}

func (r LookResult) String() string {
	return [...]string{"applied", "unchanged", "empty", "bad", "failed"}[r]
}

// Looks counts the looks that ended so.
func (k *Keeper) Looks(r LookResult) int64 { return k.counts[r].Load() }

// RolledBack counts the generations that were found bad.
func (k *Keeper) RolledBack() int64 { return k.rolledBack.Load() }
