package offer

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// Limits on what is parsed, so that no peer can make this program work for ever.
const (
	MaxSize    = 16 << 10 // octets of a description
	MaxLines   = 1000
	MaxMedia   = 32
	MaxFormats = 64 // of one m= line
)

// Errors of Parse. A description that cannot be parsed is answered with 400, one that is
// too big with 413.
var (
	ErrTooBig = errors.New("session description too big")
	ErrSyntax = errors.New("not a session description")
)

// Parse reads a session description (RFC 8866 section 5). It takes what is on the wire: lines
// that end in LF or CR alone, blanks at their ends, lines out of order or of a type it does not
// know, an empty s= and no t=. What it must have is v=0 first, o=, s=, a c= for every stream in
// use, m= lines whose four parts can be told apart, since an answer is matched to them by
// position, and nothing but <type>=<value> lines: without these nobody can say what was meant.
func Parse(data []byte) (*Description, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("%w: %d octets, limit %d", ErrTooBig, len(data), MaxSize)
	}
	if bytes.IndexByte(data, 0) >= 0 {
		return nil, fmt.Errorf("%w: NUL octet", ErrSyntax)
	}
	p := parser{d: &Description{}}
	for rest := string(data); rest != ""; {
		var line string
		if i := strings.IndexAny(rest, "\r\n"); i >= 0 {
			line, rest = rest[:i], rest[i+1:]
		} else {
			line, rest = rest, ""
		}
		if line = strings.TrimRight(line, blanks); line == "" {
			continue
		}
		if p.lines++; p.lines > MaxLines {
			return nil, fmt.Errorf("%w: more than %d lines", ErrTooBig, MaxLines)
		}
		if err := p.line(line); err != nil {
			return nil, err
		}
	}
	if err := p.complete(); err != nil {
		return nil, err
	}
	p.d.fill()
	return p.d, nil
}

// A parser is the state between two lines.
type parser struct {
	d            *Description
	lines        int
	origin, name bool // o= and s= were there
}

// complete reports what the description lacks. RFC 8866 section 5.7: there is a c= for the
// session or for each medium.
func (p *parser) complete() error {
	switch {
	case p.lines == 0:
		return fmt.Errorf("%w: empty", ErrSyntax)
	case !p.origin:
		return fmt.Errorf("%w: no o=", ErrSyntax)
	case !p.name:
		return fmt.Errorf("%w: no s=", ErrSyntax)
	}
	for i, m := range p.d.Media {
		switch {
		case m.Port == 0:
		case len(m.Formats) == 0:
			return fmt.Errorf("%w: m=%.20s without a format", ErrSyntax, m.Kind)
		case p.d.Address(i).Host == "":
			return fmt.Errorf("%w: no c= for m=%.20s", ErrSyntax, m.Kind)
		}
	}
	return nil
}

func (p *parser) line(line string) error {
	line = strings.TrimLeft(line, blanks)
	if p.lines == 1 {
		if kind, value, _ := strings.Cut(line, "="); kind != "v" || strings.Trim(value, blanks) != "0" {
			return fmt.Errorf("%w: begins with %.20q, want v=0", ErrSyntax, line)
		}
		return nil
	}
	if len(line) < 2 || line[1] != '=' {
		return fmt.Errorf("%w: line %.20q", ErrSyntax, line)
	}
	value := line[2:]
	connection, bandwidth, attributes := &p.d.Connection, &p.d.Bandwidth, &p.d.Attributes
	if n := len(p.d.Media); n > 0 {
		m := &p.d.Media[n-1]
		connection, bandwidth, attributes = &m.Connection, &m.Bandwidth, &m.Attributes
	}
	switch line[0] {
	case 'o':
		p.d.Origin, p.origin = parseOrigin(value), true
	case 's':
		p.name = true
		p.d.Name = strings.TrimLeft(value, blanks)
	case 'c':
		if *connection == (Address{}) { // several are a layered multicast session's: the first
			*connection = parseAddress(value)
		}
	case 'b':
		*bandwidth = append(*bandwidth, strings.TrimLeft(value, blanks))
	case 'a':
		name, v, has := strings.Cut(strings.TrimLeft(value, blanks), ":")
		*attributes = append(*attributes, Attribute{strings.TrimRight(name, blanks), v, has})
	case 'm':
		m, err := parseMedia(value)
		if err != nil {
			return err
		}
		if len(p.d.Media) == MaxMedia {
			return fmt.Errorf("%w: more than %d m= lines", ErrTooBig, MaxMedia)
		}
		p.d.Media = append(p.d.Media, m)
	}
	return nil
}

// parseMedia reads <media> <port>[/<number of ports>] <proto> <fmt> ….
func parseMedia(value string) (Media, error) {
	var m Media
	var port string
	m.Kind, value = cutField(value)
	port, value = cutField(value)
	m.Proto, value = cutField(value)
	number, count, several := strings.Cut(port, "/")
	var ok bool
	if m.Port, ok = decimal(number, 65535); !ok {
		return m, fmt.Errorf("%w: port %.20q of m=%.20s", ErrSyntax, port, m.Kind)
	}
	if m.Ports, ok = decimal(count, 65535); several && !ok {
		return m, fmt.Errorf("%w: port %.20q of m=%.20s", ErrSyntax, port, m.Kind)
	}
	for value != "" {
		var format string
		if format, value = cutField(value); len(m.Formats) == MaxFormats {
			return m, fmt.Errorf("%w: more than %d formats of m=%.20s", ErrTooBig, MaxFormats, m.Kind)
		}
		m.Formats = append(m.Formats, format)
	}
	if m.Proto == "" {
		return m, fmt.Errorf("%w: m=%.20s without a protocol", ErrSyntax, m.Kind)
	}
	return m, nil
}

// parseOrigin reads <username> <sess-id> <sess-version> <address>; what is missing stays empty.
func parseOrigin(value string) (o Origin) {
	o.User, value = cutField(value)
	o.ID, value = cutField(value)
	o.Version, value = cutField(value)
	o.Address = parseAddress(value)
	return o
}

func parseAddress(value string) (a Address) {
	a.Net, value = cutField(value)
	a.Type, value = cutField(value)
	a.Host, _ = cutField(value)
	return a
}

// fill puts in what every description must have, so that one that lacked it is written whole.
func (d *Description) fill() {
	or := func(s *string, value string) {
		if *s == "" {
			*s = value
		}
	}
	address := func(a *Address) {
		or(&a.Net, "IN")
		or(&a.Type, "IP4")
		or(&a.Host, "0.0.0.0")
	}
	or(&d.Name, "-")
	or(&d.Origin.User, "-")
	or(&d.Origin.ID, "0")
	or(&d.Origin.Version, "0")
	address(&d.Origin.Address)
	if d.Connection != (Address{}) {
		address(&d.Connection)
	}
	for i := range d.Media {
		m := &d.Media[i]
		if len(m.Formats) == 0 {
			m.Formats = []string{"0"}
		}
		if m.Connection != (Address{}) {
			address(&m.Connection)
		}
	}
}
