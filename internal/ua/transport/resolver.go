package transport

import (
	"context"
	"fmt"
	"time"
)

// A DNSMode says which records lead from a server's name to its addresses.
type DNSMode uint8

// The modes. All end at A and AAAA records, and all but A fall back to them.
const (
	DNSAuto  DNSMode = iota // as DNSNAPTR for a name without a port, else as DNSA
	DNSA                    // A and AAAA only
	DNSSRV                  // SRV, whose ports count
	DNSNAPTR                // NAPTR for the chosen protocol, then SRV
)

// A Query asks where a server is (RFC 3263 section 4).
type Query struct {
	Host   string // a name, or a literal address, which is answered at once
	Port   int    // 0: none given
	Proto  Proto  // never another: NAPTR and SRV records of other protocols are passed over
	Mode   DNSMode
	Device string // copied into the targets
}

// A Resolver finds the targets of a server in the order to try them, at least one when
// there is no error. ttl says how long the answer may be used.
type Resolver interface {
	Lookup(ctx context.Context, q Query) (targets []Target, ttl time.Duration, err error)
}

// A LookupFault is the way a lookup failed.
type LookupFault uint8

// How a lookup may fail.
const (
	NotFound      LookupFault = iota + 1 // NXDOMAIN: the name does not exist
	NoAddress                            // the name exists, without a usable record
	NoService                            // an SRV record says that the service is not offered there
	ServerFailure                        // SERVFAIL, REFUSED or an answer that cannot be read
	Timeout                              // no DNS server answered
)

// A LookupError is a Resolver's error. It names the host.
type LookupError struct {
	Host  string
	Fault LookupFault
	Err   error // cause; may be nil
}

func (e *LookupError) Error() string {
	s := "lookup " + e.Host + ": " + e.Fault.String()
	if e.Err != nil {
		s += fmt.Sprintf(" (%v)", e.Err)
	}
	return s
}

func (e *LookupError) Unwrap() error { return e.Err }

func (f LookupFault) String() string {
	switch f {
	case NotFound:
		return "no such name"
	case NoAddress:
		return "name has no address"
	case NoService:
		return "name offers no such service"
	case ServerFailure:
		return "name server failed"
	case Timeout:
		return "name servers do not answer"
	}
	return fmt.Sprintf("fault(%d)", uint8(f))
}
