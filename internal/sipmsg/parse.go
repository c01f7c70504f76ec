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
	r.m.head = string(text)
	line, rest := cutLine(r.m.head)
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

func (r *reading) fail(e *Error) {
	if r.err == nil {
		r.err = e
	}
}

func (r *reading) malformed(name string, err error) {
	r.fail(bad("malformed " + name + ": " + err.Error()))
}

func (r *reading) lookup(name string) (string, bool) {
	for i := range r.fields {
		if r.fields[i].Name == name {
			return r.fields[i].Value, true
		}
	}
	return "", false
}

func (r *reading) has(name string) bool {
	_, ok := r.lookup(name)
	return ok
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
