// Package provisioning keeps the settings of a device fresh: it finds out who has any
// (RADIUS by MAC address or serial number, DHCP, SIP PnP, a static URL), fetches the file
// that one of them names, and puts it in force whole or not at all.
//
// An attempt asks the sources in the order of [provisioning] order; the first that has a
// file or settings ends the search. What came is read and checked together with the
// files on the device. Faults leave everything as it was. Settings like those that run,
// or like those that were found bad, are not applied again. Others become a new
// generation (internal/config/generations) once lines are idle, and are on trial (Trial)
// until a line has registered.
//
// A Keeper is one device's provisioning. Its loop owns all of it; attempts and waiting for
// servers happen beside the loop. When to look is the Schedule's, what a trial means the
// Trial's: both take the time in. Subpackages speak the protocols: fetch (TFTP, HTTP,
// HTTPS), dhcp, pnp, format (our ini and three makers' files), seal. What an account's
// RADIUS answers mean is internal/faxback's.
package provisioning

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"tipring/internal/config"
	"tipring/internal/config/generations"
)

// A Device is what a Keeper moves. Its methods are called by the Keeper's loop, but for
// Config and Identity, which may be called at any time.
type Device interface {
	Identity() config.Identity
	Config() *config.Config // in force

	// Check tells what the files on the device would give with these layers. Its error is
	// config.Faults.
	Check(provisioned []config.Layer, local []byte) (*config.Config, error)

	// Reload puts the store's current generation in force: what differs, with running
	// calls untouched. Its error is ErrEnded when the device is ending.
	Reload() error

	Lines() Lines

	// Line tells of a line that is to register with which of Lines.Changes it was set up, 1 being the
	// first, and whether it is registered; 0: there is none of that number.
	Line(n int) (change int, registered bool)
}

// Lines is how the lines are, as far as a judgement of settings needs it.
type Lines struct {
	Registering bool // some line is to register at all
	Registered  bool // some line is registered
	Refusals    int  // REGISTERs that a server has refused, ever
	Busy        bool // a call is running, or a telephone is off-hook
	Waiting     bool // a change of settings waits for the end of a call
	Changes     int  // how often lines were set up anew, added or taken away
}

// Options are what a Keeper is made of.
type Options struct {
	Device  Device
	Store   *generations.Store
	Finders map[string]Finder // by the words of [provisioning] order
	Fetcher Fetcher
	Checks  config.Checks // of values whose meaning other packages know
	Log     *slog.Logger
	Changed func()           // Status has something new; may be nil
	Now     func() time.Time // a clock that is never far behind, for what is written down; nil: the system's
}

// IdleWait bounds how long settings wait for lines to be idle. Then they are put in force
// beside the calls, which they leave alone all the same.
const IdleWait = 2 * time.Hour

// AttemptTime bounds one attempt: four sources that are silent, and a file.
const AttemptTime = 4 * time.Minute

// A Keeper keeps the settings of one device fresh.
type Keeper struct {
	device  Device
	store   *generations.Store
	finders map[string]Finder
	fetcher Fetcher
	checks  config.Checks
	log     *slog.Logger
	changed func()
	now     func() time.Time

	orders  chan func()   // for the loop
	results chan outcome  // of the attempt that runs
	stirred chan struct{} // holds one token after a change of the lines
	done    chan struct{} // closed when the loop has ended
	status  atomic.Pointer[Status]
	counts  [lookResults]atomic.Int64

	rolledBack atomic.Int64

	// What follows is the loop's.
	ctx       context.Context
	schedule  Schedule
	trial     Trial
	staked    []int // lines that were registered before what is on trial
	since     int   // Lines.Changes before what runs was put in force
	refusals  int   // of Lines at the last look
	asking    bool
	again     bool // somebody asked while an attempt was running
	waiting   *outcome
	waitUntil time.Time
}

// New makes a Keeper. Run works it.
func New(o Options) *Keeper {
	k := &Keeper{
		device: o.Device, store: o.Store, finders: o.Finders, fetcher: o.Fetcher, checks: o.Checks, log: o.Log, changed: o.Changed,
		orders: make(chan func()), results: make(chan outcome, 1), stirred: make(chan struct{}, 1), done: make(chan struct{}),
	}
	if k.changed == nil {
		k.changed = func() {}
	}
	if k.now = o.Now; k.now == nil {
		k.now = time.Now
	}
	k.status.Store(k.remembered())
	return k
}

// remembered is how things are before the first look.
func (k *Keeper) remembered() *Status {
	cur, m := k.current(), k.store.Memory()
	s := &Status{Generation: cur.N}
	if cur.Key != "" && cur.Key == m.Key { // after a rollback, what was fetched last is not what runs
		s.Source, s.URL = m.Source, m.URL
	}
	return s
}

// Status is how things are.
func (k *Keeper) Status() Status { return *k.status.Load() }

// Stir tells that lines or calls have changed. It never waits.
func (k *Keeper) Stir() {
	select {
	case k.stirred <- struct{}{}:
	default:
	}
}

// Run works the Keeper until ctx is done.
func (k *Keeper) Run(ctx context.Context) {
	defer close(k.done)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	k.ctx = ctx
	k.begin(time.Now())
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		resetTimer(timer, k.due())
		select {
		case <-ctx.Done():
			cancel()
			if k.asking {
				<-k.results
			}
			return
		case order := <-k.orders:
			order()
		case o := <-k.results:
			k.finish(time.Now(), o)
		case <-k.stirred:
			k.look(time.Now())
		case <-timer.C:
			k.tick(time.Now())
		}
	}
}

// resetTimer sets a timer to go off at a time, or never for the zero time.
func resetTimer(t *time.Timer, at time.Time) {
	if at.IsZero() {
		t.Stop()
		return
	}
	t.Reset(time.Until(at))
}

// ErrEnded is what a Keeper that has ended answers.
var ErrEnded = errors.New("provisioning has ended")

// do has the loop do something and waits for it.
func (k *Keeper) do(ctx context.Context, f func()) error {
	done := make(chan struct{})
	select {
	case k.orders <- func() { defer close(done); f() }:
		<-done
		return nil
	case <-k.done:
		return ErrEnded
	case <-ctx.Done():
		return ctx.Err()
	}
}

// due is the earliest time at which the loop has something to do.
func (k *Keeper) due() time.Time {
	var at time.Time
	if !k.asking {
		at = k.next()
	}
	for _, t := range []time.Time{k.trial.Deadline(), k.waitUntil} {
		if at.IsZero() || !t.IsZero() && t.Before(at) {
			at = t
		}
	}
	return at
}

// begin goes on where the device was when it ended, and sets the first look.
func (k *Keeper) begin(now time.Time) {
	k.settings(now)
	k.refusals = k.device.Lines().Refusals
	k.resume(now)
	k.schedule.Start(now, k.device.Identity().MAC)
	k.update(func(s *Status) { s.Next = k.next() })
	k.look(now)
}

// settings takes over what [provisioning] says about the schedule.
func (k *Keeper) settings(now time.Time) {
	p := k.device.Config().Provisioning
	interval := k.schedule.Interval
	k.schedule.BootDelay = time.Duration(p.BootDelayS) * time.Second
	k.schedule.Interval = time.Duration(p.IntervalS) * time.Second
	k.schedule.Retry = nil
	for _, s := range p.RetryS {
		n, _ := strconv.Atoi(s) // checked by Load
		k.schedule.Retry = append(k.schedule.Retry, time.Duration(n)*time.Second)
	}
	if k.asking {
		return
	}
	if k.schedule.Interval != interval {
		k.schedule.Resume(now)
	}
	if next := k.next(); !next.Equal(k.Status().Next) {
		k.update(func(s *Status) { s.Next = next })
	}
}

// next is when to look by itself; zero for never, as where there is nobody to ask.
func (k *Keeper) next() time.Time {
	if len(k.device.Config().Provisioning.Order) == 0 {
		return time.Time{}
	}
	return k.schedule.Next()
}

// Reconfigured tells that somebody else reloaded the settings.
func (k *Keeper) Reconfigured(ctx context.Context) error {
	return k.do(ctx, func() {
		now := time.Now()
		k.takeOver(now)
		k.look(now)
	})
}

// Ask begins an attempt now and tells its number; the one that is running when it has not
// begun to ask anybody yet, else the next.
func (k *Keeper) Ask(ctx context.Context) (attempt int, err error) {
	err = k.do(ctx, func() {
		attempt = k.Status().Attempt + 1
		if k.asking {
			k.again = true
			return
		}
		k.start()
	})
	return attempt, err
}

// A Proposal is what an attempt would put in force.
type Proposal struct {
	Source, URL string
	Layers      []config.Layer // of rank Provisioned; nil: nobody has any settings
	Notes       []NotUnderstood
}

// Try looks for settings and tells what it found. Nothing is put in force, and no state
// shows it.
func (k *Keeper) Try(ctx context.Context) (Proposal, error) {
	var a *attempt
	var life context.Context
	if err := k.do(ctx, func() { a, life = k.attempt(), k.ctx }); err != nil {
		return Proposal{}, err
	}
	a.quiet = true
	ctx, cancel := context.WithTimeout(ctx, AttemptTime)
	defer cancel()
	defer context.AfterFunc(life, cancel)()
	o := a.run(ctx)
	if life.Err() != nil {
		return Proposal{}, ErrEnded
	}
	return Proposal{Source: o.source, URL: o.url, Layers: o.layers, Notes: o.notes}, o.err
}

// start begins an attempt.
func (k *Keeper) start() {
	k.asking, k.again = true, false
	k.waiting, k.waitUntil = nil, time.Time{} // what waits is asked for again
	k.schedule.Begun()
	k.update(func(s *Status) { s.Attempt, s.State, s.Next = s.Attempt+1, Searching, time.Time{} })
	a := k.attempt()
	go func() {
		ctx, cancel := context.WithTimeout(k.ctx, AttemptTime)
		defer cancel()
		k.results <- a.run(ctx)
	}()
}

// attempt is one look, with what is known now.
func (k *Keeper) attempt() *attempt {
	c := k.device.Config()
	a := &attempt{k: k, order: c.Provisioning.Order, search: Search{Identity: k.device.Identity(), Config: c}, provisioned: k.current().Provisioned}
	m := k.store.Memory()
	for _, l := range k.current().Provisioned {
		// After a rollback, what was fetched last is not what runs.
		if m.URL != "" && l.Source == m.URL && m.Key == k.current().Key {
			a.running, a.etag, a.changed = l, m.ETag, m.LastModified
		}
	}
	return a
}

// tick does what is due.
func (k *Keeper) tick(now time.Time) {
	if at := k.next(); !at.IsZero() && !now.Before(at) && !k.asking {
		k.start()
	}
	k.look(now)
	k.step(now, k.trial.Expire(now))
}

// look takes note of how the lines are.
func (k *Keeper) look(now time.Time) {
	l := k.device.Lines()
	if k.waiting != nil && (!l.Busy || !now.Before(k.waitUntil)) {
		o := *k.waiting
		k.waiting, k.waitUntil = nil, time.Time{}
		k.apply(now, o)
		return
	}
	if l.Waiting {
		k.trial.Postpone(now)
		k.showTrial()
		return
	}
	if l.Refusals != k.refusals {
		k.refusals = l.Refusals
		k.step(now, k.trial.Refused(now))
		k.showTrial()
	}
	if k.proven(l) {
		k.step(now, k.trial.Registered())
	}
}

// finish takes the outcome of an attempt.
func (k *Keeper) finish(now time.Time, o outcome) {
	k.asking = false
	k.conclude(now, &o)
	if len(o.notes) > 0 && !slices.Equal(o.notes, k.Status().Notes) {
		k.log.Warn("settings not understood in full", "source", first(o.url, o.source), "items", len(o.notes), "first", o.notes[0].Text)
	}
	k.update(func(s *Status) {
		s.Last, s.Finished, s.Next = now, s.Attempt, k.next()
		s.Notes, s.Asked = o.notes, o.asked
		s.AccountState = o.state
		if o.account != "" {
			s.Account, s.Profile = o.account, o.profile
		}
		if o.state == Rejected || o.state == Empty {
			s.Account, s.Profile = "", nil
		}
	})
	if k.again {
		k.start()
	}
}

// conclude says what an outcome means.
func (k *Keeper) conclude(now time.Time, o *outcome) {
	switch {
	case o.err != nil:
		k.failed(now, *o)
	case o.key == "":
		k.log.Info("no settings found for this device", "order", k.device.Config().Provisioning.Order)
		k.counts[EmptyLook].Add(1)
		k.ended(now, *o, Idle, "")
	case o.key == k.current().Key, o.key == k.judging():
		k.log.Info("settings unchanged", "source", o.source, "url", o.url)
		_ = k.check(o) // it runs: only what is not understood of it is wanted
		k.remember(*o)
		k.counts[UnchangedLook].Add(1)
		k.ended(now, *o, k.standing(), "")
	case k.store.Bad(o.key):
		text := "these settings were found bad before and are left alone until they change"
		k.log.Warn("settings not applied", "source", o.source, "url", o.url, "reason", text)
		k.counts[BadLook].Add(1)
		k.ended(now, *o, RolledBack, text)
	default:
		k.accept(now, o)
	}
}

// judging is the key of the generation that is on trial; empty: none is. For a while it is
// not the one that runs.
func (k *Keeper) judging() string {
	if k.trial.Phase() == Settled {
		return ""
	}
	g, err := k.store.Load(k.trial.Generation())
	if err != nil {
		return ""
	}
	return g.Key
}

// standing is the state of a device that runs what its sources have.
func (k *Keeper) standing() State {
	switch k.trial.Phase() {
	case OnTrial:
		return OnProbation
	case GoneBack:
		return RollingBack
	case NotProven:
		return Unproven
	}
	return Good
}

func (k *Keeper) failed(now time.Time, o outcome) {
	k.counts[FailedLook].Add(1)
	k.log.Error("provisioning failed", "source", o.source, "url", o.url, "err", why(o.err))
	k.schedule.Failed(now, cause(o.err), o.retry)
	k.update(func(s *Status) { s.State, s.Err = k.after(Failed), why(o.err) })
}

// after is a state, unless a trial has more to say.
func (k *Keeper) after(s State) State {
	if k.trial.Phase() == Settled {
		return s
	}
	return k.standing()
}

func (k *Keeper) ended(now time.Time, o outcome, s State, text string) {
	if o.silent != nil {
		k.log.Warn("sources did not answer", "source", o.source, "err", why(o.silent))
		k.schedule.Failed(now, cause(o.silent), 0)
	} else {
		k.schedule.Succeeded(now)
	}
	k.update(func(st *Status) {
		st.State, st.Err = k.after(s), text
		st.Source, st.URL = first(o.source, st.Source), first(o.url, st.URL)
	})
}

// check tells whether settings can be put in force, and adds what of them is not understood
// to the outcome.
func (k *Keeper) check(o *outcome) error {
	c, err := k.device.Check(o.layers, k.current().Local)
	if err != nil {
		return fmt.Errorf("the settings of %s have faults: %w", first(o.url, o.source), err)
	}
	for _, w := range c.Warnings {
		o.notes = append(o.notes, noteOf(w, o.layers)...)
	}
	return nil
}

// accept puts new settings in force, now or when the lines are idle.
func (k *Keeper) accept(now time.Time, o *outcome) {
	if o.err = k.check(o); o.err != nil {
		k.failed(now, *o)
		return
	}
	if k.device.Lines().Busy {
		k.log.Info("settings wait for idle lines", "source", o.source, "url", o.url)
		k.waiting, k.waitUntil = o, now.Add(IdleWait)
		k.ended(now, *o, Applying, "")
		return
	}
	k.apply(now, *o)
}

// noteOf is a warning about one of the provisioned layers.
func noteOf(w config.Fault, layers []config.Layer) []NotUnderstood {
	for _, l := range layers {
		if w.File == l.Name && w.Later == "" {
			return []NotUnderstood{{Source: l.Source, Line: w.Line, Text: w.String()}}
		}
	}
	return nil
}

// apply makes a generation of new settings and puts it on trial.
func (k *Keeper) apply(now time.Time, o outcome) {
	k.update(func(s *Status) { s.State = Applying })
	k.adopt(now)
	n, err := k.put(now, generations.Content{By: generations.ByProvision, Key: o.key, Provisioned: o.layers, Local: k.current().Local})
	if err != nil {
		o.err = err
		k.failed(now, o)
		return
	}
	k.counts[AppliedLook].Add(1)
	k.remember(o)
	k.log.Info("settings applied", "source", o.source, "url", o.url, "generation", n)
	k.settings(now)
	k.ended(now, o, Good, "")
	k.look(now)
}

// remember keeps what the next attempt wants to know of this one.
func (k *Keeper) remember(o outcome) {
	m := k.store.Memory()
	m.Source, m.URL, m.Key, m.ETag, m.LastModified = o.source, o.url, o.key, o.etag, o.changed
	m.Seal = max(m.Seal, int64(min(o.version, math.MaxInt64)))
	m.Clock = k.now()
	if err := k.store.Remember(m); err != nil {
		k.log.Warn("provisioning memory not written", "err", err)
	}
}

// update publishes a changed status. An attempt may publish how far it is at the same time.
func (k *Keeper) update(change func(*Status)) {
	for {
		old := k.status.Load()
		s := *old
		change(&s)
		if k.status.CompareAndSwap(old, &s) {
			break
		}
	}
	k.changed()
}
