package lines

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua"
)

// A message outside a call is taken from whoever may send the line anything.
func TestTexts(t *testing.T) {
	for _, tt := range []struct {
		name, kind, body string
		settings         []string
		want             string
		header           string
		taken            bool
	}{
		{"plain", "text/plain", "The lift is out of order.", nil, "200", "", true},
		{"in another script", "text/plain;charset=UTF-8", "Aufzug außer Betrieb ☹", nil, "200", "", true},
		{"as long as may be", "text/plain", strings.Repeat("x", maxText), nil, "200", "", true},
		{"longer", "text/plain", strings.Repeat("x", maxText+1), nil, "413", "", false},
		{"empty", "text/plain", "", nil, "200", "", false},
		{"no UTF-8", "text/plain", "\xff\xfe", nil, "415", "Accept: text/plain;charset=utf-8", false},
		{"HTML", "text/html", "<b>x</b>", nil, "415", "Accept: " + acceptOf(plainType), false},
		{"compressed", "text/plain", "x", nil, "415", "Accept-Encoding: identity", false},
		{"do not disturb is about calls", "text/plain", "x", []string{"enable_dnd = 1"}, "200", "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, tt.settings, func(w *world) {
				var got *sipmsg.Message
				uri := w.primary.contact()
				m := &sipmsg.Message{
					Method: sipmsg.MESSAGE, RequestURI: uri, CallID: ua.NewTag(),
					From: sipmsg.Addr{URI: sipmsg.URI{Scheme: "sip", User: "602", Host: "pbx.example"}}.WithTag("a"), To: sipmsg.Addr{URI: uri},
					CSeq: sipmsg.CSeq{Seq: 1, Method: sipmsg.MESSAGE},
				}
				m.Header.Add("Max-Forwards", "70")
				w.primary.routed(m)
				if tt.name == "compressed" {
					m.Header.Add("Content-Encoding", "gzip")
				}
				m.SetBody(tt.kind, []byte(tt.body))
				w.primary.post(func(now time.Time) {
					w.primary.e.Send(now, &ua.Request{Msg: m, Target: w.primary.wayTo(uri), On: func(_ time.Time, a ua.Answer) { got = a.Response }})
				})
				w.after(5 * time.Second)
				if got == nil || fmt.Sprint(got.StatusCode) != tt.want {
					t.Fatalf("answered %v, want %s", got, tt.want)
				}
				if name, value, _ := strings.Cut(tt.header, ": "); tt.header != "" && got.Header.Get(name) != value {
					t.Errorf("%s: %q, want %q", name, got.Header.Get(name), value)
				}
				w.phone.mu.Lock()
				defer w.phone.mu.Unlock()
				if want := []Text{{"602", tt.body}}; tt.taken && (len(w.phone.texts) != 1 || w.phone.texts[0] != want[0]) || !tt.taken && len(w.phone.texts) != 0 {
					t.Errorf("told of %q", w.phone.texts)
				}
			})
		})
	}
}

// A text that cannot be kept is not said to be delivered. Who is no server of the line, nor in a
// network that accept_from names, may call it and leaves nothing behind.
func TestTextsThatAreRefused(t *testing.T) {
	for _, tt := range []struct {
		name, accept, method string
		stranger             bool
		full                 error
		want                 int
	}{
		{"of a server, full", "any", sipmsg.MESSAGE, false, errors.New("the disk is full"), 500},
		{"of a server", "any", sipmsg.MESSAGE, false, nil, 200},
		{"of a stranger", "any", sipmsg.MESSAGE, true, nil, 403},
		{"of a neighbour", "10.0.0.0/24", sipmsg.MESSAGE, true, nil, 200},
		{"of a stranger, about mail", "any", sipmsg.NOTIFY, true, nil, 403},
		{"of a server, about mail", "any", sipmsg.NOTIFY, false, nil, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, []string{"accept_from = " + tt.accept}, func(w *world) {
				w.phone.mu.Lock()
				w.phone.full = tt.full
				w.phone.mu.Unlock()
				from := w.primary
				if tt.stranger {
					from = w.newServer("10.0.0.66:5060")
					from.note(sipmsg.REGISTER, w.primary.last(sipmsg.REGISTER))
				}
				var got *sipmsg.Message
				uri := from.contact()
				m := &sipmsg.Message{
					Method: tt.method, RequestURI: uri, CallID: ua.NewTag(),
					From: sipmsg.Addr{URI: sipmsg.URI{Scheme: "sip", User: "602", Host: "pbx.example"}}.WithTag("a"), To: sipmsg.Addr{URI: uri},
					CSeq: sipmsg.CSeq{Seq: 1, Method: tt.method},
				}
				m.Header.Add("Max-Forwards", "70")
				kind, body := plainType, "x"
				if tt.method == sipmsg.NOTIFY {
					m.Header.Add("Event", messageSummary)
					m.Header.Add("Subscription-State", "active")
					kind, body = "application/simple-message-summary", "Messages-Waiting: yes\r\n"
				}
				m.SetBody(kind, []byte(body))
				from.post(func(now time.Time) {
					from.e.Send(now, &ua.Request{Msg: m, Target: from.wayTo(uri), On: func(_ time.Time, a ua.Answer) { got = a.Response }})
				})
				w.after(5 * time.Second)
				if got == nil || got.StatusCode != tt.want {
					t.Fatalf("answered %v, want %d", got, tt.want)
				}
				w.phone.mu.Lock()
				defer w.phone.mu.Unlock()
				if told := len(w.phone.texts) + len(w.phone.messages); (told > 0) != (tt.want == 200) {
					t.Errorf("told of %d", told)
				}
			})
		})
	}
}
