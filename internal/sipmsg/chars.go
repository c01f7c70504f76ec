package sipmsg

// Character classes of RFC 3261 section 25.1, one bit each.
const (
	tokenChar    = 1 << iota // token
	userChar                 // unreserved and user-unreserved: unescaped in the user part
	passwordChar             // unreserved and what password adds
	paramChar                // unreserved and param-unreserved: unescaped in a URI parameter
	hostChar                 // hostname, with the underscore that some networks use
	schemeChar               // scheme, after its first letter
	valueChar                // an unquoted parameter value, as lenient as separators allow
	uriChar                  // anything a URI may be written with here, escapes aside
	headerChar               // unreserved and hnv-unreserved: unescaped in a URI's headers
	telChar                  // userChar and the # of a tel number (RFC 3966 section 3)
)

var classes = func() (t [256]uint16) {
	add := func(class uint16, chars string) {
		for i := range len(chars) {
			t[chars[i]] |= class
		}
	}
	const alnum = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	const unreserved = alnum + "-_.!~*'()"
	add(tokenChar, alnum+"-.!%*_+`'~")
	add(userChar, unreserved+"&=+$,;?/")
	add(telChar, unreserved+"&=+$,/#")
	add(passwordChar, unreserved+"&=+$,")
	add(paramChar, unreserved+"[]/:&+$")
	add(headerChar, unreserved+"[]/?:+$")
	add(hostChar, alnum+"-._")
	add(schemeChar, alnum+"+-.")
	for c := 0x21; c < 0x100; c++ {
		switch c {
		case 0x7f, '"', '<', '>':
		default:
			t[c] |= uriChar
			if c != ';' && c != ',' && c != '\\' {
				t[c] |= valueChar
			}
		}
	}
	return t
}()

func is(c byte, class uint16) bool { return classes[c]&class != 0 }

// all reports that s is not empty and made of that class alone.
func all(s string, class uint16) bool {
	for i := range len(s) {
		if classes[s[i]]&class == 0 {
			return false
		}
	}
	return s != ""
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// number reads decimal digits and nothing else, up to max.
func number(s string, max int64) (n int64, ok bool) {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return 0, false
		}
		digit := int64(s[i] - '0')
		if n > (max-digit)/10 {
			return 0, false
		}
		n = n*10 + digit
	}
	return n, s != ""
}

// trim takes blanks off both ends: SP and HT, the only white space of a header value.
func trim(s string) string {
	for s != "" && isBlank(s[0]) {
		s = s[1:]
	}
	for s != "" && isBlank(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

// controlled reports a control character other than the tab. A quoted pair may hold
// one (RFC 3261 section 25.1: "\" (%x00-09 / %x0B-0C / %x0E-7F)), CR and LF never.
func controlled[T string | []byte](s T) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x20 && c != '\t' || c == 0x7f {
			if c == '\r' || c == '\n' || i == 0 || s[i-1] != '\\' {
				return true
			}
		}
	}
	return false
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case isDigit(c):
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// escapeAt reports that s holds a complete %HH at i.
func escapeAt(s string, i int) bool {
	if i+2 >= len(s) || s[i] != '%' {
		return false
	}
	_, ok1 := hexDigit(s[i+1])
	_, ok2 := hexDigit(s[i+2])
	return ok1 && ok2
}

// appendEscaped writes s with every byte outside the class as %HH.
func appendEscaped(b []byte, s string, class uint16) []byte {
	for i := range len(s) {
		if is(s[i], class) {
			b = append(b, s[i])
		} else {
			b = appendHex(b, s[i])
		}
	}
	return b
}

func appendHex(b []byte, c byte) []byte {
	const digits = "0123456789ABCDEF"
	return append(b, '%', digits[c>>4], digits[c&15])
}

// unescape replaces each %HH by its byte and leaves what is no escape alone.
func unescape(s string) string {
	i := 0
	for i < len(s) && s[i] != '%' {
		i++
	}
	if i == len(s) {
		return s
	}
	b := append(make([]byte, 0, len(s)), s[:i]...)
	for ; i < len(s); i++ {
		if escapeAt(s, i) {
			hi, _ := hexDigit(s[i+1])
			lo, _ := hexDigit(s[i+2])
			b = append(b, hi<<4|lo)
			i += 2
		} else {
			b = append(b, s[i])
		}
	}
	return string(b)
}

// appendQuoted writes s as a quoted-string. A backslash goes before what would end
// or break it; a control character is legal in a quoted pair only.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	for i := range len(s) {
		if c := s[i]; c == '"' || c == '\\' || c < 0x20 && c != '\t' || c == 0x7f {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return append(b, '"')
}

// unquote takes the backslashes out of what stood between two quotation marks.
func unquote(s string) string {
	i := 0
	for i < len(s) && s[i] != '\\' {
		i++
	}
	if i == len(s) {
		return s
	}
	b := append(make([]byte, 0, len(s)), s[:i]...)
	for ; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b = append(b, s[i])
	}
	return string(b)
}
