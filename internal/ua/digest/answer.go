package digest

import "strings"

// Answer answers the challenges of an HTTP server that protects a page for this method
// and uri, the request's target (RFC 7616): values are the values of WWW-Authenticate.
// The strongest algorithm that the credentials' realm offers is taken. It returns the
// value for Authorization, and whether the server said that a nonce used before was
// only out of date. The error is an *Error.
//
// Nothing is kept from one call to the next: each answer is the first to its nonce.
func Answer(values []string, c Credentials, method, uri string) (authorization string, stale bool, err error) {
	usable, refused := readChallenges(UserAgent, values)
	a := newAccount(c)
	for _, ch := range strongest(usable) {
		if !a.serves(ch.realm) {
			refused = &Error{Kind: ErrForeignRealm, Realm: ch.realm}
			continue
		}
		n := nonce{challenge: ch, cnonce: newCnonce(), count: 1}
		return n.prove(a, method, uri, nil), ch.stale, nil
	}
	if refused == nil {
		refused = &Error{Kind: ErrUnsupported, Detail: "no challenge at all"}
	}
	return "", false, refused
}

// Offers reports whether a scheme such as Basic is among the challenges in values.
func Offers(values []string, scheme string) bool {
	for _, value := range values {
		all, _ := parseStatements(value)
		for _, s := range all {
			if strings.EqualFold(s.scheme, scheme) {
				return true
			}
		}
	}
	return false
}
