package sipmsg

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// insert puts header lines into the INVITE above.
func insert(lines ...string) []byte {
	return []byte(strings.Replace(invite, "k: timer", strings.Join(append(lines, "k: timer"), "\r\n"), 1))
}

func repeated(n int, line string) (lines []string) {
	for range n {
		lines = append(lines, line)
	}
	return lines
}

func TestParseVerdicts(t *testing.T) {
	cut := func(old, new string) []byte { return []byte(strings.Replace(invite, old, new, 1)) }
	tests := []struct {
		name string
		data []byte
		want int
	}{
		{"as it is", []byte(invite), accepted},
		{"line ends before it", []byte("\r\n\r\n" + invite), accepted},
		{"more octets than Content-Length, RFC 3261 section 18.3", []byte(invite + "more"), accepted},
		{"one octet short", []byte(invite[:len(invite)-1]), 400},
		{"no empty line", []byte(invite[:strings.Index(invite, "\r\n\r\n")+2]), 400},
		{"nothing", nil, dropped},
		{"a keep-alive", []byte("\r\n\r\n"), dropped},
		{"garbage", []byte("\x00\x01\x02\x03"), dropped},
		{"17 octets", []byte("S p:r SIP/2.0\r\n\r\n"), dropped},
		{"HTTP", []byte("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), dropped},
		{"line feeds alone", bytes.ReplaceAll([]byte(invite), []byte("\r\n"), []byte("\n")), dropped},
		{"a carriage return alone", cut("70\r\n", "70\r"), 400},
		{"a line feed in a value", cut("k: timer", "k: ti\nmer"), 400},
		{"a NUL in a value", cut("k: timer", "k: ti\x00mer"), 400},
		{"a NUL in a quoted pair", cut("k: timer", "k: \"\\\x00\""), accepted},
		{"a tab in a value", cut("k: timer,", "k: timer\t,"), accepted},
		{"UTF-8 in a value", cut("k: timer", "s: grün"), accepted},
		{"ISO 8859-1 in a value", cut("k: timer", "s: gr\xfcn"), accepted},
		{"a vertical tab before the colon", cut("k: timer", "k\v: timer"), 400},
		{"no-break space before the colon", cut("k: timer", "k\u00a0: timer"), 400},
		{"no name before the colon", cut("k: timer", ": timer"), 400},
		{"no colon", cut("k: timer", "k timer"), 400},
		{"a folded value", cut("k: timer,", "k: timer,\r\n \t"), accepted},
		{"a folded start line", cut(" SIP/2.0", "\r\n SIP/2.0"), 400},
		{"white space before the first header", cut("Via:", " Via:"), dropped},
		{"lower case version", cut("SIP/2.0\r\n", "sip/2.0\r\n"), accepted},
		{"version 3.0", cut("example SIP/2.0", "example SIP/3.0"), 505},
		{"version 258.0", cut("example SIP/2.0", "example SIP/258.0"), 505},
		{"version 2.00", cut("example SIP/2.0", "example SIP/2.00"), 505},
		{"version two", cut("example SIP/2.0", "example SIP/two"), 400},
		{"Request-URI of a scheme unknown", cut("sip:600@pbx.example S", "foo:bar S"), accepted},
		{"Request-URI tel", cut("sip:600@pbx.example S", "tel:*67#;phone-context=x S"), accepted},
		{"Request-URI with a hash", cut("sip:600@pbx.example S", "sip:a#b@h S"), accepted},
		{"Request-URI *", cut("sip:600@pbx.example S", "* S"), 400},
		{"no Request-URI", cut("INVITE sip:600@pbx.example S", "INVITE S"), dropped},
		{"an empty Request-URI", cut("INVITE sip:600@pbx.example S", "INVITE  S"), 400},
		{"CSeq of 2^31-1", cut("CSeq: 1 ", "CSeq: 2147483647 "), accepted},
		{"CSeq of 2^31", cut("CSeq: 1 ", "CSeq: 2147483648 "), 400},
		{"CSeq of 2^65", cut("CSeq: 1 ", "CSeq: 36893488147419103232 "), 400},
		{"CSeq below zero", cut("CSeq: 1 ", "CSeq: -1 "), 400},
		{"CSeq without a method", cut("CSeq: 1 INVITE", "CSeq: 1"), 400},
		{"CSeq with more", cut("CSeq: 1 INVITE", "CSeq: 1 INVITE x"), 400},
		{"CSeq method in other case", cut("CSeq: 1 INVITE", "CSeq: 1 Invite"), 400},
		{"Max-Forwards of 255", cut("Max-Forwards: 70", "Max-Forwards: 255"), accepted},
		{"Max-Forwards of 256", cut("Max-Forwards: 70", "Max-Forwards: 256"), 400},
		{"a Via port of 65535", cut(":5060;branch", ":65535;branch"), accepted},
		{"a Via port of 70000", cut(":5060;branch", ":70000;branch"), dropped},
		{"a Via of another kind", cut("SIP/2.0/UDP", "SIP/2.0"), dropped},
		{"Call-ID in base64", cut("Call-ID: 3848276298220188511@192.0.2.7", "Call-ID: a/b+c==,$|@@x"), accepted},
		{"Call-ID of two words", cut("Call-ID: 3848276298220188511@192.0.2.7", "Call-ID: a b"), 400},
		{"Contact *", cut("Contact: <sip:ann@192.0.2.7:5060;transport=udp>", "Contact: *"), 400},
		{"Contact * and another", []byte(strings.Replace(strings.ReplaceAll(invite, "INVITE", "REGISTER"), "Contact: <sip:ann@192.0.2.7:5060;transport=udp>", "m: *\r\nm: <sip:a@h>", 1)), 400},
		{"Contact, and * after it", []byte(strings.Replace(strings.ReplaceAll(invite, "INVITE", "REGISTER"), "Contact: <sip:ann@192.0.2.7:5060;transport=udp>", "m: <sip:a@h>, *", 1)), 400},
		{"Contact * in REGISTER", []byte(strings.Replace(strings.ReplaceAll(invite, "INVITE", "REGISTER"), "Contact: <sip:ann@192.0.2.7:5060;transport=udp>", "m: *", 1)), accepted},
		{"a comma too many", cut("Contact: <sip:ann@192.0.2.7:5060;transport=udp>", "Contact: <sip:a@h>,"), 400},
		{"two different lengths", cut("Content-Length: 5", "l: 4\r\nContent-Length: 5"), 400},
		{"2^64 as a length", cut("Content-Length: 5", "l: 18446744073709551616"), 400},
		{"two Expires", insert("Expires: 1", "Expires: 2"), 400},
		{"two User-Agent", insert("User-Agent: a", "User-Agent: b"), accepted},

		{"64 contacts", insert(repeated(63, "m: <sip:a@h>")...), accepted},
		{"65 contacts in lines", insert(repeated(64, "m: <sip:a@h>")...), 400},
		{"65 contacts in one line", insert("m: " + strings.Join(repeated(64, "<sip:a@h>"), ",")), 400},
		{"64 Via values", insert(repeated(63, "v: SIP/2.0/UDP h")...), accepted},
		{"65 Via values", insert(repeated(64, "v: SIP/2.0/UDP h")...), dropped},
		{"65 routes", insert(repeated(65, "Route: <sip:h;lr>")...), 400},
		{"256 header fields", insert(repeated(246, "Y-y: z")...), accepted},
		{"257 header fields", insert(repeated(247, "Y-y: z")...), 513},
		{"a datagram of 8192 octets", insert("Y: " + strings.Repeat("y", MaxDatagram-len(invite)-5)), accepted},
		{"a datagram of 8193 octets", insert("Y: " + strings.Repeat("y", MaxDatagram-len(invite)-4)), 513},
	}
	for _, tt := range tests {
		m, err := Parse(tt.data)
		if got := outcome(m, err); got != tt.want {
			t.Errorf("%s: got %d (%v), want %d", tt.name, got, err, tt.want)
		}
		checkWritable(t, m, err)
	}
}

func TestParseResponseVerdicts(t *testing.T) {
	const ok = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:h>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n"
	for start, want := range map[string]int{
		"SIP/2.0 200 OK":               accepted,
		"SIP/2.0 200 ":                 accepted,
		"SIP/2.0 200":                  accepted,
		"SIP/2.0 100 [ ] \" # % bare":  accepted,
		"SIP/2.0 699 x":                accepted,
		"SIP/2.0 99 x":                 dropped,
		"SIP/2.0 099 x":                dropped,
		"SIP/2.0 700 x":                dropped,
		"SIP/2.0 0200 x":               dropped,
		"SIP/2.0 4294967301 x":         dropped,
		"SIP/2.0  200 OK":              dropped,
		"SIP/2.0":                      dropped,
		"SIP/3.0 200 OK":               dropped,
		"SIP/2.0 200 O\x00K":           dropped,
		"SIP/2.0 200 OK\r\n folded on": dropped,
	} {
		m, err := Parse([]byte(strings.Replace(ok, "SIP/2.0 200 OK", start, 1)))
		if got := outcome(m, err); got != want {
			t.Errorf("%q: got %d (%v), want %d", start, got, err, want)
		}
		checkWritable(t, m, err)
	}
}

// What refuses a message says so without repeating it: the reason goes to the log and
// into the reason phrase of the answer.
func TestErrorReason(t *testing.T) {
	for change, want := range map[string]string{
		"Call-ID:=X-Call-ID:":        "missing Call-ID",
		"CSeq: 1=CSeq: evil":         "malformed CSeq",
		"To: <sip=To: evil <sip=\"x": "malformed To",
		"Contact: <=Contact: <evil<": "malformed Contact",
	} {
		old, new, _ := strings.Cut(change, "=")
		_, err := Parse([]byte(strings.Replace(invite, old, new, 1)))
		var e *Error
		if !errors.As(err, &e) || !strings.HasPrefix(e.Reason, want) || strings.Contains(e.Reason, "evil") || e.Error() != e.Reason {
			t.Errorf("%s: got %v, want %s", change, err, want)
		}
	}
}

// An unreadable From or To is echoed as it came, and takes a tag as any other.
func TestEcho(t *testing.T) {
	data := strings.Replace(invite, "To: <sip:600@pbx.example>", "To: \"Mr. J. User <sip:j.user@example.com>", 1)
	data = strings.Replace(data, "From: \"Ann B\"", "From: \"Ann\" B", 1)
	data = strings.Replace(data, "rport", "rport;;,;", 1)
	m, err := Parse([]byte(data))
	if got := outcome(m, err); got != 400 {
		t.Fatalf("got %d (%v)", got, err)
	}
	if m.From.Tag() != "9fxced76sl" || m.Via[0].SentBy() != "192.0.2.7:5060" {
		t.Errorf("got tag %s, sent by %s", m.From.Tag(), m.Via[0].SentBy())
	}
	r := m.Response(400, "")
	r.To = r.To.WithTag("x")
	r.Via[0].Params.Set("received", "192.0.2.1")
	wire, err := r.Append(nil)
	want := "SIP/2.0 400 Bad Request\r\n" +
		"Via: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK74bf9;rport;;,;;received=192.0.2.1\r\n" +
		"From: \"Ann\" B <sip:ann@pbx.example>;tag=9fxced76sl\r\n" +
		"To: \"Mr. J. User <sip:j.user@example.com>;tag=x\r\n" +
		"Call-ID: 3848276298220188511@192.0.2.7\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
	if err != nil || string(wire) != want {
		t.Errorf("%v: got\n%s\nwant\n%s", err, wire, want)
	}
}

// gosip walks its list of addresses anew at every header line: 5000 contacts in one
// datagram took it 50 ms. So it is given one line of each kind, whatever came.
func TestOneLineOfEachKind(t *testing.T) {
	lines := insert(append(repeated(60, "m: <sip:a@h>"), repeated(60, "v: SIP/2.0/UDP h")...)...)
	line := insert("m: "+strings.Join(repeated(60, "<sip:a@h>"), ","), "v: "+strings.Join(repeated(60, "SIP/2.0/UDP h"), ","))
	var h head
	h.plainStart()
	if _, err := h.addresses(hContact, repeated(60, "<sip:a@h>")); err != nil {
		t.Fatal(err)
	}
	if _, err := h.vias(repeated(60, "SIP/2.0/UDP h")); err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(h.b, crlf); n != 3 {
		t.Errorf("%d lines for gosip, want the start line and one of each", n)
	}
	allocs := func(data []byte) float64 {
		return testing.AllocsPerRun(10, func() {
			if _, err := Parse(data); err != nil {
				t.Fatal(err)
			}
		})
	}
	many, one := allocs(lines), allocs(line)
	if many > one+20 {
		t.Errorf("%v allocations for many lines, %v for one", many, one)
	}
}

// Twice the message is twice the work: counted in allocations, which grow with what
// gosip and this package look at.
func TestWorkGrowsWithSize(t *testing.T) {
	allocs := func(n int) float64 {
		data := insert(fmt.Sprintf("m: <sip:a@h%s>", strings.Repeat(";p=%41", n)), "s: \""+strings.Repeat("\\a", n)+"\"",
			"Route: <sip:h>"+strings.Repeat(";q=\"\\a\"", n))
		return testing.AllocsPerRun(10, func() {
			if _, err := Parse(data); err != nil {
				t.Fatal(err)
			}
		})
	}
	small, big := allocs(100), allocs(400)
	if big > 4*small {
		t.Errorf("%v allocations for 100 parameters, %v for 400", small, big)
	}
}
