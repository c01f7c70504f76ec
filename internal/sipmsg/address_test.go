package sipmsg

import (
	"reflect"
	"testing"
)

func params(nv ...string) (p Params) {
	for i := 0; i < len(nv); i += 2 {
		p = append(p, Param{Name: nv[i], Value: nv[i+1], HasValue: nv[i+1] != ""})
	}
	return p
}

func TestParseURI(t *testing.T) {
	tests := []struct {
		text  string
		want  URI
		write string // how it is written, where that differs
	}{
		{text: "sip:pbx.example", want: URI{Scheme: "sip", Host: "pbx.example"}},
		{text: "SIP:Ann@PBX.Example:5070", want: URI{Scheme: "sip", User: "Ann", Host: "pbx.example", Port: 5070}, write: "sip:Ann@pbx.example:5070"},
		{text: "sips:ann:secret@pbx.example;transport=tcp;lr", want: URI{Scheme: "sips", User: "ann", Password: "secret", Host: "pbx.example", Params: params("transport", "tcp", "lr", "")}},
		{text: "sip:[2001:db8::10]:5070;lr", want: URI{Scheme: "sip", Host: "2001:db8::10", Port: 5070, Params: params("lr", "")}},
		{text: "sip:a@[2001:db8:::192.0.2.1]", want: URI{Scheme: "sip", User: "a", Host: "2001:db8::192.0.2.1"}, write: "sip:a@[2001:db8::192.0.2.1]"},
		// An explicit default port is not the same URI as none (RFC 3261 section 19.1.4).
		{text: "sip:a@h:5060", want: URI{Scheme: "sip", User: "a", Host: "h", Port: 5060}},
		{text: "sip:a@h;x=", want: URI{Scheme: "sip", User: "a", Host: "h", Params: Params{{Name: "x", HasValue: true}}}},
		{text: "sip:a@h;n%61me=v%3Blue%40", want: URI{Scheme: "sip", User: "a", Host: "h", Params: params("name", "v;lue@")}, write: "sip:a@h;name=v%3Blue%40"},
		{text: "sip:h;lr;ftag=a/b==;x=%3a%41", want: URI{Scheme: "sip", Host: "h", Params: Params{{Name: "lr"},
			{Name: "ftag", Value: "a/b==", HasValue: true, raw: "a/b=="}, {Name: "x", Value: ":A", HasValue: true, raw: "%3a%41"}}}},
		{text: "sip:a@h?Replaces=x%40y&Subject=hi", want: URI{Scheme: "sip", User: "a", Host: "h", Headers: "Replaces=x%40y&Subject=hi"}},
		{text: "sip:user;par=u%40example.net@example.com", want: URI{Scheme: "sip", User: "user;par=u@example.net", Host: "example.com"}},
		// What a peer escaped goes back to it in its own spelling.
		{text: "sip:%61lice@h", want: URI{Scheme: "sip", User: "alice", Host: "h", raw: "%61lice"}},
		{text: "sip:%2B4930@h", want: URI{Scheme: "sip", User: "+4930", Host: "h", raw: "%2B4930"}},
		{text: "sip:null-%00-null@h", want: URI{Scheme: "sip", User: "null-\x00-null", Host: "h"}},
		// Not legal, but sent: caller identity prefixes, UTF-8, an empty password, an underscore.
		{text: "sip:#31#123@h", want: URI{Scheme: "sip", User: "#31#123", Host: "h", raw: "#31#123"}},
		{text: "sip:jürgen@h", want: URI{Scheme: "sip", User: "jürgen", Host: "h", raw: "jürgen"}},
		{text: "sip:ann:@h", want: URI{Scheme: "sip", User: "ann", Host: "h", raw: "ann:"}},
		{text: "sip:a@My_PBX:5060", want: URI{Scheme: "sip", User: "a", Host: "my_pbx", Port: 5060}, write: "sip:a@my_pbx:5060"},
		// RFC 3966
		{text: "tel:+1-201-555-0123", want: URI{Scheme: "tel", User: "+1-201-555-0123"}},
		{text: "tel:*67#;phone-context=+1", want: URI{Scheme: "tel", User: "*67#", Params: params("phone-context", "+1")}},
		{text: "tel:(030)12;ext=7", want: URI{Scheme: "tel", User: "(030)12", Params: params("ext", "7")}},
		// Others are text, letter for letter.
		{text: "urn:service:sos", want: URI{Scheme: "urn", Opaque: "service:sos"}},
		{text: "urn:uuid:F81d4fae-7dec-11d0-A765-00a0c91e6bf6", want: URI{Scheme: "urn", Opaque: "uuid:F81d4fae-7dec-11d0-A765-00a0c91e6bf6"}},
		{text: "soap.beep://192.0.2.103:3002", want: URI{Scheme: "soap.beep", Opaque: "//192.0.2.103:3002"}},
		{text: "nobodyKnowsThisScheme:totallyOpaque", want: URI{Scheme: "nobodyknowsthisscheme", Opaque: "totallyOpaque"}, write: "nobodyknowsthisscheme:totallyOpaque"},
	}
	for _, tt := range tests {
		got, err := ParseURI(tt.text)
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %+v, %v, want %+v", tt.text, got, err, tt.want)
			continue
		}
		if tt.write == "" {
			tt.write = tt.text
		}
		if s := got.String(); s != tt.write {
			t.Errorf("%s is written %s, want %s", tt.text, s, tt.write)
		}
	}
}

func TestParseURIRefuses(t *testing.T) {
	for _, text := range []string{
		"", ":", "sip", "sip:", "alice@h", "5ip:a@h", "s p:a@h", "*",
		"sip:@h", "sip:a@", "sip:a@b@c", "sip:a@:5060", "sip:a@h:", "sip:a@h:0", "sip:a@h:65536",
		"sip:a@h:4294972356", "sip:a@h:50 60", "sip:a@h;", "sip:a@h;;lr", "sip:a@h;=x", "sip:a@h/x",
		"sip:a b@h", "sip:a%4@h", "sip:a%@h", "sip:a%zz@h", "sip:a@h;p=%", "sip:<a@h>", "sip:a\"@h", "sip:a\x00@h",
		"sip:2001:db8::10", "sip:[2001:db8::10", "sip:[]", "sip:[fe80::1%25eth0]", "sip:[192.0.2.1]", "sip:[2001:db8:::1:::2]",
		"sip:hö.example", "tel:", "tel:;ext=1", "urn:", "tel:12?x",
	} {
		if u, err := ParseURI(text); err == nil {
			t.Errorf("%q was taken for %+v", text, u)
		}
	}
}

// A changed part must not be written as it was received.
func TestURIWrittenAfterAChange(t *testing.T) {
	u, err := ParseURI("sip:%61lice:p%77@h;x=a==")
	if err != nil {
		t.Fatal(err)
	}
	u.User = "bob smith"
	u.Params.Set("x", "y=z")
	if got, want := u.String(), "sip:bob%20smith:pw@h;x=y%3Dz"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	u.Scheme, u.User = "tel", "*31#(0)30"
	if got, want := u.String(), "tel:*31#(0)30;x=y%3Dz"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	u = URI{Scheme: "sip", User: "*31#5", Host: "2001:db8::1", Port: 5060}
	if got, want := u.String(), "sip:*31%235@[2001:db8::1]:5060"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := u.HostPort(), "[2001:db8::1]:5060"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestURIEqual(t *testing.T) {
	tests := []struct {
		a, b string
		want bool
	}{
		// RFC 3261 section 19.1.4, its examples
		{"sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtlanTa.CoM;Transport=tcp", true},
		{"sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", true},
		{"sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on", true},
		{"sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com", "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com", true},
		{"sip:alice@atlanta.com?subject=project%20x&priority=urgent", "sip:alice@atlanta.com?priority=urgent&subject=project%20x", true},
		{"SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP", false},
		{"sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", false},
		{"sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", false},
		{"sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp", false},
		{"sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting", false},
		{"sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4", false},
		{"sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off", false},
		{"sip:a@h", "sips:a@h", false},
		{"sip:a@h", "sip:a:pw@h", false},
		{"sip:a@h", "sip:h", false},
		{"sip:a@[2001:db8::1]", "sip:a@[2001:DB8:0:0::1]", true},
		{"sip:a@h;user=phone", "sip:a@h", false},
		{"sip:a@h;maddr=1.2.3.4", "sip:a@h", false},
		{"sip:a@h;ttl=1", "sip:a@h;ttl=2", false},
		// RFC 3966 section 5
		{"tel:+1-201-555-0123", "tel:+12015550123", true},
		{"tel:+1(201)555.0123", "tel:+12015550123", true},
		{"tel:123;phone-context=+1", "tel:123;Phone-Context=+1", true},
		{"tel:123;phone-context=+1", "tel:123", false},
		{"tel:12", "sip:12@h", false},
		{"urn:service:sos", "URN:service:sos", true},
		{"urn:service:sos", "urn:service:SOS", false},
	}
	for _, tt := range tests {
		a, err1 := ParseURI(tt.a)
		b, err2 := ParseURI(tt.b)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		if a.Equal(b) != tt.want || b.Equal(a) != tt.want {
			t.Errorf("%s and %s: got %v and %v, want %v", tt.a, tt.b, a.Equal(b), b.Equal(a), tt.want)
		}
	}
	if !Wildcard.Equal(Wildcard) {
		t.Error("* is not equal to itself")
	}
}

func TestParseAddr(t *testing.T) {
	sip := func(user string) URI { return URI{Scheme: "sip", User: user, Host: "h"} }
	tests := []struct {
		text  string
		want  Addr
		write string
	}{
		{text: "<sip:a@h>", want: Addr{URI: sip("a")}},
		// Outside the brackets a parameter is the header's, not the URI's (section 20.10).
		{text: "sip:a@h;tag=1", want: Addr{URI: sip("a"), Params: params("tag", "1")}, write: "<sip:a@h>;tag=1"},
		{text: `"Ann \"B\" \\ C" <sip:a@h>`, want: Addr{Display: `Ann "B" \ C`, URI: sip("a")}},
		{text: "Ann  B <sip:a@h>", want: Addr{Display: "Ann B", URI: sip("a")}, write: `"Ann B" <sip:a@h>`},
		{text: "Ann<sip:a@h>", want: Addr{Display: "Ann", URI: sip("a")}, write: `"Ann" <sip:a@h>`},
		{text: "Bell, Alexander <sip:a@h>;tag=43", want: Addr{Display: "Bell, Alexander", URI: sip("a"), Params: params("tag", "43")}, write: `"Bell, Alexander" <sip:a@h>;tag=43`},
		{text: "Jürgen <sip:a@h>", want: Addr{Display: "Jürgen", URI: sip("a")}, write: `"Jürgen" <sip:a@h>`},
		{text: "\"J\xfcrgen\" <sip:a@h>", want: Addr{Display: "Jürgen", URI: sip("a")}, write: `"Jürgen" <sip:a@h>`},
		{text: `"" <sip:a@h>`, want: Addr{URI: sip("a")}, write: "<sip:a@h>"},
		{text: ` "x" < sip:a@h > ; tag = 1 ; lr `, want: Addr{Display: "x", URI: sip("a"), Params: params("tag", "1", "lr", "")}, write: `"x" <sip:a@h>;tag=1;lr`},
		{text: "\"bell \\\x07 nul \\\x00\" <sip:a@h>", want: Addr{Display: "bell \x07 nul \x00", URI: sip("a")}},
		{text: `<sip:a@h>;x="a;b,c\"d"`, want: Addr{URI: sip("a"), Params: Params{{Name: "x", Value: `a;b,c"d`, HasValue: true, Quoted: true}}}},
		// Quotation marks are kept even where none are needed.
		{text: `<sip:a@h>;x="y"`, want: Addr{URI: sip("a"), Params: Params{{Name: "x", Value: "y", HasValue: true, Quoted: true}}}},
		{text: `<sip:a@h>;x="";y=;z`, want: Addr{URI: sip("a"), Params: Params{{Name: "x", HasValue: true, Quoted: true}, {Name: "y", HasValue: true}, {Name: "z"}}}},
		{text: `<sip:a@h>;x="ж"`, want: Addr{URI: sip("a"), Params: Params{{Name: "x", Value: "ж", HasValue: true, Quoted: true}}}},
		// A tag that is no token is still the peer's tag.
		{text: "<sip:a@h>;tag=aGk/+x==@1", want: Addr{URI: sip("a"), Params: params("tag", "aGk/+x==@1")}},
		{text: "<sip:a@h>;+sip.instance=\"<urn:uuid:1>\"", want: Addr{URI: sip("a"), Params: Params{{Name: "+sip.instance", Value: "<urn:uuid:1>", HasValue: true, Quoted: true}}}},
		{text: "<tel:+123;phone-context=x>;tag=1", want: Addr{URI: URI{Scheme: "tel", User: "+123", Params: params("phone-context", "x")}, Params: params("tag", "1")}},
		{text: "<http://www.example.com/a?b>;tag=1", want: Addr{URI: URI{Scheme: "http", Opaque: "//www.example.com/a?b"}, Params: params("tag", "1")}},
	}
	for _, tt := range tests {
		got, err := ParseAddr(tt.text)
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %+v, %v, want %+v", tt.text, got, err, tt.want)
			continue
		}
		if tt.write == "" {
			tt.write = tt.text
		}
		if s := got.String(); s != tt.write {
			t.Errorf("%s is written %s, want %s", tt.text, s, tt.write)
		}
	}
	for _, text := range []string{
		"", " ", "*", "<>", "<sip:a@h", "sip:a@h>", `"Ann <sip:a@h>`, `"Ann" sip:a@h`, `x"Ann" <sip:a@h>`,
		"<sip:a@h>;", "<sip:a@h>;;", "<sip:a@h>x", "<sip:a@h>;x=\"", "<sip:a@h>;x=\"a\"b", "<sip:a@h>;=1",
		"<sip:a@h>,<sip:b@h>", "sip:a@h?x=y", "sip:a@h,sip:b@h", "<sip:a@h>\x00", "<sip:a\r\n@h>", "<sip:a@h>;x=a\\b",
		"\"a\r\nb\" <sip:a@h>", "\"\x07\" <sip:a@h>",
	} {
		if a, err := ParseAddr(text); err == nil {
			t.Errorf("%q was taken for %+v", text, a)
		}
	}
}

func TestParseAddrs(t *testing.T) {
	list, err := ParseAddrs(`"A, B" <sip:a,b@h>;q=0.5, sip:c@h;expires=5 , <tel:1>`)
	if err != nil || len(list) != 3 {
		t.Fatalf("got %v, %v", list, err)
	}
	for i, want := range []string{`"A, B" <sip:a,b@h>;q=0.5`, "<sip:c@h>;expires=5", "<tel:1>"} {
		if got := list[i].String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	for _, text := range []string{"", ",", "<sip:a@h>,", ",<sip:a@h>", "<sip:a@h>,,<sip:b@h>", "*", "<sip:a@h>,*"} {
		if list, err := ParseAddrs(text); err == nil {
			t.Errorf("%q was taken for %v", text, list)
		}
	}
}

func TestVia(t *testing.T) {
	tests := []struct{ text, write string }{
		{text: "SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK1;rport"},
		{text: "SIP/2.0/TCP [2001:db8::1];received=[2001:db8::2]"},
		{text: "SIP/2.0/TCP [2001:db8::1]:5061;received=2001:db8::2"},
		{text: "SIP/2.0/UDP my_host:5070;branch=z9hG4bK1"},
		{text: "SIP/2.0/WSS df7jal23ls0d.invalid;branch=\"z9\""},
		{text: "SIP / 2.0 /\tUDP  h : 4000 ; branch = z9 ; ttl=16", write: "SIP/2.0/UDP h:4000;branch=z9;ttl=16"},
		{text: "SIP/3.0/UDP h"},
	}
	for _, tt := range tests {
		data := "OPTIONS sip:h SIP/2.0\r\nVia: " + tt.text + "\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:h>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n"
		m, err := Parse([]byte(data))
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		if tt.write == "" {
			tt.write = tt.text
		}
		if got := m.Via[0].String(); got != tt.write {
			t.Errorf("%s is written %s, want %s", tt.text, got, tt.write)
		}
	}
	v := Via{Transport: "UDP", Host: "2001:db8::1", Port: 5060}
	v.Params.Set("branch", "z9hG4bK1")
	v.Params.SetFlag("rport")
	if got, want := v.String(), "SIP/2.0/UDP [2001:db8::1]:5060;branch=z9hG4bK1;rport"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := v.SentBy(), "[2001:db8::1]:5060"; got != want || v.Branch() != "z9hG4bK1" {
		t.Errorf("got %s with %s, want %s", got, v.Branch(), want)
	}
}
