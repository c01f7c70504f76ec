package sipmsg

import "strings"

// startLine tells a request from a response and from what is no SIP at all; only the
// last is an error here.
func (r *reading) startLine(line string) *Error {
	if len(line) >= 4 && strings.EqualFold(line[:4], "SIP/") {
		r.response = true
		r.statusLine(line)
		return nil
	}
	// RFC 3261 section 7.1: Method SP Request-URI SP SIP-Version
	method, rest, _ := strings.Cut(line, " ")
	if !all(method, tokenChar) {
		return &Error{Reason: "neither a request nor a response", Fatal: true}
	}
	trimmed := strings.TrimRight(rest, " \t\r\n")
	sp := strings.LastIndexAny(trimmed, " \t\r\n")
	if sp < 0 || len(trimmed)-sp < 5 || !strings.EqualFold(trimmed[sp+1:sp+5], "SIP/") {
		return &Error{Reason: "neither a request nor a response", Fatal: true}
	}
	r.m.Method = method
	uri := trimmed[:sp]
	if trimmed != rest || strings.ContainsAny(uri, " \t\r\n") {
		r.fail(bad("white space in the request line"))
	}
	r.version(trimmed[sp+1:])
	u, err := r.h.requestURI(trim(uri))
	if err != nil {
		r.malformed(hRequestURI, err)
	} else {
		r.m.RequestURI = u
	}
	return nil
}

// statusLine reads SIP-Version SP Status-Code SP Reason-Phrase (RFC 3261 section 7.2).
func (r *reading) statusLine(line string) {
	version, rest, _ := strings.Cut(line, " ")
	r.version(version)
	code, phrase, _ := strings.Cut(rest, " ")
	n, ok := number(code, 699)
	if !ok || len(code) != 3 || n < 100 {
		r.fail(bad("bad status code"))
	}
	if controlled(phrase) {
		r.fail(bad("control character in the reason phrase"))
	}
	r.m.StatusCode, r.m.Reason = int(n), phrase
}

func (r *reading) version(v string) {
	if strings.EqualFold(v, "SIP/2.0") {
		return
	}
	major, minor, _ := strings.Cut(v[4:], ".")
	_, ok1 := number(major, 1<<62)
	_, ok2 := number(minor, 1<<62)
	if ok1 && ok2 {
		r.fail(&Error{Code: 505, Reason: Phrase(505)})
	} else {
		r.fail(bad("malformed SIP version"))
	}
}

// readFields splits the lines into names and values.
func (r *reading) readFields(text string) {
	for text != "" {
		var line string
		line, text = cutLine(text)
		colon := strings.IndexByte(line, ':')
		if colon < 0 {
			r.fail(bad("header line without a colon"))
			continue
		}
		// RFC 3261 section 7.3.1 allows white space before the colon.
		end := colon
		for end > 0 && isBlank(line[end-1]) {
			end--
		}
		if !all(line[:end], tokenChar) {
			r.fail(bad("malformed header name"))
			continue
		}
		if len(r.fields) == MaxHeaderFields {
			r.fail(&Error{Code: 513, Reason: "too many header fields"})
			return
		}
		f := Field{Name: canonical(line[:end]), Value: trim(unfold(line[colon+1:]))}
		if controlled(f.Value) {
			r.fail(bad("control character in a header field"))
			continue
		}
		if single(f.Name) && r.has(f.Name) {
			r.fail(bad("more than one " + f.Name))
			continue
		}
		r.fields = append(r.fields, f)
	}
}

// cutLine takes the first line and its continuations (RFC 3261 section 7.3.1), with
// the line ends still in it, off the text.
func cutLine(text string) (line, rest string) {
	for from := 0; ; {
		n := strings.Index(text[from:], "\r\n")
		if n < 0 {
			return text, ""
		}
		from += n + 2
		if from >= len(text) || !isBlank(text[from]) {
			return text[:from-2], text[from:]
		}
	}
}

// unfold makes one blank of each line end with the white space after it.
func unfold(s string) string {
	if !strings.Contains(s, "\r\n") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\r' || i+1 >= len(s) || s[i+1] != '\n' {
			b = append(b, s[i])
			continue
		}
		for i++; i+1 < len(s) && isBlank(s[i+1]); i++ {
		}
		b = append(b, ' ')
	}
	return string(b)
}
