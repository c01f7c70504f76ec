package capture

import (
	"bytes"
	"strconv"
	"strings"
)

// headerOf finds a header field's first value in a head, by its long or its compact name, both
// in lower case; nil without one. Continuation lines are left out.
func headerOf(head []byte, long, short string) []byte {
	for at := 0; at < len(head); {
		n := bytes.IndexByte(head[at:], '\n')
		line := head[at:]
		if n >= 0 {
			line = head[at : at+n]
			at += n + 1
		} else {
			at = len(head)
		}
		if len(line) == 0 || line[0] == '\r' {
			return nil
		}
		for _, name := range [2]string{long, short} {
			if name == "" || !hasFold(line, name) {
				continue
			}
			if rest := bytes.TrimLeft(line[len(name):], " \t"); len(rest) > 0 && rest[0] == ':' {
				return bytes.TrimSpace(rest[1:])
			}
		}
	}
	return nil
}

// cseqOf is the number and the method of CSeq.
func cseqOf(head []byte) (number, method []byte) {
	v := headerOf(head, "cseq", "")
	if i := bytes.LastIndexAny(v, " \t"); i > 0 {
		return bytes.TrimSpace(v[:i]), v[i+1:]
	}
	return nil, nil
}

// Names reads from a message's text what it is stored by: its Call-ID, and the method of its
// CSeq.
func Names(wire []byte) (callID, method string) {
	_, m := cseqOf(wire)
	return string(headerOf(wire, "call-id", "i")), string(m)
}

func containsFold(b []byte, word string) bool {
	for i := range b {
		if hasFold(b[i:], word) {
			return true
		}
	}
	return false
}

func equalFold(b []byte, word string) bool { return len(b) == len(word) && hasFold(b, word) }

// A shape is what a ladder tells of a message in a line.
type shape struct {
	method  string // of a response: of its CSeq
	status  int    // of a response; 0: it is a request
	summary string
}

// shapeOf reads a message's text.
func shapeOf(text string) shape {
	line, _, _ := strings.Cut(text, "\n")
	line = strings.TrimSpace(line)
	head := []byte(text)
	var s shape
	if rest, ok := strings.CutPrefix(line, "SIP/2.0 "); ok {
		code, _, _ := strings.Cut(rest, " ")
		s.status, _ = strconv.Atoi(code)
		_, method := cseqOf(head)
		s.method, s.summary = string(method), rest
	} else {
		s.method, _, _ = strings.Cut(line, " ")
		s.summary = strings.TrimSuffix(line, " SIP/2.0")
	}
	if more := particulars(s, head); more != "" {
		s.summary += " (" + more + ")"
	}
	return s
}

// particulars is what tells messages of one kind apart.
func particulars(s shape, head []byte) string {
	var words []string
	say := func(prefix string, v []byte) {
		if len(v) > 0 {
			words = append(words, prefix+string(v))
		}
	}
	switch {
	case s.status == 0 && s.method == "REGISTER":
		say("expires ", headerOf(head, "expires", ""))
	case s.status == 0 && s.method == "REFER":
		say("to ", headerOf(head, "refer-to", "r"))
	case s.status == 0 && (s.method == "NOTIFY" || s.method == "SUBSCRIBE"):
		say("event ", headerOf(head, "event", "o"))
	}
	if headerOf(head, "authorization", "") != nil || headerOf(head, "proxy-authorization", "") != nil {
		words = append(words, "with credentials")
	}
	if containsFold(headerOf(head, "content-type", "c"), "sdp") {
		words = append(words, streams(string(bodyOf(head)))...)
	}
	return strings.Join(words, ", ")
}

// static are the names of payload types that need no rtpmap (RFC 3551 section 6).
var static = map[string]string{"0": "PCMU", "3": "GSM", "4": "G723", "8": "PCMA", "9": "G722", "18": "G729"}

// streams tells the media of a session description: what, by which codecs, and whether it is
// held.
func streams(sdp string) (all []string) {
	for line := range strings.SplitSeq(sdp, "\n") {
		line = strings.TrimSpace(line)
		if m, ok := strings.CutPrefix(line, "m="); ok {
			all = append(all, stream(strings.Fields(m)))
			continue
		}
		switch line {
		case "a=sendonly", "a=recvonly", "a=inactive":
			if len(all) > 0 {
				all[len(all)-1] += " " + line[2:]
			}
		}
	}
	return all
}

// stream reads the fields of an m line.
func stream(f []string) string {
	if len(f) < 3 {
		return "?"
	}
	words := []string{f[0]}
	if f[1] == "0" {
		return f[0] + " refused"
	}
	for _, format := range f[3:] {
		switch name := static[format]; {
		case name != "":
			words = append(words, name)
		case format == "t38":
			words = append(words, "T.38")
		}
	}
	return strings.Join(words, " ")
}
