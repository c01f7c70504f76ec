package provisioning

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"tipring/internal/config"
	"tipring/internal/config/generations"
)

// mostStarts is how often a device may start with one generation on trial: one that makes
// the program end is bad too.
const mostStarts = 3

// Started takes note of a start of the program, before anything of the generation that is
// current is in force: whatever in it ends the program may do so at once. One on trial that
// has seen too many starts gives way to the one before it, and is judged by that.
func Started(store *generations.Store, log *slog.Logger) error {
	cur, _ := store.Current()
	if cur.N == 0 || cur.Verdict != generations.Trial {
		return nil
	}
	m := store.Memory()
	m.Starts++
	if err := store.Remember(m); err != nil {
		return err
	}
	back := lastGood(store, cur.N)
	if m.Starts <= mostStarts || back == 0 {
		return nil
	}
	log.Error("the program ended several times with these settings", "generation", cur.N, "starts", m.Starts, "back", back)
	return store.Switch(back, generations.Good)
}

// current is the generation that runs; the zero Generation stands for the installed files
// alone.
func (k *Keeper) current() generations.Generation {
	g, _ := k.store.Current()
	return g
}

// resume goes on with a judgement that the end of the program interrupted.
func (k *Keeper) resume(now time.Time) {
	cur := k.current()
	back := lastGood(k.store, cur.N)
	switch {
	case cur.N != 0 && cur.Verdict == generations.Trial:
		k.trial.Begin(now, cur.N, back)
	case cur.N != 0 && cur.Verdict == generations.Unproven:
		k.trial.ResumeUnproven(cur.N, back)
	default:
		if n := k.judged(cur.N); n != 0 {
			k.trial.ResumeBack(now, n, cur.N)
		}
	}
	if cur.N != 0 {
		k.update(func(s *Status) { s.State = k.standing() })
	}
	k.showTrial()
}

// lastGood is the newest good generation besides n; 0: none.
func lastGood(store *generations.Store, n int) (best int) {
	for _, g := range store.List() {
		if g.N != n && g.Verdict == generations.Good {
			best = max(best, g.N)
		}
	}
	return best
}

// judged is the generation on trial whose place the running one has taken; 0: none.
func (k *Keeper) judged(running int) int {
	for _, g := range k.store.List() {
		if g.N > running && g.Verdict == generations.Trial {
			return g.N
		}
	}
	return 0
}

// put makes a generation, runs it, and puts it on trial when there is something to prove: a line
// that is as it was before says nothing about it, whether it is registered or its server is down.
func (k *Keeper) put(now time.Time, c generations.Content) (n int, err error) {
	old, err := k.base()
	if err != nil {
		return 0, err
	}
	if n, err = k.store.Write(c); err != nil {
		return 0, err
	}
	m := k.store.Memory()
	m.Starts = 0
	if err := k.store.Remember(m); err != nil {
		return 0, err
	}
	before := k.device.Lines()
	k.stake(before)
	if err := k.store.Switch(n, generations.Trial); err != nil {
		return 0, err
	}
	if err := k.device.Reload(); err != nil {
		return 0, errors.Join(err, k.undo(n, old, err))
	}
	back, proven := old.N, old.Verdict == generations.Good
	if k.trial.Phase() != Settled {
		back, proven = k.trial.Back(), false // what was on trial has proved nothing
	}
	k.trial.Begin(now, n, back)
	k.update(func(s *Status) { s.Generation = n })
	switch after := k.device.Lines(); {
	case !after.Registering && (!before.Registered || switchedOff(k.device.Config())):
		k.log.Warn("no line registers with these settings: there is nothing to prove", "generation", n)
		k.step(now, k.trial.Registered())
	case proven && after.Changes == before.Changes && !after.Waiting:
		k.log.Info("no line is disturbed by these settings: there is nothing to prove", "generation", n)
		k.step(now, k.trial.Registered())
	}
	k.showTrial()
	return n, nil
}

// stake notes which lines are registered before settings are put on trial: those of them that are set
// up anew have something to show. While others are on trial, what these had to show counts too.
func (k *Keeper) stake(before Lines) {
	if k.trial.Phase() == Settled {
		k.staked, k.since = nil, before.Changes
	}
	for _, l := range k.device.Config().Lines {
		if _, registered := k.device.Line(l.N); registered && !slices.Contains(k.staked, l.N) {
			k.staked = append(k.staked, l.N)
		}
	}
}

// proven tells whether what runs has shown that a line can register with it: one of those that were
// registered before and are set up anew. A line that is as it was says nothing. Where there is none
// such, as on a device's first settings, or when nobody could tell after all, any line will do.
func (k *Keeper) proven(l Lines) bool {
	if p := k.trial.Phase(); p == OnTrial || p == GoneBack {
		atStake := false
		for _, n := range k.staked {
			if change, registered := k.device.Line(n); change > k.since {
				if registered {
					return true
				}
				atStake = true
			}
		}
		if atStake {
			return false
		}
	}
	return l.Registered
}

// switchedOff reports settings that say of every line that it is not to work. Settings that
// have lost their lines, such as a file that was cut short, say nothing of the kind: when a
// line was registered before, they have something to prove, and cannot.
func switchedOff(c *config.Config) bool {
	for _, l := range c.Lines {
		if l.Enabled {
			return false
		}
	}
	return len(c.Lines) > 0
}

// undo puts back what ran before generation n, which could not be put in force. It is no
// fault of n that the device is ending.
func (k *Keeper) undo(n int, old generations.Generation, why error) error {
	err := k.store.Switch(old.N, old.Verdict)
	if errors.Is(why, ErrEnded) {
		return errors.Join(err, k.store.Judge(n, generations.Unproven))
	}
	err = errors.Join(err, k.store.Judge(n, generations.Bad))
	if old.Verdict == generations.Good {
		err = errors.Join(err, k.store.Judge(old.N, generations.Good)) // they may have fetched the same
	}
	return errors.Join(err, k.device.Reload())
}

// adopt takes in an edit of local.ini that nobody told of, before something else is put in
// its place, and puts it in force: what comes next may yet be refused. One with faults stays
// where it is.
func (k *Keeper) adopt(now time.Time) {
	n, err := k.store.Adopt()
	switch {
	case err != nil:
		k.log.Warn("an edit of local.ini is not used", "err", err)
	case n != 0:
		k.log.Info("local.ini was edited", "generation", n)
		k.report("settings not in force", k.device.Reload())
		k.takeOver(now)
	}
}

// abandon ends the trial of every generation but n for good: a restart does not go on with
// it.
func (k *Keeper) abandon(n int) {
	for _, g := range k.store.List() {
		if g.N != n && g.Verdict == generations.Trial {
			k.report("generation not judged", k.store.Judge(g.N, generations.Unproven))
		}
	}
}

// takeOver takes note of what others put in force: the schedule may be another one, and an
// edit of local.ini may have become a generation.
func (k *Keeper) takeOver(now time.Time) {
	k.settings(now)
	if n := k.current().N; n != k.Status().Generation {
		k.abandon(n)
		k.trial.ResumeUnproven(n, lastGood(k.store, n))
		k.update(func(s *Status) { s.Generation = n })
	}
	k.showTrial()
}

// base is the generation to go back to. A device that has none yet gets one of nothing:
// what the installed files say alone.
func (k *Keeper) base() (generations.Generation, error) {
	if g, ok := k.store.Current(); ok {
		return g, nil
	}
	err := firstOfNothing(k.store)
	return k.current(), err
}

// step does what a trial asks for.
func (k *Keeper) step(now time.Time, s Step) {
	n, back := k.trial.Generation(), k.trial.Back()
	switch s {
	case Nothing:
		return
	case Keep:
		k.report("generation not judged", k.store.Judge(n, generations.Good))
		k.log.Info("settings are good", "generation", n)
		k.update(func(s *Status) { s.State, s.Err = Good, "" })
	case GoBack:
		k.log.Warn("no line has registered with the new settings; the ones before run for a try", "generation", n, "back", back)
		if !k.run(now, back, generations.Good) {
			k.stay(now, n)
		}
	case Condemn:
		k.rolledBack.Add(1)
		k.report("generation not judged", k.store.Judge(n, generations.Bad))
		k.report("generation not judged", k.store.Judge(back, generations.Good)) // both may hold what was fetched
		text := fmt.Sprintf("generation %d did not register a line and the one before it does: rolled back", n)
		k.log.Error("settings rolled back", "generation", n, "running", k.current().N)
		k.update(func(s *Status) { s.State, s.Err = RolledBack, text })
	case Return:
		k.log.Warn("no line registers with the old settings either: the new ones run, unproven", "generation", n)
		if !k.run(now, n, generations.Unproven) {
			k.trial.ResumeBack(now, n, back)
			break
		}
		k.update(func(s *Status) {
			s.Err = "no line registers with these settings, nor with the ones before: waiting for a server"
		})
	}
	k.showTrial()
}

// run puts a generation of the store in force, or leaves what runs.
func (k *Keeper) run(now time.Time, n int, v generations.Verdict) bool {
	was := k.current()
	k.since = k.device.Lines().Changes
	if err := k.store.Switch(n, v); err != nil {
		k.log.Error("generation not changed", "generation", n, "err", err)
		return false
	}
	if err := k.device.Reload(); err != nil {
		k.log.Error("settings not in force", "generation", n, "err", err)
		k.report("generation not changed", k.store.Switch(was.N, was.Verdict))
		return false
	}
	k.refusals = k.device.Lines().Refusals
	k.update(func(s *Status) { s.Generation = n })
	k.settings(now)
	return true
}

// stay leaves generation n running, which no line registers with, because the one before it
// cannot be had.
func (k *Keeper) stay(now time.Time, n int) {
	k.trial.Stay(now)
	k.report("generation not judged", k.store.Judge(n, generations.Unproven))
	k.update(func(s *Status) {
		s.Err = "no line registers with these settings, and there are none to go back to: waiting for a server"
	})
}

func (k *Keeper) report(what string, err error) {
	if err != nil {
		k.log.Error(what, "err", err)
	}
}

// showTrial publishes how far the judgement is.
func (k *Keeper) showTrial() {
	k.update(func(s *Status) {
		if k.trial.Phase() == Settled {
			s.Trial = nil
			return
		}
		if !k.asking && k.waiting == nil {
			s.State = k.standing()
		}
		s.Trial = &TrialStatus{Generation: k.trial.Generation(), State: k.standing(), Until: k.trial.Deadline()}
	})
}

// SetLocal puts in force, as a generation on trial, the local layer that edit makes of what
// runs; nothing else changes it meanwhile. Its error is config.Faults when the text has any,
// or that of edit.
func (k *Keeper) SetLocal(ctx context.Context, edit func(now generations.Generation) ([]byte, error)) (n int, err error) {
	e := k.do(ctx, func() { n, err = k.setLocal(time.Now(), generations.ByPage, edit, func() error { return nil }) })
	if err != nil {
		k.log.Warn("local settings refused", "err", why(err))
	}
	return n, errors.Join(e, err)
}

// setLocal calls checked once the settings are known to be good, before anything changes.
func (k *Keeper) setLocal(now time.Time, by string, edit func(generations.Generation) ([]byte, error), checked func() error) (int, error) {
	k.adopt(now)
	cur := k.current()
	text, err := edit(cur)
	if err != nil {
		return 0, err
	}
	if _, err := k.device.Check(cur.Provisioned, text); err != nil {
		return 0, err
	}
	if err := checked(); err != nil {
		return 0, err
	}
	if string(cur.Local) == string(text) && cur.N != 0 {
		return cur.N, nil
	}
	n, err := k.put(now, generations.Content{By: by, Key: cur.Key, Provisioned: cur.Provisioned, Local: text})
	if err == nil {
		k.log.Info("local settings applied", "generation", n)
		k.settings(now)
	}
	return n, err
}

// The reasons for no rollback that are no fault of the disk.
var (
	ErrNoGeneration = errors.New("there is no such generation to go back to")
	ErrMovedOn      = errors.New("other settings are in force by now")
)

// Rollback runs generation n, or the newest good one before this when n is 0. from is the one
// that is taken back: another one stays; 0: whatever runs, or is being judged. It is not applied
// again until its source has something else.
func (k *Keeper) Rollback(ctx context.Context, from, n int) (running int, err error) {
	e := k.do(ctx, func() { running, err = k.rollback(time.Now(), from, n) })
	if err != nil {
		k.log.Warn("not rolled back", "generation", n, "err", why(err))
	}
	return running, errors.Join(e, err)
}

func (k *Keeper) rollback(now time.Time, wanted, n int) (int, error) {
	k.adopt(now)
	from := k.current().N
	if k.trial.Phase() == GoneBack {
		from = k.trial.Generation() // the one before it runs for a try: it may stay
	}
	if wanted != 0 && wanted != from {
		return 0, fmt.Errorf("generation %d: %w", wanted, ErrMovedOn)
	}
	if n == 0 {
		n = lastGood(k.store, from)
	}
	g, err := k.store.Load(n)
	switch {
	case errors.Is(err, generations.ErrNone), err == nil && (n == from || g.Verdict == generations.Bad):
		return 0, fmt.Errorf("generation %d: %w", n, ErrNoGeneration)
	case err != nil:
		return 0, err
	}
	if _, err := k.device.Check(g.Provisioned, g.Local); err != nil {
		return 0, err
	}
	if err := k.store.Switch(n, generations.Good); err != nil {
		return 0, err
	}
	k.trial.End()
	k.abandon(n)
	if from != 0 {
		k.report("generation not judged", k.store.Judge(from, generations.Bad))
		k.report("generation not judged", k.store.Judge(n, generations.Good)) // both may hold what was fetched
	}
	err = k.device.Reload()
	k.log.Info("rolled back by hand", "generation", n, "from", from)
	k.update(func(s *Status) {
		if s.Generation = n; !k.asking && k.waiting == nil {
			s.State = RolledBack
		}
	})
	k.settings(now)
	k.showTrial()
	return n, err
}
