package access

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"math/big"
	"strings"

	"tipring/internal/durable"
)

// claimDigits is the length of the claim code: short enough to be typed and to be spoken by a
// menu, and far too long for the tries that lanes allow.
const claimDigits = 8

// openClaim reads or makes the claim code while there is no password; else it removes what a
// cut may have left of it.
func (d *Desk) openClaim() {
	path := d.path(ClaimName)
	if d.Claimed() {
		if err := removeFiles(path); err != nil {
			d.o.Log.Warn("the old claim code stays", "path", path, "err", err)
		}
		return
	}
	text, err := readFile(path)
	code := trimmed(text)
	if err != nil || !isClaim(code) {
		code = newClaim()
		if err := writeFile(path, []byte(code+"\n")); err != nil {
			d.o.Log.Warn("the claim code stands in the log alone", "path", path, "err", err)
		}
	}
	d.mu.Lock()
	d.claim = code
	d.mu.Unlock()
}

// Announce logs the claim code while there is no password: it is for whoever reads the log of
// the device.
func (d *Desk) Announce() {
	if code := d.ClaimCode(); code != "" {
		d.o.Log.Info("no password yet: the page asks for the claim code", "claim_code", code, "path", d.path(ClaimName))
	}
}

func isClaim(code string) bool {
	return len(code) == claimDigits && strings.Trim(code, "0123456789") == ""
}

func newClaim() string {
	n, err := rand.Int(rand.Reader, big.NewInt(1e8))
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	digits := n.String()
	return strings.Repeat("0", claimDigits-len(digits)) + digits
}

// ClaimCode is what the first password is set with; empty once it is.
func (d *Desk) ClaimCode() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.claimed() {
		return ""
	}
	return d.claim
}

// Claim sets the first password, which is the Owner's. Errors: ErrClaimed, ErrWrongCode,
// *WaitError, *InvalidError.
func (d *Desk) Claim(ctx context.Context, t Try, claim, password string) error {
	given := strings.NewReplacer(" ", "", "-", "").Replace(claim)
	first := ""
	if d.o.FirstPassword != nil {
		first = d.o.FirstPassword()
	}
	d.mu.Lock()
	if d.claimed() {
		defer d.mu.Unlock()
		return ErrClaimed
	}
	l, wait := d.enter(t, Owner)
	code := d.claim
	d.mu.Unlock()
	switch {
	case wait > 0:
		return &WaitError{wait}
	case !same(code, given) && !same(first, claim):
		return ErrWrongCode
	}
	d.mu.Lock()
	d.lanes.succeed(l.key, false)
	d.lanes.forget(l.key) // the owner logs in next, whatever was tried before
	d.mu.Unlock()
	if err := checkPassword("new", Owner, password, code, first); err != nil {
		return err
	}
	h, err := d.mill.make(ctx, password)
	if err != nil {
		return err
	}
	d.turn.Lock()
	defer d.turn.Unlock()
	if d.Claimed() {
		return ErrClaimed
	}
	return d.setFirst(user{Owner, Admin, h, d.o.Now()})
}

// same compares a secret, of which an empty one is like nothing, and not like nothing given.
func same(secret, given string) bool {
	a, b := digestOf(secret), digestOf(given)
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1 && secret != ""
}

// setFirst keeps the first user; the claim code has done its work. The lock turn is held.
func (d *Desk) setFirst(u user) error {
	d.mu.Lock()
	b := d.book
	d.mu.Unlock()
	if err := d.change(b.with(u)); err != nil {
		return err
	}
	d.forgetClaim()
	return nil
}

func (d *Desk) forgetClaim() {
	d.mu.Lock()
	d.claim = ""
	d.mu.Unlock()
	if err := removeFiles(d.path(ClaimName)); err != nil {
		d.o.Log.Warn("the used claim code stays in its file", "err", err)
	}
}

// removeFiles removes files that may not be there.
func removeFiles(paths ...string) error {
	for _, path := range paths {
		if err := (durable.Disk{}).Remove(path); err != nil {
			return err
		}
	}
	return nil
}
