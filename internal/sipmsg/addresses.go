package sipmsg

import "strings"

// addressFields has gosip read the addresses.
func (r *reading) addressFields() {
	h, m := &r.h, r.m
	if len(h.lines) == 0 {
		h.plainStart()
	}
	if vias := r.values(hVia); vias != nil {
		var err error
		if m.Via, err = h.vias(vias); err != nil {
			r.malformed(hVia, err)
		}
	} else {
		r.fail(bad("missing Via"))
	}
	m.From = r.party(hFrom)
	m.To = r.party(hTo)
	m.Contact = r.contacts()
	m.Route = r.addresses(hRoute)
	m.RecordRoute = r.addresses(hRecordRoute)
	r.fill()
	m.RequestURI.Headers = "" // RFC 3261 section 19.1.1 forbids them there; 4475 3.1.2.11: ignore
	r.echoVia()
	r.echo(hFrom, &m.From)
	r.echo(hTo, &m.To)
}

func (r *reading) party(name string) Addr {
	value, ok := r.lookup(name)
	if !ok {
		r.fail(bad("missing " + name))
		return Addr{}
	}
	a, err := r.h.party(name, value)
	if err != nil {
		r.malformed(name, err)
	}
	return a
}

// contacts reads the Contact lines. A lone * is for a REGISTER that takes back all
// bindings (RFC 3261 section 10.2.2).
func (r *reading) contacts() []Addr {
	value, _ := r.lookup(hContact)
	if value != "*" {
		return r.addresses(hContact)
	}
	if r.m.IsRequest() && r.m.Method != REGISTER || len(r.values(hContact)) > 1 {
		r.fail(bad("malformed Contact: * out of place"))
	}
	return []Addr{{URI: Wildcard}}
}

func (r *reading) addresses(name string) []Addr {
	values := r.values(name)
	if values == nil {
		return nil
	}
	list, err := r.h.addresses(name, values)
	if err != nil {
		r.malformed(name, err)
	}
	return list
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
