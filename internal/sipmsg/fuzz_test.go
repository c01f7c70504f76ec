package sipmsg

import (
	"errors"
	"reflect"
	"testing"
)

// seeds are the torture messages and some that are whole.
func seeds(f *testing.F, add func([]byte)) {
	for _, tt := range verdicts {
		add(readMessage(f, tt.file))
	}
	for _, bb := range benchmarks {
		add([]byte(bb.text))
	}
	add([]byte(invite))
}

// What is taken can be written and reads the same again; what is refused with a status
// can be answered; every accessor bears every message.
func FuzzParse(f *testing.F) {
	seeds(f, func(b []byte) { f.Add(b) })
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Parse(data)
		checkVerdict(t, m, err)
		checkWritable(t, m, err)
		if m != nil {
			readAll(m)
		}
	})
}

func checkVerdict(t *testing.T, m *Message, err error) {
	t.Helper()
	var e *Error
	switch {
	case err == nil:
		if m == nil || len(m.Via) == 0 || m.CallID == "" || m.CSeq.Method == "" ||
			!m.From.URI.complete() || !m.To.URI.complete() || m.IsRequest() != m.RequestURI.complete() {
			t.Fatalf("taken without what is mandatory: %+v", m)
		}
	case !errors.As(err, &e):
		t.Fatalf("%v is no *Error", err)
	case (e.Code == 0) != (m == nil):
		t.Fatalf("status %d with message %v", e.Code, m)
	case m != nil && (!m.IsRequest() || m.Method == ACK):
		t.Fatalf("status %d for %s", e.Code, m)
	case controlled(e.Reason):
		t.Fatalf("control character in %q", e.Reason)
	}
}

func readAll(m *Message) {
	_ = m.String()
	m.Expires()
	m.MinExpires()
	m.MaxForwards()
	m.RetryAfter()
	m.SessionExpires()
	m.MinSE()
	m.RSeq()
	m.RAck()
	m.Event()
	m.SubscriptionState()
	m.Replaces()
	m.ContentType()
	m.Challenges()
	m.Reasons()
	m.OptionTag("Supported", "timer")
	if to, ok := m.ReferTo(); ok {
		_, _ = to.URI.Header("Replaces")
		_ = to.String()
	}
	if by, ok := m.ReferredBy(); ok {
		_ = by.String()
	}
}

// However a stream is cut, the same messages come out of it, and none is over the limit.
func FuzzFramer(f *testing.F) {
	seeds(f, func(b []byte) {
		f.Add(b, 7)
		f.Add(append(append([]byte(options), "\r\n\r\n"...), b...), 100)
	})
	f.Fuzz(func(t *testing.T, data []byte, step int) {
		if step <= 0 || step > len(data) {
			step = 1
		}
		whole, pieces := messages(t, data, len(data)), messages(t, data, step)
		if !reflect.DeepEqual(whole, pieces) {
			t.Fatalf("at once %+v\nin steps of %d %+v", whole, step, pieces)
		}
	})
}

type framed struct {
	m   *Message
	err error
}

func messages(t *testing.T, data []byte, step int) (list []framed) {
	var f Framer
	for len(data) > 0 {
		n := min(step, len(data))
		f.Feed(data[:n])
		data = data[n:]
		for {
			m, keepalive, err := f.Next()
			if m == nil && keepalive == NoKeepalive && err == nil {
				break
			}
			if m != nil || err != nil {
				checkVerdict(t, m, err)
				list = append(list, framed{m, err})
			}
			var e *Error
			if errors.As(err, &e) && e.Fatal {
				return list
			}
		}
		if len(f.buf)-f.off > MaxStream {
			t.Fatalf("%d octets are held", len(f.buf)-f.off)
		}
	}
	return list
}

func FuzzURI(f *testing.F) {
	for _, s := range []string{
		"sip:ann:pw@pbx.example:5060;transport=tcp;lr?Subject=x&Replaces=a%40b", "sips:[2001:db8::1]:5061",
		"sip:%61%00@h", "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com",
		"sip:user;par=u%40example.net@example.com", "tel:*67#;phone-context=+1", "tel:+1(201)555.0123", "urn:service:sos",
		"soap.beep://192.0.2.103:3002", "sip:a@[2001:db8:::192.0.2.1]", "sip:a@my_host;x=", "sip:a:@h",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := ParseURI(s)
		if err != nil {
			return
		}
		if !u.writable() {
			t.Fatalf("%q: %+v cannot be written", s, u)
		}
		again, err := ParseURI(u.String())
		if err != nil || !reflect.DeepEqual(u, again) {
			t.Fatalf("%q is written %q: got %+v, %v, want %+v", s, u, again, err, u)
		}
		if c := u.Clone(); !c.Equal(u) && !repeats(u.Params) {
			t.Fatalf("%q is not equal to itself", s)
		}
	})
}

// repeats reports a parameter that is there twice: not legal, and equal to nothing.
func repeats(p Params) bool {
	for i, x := range p {
		if _, ok := p[:i].Get(x.Name); ok {
			return true
		}
	}
	return false
}

func FuzzAddr(f *testing.F) {
	for _, s := range []string{
		`"Ann \"B\"" <sip:a@h;lr>;tag=1;x="y;,"`, "Bell, Alexander <sip:a@h>", "sip:a@h;tag=1, <tel:1>;q=0.5",
		"J\xfcrgen <sip:a@h>", "\"\\\x00\" <urn:x:y>;expires=0;+sip.instance=\"<urn:uuid:1>\"", " < sip:a@h > ; a = b ; c ",
		"<sip:a@h>;x=;y=\"\"", "token1~` token2'+_ token3*%!.- <sip:mundane@example.com>;fromParam''~+*_!.-%=\"работающий\";tag=_token~1'+`*%!-.",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		list, err := ParseAddrs(s)
		if err != nil {
			list = nil
		}
		if one, err := ParseAddr(s); err == nil {
			list = append(list, one)
		}
		for _, a := range list {
			again, err := ParseAddr(a.String())
			if err != nil || !reflect.DeepEqual(a, again) {
				t.Fatalf("%q is written %q: got %+v, %v, want %+v", s, a, again, err, a)
			}
		}
	})
}
