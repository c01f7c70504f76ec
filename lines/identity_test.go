package lines

import (
	"strings"
	"testing"
	"time"

	"tipring/internal/sipmsg"
)

// A call that does not show who makes it: the called one sees nobody, the server sees who it is.
func TestAnonymousCall(t *testing.T) {
	tests := []struct {
		callerID, header, value string
	}{
		{"from", "P-Preferred-Identity", `"Front Desk" <sip:5551234@10.0.0.2>`},
		{"ppi", "P-Preferred-Identity", `"Front Desk" <sip:5551234@10.0.0.2>`},
		{"pai", "P-Asserted-Identity", `"Front Desk" <sip:5551234@10.0.0.2>`},
		{"rpid", "Remote-Party-ID", `"Front Desk" <sip:5551234@10.0.0.2>;party=calling;screen=no;privacy=full`},
	}
	for _, tt := range tests {
		inWorld(t, []string{"display_name = Front Desk", "caller_id = " + tt.callerID}, func(w *world) {
			w.line.Dial(Dial{To: "600", ANI: "5551234", Port: 1, Media: media, Handler: w.phone, Anonymous: true})
			w.after(time.Second)
			m := w.primary.last(sipmsg.INVITE)
			if got := m.From.URI.String(); got != "sip:anonymous@anonymous.invalid" || m.From.Display != "Anonymous" {
				t.Errorf("%s: From %v", tt.callerID, m.From)
			}
			if m.Header.Get("Privacy") != "id" || m.Header.Get(tt.header) != tt.value {
				t.Errorf("%s: Privacy %q, %s: %s", tt.callerID, m.Header.Get("Privacy"), tt.header, m.Header.Get(tt.header))
			}
			if strings.Contains(m.Contact[0].String(), "1001") || strings.Contains(m.Contact[0].String(), "5551234") {
				t.Errorf("%s: Contact %v tells who calls", tt.callerID, m.Contact[0])
			}
			w.phone.call().Hangup()
			w.after(time.Minute)
		})
	}
}

// Who is called in an emergency is told who calls.
func TestEmergencyIsNeverAnonymous(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.line.Dial(Dial{To: "112", Port: 1, Media: media, Handler: w.phone, Anonymous: true, Emergency: true})
		w.after(time.Second)
		if m := w.primary.last(sipmsg.INVITE); m.From.URI.User != "1001" || m.Header.Get("Privacy") != "" {
			t.Errorf("From %v, Privacy %q", m.From, m.Header.Get("Privacy"))
		}
		w.phone.call().Hangup()
		w.after(time.Minute)
	})
}

func TestHiddenCallers(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(m *sipmsg.Message)
		want   bool
	}{
		{"open", func(*sipmsg.Message) {}, false},
		{"Privacy: none", with("Privacy", "none"), false},
		{"Privacy: id", with("Privacy", "id"), true},
		{"Privacy: header;critical", with("Privacy", "Header;critical"), true},
		{"From nobody", func(m *sipmsg.Message) {
			m.From.URI = sipmsg.URI{Scheme: "sip", User: "x", Host: "anonymous.invalid"}
		}, true},
		{"anonymous at a domain", func(m *sipmsg.Message) { m.From.URI.User = "Anonymous" }, true},
		{"rpid, full", with("Remote-Party-ID", "<sip:1@x>;party=calling;privacy=full"), true},
		{"rpid, off", with("Remote-Party-ID", "<sip:1@x>;party=calling;privacy=off"), false},
		{"rpid, rubbish", with("Remote-Party-ID", "<<<"), false},
	} {
		inWorld(t, nil, func(w *world) {
			far := w.primary.callLine(tt.change)
			w.after(time.Second)
			if got := w.phone.call().Info().Anonymous; got != tt.want {
				t.Errorf("%s: anonymous %v", tt.name, got)
			}
			far.cancel()
			w.after(time.Second)
		})
	}
}

func TestAlertInfo(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "",
		"<http://127.0.0.1/Bellcore-dr4>":       "bellcore-dr4",
		"Bellcore-dr3":                          "bellcore-dr3",
		"<Bellcore-dr2>":                        "bellcore-dr2",
		"<http://Bellcore-dr5>":                 "bellcore-dr5",
		"http://pbx.example/sounds/Bellcore-r1": "bellcore-dr1",
		"<http://www.notused.com>;info=alert-internal;x-line-id=0": "alert-internal",
		"info=alert-external":                     "alert-external",
		";info=ring2":                             "bellcore-dr2",
		`<http://x.example>;info="alert-group"`:   "alert-group",
		"<http://x.example>;x-line-id=3":          "bellcore-dr3",
		"<urn:alert:source:internal>":             "internal",
		"<http://x.example/Bellcore-dr7>;info=x":  "bellcore-dr7",
		"<http://x.example/>":                     "",
		"<http://x.example>;info=a b<c":           "",
		"info=" + strings.Repeat("x", maxAlert+1): "",
		strings.Repeat("y", 300):                  "",
		"<http://x.example":                       "",
	} {
		m := &sipmsg.Message{}
		if text != "" {
			m.Header.Add("Alert-Info", text)
		}
		if got := alertOf(m); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func FuzzAlertInfo(f *testing.F) {
	for _, text := range []string{"<http://127.0.0.1/Bellcore-dr4>", ";info=ring2", "<urn:alert:source:internal>;x-line-id=1", "info=\"", "<", ">://"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m := &sipmsg.Message{}
		m.Header.Add("Alert-Info", text)
		name := alertOf(m)
		if len(name) > maxAlert || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
			t.Errorf("%q is %q", text, name)
		}
	})
}

// What only a server may say is not believed of anybody else.
func TestIdentityOfStrangers(t *testing.T) {
	inWorld(t, []string{"caller_id = pai", "accept_from = any"}, func(w *world) {
		stranger := w.newServer("10.0.0.66:5060")
		stranger.note(sipmsg.REGISTER, w.primary.last(sipmsg.REGISTER)) // it knows where the line is
		far := stranger.callLine(with("P-Asserted-Identity", `"The Bank" <sip:0301@pbx>`))
		w.after(time.Second)
		c := w.phone.call()
		if i := c.Info(); i.Peer != "600" || i.Name != "Far End" {
			t.Errorf("a stranger is shown as %s %s", i.Peer, i.Name)
		}
		c.Answer(media, 1)
		w.after(time.Second)
		far.news()
		far.send(sipmsg.REFER, with("Refer-To", "<sip:0900@pbx>"))
		w.after(time.Second)
		if got := far.news(); got != "REFER:403" {
			t.Errorf("the stranger's REFER: %q", got)
		}
		far.send(sipmsg.MESSAGE, func(m *sipmsg.Message) { m.SetBody(plainType, []byte("Pay at once.")) })
		w.after(time.Second)
		if got := far.news(); got != "MESSAGE:403" {
			t.Errorf("the stranger's MESSAGE: %q", got)
		}
		c.Hangup()
		w.after(time.Minute)
		w.wantIdle()
	})
}

// A call that is sent on elsewhere, before and while it rings.
func TestRedirect(t *testing.T) {
	for want, rings := range map[string]bool{DivertAlways: false, DivertNoAnswer: true} {
		inWorld(t, []string{"display_name = Front Desk"}, func(w *world) {
			far := w.primary.callLine()
			w.after(time.Second)
			c := w.phone.call()
			if rings {
				c.Ring()
				w.after(time.Second)
			}
			c.Redirect("0170123", want)
			w.after(time.Second)
			far.mu.Lock()
			res := far.msgs[len(far.msgs)-1]
			far.mu.Unlock()
			if res == nil || res.StatusCode != 302 || len(res.Contact) != 1 || res.Contact[0].URI.String() != "sip:0170123@10.0.0.2" {
				t.Fatalf("response %+v", res)
			}
			if got := res.Header.Get("Diversion"); got != `"Front Desk" <sip:1001@10.0.0.2>;reason=`+want {
				t.Errorf("Diversion: %s", got)
			}
			if r := w.phone.reason(); r.Code != 302 || !r.Local {
				t.Errorf("reason %+v", r)
			}
			w.after(time.Minute)
			w.wantIdle()
		})
	}
}
