package faxback

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"tipring/internal/aaa"
)

// A Reply is a decoded answer.
type Reply struct {
	Answered    bool // a server answered; else the next six are empty
	Code        aaa.Code
	Server      string // host:port
	Secure      bool   // came by RadSec
	Signed      bool   // held a right Message-Authenticator
	Stored      bool   // the last good answer, from disk
	At          time.Time
	Values      []Value  // in the order of the answer, a split text joined at its first part
	NotNumbered []string // attributes that the answer might hold and the dictionary has no number for

	pair *pair
}

// A Value is one attribute of an answer, what is not known among them.
type Value struct {
	Name    string // Attr-N or Attr-26.VENDOR.N when it is not known
	Octets  []byte // as it came, parts joined
	Text    string // for people: digits, text, a dashed UUID, or 0x and hex digits; secrets are masked
	Meaning string // the name of a flag's value, a time, a time zone; may be empty

	desc *attribute
}

// A decoder puts an answer's attributes into a Reply's values.
type decoder struct {
	dictionary *Dictionary
	pair       *pair
	values     []Value
	fault      error // the first
}

// decode reads the attributes of an answer to a pair's request. With its error come the
// values all the same, to be shown.
func decode(d *Dictionary, attributes aaa.Attributes, p *pair) ([]Value, error) {
	c := decoder{dictionary: d, pair: p}
	for _, a := range attributes {
		c.attribute(a)
	}
	for i := range c.values {
		if err := c.values[i].finish(d); p.has(c.values[i].Name) {
			c.note(err)
		}
	}
	return c.values, c.fault
}

func (c *decoder) note(err error) {
	if err != nil && c.fault == nil {
		c.fault = fmt.Errorf("%w: %w", ErrMalformed, err)
	}
}

func (c *decoder) attribute(a aaa.Attribute) {
	if a.Type != aaa.VendorSpecific {
		c.standard(a)
		return
	}
	subs, err := aaa.Walk(aaa.Attributes{a}, c.dictionary.Vendor)
	c.note(err)
	if len(subs) == 0 {
		c.foreign(a.Value)
	}
	for _, s := range subs {
		c.add(c.dictionary.attribute(s.Type), s.Value, s.Type == c.list())
	}
}

// list is the number of the attribute whose instances are an answer's members, and not
// parts of one value.
func (c *decoder) list() byte {
	if c.pair != &pairDIDs {
		return 0
	}
	n, _ := c.dictionary.Number("FB-DID")
	return n
}

// foreign keeps another vendor's attribute for display.
func (c *decoder) foreign(value []byte) {
	if len(value) < 4 || binary.BigEndian.Uint32(value) == c.dictionary.Vendor {
		return
	}
	name := fmt.Sprintf("Attr-26.%d", binary.BigEndian.Uint32(value))
	c.add(&attribute{name: name, kind: unnamed}, value[4:], true)
}

// standard adds an attribute of the RFCs'.
func (c *decoder) standard(a aaa.Attribute) {
	switch a.Type {
	case aaa.UserName:
		if c.has(userName.name) && !c.pair.repeats {
			c.note(&BoundError{userName.name, "one instance", "several"})
			return
		}
		c.add(&userName, a.Value, true)
	case aaa.ReplyMessage:
		c.add(&replyMessage, a.Value, true)
	case aaa.AcctSessionID:
		c.add(&sessionID, a.Value, true)
	case aaa.UserPassword, tunnelPassword:
		c.values = append(c.values, Value{Name: fmt.Sprintf("Attr-%d", a.Type), Text: mask, desc: &attribute{kind: unnamed}})
	default:
		c.add(&attribute{name: fmt.Sprintf("Attr-%d", a.Type), kind: unnamed}, a.Value, true)
	}
}

// tunnelPassword is a type of RFC 2868.
const tunnelPassword = 69

func (c *decoder) has(name string) bool { return find(c.values, name) != nil }

func find(values []Value, name string) *Value {
	for i := range values {
		if values[i].Name == name {
			return &values[i]
		}
	}
	return nil
}

// add appends a value, or a further part of a text.
func (c *decoder) add(a *attribute, value []byte, apart bool) {
	earlier := find(c.values, a.name)
	switch {
	case apart || earlier == nil || a.kind == unnamed:
		c.values = append(c.values, Value{Name: a.name, Octets: bytes.Clone(value), desc: a})
	case a.kind == text || a.kind == ascii:
		earlier.Octets = append(earlier.Octets, value...)
	case c.pair.has(a.name):
		c.note(&BoundError{a.name, "one instance", "several"})
	}
}

// finish checks a value that is whole, and writes it for people.
func (v *Value) finish(d *Dictionary) error {
	switch {
	case v.Text != "":
		return nil
	case v.desc.kind.isNumber():
		return v.finishNumber(d)
	case v.desc.kind == uuid:
		u, err := ParseUUID(v.Octets)
		if err != nil {
			v.Text = hexText(v.Octets)
			return fmt.Errorf("%s: %w", v.Name, err)
		}
		v.Text = u.String()
	case v.desc.kind == unnamed:
		v.Text = hexText(v.Octets)
	default:
		return v.finishText()
	}
	return nil
}

func (v *Value) finishNumber(d *Dictionary) error {
	if len(v.Octets) != 4 {
		v.Text = hexText(v.Octets)
		return &BoundError{v.Name, "4 octets", fmt.Sprintf("%d octets", len(v.Octets))}
	}
	n := binary.BigEndian.Uint32(v.Octets)
	v.Text = strconv.FormatUint(uint64(n), 10)
	if v.Meaning = d.ValueName(v.Name, n); v.desc.kind == date {
		v.Meaning = time.Unix(int64(n), 0).UTC().Format(time.RFC3339)
	}
	return nil
}

func (v *Value) finishText() error {
	s := string(v.Octets)
	v.Text = s
	switch {
	case !utf8.Valid(v.Octets):
		v.Text = hexText(v.Octets)
	case v.Name == "FB-Provisioning-Arg":
		v.Text = maskArgument(s)
	case v.Name == "FB-Queue-Profile":
		v.Meaning = ParseQueueProfile(s).String()
		return nil // a bad one counts as an empty one
	}
	if s == "" || v.desc == &replyMessage {
		return nil // empty strings are sent where there is nothing to say
	}
	return v.desc.check(s)
}

func hexText(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	return "0x" + hex.EncodeToString(b)
}

// text is the text of an attribute, or "".
func (r *Reply) text(name string) string {
	if v := find(r.Values, name); v != nil {
		return string(v.Octets)
	}
	return ""
}

// number is the value of an integer; ok is false when the answer leaves it out.
func (r *Reply) number(name string) (n uint32, ok bool) {
	v := find(r.Values, name)
	if v == nil || len(v.Octets) != 4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(v.Octets), true
}

// all is every value of a list.
func (r *Reply) all(name string) []string {
	var list []string
	for _, v := range r.Values {
		if v.Name == name && len(v.Octets) > 0 {
			list = append(list, string(v.Octets))
		}
	}
	return list
}
