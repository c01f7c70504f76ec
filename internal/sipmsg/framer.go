package sipmsg

import (
	"bytes"
	"strings"
)

// Keepalive is what a stream carries between messages (RFC 5626 section 4.4.1).
type Keepalive uint8

const (
	NoKeepalive Keepalive = iota
	Ping                  // CRLF CRLF: to be answered with one CRLF
	Pong                  // one CRLF: the answer; also what some peers put before a message
)

func (k Keepalive) String() string {
	switch k {
	case Ping:
		return "ping"
	case Pong:
		return "pong"
	}
	return "none"
}

// A Framer cuts the octets of a TCP or TLS connection into messages (RFC 3261 section
// 18.3). It is fed what was read, and asked for the next message until there is none:
//
//	f.Feed(buf[:n])
//	for {
//		m, keepalive, err := f.Next()
//		if m == nil && keepalive == NoKeepalive && err == nil {
//			break // more octets are needed
//		}
//		...
//	}
//
// It holds no more than one message, and nothing at all between messages. A ping the
// two halves of which come in different reads is seen as two pongs.
type Framer struct {
	buf  []byte
	off  int    // where the unread octets begin
	scan int    // how many of those were searched for the empty line
	need int    // length of the message, once its head is complete
	err  *Error // after this the stream makes no sense any more
}

// Feed adds octets that were read. It keeps a copy.
func (f *Framer) Feed(p []byte) {
	if f.err != nil {
		return
	}
	if f.off > 0 {
		f.buf = f.buf[:copy(f.buf, f.buf[f.off:])]
		f.off = 0
	}
	f.buf = append(f.buf, p...)
}

// Next returns the next message or keep-alive. All zero, it needs more octets. An
// error is an *Error as from Parse, with a message beside it when it can be answered.
// If it is Fatal, the connection has to be closed, for where the next message would
// begin is not known; Next then returns it again and again.
func (f *Framer) Next() (*Message, Keepalive, error) {
	if f.err != nil {
		return nil, NoKeepalive, f.err
	}
	b := f.buf[f.off:]
	if len(b) == 0 {
		f.release()
		return nil, NoKeepalive, nil
	}
	if f.need == 0 {
		if b[0] == '\r' {
			return f.blank(b)
		}
		if !is(b[0], tokenChar) {
			return f.broken(nil, &Error{Reason: "no message begins like that"})
		}
		if m, err := f.head(b); err != nil {
			return f.broken(m, err)
		}
	}
	if f.need == 0 || len(b) < f.need {
		return nil, NoKeepalive, nil
	}
	m, err := parse(b[:f.need], stream)
	f.off += f.need
	f.need, f.scan = 0, 0
	if e, ok := err.(*Error); ok && e.Fatal {
		return f.broken(m, e)
	}
	return m, NoKeepalive, err
}

// release gives the buffer back when a long message has made it big.
func (f *Framer) release() {
	f.buf, f.off = f.buf[:0], 0
	if cap(f.buf) > 1024 {
		f.buf = nil
	}
}

// blank reads the CRLFs between two messages.
func (f *Framer) blank(b []byte) (*Message, Keepalive, error) {
	switch {
	case bytes.HasPrefix(b, crlfcrlf):
		f.off += 4
		return nil, Ping, nil
	case bytes.HasPrefix(crlfcrlf, b) && len(b) != 2:
		return nil, NoKeepalive, nil
	case bytes.HasPrefix(b, crlf):
		f.off += 2
		return nil, Pong, nil
	}
	return f.broken(nil, &Error{Reason: "carriage return without a line feed"})
}

// head looks for the end of the head, and from it for the length of the message.
func (f *Framer) head(b []byte) (*Message, *Error) {
	n := bytes.Index(b[f.scan:], crlfcrlf)
	if n < 0 {
		f.scan = max(0, len(b)-3)
		if len(b) > MaxStream {
			return nil, &Error{Reason: "header too long"}
		}
		return nil, nil
	}
	end := f.scan + n + len(crlfcrlf)
	length, ok := contentLength(b[:end])
	if !ok {
		m, err := parse(b[:end], stream)
		if e, is := err.(*Error); is {
			return m, e
		}
		return nil, bad("malformed Content-Length")
	}
	if int64(end)+length > MaxStream {
		m, err := parse(b[:end], stream)
		if m == nil {
			return nil, err.(*Error)
		}
		return m, &Error{Code: 513, Reason: Phrase(513)}
	}
	f.need = end + int(length)
	return nil, nil
}

func (f *Framer) broken(m *Message, err *Error) (*Message, Keepalive, error) {
	fatal := *err
	fatal.Fatal = true
	f.err, f.buf = &fatal, nil
	return m, NoKeepalive, f.err
}

// contentLength finds the one Content-Length of a head, which a stream must have
// (RFC 3261 section 20.14).
func contentLength(head []byte) (length int64, ok bool) {
	for text := string(head); text != ""; {
		var line string
		line, text = cutLine(text)
		colon := strings.IndexByte(line, ':')
		if colon < 0 || line[0]|0x20 != 'c' && line[0]|0x20 != 'l' {
			continue
		}
		name := strings.TrimRight(line[:colon], " \t")
		if !strings.EqualFold(name, hContentLength) && !strings.EqualFold(name, "l") {
			continue
		}
		if ok {
			return 0, false
		}
		if length, ok = number(trim(unfold(line[colon+1:])), 1<<62); !ok {
			return 0, false
		}
	}
	return length, ok
}

// Partial reports that octets of an unfinished message are held: a connection that
// ends now was cut in the middle of it.
func (f *Framer) Partial() bool { return len(f.buf) > f.off }
