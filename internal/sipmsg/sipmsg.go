// Package sipmsg is the SIP message of this program: what RFC 3261 section 7 calls
// a request or a response, with the headers that routing, transactions and dialogs
// need as values and every other header as text in the order received.
//
// It is the only package that imports gosip. Parse gives gosip's parser the start
// line and the address headers alone (Via, From, To, Contact, Route, Record-Route)
// and reads everything else itself; Append writes a message without gosip. The
// package opens no socket, keeps no state and reads no clock.
package sipmsg

import (
	"strconv"
	"strings"
)

// Limits on what is parsed, so that no peer can make this program work for ever.
const (
	MaxDatagram     = 8 << 10  // octets of a message that came in one datagram
	MaxStream       = 64 << 10 // octets of a message, head and body, from a stream
	MaxHeaderFields = 256      // header fields of one message
	MaxAddresses    = 64       // Via values, contacts, or routes of one message
)

// Methods this program knows (RFC 3261, 3262, 3311, 3515, 6086, 6665, 3428).
const (
	INVITE    = "INVITE"
	ACK       = "ACK"
	BYE       = "BYE"
	CANCEL    = "CANCEL"
	OPTIONS   = "OPTIONS"
	REGISTER  = "REGISTER"
	PRACK     = "PRACK"
	UPDATE    = "UPDATE"
	INFO      = "INFO"
	REFER     = "REFER"
	SUBSCRIBE = "SUBSCRIBE"
	NOTIFY    = "NOTIFY"
	MESSAGE   = "MESSAGE"
)

// A Message is a SIP request or response. It is a request when Method is set.
type Message struct {
	Method     string // of a request, case-sensitive; empty in a response
	RequestURI URI    // of a request

	StatusCode int    // of a response, 100 to 699
	Reason     string // of a response; may be empty

	Via         []Via  // topmost first; never empty in a parsed message
	From, To    Addr   // RFC 3261 sections 8.1.1.2 and 8.1.1.3
	CallID      string // RFC 3261 section 8.1.1.4
	CSeq        CSeq
	Contact     []Addr // a lone * is an Addr whose URI is Wildcard
	Route       []Addr
	RecordRoute []Addr

	// Header holds every other header field, long names, in the order received.
	// Content-Length is never among them: Append computes it.
	Header Header
	Body   []byte

	head string // of a parsed message: its start line and header fields as they came
}

// AppendReceived adds a parsed message as it came in, whatever became of its values since; of
// one that was not parsed its body alone.
func (m *Message) AppendReceived(b []byte) []byte {
	b = append(b, m.head...)
	if m.head != "" {
		b = append(b, crlf...)
	}
	return append(b, m.Body...)
}

// CSeq orders requests within a dialog (RFC 3261 section 8.1.1.5).
type CSeq struct {
	Seq    uint32 // below 2^31
	Method string
}

func (c CSeq) String() string { return strconv.FormatUint(uint64(c.Seq), 10) + " " + c.Method }

// IsRequest tells a request from a response.
func (m *Message) IsRequest() bool { return m.Method != "" }

// IsProvisional reports a 1xx response.
func (m *Message) IsProvisional() bool { return m.StatusCode >= 100 && m.StatusCode < 200 }

// IsSuccess reports a 2xx response.
func (m *Message) IsSuccess() bool { return m.StatusCode >= 200 && m.StatusCode < 300 }

// Branch is the branch of the topmost Via, which names the transaction (RFC 3261
// section 17.1.3); empty without a Via.
func (m *Message) Branch() string {
	if len(m.Via) == 0 {
		return ""
	}
	return m.Via[0].Branch()
}

// String names the message for a log: "INVITE sip:600@pbx.example" or "200 OK (INVITE)".
// It holds no header, so no secret.
func (m *Message) String() string {
	if m.IsRequest() {
		return m.Method + " " + m.RequestURI.String()
	}
	return strconv.Itoa(m.StatusCode) + " " + m.Reason + " (" + m.CSeq.Method + ")"
}

// Clone copies the message deeply, so that one copy can be changed and sent again.
func (m *Message) Clone() *Message {
	c := *m
	c.RequestURI = m.RequestURI.Clone()
	c.Via = cloneVias(m.Via)
	c.From, c.To = m.From.Clone(), m.To.Clone()
	c.Contact, c.Route, c.RecordRoute = cloneAddrs(m.Contact), cloneAddrs(m.Route), cloneAddrs(m.RecordRoute)
	c.Header = append(Header(nil), m.Header...)
	c.Body = append([]byte(nil), m.Body...)
	return &c
}

// Response builds the answer to request m with the headers RFC 3261 section 8.2.6.2
// wants copied: Via, From, To, Call-ID, CSeq; and Record-Route, for a dialog (section
// 12.1.1), or Timestamp, for a 100 (section 8.2.6.1). Reason empty takes the standard phrase. A To tag is the caller's to add.
func (m *Message) Response(code int, reason string) *Message {
	if reason == "" {
		reason = Phrase(code)
	}
	r := &Message{
		StatusCode: code, Reason: reason,
		Via:  cloneVias(m.Via),
		From: m.From.Clone(), To: m.To.Clone(),
		CallID: m.CallID, CSeq: m.CSeq,
	}
	if code > 100 && code < 300 {
		r.RecordRoute = cloneAddrs(m.RecordRoute)
	}
	if stamp, ok := m.Header.Lookup("Timestamp"); ok && code == 100 {
		r.Header.Add("Timestamp", stamp)
	}
	return r
}

// OptionTag reports whether the header field name (Supported, Require, Unsupported, …),
// over all its lines, lists tag.
func (m *Message) OptionTag(name, tag string) bool {
	for _, line := range m.Header.Values(name) {
		for _, t := range strings.Split(line, ",") {
			if strings.EqualFold(strings.TrimSpace(t), tag) {
				return true
			}
		}
	}
	return false
}

func cloneVias(in []Via) []Via {
	out := make([]Via, len(in))
	for i, v := range in {
		v.Params = v.Params.Clone()
		out[i] = v
	}
	return out
}

func cloneAddrs(in []Addr) []Addr {
	if in == nil {
		return nil
	}
	out := make([]Addr, len(in))
	for i, a := range in {
		out[i] = a.Clone()
	}
	return out
}
