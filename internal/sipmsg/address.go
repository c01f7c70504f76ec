package sipmsg

import (
	"fmt"
	"strconv"
	"strings"
)

// A URI is a SIP, SIPS or tel URI, or any other kind held as text (RFC 3261 section
// 19.1, RFC 3966).
type URI struct {
	Scheme   string // lower case: sip, sips, tel, or another
	User     string // unescaped; of a tel URI the number
	Password string // unescaped
	Host     string // name or address; an IPv6 address without brackets
	Port     int    // 0: none given
	Params   Params
	Headers  string // what follows ?, as received
	Opaque   string // of a scheme other than sip, sips and tel: all after the colon, verbatim

	raw string // user and password as received, where String would spell them otherwise
}

// Wildcard is the URI of a Contact that is a lone * (RFC 3261 section 10.2.2).
var Wildcard = URI{Scheme: "*"}

// IsWildcard reports a Contact that is a lone *.
func (u URI) IsWildcard() bool { return u.Scheme == "*" }

// HostPort is host:port for a log or a dialler, with brackets round IPv6 and without
// a port where none was given.
func (u URI) HostPort() string { return hostPort(u.Host, u.Port) }

// Transport is the transport parameter in lower case; empty when absent.
func (u URI) Transport() string {
	t, _ := u.Params.Get("transport")
	return strings.ToLower(t)
}

// Clone copies the URI with its parameter list.
func (u URI) Clone() URI {
	u.Params = u.Params.Clone()
	return u
}

// An Addr is a name-addr or addr-spec with its header parameters: From, To, Contact,
// Route, Refer-To and their like (RFC 3261 section 20.10).
type Addr struct {
	Display string // unquoted; empty for none
	URI     URI
	Params  Params // header parameters: tag, expires, q, …
}

// Tag is the tag parameter, "" when absent.
func (a Addr) Tag() string {
	t, _ := a.Params.Get("tag")
	return t
}

// WithTag returns the address with that tag.
func (a Addr) WithTag(tag string) Addr {
	a = a.Clone()
	a.Params.Set("tag", tag)
	return a
}

// Clone copies the address with its lists.
func (a Addr) Clone() Addr {
	a.URI = a.URI.Clone()
	a.Params = a.Params.Clone()
	return a
}

// A Via is one hop of the way a request took (RFC 3261 section 20.42).
type Via struct {
	Protocol  string // empty for SIP/2.0
	Transport string // UDP, TCP, TLS, … as received
	Host      string // sent-by; an IPv6 address without brackets
	Port      int    // sent-by port; 0: none given
	Params    Params

	raw string // all of a Via that cannot be read, to be echoed
}

// Branch is the branch parameter, "" when absent.
func (v Via) Branch() string {
	b, _ := v.Params.Get("branch")
	return b
}

// SentBy is the sent-by host and port, with brackets round IPv6.
func (v Via) SentBy() string { return hostPort(v.Host, v.Port) }

func hostPort(host string, port int) string { return string(appendHostPort(nil, host, port)) }

func appendHostPort(b []byte, host string, port int) []byte {
	if strings.IndexByte(host, ':') >= 0 {
		b = append(append(append(b, '['), host...), ']')
	} else {
		b = append(b, host...)
	}
	if port != 0 {
		b = strconv.AppendInt(append(b, ':'), int64(port), 10)
	}
	return b
}

// ParseAddr reads the value of a header that holds one address, such as From or Refer-To.
func ParseAddr(s string) (Addr, error) {
	a, err := parseAddr(s)
	if err != nil {
		return Addr{}, fmt.Errorf("address %q: %w", s, err)
	}
	return a, nil
}

func parseAddr(s string) (Addr, error) {
	if controlled(s) {
		return Addr{}, fault("control character")
	}
	var h head
	h.plainStart()
	a, err := h.party(hFrom, s)
	if err != nil {
		return a, err
	}
	m, err := h.parse()
	if err != nil {
		return a, err
	}
	err = fillAddr(&a, m.From)
	return a, err
}

// ParseAddrs reads a list of addresses, such as the value of Path or P-Asserted-Identity.
func ParseAddrs(s string) ([]Addr, error) {
	list, err := parseAddrs(s)
	if err != nil {
		return nil, fmt.Errorf("addresses %q: %w", s, err)
	}
	return list, nil
}

func parseAddrs(s string) ([]Addr, error) {
	if controlled(s) {
		return nil, fault("control character")
	}
	var h head
	h.plainStart()
	list, err := h.addresses(hContact, []string{s})
	if err != nil {
		return nil, err
	}
	m, err := h.parse()
	if err != nil {
		return nil, err
	}
	err = fillAddrs(list, m.Contact)
	return list, err
}
