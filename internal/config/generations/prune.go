package generations

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// kept is how many generations are kept: the current one, the newest good other one, and
// the newest of the rest. One on trial is kept too.
const kept = 3

// Prune removes the generations that are not kept, and broken ones. Write, Switch and
// Adopt do so too.
func (s *Store) Prune() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.ready()
	if err == nil {
		err = s.prune(0)
	}
	if err != nil {
		return fmt.Errorf("generations: prune: %w: %w", ErrUntidy, err)
	}
	return nil
}

// prune spares also.
func (s *Store) prune(also int) error {
	spared := s.spared(also)
	var left error
	s.whole = slices.DeleteFunc(s.whole, func(m manifest) bool {
		if slices.Contains(spared, m.N) {
			return false
		}
		gone, err := s.remove(m.N)
		left = errors.Join(left, err)
		return gone
	})
	s.refused = slices.DeleteFunc(s.refused, func(r refusal) bool {
		if !errors.Is(r.err, ErrBroken) {
			return false
		}
		gone, err := s.remove(r.n)
		left = errors.Join(left, err)
		return gone
	})
	return left
}

func (s *Store) spared(also int) []int {
	current := s.state.Current
	must := []int{also, current,
		s.newestOther(current, func(v Verdict) bool { return v == Good }),
		s.newest(func(v Verdict) bool { return v == Trial })}
	var spared []int
	if s.unsaved != nil {
		must = append(must, s.unsaved.N)
	}
	for _, n := range must {
		if n != 0 && !slices.Contains(spared, n) {
			spared = append(spared, n)
		}
	}
	for _, m := range slices.Backward(s.whole) {
		if len(spared) < kept && !slices.Contains(spared, m.N) {
			spared = append(spared, m.N)
		}
	}
	return spared
}

func (s *Store) newest(like func(Verdict) bool) int { return s.newestOther(0, like) }

// newestOther is the newest generation but one with a verdict of that kind; 0: none.
func (s *Store) newestOther(than int, like func(Verdict) bool) int {
	for _, m := range slices.Backward(s.whole) {
		if m.N != than && like(s.state.verdict(m.N)) {
			return m.N
		}
	}
	return 0
}

// remove takes a generation away: it has another name, durably, before it is no longer
// whole. An error leaves files behind; gone says that it is not to be had any more all the same.
func (s *Store) remove(n int) (gone bool, err error) {
	name := generation(n)
	if err := s.discard(name + goneSuffix); err != nil {
		return false, err
	}
	path := s.path("generations", name)
	if err := s.fs.Rename(path, path+goneSuffix); err != nil {
		return false, err
	}
	if err := s.fs.SyncDir(filepath.Dir(path)); err != nil {
		return true, err
	}
	return true, s.discard(name + goneSuffix)
}

// discard removes a directory of generations with all that is in it.
func (s *Store) discard(name string) error {
	dir := s.path("generations", name)
	names, err := s.fs.List(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		err = errors.Join(err, s.fs.Remove(filepath.Join(dir, name)))
	}
	return errors.Join(err, s.fs.Remove(dir))
}

// sweep removes what a cut left half made or half removed, and what a reset made void.
func (s *Store) sweep(names []string, r *Report) {
	swept := func(name string, err error) {
		if err == nil {
			r.Swept = append(r.Swept, name)
		}
		r.doubt(err)
	}
	for _, name := range names {
		if temporary(name) {
			swept(name, s.discard(name))
		} else if n, ok := numbered(name); ok && n <= s.state.Floor {
			_, err := s.remove(n)
			swept(name, err)
		}
	}
	beside, err := s.fs.List(s.path())
	r.doubt(err)
	for _, name := range beside {
		void := name == asideFile && s.state.Current == 0 && s.state.Floor > 0 && s.state.Floor == s.state.Last
		if void || strings.HasSuffix(name, newSuffix) {
			swept(name, s.fs.Remove(s.path(name)))
		}
	}
	r.doubt(s.prune(0))
}

// numbered takes the name of a generation's directory.
func numbered(name string) (n int, ok bool) {
	n, err := strconv.Atoi(name)
	return n, err == nil && n > 0 && n <= maxN && generation(n) == name
}

// temporary tells the name of what is being made or taken away.
func temporary(name string) bool {
	for _, suffix := range []string{newSuffix, goneSuffix} {
		if stem, found := strings.CutSuffix(name, suffix); found {
			_, ok := numbered(stem)
			return ok
		}
	}
	return false
}
