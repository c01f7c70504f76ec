package faxback

import (
	"encoding/binary"
	"fmt"
	"slices"
	"unicode/utf8"

	"tipring/internal/aaa"
)

// A question is a request before its attributes have numbers.
type question struct {
	pair     *pair
	key      key
	password *string
	session  *string
	fields   []field
	fault    error // what was asked for cannot be a key at all
}

// A key is what User-Name asks about, and the bound of this use.
type key struct {
	value    string
	bound    attribute
	optional bool // left out when empty
}

// A field is one of FaxBack's attributes in a request.
type field struct {
	name   string
	text   string
	raw    []byte // of octets
	number *uint32
}

func (q *question) text(name, value string) {
	q.fields = append(q.fields, field{name: name, text: value})
}

func (q *question) number(name string, value uint32) {
	q.fields = append(q.fields, field{name: name, number: &value})
}

// encode writes the attributes in FaxBack's order: the selector, User-Name,
// User-Password, Acct-Session-Id, then each of FaxBack's own.
func (q question) encode(d *Dictionary) (aaa.Attributes, error) {
	if q.fault != nil {
		return nil, q.fault
	}
	selector, err := q.selector(d)
	if err != nil {
		return nil, err
	}
	all := aaa.Attributes{selector}
	if q.key.value != "" || !q.key.optional {
		if all, err = addStandard(all, aaa.UserName, &q.key.bound, q.key.value); err != nil {
			return nil, err
		}
	}
	if q.password != nil {
		if all, err = addStandard(all, aaa.UserPassword, &userPassword, *q.password); err != nil {
			return nil, err
		}
	}
	if q.session != nil {
		required := sessionID
		required.min = 1
		if all, err = addStandard(all, aaa.AcctSessionID, &required, *q.session); err != nil {
			return nil, err
		}
	}
	for _, f := range q.fields {
		if all, err = f.encode(d, all); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// selector is command and context together in one Vendor-Specific attribute.
func (q question) selector(d *Dictionary) (aaa.Attribute, error) {
	command, ok1 := d.Number("FB-Command")
	context, ok2 := d.Number("FB-Context")
	if !ok1 || !ok2 {
		return aaa.Attribute{}, fmt.Errorf("%w: FB-Command and FB-Context are in every request", ErrNotNumbered)
	}
	return aaa.VSA(d.Vendor,
		aaa.SubAttribute{Vendor: d.Vendor, Type: command, Value: fourOctets(uint32(q.pair.command))},
		aaa.SubAttribute{Vendor: d.Vendor, Type: context, Value: fourOctets(uint32(q.pair.context))}), nil
}

func fourOctets(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

func addStandard(all aaa.Attributes, t byte, bound *attribute, value string) (aaa.Attributes, error) {
	if err := bound.check(value); err != nil {
		return nil, err
	}
	if len(value) > aaa.MaxValue {
		return nil, &BoundError{bound.name, fmt.Sprintf("at most %d octets", aaa.MaxValue), fmt.Sprintf("%d octets", len(value))}
	}
	return append(all, aaa.Attribute{Type: t, Value: []byte(value)}), nil
}

// encode adds the field alone in its Vendor-Specific attribute, or a text that is too
// long for one in several, cut between characters.
func (f field) encode(d *Dictionary, all aaa.Attributes) (aaa.Attributes, error) {
	n, ok := d.Number(f.name)
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrNotNumbered, f.name)
	}
	values, err := f.values()
	if err != nil {
		return nil, err
	}
	for _, v := range values {
		all = append(all, aaa.VSA(d.Vendor, aaa.SubAttribute{Vendor: d.Vendor, Type: n, Value: v}))
	}
	return all, nil
}

func (f field) values() ([][]byte, error) {
	a := attributeNamed(f.name)
	switch {
	case f.number != nil:
		if a.known != nil && !slices.Contains(a.known, *f.number) {
			return nil, &BoundError{f.name, fmt.Sprintf("one of %v", a.known), fmt.Sprint(*f.number)}
		}
		return [][]byte{fourOctets(*f.number)}, nil
	case f.raw != nil:
		return [][]byte{f.raw}, nil
	}
	if err := a.check(f.text); err != nil {
		return nil, err
	}
	return split([]byte(f.text)), nil
}

// split cuts UTF-8 into parts that fit one Vendor-Specific attribute each.
func split(s []byte) [][]byte {
	var parts [][]byte
	for len(s) > aaa.MaxVendorSub {
		cut := aaa.MaxVendorSub
		for !utf8.RuneStart(s[cut]) {
			cut--
		}
		parts, s = append(parts, s[:cut:cut]), s[cut:]
	}
	return append(parts, s)
}
