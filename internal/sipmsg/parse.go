package sipmsg

import (
	"bytes"
	"strings"
)

// Parse reads the message that is one datagram (RFC 3261 sections 7 and 18.3).
//
// An error is an *Error. When a response could be sent (the message is a request
// other than ACK, and its Via can be read) its Code is the status for it, and the
// message comes along as far as it was understood, good enough for Response. A From
// or To that cannot be read is kept there as text, to be echoed. Otherwise the Code
// is 0 and the message nil.
func Parse(data []byte) (*Message, error) {
	for bytes.HasPrefix(data, crlf) {
		data = data[2:]
	}
	return parse(data, datagram)
}

// carrier is what a message came by.
type carrier bool

const (
	datagram carrier = false
	stream   carrier = true
)

func (c carrier) limit() int {
	if c == stream {
		return MaxStream
	}
	return MaxDatagram
}

var (
	crlf     = []byte("\r\n")
	crlfcrlf = []byte("\r\n\r\n")
)

// A reading is a message on its way from text to values, with the first thing that
// was found wrong. It goes on after that, for the sake of the answer.
type reading struct {
	m        *Message
	fields   []Field // all of them, long names
	response bool
	err      *Error
	h        head
}

func (r *reading) fail(e *Error) {
	if r.err == nil {
		r.err = e
	}
}

func (r *reading) malformed(name string, err error) {
	r.fail(bad("malformed " + name + ": " + err.Error()))
}

func parse(data []byte, by carrier) (*Message, error) {
	r := reading{m: new(Message)}
	r.h.b = make([]byte, 0, 512)
	var room [32]Field
	r.fields = room[:0]
	end := bytes.Index(data, crlfcrlf)
	text, body := data, []byte(nil)
	if end >= 0 {
		text, body = data[:end+2], data[end+4:]
	}
	rest := string(text)
	line, rest := cutLine(rest)
	if err := r.startLine(line); err != nil {
		return nil, err
	}
	if end < 0 {
		r.fail(bad("no empty line after the header fields"))
	}
	if len(data) > by.limit() {
		r.fail(&Error{Code: 513, Reason: Phrase(513)})
	}
	r.readFields(rest)
	r.plainFields()
	r.addressFields()
	r.body(body, by)
	r.keepRest()
	return r.result()
}

// result decides what becomes of a message in error.
func (r *reading) result() (*Message, error) {
	switch {
	case r.err == nil:
		return r.m, nil
	case r.response, r.m.Method == ACK, len(r.m.Via) == 0:
		r.err.Code = 0
		return nil, r.err
	}
	return r.m, r.err
}

// startLine tells a request from a response and from what is no SIP at all; only the
// last is an error here.
func (r *reading) startLine(line string) *Error {
	if len(line) >= 4 && strings.EqualFold(line[:4], "SIP/") {
		r.response = true
		r.statusLine(line)
		return nil
	}
	// RFC 3261 section 7.1: Method SP Request-URI SP SIP-Version
	method, rest, _ := strings.Cut(line, " ")
	if !all(method, tokenChar) {
		return &Error{Reason: "neither a request nor a response", Fatal: true}
	}
	trimmed := strings.TrimRight(rest, " \t\r\n")
	sp := strings.LastIndexAny(trimmed, " \t\r\n")
	if sp < 0 || len(trimmed)-sp < 5 || !strings.EqualFold(trimmed[sp+1:sp+5], "SIP/") {
		return &Error{Reason: "neither a request nor a response", Fatal: true}
	}
	r.m.Method = method
	uri := trimmed[:sp]
	switch {
	case trimmed != rest, strings.ContainsAny(uri, " \t\r\n"):
		r.fail(bad("white space in the request line"))
	}
	r.version(trimmed[sp+1:])
	u, err := r.h.requestURI(trim(uri))
	if err != nil {
		r.malformed(hRequestURI, err)
	} else {
		r.m.RequestURI = u
	}
	return nil
}

// statusLine reads SIP-Version SP Status-Code SP Reason-Phrase (RFC 3261 section 7.2).
func (r *reading) statusLine(line string) {
	version, rest, _ := strings.Cut(line, " ")
	r.version(version)
	code, phrase, _ := strings.Cut(rest, " ")
	n, ok := number(code, 699)
	if !ok || len(code) != 3 || n < 100 {
		r.fail(bad("bad status code"))
	}
	if controlled(phrase) {
		r.fail(bad("control character in the reason phrase"))
	}
	r.m.StatusCode, r.m.Reason = int(n), phrase
}

func (r *reading) version(v string) {
	if strings.EqualFold(v, "SIP/2.0") {
		return
	}
	major, minor, _ := strings.Cut(v[4:], ".")
	_, ok1 := number(major, 1<<62)
	_, ok2 := number(minor, 1<<62)
	if ok1 && ok2 {
		r.fail(&Error{Code: 505, Reason: Phrase(505)})
	} else {
		r.fail(bad("malformed SIP version"))
	}
}

// cutLine takes the first line and its continuations (RFC 3261 section 7.3.1), with
// the line ends still in it, off the text.
func cutLine(text string) (line, rest string) {
	for from := 0; ; {
		n := strings.Index(text[from:], "\r\n")
		if n < 0 {
			return text, ""
		}
		from += n + 2
		if from >= len(text) || !isBlank(text[from]) {
			return text[:from-2], text[from:]
		}
	}
}

// unfold makes one blank of each line end with the white space after it.
func unfold(s string) string {
	if strings.Index(s, "\r\n") < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\r' || i+1 >= len(s) || s[i+1] != '\n' {
			b = append(b, s[i])
			continue
		}
		for i++; i+1 < len(s) && isBlank(s[i+1]); i++ {
		}
		b = append(b, ' ')
	}
	return string(b)
}

// readFields splits the lines into names and values.
func (r *reading) readFields(text string) {
	for text != "" {
		var line string
		line, text = cutLine(text)
		colon := strings.IndexByte(line, ':')
		if colon < 0 {
			r.fail(bad("header line without a colon"))
			continue
		}
		// RFC 3261 section 7.3.1 allows white space before the colon.
		end := colon
		for end > 0 && isBlank(line[end-1]) {
			end--
		}
		if !all(line[:end], tokenChar) {
			r.fail(bad("malformed header name"))
			continue
		}
		if len(r.fields) == MaxHeaderFields {
			r.fail(&Error{Code: 513, Reason: "too many header fields"})
			return
		}
		f := Field{Name: canonical(line[:end]), Value: trim(unfold(line[colon+1:]))}
		if controlled(f.Value) {
			r.fail(bad("control character in a header field"))
			continue
		}
		if single(f.Name) && r.has(f.Name) {
			r.fail(bad("more than one " + f.Name))
			continue
		}
		r.fields = append(r.fields, f)
	}
}

func (r *reading) has(name string) bool {
	_, ok := r.lookup(name)
	return ok
}

func (r *reading) lookup(name string) (string, bool) {
	for i := range r.fields {
		if r.fields[i].Name == name {
			return r.fields[i].Value, true
		}
	}
	return "", false
}

// values collects the lines of one name.
func (r *reading) values(name string) (vs []string) {
	for i := range r.fields {
		if r.fields[i].Name == name {
			vs = append(vs, r.fields[i].Value)
		}
	}
	return vs
}

// plainFields reads Call-ID, CSeq and Max-Forwards.
func (r *reading) plainFields() {
	id, _ := r.lookup(hCallID)
	switch {
	case id == "":
		r.fail(bad("missing Call-ID"))
	case strings.ContainsAny(id, " \t") || controlled(id):
		r.fail(bad("malformed Call-ID"))
	default:
		r.m.CallID = id
	}
	cseq, ok := r.lookup(hCSeq)
	if !ok {
		r.fail(bad("missing CSeq"))
	} else {
		r.cseq(cseq)
	}
	if hops, ok := r.lookup(hMaxForwards); ok && !r.response {
		if _, ok := number(hops, 255); !ok {
			r.fail(bad("malformed Max-Forwards"))
		}
	}
}

func (r *reading) cseq(value string) {
	cseq, ok := parseCSeq(value)
	if !ok {
		r.fail(bad("malformed CSeq"))
		return
	}
	r.m.CSeq = cseq
	if !r.response && cseq.Method != r.m.Method {
		r.mismatch()
	}
}

// parseCSeq reads 1*DIGIT LWS Method, the number below 2**31 (RFC 3261 section 8.1.1.5).
func parseCSeq(value string) (CSeq, bool) {
	s := scanner{s: value}
	digits := s.until(" \t")
	s.blanks()
	method := s.run(tokenChar)
	n, ok := number(digits, 1<<31-1)
	if !ok || method == "" || !s.end() {
		return CSeq{}, false
	}
	return CSeq{uint32(n), method}, true
}

// mismatch answers a CSeq of another method than the request's. RFC 4475 section
// 3.1.2.18: of a method that is not known, 501 says more.
func (r *reading) mismatch() {
	e := bad("CSeq method does not match the request")
	if !known(r.m.Method) {
		e.Code = 501
	}
	r.fail(e)
}

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

// body applies RFC 3261 section 18.3: octets beyond Content-Length are discarded,
// a body short of it is an error, and without one the datagram's end is the body's.
func (r *reading) body(rest []byte, by carrier) {
	if value, ok := r.lookup(hContentLength); ok {
		n, ok := number(value, 1<<62)
		if !ok {
			r.fail(bad("malformed Content-Length"))
			return
		}
		if n > int64(len(rest)) {
			r.fail(bad("body shorter than Content-Length"))
			return
		}
		rest = rest[:n]
	} else if by == stream {
		r.fail(bad("missing Content-Length"))
		return
	}
	if len(rest) > 0 {
		r.m.Body = append([]byte(nil), rest...)
	}
}

// keepRest makes the message's Header of the fields that are nowhere else in it.
func (r *reading) keepRest() {
	n := 0
	for i := range r.fields {
		if !modelled(r.fields[i].Name) {
			n++
		}
	}
	if n == 0 {
		return
	}
	r.m.Header = make(Header, 0, n)
	for i := range r.fields {
		if !modelled(r.fields[i].Name) {
			r.m.Header = append(r.m.Header, r.fields[i])
		}
	}
}
