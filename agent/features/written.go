package features

import "strings"

// marks are what people write between digits. "Visual separators ... are only used for the
// purpose of readability": RFC 3966 section 5.1.1; and blanks.
const marks = " \u00a0-()./"

// Plain is a number that somebody has written, +1 (555) 123-4567, as it is dialled: without its
// marks. An address, and what else has characters that no number has, stays as it is.
func Plain(written string) string {
	plain := strings.Map(func(r rune) rune {
		if strings.ContainsRune(marks, r) {
			return -1
		}
		return r
	}, written)
	if strings.Trim(strings.TrimPrefix(plain, "+"), "0123456789*#") != "" || strings.Trim(plain, "+") == "" {
		return written
	}
	return plain
}
