package dhcp

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// readDhclient reads ISC dhclient's log of leases (dhclient.leases(5)), as far as it can:
// what comes before a block that is cut short counts.
func readDhclient(f file) ([]Found, error) {
	const opening = "\nlease {"
	if f.cut {
		f.data = f.data[max(0, bytes.Index(f.data, []byte(opening))):]
	}
	var found []Found
	s := leaseScanner{rest: f.data}
	for {
		words, end, err := s.statement()
		switch {
		case err != nil:
			return found, fmt.Errorf("damaged: %w", err)
		case end == 0:
			return found, nil
		case end == '{' && len(words) == 1 && words[0].text == "lease":
			l, err := s.lease(f)
			if err != nil {
				return found, fmt.Errorf("damaged: %w", err)
			}
			found = append(found, l)
		case end == '{':
			if err := s.skipBlock(); err != nil {
				return found, fmt.Errorf("damaged: %w", err)
			}
		}
	}
}

// lease reads the statements of one lease up to its closing brace.
func (s *leaseScanner) lease(f file) (Found, error) {
	l := Found{Options: Options{}, Obtained: f.mod}
	var lifetime time.Duration
	for {
		words, end, err := s.statement()
		switch {
		case err != nil:
			return l, err
		case end == '}':
			if lifetime > 0 && !l.Expires.IsZero() {
				l.Obtained = l.Expires.Add(-lifetime)
			}
			return l, nil
		case end != ';':
			return l, errors.New("a lease has no end")
		}
		switch {
		case len(words) == 2 && words[0].text == "interface":
			l.Interface = words[1].text
		case len(words) == 2 && words[0].text == "filename":
			l.Options.unlessSet(optBootFile, words[1].text)
		case len(words) == 2 && words[0].text == "server-name":
			l.Options.unlessSet(optServer, words[1].text)
		case len(words) > 1 && words[0].text == "expire":
			l.Expires, err = leaseDate(words[1:])
		case len(words) > 2 && words[0].text == "option" && words[1].text == "dhcp-lease-time":
			n, _ := strconv.ParseUint(words[2].text, 10, 31)
			lifetime = time.Duration(n) * time.Second
		case len(words) > 2 && words[0].text == "option":
			err = l.dhclientOption(words[1].text, words[2:])
		}
		if err != nil {
			return l, err
		}
	}
}

// dhclientNames are its names for our options (dhcp-options(5)); others are unknown-N.
var dhclientNames = map[string]byte{
	"vendor-encapsulated-options": optVendor,
	"tftp-server-name":            optServer,
	"bootfile-name":               optBootFile,
	"vivso":                       optIdentified,
	"tftp-server-address":         optTFTP,
	"v4-captive-portal":           optURL160, // RFC 7710, before it moved to 114
}

// dhclientOption takes an option statement's value.
func (l *Found) dhclientOption(name string, words []leaseWord) error {
	code, ok := dhclientNames[name]
	if !ok && name == "v4-portparams" {
		// RFC 7618 has option 159 for something else, four octets long, and dhclient
		// cuts whatever comes to them.
		l.Lost = append(l.Lost, optURL159)
		return nil
	}
	if !ok {
		number, found := strings.CutPrefix(name, "unknown-")
		if !found {
			number, found = strings.CutPrefix(name, "option-")
		}
		n, err := strconv.ParseUint(number, 10, 8)
		if !found || err != nil {
			return nil
		}
		code = byte(n)
	}
	var v []byte
	for _, w := range words {
		octets, err := w.octets()
		if err != nil {
			return fmt.Errorf("option %s: %w", name, err)
		}
		v = append(v, octets...)
	}
	if len(v) > maxValue {
		return fmt.Errorf("option %s: too long", name)
	}
	l.Options[code] = v
	return nil
}

// leaseDate reads "W YYYY/MM/DD HH:MM:SS" in UTC, "epoch SECONDS" or "never", which is zero.
func leaseDate(words []leaseWord) (time.Time, error) {
	switch {
	case len(words) == 1 && words[0].text == "never":
		return time.Time{}, nil
	case len(words) == 2 && words[0].text == "epoch":
		if n, err := strconv.ParseInt(words[1].text, 10, 64); err == nil && n >= 0 && n < 1<<40 {
			return time.Unix(n, 0), nil
		}
	case len(words) == 3:
		if t, err := time.Parse("2006/01/02 15:04:05", words[1].text+" "+words[2].text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errors.New("a date cannot be read")
}

// A leaseWord is a word or a string of dhclient's.
type leaseWord struct {
	text   string
	quoted bool
}

// octets is the value that a string, an address or colon-separated hex octets stand for.
func (w leaseWord) octets() ([]byte, error) {
	if w.quoted {
		return []byte(w.text), nil
	}
	if a, err := netip.ParseAddr(w.text); err == nil && a.Is4() {
		b := a.As4()
		return b[:], nil
	}
	var v []byte
	for octet := range strings.SplitSeq(w.text, ":") {
		n, err := strconv.ParseUint(octet, 16, 8)
		if err != nil {
			return nil, errors.New("neither text, address nor hex octets")
		}
		v = append(v, byte(n))
	}
	return v, nil
}

// A leaseScanner cuts dhclient's text into statements.
type leaseScanner struct {
	rest []byte
}

// statement reads words up to a semicolon or a brace, which is its end; 0 is the text's.
func (s *leaseScanner) statement() (words []leaseWord, end byte, err error) {
	const most = 2000 // words
	for {
		s.blanks()
		if len(s.rest) == 0 {
			if len(words) > 0 {
				return nil, 0, errors.New("the last statement has no end")
			}
			return nil, 0, nil
		}
		switch c := s.rest[0]; c {
		case ';', '{', '}':
			s.rest = s.rest[1:]
			return words, c, nil
		case ',':
			s.rest = s.rest[1:]
			continue
		}
		w, err := s.word()
		if err != nil {
			return nil, 0, err
		}
		if words = append(words, w); len(words) > most {
			return nil, 0, errors.New("a statement without end")
		}
	}
}

// blanks skips white space and comments.
func (s *leaseScanner) blanks() {
	for {
		s.rest = bytes.TrimLeft(s.rest, " \t\r\n")
		if len(s.rest) == 0 || s.rest[0] != '#' {
			return
		}
		_, s.rest, _ = bytes.Cut(s.rest, []byte("\n"))
	}
}

func (s *leaseScanner) word() (leaseWord, error) {
	if s.rest[0] == '"' {
		return s.quoted()
	}
	n := bytes.IndexAny(s.rest, " \t\r\n;{},\"")
	if n < 0 {
		n = len(s.rest)
	}
	w := leaseWord{text: string(s.rest[:n])}
	s.rest = s.rest[n:]
	return w, nil
}

// quoted reads a string: \ooo is an octet in octal, \ before another character itself.
func (s *leaseScanner) quoted() (leaseWord, error) {
	var text []byte
	for i := 1; i < len(s.rest); i++ {
		switch c := s.rest[i]; c {
		case '"':
			s.rest = s.rest[i+1:]
			return leaseWord{string(text), true}, nil
		case '\\':
			if i+3 < len(s.rest) {
				if n, err := strconv.ParseUint(string(s.rest[i+1:i+4]), 8, 8); err == nil {
					text, i = append(text, byte(n)), i+3
					continue
				}
			}
			if i++; i < len(s.rest) {
				text = append(text, s.rest[i])
			}
		default:
			text = append(text, c)
		}
	}
	return leaseWord{}, errors.New("a string has no end")
}

// skipBlock skips to the brace that closes the block just opened, over those inside.
func (s *leaseScanner) skipBlock() error {
	for depth := 1; depth > 0; {
		_, end, err := s.statement()
		switch {
		case err != nil:
			return err
		case end == 0:
			return errors.New("a block has no end")
		case end == '{':
			depth++
		case end == '}':
			depth--
		}
	}
	return nil
}
