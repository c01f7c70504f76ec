package wire

import (
	"bytes"
	"strconv"
	"strings"
)

// A Message is a SIP message as text: start line, headers in order, body.
type Message struct {
	Start   string
	Method  string // of the request, or of the CSeq of a response
	Status  int    // 0: a request
	URI     string // of a request
	Headers [][2]string
	Body    string
}

// Get returns the first header of that name or of its compact form, or "".
func (m *Message) Get(name string) string {
	if all := m.All(name); len(all) > 0 {
		return all[0]
	}
	return ""
}

// All returns every header of that name, in order.
func (m *Message) All(name string) []string {
	var values []string
	for _, h := range m.Headers {
		if strings.EqualFold(h[0], name) || strings.EqualFold(h[0], compact[name]) {
			values = append(values, h[1])
		}
	}
	return values
}

// CallID is the Call-ID.
func (m *Message) CallID() string { return m.Get("Call-ID") }

// CSeq is the sequence number.
func (m *Message) CSeq() int {
	n, _ := strconv.Atoi(strings.Fields(m.Get("CSeq") + " x")[0])
	return n
}

// Branch is the branch of the topmost Via.
func (m *Message) Branch() string { return Param(m.Get("Via"), "branch") }

// Tag is the tag of the From or To header named.
func (m *Message) Tag(header string) string { return Param(m.Get(header), "tag") }

// Param returns the value of ;name= in a header value.
func Param(value, name string) string {
	lower := strings.ToLower(value)
	at := strings.LastIndex(lower, ";"+name+"=")
	if at < 0 {
		return ""
	}
	rest := value[at+len(name)+2:]
	if end := strings.IndexAny(rest, ";,> \t"); end >= 0 {
		rest = rest[:end]
	}
	return strings.Trim(rest, `"`)
}

var compact = map[string]string{
	"Via": "v", "From": "f", "To": "t", "Call-ID": "i", "Contact": "m",
	"Content-Length": "l", "Content-Type": "c", "Supported": "k", "Subject": "s",
}

func (m *Message) kind() Kind {
	if m.Status != 0 {
		return Response
	}
	return Request
}

// parse reads one message from the front of b and tells how many octets it is.
// Without a whole message it returns nil, and -1 if it can never become one.
func parse(b []byte) (*Message, int) {
	line, _, ended := bytes.Cut(b, []byte("\r\n"))
	parts := strings.SplitN(string(line[:min(len(line), 2000)]), " ", 3)
	if len(parts) < 3 {
		if ended || len(b) > 2000 {
			return nil, -1
		}
		return nil, 0
	}
	m := &Message{Start: string(line)}
	switch {
	case parts[0] == "SIP/2.0":
		m.Status, _ = strconv.Atoi(parts[1])
		if m.Status == 0 {
			return nil, -1
		}
	case strings.HasSuffix(parts[2], "SIP/2.0"):
		m.Method, m.URI = parts[0], parts[1]
	default:
		return nil, -1
	}
	head, body, ok := bytes.Cut(b, []byte("\r\n\r\n"))
	if !ok {
		return nil, 0
	}
	for _, l := range strings.Split(string(head), "\r\n")[1:] {
		if l != "" && (l[0] == ' ' || l[0] == '\t') && len(m.Headers) > 0 {
			m.Headers[len(m.Headers)-1][1] += " " + strings.TrimSpace(l)
			continue
		}
		name, value, _ := strings.Cut(l, ":")
		m.Headers = append(m.Headers, [2]string{strings.TrimSpace(name), strings.TrimSpace(value)})
	}
	length := len(body)
	if text := m.Get("Content-Length"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return nil, -1
		}
		if n > len(body) {
			return nil, 0
		}
		length = n
	}
	m.Body = string(body[:length])
	if m.Status != 0 {
		if f := strings.Fields(m.Get("CSeq")); len(f) == 2 {
			m.Method = f[1]
		}
	}
	return m, len(head) + 4 + length
}

// Parse reads a message that stands alone, as in a datagram; nil if it is none.
func Parse(b []byte) *Message {
	m, _ := parse(b)
	return m
}
