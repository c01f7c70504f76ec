package t30

import (
	"encoding/hex"
	"strings"
)

// identOctets is the length of the information field of CSI, TSI, CIG, SUB, SID, SEP and PWD
// (clause 5.3.6.2).
const identOctets = 20

// encodeIdent makes such a field: the last digit first, spaces behind. What is neither a
// digit, a space nor in extra is left out, and what is beyond twenty characters.
func encodeIdent(s, extra string) []byte {
	kept := make([]byte, 0, identOctets)
	for _, r := range []byte(s) {
		if len(kept) < identOctets && (r >= '0' && r <= '9' || r == ' ' || strings.IndexByte(extra, r) >= 0) {
			kept = append(kept, r)
		}
	}
	field := make([]byte, identOctets)
	for i := range field {
		field[i] = ' '
		if i < len(kept) {
			field[i] = kept[len(kept)-1-i]
		}
	}
	return field
}

// IdentField is the information field of CSI, TSI and CIG that says s: up to 20 digits, '+' and
// spaces; what else s has is left out.
func IdentField(s string) []byte { return encodeIdent(s, "+") }

// ParseIdent reads the information field of CSI, TSI, CIG, SUB, SID, SEP or PWD as text that is
// safe to show: what is not printable ASCII becomes '?', outer spaces go, and so does what is
// beyond twenty octets.
func ParseIdent(field []byte) string {
	field = field[:min(len(field), identOctets)]
	text := make([]byte, len(field))
	for i, c := range field {
		if c < ' ' || c > '~' {
			c = '?'
		}
		text[len(field)-1-i] = c
	}
	return strings.Trim(string(text), " ")
}

// nsfOctets is how much of a non-standard field is kept: the longest in the field are shorter.
const nsfOctets = 100

// decodeNSF is a non-standard field in hexadecimal.
func decodeNSF(field []byte) string {
	return hex.EncodeToString(field[:min(len(field), nsfOctets)])
}

// take keeps what an identification frame says. It is false for other frames.
func (p *Peer) take(f Frame) bool {
	switch f.FCF {
	case CSI, TSI, CIG:
		p.Ident = ParseIdent(f.Info)
	case SUB:
		p.Subaddress = ParseIdent(f.Info)
	case SEP:
		p.Selective = ParseIdent(f.Info)
	case PWD, SID:
		p.Password = ParseIdent(f.Info)
	case NSF, NSC, NSS:
		p.NSF = decodeNSF(f.Info)
	case CSA:
	default:
		return false
	}
	return true
}
