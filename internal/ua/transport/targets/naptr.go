package targets

import (
	"encoding/binary"
	"strings"
)

// naptr is a terminal NAPTR record that leads to SRV records (RFC 3263 section 4.1).
type naptr struct {
	order, preference uint16
	service           string // lower case
	replacement       string
}

// parseNAPTR reads the data of a NAPTR record (RFC 3403 section 4.1). It keeps those
// that lead to SRV records, flag "s", as RFC 3263 section 4.1 uses no others.
func parseNAPTR(data []byte) *naptr {
	if len(data) < 4 {
		return nil
	}
	n := naptr{order: binary.BigEndian.Uint16(data), preference: binary.BigEndian.Uint16(data[2:])}
	rest := data[4:]
	var strs [3]string // flags, service, regular expression
	for i := range strs {
		if len(rest) == 0 || len(rest) < 1+int(rest[0]) {
			return nil
		}
		strs[i], rest = string(rest[1:1+int(rest[0])]), rest[1+int(rest[0]):]
	}
	var ok bool
	n.replacement, ok = plainName(rest)
	if !ok || !validName(n.replacement) || !strings.EqualFold(strs[0], "s") || strs[2] != "" {
		return nil
	}
	n.service = strings.ToLower(strs[1])
	return &n
}

// plainName reads a name that is not compressed, which NAPTR's must not be, and that
// fills the rest of the record.
func plainName(data []byte) (string, bool) {
	var labels []string
	for len(data) > 0 {
		n := int(data[0])
		if n == 0 {
			return strings.ToLower(strings.Join(labels, ".")), len(data) == 1
		}
		if n > 63 || len(data) < 1+n {
			return "", false
		}
		labels = append(labels, string(data[1:1+n]))
		data = data[1+n:]
	}
	return "", false
}
