package offer

import (
	"net/netip"
	"strconv"
	"strings"
)

// A Description is a session description (RFC 8866) as far as offer and answer need it.
// Lines that say nothing about media (i=, u=, e=, p=, t=, r=, z=, k=) are not kept.
type Description struct {
	Origin     Origin
	Name       string   // s=; "-" when there is none
	Connection Address  // session-level c=; the zero Address without one
	Bandwidth  []string // values of b=
	Attributes Attributes
	Media      []Media // the m= lines in order; offer and answer match by position
}

// An Origin is the o= line. ID and Version are decimal numbers of any length.
type Origin struct {
	User, ID, Version string
	Address           Address
}

// An Address is the <nettype> <addrtype> <connection-address> of o=, c= and a=rtcp.
type Address struct {
	Net, Type, Host string // IN, IP4 or IP6, an address or a name; of a multicast group with /ttl
}

// IP is the unicast address, when the host is one and of the type it claims.
func (a Address) IP() (netip.Addr, bool) {
	ip, err := netip.ParseAddr(a.Host)
	if err != nil || ip.Zone() != "" || !strings.EqualFold(a.Net, "IN") {
		return netip.Addr{}, false
	}
	switch {
	case strings.EqualFold(a.Type, "IP4") && ip.Is4(),
		strings.EqualFold(a.Type, "IP6") && ip.Is6():
		return ip.Unmap(), true
	}
	return netip.Addr{}, false
}

// addressOf writes ip as an Address; none is 0.0.0.0.
func addressOf(ip netip.Addr) Address {
	if !ip.IsValid() {
		ip = netip.IPv4Unspecified()
	}
	if ip.Is4() || ip.Is4In6() {
		return Address{"IN", "IP4", ip.Unmap().String()}
	}
	return Address{"IN", "IP6", ip.WithZone("").String()}
}

// A Media is one m= line with the lines that belong to it.
type Media struct {
	Kind       string // audio, image, video, …
	Port       int    // 0: refused or ended
	Ports      int    // the /n after the port; 0 without one
	Proto      string // RTP/AVP, RTP/SAVP, udptl, …
	Formats    []string
	Connection Address // media-level c=; the zero Address without one
	Bandwidth  []string
	Attributes Attributes // unknown ones too, in order
}

// An Attribute is an a= line: a flag, or a name with a value.
type Attribute struct {
	Name, Value string
	HasValue    bool // tells a=x from a=x:
}

// Attributes is an ordered list of a= lines. Names are case-sensitive (RFC 8866 section 9)
// but for the T38 ones, which have been written in every way: all are compared without case.
type Attributes []Attribute

// Get returns the value of the first attribute of that name; ok tells a flag from absence.
func (as Attributes) Get(name string) (value string, ok bool) {
	for _, a := range as {
		if strings.EqualFold(a.Name, name) {
			return a.Value, true
		}
	}
	return "", false
}

// Values returns the values of every attribute of that name, in order: the a=crypto lines.
func (as Attributes) Values(name string) []string {
	var vs []string
	for _, a := range as {
		if strings.EqualFold(a.Name, name) {
			vs = append(vs, a.Value)
		}
	}
	return vs
}

// Add appends name:value.
func (as *Attributes) Add(name, value string) {
	*as = append(*as, Attribute{name, value, true})
}

// AddFlag appends an attribute without a value.
func (as *Attributes) AddFlag(name string) { *as = append(*as, Attribute{Name: name}) }

// direction is the last direction attribute of the list.
func (as Attributes) direction() (d Direction, ok bool) {
	for _, a := range as {
		if x, known := directionOf(a.Name); known && !a.HasValue {
			d, ok = x, true
		}
	}
	return d, ok
}

// setDirection puts d in the place of the direction attribute.
func (as *Attributes) setDirection(d Direction) {
	kept := make(Attributes, 0, len(*as)+1)
	for _, a := range *as {
		if _, known := directionOf(a.Name); !known {
			kept = append(kept, a)
		}
	}
	kept.AddFlag(d.String())
	*as = kept
}

// Direction is what the owner of the description wants of stream i: the media-level
// attribute, else the session-level one, else sendrecv (RFC 8866 section 6.7).
func (d *Description) Direction(i int) Direction {
	if dir, ok := d.Media[i].Attributes.direction(); ok {
		return dir
	}
	if dir, ok := d.Attributes.direction(); ok {
		return dir
	}
	return SendRecv
}

// Address is the c= that holds for stream i.
func (d *Description) Address(i int) Address {
	if c := d.Media[i].Connection; c != (Address{}) {
		return c
	}
	return d.Connection
}

// An rtpmap says what a payload type of an RTP stream stands for.
type rtpmap struct {
	name     string
	rate     int // Hz; 0 when the line gave none
	channels int
}

// rtpmap finds the a=rtpmap of a payload type; one with junk after the name counts by its name.
func (m *Media) rtpmap(pt uint8) (rtpmap, bool) {
	for _, a := range m.Attributes {
		if !strings.EqualFold(a.Name, "rtpmap") {
			continue
		}
		number, encoding := cutField(a.Value)
		if n, ok := payloadType(number); !ok || n != pt || encoding == "" {
			continue
		}
		encoding, _ = cutField(encoding)
		name, rest, _ := strings.Cut(encoding, "/")
		rate, channels, _ := strings.Cut(rest, "/")
		r := rtpmap{name: name, channels: 1}
		r.rate, _ = decimal(rate, 1<<30)
		if n, ok := decimal(channels, 255); ok && n > 0 {
			r.channels = n
		}
		return r, true
	}
	return rtpmap{}, false
}

// milliseconds reads an attribute such as ptime; 0 when absent or not a number. A fraction
// (RFC 8866 allows ptime:2.5) is cut off.
func (m *Media) milliseconds(name string) int {
	v, _ := m.Attributes.Get(name)
	v, _ = cutField(v)
	v, _, _ = strings.Cut(v, ".")
	n, _ := decimal(v, 1<<20)
	return n
}

// payloadType reads an RTP payload type.
func payloadType(s string) (uint8, bool) {
	n, ok := decimal(s, 127)
	return uint8(n), ok
}

// decimal reads an unsigned number of digits alone, up to max.
func decimal(s string, max int) (int, bool) {
	if s == "" || s[0] == '+' || s[0] == '-' {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	if err != nil || n > max {
		return 0, false
	}
	return n, true
}

// cutField cuts the first blank-separated field off s.
func cutField(s string) (field, rest string) {
	s = strings.TrimLeft(s, blanks)
	i := strings.IndexAny(s, blanks)
	if i < 0 {
		return s, ""
	}
	return s[:i], strings.TrimLeft(s[i:], blanks)
}

const blanks = " \t"
