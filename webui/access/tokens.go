package access

import (
	"crypto/subtle"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A Token is a program's way in, as others may see it.
type Token struct {
	ID   string
	Name string // what it is for
	Role Role
	Made time.Time
	Used time.Time // zero: never
}

// BuiltIn is the id of the token in the file TokenName.
const BuiltIn = "api-token"

// keepsTokenName reports a name that a file may have: files are older than what checkTokenName
// refuses besides.
func keepsTokenName(name string) bool {
	return name != "" && len(name) <= 2*maxName && utf8.ValidString(name) && strings.TrimSpace(name) == name && !strings.ContainsFunc(name, unicode.IsControl)
}

func checkTokenName(name string) error {
	if strings.TrimSpace(name) != name || name == "" || len(name) > 2*maxName || !utf8.ValidString(name) {
		return &InvalidError{"name", fmt.Sprintf("A token's name says what it is for, in 1 to %d octets.", 2*maxName)}
	}
	if strings.ContainsFunc(name, unseen) {
		return &InvalidError{"name", "A token's name has letters, digits, signs and blanks alone: this one has a character that cannot be seen, or that changes how others are shown."}
	}
	return nil
}

// unseen reports a character that shows nothing of itself, moves others about or ends a line:
// two names could look alike, or like something else.
func unseen(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs)
}

// openToken reads or makes the token of the device's own programs.
func (d *Desk) openToken() {
	path := d.path(TokenName)
	text, err := readFile(path)
	secret, made := trimmed(text), d.o.Now()
	if err != nil || !isSecret(secret) {
		secret = newSecret()
		if err := writeFile(path, []byte(secret+"\n")); err != nil {
			d.o.Log.Warn("no token for the device's own programs", "path", path, "err", err)
			return
		}
	} else if info, err := os.Stat(path); err == nil {
		made = info.ModTime()
		if info.Mode().Perm()&0o077 != 0 {
			d.o.Log.Warn("others could read the token: now only its owner can", "path", path)
			_ = os.Chmod(path, 0o600) // where it has no effect, nothing else has
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.builtIn = token{id: BuiltIn, name: BuiltIn, role: Admin, made: made, digest: digestOf(secret)}
}

// isSecret reports a text that newSecret could have made.
func isSecret(s string) bool {
	raw, err := cookie64.DecodeString(s)
	return err == nil && len(raw) == 32
}

// Token returns whose token a secret is, and takes note that it is used.
func (d *Desk) Token(secret string) (Pass, bool) {
	p, save := d.findToken(secret)
	if save && d.turn.TryLock() {
		d.saveUsed()
		d.turn.Unlock()
	}
	return p, p.Name != ""
}

func (d *Desk) findToken(secret string) (p Pass, save bool) {
	given := digestOf(secret)
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, t := range append(slices.Clone(d.book.tokens), d.builtIn) {
		if t.id != "" && subtle.ConstantTimeCompare(given[:], t.digest[:]) == 1 {
			p = Pass{Name: t.name, Role: t.role, ID: t.id}
		}
	}
	if p.Name == "" {
		return p, false
	}
	now := d.o.Now()
	d.used[p.ID] = now
	return p, p.ID != BuiltIn && now.Sub(d.saved) >= usedInterval
}

// Tokens lists the tokens, the built-in one first.
func (d *Desk) Tokens() []Token {
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []Token
	for _, t := range append([]token{d.builtIn}, d.book.tokens...) {
		if t.id == "" {
			continue
		}
		if at, ok := d.used[t.id]; ok {
			t.used = at
		}
		list = append(list, Token{t.id, t.name, t.role, t.made, t.used})
	}
	return list
}

// AddToken makes a token. Its secret is not kept, and told here alone.
func (d *Desk) AddToken(name string, role Role) (t Token, secret string, err error) {
	if !role.Valid() {
		return t, "", errRole
	}
	if err := checkTokenName(name); err != nil {
		return t, "", err
	}
	d.turn.Lock()
	defer d.turn.Unlock()
	b := d.current().copy()
	switch {
	case d.Damaged() != nil:
		return t, "", ErrDamaged
	case len(b.tokens) >= maxTokens:
		return t, "", ErrFull
	}
	secret = newSecret()
	made := token{id: newID(), name: name, role: role, made: d.o.Now(), digest: digestOf(secret)}
	b.tokens = append(b.tokens, made)
	if err := d.change(b); err != nil {
		return t, "", err
	}
	return Token{ID: made.id, Name: name, Role: role, Made: made.made}, secret, nil
}

// RemoveToken ends a token. In the place of the built-in one comes another.
func (d *Desk) RemoveToken(id string) error {
	d.turn.Lock()
	defer d.turn.Unlock()
	if id == BuiltIn {
		if err := removeFiles(d.path(TokenName)); err != nil {
			return err
		}
		d.mu.Lock()
		d.builtIn = token{}
		delete(d.used, BuiltIn)
		d.mu.Unlock()
		d.openToken()
		return nil
	}
	b := d.current().copy()
	if b.token(id) == nil {
		return ErrUnknown
	}
	b.tokens = slices.DeleteFunc(b.tokens, func(t token) bool { return t.id == id })
	if err := d.change(b); err != nil {
		return err
	}
	d.mu.Lock()
	delete(d.used, id)
	d.mu.Unlock()
	return nil
}
