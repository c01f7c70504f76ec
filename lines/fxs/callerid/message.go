package callerid

import (
	"strings"
	"time"
	"unicode/utf8"
)

// Message types and parameters of GR-30 and EN 300 659-3.
const (
	singleCall    = 0x04
	singleWaiting = 0x06
	multiCall     = 0x80
	multiWaiting  = 0x82

	paramTime         = 0x01
	paramNumber       = 0x02
	paramNoNumber     = 0x04
	paramName         = 0x07
	paramNoName       = 0x08
	paramVisual       = 0x0B
	paramCallType     = 0x11
	voiceCall         = 0x01
	reasonPrivate     = 'P'
	reasonUnavailable = 'O'
)

// maxNumber is the longest number that EN 300 659-3 shows.
const maxNumber = 20

// Call returns what is sent about a caller: the octets of a message with its checksum, or the
// keys of DTMF.
func (s *Standard) Call(c Caller) []byte {
	number, name := digits(c.Number), plain(c.Name)
	if number == "" && name == "" {
		name = plain(c.Number) // sip:alice@…
	}
	if c.Private || c.Unavailable {
		number = ""
	}
	reason := byte(reasonUnavailable)
	if c.Private {
		reason, name = reasonPrivate, ""
	}
	switch {
	case s.Modem == DTMF:
		return []byte(s.keys.of(number, c.Private))
	case s.single && number == "":
		return seal(singleCall, append(clock(nil, c.At), reason))
	case s.single:
		return seal(singleCall, append(clock(nil, c.At), number...))
	}
	var b []byte
	if s.callType {
		b = append(b, paramCallType, 1, voiceCall)
	}
	if !c.At.IsZero() {
		b = clock(append(b, paramTime, 8), c.At)
	}
	if number != "" {
		b = param(b, paramNumber, number)
	} else {
		b = append(b, paramNoNumber, 1, reason)
	}
	switch {
	case name != "":
		b = param(b, paramName, name[:min(len(name), s.longName)])
	case c.Private:
		b = append(b, paramNoName, 1, reason)
	}
	return seal(multiCall, b)
}

// Waiting returns the message that lights the lamp of waiting messages, or puts it out; nil if
// the standard has none.
func (s *Standard) Waiting(on bool) []byte {
	switch {
	case s.Modem == DTMF:
		return nil
	case s.single && on:
		return seal(singleWaiting, []byte{0x42, 0x42, 0x42}) // GR-1401
	case s.single:
		return seal(singleWaiting, []byte{0x6F, 0x6F, 0x6F})
	case on:
		return seal(multiWaiting, []byte{paramVisual, 1, 0xFF})
	}
	return seal(multiWaiting, []byte{paramVisual, 1, 0})
}

//go:noinline
func (k *keys) of(number string, private bool) string {
	number = strings.Map(func(c rune) rune {
		if c < '0' || c > '9' {
			return -1 // * and # may end a number
		}
		return c
	}, number)
	switch {
	case private:
		return k.private
	case number == "":
		return k.unavailable
	}
	return k.start + number + k.stop
}

// clock adds MMDDHHMM. The single data message format cannot do without: the first of January
// stands there for a time that is not known.
//
//go:noinline
func clock(b []byte, t time.Time) []byte { return t.AppendFormat(b, "01021504") }

//go:noinline
func param(b []byte, kind byte, text string) []byte {
	return append(append(b, kind, byte(len(text))), text...)
}

// seal puts type and length in front and the checksum behind: the sum of all octets is 0.
func seal(kind byte, body []byte) []byte {
	b := append([]byte{kind, byte(len(body))}, body...)
	sum := byte(0)
	for _, c := range b {
		sum += c
	}
	return append(b, -sum)
}

// digits returns the number if it is one, without what only makes it readable.
//
//go:noinline
func digits(number string) string {
	b := make([]byte, 0, maxNumber)
	for i := range len(number) {
		switch c := number[i]; {
		case c >= '0' && c <= '9' || c == '*' || c == '#':
			if len(b) < maxNumber {
				b = append(b, c)
			}
		case strings.IndexByte("+-.() /", c) < 0:
			return "" // a name
		}
	}
	return string(b)
}

// latin1 are the letters from U+00C0 to U+00FF without their marks.
const latin1 = "AAAAAAACEEEEIIIIDNOOOOOxOUUUUYTsaaaaaaaceeeeiiiidnooooo/ouuuuyty"

// plain returns a name in the characters that every telephone can show; empty if it has none.
//
//go:noinline
func plain(name string) string {
	var b []byte
	shown := false
	for _, c := range name {
		switch {
		case c >= ' ' && c < 0x7F:
			b = append(b, byte(c))
			shown = shown || c != ' '
		case c >= 0xC0 && c <= 0xFF:
			b = append(b, latin1[c-0xC0])
			shown = true
		case c != utf8.RuneError:
			b = append(b, '?')
		}
	}
	if !shown {
		return ""
	}
	return string(b)
}
