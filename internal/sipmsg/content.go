package sipmsg

import "strings"

// ContentType is the media type of the body, in lower case and without blanks, and its
// parameters; empty when there is none or it is malformed (RFC 3261 section 20.15).
func (m *Message) ContentType() (mediaType string, params Params) {
	full, params, ok := parameterized(m.Header.Get("Content-Type"))
	if !ok {
		return "", nil
	}
	kind, sub, _ := strings.Cut(full, "/")
	kind, sub = trim(kind), trim(sub)
	if !all(kind, tokenChar) || !all(sub, tokenChar) {
		return "", nil
	}
	return strings.ToLower(kind + "/" + sub), params
}

// Disposition is what the body is for, in lower case, and its parameters, of which handling
// says whether it may be ignored; empty when it is not said (RFC 3261 section 20.11).
func (m *Message) Disposition() (disposition string, params Params) {
	disposition, params, ok := parameterized(m.Header.Get("Content-Disposition"))
	if !ok {
		return "", nil
	}
	return strings.ToLower(disposition), params
}

// SetBody gives the message a body of that type; an empty body takes the type away.
func (m *Message) SetBody(mediaType string, body []byte) {
	m.Body = body
	if len(body) == 0 {
		m.Header.Del("Content-Type")
		return
	}
	m.Header.Set("Content-Type", mediaType)
}
