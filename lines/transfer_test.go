package lines

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/dialog"
)

// outcome waits for how a transfer went.
type outcome struct {
	w    *world
	told []error
}

func (o *outcome) done(err error) { o.told = append(o.told, err) }

// want checks what was told: "" for success, part of the error otherwise.
func (o *outcome) want(want string) {
	o.w.t.Helper()
	switch {
	case len(o.told) != 1:
		o.w.t.Errorf("told %d times: %v", len(o.told), o.told)
	case want == "" && o.told[0] != nil:
		o.w.t.Errorf("the transfer failed: %v", o.told[0])
	case want != "" && (o.told[0] == nil || !strings.Contains(o.told[0].Error(), want)):
		o.w.t.Errorf("told %v, want %s", o.told[0], want)
	}
}

// notify has the far end send a NOTIFY of our REFER.
func (c *farCall) notify(state, body string, change ...func(m *sipmsg.Message)) {
	change = append([]func(m *sipmsg.Message){
		with("Event", "refer"), with("Subscription-State", state),
		func(m *sipmsg.Message) { m.SetBody("message/sipfrag", []byte(body)) },
	}, change...)
	c.send(sipmsg.NOTIFY, change...)
}

// Blind transfer by us (RFC 3515): REFER, its notifications, and BYE when it worked.
func TestTransfer(t *testing.T) {
	tests := []struct {
		name   string
		refer  func(far *farCall, now time.Time, in *ua.Incoming)
		tell   func(far *farCall)
		want   string // "" for success
		ended  bool   // the call is over
		answer string // what the far end got for its requests
	}{
		{"it answers", accept, func(far *farCall) {
			far.notify("active;expires=60", "SIP/2.0 100 Trying\r\n")
			far.notify("active;expires=60", "SIP/2.0 180 Ringing\r\n")
			far.notify("terminated;reason=noresource", "SIP/2.0 200 OK\r\n")
		}, "", true, "<REFER NOTIFY:200 NOTIFY:200 NOTIFY:200 <BYE"},
		{"it is busy", accept, func(far *farCall) {
			far.notify("terminated;reason=noresource", "SIP/2.0 486 Busy Here\r\n")
		}, "486 Busy Here", false, "<REFER NOTIFY:200"},
		{"refused", func(_ *farCall, now time.Time, in *ua.Incoming) { in.Respond(now, 603, "") }, nil, "603", false, "<REFER"},
		{"without notifications (RFC 4488)", func(_ *farCall, now time.Time, in *ua.Incoming) {
			res := in.Response(202, "")
			res.Header.Add("Refer-Sub", "false")
			in.RespondWith(now, res)
		}, nil, "", true, "<REFER <BYE"},
		{"the subscription ends without a word", accept, func(far *farCall) {
			far.notify("terminated;reason=timeout", "SIP/2.0 100 Trying\r\n")
		}, "does not tell", false, "<REFER NOTIFY:200"},
		{"nothing is heard", accept, nil, "does not tell", false, "<REFER"},
		{"the far end hangs up after it accepted", accept, func(far *farCall) { far.send(sipmsg.BYE) }, "", true, "<REFER BYE:200"},
		{"a notification of something else", accept, func(far *farCall) {
			far.notify("active", "hello")
			far.notify("active", "SIP/2.0 200 OK\r\n", func(m *sipmsg.Message) { m.Header.Set("Event", "refer;id=4711") })
			far.notify("terminated", "SIP/2.0 200 OK\r\n")
		}, "", true, "<REFER NOTIFY:400 NOTIFY:481 NOTIFY:200 <BYE"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bothWays(t, nil, func(w *world, far *farCall, c *Call) {
				far.does(sipmsg.REFER, func(now time.Time, in *ua.Incoming) { tt.refer(far, now, in) })
				o := &outcome{w: w}
				c.Transfer("700", nil, o.done)
				w.after(time.Second)
				if m := w.primary.last(sipmsg.REFER); m.Header.Get("Refer-To") != "<sip:700@10.0.0.2>" || m.Header.Get("Referred-By") == "" {
					w.t.Errorf("Refer-To %s, Referred-By %s", m.Header.Get("Refer-To"), m.Header.Get("Referred-By"))
				}
				if tt.tell != nil {
					tt.tell(far)
				}
				w.after(10 * time.Minute)
				o.want(tt.want)
				w.wantFar(far, tt.answer)
				if over := c.Info().State == Ended; over != tt.ended {
					w.t.Errorf("call %s", c.Info().State)
				}
				if !tt.ended {
					c.Hangup()
					w.after(time.Second)
				}
				w.wantIdle()
			})
		})
	}
}

// Who transfers hears how far the call has come that the far end makes.
func TestTransferTellsProgress(t *testing.T) {
	bothWays(t, nil, func(w *world, far *farCall, c *Call) {
		far.does(sipmsg.REFER, func(now time.Time, in *ua.Incoming) { accept(far, now, in) })
		o := &outcome{w: w}
		var heard []int
		c.Transfer("700", func(status int) { heard = append(heard, status) }, o.done)
		w.after(time.Second)
		for _, status := range []string{"100 Trying", "180 Ringing"} {
			far.notify("active", "SIP/2.0 "+status+"\r\n")
			w.after(time.Second)
		}
		far.notify("terminated", "SIP/2.0 200 OK\r\n")
		w.after(time.Minute)
		o.want("")
		if !slices.Equal(heard, []int{100, 180}) {
			w.t.Errorf("heard %v", heard)
		}
		w.wantIdle()
	})
}

func accept(_ *farCall, now time.Time, in *ua.Incoming) { in.Respond(now, 202, "") }

// A transfer is told its end, whatever ends it first, and there is one at a time.
func TestTransferThatCannotBe(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		o := &outcome{w: w}
		w.primary.on(sipmsg.INVITE, w.primary.ring)
		w.dial("600")
		w.after(time.Second)
		w.phone.call().Transfer("700", nil, o.done)
		w.after(time.Second)
		o.want("not up")
		w.phone.call().Hangup()
	})
	bothWays(t, nil, func(w *world, far *farCall, c *Call) {
		far.does(sipmsg.REFER, func(now time.Time, in *ua.Incoming) { accept(far, now, in) })
		first, second, third := &outcome{w: w}, &outcome{w: w}, &outcome{w: w}
		c.Transfer("700", nil, first.done)
		c.Transfer("701", nil, second.done)
		w.after(time.Second)
		second.want("under way")
		c.Hangup()
		c.Transfer("702", nil, third.done)
		w.after(time.Second)
		first.want("ended first")
		third.want("not up")
		w.wantIdle()
	})
}

// A challenge changes the REFER's CSeq, by which its notifications name it.
func TestTransferAfterAChallenge(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		c := w.talking()
		far := w.primary.call()
		w.primary.asks("pbx", "secret")
		o := &outcome{w: w}
		c.Transfer("700", nil, o.done)
		w.after(time.Second)
		refer := w.primary.last(sipmsg.REFER)
		if refer.CSeq.Seq != 3 {
			t.Fatalf("REFER with CSeq %d", refer.CSeq.Seq)
		}
		far.notify("terminated", "SIP/2.0 200 OK\r\n", func(m *sipmsg.Message) { m.Header.Set("Event", "refer;id=3") })
		w.after(time.Second)
		o.want("")
	})
}

// Attended transfer: the far end of one call is asked to take the place of this device in
// the other (RFC 5589 section 7).
func TestAttendedTransfer(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		first := w.talking()
		farFirst := w.primary.call()
		second := w.talking()
		farSecond := w.primary.call()
		farFirst.does(sipmsg.REFER, func(now time.Time, in *ua.Incoming) { accept(farFirst, now, in) })
		o := &outcome{w: w}
		first.TransferTo(second, o.done)
		w.after(time.Second)
		to, err := sipmsg.ParseAddr(w.primary.last(sipmsg.REFER).Header.Get("Refer-To"))
		if err != nil {
			t.Fatal(err)
		}
		value, _ := to.URI.Header("Replaces")
		r, ok := dialog.ParseReplaces(value)
		d := farSecond.d
		if !ok || r.CallID != d.CallID || r.ToTag != d.LocalTag || r.FromTag != d.RemoteTag || to.URI.User != "far" {
			t.Errorf("Refer-To %s for the dialog %+v", to, d.ID)
		}
		if _, err := url.QueryUnescape(to.URI.Headers); err != nil {
			t.Errorf("Refer-To %s: %v", to, err)
		}
		farFirst.notify("terminated", "SIP/2.0 200 OK\r\n")
		farSecond.send(sipmsg.BYE) // it has been replaced
		w.after(time.Second)
		o.want("")
		w.wantIdle()
	})
	inWorld(t, nil, func(w *world) { // the other call is gone
		first := w.talking()
		second := w.talking()
		second.Hangup()
		o := &outcome{w: w}
		first.TransferTo(second, o.done)
		w.after(time.Second)
		o.want("not up")
	})
}

// A far end refers us: the telephone calls whom it names, and the far end is told how
// that goes (RFC 3515 section 2.4.5).
func TestReferred(t *testing.T) {
	tests := []struct {
		name   string
		answer func(w *world, now time.Time, in *ua.Incoming) // to the new call
		want   string                                         // the status lines notified
	}{
		{"it answers", func(w *world, now time.Time, in *ua.Incoming) { w.primary.usual(now, in) }, "100 180 200"},
		{"it is busy", func(_ *world, now time.Time, in *ua.Incoming) { in.Respond(now, 486, "") }, "100 486"},
		{"it is unavailable everywhere", func(_ *world, now time.Time, in *ua.Incoming) { in.Respond(now, 503, "") }, "100 503"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bothWays(t, []string{"backup_addr ="}, func(w *world, far *farCall, c *Call) {
				w.phone.referred = func(_ *Call, d Dial) bool {
					d.Handler, d.Media = w.phone, media
					w.line.Dial(d)
					return true
				}
				w.primary.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) { tt.answer(w, now, in) })
				far.send(sipmsg.REFER, with("Refer-To", "<sip:700@pbx.example>"), with("Referred-By", "<sip:boss@pbx.example>"))
				w.after(time.Second)
				invite := w.primary.last(sipmsg.INVITE)
				if invite.RequestURI.String() != "sip:700@pbx.example" || invite.Header.Get("Referred-By") != "<sip:boss@pbx.example>" {
					w.t.Errorf("INVITE %s, Referred-By %s", invite.RequestURI, invite.Header.Get("Referred-By"))
				}
				if got := notified(w.primary); got != tt.want {
					w.t.Errorf("notified %q, want %q", got, tt.want)
				}
				last := w.primary.last(sipmsg.NOTIFY)
				if !strings.HasPrefix(last.Header.Get("Subscription-State"), "terminated") || last.Header.Get("Event") != "refer" {
					w.t.Errorf("the last NOTIFY: %s %s", last.Header.Get("Event"), last.Header.Get("Subscription-State"))
				}
				if got := far.news(); !strings.HasPrefix(got, "REFER:202") && !strings.Contains(got, " REFER:202") {
					w.t.Errorf("far end heard %q", got)
				}
				far.send(sipmsg.BYE)
				w.after(time.Second)
				if x := w.phone.call(); x != c && x.Info().State != Ended {
					x.Hangup()
				}
				w.after(time.Second)
				w.wantIdle()
			})
		})
	}
}

// A tel URI is called by its number at the line's server (RFC 3261 section 19.1.6).
func TestTelURIIsCalledByItsNumber(t *testing.T) {
	for to, want := range map[string]string{
		"tel:112":                   "sip:112@10.0.0.2",
		"tel:112;phone-context=+49": "sip:112@10.0.0.2",
		"tel:+49-30-(12).34;ext=5":  "sip:+49301234@10.0.0.2",
		"tel:%2B4930":               "sip:+4930@10.0.0.2",
		"sip:112;x=1@pbx.example":   "sip:112;x=1@pbx.example",
		"+49-30":                    "sip:+49-30@10.0.0.2",
	} {
		inWorld(t, nil, func(w *world) {
			w.dial(to)
			w.after(time.Second)
			if got := w.primary.last(sipmsg.INVITE).RequestURI.String(); got != want {
				t.Errorf("%s: called %s, want %s", to, got, want)
			}
			w.phone.call().Hangup()
			w.after(time.Minute)
		})
	}
}

// notified lists the status of the NOTIFYs that a server got.
func notified(s *fakeServer) string {
	var list []string
	for _, m := range s.all(sipmsg.NOTIFY) {
		if _, rest, ok := strings.Cut(string(m.Body), " "); ok {
			list = append(list, rest[:3])
		}
	}
	return strings.Join(list, " ")
}

// REFERs that are not followed.
func TestReferredInVain(t *testing.T) {
	tests := []struct {
		name   string
		change func(m *sipmsg.Message)
		want   string
	}{
		{"nobody wants to", with("Refer-To", "<sip:700@pbx>"), "REFER:603"},
		{"no Refer-To", func(*sipmsg.Message) {}, "REFER:400"},
		{"not a telephone", with("Refer-To", "<http://example/>"), "REFER:416"},
		{"another method", with("Refer-To", "<sip:700@pbx;method=SUBSCRIBE>"), "REFER:403"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bothWays(t, nil, func(w *world, far *farCall, c *Call) {
				far.send(sipmsg.REFER, tt.change)
				w.after(time.Second)
				w.wantFar(far, tt.want)
			})
		})
	}
}

// A referred call that never comes about ends its notifications after a while, or when
// the one who asked has had enough.
func TestReferralRunsOut(t *testing.T) {
	bothWays(t, nil, func(w *world, far *farCall, c *Call) {
		w.phone.referred = func(*Call, Dial) bool { return true } // and forgets it
		far.send(sipmsg.REFER, with("Refer-To", "<sip:700@pbx>"))
		w.after(time.Minute)
		far.send(sipmsg.SUBSCRIBE, with("Event", "refer"), with("Expires", "600"))
		w.after(5 * time.Minute)
		if got := notified(w.primary); got != "100 100" {
			w.t.Errorf("notified %q", got)
		}
		far.send(sipmsg.SUBSCRIBE, with("Event", "refer"), with("Expires", "0"))
		w.after(time.Second)
		last := w.primary.last(sipmsg.NOTIFY)
		if v := last.Header.Get("Subscription-State"); v != "terminated;reason=timeout" {
			w.t.Errorf("the last NOTIFY: %s", v)
		}
		far.send(sipmsg.SUBSCRIBE, with("Event", "refer"), with("Expires", "60"))
		w.after(time.Second)
		if got := far.news(); !strings.HasSuffix(got, "SUBSCRIBE:481") {
			w.t.Errorf("far end heard %q", got)
		}
	})
}

// Whoever hangs up while a referral is under way, and at whatever moment: the one who asked
// hears the end of it, and nothing is left over.
func TestReferralAndHangUp(t *testing.T) {
	bye := func(far *farCall) { far.send(sipmsg.BYE) }
	for _, tt := range []struct {
		name string
		then func(w *world, far *farCall, old *Call, dial func()) // after the REFER was accepted
		want string                                               // the status lines notified
	}{
		{"here, before the new call begins", func(w *world, _ *farCall, old *Call, _ func()) { old.Hangup() }, "100 487"},
		{"here, the new call that rings", func(w *world, far *farCall, _ *Call, dial func()) {
			w.primary.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
				in.OnCancel = func(now time.Time) { in.Respond(now, 487, "") }
				w.primary.ring(now, in)
			})
			dial()
			w.after(time.Second)
			w.phone.call().Hangup()
			w.after(time.Second)
			bye(far)
		}, "100 180 487"},
		{"here, both", func(w *world, _ *farCall, old *Call, dial func()) {
			w.primary.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
				in.OnCancel = func(now time.Time) { in.Respond(now, 487, "") }
				w.primary.ring(now, in)
			})
			dial()
			w.after(time.Second)
			old.Hangup()
			w.phone.call().Hangup()
		}, "100 180 487"},
		{"there, before the new call begins", func(w *world, far *farCall, _ *Call, dial func()) {
			bye(far)
			w.after(time.Second)
			dial()
			w.after(time.Second)
			w.phone.call().Hangup()
		}, "100 180 200"},
		{"there, and the new call never begins", func(w *world, far *farCall, _ *Call, _ func()) { bye(far) }, "100 487"},
		{"there, and nobody answers", func(w *world, far *farCall, _ *Call, dial func()) {
			w.primary.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) { in.Respond(now, 480, "") })
			bye(far)
			w.after(time.Second)
			dial()
		}, "100 480"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bothWays(t, nil, func(w *world, far *farCall, c *Call) {
				var d Dial
				w.phone.referred = func(_ *Call, x Dial) bool { d = x; return true }
				far.send(sipmsg.REFER, with("Refer-To", "<sip:700@pbx.example>"))
				w.after(time.Second)
				tt.then(w, far, c, func() {
					d.Handler, d.Media = w.phone, media
					w.line.Dial(d)
				})
				w.after(time.Minute)
				if got := notified(w.primary); got != tt.want {
					w.t.Errorf("notified %q, want %q", got, tt.want)
				}
				if v := w.primary.last(sipmsg.NOTIFY).Header.Get("Subscription-State"); !strings.HasPrefix(v, "terminated") {
					w.t.Errorf("the last NOTIFY: %s", v)
				}
				w.wantIdle()
			})
		})
	}
}

// A far end that does not want its NOTIFYs gets no more of them.
func TestReferralThatNobodyListensTo(t *testing.T) {
	bothWays(t, nil, func(w *world, far *farCall, c *Call) {
		w.phone.referred = func(_ *Call, d Dial) bool {
			d.Handler, d.Media = w.phone, media
			w.line.Dial(d)
			return true
		}
		far.does(sipmsg.NOTIFY, func(now time.Time, in *ua.Incoming) { in.Respond(now, 481, "") })
		w.primary.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
			time.AfterFunc(time.Second, func() { w.primary.post(func(now time.Time) { w.primary.take(now, in) }) })
		})
		far.send(sipmsg.REFER, with("Refer-To", "<sip:700@pbx.example>"))
		w.after(5 * time.Second)
		if got := notified(w.primary); got != "100" {
			w.t.Errorf("notified %q", got)
		}
	})
}

// Attended transfer as the transferee sees it: the REFER brings Replaces, the new INVITE
// carries it.
func TestReferredWithReplaces(t *testing.T) {
	bothWays(t, nil, func(w *world, far *farCall, c *Call) {
		w.phone.referred = func(_ *Call, d Dial) bool {
			d.Handler, d.Media = w.phone, media
			w.line.Dial(d)
			return true
		}
		far.send(sipmsg.REFER, with("Refer-To", "<sip:700@pbx?Replaces=abc%40x%3Bto-tag%3D1%3Bfrom-tag%3D2>"))
		w.after(time.Second)
		m := w.primary.last(sipmsg.INVITE)
		if m.Header.Get("Replaces") != "abc@x;to-tag=1;from-tag=2" || !m.OptionTag("Require", "replaces") || m.RequestURI.Headers != "" {
			w.t.Errorf("INVITE %s, Replaces %q", m.RequestURI, m.Header.Get("Replaces"))
		}
	})
}

// Attended transfer as the target sees it: an INVITE takes the place of a call that is up,
// which goes on with another far end and without a ring.
func TestInviteWithReplaces(t *testing.T) {
	bothWays(t, []string{"enable_dnd = 0"}, func(w *world, far *farCall, c *Call) {
		d := far.d
		value := d.CallID + ";to-tag=" + d.RemoteTag + ";from-tag=" + d.LocalTag
		other := w.primary.callLine(with("Replaces", value), with("Require", "replaces"))
		w.after(time.Second)
		w.wantNews("started pcmu:sendrecv answered")
		w.wantFar(other, "200")
		w.wantFar(far, "<BYE")
		now := w.phone.call()
		if now == c || now.Info().State != Connected || now.Info().Port != 1 || c.Info().State != Ended {
			w.t.Errorf("calls %s and %s", c.Info().State, now.Info().State)
		}
		now.Hangup()
		w.after(time.Second)
		w.wantFar(other, "<BYE")
		w.phone.mu.Lock()
		w.phone.ended[c]++ // its handler went with the new one
		w.phone.mu.Unlock()
		w.wantIdle()
		again := w.primary.callLine(with("Replaces", value))
		w.after(time.Second)
		if got := again.news(); got != "481" && got != "603" {
			w.t.Errorf("a call that is over was replaced: %q", got)
		}
	})
}

// An INVITE that is to take a call's place and cannot be answered leaves that call alone.
func TestReplacesThatCannotBeAnswered(t *testing.T) {
	bothWays(t, nil, func(w *world, far *farCall, c *Call) {
		value := far.d.CallID + ";to-tag=" + far.d.RemoteTag + ";from-tag=" + far.d.LocalTag
		for _, tt := range []struct {
			change func(m *sipmsg.Message)
			want   string
		}{
			{describing("v=0", sdpO, "s=-", sdpC, "m=audio 4000 RTP/AVP 18"), "488"},
			{contactOf(sipmsg.URI{Scheme: "tel", User: "700"}), "400"},
		} {
			other := w.primary.callLine(with("Replaces", value), tt.change)
			w.after(time.Second)
			w.wantFar(other, tt.want)
			w.wantFar(far, "")
			w.wantNews("")
			if c.Info().State != Connected {
				w.t.Fatalf("call %s", c.Info().State)
			}
		}
		c.Hangup()
		w.after(time.Minute)
		w.wantNews("ended")
		w.wantIdle()
	})
}

// Do Not Disturb is not for the calls one has.
func TestReplacesDespiteDND(t *testing.T) {
	inWorld(t, []string{"enable_dnd = 1"}, func(w *world) {
		w.talking()
		d := w.primary.call().d
		other := w.primary.callLine(with("Replaces", d.CallID+";to-tag="+d.RemoteTag+";from-tag="+d.LocalTag))
		w.after(time.Second)
		w.wantFar(other, "200")
	})
}
