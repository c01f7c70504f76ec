package digest

import (
	"fmt"

	"tipring/internal/sipmsg"
)

// maxTries is how many times one request may be sent with credentials: first, after a
// stale nonce, and for a second realm. A server that goes on asking is not to be fed.
const maxTries = 3

// An Exchange is one request of a line and its repetitions with credentials:
//
//	x := client.Exchange(server, own)
//	x.Authorize(req)                    // with a nonce from earlier, if there is one
//	… send; on a 401 or 407:
//	if err := x.Challenged(req, res); err == nil {
//		req = req.Clone()               // with a new branch and the next CSeq
//		x.Authorize(req)
//		… send again
//	}
//	… on a 2xx: x.Accepted(res)
type Exchange struct {
	client  *Client
	server  string
	own     bool
	tries   int // sends with credentials
	answers []answer
}

// An answer is how this request stands with one realm.
type answer struct {
	role     Role
	realm    string
	answered bool   // a challenge to this very request was answered
	count    uint32 // nc of the latest send: 1 is a nonce never used before
}

// Exchange begins a request to a server, named so that nonces can be told apart. own
// says that the server is one of the line's own and that the dialog, if any, is one the
// line may authenticate in; without it nothing is ever answered (an attacker who calls
// and then challenges the BYE is after the digest: CVE-2021-41158).
func (c *Client) Exchange(server string, own bool) *Exchange {
	return &Exchange{client: c, server: server, own: own}
}

// Authorize gives a request the credentials its server is known to ask for, in place of
// any it has. ACK and CANCEL cannot be challenged (RFC 3261 section 22.1): an ACK takes
// the INVITE's, see CopyCredentials.
func (x *Exchange) Authorize(req *sipmsg.Message) {
	req.Header.Del(UserAgent.answer())
	req.Header.Del(Proxy.answer())
	if !x.own || req.Method == sipmsg.ACK || req.Method == sipmsg.CANCEL || x.tries == maxTries {
		return
	}
	c, added := x.client, false
	for i := range c.realms {
		r := &c.realms[i]
		for _, role := range []Role{UserAgent, Proxy} {
			if !r.asks[role][class(req.Method)] {
				continue
			}
			if n := c.nonceFor(x.server, role, r.name); n != nil {
				n.count++
				req.Header.Add(role.answer(), n.credentials(c.accounts[role], req))
				x.answer(role, r.name).count = n.count
				added = true
			}
		}
	}
	if added {
		x.tries++
	}
}

// Challenged takes the 401 or 407 to req. nil means: send it again, authorized anew. The
// error is an *Error; it says why that would be of no use or harm.
func (x *Exchange) Challenged(req, res *sipmsg.Message) error {
	fail := func(kind error, realm, detail string) error {
		return &Error{Kind: kind, Server: x.server, Realm: realm, Detail: detail}
	}
	if !x.own {
		return fail(ErrForeignServer, "", "")
	}
	usable, refused := challenges(res)
	var accepted []challenge
	for _, ch := range strongest(usable) {
		switch weaker := x.client.weaker(x.server, ch); {
		case x.client.accounts[ch.role].username == "":
			refused = fail(ErrNoCredentials, ch.realm, "")
		case !x.client.accounts[ch.role].serves(ch.realm):
			refused = fail(ErrForeignRealm, ch.realm, "")
		case weaker != "":
			refused = fail(ErrDowngrade, ch.realm, weaker)
		case !ch.stale && x.answer(ch.role, ch.realm).refused():
			x.client.drop(x.server, ch.role, ch.realm)
			return fail(ErrWrongPassword, ch.realm, "")
		default:
			accepted = append(accepted, ch)
		}
	}
	switch {
	case len(accepted) == 0:
		if e, ok := refused.(*Error); ok {
			e.Server = x.server
		}
		return refused
	case x.tries >= maxTries:
		return fail(ErrTooManyTries, accepted[0].realm, fmt.Sprintf("%d times", x.tries))
	}
	for _, ch := range accepted {
		x.client.learn(x.server, req.Method, ch)
		x.answer(ch.role, ch.realm).answered = true
	}
	return nil
}

// refused tells a challenge that proves the password wrong: it follows an answer to this
// very request on a nonce never used before. Refusing a nonce of an earlier request, or
// one used twice, proves nothing: many servers forget to say stale.
func (a *answer) refused() bool { return a.answered && a.count == 1 }

func (x *Exchange) answer(role Role, realm string) *answer {
	for i := range x.answers {
		if a := &x.answers[i]; a.role == role && a.realm == realm {
			return a
		}
	}
	x.answers = append(x.answers, answer{role: role, realm: realm})
	return &x.answers[len(x.answers)-1]
}

func (a account) serves(realm string) bool { return a.realm == "" || a.realm == realm }

// Accepted takes the 2xx to the request: RFC 7616 section 3.5: a nextnonce in
// Authentication-Info replaces the nonce.
func (x *Exchange) Accepted(res *sipmsg.Message) {
	if x.tries == 0 {
		return
	}
	for _, role := range []Role{UserAgent, Proxy} {
		info, err := parseParams(res.Header.Get(role.info()))
		next := info.raw("nextnonce")
		if err != nil || next == "" {
			continue
		}
		for i := range x.client.nonces {
			if n := &x.client.nonces[i]; n.server == x.server && n.role == role {
				n.rawNonce, n.count, n.cnonce = next, 0, newCnonce()
			}
		}
	}
}

// credentials writes the value of an Authorization header; the uri is the Request-URI in
// full.
func (n *nonce) credentials(a account, req *sipmsg.Message) string {
	return n.prove(a, req.Method, req.RequestURI.String(), req.Body)
}

// prove writes credentials (RFC 7616 section 3.4). What the server sent goes back as it
// came.
func (n *nonce) prove(a account, method, uri string, body []byte) string {
	p := proof{
		algorithm: n.algorithm, sess: n.sess, username: a.username, realm: n.realm, password: *a.password,
		nonce: unescape(n.rawNonce), qop: n.qop, method: method, uri: uri, body: body,
	}
	if n.qop != noQOP {
		p.cnonce, p.nc = n.cnonce, fmt.Sprintf("%08x", n.count)
	}
	v := "Digest username=" + quote(a.username) + `, realm="` + n.rawRealm + `", nonce="` + n.rawNonce +
		`", uri=` + quote(uri) + `, response="` + p.response() + `"`
	if n.algorithmText != "" {
		v += ", algorithm=" + n.algorithmText
	}
	if n.hasOpaque {
		v += `, opaque="` + n.rawOpaque + `"`
	}
	if n.qop != noQOP {
		v += ", qop=" + n.qop + ", nc=" + p.nc + `, cnonce="` + p.cnonce + `"`
	}
	return v
}

// CopyCredentials gives the ACK of a 2xx the credentials of its INVITE: RFC 3261 section
// 13.2.2.4: "The ACK MUST contain the same credentials as the INVITE."
func CopyCredentials(ack, invite *sipmsg.Message) {
	for _, role := range []Role{UserAgent, Proxy} {
		ack.Header.Del(role.answer())
		for _, v := range invite.Header.Values(role.answer()) {
			ack.Header.Add(role.answer(), v)
		}
	}
}
