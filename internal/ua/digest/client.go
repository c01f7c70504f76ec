package digest

import (
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"slices"

	"tipring/internal/sipmsg"
)

// Limits on what a line remembers of its servers.
const (
	maxNonces = 8
	maxRealms = 8

	// maxServers of a realm are remembered for what they have asked for.
	maxServers = 8
)

// A Client answers the challenges to one line's requests. One goroutine owns it.
type Client struct {
	// AllowDowngrade answers a server that asks with a weaker algorithm than before in the
	// realm, or without the qop it had, instead of refusing (ErrDowngrade).
	AllowDowngrade bool

	accounts [2]account // by Role
	nonces   []nonce    // the latest used last
	realms   []realm    // the latest learned last
}

// An account is credentials behind a pointer, which fmt does not follow.
type account struct {
	username, realm string
	password        *string
}

func newAccount(c Credentials) account {
	return account{username: c.Username, realm: c.Realm, password: &c.Password}
}

// A nonce is what a server gave this line to authenticate with, and how far it is used.
type nonce struct {
	server string
	challenge
	cnonce string
	count  uint32 // nc of the latest request
}

// realm is how a realm has asked so far, at any of its servers.
type realm struct {
	name   string
	asks   [2][2]bool // [Role][class of request]: whom it asks, and how
	floors []floor    // by server
}

// floor is the least that is answered at one server of a realm: what it has asked for
// before. Another server of the realm may be another maker's, and know less; a line that
// would not answer it could not fail over to it.
type floor struct {
	server    string
	strongest Algorithm
	qop       bool
}

// floor is that of a server; nil before it has asked.
func (r *realm) floor(server string) *floor {
	for i := range r.floors {
		if r.floors[i].server == server {
			return &r.floors[i]
		}
	}
	return nil
}

// raise takes note of what a server asks for.
func (r *realm) raise(server string, ch challenge) {
	f := r.floor(server)
	if f == nil {
		if len(r.floors) == maxServers {
			r.floors = slices.Delete(r.floors, 0, 1)
		}
		r.floors = append(r.floors, floor{server: server})
		f = &r.floors[len(r.floors)-1]
	}
	f.strongest = max(f.strongest, ch.algorithm)
	f.qop = f.qop || ch.qop != noQOP
}

// class tells REGISTER, which a registrar challenges as a user agent, from the rest,
// which the same box often challenges as a proxy.
func class(method string) int {
	if method == sipmsg.REGISTER {
		return 0
	}
	return 1
}

// NewClient makes the client of a line's credentials. Those of proxy answer 407; left
// empty, those of the line do.
func NewClient(line, proxy Credentials) *Client {
	if proxy.Username == "" {
		proxy = line
	}
	return &Client{accounts: [2]account{UserAgent: newAccount(line), Proxy: newAccount(proxy)}}
}

// String names the user alone.
func (c *Client) String() string { return "digest client of " + c.accounts[UserAgent].username }

// GoString keeps everything else out of %#v.
func (c *Client) GoString() string { return c.String() }

// LogValue keeps everything else out of a log.
func (c *Client) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Forget drops every nonce of a server, as after its restart or a change of address.
func (c *Client) Forget(server string) {
	c.nonces = slices.DeleteFunc(c.nonces, func(n nonce) bool { return n.server == server })
}

// learn stores a challenge that will be answered.
func (c *Client) learn(server, method string, ch challenge) {
	c.drop(server, ch.role, ch.realm)
	if len(c.nonces) == maxNonces {
		c.nonces = slices.Delete(c.nonces, 0, 1)
	}
	ch = ch.detached()
	c.nonces = append(c.nonces, nonce{server: server, challenge: ch, cnonce: newCnonce()})
	r := c.realmOf(ch.realm)
	if r == nil {
		if len(c.realms) == maxRealms {
			c.realms = slices.Delete(c.realms, 0, 1)
		}
		c.realms = append(c.realms, realm{name: ch.realm})
		r = &c.realms[len(c.realms)-1]
	}
	r.raise(server, ch)
	r.asks[ch.role][class(method)] = true
}

// weaker says why a challenge asks for less than its realm did before at this server; "" if
// it does not.
func (c *Client) weaker(server string, ch challenge) string {
	r := c.realmOf(ch.realm)
	if r == nil || c.AllowDowngrade {
		return ""
	}
	f := r.floor(server)
	switch {
	case f == nil:
	case ch.algorithm < f.strongest:
		return ch.algorithm.String() + " after " + f.strongest.String()
	case f.qop && ch.qop == noQOP:
		return "no qop any more"
	}
	return ""
}

func (c *Client) drop(server string, role Role, name string) {
	c.nonces = slices.DeleteFunc(c.nonces, func(n nonce) bool {
		return n.server == server && n.role == role && n.realm == name
	})
}

func (c *Client) realmOf(name string) *realm {
	for i := range c.realms {
		if c.realms[i].name == name {
			return &c.realms[i]
		}
	}
	return nil
}

// nonceFor is what to authenticate with to a role in a realm at a server. A nonce given
// by the same server in its other role will often do: a box that is registrar and proxy
// in one makes no difference, and an INVITE after a REGISTER is spared a round trip.
func (c *Client) nonceFor(server string, role Role, name string) *nonce {
	var other *nonce
	for i := range c.nonces {
		if n := &c.nonces[i]; n.server == server && n.realm == name {
			if n.role == role {
				return n
			}
			other = n
		}
	}
	return other
}

func newCnonce() string {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
