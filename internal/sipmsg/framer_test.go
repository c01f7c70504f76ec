package sipmsg

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// next is what Next returns, in one comparable line.
func next(f *Framer) string {
	m, keepalive, err := f.Next()
	switch {
	case err != nil:
		var e *Error
		if !errors.As(err, &e) {
			return "strange error"
		}
		s := fmt.Sprint(e.Code)
		if e.Fatal {
			s += " fatal"
		}
		if m != nil {
			s += " " + m.Method
		}
		return s
	case m != nil:
		return m.String()
	}
	return keepalive.String()
}

const options = "OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\n" +
	"To: <sip:h>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"

func TestFramer(t *testing.T) {
	noLength := strings.Replace(options, "Content-Length: 0\r\n", "", 1)
	tests := []struct {
		name  string
		feeds []string
		want  []string // after all feeds
	}{
		{"two messages in one read", []string{invite + options}, []string{"INVITE sip:600@pbx.example", "OPTIONS sip:h", "none"}},
		{"one message in pieces", []string{invite[:10], invite[10:300], invite[300:]}, []string{"INVITE sip:600@pbx.example", "none"}},
		{"an unfinished body", []string{invite[:len(invite)-1]}, []string{"none", "none"}},
		{"a ping, RFC 5626 section 4.4.1", []string{"\r\n\r\n"}, []string{"ping", "none"}},
		{"a pong", []string{"\r\n"}, []string{"pong", "none"}},
		{"a ping that is not whole yet", []string{"\r\n\r"}, []string{"none"}},
		{"a ping in four pieces", []string{"\r", "\n\r", "\n"}, []string{"ping", "none"}},
		{"pings before and after a message", []string{"\r\n\r\n" + options + "\r\n\r\n\r\n" + options}, []string{"ping", "OPTIONS sip:h", "ping", "pong", "OPTIONS sip:h", "none"}},
		{"a line end before a message", []string{"\r\n" + options}, []string{"pong", "OPTIONS sip:h", "none"}},
		{"a bad message, then a good one", []string{strings.Replace(options, "CSeq: 1", "CSeq: x", 1) + options}, []string{"400 OPTIONS", "OPTIONS sip:h", "none"}},
		{"a bad response, then a good message", []string{strings.Replace(options, "OPTIONS sip:h SIP/2.0", "SIP/2.0 777 No", 1) + options}, []string{"0", "OPTIONS sip:h", "none"}},
		{"no Content-Length", []string{noLength + options}, []string{"400 fatal OPTIONS", "400 fatal", "400 fatal"}},
		{"nothing after an error", []string{noLength, options, "\r\n\r\n"}, []string{"400 fatal OPTIONS", "400 fatal"}},
		{"Content-Length that is no number", []string{strings.Replace(options, "Length: 0", "Length: five", 1)}, []string{"400 fatal OPTIONS"}},
		{"Content-Length below zero", []string{strings.Replace(options, "Length: 0", "Length: -1", 1)}, []string{"400 fatal OPTIONS"}},
		{"Content-Length of 2^64", []string{strings.Replace(options, "Length: 0", "Length: 18446744073709551616", 1)}, []string{"400 fatal OPTIONS"}},
		{"Content-Length of 2^62", []string{strings.Replace(options, "Length: 0", "Length: 4611686018427387904", 1)}, []string{"513 fatal OPTIONS"}},
		{"Content-Length above the limit", []string{strings.Replace(options, "Length: 0", "Length: 65537", 1)}, []string{"513 fatal OPTIONS"}},
		{"Content-Length, compact and folded", []string{strings.Replace(options, "Content-Length: 0", "L \t:\r\n\t 5", 1) + "12345" + options}, []string{"OPTIONS sip:h", "OPTIONS sip:h", "none"}},
		{"Content-Length in another header's value", []string{strings.Replace(noLength, "Call-ID", "Subject: x\r\n Content-Length: 0\r\nCall-ID", 1)}, []string{"400 fatal OPTIONS"}},
		{"two lengths that agree", []string{strings.Replace(options, "Content-Length: 0", "l: 0\r\nContent-Length: 0", 1)}, []string{"400 fatal OPTIONS"}},
		{"an answer to nothing, too long", []string{"SIP/2.0 200 OK\r\nContent-Length: 99999\r\n\r\n"}, []string{"0 fatal"}},
		{"an ACK without a length", []string{strings.ReplaceAll(noLength, "OPTIONS", "ACK")}, []string{"0 fatal"}},
		{"a head that does not end", []string{options[:20] + strings.Repeat("x", MaxStream)}, []string{"0 fatal"}},
		{"a TLS client hello", []string{"\x16\x03\x01\x02\x00"}, []string{"0 fatal", "0 fatal"}},
		{"a web browser with a length", []string{"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n" + options}, []string{"0 fatal", "0 fatal"}},
		{"a web browser", []string{"GET / HTTP/1.1\r\nHost: h\r\n\r\n"}, []string{"0 fatal"}},
		{"a carriage return alone", []string{"\rX"}, []string{"0 fatal"}},
		{"a line feed alone", []string{"\n"}, []string{"0 fatal"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var f Framer
			for _, s := range tt.feeds {
				f.Feed([]byte(s))
			}
			for i, want := range tt.want {
				if got := next(&f); got != want {
					t.Errorf("result %d: got %q, want %q", i, got, want)
				}
			}
		})
	}
}

// The same stream gives the same results however it is cut.
func TestFramerAnyCut(t *testing.T) {
	data := "\r\n" + invite + options + "\r\n\r\n" + strings.Replace(options, "CSeq: 1", "CSeq: x", 1) + invite
	want := []string{"INVITE sip:600@pbx.example", "OPTIONS sip:h", "400 OPTIONS", "INVITE sip:600@pbx.example"}
	for step := 1; step <= len(data); step++ {
		var f Framer
		var got []string
		for rest := data; rest != ""; {
			n := min(step, len(rest))
			f.Feed([]byte(rest[:n]))
			rest = rest[n:]
			for s := next(&f); s != "none"; s = next(&f) {
				if s != "ping" && s != "pong" { // a ping that is cut in two is two pongs
					got = append(got, s)
				}
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("in steps of %d: got %q, want %q", step, got, want)
		}
	}
}

// Feed keeps a copy: the caller's buffer is used again for the next read.
func TestFramerCopies(t *testing.T) {
	buf := []byte(invite)
	var f Framer
	f.Feed(buf[:len(buf)-3])
	tail := bytes.Clone(buf[len(buf)-3:])
	clear(buf)
	f.Feed(tail)
	m, _, err := f.Next()
	clear(tail)
	if err != nil || string(m.Body) != "v=0\r\n" || m.CallID != "3848276298220188511@192.0.2.7" {
		t.Errorf("got %v, %v", m, err)
	}
}

// A connection that ends between two messages was closed; within one it was cut.
func TestFramerPartial(t *testing.T) {
	for data, want := range map[string]bool{"": false, options: false, "\r\n": false, "\r\n\r\n": false, options[:9]: true, options + "O": true, "\x00": false} {
		var f Framer
		f.Feed([]byte(data))
		for m, keepalive, err := f.Next(); m != nil || keepalive != NoKeepalive; m, keepalive, err = f.Next() {
			if err != nil {
				t.Fatal(err)
			}
		}
		if got := f.Partial(); got != want {
			t.Errorf("%q: got %v", data, got)
		}
	}
}

// Octets are searched once, however they come, and an idle connection holds no buffer.
func TestFramerWork(t *testing.T) {
	var f Framer
	head := []byte(options[:len(options)-2] + "X: " + strings.Repeat("y", MaxStream/2))
	for i := range head {
		f.Feed(head[i : i+1])
		if got := next(&f); got != "none" {
			t.Fatalf("after %d octets: %s", i, got)
		}
		if want := max(0, i+1-3); f.scan != want {
			t.Fatalf("after %d octets %d are searched, want %d", i+1, f.scan, want)
		}
	}
	f.Feed([]byte("\r\n\r\n"))
	if got := next(&f); got != "OPTIONS sip:h" {
		t.Fatal(got)
	}
	if got := next(&f); got != "none" || cap(f.buf) != 0 {
		t.Errorf("got %s, and %d octets are held", got, cap(f.buf))
	}
}
