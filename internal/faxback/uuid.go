package faxback

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// A UUID is an account's id where the server's UUID mode is on (manual, page 54).
type UUID [16]byte

// String is the dashed text.
func (u UUID) String() string {
	s := hex.EncodeToString(u[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// UUIDForm is how a UUID is written in an attribute.
type UUIDForm uint8

// The forms.
const (
	UUIDBinary UUIDForm = iota // 16 octets
	UUIDHex                    // 0x and 32 hex digits
	UUIDDashed
)

func (f UUIDForm) bytes(u UUID) []byte {
	switch f {
	case UUIDHex:
		return []byte("0x" + hex.EncodeToString(u[:]))
	case UUIDDashed:
		return []byte(u.String())
	}
	return u[:]
}

// ParseUUID reads the value of FB-Account-UUID or FB-Rcv-Failover-Account-UUID in any
// form; dashed text may stand in braces.
func ParseUUID(value []byte) (UUID, error) {
	var u UUID
	if len(value) == len(u) {
		return UUID(value), nil
	}
	s := string(value)
	if inner, ok := strings.CutPrefix(s, "{"); ok && strings.HasSuffix(inner, "}") {
		s = inner[:len(inner)-1]
	}
	switch {
	case len(s) == 34 && strings.EqualFold(s[:2], "0x"):
		s = s[2:]
	case len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-':
		s = s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:]
	default:
		return u, fmt.Errorf("%d octets: wanted 16 octets, 0x and 32 hex digits, or a dashed UUID", len(value))
	}
	if n, err := hex.Decode(u[:], []byte(s)); err != nil || n != len(u) {
		return UUID{}, fmt.Errorf("wanted hex digits in a UUID")
	}
	return u, nil
}
