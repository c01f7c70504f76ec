package sipmsg

import (
	"strings"
	"testing"
)

func request(t testing.TB) *Message {
	t.Helper()
	m, err := Parse([]byte(invite))
	if err != nil {
		t.Fatal(err)
	}
	m.Route = []Addr{{URI: URI{Scheme: "sip", Host: "proxy", Params: Params{{Name: "lr"}}}}}
	return m
}

func TestAppendOrder(t *testing.T) {
	m := request(t)
	m.Header.Add("Content-Disposition", "session")
	m.Via = append(m.Via, Via{Transport: "TCP", Host: "::1", Port: 5061})
	m.RecordRoute = m.Route
	got, err := m.Append([]byte("before"))
	want := "beforeINVITE sip:600@pbx.example SIP/2.0\r\n" +
		"Via: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK74bf9;rport\r\n" +
		"Via: SIP/2.0/TCP [::1]:5061\r\n" +
		"Route: <sip:proxy;lr>\r\n" +
		"Record-Route: <sip:proxy;lr>\r\n" +
		"Max-Forwards: 70\r\n" +
		"From: \"Ann B\" <sip:ann@pbx.example>;tag=9fxced76sl\r\n" +
		"To: <sip:600@pbx.example>\r\n" +
		"Call-ID: 3848276298220188511@192.0.2.7\r\n" +
		"CSeq: 1 INVITE\r\n" +
		"Contact: <sip:ann@192.0.2.7:5060;transport=udp>\r\n" +
		"Supported: timer, 100rel\r\n" +
		"Content-Type: application/sdp\r\n" +
		"Content-Disposition: session\r\n" +
		"Content-Length: 5\r\n\r\nv=0\r\n"
	if err != nil || string(got) != want {
		t.Errorf("got %v\n%s\nwant\n%s", err, got, want)
	}
}

func TestAppendResponse(t *testing.T) {
	m := request(t)
	m.RecordRoute = m.Route
	m.Header.Add("Timestamp", "54")
	tests := []struct {
		code         int
		reason       string
		start, holds string
		lacks        string
	}{
		{100, "", "SIP/2.0 100 Trying\r\n", "\r\nTimestamp: 54\r\n", "Record-Route"},
		{180, "", "SIP/2.0 180 Ringing\r\n", "\r\nRecord-Route: <sip:proxy;lr>\r\n", "Timestamp"},
		{200, "Fine, danke schön", "SIP/2.0 200 Fine, danke schön\r\n", "\r\nRecord-Route: <sip:proxy;lr>\r\n", "Max-Forwards"},
		{486, "", "SIP/2.0 486 Busy Here\r\n", "\r\nContent-Length: 0\r\n\r\n", "Record-Route"},
	}
	for _, tt := range tests {
		r := m.Response(tt.code, tt.reason)
		r.To = r.To.WithTag("x")
		got, err := r.Append(nil)
		s := string(got)
		if err != nil || !strings.HasPrefix(s, tt.start) || !strings.Contains(s, tt.holds) || strings.Contains(s, tt.lacks) ||
			!strings.Contains(s, "\r\nTo: <sip:600@pbx.example>;tag=x\r\n") {
			t.Errorf("%d: %v\n%s", tt.code, err, s)
		}
	}
	if m.To.Tag() != "" {
		t.Error("the tag of the response got into the request")
	}
	r := m.Response(200, "")
	r.Via[0].Params.Set("received", "192.0.2.1")
	r.Via[0].Params.Set("branch", "other")
	if m.Branch() != "z9hG4bK74bf9" {
		t.Error("the response shares its Via with the request")
	}
}

// A line end in any value would let it add a header of its own, or a second message.
func TestAppendRefusesLineEnds(t *testing.T) {
	uri := func(u *URI, evil string) map[string]func() {
		return map[string]func(){
			"scheme":  func() { u.Scheme = "x" + evil; u.Opaque = "y" },
			"host":    func() { u.Host = "h" + evil },
			"headers": func() { u.Headers = "a=b" + evil },
			"opaque":  func() { u.Scheme = "urn"; u.Opaque = "x" + evil },
		}
	}
	for _, evil := range []string{"\r\nX-Evil: 1", "\n", "\r", "\x00", "\r\n\r\nINVITE"} {
		for field, changes := range map[string]func(*Message) map[string]func(){
			"Request-URI or start line": func(m *Message) map[string]func() { return uri(&m.RequestURI, evil) },
			hFrom:                       func(m *Message) map[string]func() { return uri(&m.From.URI, evil) },
			hContact:                    func(m *Message) map[string]func() { return uri(&m.Contact[0].URI, evil) },
			hRoute:                      func(m *Message) map[string]func() { return uri(&m.Route[0].URI, evil) },
			hTo: func(m *Message) map[string]func() {
				return map[string]func(){
					"parameter name": func() { m.To.Params.SetFlag("x" + evil) },
				}
			},
			hVia: func(m *Message) map[string]func() {
				return map[string]func(){
					"transport":      func() { m.Via[0].Transport += evil },
					"protocol":       func() { m.Via[0].Protocol = "SIP/2.0" + evil },
					"host":           func() { m.Via[0].Host += evil },
					"parameter name": func() { m.Via[0].Params.Set("x"+evil, "y") },
				}
			},
			hCallID: func(m *Message) map[string]func() {
				return map[string]func(){"value": func() { m.CallID += evil }}
			},
			hCSeq: func(m *Message) map[string]func() {
				return map[string]func(){"method": func() { m.CSeq.Method += evil }}
			},
			"method": func(m *Message) map[string]func() {
				return map[string]func(){"itself": func() { m.Method += evil }}
			},
			"start line": func(m *Message) map[string]func() {
				return map[string]func(){"reason": func() { m.Method = ""; m.StatusCode = 200; m.Reason = "OK" + evil }}
			},
			"User-Agent": func(m *Message) map[string]func() {
				return map[string]func(){"value": func() { m.Header.Add("User-Agent", "x"+evil) }}
			},
			hMaxForwards: func(m *Message) map[string]func() {
				return map[string]func(){"value": func() { m.Header.Set(hMaxForwards, "70"+evil) }}
			},
			"X": func(m *Message) map[string]func() {
				return map[string]func(){"name": func() { m.Header.Add("X"+evil, "y") }}
			},
		} {
			for what := range changes(request(t)) {
				m := request(t)
				changes(m)[what]()
				b, err := m.Append([]byte("kept"))
				if err == nil || string(b) != "kept" {
					t.Errorf("%s of %s with %q: %v\n%s", what, field, evil, err, b)
					continue
				}
				named := false
				for _, f := range strings.Split(field, " or ") {
					named = named || strings.Contains(err.Error(), f)
				}
				if !named || strings.ContainsAny(err.Error(), "\r\n\x00") {
					t.Errorf("%s of %s with %q: %q names no field, or holds the value", what, field, evil, err)
				}
			}
		}
	}
}

// In a user or a quoted string such a character has a legal spelling, save CR and LF
// in the latter.
func TestAppendEscapes(t *testing.T) {
	m := request(t)
	m.To.URI.User = "a\r\nb c@d%"
	m.From.Display = "tab\tnul\x00\"\\"
	m.From.Params.Set("x", "\x01;\"")
	b, err := m.Append(nil)
	if err != nil || !strings.Contains(string(b), "\r\nTo: <sip:a%0D%0Ab%20c%40d%25@pbx.example>\r\n") {
		t.Fatalf("%v\n%s", err, b)
	}
	again, err := Parse(b)
	if err != nil || again.To.URI.User != m.To.URI.User || again.From.Display != m.From.Display {
		t.Errorf("%v: got %q and %q", err, again.To.URI.User, again.From.Display)
	}
	if v, _ := again.From.Params.Get("x"); v != "\x01;\"" {
		t.Errorf("got %q", v)
	}
	for _, change := range []func(){
		func() { m.From.Display = "a\nb" },
		func() { m.From.Display = "a\rb" },
		func() { m.From.Display = ""; m.From.Params.Set("x", "a\r\nb") },
	} {
		change()
		if b, err := m.Append(nil); err == nil || !strings.Contains(err.Error(), hFrom) {
			t.Errorf("%v\n%s", err, b)
		}
	}
}

func TestAppendIncomplete(t *testing.T) {
	for want, change := range map[string]func(*Message){
		"Via: missing":               func(m *Message) { m.Via = nil },
		"Via: incomplete":            func(m *Message) { m.Via[0].Host = "" },
		"From: missing":              func(m *Message) { m.From = Addr{} },
		"To: missing":                func(m *Message) { m.To = Addr{Display: "x"} },
		"Call-ID: missing":           func(m *Message) { m.CallID = "" },
		"CSeq: missing":              func(m *Message) { m.CSeq = CSeq{} },
		"Request-URI: incomplete or": func(m *Message) { m.RequestURI = URI{} },
		"Contact: incomplete or ":    func(m *Message) { m.Contact = []Addr{{}} },
		"status code: not from 10":   func(m *Message) { m.Method = "" },
		"method: not a token":        func(m *Message) { m.Method = "IN VITE" },
		"Contact: among the other":   func(m *Message) { m.Header.Add("m", "<sip:x>") },
		"Content-Length: among":      func(m *Message) { m.Header.Add("Content-Length", "5") },
	} {
		m := request(t)
		change(m)
		if b, err := m.Append(nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %s, got %v\n%s", want, err, b)
		}
	}
	// Only an error response may lack what the request lacked.
	if b, err := (&Message{StatusCode: 400, Via: request(t).Via}).Append(nil); err != nil {
		t.Errorf("%v\n%s", err, b)
	}
	if b, err := (&Message{StatusCode: 200, Via: request(t).Via}).Append(nil); err == nil {
		t.Errorf("written:\n%s", b)
	}
}

func TestAppendWildcard(t *testing.T) {
	m := request(t)
	m.Method, m.CSeq.Method = REGISTER, REGISTER
	m.Contact = []Addr{{URI: Wildcard}}
	m.Header.Set("Expires", "0")
	b, err := m.Append(nil)
	if err != nil || !strings.Contains(string(b), "\r\nContact: *\r\n") {
		t.Fatalf("%v\n%s", err, b)
	}
	again, err := Parse(b)
	if err != nil || len(again.Contact) != 1 || !again.Contact[0].URI.IsWildcard() {
		t.Errorf("got %v, %v", again, err)
	}
}

// A clone shares nothing that can be changed.
func TestClone(t *testing.T) {
	m := request(t)
	before, _ := m.Append(nil)
	c := m.Clone()
	c.Via[0].Params.Set("branch", "x")
	c.From.Params.Set("tag", "x")
	c.RequestURI.Params.SetFlag("x")
	c.Contact[0].URI.Params.Set("transport", "x")
	c.Route[0].URI.Params.Set("lr", "x")
	c.Header.Set("Supported", "x")
	c.Body[0] = 'x'
	if after, _ := m.Append(nil); string(after) != string(before) {
		t.Errorf("got\n%s\nwant\n%s", after, before)
	}
}
