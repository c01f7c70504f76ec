package syslog

import (
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds of a message. RFC 5426 section 3.2 has every receiver take 1180 octets over IPv6
// and wants 2048; a datagram that is not fragmented on Ethernet holds less than 1500.
const (
	maxMessage = 1400
	maxText    = 400 // of MSG
	maxCommon  = 500 // of the parameters of a logger
	maxHost    = 255 // of HOSTNAME (RFC 5424 section 6)
	maxName    = 32  // of PARAM-NAME
)

const nilValue = "-"

// element is the SD-ID of the attributes. There is no enterprise number of this program's
// own; 32473 is the one for examples (RFC 5612).
const element = "tipring@32473"

// local0 is the facility (RFC 5424 table 1).
const local0 = 16

// severity is that of a level (RFC 5424 table 2).
func severity(l slog.Level) int {
	switch {
	case l >= slog.LevelError:
		return 3
	case l >= slog.LevelWarn:
		return 4
	case l >= slog.LevelInfo:
		return 6
	}
	return 7
}

// headOf is APP-NAME, PROCID and MSGID.
func headOf(app string) string {
	return fmt.Sprintf(" %s %d %s ", word(app, 48), os.Getpid(), nilValue)
}

// word keeps what HOSTNAME, APP-NAME and names are made of: printable ASCII without blanks.
func word(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '_'
		}
		return r
	}, s)
	return s[:min(len(s), most)]
}

// format makes a message of a record: group and attrs are those of its logger. What finds no
// room is cut, and what comes after it left out.
func (s *Sink) format(r slog.Record, group string, attrs []byte) message {
	m := message{before: fmt.Sprintf("<%d>1 %s ", local0*8+severity(r.Level), timestamp(r.Time))}
	text := shortened(clean(r.Message), maxText)
	if !ascii(text) {
		text = "\ufeff" + text // RFC 5424 section 6.4: BOM, then UTF-8
	}
	p := params{text: attrs[:len(attrs):len(attrs)], room: maxMessage - len(m.before) - maxHost - len(s.head) - len(element) - len("[] ") - len(text)}
	r.Attrs(func(a slog.Attr) bool {
		p.add(group, a)
		return true
	})
	m.after = s.head + p.element() + " " + text
	return m
}

// timestamp is RFC 5424 section 6.2.3's.
func timestamp(t time.Time) string {
	if t.IsZero() {
		return nilValue
	}
	return t.Format("2006-01-02T15:04:05.000000Z07:00")
}

// params are the SD-PARAMs of a message (RFC 5424 section 6.3.3).
type params struct {
	text []byte
	room int // of text, in octets
}

// element is STRUCTURED-DATA.
func (p *params) element() string {
	if len(p.text) == 0 {
		return nilValue
	}
	return "[" + element + string(p.text) + "]"
}

// add adds an attribute; of a group those in it, with its name before theirs.
func (p *params) add(group string, a slog.Attr) {
	v := a.Value.Resolve()
	switch {
	case v.Kind() == slog.KindGroup:
		if a.Key != "" {
			group += a.Key + "."
		}
		for _, inner := range v.Group() {
			p.add(group, inner)
		}
	case a.Key != "":
		p.param(group+a.Key, textOf(v))
	}
}

// param adds one, cut short where there is no room for all of it.
func (p *params) param(name, value string) {
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`="]`, r) {
			return '_'
		}
		return r
	}, word(name, maxName))
	room := p.room - len(p.text) - len(name) - len(` =""`)
	if room < 0 {
		return
	}
	p.text = fmt.Appendf(p.text, ` %s="%s"`, name, escape(clean(value), room))
}

// textOf is a value in words.
func textOf(v slog.Value) string {
	if v.Kind() == slog.KindTime {
		return v.Time().Format("2006-01-02T15:04:05.000Z07:00")
	}
	if v.Kind() == slog.KindFloat64 {
		return strconv.FormatFloat(v.Float64(), 'g', -1, 64)
	}
	return fmt.Sprint(v.Any())
}

// clean is text as UTF-8 without control characters, of which a receiver might make lines
// of their own.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || 0x80 <= r && r < 0xa0 || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}

// escape puts a backslash before what ends a PARAM-VALUE, and keeps to room.
func escape(s string, room int) string {
	var b strings.Builder
	for _, r := range s {
		special := r == '"' || r == '\\' || r == ']'
		need := utf8.RuneLen(r)
		if special {
			need++
		}
		if b.Len()+need > room {
			break
		}
		if special {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// shortened is the beginning of a text, in whole characters.
func shortened(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}
