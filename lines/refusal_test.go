package lines

import (
	"strings"
	"testing"
	"time"

	"tipring/internal/offer"
	"tipring/internal/sipmsg"
	"tipring/internal/ua"
)

// describing is a session description of its lines, which end in CRLF.
func describing(lines ...string) func(m *sipmsg.Message) {
	return func(m *sipmsg.Message) { m.SetBody(sdpType, []byte(strings.Join(lines, "\r\n")+"\r\n")) }
}

// encoded says that the body is not as it is.
func encoded(coding string) func(m *sipmsg.Message) { return with("Content-Encoding", coding) }

const (
	sdpO = "o=- 1 1 IN IP4 10.0.0.9"
	sdpC = "c=IN IP4 10.0.0.9"
	sdpM = "m=audio 4000 RTP/AVP 0"
)

const acceptSDP = "Accept: application/sdp, multipart/mixed, multipart/alternative"

// badOffers are bodies that cannot be taken, with the response they earn and what it says.
var badOffers = []struct {
	name   string
	change []func(m *sipmsg.Message)
	code   string
	header string // "Name: value"
}{
	{"words", do(describing("hello")), "400", ""},
	{"no v=", do(describing(sdpO, "s=-", sdpC, "t=0 0", sdpM)), "400", ""},
	{"no o=", do(describing("v=0", "s=-", sdpC, "t=0 0", sdpM)), "400", ""},
	{"no s=", do(describing("v=0", sdpO, sdpC, "t=0 0", sdpM)), "400", ""},
	{"no c=", do(describing("v=0", sdpO, "s=-", "t=0 0", sdpM)), "400", ""},
	{"a line of words", do(describing("v=0", sdpO, "s=-", sdpC, "t=0 0", "garbage", sdpM)), "400", ""},
	{"m= cut short", do(describing("v=0", sdpO, "s=-", sdpC, "t=0 0", "m=audio")), "400", ""},
	{"too long", do(describing("v=0", sdpO, "s=-", sdpC, strings.Repeat("a=x\r\n", 1100))), "413", ""},
	{"no m=", do(describing("v=0", sdpO, "s=-", sdpC, "t=0 0")), "488", `Warning: 304 tipring "no audio stream is offered"`},
	{"a stream refused by its offerer", do(describing("v=0", sdpO, "s=-", sdpC, "t=0 0", "m=audio 0 RTP/AVP 0")), "488", `Warning: 304 tipring "no audio stream is offered"`},
	{"pictures", do(describing("v=0", sdpO, "s=-", sdpC, "t=0 0", "m=video 4000 RTP/AVP 31")), "488", `Warning: 304 tipring "no audio stream is offered"`},
	{"no codec in common", do(describing("v=0", sdpO, "s=-", sdpC, "t=0 0", "m=audio 4000 RTP/AVP 18")), "488", `Warning: 305 tipring "no common codec"`},
	{"another transport", do(describing("v=0", sdpO, "s=-", sdpC, "t=0 0", "m=audio 4000 RTP/SAVP 0")), "488", `Warning: 302 tipring "transport RTP/SAVP: SRTP is off here"`},
	{"an address of another kind", do(describing("v=0", sdpO, "s=-", "c=ATM NSAP x", "t=0 0", sdpM)), "488", `Warning: 301 tipring "address NSAP x"`},
	{"an address of everybody", do(describing("v=0", sdpO, "s=-", "c=IN IP4 255.255.255.255", "t=0 0", sdpM)), "488", `Warning: 301 tipring "broadcast address 255.255.255.255"`},
	{"an address of a group", do(describing("v=0", sdpO, "s=-", "c=IN IP4 239.1.2.3", "t=0 0", sdpM)), "488", `Warning: 330 tipring "multicast address 239.1.2.3"`},
	{"a transport that cannot be written", do(describing("v=0", sdpO, "s=-", sdpC, "t=0 0", "m=audio 4000 RTP/\x02SAVP 0")), "488", `Warning: 302 tipring "transport RTP/?SAVP"`},
	{"a transport of broken UTF-8", do(describing("v=0", sdpO, "s=-", sdpC, "t=0 0", "m=audio 4000 RTP/\xc3\x7f\x85 0")), "488", `Warning: 302 tipring "transport RTP/???"`},
	{"a transport in quotes", do(describing("v=0", sdpO, "s=-", sdpC, "t=0 0", `m=audio 4000 "RTP\" 0`)), "488", `Warning: 302 tipring "transport \"RTP\\\""`},
	{"a transport without end", do(describing("v=0", sdpO, "s=-", sdpC, "t=0 0", "m=audio 4000 "+strings.Repeat("R", 4000)+" 0")), "488", `Warning: 302 tipring "transport ` + strings.Repeat("R", 20) + `"`},
	{"an address that cannot be written", do(describing("v=0", sdpO, "s=-", "c=ATM NSAP \x1b[2J", "t=0 0", sdpM)), "488", `Warning: 301 tipring "address NSAP ?[2J"`},
	{"compressed", do(encoded("gzip")), "415", "Accept-Encoding: identity"},
	{"compressed twice", do(encoded("identity, deflate")), "415", "Accept-Encoding: identity"},
	{"another type", do(func(m *sipmsg.Message) { m.SetBody("application/isup", []byte("x")) }), "415", acceptSDP},
	{"no type", do(func(m *sipmsg.Message) { m.Header.Del("Content-Type") }), "415", acceptSDP},
	{"a requirement", do(with("Require", "100rel, nonsense, timer"), with("Require", "more")), "420", "Unsupported: nonsense, more"},
}

func do(change ...func(m *sipmsg.Message)) []func(m *sipmsg.Message) { return change }

func checkHeader(t testing.TB, res *sipmsg.Message, header string) {
	t.Helper()
	if name, value, _ := strings.Cut(header, ": "); header != "" && res.Header.Get(name) != value {
		t.Errorf("%s: %q, want %q", name, res.Header.Get(name), value)
	}
}

// A call whose offer cannot be taken is refused, and nobody's telephone rings.
func TestBadOffersMakeNoCall(t *testing.T) {
	for _, tt := range badOffers {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				far := w.primary.callLine(tt.change...)
				w.after(time.Second)
				if got := far.news(); got != tt.code {
					t.Errorf("caller hears %q, want %s", got, tt.code)
				}
				checkHeader(t, far.got(), tt.header)
				w.wantNews("")
				w.wantIdle()
			})
		})
	}
}

// The same in a call, by re-INVITE and UPDATE: it goes on as it was, and a good offer is
// answered next.
func TestBadOffersLeaveTheCall(t *testing.T) {
	bothWays(t, nil, func(w *world, far *farCall, c *Call) {
		for _, tt := range badOffers {
			for _, method := range []string{sipmsg.INVITE, sipmsg.UPDATE} {
				far.send(method, append(do(far.offering(offer.SendRecv)), tt.change...)...)
				w.after(time.Second)
				if got := far.news(); got != method+":"+tt.code {
					w.t.Errorf("%s: %s answered %q, want %s", tt.name, method, got, tt.code)
				}
				checkHeader(w.t, far.got(), tt.header)
				w.wantNews("")
				if c.Info().State != Connected {
					w.t.Fatalf("%s: call %s", tt.name, c.Info().State)
				}
			}
		}
		far.send(sipmsg.INVITE, far.offering(offer.SendOnly))
		w.after(time.Second)
		w.wantFar(far, "INVITE:200")
		w.wantNews("pcmu:recvonly")
		c.Hangup()
		w.after(time.Minute)
		w.wantIdle()
	})
}

// While a call rings: an offer in an UPDATE or a PRACK is read before it is told to wait.
func TestBadOffersWhileItRings(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		far := w.primary.callLine(with("Require", "100rel"))
		w.after(time.Second)
		w.phone.call().Ring()
		w.after(100 * time.Millisecond)
		rack := with("RAck", far.got().Header.Get("RSeq")+" 1 INVITE")
		far.news()
		for _, body := range []struct {
			change func(m *sipmsg.Message)
			code   string
		}{
			{describing("hello"), "400"},
			{func(m *sipmsg.Message) { m.SetBody("text/plain", []byte("x")) }, "415"},
			{describing("v=0", sdpO, "s=-", sdpC, sdpM), "500"},
		} {
			for _, method := range []string{sipmsg.UPDATE, sipmsg.PRACK} {
				far.send(method, rack, body.change)
				w.after(10 * time.Millisecond)
				if got := far.news(); got != method+":"+body.code {
					t.Errorf("%s answered %q, want %s", method, got, body.code)
				}
			}
		}
		far.send(sipmsg.PRACK, rack)
		w.phone.call().Answer(media, 1)
		w.after(time.Second)
		w.wantNews("started pcmu:sendrecv answered")
	})
}

// An answer that cannot be read ends the call, and the telephone learns why.
func TestBadAnswersEndTheCall(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(res *sipmsg.Message)
		why    string
	}{
		{"words", describing("hello"), "not a session description"},
		{"no o=", describing("v=0", "s=-", sdpC, sdpM), "no o="},
		{"compressed", encoded("gzip"), "body in gzip"},
		{"no stream", describing("v=0", sdpO, "s=-", sdpC, "m=audio 0 RTP/AVP 0"), "refused the audio stream"},
		{"another codec", describing("v=0", sdpO, "s=-", sdpC, "m=audio 4000 RTP/AVP 18"), "no common codec"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			check := func(w *world, far *farCall) {
				t.Helper()
				if r := w.phone.reason(); r.Code != 488 || r.Local || !strings.Contains(r.Text, tt.why) {
					t.Errorf("reason %+v, want %q", r, tt.why)
				}
				if !strings.HasSuffix(w.primary.heard(0), "ACK BYE") {
					t.Errorf("server hears %s", w.primary.heard(0))
				}
				w.wantIdle()
			}
			inWorld(t, nil, func(w *world) { // the 2xx to the INVITE
				w.primary.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) { w.primary.takeWith(now, in, tt.change) })
				w.dial("600")
				w.after(time.Second)
				w.wantPhone("started ended")
				check(w, nil)
			})
			inWorld(t, nil, func(w *world) { // to a re-INVITE
				c := w.talking()
				far := w.primary.call()
				far.does(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
					res := in.Response(200, "")
					w.primary.routed(res)
					res.SetBody(sdpType, w.primary.describe(in.Req))
					tt.change(res)
					in.RespondWith(now, res)
				})
				c.Hold(true)
				w.after(time.Second)
				w.wantNews("ended")
				check(w, far)
			})
		})
	}
}

// An early answer that cannot be read is forgotten where the 2xx brings another, and is the
// reason of the end where it does not.
func TestBadEarlyAnswer(t *testing.T) {
	for _, repaired := range []bool{true, false} {
		inWorld(t, nil, func(w *world) {
			w.primary.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
				w.primary.progress(now, in, 183, describing("v=0", "s=-"), with("Require", "100rel"), with("RSeq", "1"))
				w.primary.takeWith(now, in, func(res *sipmsg.Message) {
					if !repaired {
						res.SetBody("", nil)
					}
				})
			})
			w.dial("600")
			w.after(time.Second)
			if repaired {
				w.wantPhone("started pcmu:sendrecv answered")
				return
			}
			w.wantPhone("started ended")
			if r := w.phone.reason(); !strings.Contains(r.Text, "no o=") {
				t.Errorf("reason %+v", r)
			}
		})
	}
}

// badRoute is a Record-Route that can be read and not be written, so that no response with it
// goes out.
func badRoute(m *sipmsg.Message) {
	m.RecordRoute = []sipmsg.Addr{{URI: sipmsg.URI{Scheme: "sip", Host: "10.0.0.2"}}}
	m.RecordRoute[0].Params.Set("b@d", "1")
}

// A 2xx that cannot be written makes no call: the caller hears 500.
func TestAnswerThatCannotBeWritten(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		far := w.primary.callLine()
		w.after(time.Second)
		w.onLine(func() { badRoute(w.phone.call().in.Req) })
		w.phone.call().Answer(media, 1)
		w.after(time.Minute)
		w.wantFar(far, "100 500")
		w.wantPhone("started ended")
		w.wantIdle()
	})
}

// In a call it ends the call: 500 and BYE, as the two ends would no longer agree on the media.
// The request that comes is another call's, which is put into this one.
func TestAnswerInTheCallThatCannotBeWritten(t *testing.T) {
	for name, take := range map[string]func(*session, time.Time, *ua.Incoming){
		sipmsg.INVITE: (*session).reinvitedBy, sipmsg.UPDATE: (*session).updatedBy,
	} {
		t.Run(name, func(t *testing.T) {
			bothWays(t, nil, func(w *world, far *farCall, c *Call) {
				w.phone.incoming = func(other *Call) (Handler, int) {
					badRoute(other.in.Req)
					take(c.s, time.Now(), other.in)
					return nil, 486
				}
				wants := w.primary.callLine()
				w.after(time.Second)
				w.wantFar(wants, "500")
				w.wantFar(far, "<BYE")
				w.wantNews("ended")
				w.after(time.Minute)
				w.wantIdle()
			})
		})
	}
}

// Bodies of other requests. What its sender calls optional is not looked at, and nothing
// keeps a BYE from ending the call.
func TestBodiesOfOtherRequests(t *testing.T) {
	body := func(mediaType string) func(m *sipmsg.Message) {
		return func(m *sipmsg.Message) { m.SetBody(mediaType, []byte("Signal=5\r\n")) }
	}
	bothWays(t, nil, func(w *world, far *farCall, c *Call) {
		for _, tt := range []struct {
			method string
			change []func(m *sipmsg.Message)
			code   string
			header string
		}{
			{sipmsg.INFO, do(body("application/x"), encoded("gzip")), "415", "Accept-Encoding: identity"},
			{sipmsg.INFO, do(body("application/x")), "415", "Accept: application/dtmf-relay, application/dtmf, multipart/mixed, multipart/alternative"},
			{sipmsg.INFO, do(body("application/x"), with("Content-Disposition", "render; handling=optional")), "200", ""},
			{sipmsg.INFO, do(body("application/x"), with("Content-Disposition", "render;handling=required")), "415", ""},
			{sipmsg.INFO, do(body("Application/DTMF-Relay"), encoded("Identity")), "200", ""},
			{sipmsg.OPTIONS, do(body("text/plain")), "415", acceptSDP},
			{sipmsg.NOTIFY, do(with("Event", "refer"), body("x/y"), encoded("gzip")), "415", "Accept-Encoding: identity"},
			{"FOO", do(body("text/plain"), encoded("gzip"), with("Require", "x")), "405", "Allow: " + allowed},
			{sipmsg.INVITE, do(far.offering(offer.SendRecv), func(m *sipmsg.Message) { m.Header.Set("Content-Type", "application/isup") }, with("Content-Disposition", "signal;handling=optional")), "200", ""},
			{sipmsg.BYE, do(body("application/isup"), encoded("gzip")), "200", ""},
		} {
			far.send(tt.method, tt.change...)
			w.after(time.Second)
			if got := far.news(); got != tt.method+":"+tt.code {
				w.t.Errorf("%s answered %q, want %s", tt.method, got, tt.code)
			}
			checkHeader(w.t, far.got(), tt.header)
		}
		w.wantIdle()
	})
}
