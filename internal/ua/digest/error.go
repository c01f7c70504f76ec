package digest

import (
	"errors"
	"strconv"
	"strings"
)

// Why a challenge is not answered, or credentials are not believed. An *Error wraps
// one of them.
var (
	ErrWrongPassword = errors.New("wrong user name or password")                          // the answer to a fresh nonce was refused
	ErrNoCredentials = errors.New("no credentials")                                       // none configured, or none in the request
	ErrForeignServer = errors.New("not a server of this line")                            // who asks has no business to
	ErrForeignRealm  = errors.New("not the configured realm")                             // the credentials are for another one
	ErrUnsupported   = errors.New("no challenge that can be answered")                    // Basic, an unknown algorithm or qop
	ErrDowngrade     = errors.New("weaker authentication than this realm asked before")   // MD5 after SHA-256, or qop gone
	ErrTooManyTries  = errors.New("challenged again and again")                           // three answers to one request
	ErrMalformed     = errors.New("malformed authentication header")                      // not to be read
	ErrStale         = errors.New("nonce out of date, already used, or not of this side") // Verifier: ask again with stale=true
)

// An Error says who asked what for nothing. It holds no secret.
type Error struct {
	Kind          error // one of the Err values
	Server, Realm string
	Detail        string // what exactly was offered
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("digest")
	if e.Server != "" {
		b.WriteString(" at " + e.Server)
	}
	if e.Realm != "" {
		b.WriteString(", realm " + strconv.Quote(short(e.Realm)))
	}
	b.WriteString(": " + e.Kind.Error())
	if e.Detail != "" {
		b.WriteString(": " + short(e.Detail))
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Kind }

// short keeps a peer's text from filling a log.
func short(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "…"
	}
	return s
}
