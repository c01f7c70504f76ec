// Package features keeps what people set at their telephones by star codes and on the page:
// forwarding, do not disturb, a hidden number, speed dials. It also knows who called last,
// which calls were missed, and how much a line may call before that looks like fraud.
//
// A Book is what a port's call control asks (it implements call.Features), and what the agent
// asks about each call that comes in. What a star code has set is on the disk before the
// confirmation tone is heard. Who called and who was called is not worth a write to flash for
// every call: it is written with the next setting, and at the end.
//
// Forwarding is done by the server, which is sent 302; nothing here sends or receives.
package features

import (
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"sync"

	"tipring/internal/durable"
)

// Config is what a Book needs of its device.
type Config struct {
	File  string        // where it is kept
	Place durable.Place // nil: the disk

	// Table is the star codes of a port; nil: this device acts on none.
	Table func(port int) Table
	// Mailbox is the number by which a port's voice messages are heard; empty: it has none.
	Mailbox func(port int) string
	// Permits tells why a port must not have its calls forwarded to a number; nil, or a nil
	// error: it may.
	Permits func(port int, number string) error

	Log *slog.Logger
}

// A Book is what the telephones of a device have set. Its methods may be called from any
// goroutine; those that change a setting wait for the disk.
type Book struct {
	cfg    Config
	saving sync.Mutex // held by who writes; before mu

	mu     sync.Mutex
	ports  map[int]Settings
	recent map[int]recent
	missed []Missed // oldest first
	dirty  bool     // something is not on the disk that nobody was promised
}

// recent is what a port did last.
type recent struct {
	Caller  string `json:"caller,omitempty"` // who called last; empty: nobody, or somebody who hid
	Dialled string `json:"dialled,omitempty"`

	once wishes // of the call that is dialled next
}

// Open reads the book of a device. One that cannot be read is told, and begins anew: a telephone
// without its forwards is better than none.
func Open(cfg Config) *Book {
	b := &Book{cfg: cfg, ports: map[int]Settings{}, recent: map[int]recent{}}
	if cfg.Place == nil {
		b.cfg.Place = durable.Disk{}
	}
	r, err := read(cfg.File)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		cfg.Log.Error("what the telephones had set is lost", "file", cfg.File, "err", err)
	default:
		b.ports, b.recent, b.missed = r.Ports, r.Recent, r.Missed
	}
	return b
}

func read(file string) (record, error) {
	f, err := os.Open(file)
	if err != nil {
		return record{}, err
	}
	defer f.Close()
	data, err := durable.ReadAll(f, file, maxFile)
	if err != nil {
		return record{}, err
	}
	return parse(data)
}

// Close writes what is not written yet.
func (b *Book) Close() error {
	b.saving.Lock()
	defer b.saving.Unlock()
	b.mu.Lock()
	dirty := b.dirty
	b.mu.Unlock()
	if !dirty {
		return nil
	}
	return b.write(b.record())
}

// Settings is what a port has set.
func (b *Book) Settings(port int) Settings {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ports[port]
}

// Last tells who called a port last and what it dialled last; empty: not known.
func (b *Book) Last(port int) (caller, dialled string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.recent[port]
	return r.Caller, r.Dialled
}

// Change has edit change what a port has set. It is in force, and on the disk, once Change
// returns nil.
func (b *Book) Change(port int, edit func(*Settings)) error {
	b.saving.Lock()
	defer b.saving.Unlock()
	was := b.Settings(port)
	s := was.clone()
	edit(&s)
	if err := b.check(port, was, s); err != nil || s.equal(was) {
		return err
	}
	r := b.record()
	r.Ports[port] = s
	if s.equal(Settings{}) {
		delete(r.Ports, port)
	}
	if err := b.write(r); err != nil {
		return err
	}
	b.mu.Lock()
	b.ports = r.Ports
	b.mu.Unlock()
	b.cfg.Log.Info("telephone features changed", "port", port)
	return nil
}

// check tells what is wrong with settings that are to take the place of others.
func (b *Book) check(port int, was, s Settings) error {
	if err := s.Check(); err != nil || b.cfg.Permits == nil {
		return err
	}
	for i, number := range s.forwards() {
		if number == "" || number == was.forwards()[i] {
			continue
		}
		if err := b.cfg.Permits(port, number); err != nil {
			return err
		}
	}
	return nil
}

// write puts a record in the place of the one on the disk. The lock saving is held.
func (b *Book) write(r record) error {
	data, err := json.Marshal(r)
	if err == nil {
		err = durable.Replace(b.cfg.Place, b.cfg.File, data, create)
	}
	if err != nil {
		b.cfg.Log.Error("what the telephones have set is not kept", "file", b.cfg.File, "err", err)
		b.mu.Lock()
		b.dirty = true
		b.mu.Unlock()
	}
	return err
}

func create(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
}

// Called tells that somebody calls a port. Who hides leaves nobody to call back.
func (b *Book) Called(port int, number string) {
	b.note(port, func(r *recent) { r.Caller = dialable(number) })
}

// Made implements call.Features.
func (b *Book) Made(port int, number string) {
	b.note(port, func(r *recent) { r.Dialled = dialable(number) })
}

// note keeps what a port did.
func (b *Book) note(port int, edit func(*recent)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	was := b.recent[port]
	r := was
	edit(&r)
	if r != was {
		b.recent[port], b.dirty = r, true
	}
}
