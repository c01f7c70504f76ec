// Package aaa asks RADIUS servers and believes only what cannot be forged (RFC
// 2865, 2866, 5997 and 6614). Every Access-Request is signed with a
// Message-Authenticator as its first attribute (RFC 3579 section 3.2), and every
// answer to one must hold exactly one, and a right one. A server that does not
// answer is asked again with the same octets, then the next server is asked with a
// new identifier, authenticator and hidden password.
//
// What the attributes mean is left to others: internal/faxback reads them, the
// accounting journal keeps them.
package aaa

import (
	"time"
)

// A Request is a question to the servers.
type Request struct {
	Code Code // AccessRequest or AccountingRequest

	// Attributes stand in wire order, without Message-Authenticator. A User-Password
	// stands in clear and is hidden anew for each server (RFC 2865 section 5.2).
	Attributes Attributes

	// Budget is the time for all servers together; 0: as configured. A question
	// inside a call has one: its tries wait at most 1 s each.
	Budget time.Duration

	// Repeats lists the single-valued standard attributes (RFC 2865 section 5.44)
	// that the answer to this question may hold several times all the same. FaxBack's
	// list of a load-balance group's members repeats User-Name.
	Repeats []byte
}

// A Response is a server's answer that was found to be genuine.
type Response struct {
	Code       Code
	Attributes Attributes // without Message-Authenticator
	Server     string     // host:port
	Secure     bool       // came by RadSec
	Signed     bool       // held a Message-Authenticator, which was right
	At         time.Time  // when it came
	Stored     bool       // the last good answer, from disk: no server answered now
}
