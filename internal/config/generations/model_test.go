package generations

import (
	"errors"
	"io"
	"io/fs"

	"tipring/internal/durable/fakedisk"
)

// model is the tests' disk, with locks.
type model struct {
	*fakedisk.Disk
	locked map[string]bool
}

func newModel() *model { return &model{fakedisk.New(), map[string]bool{}} }

func (m *model) crash(n int, keep func() bool) *model {
	return &model{m.Crash(n, keep), map[string]bool{}}
}

func (m *model) List(path string) ([]string, error) {
	names, err := m.Disk.List(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return names, err
}

func (m *model) Create(path string) (file, error) { return m.Disk.Create(path) }

func (m *model) Lock(path string) (io.Closer, error) {
	if m.Fail != nil {
		if err := m.Fail("lock", path); err != nil {
			return nil, &fs.PathError{Op: "lock", Path: path, Err: err}
		}
	}
	if m.locked[path] {
		return nil, &fs.PathError{Op: "lock", Path: path, Err: ErrLocked}
	}
	m.locked[path] = true
	return modelLock{m, path}, nil
}

type modelLock struct {
	m    *model
	path string
}

func (l modelLock) Close() error { delete(l.m.locked, l.path); return nil }
