package generations

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
)

// Switch puts a generation in force with its local layer, and judges it. When it returns
// nil that is durable; an error means that nothing changed. A bad one cannot be put in
// force. An edit of local.ini that was not taken in by Adopt goes to local.ini.aside.
func (s *Store) Switch(n int, v Verdict) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.switchTo(n, v); err != nil {
		return fmt.Errorf("generations: switch to %d: %w", n, err)
	}
	if err := s.prune(0); err != nil {
		s.opts.Log.Warn("generations not pruned", "err", err)
	}
	return nil
}

func (s *Store) switchTo(n int, v Verdict) error {
	if !v.valid() || v == Bad {
		return fmt.Errorf("verdict %q: wanted %s, %s or %s", v, Trial, Good, Unproven)
	}
	if err := s.changeable(); err != nil {
		return err
	}
	g, err := s.load(n)
	if err != nil {
		return err
	}
	was := s.readLocal()
	if s.edited(was) && was.digest != digest(g.Local) {
		if err := s.putAside(was); err != nil {
			return err
		}
	}
	next := s.draft()
	next.Current, next.Last = n, max(n, next.Last)
	next.judge(n, v)
	next.note(g.Key, v)
	next.refreshes(was, digest(g.Local))
	if err := s.commit(next); err != nil {
		return err
	}
	s.unsaved = nil
	s.refreshIfDue(g.Local)
	return nil
}

// Judge changes the verdict about a generation. The key of a bad one is remembered, that
// of a good one no longer.
func (s *Store) Judge(n int, v Verdict) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.judge(n, v); err != nil {
		return fmt.Errorf("generations: judge %d: %w", n, err)
	}
	return nil
}

func (s *Store) judge(n int, v Verdict) error {
	if err := s.changeable(); err != nil {
		return err
	}
	i := slices.IndexFunc(s.whole, func(m manifest) bool { return m.N == n })
	if i < 0 {
		return ErrNone
	}
	if !v.valid() {
		return fmt.Errorf("verdict %q", v)
	}
	next := s.draft()
	next.judge(n, v)
	next.note(s.whole[i].Key, v)
	return s.commit(next)
}

// Remember keeps m durably. Seal never goes down: what is lower than before stays.
func (s *Store) Remember(m Memory) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.remember(m); err != nil {
		return fmt.Errorf("generations: remember: %w", err)
	}
	return nil
}

func (s *Store) remember(m Memory) error {
	if err := m.valid(); err != nil {
		return err
	}
	if err := s.changeable(); err != nil {
		return err
	}
	next := s.draft()
	next.Memory = m
	next.Memory.Seal = max(m.Seal, s.state.Memory.Seal)
	next.Memory.Clock = m.Clock.UTC().Round(0)
	return s.commit(next)
}

// Reset puts the factory's state in force: no generation, no local layer. Of what was
// remembered only the clock and the highest version of a sealed file stay, the one
// because it is no setting, the other so that a reset lets no older file in. An error
// that wraps ErrUntidy means that this is so, and that files are left which the next Open
// removes; any other that nothing changed.
func (s *Store) Reset() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	left, err := s.reset()
	if err == nil && left != nil {
		err = fmt.Errorf("%w: %w", ErrUntidy, left)
	}
	if err != nil {
		return fmt.Errorf("generations: reset: %w", err)
	}
	return nil
}

func (s *Store) reset() (left, err error) {
	if err := s.ready(); err != nil {
		return nil, err
	}
	next := factory()
	next.Last = s.next() - 1
	next.Floor = next.Last
	next.Memory = Memory{Seal: s.state.Memory.Seal, Clock: s.state.Memory.Clock}
	next.refreshes(s.readLocal(), digest(nil))
	if err := s.commit(next); err != nil {
		return nil, err
	}
	s.unsaved, s.whole, s.refused = nil, nil, nil
	return s.removeAll(), nil
}

// removeAll removes what a reset makes void, and sees that to the disk.
func (s *Store) removeAll() error {
	left := s.fs.Remove(s.path(asideFile))
	if s.state.Replaces != "" {
		left = errors.Join(left, s.refresh(nil))
	} else {
		left = errors.Join(left, s.fs.SyncDir(s.path()))
	}
	names, err := s.fs.List(s.path("generations"))
	left = errors.Join(left, err)
	if len(names) == 0 {
		return left
	}
	for _, name := range names {
		if n, ok := numbered(name); ok && n <= s.state.Floor {
			_, err := s.remove(n)
			left = errors.Join(left, err)
		} else if temporary(name) {
			left = errors.Join(left, s.discard(name))
		}
	}
	return errors.Join(left, s.fs.SyncDir(s.path("generations")))
}

const stateFile = "state"

// commit replaces config/state by next, or changes nothing.
func (s *Store) commit(next state) error {
	if err := s.ready(); err != nil {
		return err
	}
	text, err := next.encode()
	if err != nil {
		return err
	}
	if bytes.Equal(text, s.onDisk) {
		s.state = next
		return nil
	}
	if err := replace(s.fs, s.path(stateFile), text); err != nil {
		return errors.Join(err, s.putBack(text))
	}
	s.state, s.onDisk = next, text
	return nil
}

// putBack undoes the replacement of config/state by text, whose last step failed.
func (s *Store) putBack(text []byte) error {
	now, err := s.fs.Read(s.path(stateFile), maxState)
	if err != nil || !bytes.Equal(now, text) || s.onDisk == nil {
		return nil
	}
	if err := replace(s.fs, s.path(stateFile), s.onDisk); err != nil {
		s.onDisk = nil
		return fmt.Errorf("and the old state was not put back: %w", err)
	}
	return nil
}
