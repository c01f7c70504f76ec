package provisioning

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tipring/internal/config"
	"tipring/internal/faxback"
	"tipring/provisioning/format"
)

// A File is what a fetch brought.
type File struct {
	URL                string // where it came from, after redirects, without its password
	Data               []byte
	ETag, LastModified string
	NotModified        bool   // it is the one that ETag and LastModified of the request named
	Version            uint64 // of a sealed file; 0: not sealed
	Secure             bool   // nobody on the way could read it: HTTPS, verified
	Sealed             bool   // it had a seal that was right
}

// A Request asks for a file.
type Request struct {
	Offer
	ETag, LastModified string
}

// A Fetcher brings files: it expands macros, speaks the protocols, and opens seals.
type Fetcher interface {
	Fetch(ctx context.Context, r Request, s Search) (File, error)
}

// RetryError is a failure whose server said when to ask again.
type RetryError struct {
	After time.Duration
	Err   error
}

func (e *RetryError) Error() string { return e.Err.Error() }
func (e *RetryError) Unwrap() error { return e.Err }

// An Outcome is what an attempt came back with: settings to put in force, or why there
// are none.
type outcome struct {
	source  string
	url     string
	account string
	profile *faxback.QueueProfile
	state   AccountState
	layers  []config.Layer // nil: nobody has any
	key     string         // digest of the layers
	notes   []NotUnderstood
	asked   []Asked
	etag    string
	changed string // Last-Modified
	version uint64 // of a sealed file; 0: not sealed
	err     error
	silent  error         // of sources that did not answer, without which there is something all the same
	retry   time.Duration // that a server asked for
}

// An attempt is one look for settings.
type attempt struct {
	k           *Keeper
	search      Search
	order       []string
	provisioned []config.Layer // of what runs
	// What was fetched last and still runs, so that it need not be fetched again.
	running config.Layer
	etag    string
	changed string
	quiet   bool // it is a try: nobody is shown how far it is
}

// show publishes how far the attempt is.
func (a *attempt) show(s State) {
	if !a.quiet {
		a.k.update(func(st *Status) { st.State = s })
	}
}

// run asks the sources, fetches the file, and reads it.
func (a *attempt) run(ctx context.Context) (o outcome) {
	a.show(Searching)
	f := search(ctx, a.order, a.k.finders, a.search)
	a.search.Account, a.search.Arg = f.account, f.arg
	o.account, o.profile, o.state, o.notes, o.asked = f.account, f.profile, f.state, f.notes, f.asked
	for _, d := range f.details {
		o.add(config.SettingsLayer(d.Source, d.Details))
	}
	end := f.ends
	if !end.ends() {
		return a.alone(f, o)
	}
	if o.source = end.Source; len(end.Settings) > 0 {
		layer := config.SettingsLayer(end.Source, end.Settings)
		if o.err = a.allowed(layer, !end.Clear, end.Source); o.err != nil {
			return o
		}
		o.add(layer)
	}
	if len(end.Offers) > 0 {
		a.show(Fetching)
		o.err = a.fetchFirst(ctx, end.Offers, &o)
	}
	return o.sealed()
}

// alone finishes an outcome of what completes a file, without one. A source that did not
// answer may have the file. But where the ones before it had something, and none of what
// runs came from it, silence takes nothing away: most networks have nobody who answers.
func (a *attempt) alone(f found, o outcome) outcome {
	if o.err = f.err(); len(f.details) == 0 {
		// Most networks have nobody who answers, and a device that people set up by its files
		// misses nobody.
		if !f.named && len(a.provisioned) == 0 && configured(a.search.Config) {
			o.err = nil
			for _, err := range f.failures {
				o.notes = append(o.notes, NotUnderstood{Source: FromNobody, Text: err.Error()})
			}
		}
		return o
	}
	o.source = f.details[0].Source
	if o.err != nil && !f.lacking && a.covered(f.details) {
		o.err, o.silent = nil, o.err
		for _, err := range f.failures {
			o.notes = append(o.notes, NotUnderstood{Source: o.source, Text: Besides + err.Error()})
		}
	}
	return o.sealed()
}

// covered reports that every source of what runs is among those that had something.
func (a *attempt) covered(details []Finding) bool {
	kind := func(source string) string {
		k, _, _ := strings.Cut(source, ":")
		return k
	}
	for _, l := range a.provisioned {
		if !slices.ContainsFunc(details, func(d Finding) bool { return kind(d.Source) == kind(l.Source) }) {
			return false
		}
	}
	return true
}

func (o *outcome) add(l config.Layer) { o.layers = append(o.layers, l) }

// sealed finishes an outcome with the digest of its layers.
func (o outcome) sealed() outcome {
	if o.err == nil && len(o.layers) > 0 {
		o.key = keyOf(o.layers)
	}
	return o
}

// fetchFirst fetches the first of the offered files that can be had.
func (a *attempt) fetchFirst(ctx context.Context, offers []Offer, o *outcome) error {
	var errs []error
	for _, offer := range offers {
		err := a.fetch(ctx, offer, o)
		if err == nil {
			return nil
		}
		errs = append(errs, err)
		var later *RetryError
		if errors.As(err, &later) {
			o.retry = max(o.retry, later.After)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}

func (a *attempt) fetch(ctx context.Context, offer Offer, o *outcome) error {
	r := Request{Offer: offer, ETag: a.etag, LastModified: a.changed}
	file, err := a.k.fetcher.Fetch(ctx, r, a.search)
	if err == nil && file.NotModified && file.URL != a.running.Source {
		// Files of two URLs may have the same ETag or time: this one is not at hand.
		file, err = a.k.fetcher.Fetch(ctx, Request{Offer: offer}, a.search)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", offer.Source, err)
	}
	o.source, o.url = offer.Source, file.URL
	if file.NotModified {
		if a.running.Source == "" {
			return fmt.Errorf("%s: %s: not modified, but nothing was fetched from there before", offer.Source, file.URL)
		}
		o.add(a.running)
		o.etag, o.changed = a.etag, a.changed
		return nil
	}
	f, err := format.Read(file.Data)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", offer.Source, file.URL, err)
	}
	if mac := a.search.Identity.MAC.String(); f.MAC != "" && f.MAC != mac {
		return fmt.Errorf("%s: %s: it is for the device %s, and this is %s", offer.Source, file.URL, f.MAC, mac)
	}
	f.Check(a.k.checks)
	layer := f.Layer(file.URL)
	if err := a.allowed(layer, file.Secure, file.URL); err != nil {
		return err
	}
	for _, n := range f.Notes {
		o.notes = append(o.notes, NotUnderstood{Source: file.URL, Line: n.Line, Text: noteText(n)})
	}
	if byStranger(offer, file, a.search.Config.Provisioning) {
		var notes []NotUnderstood
		layer, notes = a.search.fromStranger(layer)
		o.notes = append(o.notes, notes...)
	}
	o.add(layer)
	o.etag, o.changed, o.version = file.ETag, file.LastModified, file.Version
	return nil
}

func noteText(n format.Note) string {
	if n.Why == "" {
		return n.Text
	}
	return n.Text + ": " + n.Why
}

// ErrClear refuses secrets that others could have read on their way.
var ErrClear = errors.New("it holds secrets that were sent in clear: use https or a sealed file, or set [provisioning] allow_clear_secrets = 1")

// allowed refuses a layer whose secrets others could have read, unless the device allows it.
func (a *attempt) allowed(l config.Layer, private bool, source string) error {
	if private || !config.HasSecrets(l) {
		return nil
	}
	if !a.search.Config.Provisioning.AllowClearSecrets {
		return fmt.Errorf("%s: %w", source, ErrClear)
	}
	a.k.log.Warn("secrets received in clear", "source", source)
	return nil
}

// keyOf is a digest of what layers set. Where they come from does not count, so that the
// same settings from another server are the same settings.
func keyOf(layers []config.Layer) string {
	h := sha256.New()
	for _, l := range layers {
		if l.Text != nil {
			fmt.Fprintf(h, "text %d\n", len(l.Text))
			h.Write(l.Text)
			continue
		}
		fmt.Fprintf(h, "settings %d\n", len(l.Settings))
		for _, s := range l.Settings {
			fmt.Fprintf(h, "%q %q %q\n", s.Section, s.Key, s.Value)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// cause is what two failures have in common when they are the same one: the error without
// what differs from try to try.
func cause(err error) string {
	var b strings.Builder
	for _, r := range err.Error() {
		if r >= '0' && r <= '9' {
			r = '0'
		}
		b.WriteRune(r)
	}
	return b.String()
}
