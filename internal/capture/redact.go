package capture

import "bytes"

// mask is what a secret is overwritten with.
const mask = 'x'

// Redact overwrites the secrets of a SIP message, each octet by an x, so that every length
// stays true: the proofs of digest authentication (RFC 8760) and every other credential, the
// passwords of URIs, the keys of session descriptions (RFC 4568, RFC 4567, k= of RFC 4566),
// and unless digits is set the digits of INFO and KPML. It takes any octets.
func Redact(b []byte, digits bool) {
	urls(b)
	credentials(b)
	// A lone CR begins a line and ends none: so nothing hides behind one.
	for at := 0; at < len(b); {
		end := len(b)
		if n := bytes.IndexByte(b[at:], '\n'); n >= 0 {
			end = at + n + 1
		}
		for at < end {
			line(b, at)
			n := bytes.IndexByte(b[at:end], '\r')
			if n < 0 {
				break
			}
			at += n + 1
		}
		at = end
	}
	if body := bodyOf(b); !digits {
		hideDigits(b[:len(b)-len(body)], body)
	}
}

// bodyOf is what stands behind the first empty line.
func bodyOf(b []byte) []byte {
	for at := 0; at < len(b); {
		n := bytes.IndexByte(b[at:], '\n')
		if n < 0 {
			break
		}
		if len(bytes.TrimRight(b[at:at+n], "\r")) == 0 && at > 0 {
			return b[at+n+1:]
		}
		at += n + 1
	}
	return nil
}

// lineEnd is where the line that begins at at ends, continuations included.
func lineEnd(b []byte, at int) int {
	for {
		n := bytes.IndexByte(b[at:], '\n')
		if n < 0 {
			return len(b)
		}
		at += n + 1
		if at == len(b) || b[at] != ' ' && b[at] != '\t' {
			return at
		}
	}
}

// cover overwrites what is no line end.
func cover(b []byte) {
	for i, c := range b {
		if c != '\r' && c != '\n' {
			b[i] = mask
		}
	}
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func skipBlank(b []byte) []byte {
	for len(b) > 0 && isBlank(b[0]) {
		b = b[1:]
	}
	return b
}

// hasFold reports that b begins with a prefix in lower case, in whatever case.
func hasFold(b []byte, prefix string) bool {
	if len(b) < len(prefix) {
		return false
	}
	for i := range len(prefix) {
		c := b[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != prefix[i] {
			return false
		}
	}
	return true
}

// authHeaders are the header fields that take part in authentication.
var authHeaders = []string{
	"authorization", "proxy-authorization", "www-authenticate", "proxy-authenticate", "authentication-info", "proxy-authentication-info",
}

// line covers the secrets of the line that begins at at: a header field's with what continues
// it (RFC 3261 section 7.3.1), or one of a session description.
func line(b []byte, at int) {
	for at < len(b) && (b[at] == ' ' || b[at] == '\t') {
		at++
	}
	if at == len(b) {
		return
	}
	switch b[at] | 0x20 {
	case 'a', 'k', 'p', 'w':
	default:
		return
	}
	if at+1 < len(b) && b[at+1] == '=' {
		descriptionLine(b[at:lineEnd(b, at)])
		return
	}
	for _, name := range authHeaders {
		if !hasFold(b[at:], name) {
			continue
		}
		rest := skipBlank(b[at+len(name) : lineEnd(b, at)])
		if len(rest) == 0 || rest[0] != ':' {
			continue
		}
		rest = skipBlank(rest[1:])
		if (name == authHeaders[0] || name == authHeaders[1]) && !isDigest(rest) {
			cover(afterWord(rest))
			return
		}
		parameters(rest)
		return
	}
}

// isDigest reports that credentials begin with the word Digest.
func isDigest(b []byte) bool {
	return hasFold(b, "digest") && (len(b) == len("digest") || isBlank(b[len("digest")]))
}

// afterWord is what follows the scheme; all of it, where no scheme stands.
func afterWord(b []byte) []byte {
	for i, c := range b {
		switch {
		case isBlank(c):
			return b[i:]
		case c == '=' || c == ',' || c == '"':
			return b
		}
	}
	return b
}

// harmless are the parameters of authentication that prove nothing. The nonce without its
// response helps nobody.
var harmless = []string{"realm", "nonce", "nextnonce", "uri", "algorithm", "qop", "nc", "opaque", "stale", "domain", "charset", "userhash", "username"}

// parameters covers the values of all parameters but the harmless ones. From where it can no
// longer tell them apart it covers everything.
func parameters(b []byte) {
	for len(b) > 0 {
		eq := bytes.IndexByte(b, '=')
		if eq < 0 {
			return
		}
		keep := isHarmless(lastWord(b[:eq]))
		b = skipBlank(b[eq+1:])
		end, whole := valueEnd(b)
		if !whole {
			cover(b)
			return
		}
		if !keep {
			cover(unquoted(b[:end]))
		}
		if b = skipBlank(b[end:]); len(b) > 0 && b[0] != ',' {
			cover(b) // it belongs to the value, or to nobody knows what
			return
		}
	}
}

// lastWord is the name in front of an equals sign: behind the scheme, or the comma.
func lastWord(b []byte) []byte {
	for len(b) > 0 && isBlank(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b[bytes.LastIndexAny(b, " \t\r\n,")+1:]
}

func isHarmless(name []byte) bool {
	for _, h := range harmless {
		if len(name) == len(h) && hasFold(name, h) {
			return true
		}
	}
	return false
}

// valueEnd is the length of a value, quoted or not; whole is false where a quote is not closed.
func valueEnd(b []byte) (n int, whole bool) {
	if len(b) == 0 || b[0] != '"' {
		if n = bytes.IndexByte(b, ','); n < 0 {
			n = len(b)
		}
		return n, bytes.IndexByte(b[:n], '"') < 0
	}
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1, true
		}
	}
	return len(b), false
}

func unquoted(b []byte) []byte {
	if len(b) >= 2 && b[0] == '"' && b[len(b)-1] == '"' {
		return b[1 : len(b)-1]
	}
	return b
}

// descriptionLine covers the keys of a line of SDP.
func descriptionLine(line []byte) {
	switch value := line[2:]; {
	case line[0]|0x20 == 'k':
		cover(value[bytes.IndexByte(value, ':')+1:])
	case line[0]|0x20 != 'a':
	case hasFold(value, "crypto:"):
		inlineKeys(value[len("crypto:"):])
	case hasFold(value, "key"), hasFold(value, "ice-pwd"): // key-mgmt too
		cover(value[bytes.IndexByte(value, ':')+1:])
	}
}

// inlineKeys covers the keys of a crypto attribute: tag, suite, then "inline:" and the key,
// which its lifetime follows behind a bar (RFC 4568 section 9.2). Of another key method it
// covers all.
func inlineKeys(b []byte) {
	for range 2 {
		b = skipBlank(b)
		for len(b) > 0 && !isBlank(b[0]) {
			b = b[1:]
		}
	}
	for b = skipBlank(b); len(b) > 0; {
		if !hasFold(b, "inline:") {
			cover(b)
			return
		}
		b = b[len("inline:"):]
		end := bytes.IndexAny(b, "|; \t\r\n")
		if end < 0 {
			end = len(b)
		}
		cover(b[:end])
		next := bytes.IndexByte(b, ';')
		if next < 0 {
			return
		}
		b = skipBlank(b[next+1:])
	}
}

// urls covers the passwords of SIP URIs and of URLs, wherever they stand.
func urls(b []byte) {
	clear := 0 // up to here no @ follows
	for at := 0; ; {
		n := bytes.IndexByte(b[at:], ':')
		if n < 0 {
			return
		}
		at += n + 1
		switch {
		case at < clear:
		case bytes.HasPrefix(b[at:], []byte("//")):
			clear = userinfo(b, at+2, " \t\r\n<>\"/?#")
		case endsFold(b[:at-1], "sip"), endsFold(b[:at-1], "sips"):
			clear = userinfo(b, at, " \t\r\n<>\"")
		}
	}
}

// userinfo covers what stands between the first colon and the last @ before one of stops, and
// tells where that one stands.
func userinfo(b []byte, at int, stops string) (stop int) {
	stop = len(b)
	if n := bytes.IndexAny(b[at:], stops); n >= 0 {
		stop = at + n
	}
	end := at + max(0, bytes.LastIndexByte(b[at:stop], '@'))
	if colon := bytes.IndexByte(b[at:end], ':'); colon >= 0 {
		cover(b[at+colon+1 : end])
	}
	return stop
}

// credentials covers what a URI wants put into a header (RFC 3261 section 19.1.1).
func credentials(b []byte) {
	for at := 0; ; {
		n := bytes.IndexByte(b[at:], '=')
		if n < 0 {
			return
		}
		at += n + 1
		if !endsFold(b[:at-1], "authorization") {
			continue
		}
		end := bytes.IndexAny(b[at:], " \t\r\n<>\"&")
		if end < 0 {
			end = len(b) - at
		}
		cover(b[at : at+end])
	}
}

func endsFold(b []byte, suffix string) bool {
	return len(b) >= len(suffix) && hasFold(b[len(b)-len(suffix):], suffix)
}

// hideDigits covers the digits that a request carries: of INFO all but the names and the
// duration, of KPML (RFC 4730) what its attribute says.
func hideDigits(head, body []byte) {
	if len(body) == 0 {
		return
	}
	kind := headerOf(head, "content-type", "c")
	_, method := cseqOf(head)
	switch {
	case containsFold(kind, "kpml"):
		attribute(body, "digits")
	case containsFold(kind, "dtmf"), containsFold(kind, "telephone-event"), containsFold(kind, "digits"),
		(equalFold(method, "info") || hasFold(head, "info ")) && !containsFold(kind, "xml"):
		signals(body)
	}
}

// signals covers a body of lines such as Signal=5, or of a digit alone.
func signals(body []byte) {
	for len(body) > 0 {
		end := bytes.IndexAny(body, "\r\n")
		if end < 0 {
			end = len(body)
		}
		line := body[:end]
		body = body[min(end+1, len(body)):]
		eq := bytes.IndexByte(line, '=')
		if eq < 0 {
			cover(line)
			continue
		}
		if name := bytes.TrimSpace(line[:eq]); !equalFold(name, "duration") || !isNumber(bytes.TrimSpace(line[eq+1:])) {
			cover(line[eq+1:])
		}
		if !isWord(line[:eq]) {
			cover(line[:eq])
		}
	}
}

func isNumber(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// isWord reports letters, blanks and dashes alone.
func isWord(b []byte) bool {
	for _, c := range b {
		if (c|0x20 < 'a' || c|0x20 > 'z') && c != '-' && c != ' ' && c != '\t' {
			return false
		}
	}
	return true
}

// attribute covers the values of an attribute of XML.
func attribute(b []byte, name string) {
	for {
		eq := bytes.IndexByte(b, '=')
		if eq < 0 {
			return
		}
		named := equalFold(lastWord(b[:eq]), name)
		b = skipBlank(b[eq+1:])
		if len(b) == 0 || !named {
			continue
		}
		end := bytes.IndexByte(b[1:], b[0])
		if end < 0 || b[0] != '"' && b[0] != '\'' {
			cover(b)
			return
		}
		cover(b[1 : 1+end])
		b = b[end+2:]
	}
}
