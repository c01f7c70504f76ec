package sipmsg

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"tipring/internal/sipmsg/torture"
)

// The messages of RFC 4475 and RFC 5118 stand in package torture. What is expected of
// each is what its section says of an element that parses it; where that leaves a choice
// between recovering and refusing, the comment says which was made. Two things differ
// from print: the Content-Length of the three RFC 5118 bodies, which there fits neither
// line end, and the empty line that closes the header of the last two.
var verdicts = []struct {
	file, section string
	datagram      int // accepted, dropped, or the status it is refused with
	stream        int // the same, or waits; where it is not written, as in a datagram
}{
	{file: "rfc4475/wsinv", section: "3.1.1.1"},
	{file: "rfc4475/intmeth", section: "3.1.1.2"},
	{file: "rfc4475/esc01", section: "3.1.1.3"},
	{file: "rfc4475/escnull", section: "3.1.1.4"},
	{file: "rfc4475/esc02", section: "3.1.1.5"},
	{file: "rfc4475/lwsdisp", section: "3.1.1.6"},
	{file: "rfc4475/longreq", section: "3.1.1.7"},
	{file: "rfc4475/dblreq", section: "3.1.1.8"},
	{file: "rfc4475/semiuri", section: "3.1.1.9"},
	{file: "rfc4475/transports", section: "3.1.1.10"},
	{file: "rfc4475/mpart01", section: "3.1.1.11"},
	{file: "rfc4475/unreason", section: "3.1.1.12"},
	{file: "rfc4475/noreason", section: "3.1.1.13"},
	{file: "rfc4475/badinv01", section: "3.1.2.1", datagram: 400},
	{file: "rfc4475/clerr", section: "3.1.2.2", datagram: 400, stream: waits},
	{file: "rfc4475/ncl", section: "3.1.2.3", datagram: 400, stream: fatal},
	{file: "rfc4475/scalar02", section: "3.1.2.4", datagram: 400},
	{file: "rfc4475/scalarlg", section: "3.1.2.5", datagram: dropped},
	{file: "rfc4475/quotbal", section: "3.1.2.6", datagram: 400},
	{file: "rfc4475/ltgtruri", section: "3.1.2.7", datagram: 400},
	{file: "rfc4475/lwsruri", section: "3.1.2.8", datagram: 400},
	{file: "rfc4475/lwsstart", section: "3.1.2.9", datagram: 400},  // choice: not ignored
	{file: "rfc4475/trws", section: "3.1.2.10", datagram: 400},     // choice: not ignored
	{file: "rfc4475/escruri", section: "3.1.2.11"},                 // choice: the headers are ignored
	{file: "rfc4475/baddate", section: "3.1.2.12"},                 // choice: nobody reads the Date
	{file: "rfc4475/regbadct", section: "3.1.2.13", datagram: 400}, // choice: nothing is inferred
	{file: "rfc4475/badaspec", section: "3.1.2.14"},                // choice: the blanks are ignored
	{file: "rfc4475/baddn", section: "3.1.2.15"},                   // choice: the quotes are inferred
	{file: "rfc4475/badvers", section: "3.1.2.16", datagram: 505},
	{file: "rfc4475/mismatch01", section: "3.1.2.17", datagram: 400},
	{file: "rfc4475/mismatch02", section: "3.1.2.18", datagram: 501},
	{file: "rfc4475/bigcode", section: "3.1.2.19", datagram: dropped},
	{file: "rfc4475/badbranch", section: "3.2.1"}, // choice: the transaction layer falls back to RFC 2543
	{file: "rfc4475/insuf", section: "3.3.1", datagram: 400},
	{file: "rfc4475/unkscm", section: "3.3.2"},   // the user agent answers 416
	{file: "rfc4475/novelsc", section: "3.3.3"},  // the user agent answers 416
	{file: "rfc4475/unksm2", section: "3.3.4"},   // a registrar answers
	{file: "rfc4475/bext01", section: "3.3.5"},   // the user agent answers 420
	{file: "rfc4475/invut", section: "3.3.6"},    // the user agent answers 415
	{file: "rfc4475/regaut01", section: "3.3.7"}, // a registrar answers
	{file: "rfc4475/multi01", section: "3.3.8", datagram: 400},
	{file: "rfc4475/mcl01", section: "3.3.9", datagram: 400, stream: fatal},
	{file: "rfc4475/bcast", section: "3.3.10"},    // the transaction layer drops it: two Via
	{file: "rfc4475/zeromf", section: "3.3.11"},   // only a proxy answers 483
	{file: "rfc4475/cparam01", section: "3.3.12"}, // a registrar answers
	{file: "rfc4475/cparam02", section: "3.3.13"}, // a registrar answers
	{file: "rfc4475/regescrt", section: "3.3.14"}, // a registrar answers
	{file: "rfc4475/sdp01", section: "3.3.15"},    // the user agent answers 406
	{file: "rfc4475/inv2543", section: "3.4.1", stream: fatal},

	{file: "rfc5118/ipv6-good", section: "4.1"},
	{file: "rfc5118/ipv6-bad", section: "4.2", datagram: 400},
	{file: "rfc5118/port-ambiguous", section: "4.3"},
	{file: "rfc5118/port-unambiguous", section: "4.4"},
	{file: "rfc5118/via-received-param-with-delim", section: "4.5"},
	{file: "rfc5118/via-received-param-no-delim", section: "4.5"},
	{file: "rfc5118/ipv6-in-sdp", section: "4.6"},
	{file: "rfc5118/mult-ip-in-header", section: "4.7"},
	{file: "rfc5118/mult-ip-in-sdp", section: "4.8"},
	{file: "rfc5118/ipv4-mapped-ipv6", section: "4.9"},
	{file: "rfc5118/ipv6-bug-abnf-3-colons", section: "4.10"},
	{file: "rfc5118/ipv6-correct-abnf-2-colons", section: "4.10"},
}

const (
	accepted = 0
	dropped  = -1
	waits    = -2 // for octets that do not come
	fatal    = -3 // 400, and the connection is closed
)

func TestTortureMessages(t *testing.T) {
	if n := len(verdicts); n != 49+12 {
		t.Fatalf("%d messages, want 61", n)
	}
	for _, tt := range verdicts {
		t.Run(tt.file, func(t *testing.T) {
			data := readMessage(t, tt.file)
			m, err := Parse(data)
			if got := outcome(m, err); got != tt.datagram {
				t.Errorf("section %s: as a datagram got %d (%v), want %d", tt.section, got, err, tt.datagram)
			}
			checkWritable(t, m, err)
			want := tt.datagram
			if tt.stream != 0 {
				want = tt.stream
			}
			// All at once, and octet by octet.
			for _, step := range []int{len(data), 1} {
				sm, serr := firstOfStream(data, step)
				if got := outcome(sm, serr); got != want {
					t.Errorf("section %s: from a stream got %d (%v), want %d", tt.section, got, serr, want)
				}
				if err == nil && serr == nil && sm != nil && !reflect.DeepEqual(m, sm) {
					t.Errorf("from a stream:\n%+v\nas a datagram:\n%+v", sm, m)
				}
			}
		})
	}
}

// outcome puts a result into one number, as the table above has it.
func outcome(m *Message, err error) int {
	var e *Error
	switch {
	case err == nil && m != nil:
		return accepted
	case err == nil:
		return waits
	case !errors.As(err, &e):
		return 1
	case e.Code == 0 && m == nil:
		return dropped
	case e.Fatal && e.Code == 400 && m != nil:
		return fatal
	case e.Code != 0 && m != nil:
		return e.Code
	}
	return 2
}

// firstOfStream feeds a stream that ends after data, in steps, up to its first message.
func firstOfStream(data []byte, step int) (*Message, error) {
	var f Framer
	for len(data) > 0 {
		n := min(step, len(data))
		f.Feed(data[:n])
		data = data[n:]
		for {
			m, keepalive, err := f.Next()
			if m != nil || err != nil {
				return m, err
			}
			if keepalive == NoKeepalive {
				break
			}
		}
	}
	return nil, nil
}

// checkWritable: what was accepted reads the same after being written, and an error
// that has a status can be answered with it.
func checkWritable(t *testing.T, m *Message, err error) {
	t.Helper()
	if m == nil {
		return
	}
	var e *Error
	if errors.As(err, &e) {
		r := m.Response(e.Code, e.Reason)
		wire, err := r.Append(nil)
		if err != nil {
			t.Errorf("%d cannot be written: %v", e.Code, err)
		}
		if bytes.Count(wire, []byte("\r\nVia: ")) != len(m.Via) {
			t.Errorf("%d without every Via:\n%s", e.Code, wire)
		}
		return
	}
	wire, err := m.Append(nil)
	if err != nil {
		t.Fatalf("cannot be written: %v", err)
	}
	again, err := parse(wire, stream) // longer than it was, with its long names
	if err != nil {
		t.Fatalf("%v, when read again:\n%s", err, wire)
	}
	m, again = hopsFirst(m), hopsFirst(again)
	m.head, again.head = "", "" // what was not written as we write it
	if !reflect.DeepEqual(m, again) {
		t.Errorf("written and read again:\n%+v\nwant\n%+v\nwire\n%s", again, m, wire)
	}
}

// hopsFirst returns the message with Max-Forwards where Append writes it, ahead of the
// other fields.
func hopsFirst(m *Message) *Message {
	m = m.Clone()
	if hops, ok := m.Header.Lookup(hMaxForwards); ok {
		m.Header.Del(hMaxForwards)
		m.Header = append(Header{{hMaxForwards, hops}}, m.Header...)
	}
	return m
}

func readMessage(t testing.TB, file string) []byte {
	t.Helper()
	wire, err := torture.Message(file)
	if err != nil {
		t.Fatal(err)
	}
	return wire
}

// What the messages say must be the same in what is written: names and values that a
// parser is prone to lose.
func TestTortureMeaning(t *testing.T) {
	for file, lines := range map[string][]string{
		"rfc4475/wsinv": {
			"INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0",
			"Via: SIP/2.0/UDP 192.0.2.2;branch=390skdjuw",
			"Via: SIP/2.0/TCP spindle.example.com;branch=z9hG4bK9ikj8",
			"Via: SIP/2.0/UDP 192.168.255.111;branch=z9hG4bK30239",
			"Route: <sip:services.example.com;lr;unknownwith=value;unknown-no-value>",
			"Max-Forwards: 0068",
			`From: "J Rosenberg \\\"" <sip:jdrosen@example.com>;tag=98asjd8`,
			"To: <sip:vivekg@chair-dnrc.example.com>;tag=1918181833n",
			"Call-ID: wsinv.ndaksdj@192.0.2.1",
			"CSeq: 9 INVITE",
			`Contact: "Quoted string \"\"" <sip:jdrosen@example.com>;newparam=newvalue;secondparam;q=0.33`,
			"Subject: ",
			"NewFangledHeader: newfangled value continued newfangled value",
			"UnknownHeaderWithUnusualValue: ;;,,;;,;",
			"Content-Length: 150",
		},
		"rfc4475/intmeth": {
			"!interesting-Method0123456789_*+`.%indeed'~ sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com SIP/2.0",
			"Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~",
			"To: \"BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f\" <sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com>",
			"From: \"token1~` token2'+_ token3*%!.-\" <sip:mundane@example.com>;fromParam''~+*_!.-%=\"работающий\";tag=_token~1'+`*%!-.",
			"Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{",
			"CSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~",
			"extensionHeader-!.%*+_`'~: \ufeff大停電",
		},
		"rfc4475/esc01": {
			"INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0",
			"To: <sip:%75se%72@example.com>",
			"From: <sip:I%20have%20spaces@example.net>;tag=938",
			"Contact: <sip:cal%6Cer@host5.example.net;lr;name=v%61lue%25%34%31>",
		},
		"rfc4475/escnull":    {"Contact: <sip:%00@host5.example.com>", "Contact: <sip:%00%00@host5.example.com>"},
		"rfc4475/esc02":      {"RE%47IST%45R sip:registrar.example.com SIP/2.0", `To: "%Z%45" <sip:resource@example.com>`, "C%6Fntact: <sip:alias2@host2.example.com>"},
		"rfc4475/lwsdisp":    {`From: "caller" <sip:caller@example.com>;tag=323`},
		"rfc4475/semiuri":    {"OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0"},
		"rfc4475/mpart01":    {"Content-Type: multipart/mixed;boundary=7a9cbec02ceef655", "Content-Length: 553"},
		"rfc4475/unreason":   {"SIP/2.0 200 = 2**3 * 5**2 но сто девяносто девять - простое"},
		"rfc4475/noreason":   {"SIP/2.0 100 "},
		"rfc4475/escruri":    {"INVITE sip:user@example.com SIP/2.0"},
		"rfc4475/badaspec":   {`To: "Watson, Thomas" <sip:t.watson@example.org>`, "Via: SIP/2.0/UDP host4.example.com:5060;branch=z9hG4bKkdju43234"},
		"rfc4475/baddn":      {`From: "Bell, Alexander" <sip:a.g.bell@example.com>;tag=43`},
		"rfc4475/badbranch":  {"Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK"},
		"rfc4475/unkscm":     {"OPTIONS nobodyknowsthisscheme:totallyopaquecontent SIP/2.0"},
		"rfc4475/novelsc":    {"OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0"},
		"rfc4475/unksm2":     {"To: <isbn:2983792873>", "From: <http://www.example.com>;tag=3234233", "Contact: <name:John_Smith>"},
		"rfc4475/zeromf":     {"Max-Forwards: 0"},
		"rfc4475/cparam01":   {"Contact: <sip:+19725552222@gw1.example.net>;unknownparam"},
		"rfc4475/cparam02":   {"Contact: <sip:+19725552222@gw1.example.net;unknownparam>"},
		"rfc4475/regescrt":   {"Contact: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>"},
		"rfc4475/transports": {"Via: SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKasd0f3en"},
		"rfc4475/inv2543":    {"Via: SIP/2.0/UDP iftgw.example.com", "Record-Route: <sip:UserB@example.com;maddr=ss1.example.com>", "To: <sip:+16505552222@ss1.example.net>;user=phone"},

		"rfc5118/port-ambiguous":                {"REGISTER sip:[2001:db8::10:5070] SIP/2.0"},
		"rfc5118/port-unambiguous":              {"REGISTER sip:[2001:db8::10]:5070 SIP/2.0"},
		"rfc5118/via-received-param-with-delim": {"Via: SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bKas3-111"},
		"rfc5118/via-received-param-no-delim":   {"Via: SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKas3"},
		"rfc5118/ipv4-mapped-ipv6":              {"Via: SIP/2.0/UDP [::ffff:192.0.2.10]:19823;branch=z9hG4bKbh19", `Contact: "T. desk phone" <sip:ted@[::ffff:192.0.2.2]>`},
		"rfc5118/ipv6-bug-abnf-3-colons":        {"OPTIONS sip:user@[2001:db8::192.0.2.1] SIP/2.0"},
	} {
		m, err := Parse(readMessage(t, file))
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		wire, err := m.Append(nil)
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
		for _, line := range lines {
			if !strings.Contains("\r\n"+string(wire), "\r\n"+line+"\r\n") {
				t.Errorf("%s: without %q:\n%s", file, line, wire)
			}
		}
	}
}
