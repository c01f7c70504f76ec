package offer

import "strconv"

// Bytes writes the description. What would end a line inside a value becomes a blank.
func (d *Description) Bytes() []byte {
	w := writer{buf: make([]byte, 0, 512)}
	w.line('v', "0")
	w.line('o', d.Origin.User, d.Origin.ID, d.Origin.Version, d.Origin.Address.Net, d.Origin.Address.Type, d.Origin.Address.Host)
	w.line('s', d.Name)
	w.common(d.Connection, d.Bandwidth, nil)
	w.line('t', "0", "0") // RFC 3264 section 5: the only t= of an offer
	w.attributes(d.Attributes)
	for i := range d.Media {
		m := &d.Media[i]
		port := strconv.Itoa(m.Port)
		if m.Ports > 0 {
			port += "/" + strconv.Itoa(m.Ports)
		}
		w.line('m', append([]string{m.Kind, port, m.Proto}, m.Formats...)...)
		w.common(m.Connection, m.Bandwidth, m.Attributes)
	}
	return w.buf
}

// A writer appends lines to its buffer.
type writer struct{ buf []byte }

func (w *writer) common(c Address, bandwidth []string, attributes Attributes) {
	if c != (Address{}) {
		w.line('c', c.Net, c.Type, c.Host)
	}
	for _, b := range bandwidth {
		w.line('b', b)
	}
	w.attributes(attributes)
}

func (w *writer) attributes(as Attributes) {
	for _, a := range as {
		if a.HasValue {
			w.line('a', a.Name+":"+a.Value)
		} else {
			w.line('a', a.Name)
		}
	}
}

// line writes kind=fields, separated by blanks.
func (w *writer) line(kind byte, fields ...string) {
	w.buf = append(w.buf, kind, '=')
	for i, f := range fields {
		if i > 0 {
			w.buf = append(w.buf, ' ')
		}
		for j := range len(f) {
			switch c := f[j]; c {
			case '\r', '\n', 0:
				w.buf = append(w.buf, ' ')
			default:
				w.buf = append(w.buf, c)
			}
		}
	}
	w.buf = append(w.buf, '\r', '\n')
}
