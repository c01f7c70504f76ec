package sipmsg

import (
	"fmt"
	"strconv"
)

// Append writes the message to b: start line, Via, Route, Record-Route, Max-Forwards,
// From, To, Call-ID, CSeq, Contact, the other fields in their order, Content-Length
// and the body. It refuses a message that lacks what RFC 3261 section 8.1.1 demands,
// and any value that would end its line early: what comes from a configuration or a
// peer must not be able to add a header. An error response (4xx to 6xx) may lack
// From, To, Call-ID and CSeq, as the request it answers may have done.
func (m *Message) Append(b []byte) ([]byte, error) {
	start := len(b)
	w := writer{b: b}
	w.startLine(m)
	if len(m.Via) == 0 {
		w.fail(hVia, "missing")
	}
	for i := range m.Via {
		w.name(hVia)
		w.b = m.Via[i].append(w.b)
		w.params(hVia, m.Via[i].Params)
		if !m.Via[i].complete() {
			w.fail(hVia, "incomplete or malformed")
		}
		w.endLine(hVia)
	}
	w.addrs(hRoute, m.Route)
	w.addrs(hRecordRoute, m.RecordRoute)
	for i := range m.Header {
		if sameName(m.Header[i].Name, hMaxForwards) {
			w.field(hMaxForwards, m.Header[i].Value)
		}
	}
	optional := m.StatusCode >= 400
	w.party(hFrom, m.From, optional)
	w.party(hTo, m.To, optional)
	if m.CallID != "" {
		w.field(hCallID, m.CallID)
	} else if !optional {
		w.fail(hCallID, "missing")
	}
	if m.CSeq.Method != "" {
		w.name(hCSeq)
		w.b = strconv.AppendUint(w.b, uint64(m.CSeq.Seq), 10)
		w.b = append(append(w.b, ' '), m.CSeq.Method...)
		w.endLine(hCSeq)
	} else if !optional {
		w.fail(hCSeq, "missing")
	}
	w.addrs(hContact, m.Contact)
	for i := range m.Header {
		f := &m.Header[i]
		switch {
		case sameName(f.Name, hMaxForwards):
		case modelled(canonical(f.Name)):
			w.fail(canonical(f.Name), "among the other header fields")
		default:
			w.field(f.Name, f.Value)
		}
	}
	w.name(hContentLength)
	w.b = strconv.AppendInt(w.b, int64(len(m.Body)), 10)
	w.b = append(w.b, "\r\n\r\n"...)
	if w.err != nil {
		return b[:start], fmt.Errorf("writing a SIP message: %w", w.err)
	}
	return append(w.b, m.Body...), nil
}

// A writer collects the lines of a head and the first thing wrong with them.
type writer struct {
	b    []byte
	line int // where the current line begins
	err  error
}

func (w *writer) fail(name, why string) {
	if w.err == nil {
		w.err = fmt.Errorf("%s: %s", name, why)
	}
}

func (w *writer) startLine(m *Message) {
	w.line = len(w.b)
	if m.IsRequest() {
		if !all(m.Method, tokenChar) {
			w.fail("method", "not a token")
		}
		if !m.RequestURI.writable() || m.RequestURI.Scheme == "" || m.RequestURI.IsWildcard() {
			w.fail(hRequestURI, "incomplete or malformed")
		}
		w.b = append(append(w.b, m.Method...), ' ')
		w.b = m.RequestURI.append(w.b)
		w.b = append(w.b, " SIP/2.0"...)
	} else {
		if m.StatusCode < 100 || m.StatusCode > 699 {
			w.fail("status code", "not from 100 to 699")
		}
		w.b = append(w.b, "SIP/2.0 "...)
		w.b = strconv.AppendInt(w.b, int64(m.StatusCode), 10)
		w.b = append(append(w.b, ' '), m.Reason...)
	}
	w.endLine("start line")
}

func (w *writer) name(name string) {
	w.line = len(w.b)
	w.b = append(append(w.b, name...), ": "...)
}

func (w *writer) endLine(name string) {
	if controlled(w.b[w.line:]) {
		w.fail(name, "control character")
	}
	w.b = append(w.b, '\r', '\n')
}

func (w *writer) field(name, value string) {
	if !all(name, tokenChar) {
		w.fail(strconv.Quote(name), "no header name")
	}
	w.name(name)
	w.b = append(w.b, value...)
	w.endLine(name)
}

func (w *writer) party(name string, a Addr, optional bool) {
	if a.URI.complete() {
		w.addr(name, a)
	} else if !optional {
		w.fail(name, "missing")
	}
}

func (w *writer) addrs(name string, list []Addr) {
	for i := range list {
		w.addr(name, list[i])
	}
}

func (w *writer) addr(name string, a Addr) {
	if !a.URI.writable() {
		w.fail(name, "incomplete or malformed URI")
	}
	w.name(name)
	w.b = a.append(w.b)
	w.params(name, a.Params)
	w.endLine(name)
}

func (w *writer) params(name string, list Params) {
	for i := range list {
		if !all(list[i].Name, tokenChar) {
			w.fail(name, strconv.Quote(list[i].Name)+" is no parameter name")
		}
	}
	w.b = list.append(w.b)
}

// append writes the parameters of a header.
func (p Params) append(b []byte) []byte {
	for i := range p {
		b = append(append(b, ';'), p[i].Name...)
		if !p[i].HasValue && p[i].Value == "" {
			continue
		}
		b = append(b, '=')
		if p[i].Quoted || p[i].Value != "" && !all(p[i].Value, valueChar) {
			b = appendQuoted(b, p[i].Value)
		} else {
			b = append(b, p[i].Value...)
		}
	}
	return b
}

// append writes the address without its parameters. An unreadable one is written as received.
func (a *Addr) append(b []byte) []byte {
	if a.URI.IsWildcard() {
		return append(b, '*')
	}
	if a.URI.Scheme == "" && a.URI.Opaque != "" {
		return append(b, a.URI.Opaque...)
	}
	if a.Display != "" {
		b = append(appendQuoted(b, a.Display), ' ')
	}
	b = append(b, '<')
	b = a.URI.append(b)
	return append(b, '>')
}

// String is the address as a header has it: "Ann" <sip:ann@example.net>;tag=1.
func (a Addr) String() string { return string(a.Params.append(a.append(nil))) }

func (v *Via) complete() bool {
	return v.raw != "" || all(v.Transport, tokenChar) && (all(v.Host, hostChar) || ipv6(v.Host))
}

// append writes the Via without its parameters. An unreadable one is written as received.
func (v *Via) append(b []byte) []byte {
	if v.raw != "" {
		return append(b, v.raw...)
	}
	if v.Protocol != "" {
		b = append(b, v.Protocol...)
	} else {
		b = append(b, "SIP/2.0"...)
	}
	b = append(append(b, '/'), v.Transport...)
	b = append(b, ' ')
	return appendHostPort(b, v.Host, v.Port)
}

// String is the Via as a header has it: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK1.
func (v Via) String() string { return string(v.Params.append(v.append(nil))) }
