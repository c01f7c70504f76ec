package pdf

import (
	"errors"
	"fmt"
	"io"
	"strconv"
)

// What a file may say, at most.
const (
	maxSide     = 1 << 17 // pels
	maxDepth    = 32      // of objects in objects, references to references, pages in pages
	maxElements = 1 << 16 // of an object with all that is in it
	maxToken    = 1 << 14 // octets of a name, number or string
	maxObjects  = 1 << 17
	maxContent  = 1 << 18 // octets of what draws a page
	maxUnpacked = 1 << 22 // octets of a stream of objects or of their places
)

// The objects of PDF are nil, bool, float64, name, text, array, dict, ref, keyword and *stream.
type (
	name    string
	text    string
	keyword string
	array   []any
	dict    map[name]any
	ref     struct{ number, generation int }
)

// A stream is a dictionary and the place of the octets that belong to it.
type stream struct {
	dict
	at int64
}

// A lexer reads objects from a place in a file on.
type lexer struct {
	in     io.ReaderAt
	at     int64 // of window[0]
	window []byte
	next   int
	buffer [1024]byte
	spare  int // elements that may still come
	err    error
}

func newLexer(in io.ReaderAt, at int64) *lexer { return &lexer{in: in, at: at, spare: maxElements} }

func (l *lexer) offset() int64 { return l.at + int64(l.next) }

// peek returns the next octet; 0 and false at the end.
func (l *lexer) peek() (byte, bool) {
	if l.next == len(l.window) {
		l.at += int64(len(l.window))
		n, err := l.in.ReadAt(l.buffer[:], l.at)
		l.window, l.next = l.buffer[:n], 0
		if n == 0 {
			if err != nil && !errors.Is(err, io.EOF) && l.err == nil {
				l.err = err
			}
			return 0, false
		}
	}
	return l.window[l.next], true
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == 0
}

func isDelimiter(c byte) bool {
	switch c {
	case '(', ')', '<', '>', '[', ']', '{', '}', '/', '%':
		return true
	}
	return false
}

// skipSpace skips white space and comments.
func (l *lexer) skipSpace() {
	comment := false
	for {
		c, ok := l.peek()
		switch {
		case !ok:
			return
		case c == '%':
			comment = true
		case c == '\n' || c == '\r':
			comment = false
		case !comment && !isSpace(c):
			return
		}
		l.next++
	}
}

var errSyntax = errors.New("not the syntax of PDF")

func (l *lexer) syntax() error {
	if l.err != nil {
		return l.err
	}
	if _, ok := l.peek(); !ok {
		return io.ErrUnexpectedEOF
	}
	return fmt.Errorf("octet %d: %w", l.offset(), errSyntax)
}

// object reads an object without looking for references: keyword R remains one.
func (l *lexer) object(depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("octet %d: objects more than %d deep", l.offset(), maxDepth)
	}
	l.skipSpace()
	c, ok := l.peek()
	switch {
	case !ok:
		return nil, l.syntax()
	case c == '/':
		l.next++
		s, err := l.regular()
		return name(unescape(s)), err
	case c == '(':
		return l.literal()
	case c == '[':
		l.next++
		return l.array(depth)
	case c == '<':
		l.next++
		if c, _ := l.peek(); c == '<' {
			l.next++
			return l.dict(depth)
		}
		return l.hex()
	case isDelimiter(c):
		return nil, l.syntax()
	}
	s, err := l.regular()
	if err != nil {
		return nil, err
	}
	return word(s), nil
}

// word tells numbers, true, false and null from operators.
func word(s string) any {
	switch s {
	case "true":
		return true
	case "false":
		return false
	case "null":
		return nil
	}
	if c := s[0]; c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.' {
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			return f
		}
	}
	return keyword(s)
}

// regular reads up to a space or delimiter.
func (l *lexer) regular() (string, error) {
	var token []byte
	for {
		c, ok := l.peek()
		if !ok || isSpace(c) || isDelimiter(c) {
			return string(token), l.err
		}
		if len(token) == maxToken {
			return "", l.syntax()
		}
		token = append(token, c)
		l.next++
	}
}

// unescape reads the #xx of names.
func unescape(s string) string {
	var out []byte
	for i := 0; i < len(s); i++ {
		if s[i] == '#' && i+2 < len(s) {
			if v, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				out = append(out, byte(v))
				i += 2
				continue
			}
		}
		out = append(out, s[i])
	}
	return string(out)
}

// literal reads a string in brackets, which may nest.
func (l *lexer) literal() (any, error) {
	var s []byte
	for depth := 0; ; {
		c, ok := l.peek()
		if !ok || len(s) == maxToken {
			return nil, l.syntax()
		}
		l.next++
		switch c {
		case '(':
			if depth++; depth == 1 {
				continue
			}
		case ')':
			if depth--; depth == 0 {
				return text(s), nil
			}
		case '\\':
			v, some := l.escape()
			if !some {
				continue
			}
			c = v
		}
		s = append(s, c)
	}
}

// escape reads what follows a backslash: an octet, or none.
func (l *lexer) escape() (v byte, some bool) {
	c, _ := l.peek()
	l.next = min(l.next+1, len(l.window))
	switch c {
	case 'n':
		return '\n', true
	case 'r':
		return '\r', true
	case 't':
		return '\t', true
	case 'b':
		return '\b', true
	case 'f':
		return '\f', true
	case '\n':
		return 0, false
	case '\r':
		if c, _ := l.peek(); c == '\n' {
			l.next++
		}
		return 0, false
	}
	if c < '0' || c > '7' {
		return c, true
	}
	v = c - '0'
	for range 2 {
		c, _ := l.peek()
		if c < '0' || c > '7' {
			break
		}
		v = v<<3 | (c - '0')
		l.next++
	}
	return v, true
}

func (l *lexer) hex() (any, error) {
	var digits []byte
	for {
		c, ok := l.peek()
		if !ok || len(digits) == maxToken {
			return nil, l.syntax()
		}
		l.next++
		if c == '>' {
			break
		}
		if !isSpace(c) {
			digits = append(digits, c)
		}
	}
	if len(digits)&1 != 0 {
		digits = append(digits, '0')
	}
	out := make([]byte, len(digits)/2)
	for i := range out {
		v, err := strconv.ParseUint(string(digits[2*i:2*i+2]), 16, 8)
		if err != nil {
			return nil, l.syntax()
		}
		out[i] = byte(v)
	}
	return text(out), nil
}

// elements reads objects up to a closing bracket and makes references of "n g R".
func (l *lexer) elements(depth int, end byte) (array, error) {
	var a array
	for {
		l.skipSpace()
		if c, ok := l.peek(); ok && c == end {
			l.next++
			return a, nil
		}
		if l.spare--; l.spare < 0 {
			return nil, fmt.Errorf("octet %d: more than %d elements in an object", l.offset(), maxElements)
		}
		o, err := l.object(depth + 1)
		if err != nil {
			return nil, err
		}
		if o == keyword("R") && len(a) >= 2 {
			r, ok := toRef(a[len(a)-2], a[len(a)-1])
			if !ok {
				return nil, l.syntax()
			}
			a, o = a[:len(a)-2], r
		}
		a = append(a, o)
	}
}

func toRef(number, generation any) (ref, bool) {
	n, ok := whole(number)
	g, also := whole(generation)
	return ref{n, g}, ok && also && n > 0 && n < maxObjects && g >= 0 && g <= 65535
}

// whole returns a number that is an integer of 31 bits.
func whole(o any) (int, bool) {
	f, ok := o.(float64)
	if !ok || f != float64(int32(max(-1<<31, min(f, 1<<31-1)))) {
		return 0, false
	}
	return int(f), true
}

func (l *lexer) array(depth int) (any, error) {
	a, err := l.elements(depth, ']')
	return a, err
}

func (l *lexer) dict(depth int) (any, error) {
	a, err := l.elements(depth, '>')
	if err != nil {
		return nil, err
	}
	if c, _ := l.peek(); c != '>' || len(a)&1 != 0 {
		return nil, l.syntax()
	}
	l.next++
	d := make(dict, len(a)/2)
	for i := 0; i < len(a); i += 2 {
		key, ok := a[i].(name)
		if !ok {
			return nil, l.syntax()
		}
		d[key] = a[i+1]
	}
	return d, nil
}
