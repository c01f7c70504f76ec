package sipmsg

import "strings"

// UserOf is whom a call goes to by what is dialled: a number as it is; of an address, which is
// user@host or a sip, sips or tel URI, its user or number (RFC 3261 section 19.1.1, RFC 3966),
// unescaped and without parameters and password. Of a sip URI that has no user it is the host.
func UserOf(to string) string {
	user, _, address := strings.Cut(to, "@")
	for _, scheme := range [...]string{"sips:", "sip:", "tel:"} {
		if len(user) > len(scheme) && strings.EqualFold(user[:len(scheme)], scheme) {
			user, address = user[len(scheme):], true
			break
		}
	}
	if address {
		user, _, _ = strings.Cut(user, ":")
	}
	user, _, _ = strings.Cut(user, ";")
	return unescape(user)
}
