package access

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// How long a password is.
const (
	MinPassword = 10  // characters
	MaxPassword = 128 // octets
)

// checkPassword says what is wrong with a new password of a user, which must not be one of
// those that others know.
func checkPassword(field, name, password string, known ...string) error {
	switch {
	case utf8.RuneCountInString(password) < MinPassword:
		return &InvalidError{field, fmt.Sprintf("A password has at least %d characters.", MinPassword)}
	case len(password) > MaxPassword:
		return &InvalidError{field, fmt.Sprintf("A password has at most %d octets.", MaxPassword)}
	case !utf8.ValidString(password) || strings.ContainsFunc(password, unicode.IsControl):
		return &InvalidError{field, "A password is text without control characters."}
	case strings.Trim(password, first(password)) == "":
		return &InvalidError{field, "A password is more than one character again and again."}
	case strings.EqualFold(password, name):
		return &InvalidError{field, "The password is the user's name: choose another one."}
	}
	for _, k := range known {
		if k != "" && subtle.ConstantTimeCompare([]byte(k), []byte(password)) == 1 {
			return &InvalidError{field, "This is what you came in with: choose another password."}
		}
	}
	return nil
}

// first is the first character of a text that has one.
func first(text string) string {
	_, n := utf8.DecodeRuneInString(text)
	return text[:n]
}

// A cost is what a password costs to compute (RFC 9106 section 3.1).
type cost struct{ kib, passes uint32 }

// ownCost is that of new passwords; a guess costs the same on a big machine.
var ownCost = cost{8 << 10, 3}

// maxCost bounds what a file may ask for.
var maxCost = cost{64 << 10, 16}

const saltLen, keyLen = 16, 32

// A hash is a password as it is kept: argon2id with one lane.
type hash struct {
	cost
	salt [saltLen]byte
	key  [keyLen]byte
}

var b64 = base64.RawStdEncoding.Strict()

// String is the hash in the usual form: $argon2id$v=19$m=8192,t=3,p=1$SALT$KEY.
func (h hash) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=1$%s$%s", argon2.Version, h.kib, h.passes,
		b64.EncodeToString(h.salt[:]), b64.EncodeToString(h.key[:]))
}

// parseHash reads what String wrote.
func parseHash(text string) (h hash, ok bool) {
	part := strings.Split(text, "$")
	if len(part) != 6 || part[0] != "" || part[1] != "argon2id" || part[2] != "v="+strconv.Itoa(argon2.Version) {
		return h, false
	}
	cost := strings.Split(part[3], ",")
	if len(cost) != 3 || cost[2] != "p=1" {
		return h, false
	}
	kib, okM := parameter(cost[0], "m=", maxCost.kib)
	passes, okT := parameter(cost[1], "t=", maxCost.passes)
	salt, errS := b64.DecodeString(part[4])
	key, errK := b64.DecodeString(part[5])
	if !okM || !okT || kib < 8 || errS != nil || errK != nil || len(salt) != saltLen || len(key) != keyLen {
		return h, false
	}
	h.kib, h.passes = kib, passes
	copy(h.salt[:], salt)
	copy(h.key[:], key)
	return h, h.String() == text
}

func parameter(text, name string, most uint32) (uint32, bool) {
	digits, ok := strings.CutPrefix(text, name)
	n, err := strconv.ParseUint(digits, 10, 32)
	return uint32(n), ok && err == nil && n >= 1 && uint32(n) <= most
}

// Who may wait for a password to be computed: strangers leave room for those who are known.
const (
	strangersWait = 4
	knownWait     = 8
)

// A mill computes passwords, one at a time.
type mill struct {
	cost    cost
	turn    chan struct{} // holds one token while it turns
	waiting atomic.Int32  // the one whose turn it is, too
	dummy   hash          // of nobody
}

func newMill(c cost) *mill {
	m := &mill{cost: c, turn: make(chan struct{}, 1), dummy: hash{cost: c}}
	rand.Read(m.dummy.salt[:])
	rand.Read(m.dummy.key[:])
	return m
}

// make computes a new password.
func (m *mill) make(ctx context.Context, password string) (hash, error) {
	h := hash{cost: m.cost}
	rand.Read(h.salt[:])
	key, err := m.compute(ctx, password, h, knownWait)
	copy(h.key[:], key)
	return h, err
}

// matches compares a password with the one that is kept; nil is nobody's, which takes as long.
func (m *mill) matches(ctx context.Context, password string, kept *hash, most int) (bool, error) {
	if kept == nil {
		kept = &m.dummy
	}
	key, err := m.compute(ctx, password, *kept, most)
	return err == nil && subtle.ConstantTimeCompare(key, kept.key[:]) == 1 && kept != &m.dummy, err
}

// compute waits for its turn, unless too many do.
func (m *mill) compute(ctx context.Context, password string, h hash, most int) ([]byte, error) {
	defer m.waiting.Add(-1)
	if int(m.waiting.Add(1)) > most {
		return nil, &WaitError{2 * time.Second}
	}
	select {
	case m.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	key := argon2.IDKey([]byte(password), h.salt[:], h.passes, h.kib, 1, keyLen)
	<-m.turn
	if m.waiting.Load() == 1 {
		debug.FreeOSMemory() // 8 MiB are much on a router, and the next password is far
	}
	return key, nil
}
