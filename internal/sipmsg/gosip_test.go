package sipmsg

import (
	"errors"
	"strings"
	"testing"
)

// What gosip is given: one line a header, names quoted, escapes where its grammar
// wants them, and placeholders for what it cannot hold.
func TestHead(t *testing.T) {
	var h head
	for _, read := range []func() error{
		func() error { _, err := h.requestURI("tel:*67#;phone-context=+1"); return err },
		func() error {
			_, err := h.vias([]string{"SIP / 2.0 / UDP my_host : 5060 ; rport= ;branch=z9", "SIP/2.0/TCP [::1]"})
			return err
		},
		func() error { _, err := h.party(hFrom, `Bell, Alexander <sip:#31#@h?a=b>;x="ж"`); return err },
		func() error { _, err := h.party(hTo, "urn:service:sos;tag=a@b"); return err },
		func() error {
			_, err := h.addresses(hContact, []string{`"A \" B"<sip:ann:@PBX;x=;y=a=b>,sip:c@h`, "<sips:h>;q=0.5"})
			return err
		},
	} {
		if err := read(); err != nil {
			t.Fatal(err)
		}
	}
	want := "S sip:*67%23@tel;phone-context=+1 SIP/2.0\r\n" +
		"v:SIP/2.0/UDP h:5060;rport=\"\";branch=z9,SIP/2.0/TCP [::1]\r\n" +
		"From:\"Bell, Alexander\" <sip:%2331%23@h>;x=\"ж\"\r\n" +
		"To:<sip:opaque>;tag=\"a@b\"\r\n" +
		"Contact:\"A \\\" B\" <sip:ann@PBX;x;y=a%3Db>,<sip:c@h>,<sips:h>;q=0.5\r\n"
	if got := string(h.b); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if _, err := h.parse(); err != nil {
		t.Errorf("gosip: %v", err)
	}
}

// When gosip refuses the head, the line it does not take is found, and all others are
// read for the answer's sake.
func TestGosipRefusesOneLine(t *testing.T) {
	const bad = ";x=\"\xff\"" // no UTF-8
	for name, text := range map[string]string{
		hVia:         "branch=z9hG4bK74bf9",
		hFrom:        "tag=9fxced76sl",
		hTo:          "To: <sip:600@pbx.example>",
		hContact:     "transport=udp>",
		hRoute:       "Route: <sip:h>",
		hRecordRoute: "Record-Route: <sip:h>",
	} {
		data := strings.Replace(string(insert("Route: <sip:h>", "Record-Route: <sip:h>")), text, text+bad, 1)
		m, err := Parse([]byte(data))
		var e *Error
		if !errors.As(err, &e) || e.Code != 400 || e.Reason != "malformed "+name || m == nil {
			t.Errorf("%s: got %v, %v", name, m, err)
			continue
		}
		checkWritable(t, m, err)
		if name != hVia && m.Branch() != "z9hG4bK74bf9" || name != hFrom && m.From.URI.User != "ann" ||
			name != hTo && m.To.URI.User != "600" || name == hContact != (m.Contact == nil) ||
			name == hRoute != (m.Route == nil) || name == hRecordRoute != (m.RecordRoute == nil) || m.RequestURI.User != "600" {
			t.Errorf("%s: got %+v", name, m)
		}
	}
	for _, s := range []string{"<sip:a@h>" + bad, `"x" <sip:a@h>` + bad} {
		if a, err := ParseAddr(s); err == nil {
			t.Errorf("%q: got %v", s, a)
		}
		if list, err := ParseAddrs("<sip:b@h>, " + s); err == nil {
			t.Errorf("%q: got %v", s, list)
		}
	}
}

// The frames and what gosip read must fit each other, one to one.
func TestFillMismatch(t *testing.T) {
	var h head
	h.plainStart()
	if _, err := h.addresses(hContact, []string{"<sip:a@h;x>;y,<sip:b@h>"}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.vias([]string{"SIP/2.0/UDP h;y,SIP/2.0/UDP i"}); err != nil {
		t.Fatal(err)
	}
	from, err := h.parse()
	if err != nil {
		t.Fatal(err)
	}
	x, y := Params{{Name: "x"}}, Params{{Name: "y"}}
	a := func(uri, header Params) Addr {
		return Addr{URI: URI{Scheme: "sip", Params: uri.Clone()}, Params: header.Clone()}
	}
	for _, list := range [][]Addr{
		{},
		{a(x, y)},
		{a(x, y), a(nil, nil), a(nil, nil)},
		{a(x, nil), a(nil, nil)},
		{a(nil, y), a(nil, nil)},
		{a(x, y), a(x, nil)},
		{a(x, y), a(nil, y)},
	} {
		if err := fillAddrs(list, from.Contact); err == nil {
			t.Errorf("%v was filled", list)
		}
	}
	if err := fillAddrs([]Addr{a(x, y), a(nil, nil)}, from.Contact); err != nil {
		t.Error(err)
	}
	for _, list := range [][]Via{{}, {{Params: y.Clone()}}, {{Params: y.Clone()}, {}, {}}, {{}, {}}, {{Params: y.Clone()}, {Params: y.Clone()}}} {
		if err := fillVias(list, from.Via); err == nil {
			t.Errorf("%v was filled", list)
		}
	}
	if err := fillURI(&URI{Scheme: "sip"}, nil); err == nil {
		t.Error("a URI was filled from nothing")
	}
}
