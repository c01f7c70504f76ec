package access

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"sync"
	"time"
)

// The names of the files in the state directory.
const (
	BookName    = "access.json"
	TokenName   = "api-token"
	ClaimName   = "claim-code"
	damagedName = "access.json.damaged"
)

// usedInterval is how often that a token was used is worth a write.
const usedInterval = 24 * time.Hour

// Options is what a Desk is opened with.
type Options struct {
	Dir string // the state directory
	Log *slog.Logger
	Now func() time.Time // nil: time.Now

	// FirstPassword is the one that was provisioned for this device, which is taken for the
	// claim code; empty, or nil: there is none.
	FirstPassword func() string

	cost cost // of passwords; zero: the usual one
}

// A Desk decides who somebody is. It is safe for use by several goroutines.
type Desk struct {
	o    Options
	mill *mill

	turn sync.Mutex // whoever changes the book; before mu

	mu       sync.Mutex // what follows
	book     *book
	damaged  error // of the book; nil: it is whole
	builtIn  token // that of the file api-token
	claim    string
	sessions sessions
	lanes    lanes
	used     map[string]time.Time // of tokens, by id
	saved    time.Time            // when used was written
}

// Open reads what is kept, and makes what is missing: the token of this device's programs and,
// while there is no password, the claim code. What cannot be read or written is
// logged: the device goes on without.
func Open(o Options) *Desk {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.cost == (cost{}) {
		o.cost = ownCost
	}
	d := &Desk{o: o, mill: newMill(o.cost), sessions: sessions{}, used: map[string]time.Time{}, saved: o.Now()}
	d.openBook()
	d.openToken()
	d.openClaim()
	return d
}

func (d *Desk) path(name string) string { return filepath.Join(d.o.Dir, name) }

// openBook reads the book. One that cannot be read lets nobody in: without it there would be a
// new claim code, and somebody else's device.
func (d *Desk) openBook() {
	d.book = new(book)
	d.book.deviceKey = digestOf(newSecret())
	path := d.path(BookName)
	text, err := readFile(path)
	if err == nil && text == nil {
		return
	}
	var b *book
	if err == nil {
		b, err = parseBook(text)
	}
	if err == nil {
		d.book = b
		return
	}
	d.damaged = err
	if len(text) > 0 {
		if err := writeFile(d.path(damagedName), text); err != nil {
			d.o.Log.Warn("no copy of the damaged file of users", "err", err)
		}
	}
	d.o.Log.Error("the file of users is damaged: nobody can log in until tipring passwd sets a password", "path", path, "err", err)
}

// Close writes what is worth keeping of the tokens' use.
func (d *Desk) Close() {
	d.turn.Lock()
	defer d.turn.Unlock()
	d.saveUsed()
}

// Damaged is what is wrong with the file of users; nil: nothing.
func (d *Desk) Damaged() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.damaged
}

// Claimed reports whether the first password was set, whether or not it can be read.
func (d *Desk) Claimed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.claimed()
}

func (d *Desk) claimed() bool { return d.damaged != nil || len(d.book.users) > 0 }

// change puts another book in the place of the present one, on the disk first. The lock turn
// is held.
func (d *Desk) change(b *book) error {
	d.mu.Lock()
	b = b.copy()
	for i := range b.tokens {
		if at, ok := d.used[b.tokens[i].id]; ok {
			b.tokens[i].used = at
		}
	}
	d.mu.Unlock()
	if err := writeFile(d.path(BookName), b.text()); err != nil {
		return fmt.Errorf("file of users: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.book, d.damaged, d.saved = b, nil, d.o.Now()
	return nil
}

// saveUsed writes when tokens were used last. The lock turn is held.
func (d *Desk) saveUsed() {
	d.mu.Lock()
	b, news := d.book, d.damaged == nil
	news = news && func() bool {
		for _, t := range b.tokens {
			if at, ok := d.used[t.id]; ok && at.After(t.used) {
				return true
			}
		}
		return false
	}()
	d.saved = d.o.Now()
	d.mu.Unlock()
	if news {
		if err := d.change(b); err != nil {
			d.o.Log.Warn("when tokens were used is not kept", "err", err)
		}
	}
}

// A Try is somebody's attempt to show who he is.
type Try struct {
	From   netip.Addr // of the request; zero: nobody knows
	Device string     // the browser's device cookie; may be empty
}

// A Login is a session that has begun.
type Login struct {
	Pass
	Secret string // of the session's cookie
	Device string // of the device cookie, which shows this user's browser next time
}

// LogIn begins a session. Its error is ErrWrong, whether name or password is, and takes as long
// for either; a *WaitError; ErrUnclaimed; or ErrDamaged.
func (d *Desk) LogIn(ctx context.Context, t Try, name, password string) (Login, error) {
	var in Login
	err := d.verify(ctx, t, name, password, func(u user) {
		in.Secret, in.Pass = d.sessions.begin(u.name, u.role, d.o.Now())
		in.Device = deviceCookie(d.book.deviceKey, u.name)
	})
	return in, err
}

// verify compares a user's password with the one that is kept. When it is right, then is called with mu
// held, so that no change of the password comes between.
func (d *Desk) verify(ctx context.Context, t Try, name, password string, then func(user)) error {
	d.mu.Lock()
	if err := d.open(); err != nil {
		d.mu.Unlock()
		return err
	}
	l, wait := d.enter(t, name)
	u := d.book.user(name)
	d.mu.Unlock()
	if wait > 0 {
		return &WaitError{wait}
	}
	var kept *hash
	if u != nil {
		kept = &u.hash
	}
	right := false
	var err error
	if len(password) <= MaxPassword {
		right, err = d.mill.matches(ctx, password, kept, l.patience())
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		d.lanes.putOff(l.key, l.known, d.o.Now())
		return err
	}
	now := d.book.user(name)
	if !right || now == nil || now.hash != *kept {
		return ErrWrong
	}
	d.lanes.succeed(l.key, l.known)
	then(*now)
	return nil
}

// open is why no password is asked for; nil: one is.
func (d *Desk) open() error {
	switch {
	case d.damaged != nil:
		return ErrDamaged
	case len(d.book.users) == 0:
		return ErrUnclaimed
	}
	return nil
}

// A way is the lane that a try went through.
type way struct {
	key   string
	known bool // by its device cookie
}

// patience is how many may be waiting for their password to be computed.
func (w way) patience() int {
	if w.known {
		return knownWait
	}
	return strangersWait
}

// enter counts a try.
func (d *Desk) enter(t Try, name string) (way, time.Duration) {
	w := way{key: laneOf(t.From)}
	if nonce, ok := knownDevice(d.book.deviceKey, t.Device, name); ok {
		w = way{"device " + nonce, true}
	}
	return w, d.lanes.enter(w.key, w.known, d.o.Now())
}

// Session returns whose session a cookie's secret belongs to. visit says that somebody is
// there, and not only a page that was left open: that keeps no session alive.
func (d *Desk) Session(secret string, visit bool) (Pass, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sessions.find(secret, visit, d.o.Now())
}

// LogOut ends a session.
func (d *Desk) LogOut(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sessions.end(id)
}

// trimmed is the one line of a file.
func trimmed(text []byte) string { return string(bytes.TrimSpace(text)) }
