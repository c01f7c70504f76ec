// Package digest is SIP's digest authentication (RFC 3261 section 22, RFC 8760,
// RFC 7616), both sides of it.
//
// A Client holds what one line knows: its credentials, the nonces its servers gave,
// and how strongly they asked before. Each request of the line is an Exchange, which
// adds the credentials and judges the challenges. A Verifier asks for credentials and
// checks them. Both are pure: they open no socket and read no clock. Which servers are
// the line's own, and when to try again after a refusal, is their owner's to decide.
//
// Credentials never leave for a server that is not the line's own or for a realm other
// than the one configured, never as Basic, and, unless told otherwise, never under an
// algorithm or without a qop weaker than the same server has asked for before in the realm.
//
// The hashing is done here and not by a library, because the one at hand knows neither
// the -sess algorithms nor SIP's values as received, and brings half a megabyte of HTTP
// client with it; the tests compare with it.
package digest

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"log/slog"
	"strings"
)

// Credentials are a user name and password, valid in one realm or (Realm empty) in any
// realm that the line's own servers ask for. They print without the password.
type Credentials struct {
	Username, Password, Realm string
}

// String is the user name and realm.
func (c Credentials) String() string {
	if c.Realm == "" {
		return c.Username + ":****"
	}
	return c.Username + ":****@" + c.Realm
}

// GoString keeps the password out of %#v.
func (c Credentials) GoString() string { return "digest.Credentials{" + c.String() + "}" }

// LogValue keeps the password out of a log.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.String()) }

// An Algorithm is a hash of RFC 7616 and RFC 8760. A greater one is stronger.
type Algorithm uint8

// The algorithms, weakest first.
const (
	MD5 Algorithm = iota
	SHA256
	SHA512256
)

var algorithmNames = [...]string{"MD5", "SHA-256", "SHA-512-256"}

func (a Algorithm) String() string { return algorithmNames[a] }

func (a Algorithm) new() hash.Hash {
	switch a {
	case SHA256:
		return sha256.New()
	case SHA512256:
		return sha512.New512_256()
	}
	return md5.New()
}

// algorithm reads an algorithm parameter; absent (empty) is MD5. sess tells the kinds
// whose A1 takes in both nonces.
func algorithm(name string) (a Algorithm, sess, ok bool) {
	if name == "" {
		return MD5, false, true
	}
	base := name
	if len(name) > 5 && strings.EqualFold(name[len(name)-5:], "-sess") {
		base, sess = name[:len(name)-5], true
	}
	for i, n := range algorithmNames {
		if strings.EqualFold(base, n) {
			return Algorithm(i), sess, true
		}
	}
	return 0, false, false
}

// The two protections of RFC 7616 section 3.3, and none (RFC 2069).
const (
	noQOP   = ""
	auth    = "auth"
	authInt = "auth-int"
)

// proof is all that goes into a response parameter (RFC 7616 section 3.4.1).
type proof struct {
	algorithm                 Algorithm
	sess                      bool
	username, realm, password string
	nonce, cnonce, nc, qop    string
	method, uri               string
	body                      []byte
}

func (p proof) response() string {
	h := p.algorithm.new()
	a1 := sum(h, p.username, p.realm, p.password)
	if p.sess {
		a1 = sum(h, a1, p.nonce, p.cnonce)
	}
	var a2 string
	if p.qop == authInt {
		h.Reset()
		h.Write(p.body)
		a2 = sum(h, p.method, p.uri, hex.EncodeToString(h.Sum(nil)))
	} else {
		a2 = sum(h, p.method, p.uri)
	}
	if p.qop == noQOP {
		return sum(h, a1, p.nonce, a2)
	}
	return sum(h, a1, p.nonce, p.nc, p.cnonce, p.qop, a2)
}

// sum is the hash, in hexadecimal, of parts joined by colons.
func sum(h hash.Hash, parts ...string) string {
	h.Reset()
	for i, p := range parts {
		if i > 0 {
			h.Write([]byte{':'})
		}
		h.Write([]byte(p))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// A Role is who asks for credentials: a user agent server with 401, such as a
// registrar, or a proxy with 407 (RFC 3261 sections 22.2 and 22.3).
type Role uint8

// The roles.
const (
	UserAgent Role = iota
	Proxy
)

// Status is the status code by which it asks.
func (r Role) Status() int { return [...]int{401, 407}[r] }

func (r Role) challenge() string { return [...]string{"WWW-Authenticate", "Proxy-Authenticate"}[r] }
func (r Role) answer() string    { return [...]string{"Authorization", "Proxy-Authorization"}[r] }
func (r Role) info() string {
	return [...]string{"Authentication-Info", "Proxy-Authentication-Info"}[r]
}
