package spool

import "tipring/internal/durable/fakedisk"

// model is the tests' disk.
type model struct{ *fakedisk.Disk }

func newModel() *model { return &model{fakedisk.New()} }

func (m *model) crash(n int, keep func() bool) *model { return &model{m.Crash(n, keep)} }

func (m *model) Create(path string) (file, error) { return orNil(m.Disk.Create(path)) }
func (m *model) Edit(path string) (file, error)   { return orNil(m.Disk.Edit(path)) }

// orNil has no file where there is an error: what is not there is not closed.
func orNil(f *fakedisk.File, err error) (file, error) {
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (m *model) Open(path string) (Document, error) { return m.Disk.Open(path) }
