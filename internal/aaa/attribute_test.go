package aaa

import (
	"fmt"
	"strings"
	"testing"
)

func TestWalk(t *testing.T) {
	const fb = "\x00\x00\x77\xe6"
	for _, tt := range []struct {
		name string
		vsas []string
		want string // type=value, in order
		bad  bool
	}{
		{"none", nil, "", false},
		{"two packed", []string{fb + "\x01\x06\x00\x00\x00\x07\x02\x06\x00\x00\x00\x05"}, `1="\x00\x00\x00\a" 2="\x00\x00\x00\x05"`, false},
		{"each alone", []string{fb + "\x4b\x061111", fb + "\x4b\x062222"}, `75="1111" 75="2222"`, false},
		{"empty, then another", []string{fb + "\x0b\x02\x13\x03x"}, `11="" 19="x"`, false},
		{"empty at the end", []string{fb + "\x13\x03x\x0b\x02"}, `19="x" 11=""`, false},
		{"repeated in one", []string{fb + "\x4b\x03a\x4b\x03b"}, `75="a" 75="b"`, false},
		{"another vendor's layout", []string{"\x00\x00\x01\xad\x00\x01\x02", fb + "\x13\x03x"}, `19="x"`, false},
		{"vendor and nothing else", []string{fb}, "", false},
		{"too short for a vendor", []string{fb[:3]}, "", true},
		{"no value at all", []string{""}, "", true},
		{"a single octet", []string{fb + "\x01"}, "", true},
		{"length 0", []string{fb + "\x01\x00\x00"}, "", true},
		{"length 1", []string{fb + "\x13\x03x\x01\x01"}, `19="x"`, true},
		{"length past the end", []string{fb + "\x13\x03x\x01\x07\x00\x00\x00\x07"}, `19="x"`, true},
		{"lies in the second attribute", []string{fb + "\x13\x03x", fb + "\x13\xffx", fb + "\x13\x03y"}, `19="x"`, true},
	} {
		attributes := Attributes{{UserName, []byte("n")}}
		for _, v := range tt.vsas {
			attributes = append(attributes, Attribute{VendorSpecific, []byte(v)})
		}
		subs, err := Walk(attributes, FaxBack)
		var got []string
		for _, s := range subs {
			got = append(got, fmt.Sprintf("%d=%q", s.Type, s.Value))
		}
		if text := strings.Join(got, " "); text != tt.want || (err != nil) != tt.bad {
			t.Errorf("%s: %s, %v; want %s, error %v", tt.name, text, err, tt.want, tt.bad)
		}
	}
}

func FuzzWalk(f *testing.F) {
	f.Add([]byte("\x00\x00\x77\xe6\x01\x06\x00\x00\x00\x07\x02\x06\x00\x00\x00\x05"))
	f.Add([]byte("\x00\x00\x77\xe6\x0b\x02\x13\x03x"))
	f.Add([]byte("\x00\x00\x77\xe6\x0b\x01"))
	f.Add([]byte("\x00\x00\x77"))
	f.Fuzz(func(t *testing.T, value []byte) {
		subs, err := Walk(Attributes{{VendorSpecific, value}}, FaxBack)
		if err != nil || len(subs) == 0 {
			return
		}
		if packed := VSA(FaxBack, subs...); string(packed.Value) != string(value) {
			t.Errorf("%x walked and packed again is %x", value, packed.Value)
		}
	})
}
