package generations

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"

	"tipring/internal/config"
)

// Write makes a generation and returns its number once it is durable. It is not yet in
// force, and unproven.
func (s *Store) Write(c Content) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.write(c)
	if err != nil {
		return 0, fmt.Errorf("generations: write: %w", err)
	}
	if err := s.prune(n); err != nil {
		s.opts.Log.Warn("generations not pruned", "err", err)
	}
	return n, nil
}

func (s *Store) write(c Content) (int, error) {
	n := s.next()
	m, data, err := parts(n, s.now(), c)
	if err != nil {
		return 0, err
	}
	if data[manifestFile], err = m.encode(); err != nil {
		return 0, err
	}
	if err := s.begin(); err != nil {
		return 0, err
	}
	if err := s.writeParts(n, data); err != nil {
		_ = s.discard(generation(n) + newSuffix) // Open does it otherwise
		return 0, err
	}
	s.whole = append(s.whole, m)
	return n, nil
}

// begin sees to it that there is a state before there is a generation.
func (s *Store) begin() error {
	if err := s.changeable(); err != nil {
		return err
	}
	if s.onDisk == nil {
		if err := s.commit(s.state); err != nil {
			return err
		}
	}
	return s.mkdir(s.path("generations"))
}

func (s *Store) writeParts(n int, data map[string][]byte) error {
	made := s.path("generations", generation(n)+newSuffix)
	if err := s.discard(filepath.Base(made)); err != nil {
		return err
	}
	if _, err := s.fs.Mkdir(made); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(data)) {
		if err := create(s.fs, filepath.Join(made, name), data[name]); err != nil {
			return err
		}
	}
	if err := s.fs.SyncDir(made); err != nil {
		return err
	}
	final := s.path("generations", generation(n))
	if err := s.fs.Rename(made, final); err != nil {
		return err
	}
	if err := s.fs.SyncDir(filepath.Dir(final)); err != nil {
		_ = s.fs.Rename(final, made) // nobody was told of it
		return err
	}
	return nil
}

// next is a number that no generation has or had.
func (s *Store) next() int {
	n := s.state.Last
	for _, m := range s.whole {
		n = max(n, m.N)
	}
	for _, r := range s.refused {
		n = max(n, r.n)
	}
	return n + 1
}

// ready makes the directories and takes the lock, where that was not done yet.
func (s *Store) ready() error {
	if s.closed {
		return ErrClosed
	}
	if s.lock != nil {
		return nil
	}
	if err := s.mkdir(s.path()); err != nil {
		return err
	}
	lock, err := s.fs.Lock(s.path("lock"))
	if err != nil {
		return err
	}
	s.lock = lock
	return nil
}

// changeable looks again where the state could not be read.
func (s *Store) changeable() error {
	if err := s.ready(); err != nil {
		return err
	}
	if s.blind == nil {
		return nil
	}
	var r Report
	if err := s.settle(&r); err != nil {
		return err
	}
	return s.blind
}

// mkdir makes a directory and those above it, durably.
func (s *Store) mkdir(dir string) error {
	made, err := s.fs.Mkdir(dir)
	if errors.Is(err, fs.ErrNotExist) && filepath.Dir(dir) != dir {
		if err := s.mkdir(filepath.Dir(dir)); err != nil {
			return err
		}
		made, err = s.fs.Mkdir(dir)
	}
	if err != nil || !made {
		return err
	}
	if err := s.fs.SyncDir(filepath.Dir(dir)); err != nil {
		_ = s.fs.Remove(dir) // so that the next one syncs it
		return err
	}
	return nil
}

// read reads a generation whole and checks it.
func (s *Store) read(n int) (manifest, Generation, error) {
	m, err := s.readManifest(n)
	if err != nil {
		return manifest{}, Generation{}, err
	}
	g := s.describe(m)
	if g.Local, err = s.readPart(n, localFile, m.Local, config.MaxText); err != nil {
		return manifest{}, Generation{}, err
	}
	for i, l := range m.Layers {
		part, err := s.readPart(n, l.file(i), l.sum, l.limit())
		if err != nil {
			return manifest{}, Generation{}, err
		}
		made, err := decodeLayer(l, part)
		if err != nil {
			return manifest{}, Generation{}, fmt.Errorf("generation %d, %s: %w", n, l.file(i), err)
		}
		g.Provisioned = append(g.Provisioned, made)
	}
	return m, g, nil
}

func (s *Store) readManifest(n int) (manifest, error) {
	data, err := s.fs.Read(s.path("generations", generation(n), manifestFile), maxManifest)
	if err != nil {
		return manifest{}, fmt.Errorf("generation %d: %w", n, missing(err))
	}
	m, err := decodeManifest(n, data)
	if err != nil {
		return manifest{}, fmt.Errorf("generation %d, %s: %w", n, manifestFile, err)
	}
	return m, nil
}

func (s *Store) readPart(n int, name string, want sum, limit int) ([]byte, error) {
	data, err := s.fs.Read(s.path("generations", generation(n), name), limit)
	if err != nil {
		return nil, fmt.Errorf("generation %d: %w", n, missing(err))
	}
	if !want.matches(data) {
		return nil, fmt.Errorf("generation %d, %s: %w: %d octets, wanted %d with digest %s", n, name, ErrBroken, len(data), want.Length, want.SHA256)
	}
	return data, nil
}

// missing tells what cannot be there by this program's doing from what could not be read.
func missing(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errTooLong) || errors.Is(err, config.ErrNotRegular) {
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return err
}

// generation is the name of a generation's directory.
func generation(n int) string { return strconv.Itoa(n) }
