package provisioning

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"tipring/internal/config"
	"tipring/internal/faxback"
)

// An Offer is a file that a source names.
type Offer struct {
	Source string // in Explain and logs: radius:192.0.2.1:1812, dhcp:66, pnp:192.0.2.9, static
	URL    string // with its macros
	SHA256 string // that the file must have, hex; empty: any
}

// A Finding is what one source told. The zero Finding is nothing at all.
type Finding struct {
	Source   string                // as in Offer
	Account  string                // of this device
	Profile  *faxback.QueueProfile // of the account; nil: it has none
	State    AccountState          // of RADIUS alone
	Arg      string                // FB-Provisioning-Arg that is neither a URL nor settings: {arg} of a URL
	Offers   []Offer               // files, in the order in which they are to be tried
	Settings []config.Setting      // given outright: they end the search
	Details  []config.Setting      // that complete what a file says: numbers, labels, servers; they end no search
	Clear    bool                  // the settings came over a channel that others can read
	Notes    []NotUnderstood
}

// ends reports whether a finding ends the search: it has a file or settings.
func (f Finding) ends() bool { return len(f.Offers) > 0 || len(f.Settings) > 0 }

// A Search is the device as a source is told of it, and what the sources before it told.
type Search struct {
	Identity config.Identity
	Config   *config.Config // in force
	Account  string
	Arg      string
}

// A Finder asks one source. A source that has nothing gives the zero Finding; an error
// says that the source could not be asked, or what it refused.
type Finder interface {
	Find(ctx context.Context, s Search) (Finding, error)
}

// What a note tells of a source that did not answer, and was not missed: it is of no line.
const (
	FromNobody = "network"        // as its source
	Besides    = "besides this: " // before its text, where others had something
)

// A NotUnderstood is a line of what a source gave that is not used, and why.
type NotUnderstood struct {
	Source string
	Line   int // 0: the source has no lines
	Text   string
}

// found is the outcome of a search.
type found struct {
	account  string
	profile  *faxback.QueueProfile
	state    AccountState
	arg      string
	ends     Finding   // the finding that ended the search
	details  []Finding // of it and of the sources before it
	notes    []NotUnderstood
	failures []error // of the sources that could not be asked
	lacking  bool    // one of them stands before those that had something
	named    bool    // one of them is a server that the device was told to ask
	asked    []Asked // in the order of the search
}

// A Result is what asking a source came to.
type Result uint8

// The results.
const (
	NotReached Result = iota // the search had ended before
	HasNothing               // it has nothing for this device
	Named                    // it names a file
	Given                    // it has settings itself
	Completed                // it has what completes a file: an account, numbers, servers
	Unanswered               // it could not be asked, or what it said was refused
)

func (r Result) String() string {
	return [...]string{"not_asked", "nothing", "file", "settings", "details", "failed"}[r]
}

// An Asked is a source of a search.
type Asked struct {
	Name   string // as in [provisioning] order
	Result Result
	Text   string // why it failed, or the account that it told; may be empty
}

// resultOf says what a finding is worth.
func resultOf(name string, f Finding, err error) Asked {
	a := Asked{Name: name, Text: f.Account}
	switch {
	case err != nil:
		a.Result, a.Text = Unanswered, why(err)
	case len(f.Offers) > 0:
		a.Result = Named
	case len(f.Settings) > 0:
		a.Result = Given
	case len(f.Details) > 0 || f.Account != "" || f.Arg != "":
		a.Result = Completed
	default:
		a.Result = HasNothing
	}
	return a
}

// search asks the sources in their order until one has a file or settings.
func search(ctx context.Context, order []string, finders map[string]Finder, s Search) found {
	var f found
	for _, name := range order {
		f.asked = append(f.asked, Asked{Name: name})
	}
	for i, name := range order {
		finder := finders[name]
		if finder == nil {
			continue
		}
		s.Account, s.Arg = f.account, f.arg
		got, err := finder.Find(ctx, s)
		f.asked[i] = resultOf(name, got, err)
		if err != nil {
			f.failures = append(f.failures, fmt.Errorf("%s: %w", name, err))
			f.lacking = f.lacking || len(f.details) == 0
			f.named = f.named || name != "dhcp" && name != "pnp"
		}
		f.notes = append(f.notes, got.Notes...)
		f.account = first(f.account, got.Account)
		if f.profile == nil {
			f.profile = got.Profile
		}
		f.state = max(f.state, got.State)
		f.arg = first(f.arg, got.Arg)
		if len(got.Details) > 0 {
			f.details = append(f.details, got)
		}
		if got.ends() {
			f.ends = got
			return f
		}
		if ctx.Err() != nil {
			return f
		}
	}
	return f
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// err is what kept the search from finding anything; nil when nobody had an answer to give.
func (f found) err() error { return errors.Join(f.failures...) }

// why is the failures as one sentence.
func why(err error) string {
	return strings.ReplaceAll(err.Error(), "\n", "; ")
}
