package digest

import (
	"strings"

	"tipring/internal/sipmsg"
)

// A challenge is one that this package can answer.
type challenge struct {
	role               Role
	realm              string // unescaped
	rawRealm, rawNonce string // as received
	rawOpaque          string
	hasOpaque          bool
	algorithmText      string // as received; empty when absent
	algorithm          Algorithm
	sess               bool
	qop                string // the one to answer with
	stale              bool
}

// challenges reads every challenge of a response. A 401 or 407 may carry those of user
// agents and of proxies at once (RFC 3261 section 22.3), several realms, and several
// algorithms for one realm (RFC 8760 section 2). refused says why what is left out
// cannot be answered.
func challenges(res *sipmsg.Message) (usable []challenge, refused error) {
	refused = &Error{Kind: ErrUnsupported, Detail: "no challenge at all"}
	for _, role := range []Role{UserAgent, Proxy} {
		some, err := readChallenges(role, res.Header.Values(role.challenge()))
		usable = append(usable, some...)
		if err != nil {
			refused = err
		}
	}
	return usable, refused
}

// readChallenges reads the challenges in the values of one header field. refused is nil
// if none was left out.
func readChallenges(role Role, values []string) (usable []challenge, refused error) {
	for _, value := range values {
		all, err := parseStatements(value)
		if err != nil {
			refused = &Error{Kind: ErrMalformed, Detail: err.Error()}
			continue
		}
		for i := range all {
			c, err := newChallenge(role, &all[i])
			if err != nil {
				refused = err
				continue
			}
			usable = append(usable, c)
		}
	}
	return usable, refused
}

func newChallenge(role Role, s *statement) (challenge, error) {
	c := challenge{
		role: role, realm: s.value("realm"), rawRealm: s.raw("realm"), rawNonce: s.raw("nonce"),
		rawOpaque: s.raw("opaque"), algorithmText: s.raw("algorithm"),
		stale: strings.EqualFold(s.raw("stale"), "true"),
	}
	for _, p := range s.params {
		c.hasOpaque = c.hasOpaque || p.name == "opaque"
	}
	refuse := func(kind error, detail string) (challenge, error) {
		return challenge{}, &Error{Kind: kind, Realm: c.realm, Detail: detail}
	}
	if !strings.EqualFold(s.scheme, "Digest") {
		return refuse(ErrUnsupported, "scheme "+s.scheme)
	}
	if c.rawNonce == "" {
		return refuse(ErrMalformed, "no nonce")
	}
	var ok bool
	if c.algorithm, c.sess, ok = algorithm(c.algorithmText); !ok {
		return refuse(ErrUnsupported, "algorithm "+c.algorithmText)
	}
	if c.qop, ok = chooseQOP(s.value("qop")); !ok {
		return refuse(ErrUnsupported, "qop "+s.value("qop"))
	}
	if c.sess && c.qop == noQOP {
		return refuse(ErrUnsupported, c.algorithmText+" without qop")
	}
	return c, nil
}

// chooseQOP takes auth from a list before auth-int: proxies change bodies. An empty
// list is as none, which old servers mean by it.
func chooseQOP(list string) (qop string, ok bool) {
	empty := true
	for _, q := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' }) {
		empty = false
		switch {
		case strings.EqualFold(q, auth):
			return auth, true
		case strings.EqualFold(q, authInt):
			qop = authInt
		}
	}
	return qop, empty || qop != noQOP
}

// strongest keeps one challenge for each role and realm: that of the strongest
// algorithm, the first of equals, with a qop before without.
func strongest(all []challenge) []challenge {
	var best []challenge
next:
	for _, c := range all {
		for i, b := range best {
			if b.role != c.role || b.realm != c.realm {
				continue
			}
			if c.algorithm > b.algorithm || c.algorithm == b.algorithm && b.qop == noQOP && c.qop != noQOP {
				best[i] = c
			}
			continue next
		}
		best = append(best, c)
	}
	return best
}

// detached copies what is kept for long out of the message it was cut from.
func (c challenge) detached() challenge {
	for _, s := range []*string{&c.realm, &c.rawRealm, &c.rawNonce, &c.rawOpaque, &c.algorithmText} {
		*s = strings.Clone(*s)
	}
	return c
}
