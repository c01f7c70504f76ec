// Package generations keeps what the agent runs with besides the installed files: the
// provisioned layers and the local layer, together a generation, so that at any moment,
// and after a cut of the power at any moment, one of them is in force and whole.
//
// # On the disk
//
//	config/state            which generation is current, the verdicts, what provisioning remembers
//	config/generations/N/   manifest (length and SHA-256 of every part), local.ini, 1.ini, 2.json …
//	config/local.ini        the local layer, for people to read and to edit
//	config/local.ini.aside  an edit of it that was overwritten before anybody took it in
//	config/installed        the installed files (factory.ini, tipring.ini) that loaded without faults last
//	config/lock             held by the one process that uses all this
//
// Directories are 0700, files 0600. The names .new and .gone end what is being made and
// what is being taken away; Open removes them. A file is written beside the one it
// replaces, synced, renamed, and its directory synced; every error counts. A generation is
// made as N.new, its files and itself synced before the rename to N, and never changed
// after. Every load compares lengths and digests.
//
// config/state is made before the first generation, so that generations without it mean
// that it was lost. Its replacement is what commits a change; nothing else does.
//
// # local.ini
//
// The current generation's local layer is in force, not local.ini; but people edit
// local.ini, so it has to follow. The state holds two digests: Local, of the current
// generation's local layer, and Replaces, of the local.ini that stood there at the commit
// and is yet to be overwritten. That one is in the state and not in the manifest, because
// a roll back commits a generation that was made long before. Open, Adopt and Switch
// compare:
//
//	local.ini is Local      nothing to do (a Replaces that is left is cleared)
//	local.ini is Replaces   the cut fell between commit and refresh: it is overwritten
//	neither                 somebody edited it: the edit wins
//
// An edit that wins becomes a new generation, made by "file", of the current provisioned
// layers and the edit. One that Options.Check refuses changes nothing and stays where it
// is, to be mended. A Switch that meets an edit which nobody took in copies it to
// local.ini.aside first. No local.ini and an empty one are the same.
//
// # Where a cut may fall
//
//	Write     before the rename of N.new is durable: N.new or nothing, removed at Open.
//	          After it: N is there, and not current.
//	Switch    before the rename of state is durable: the old generation, and local.ini is Local.
//	          (A copy at local.ini.aside may be there already; the edit itself is still in
//	          local.ini and wins at Open, as if Switch had not been called.)
//	          After it, before local.ini's: the new one; local.ini is Replaces, Open overwrites it.
//	          After it, before Replaces is cleared: the new one; local.ini is Local.
//	Adopt     as Write and Switch; local.ini is the edit all the time, so that until the commit
//	          Open finds the edit again, and after it Local.
//	Judge,    one replacement of state.
//	Remember
//	Reset     the commit says: no current generation, all up to Floor are gone, Local is the digest
//	          of nothing, Replaces that of local.ini. Before it: the old state. After it: the
//	          factory's, whatever is still lying there; Open removes local.ini, local.ini.aside and the
//	          generations up to Floor.
//	Prune     N is renamed to N.gone and that is made durable before anything in it is removed:
//	          N is whole, or it is N.gone, which Open removes. What is in force is never pruned.
//
//	Keep-     one replacement of installed. It belongs to no generation, and a Reset leaves it as
//	Installed the files that it is a copy of.
//
// One case cannot be told apart: who, after a cut between commit and refresh and before the next
// start, edits local.ini and undoes the edit to the octet, has not edited it.
//
// # When the disk fails
//
// An error of Write, Switch, Judge, Remember or Adopt means that the old configuration stays in
// force. If the sync of the directory fails after the rename of state, the old state is put
// back; should that fail too, the next start finds the old or the new one, each whole. What
// comes after the commit (refreshing local.ini, pruning) is logged when it fails and made
// good later; Replaces stays until then. A broken current generation gives way to the newest
// good one with its own local layer, never to a mixture; a broken state to the newest
// whole generation whose local layer local.ini is. When something cannot be read for another
// reason than being broken, such as EIO, Open decides for this run only and writes nothing; as
// long as that is config/state, nothing but Reset changes it.
package generations

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"tipring/internal/config"
)

// Who made a generation.
const (
	ByProvision = "provision"
	ByPage      = "page"
	ByRollback  = "rollback"
	ByRestore   = "restore" // of a backup
	ByReset     = "reset"
	ByFile      = "file" // somebody edited local.ini
)

// Content is what a generation holds.
type Content struct {
	By          string         // one of the above
	Key         string         // digest of what was fetched, hexadecimal; empty: nothing was
	Provisioned []config.Layer // all of rank Provisioned, lowest first
	Local       []byte         // the local layer, INI text
}

// A Verdict says what is known about a generation.
type Verdict string

// The verdicts.
const (
	Unproven Verdict = "unproven" // nobody judged it yet, or nobody could
	Trial    Verdict = "trial"    // it runs to be judged; one at most does
	Good     Verdict = "good"     // a line registered with it
	Bad      Verdict = "bad"      // none did, though one does with another generation
)

func (v Verdict) valid() bool {
	return slices.Contains([]Verdict{Unproven, Trial, Good, Bad}, v)
}

// A Generation is a configuration that was written. Its Content has no bodies in a List.
type Generation struct {
	N       int // from 1 upward, never given twice; 0: made of local.ini, and could not be written
	Made    time.Time
	Verdict Verdict
	Content
}

// ErrNone is wrapped by the error for a generation that is not there.
var ErrNone = errors.New("no such generation")

// ErrLocked is wrapped by the error of Open when another process has the store open.
var ErrLocked = errors.New("in use by another process")

// ErrUntidy is wrapped by the error of a Reset that happened, and of a Prune, which left
// files behind. The next Open removes them.
var ErrUntidy = errors.New("left behind")

// ErrClosed is wrapped by the errors of a store that was closed.
var ErrClosed = errors.New("the store is closed")

// Options of Open. All may be left out.
type Options struct {
	Now func() time.Time
	Log *slog.Logger
	// Check tells whether content may come into force by an edit of local.ini, which nobody
	// looked at before. It must not call the store.
	Check func(Content) error
}

// A Store is the generations of one state directory. It is safe for use by several
// goroutines; while it is open no other process can open it.
type Store struct {
	fs       files
	stateDir string
	opts     Options

	mu      sync.Mutex
	closed  bool
	lock    io.Closer // nil while it could not be had because nothing can be written
	state   state
	onDisk  []byte      // config/state; nil: there is none, or it is not to be believed
	whole   []manifest  // the generations that can be had, oldest first
	refused []refusal   // the others
	blind   error       // why config/state could not be read, though it may be whole
	unsaved *Generation // in force in this run, whatever the state says
}

// refusal is a generation that cannot be had.
type refusal struct {
	n   int
	err error // wraps ErrBroken or ErrNewer, or is the disk's
}

// Open opens the store of a state directory, which need not exist, and puts in order what
// a cut, a failing disk or an editor left there: see Report. It is an error if another
// process has it open, if a later version of this program wrote it, or if its files may
// not be opened; one that can only be read is opened.
func Open(stateDir string, o Options) (*Store, Report, error) {
	return open(disk{}, stateDir, o)
}

func open(d files, stateDir string, o Options) (*Store, Report, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Store{fs: d, stateDir: stateDir, opts: o}
	s.mu.Lock()
	defer s.mu.Unlock()
	var r Report
	err := s.ready()
	if err != nil && unwritable(err) {
		r.Unwritten, err = err, nil
	}
	if err == nil {
		err = s.settle(&r)
	}
	if err != nil {
		err = errors.Join(err, s.close())
		return nil, r, fmt.Errorf("generations: %w", err)
	}
	return s, r, nil
}

// Close lets another process open the store.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.close()
}

func (s *Store) close() error {
	s.closed = true
	if s.lock == nil {
		return nil
	}
	lock := s.lock
	s.lock = nil
	return lock.Close()
}

// Current returns what is in force. In the factory's state nothing is. If what was
// current can no longer be read, it falls to the newest good one, as at Open.
func (s *Store) Current() (Generation, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.current()
	if err != nil && !s.closed {
		var r Report
		if e := s.settle(&r); e != nil {
			s.opts.Log.Error("generation not read", "err", e)
			return Generation{}, false
		}
		for _, line := range r.Lines() {
			s.opts.Log.Warn(line)
		}
		g, err = s.current()
	}
	return g, err == nil && g.By != ""
}

// current is what is in force; the zero Generation in the factory's state.
func (s *Store) current() (Generation, error) {
	if s.closed {
		return Generation{}, ErrClosed
	}
	if s.unsaved != nil {
		return *s.unsaved, nil
	}
	if s.state.Current == 0 {
		return Generation{}, nil
	}
	_, g, err := s.read(s.state.Current)
	return g, err
}

// List tells the generations that can be had, oldest first, without their bodies.
func (s *Store) List() []Generation {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Generation, 0, len(s.whole))
	for _, m := range s.whole {
		list = append(list, s.describe(m))
	}
	return list
}

func (s *Store) describe(m manifest) Generation {
	return Generation{N: m.N, Made: m.Made, Verdict: s.state.verdict(m.N), Content: Content{By: m.By, Key: m.Key}}
}

// Load reads a generation and checks it.
func (s *Store) Load(n int) (Generation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.load(n)
	if err != nil {
		return Generation{}, fmt.Errorf("generations: %w", err)
	}
	return g, nil
}

func (s *Store) load(n int) (Generation, error) {
	if s.closed {
		return Generation{}, ErrClosed
	}
	if !s.has(n) {
		for _, r := range s.refused {
			if r.n == n {
				return Generation{}, r.err
			}
		}
		return Generation{}, fmt.Errorf("generation %d: %w", n, ErrNone)
	}
	_, g, err := s.read(n)
	return g, err
}

func (s *Store) has(n int) bool {
	return slices.ContainsFunc(s.whole, func(m manifest) bool { return m.N == n })
}

// digestOf is that of a generation's local layer.
func (s *Store) digestOf(n int) string {
	for _, m := range s.whole {
		if m.N == n {
			return m.Local.SHA256
		}
	}
	return digest(nil)
}

// now is what is written down as the time of something.
func (s *Store) now() time.Time { return s.opts.Now().UTC().Truncate(time.Millisecond) }

// Memory returns what was remembered last.
func (s *Store) Memory() Memory {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.Memory
}

// Bad tells whether key is that of a generation which was judged bad, and of none that
// was judged good since.
func (s *Store) Bad(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.state.Bad, key)
}

// path is that of a file below config.
func (s *Store) path(parts ...string) string {
	return filepath.Join(append([]string{s.stateDir, "config"}, parts...)...)
}

func (c Content) valid() error {
	if !slices.Contains([]string{ByProvision, ByPage, ByRollback, ByRestore, ByReset, ByFile}, c.By) {
		return fmt.Errorf("made by %q", c.By)
	}
	if len(c.Local) > config.MaxText {
		return fmt.Errorf("a local layer of %d octets: wanted at most %d", len(c.Local), config.MaxText)
	}
	if len(c.Provisioned) > MaxLayers {
		return fmt.Errorf("%d provisioned layers: wanted at most %d", len(c.Provisioned), MaxLayers)
	}
	for i, l := range c.Provisioned {
		if l.Rank != config.Provisioned {
			return fmt.Errorf("layer %d has rank %d: wanted %d, provisioned", i+1, l.Rank, config.Provisioned)
		}
		if err := errors.Join(validText(l.Name), validText(l.Source)); err != nil {
			return fmt.Errorf("layer %d: %w", i+1, err)
		}
	}
	return validKey(c.Key)
}

// validText tells what can be kept in JSON as it is.
func validText(text string) error {
	if len(text) > MaxMemo || !utf8.ValidString(text) {
		return fmt.Errorf("%.40q: wanted UTF-8 of at most %d octets", text, MaxMemo)
	}
	return nil
}
