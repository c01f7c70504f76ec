package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"time"
)

// How long a session lasts.
const (
	SessionIdle  = 30 * time.Minute // without a visit
	SessionTotal = 12 * time.Hour
	maxSessions  = 64
)

// A digest is how secrets of 256 bits are kept: nobody can guess at them, so that one round of
// SHA-256 hides them.
type digest [sha256.Size]byte

func digestOf(secret string) digest { return sha256.Sum256([]byte(secret)) }

// newSecret makes a secret of 256 bits, 43 characters long.
func newSecret() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// newID names a session or a token.
func newID() string {
	var b [8]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// A session is one browser's.
type session struct {
	pass  Pass
	since time.Time
	seen  time.Time // the latest visit
}

func (s *session) over(now time.Time) bool {
	return now.Sub(s.seen) >= SessionIdle || now.Sub(s.since) >= SessionTotal
}

// sessions are all that last. They read no clock.
type sessions map[digest]*session

// begin makes a session. When there are too many, that which was idle for longest goes.
func (all sessions) begin(name string, role Role, now time.Time) (secret string, p Pass) {
	var idle *digest
	for key, s := range all {
		if s.over(now) {
			delete(all, key)
		} else if idle == nil || s.seen.Before(all[*idle].seen) {
			idle = &key
		}
	}
	if len(all) >= maxSessions {
		delete(all, *idle)
	}
	secret = newSecret()
	p = Pass{Name: name, Role: role, ID: newID()}
	all[digestOf(secret)] = &session{pass: p, since: now, seen: now}
	return secret, p
}

// find returns whose session it is. visit says that somebody is there, and not only a page
// that was left open.
func (all sessions) find(secret string, visit bool, now time.Time) (Pass, bool) {
	key := digestOf(secret)
	s := all[key]
	switch {
	case s == nil:
		return Pass{}, false
	case s.over(now):
		delete(all, key)
		return Pass{}, false
	case visit:
		s.seen = now
	}
	return s.pass, true
}

// endOf ends the sessions of a user but one, which may be empty.
func (all sessions) endOf(name, but string) {
	for key, s := range all {
		if s.pass.Name == name && s.pass.ID != but {
			delete(all, key)
		}
	}
}

func (all sessions) end(id string) {
	for key, s := range all {
		if s.pass.ID == id {
			delete(all, key)
		}
	}
}
