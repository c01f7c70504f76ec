// Package spool stores faxes and forwards them: documents that wait for their call, faxes
// that a machine handed in or that came for it, and those of a mailbox. What was accepted
// survives kill -9 and a power cut at any moment.
//
// A Store is a directory with a folder for each fax: its record, and its pages as a TIFF
// file. A fax comes in whole by Submit, or page by page through an Intake, which is the
// t30.Sink of a call. A Queue delivers what waits: the calls themselves are made by a
// function that its owner hands in, for this package knows neither SIP nor ports. A Memory
// keeps at which numbers fax machines answer, and Decide whether a call goes ahead of a fax.
package spool

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sort"
	"sync"
	"time"

	"tipring/internal/durable"
	"tipring/t38/t4/pdf"
)

// Config is what a Store may use. The zero value of a field is its default.
type Config struct {
	MaxOctets   int64         // of all documents together; 0: 64 MiB
	MaxFaxes    int           // 0: 200
	MaxPages    int           // of a document; 0: 200
	MaxDocument int64         // octets of one document, coded; 0: 16 MiB
	MaxUpload   int64         // octets of a file handed in; 0: 64 MiB
	KeepFor     time.Duration // a finished fax, if its room is not wanted sooner; one that came in, and is here only, at least; 0: 30 days
	Patience    time.Duration // a page with error correction waits so long to be on the disk before RNR holds its sender; 0: 100 ms

	Software string // in the TIFF files, as is
	Poppler  pdf.Poppler
	Now      func() time.Time // nil: time.Now
	Log      *slog.Logger     // nil: none

	// Changed is told of each change of a record, page by page, and of its removal (State
	// Removed). It is called from any goroutine, also from that of a port: it must not wait, nor
	// call back.
	Changed func(Record)
}

func (c *Config) setDefaults() {
	setDefault(&c.MaxOctets, 64<<20)
	setDefault(&c.MaxFaxes, 200)
	setDefault(&c.MaxPages, 200)
	setDefault(&c.MaxDocument, 16<<20)
	setDefault(&c.MaxUpload, 64<<20)
	setDefault(&c.KeepFor, 30*24*time.Hour)
	setDefault(&c.Patience, 100*time.Millisecond)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Changed == nil {
		c.Changed = func(Record) {}
	}
}

func setDefault[T int | int64 | time.Duration](at *T, v T) {
	if *at == 0 {
		*at = v
	}
}

// Errors of a Store.
var (
	ErrUnknown  = errors.New("no such fax")
	ErrFull     = errors.New("the fax store is full")
	ErrDraining = errors.New("no new faxes are taken")
	ErrState    = errors.New("the fax is not in a state for that")
	ErrNoPages  = errors.New("the fax has no pages")
	ErrClosed   = errors.New("the fax store is closed")
)

// A Store keeps faxes. Its methods may be called from any goroutine.
type Store struct {
	dir  string
	cfg  Config
	fs   files
	work sync.WaitGroup // writes on their way
	turn chan struct{}  // one document is converted at a time

	mu       sync.Mutex
	faxes    map[string]*entry
	octets   int64 // of all documents, those being written too
	next     uint64
	refusing bool
	closed   bool
	waiting  func() // a fax waits for its delivery, or for another try
}

// entry is a fax of the Store. Its record is guarded by the Store's mu, the file by write.
type entry struct {
	Record
	handed bool // still being handed in, its folder without its name, and not shown
	busy   bool // being received or submitted, and not to be removed
	saving bool // a goroutine is about to save the record
	stale  bool // the file does not say all that the record does

	write sync.Mutex
	gone  bool // guarded by write
}

// Open opens the store in a directory, which is made if need be, and puts in order what a
// cut left there. The Report says what of it is worth an operator's attention.
func Open(dir string, c Config) (*Store, Report, error) { return open(disk{}, dir, c) }

func open(d files, dir string, c Config) (*Store, Report, error) {
	c.setDefaults()
	s := &Store{dir: dir, cfg: c, fs: d, faxes: map[string]*entry{}, turn: make(chan struct{}, 1), next: 1}
	r, err := s.settle()
	if err != nil {
		return nil, r, fmt.Errorf("faxes: %w", err)
	}
	s.mu.Lock()
	s.prune(0, 0)
	s.mu.Unlock()
	return s, r, nil
}

// Close waits for writes on their way. Intakes have been ended, and the Queue too.
func (s *Store) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.work.Wait()
	return s.SaveStale()
}

// Refuse makes the store take no new faxes, or take them again.
func (s *Store) Refuse(yes bool) {
	s.mu.Lock()
	s.refusing = yes
	s.mu.Unlock()
}

// Get returns a fax's record.
func (s *Store) Get(id string) (Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.faxes[id]
	if e == nil || e.handed {
		return Record{}, fmt.Errorf("fax %.40q: %w", id, ErrUnknown)
	}
	return e.clone(), nil
}

// List returns all records, the oldest first.
func (s *Store) List() []Record {
	s.mu.Lock()
	list := make([]Record, 0, len(s.faxes))
	for _, e := range s.faxes {
		if !e.handed {
			list = append(list, e.clone())
		}
	}
	s.mu.Unlock()
	sort.Slice(list, func(i, j int) bool { return inOrder(list[i], list[j]) < 0 })
	return list
}

// Usage is how much of the store is used.
type Usage struct {
	Faxes     int
	Octets    int64
	MaxFaxes  int
	MaxOctets int64
}

// Usage tells how much of the store is used.
func (s *Store) Usage() Usage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Usage{len(s.faxes), s.octets, s.cfg.MaxFaxes, s.cfg.MaxOctets}
}

// Delete removes a finished fax with its document.
func (s *Store) Delete(id string) error {
	s.mu.Lock()
	e := s.faxes[id]
	switch {
	case e == nil || e.handed:
		s.mu.Unlock()
		return fmt.Errorf("fax %.40q: %w", id, ErrUnknown)
	case e.busy || !e.State.Finished():
		s.mu.Unlock()
		return fmt.Errorf("fax %s is %s: %w", id, e.State, ErrState)
	}
	s.forget(e)
	s.mu.Unlock()
	return s.remove(e)
}

// forget takes a fax out of the map; remove has to follow. Called with mu.
func (s *Store) forget(e *entry) {
	delete(s.faxes, e.ID)
	s.octets -= e.Octets
}

// remove takes a forgotten fax off the disk: first its name, so that no half of it stays.
func (s *Store) remove(e *entry) error {
	r := e.clone()
	r.State = Removed
	s.cfg.Changed(r)
	e.write.Lock()
	defer e.write.Unlock()
	e.gone = true
	gone := s.path(e.ID + goneSuffix)
	err := s.fs.Rename(s.path(e.ID), gone)
	if err == nil {
		err = s.fs.SyncDir(s.dir)
	}
	if err == nil {
		err = s.clear(gone)
	}
	if err != nil {
		return fmt.Errorf("fax %s: %w", e.ID, err)
	}
	return nil
}

// clear removes a directory of files.
func (s *Store) clear(dir string) error {
	names, err := s.fs.List(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := s.fs.Remove(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return s.fs.Remove(dir)
}

func (s *Store) path(parts ...string) string {
	return filepath.Join(append([]string{s.dir}, parts...)...)
}

// Names in the folder of a fax.
const (
	recordFile   = "record"
	documentFile = "document.tiff"
	uploadFile   = "upload"
)

// Names of what is not whole yet, or no longer, or of no use.
const (
	newSuffix  = durable.Suffix
	goneSuffix = ".gone"
	badSuffix  = ".bad"
)

// Path is where the document of a fax is. It is a whole TIFF file once the fax is received.
func (s *Store) Path(id string) string { return s.path(id, documentFile) }

// OpenDocument opens the document of a fax to be read: a TIFF file of Octets.
func (s *Store) OpenDocument(id string) (Document, error) {
	r, err := s.Get(id)
	if err != nil {
		return nil, err
	}
	if r.PageCount == 0 {
		return nil, fmt.Errorf("fax %s: %w", id, ErrNoPages)
	}
	f, err := s.fs.Open(s.Path(id))
	if err != nil {
		return nil, fmt.Errorf("fax %s: %w", id, err)
	}
	return f, nil
}

// A Document is an open TIFF file.
type Document interface {
	io.ReaderAt
	io.Closer
	Size() int64
}
