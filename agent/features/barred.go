package features

import (
	"fmt"
	"strings"

	"tipring/internal/sipmsg"
)

// Bars tells why a number is not called; nil: it may be.
func (b *Bounds) Bars(to string) error {
	if len(b.Blocked) == 0 && !b.International {
		return nil
	}
	home := homeOf(b.Country)
	for _, form := range home.forms(subscriber(to), deepestCode) {
		if b.International && strings.HasPrefix(form, "+") && !home.has(form) {
			return fmt.Errorf("the line calls no other countries, and %.40s is in one", to)
		}
		for _, prefix := range b.Blocked {
			if strings.HasPrefix(form, home.global(prefix)) || strings.HasPrefix(form, prefix) {
				return fmt.Errorf("numbers that begin with %s are blocked for the line", prefix)
			}
		}
	}
	return nil
}

// subscriber is the number in what is dialled, a URI or an address, without the marks that
// people put between digits (RFC 3966 section 5.1.1).
func subscriber(to string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -.()/", r) {
			return -1
		}
		return r
	}, sipmsg.UserOf(to))
}

// A home is how a country dials.
type home struct {
	exit string // before the number of another country
	code string // of the country; empty: not known
}

// homes are the countries of etc/tones.txt: their exit and their code (ITU-T E.164 and its lists).
const homes = " at00:43 au0011:61 be00:32 br00:55 ca011:1 ch00:41 cn00:86 cz00:420 de00:49 dk00:45 es00:34" +
	" fi00:358 fr00:33 gb00:44 gr00:30 hk00:852 hu00:36 ie00:353 il00:972 in00:91 it00:39 jp010:81 kr00:82" +
	" mx00:52 my00:60 nl00:31 no00:47 nz00:64 pl00:48 pt00:351 ro00:40 ru810:7 se00:46 sg00:65 tr00:90 tw00:886 us011:1 za00:27 "

func homeOf(country string) home {
	if _, rest, ok := strings.Cut(homes, " "+country); ok && len(country) == 2 {
		entry, _, _ := strings.Cut(rest, " ")
		exit, code, _ := strings.Cut(entry, ":")
		return home{exit, code}
	}
	return home{exit: "00"}
}

// has reports a global number of the country.
func (h home) has(number string) bool {
	return h.code != "" && strings.HasPrefix(number, "+"+h.code)
}

// global writes a number of another country with its plus sign.
func (h home) global(number string) string {
	if rest, ok := strings.CutPrefix(number, h.exit); ok && rest != "" {
		return "+" + rest
	}
	return number
}

// deepestCode is how many codes of the server's are looked behind.
const deepestCode = 3

// forms are the ways to write a number: as it is, as a global one, and one of the own country as
// it is dialled there. Codes of the server's in front of it do not hide it.
func (h home) forms(number string, codes int) []string {
	all := []string{number}
	global := h.global(number)
	if global != number {
		all = append(all, global)
	}
	if h.has(global) {
		rest := global[1+len(h.code):]
		all = append(all, rest, "0"+rest, h.code+rest)
	}
	if h.code == "1" && len(number) == 10 {
		all = append(all, "1"+number)
	}
	if codes > 0 && number != "" && (number[0] == '*' || number[0] == '#') {
		for _, n := range []int{3, 4} {
			if len(number) > n {
				all = append(all, h.forms(number[n:], codes-1)...)
			}
		}
	}
	return all
}
