package faxback

import (
	"fmt"
	"slices"
	"strings"

	"tipring/etc"
)

// A Dictionary gives FaxBack's attributes their numbers and values their names.
type Dictionary struct {
	Vendor uint32 // FaxBack's enterprise number

	numbers map[string]byte // by lower-case name: names compare without case
	entries [256]*entry     // by number
	values  map[string][]namedValue
}

// An entry is one ATTRIBUTE line of FaxBack's.
type entry struct {
	name string
	typ  string // string, octets, integer, date, ipaddr
}

type namedValue struct {
	name  string
	value uint32
}

// Default is the dictionary that the program carries, etc/dictionary.faxback.
func Default() *Dictionary {
	d, err := ParseDictionary("dictionary.faxback", []byte(etc.Dictionary))
	if err != nil {
		panic(err) // it is part of the program
	}
	return d
}

// Number returns the number of one of FaxBack's attributes.
func (d *Dictionary) Number(name string) (byte, bool) {
	n, ok := d.numbers[strings.ToLower(name)]
	return n, ok
}

// Names are all of FaxBack's attributes, whether they have a number or not.
func (*Dictionary) Names() []string {
	names := make([]string, 0, len(attributes))
	for i := range attributes {
		names = append(names, attributes[i].name)
	}
	return names
}

// Name returns the name of a number, in this program's spelling where it knows it.
func (d *Dictionary) Name(n byte) (string, bool) {
	if d.entries[n] == nil {
		return "", false
	}
	return d.entries[n].name, true
}

// ValueName returns the name of a value of an attribute, or "". The values of
// FB-Fax-Capabilities are bits, whose names are joined.
func (d *Dictionary) ValueName(attribute string, value uint32) string {
	named := d.values[strings.ToLower(attribute)]
	for _, v := range named {
		if v.value == value {
			return v.name
		}
	}
	if attribute != "FB-Fax-Capabilities" {
		return ""
	}
	var names []string
	for _, v := range named {
		if v.value != 0 && value&v.value == v.value {
			names = append(names, v.name)
			value &^= v.value
		}
	}
	if value != 0 {
		names = append(names, fmt.Sprintf("0x%x", value))
	}
	return strings.Join(names, "+")
}

// missing lists those of the names that have no number.
func (d *Dictionary) missing(names []string) []string {
	without := []string{}
	for _, name := range names {
		if _, ok := d.Number(name); !ok && strings.HasPrefix(name, "FB-") {
			without = append(without, name)
		}
	}
	return without
}

// attribute describes the attribute with a number: by its name what is known of it,
// else by its type in the dictionary.
func (d *Dictionary) attribute(n byte) *attribute {
	e := d.entries[n]
	if e == nil {
		return &attribute{name: fmt.Sprintf("Attr-26.%d.%d", d.Vendor, n), kind: unnamed}
	}
	if a := attributeNamed(e.name); a != nil {
		return a
	}
	a := &attribute{name: e.name}
	switch e.typ {
	case "integer":
		a.kind = number
	case "date":
		a.kind = date
	case "octets", "ipaddr":
		a.kind = unnamed
	}
	return a
}

// spelled is a name as this program spells it.
func spelled(name string) string {
	i := slices.IndexFunc(attributes, func(a attribute) bool { return strings.EqualFold(a.name, name) })
	if i < 0 {
		return strings.Clone(name)
	}
	return attributes[i].name
}
