package sipmsg

import "strings"

// addressFields has gosip read the addresses.
func (r *reading) addressFields() {
	h, m := &r.h, r.m
	if len(h.lines) == 0 {
		h.plainStart()
	}
	var err error
	if vias := r.values(hVia); vias == nil {
		r.fail(bad("missing Via"))
	} else if m.Via, err = h.vias(vias); err != nil {
		r.malformed(hVia, err)
	}
	if from, ok := r.lookup(hFrom); !ok {
		r.fail(bad("missing From"))
	} else if m.From, err = h.party(hFrom, from); err != nil {
		r.malformed(hFrom, err)
	}
	if to, ok := r.lookup(hTo); !ok {
		r.fail(bad("missing To"))
	} else if m.To, err = h.party(hTo, to); err != nil {
		r.malformed(hTo, err)
	}
	if contacts := r.values(hContact); len(contacts) == 1 && contacts[0] == "*" {
		m.Contact = []Addr{{URI: Wildcard}}
		if m.IsRequest() && m.Method != REGISTER {
			r.fail(bad("Contact * outside REGISTER"))
		}
	} else if contacts != nil {
		if m.Contact, err = h.addresses(hContact, contacts); err != nil {
			r.malformed(hContact, err)
		}
	}
	if routes := r.values(hRoute); routes != nil {
		if m.Route, err = h.addresses(hRoute, routes); err != nil {
			r.malformed(hRoute, err)
		}
	}
	if routes := r.values(hRecordRoute); routes != nil {
		if m.RecordRoute, err = h.addresses(hRecordRoute, routes); err != nil {
			r.malformed(hRecordRoute, err)
		}
	}
	r.fill()
	m.RequestURI.Headers = "" // RFC 3261 section 19.1.1 forbids them there; 4475 3.1.2.11: ignore
	r.echoVia()
	r.echo(hFrom, &m.From)
	r.echo(hTo, &m.To)
}

// fill completes the frames: from the whole head, or, when gosip refuses that, from
// line after line, to find the one it does not take.
func (r *reading) fill() {
	whole, wholeErr := r.h.parse()
	for _, l := range r.h.lines {
		from, err := whole, wholeErr
		if err != nil {
			from, err = r.h.parseLine(l)
		}
		if err == nil {
			err = r.m.fill(l.name, from)
		}
		if err != nil {
			r.fail(bad("malformed " + l.name))
			r.m.unfill(l.name)
		}
	}
}

// echoVia keeps the text of a Via that cannot be read, for the answer, provided that
// the topmost says at least where it came from.
func (r *reading) echoVia() {
	vias := r.values(hVia)
	if r.response || len(r.m.Via) > 0 || len(vias) == 0 || len(vias) > MaxAddresses {
		return
	}
	var h head
	h.plainStart()
	from := len(h.b)
	h.b = append(h.b, "v:"...)
	top, err := h.hop(&scanner{s: vias[0]})
	if err != nil {
		return
	}
	h.endLine(hVia, from)
	list := []Via{top}
	m, err := h.parse()
	if err != nil || fillVias(list, m.Via) != nil {
		return
	}
	list[0].raw = vias[0]
	for _, text := range vias[1:] {
		if text != "" {
			list = append(list, Via{raw: text})
		}
	}
	r.m.Via = list
}

// echo keeps the text of a From or To that cannot be read, for the answer (RFC 3261
// section 8.2.6.2 wants them copied into it).
func (r *reading) echo(name string, a *Addr) {
	text, ok := r.lookup(name)
	if !ok || text == "" || a.URI.complete() {
		return
	}
	if i := strings.LastIndex(text, ";tag="); i >= 0 && all(text[i+5:], tokenChar) {
		a.Params.Set("tag", text[i+5:])
		text = text[:i]
	}
	a.URI = URI{Opaque: text}
}
