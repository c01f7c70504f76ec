package call

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"tipring/internal/dsp"
	"tipring/internal/media"
	"tipring/internal/offer"
	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/dialog"
	"tipring/internal/ua/transport"
	"tipring/internal/ua/transport/memnet"
)

// A farEnd is the line's server and everybody behind it. It has no goroutine: it works
// when the rig lets a frame pass.
type farEnd struct {
	r       *rig
	host    *memnet.Host
	e       *ua.Endpoint
	contact sipmsg.Addr // of the line, from its REGISTER
	banned  bool        // its REGISTERs are refused
	rtp     *media.Ports
	codecs  []offer.Codec
	events  bool // takes RFC 4733 events
	t38     *offer.T38
	asks    time.Duration  // of a gateway: see farFax
	timer   string         // Session-Expires of its responses; empty: none
	onCall  func(*farCall) // makes it a fax call; nil: it is none

	// onInvite says what becomes of a call of the line; nil: it rings and is answered.
	onInvite func(*farCall)
	calls    []*farCall
	stun     *stunServer // nil: none
}

func newFarEnd(r *rig, place int) *farEnd {
	f := &farEnd{r: r, rtp: newPool(r.t, farRTP+place*placeRTP, placeRTP/2), codecs: []offer.Codec{offer.PCMU}, events: true}
	stack := ua.NewStack(nil)
	f.host = r.net.Host("127.0.0.2:5060", stack)
	stack.Attach(f.host)
	f.e = stack.NewEndpoint(ua.EndpointConfig{Fallback: true, Incoming: f.incoming, Acknowledged: f.acknowledged})
	return f
}

func (f *farEnd) work() {
	f.e.Work(time.Now())
	f.stun.work()
	for _, c := range f.calls {
		c.frame()
	}
}

func (f *farEnd) close() {
	f.e.Close()
	f.stun.close()
	for _, c := range f.calls {
		c.quit()
	}
}

func (f *farEnd) running() (n int) {
	for _, c := range f.calls {
		if !c.over {
			n++
		}
	}
	return n
}

func (f *farEnd) hangUpAll() {
	for _, c := range f.calls {
		c.hangUp()
	}
}

// last is the latest call, of either direction.
func (f *farEnd) last() *farCall {
	f.r.t.Helper()
	if len(f.calls) == 0 {
		f.r.t.Fatalf("the far end has had no call")
	}
	return f.calls[len(f.calls)-1]
}

func (f *farEnd) incoming(now time.Time, in *ua.Incoming) {
	req := in.Req
	switch {
	case req.Method == sipmsg.REGISTER && f.banned:
		in.Respond(now, 403, "")
		return
	case req.Method == sipmsg.REGISTER:
		res := in.Response(200, "")
		res.Contact = req.Contact
		in.RespondWith(now, res)
		if len(req.Contact) > 0 {
			f.contact = req.Contact[0]
		}
		return
	case req.Method == sipmsg.INVITE && req.To.Tag() == "":
		f.called(in)
		return
	}
	for _, c := range f.calls {
		if c.d != nil && c.d.ID == dialog.RequestID(req) {
			c.received(now, in)
			return
		}
	}
	in.Respond(now, 481, "")
}

func (f *farEnd) acknowledged(_ time.Time, ack *sipmsg.Message) {
	for _, c := range f.calls {
		if c.d != nil && c.d.ID == dialog.RequestID(ack) {
			c.got = append(c.got, sipmsg.ACK)
		}
	}
}

// A farCall is a call as the far end has it.
type farCall struct {
	f      *farEnd
	at     time.Time    // when it began
	in     *ua.Incoming // the INVITE of a call of the line's
	invite *sipmsg.Message
	req    *ua.Request // our own INVITE
	d      *dialog.Dialog
	o      *offer.Session
	pair   *media.Pair
	media  *media.Session
	sdp    []byte // our answer to the first offer

	got       []string // methods received in the dialog
	statuses  []int    // of responses to our requests
	notified  []int    // statuses that NOTIFYs told
	infos     string   // digits by INFO
	referTo   string   // of the last REFER
	referred  *dialog.Referral
	direction offer.Direction
	over      bool
	dead      bool // sends no RTP any more, and reads none

	fax      *farFax // nil: a telephone
	unanswer bool    // does not answer offers of T.38
	refusal  int     // answers them with that; 200: with port 0

	says    *dsp.Tone
	source  interface{ Read([]int16) } // said instead; nil: nothing
	keys    *dsp.DTMFGenerator         // said instead; nil: none
	ear     []int16
	dtmf    dsp.DTMFDetector
	inBand  string // digits heard
	events  string // digits by RFC 4733
	flashes int    // event that is no digit
}

func (f *farEnd) newCall() *farCall {
	pair, err := f.rtp.Listen(netip.MustParseAddr("127.0.0.1"), "")
	if err != nil {
		f.r.t.Fatalf("%v", err)
	}
	c := &farCall{f: f, at: time.Now(), pair: pair, media: media.New(pair, media.Config{})}
	c.o = offer.New(offer.Capabilities{Codecs: f.codecs, Events: f.events, PtimeMS: 20, T38: f.t38},
		offer.Local{RTP: pair.RTP.Local(), RTCP: pair.RTCP.Local()})
	f.calls = append(f.calls, c)
	if f.onCall != nil {
		f.onCall(c)
		c.fax.asks = f.asks
	}
	return c
}

// called takes a call of the line's.
func (f *farEnd) called(in *ua.Incoming) {
	c := f.newCall()
	c.in, c.invite = in, in.Req
	in.OnCancel = func(now time.Time) {
		in.Respond(now, 487, "")
		c.quit()
	}
	if f.onInvite != nil {
		f.onInvite(c)
		return
	}
	c.ring()
	c.answer()
}

// respond answers the INVITE, with a session description or without.
func (c *farCall) respond(code int, describe bool) {
	now := time.Now()
	res := c.in.Response(code, "")
	if code > 100 && code < 300 {
		res.Contact = []sipmsg.Addr{{URI: sipmsg.URI{Scheme: "sip", User: "far", Host: "127.0.0.2", Port: 5060}}}
	}
	if describe {
		c.describe(res)
	}
	c.expires(res)
	c.in.RespondWith(now, res)
	if code >= 300 {
		c.quit()
		return
	}
	if c.d == nil && code > 100 {
		d, err := dialog.FromRequest(c.in.Req, res)
		if err != nil {
			c.f.r.t.Fatalf("%v", err)
		}
		c.d = d
	}
	if code >= 200 {
		c.d.Confirm(res)
	}
}

// expires has a response to INVITE or UPDATE agree to a session timer (RFC 4028).
func (c *farCall) expires(res *sipmsg.Message) {
	if m := res.CSeq.Method; c.f.timer != "" && (m == sipmsg.INVITE || m == sipmsg.UPDATE) && res.StatusCode/100 == 2 {
		res.Header.Add("Require", "timer")
		res.Header.Add("Session-Expires", c.f.timer)
	}
}

func (c *farCall) describe(res *sipmsg.Message) {
	if c.sdp == nil {
		c.sdp = c.accept(c.in.Req.Body)
	}
	res.SetBody("application/sdp", c.sdp)
}

// accept answers an offer and puts it into force.
func (c *farCall) accept(body []byte) []byte {
	theirs, err := offer.Parse(body)
	if err != nil {
		c.f.r.t.Fatalf("offer: %v\n%s", err, body)
	}
	answer, err := c.o.Answer(theirs)
	if err != nil {
		c.f.r.t.Fatalf("answer: %v", err)
	}
	c.agreed()
	return answer.Bytes()
}

func (c *farCall) agreed() {
	if c.fax != nil {
		c.fax.agreed(c.o.Image())
	}
	a := c.o.Audio()
	if a == nil {
		return
	}
	c.direction = a.Direction
	if err := c.media.Update(agreedParams(a)); err != nil {
		c.f.r.t.Fatalf("%v", err)
	}
}

func (c *farCall) ring()            { c.respond(180, false) }
func (c *farCall) earlyMedia()      { c.respond(183, true) }
func (c *farCall) answer()          { c.respond(200, true) }
func (c *farCall) refuse(code int)  { c.respond(code, false) }
func (c *farCall) speak(hz float64) { c.says = voice(hz) }
func (c *farCall) hears() int       { return loudest(c.ear) }
func (c *farCall) heard() string    { return strings.Join(c.got, " ") }
func (c *farCall) status() int      { return c.statuses[len(c.statuses)-1] }

// invite calls the line.
func (f *farEnd) call() *farCall { return f.callWith(nil) }

func (f *farEnd) callWith(change func(m *sipmsg.Message)) *farCall {
	c := f.newCall()
	d, err := c.o.Offer()
	if err != nil {
		f.r.t.Fatalf("%v", err)
	}
	m := &sipmsg.Message{
		Method: sipmsg.INVITE, RequestURI: f.contact.URI,
		From:   sipmsg.Addr{Display: "Far", URI: sipmsg.URI{Scheme: "sip", User: "600", Host: "127.0.0.2"}}.WithTag(ua.NewTag()),
		To:     sipmsg.Addr{URI: sipmsg.URI{Scheme: "sip", User: "1001", Host: "127.0.0.2"}},
		CallID: ua.NewTag(), CSeq: sipmsg.CSeq{Seq: 1, Method: sipmsg.INVITE},
	}
	m.Header.Add("Max-Forwards", "70")
	m.SetBody("application/sdp", d.Bytes())
	if change != nil {
		change(m)
	}
	c.invite = m
	c.req = &ua.Request{Msg: m, Target: f.agent(), Contact: true, Retransmissions: 3, On: c.on}
	f.e.Send(time.Now(), c.req)
	return c
}

func (f *farEnd) agent() transport.Target {
	return transport.Target{Addr: netip.MustParseAddrPort("127.0.0.1:5060")}
}

// on takes what becomes of our INVITE.
func (c *farCall) on(now time.Time, a ua.Answer) {
	res := a.Response
	if res == nil {
		c.statuses = append(c.statuses, 0)
		c.quit()
		return
	}
	c.statuses = append(c.statuses, res.StatusCode)
	switch {
	case res.IsProvisional():
	case !res.IsSuccess():
		c.quit()
	case c.d == nil:
		d, err := dialog.FromResponse(c.req.Msg, res)
		if err != nil {
			c.f.r.t.Fatalf("%v", err)
		}
		c.d = d
		c.ack(a, c.req.Msg)
		c.takeAnswer(res)
		if c.over { // given up too late
			c.over = false
			c.hangUp()
		}
	default:
		c.ack(a, c.req.Msg)
	}
}

func (c *farCall) ack(a ua.Answer, invite *sipmsg.Message) {
	if _, err := c.f.e.SendAck(a.Flow, c.d.Ack(invite)); err != nil {
		c.f.r.t.Fatalf("%v", err)
	}
}

func (c *farCall) takeAnswer(res *sipmsg.Message) {
	theirs, err := offer.Parse(res.Body)
	if err == nil {
		err = c.o.TakeAnswer(theirs)
	}
	if err != nil {
		c.f.r.t.Fatalf("%v\n%s", err, res.Body)
	}
	if !c.over {
		c.agreed()
	}
}

// giveUp cancels a call of ours.
func (c *farCall) giveUp() {
	c.f.e.Cancel(time.Now(), c.req, 3, func(time.Time, ua.Answer) {})
	c.quit()
}

// ask sends a request in the dialog.
func (c *farCall) ask(method string, change func(m *sipmsg.Message)) {
	m := c.d.Request(method)
	if change != nil {
		change(m)
	}
	c.f.e.Send(time.Now(), &ua.Request{
		Msg: m, Target: c.f.agent(), Contact: len(m.Contact) > 0, Retransmissions: 3,
		On: func(_ time.Time, a ua.Answer) {
			if a.Response == nil {
				c.statuses = append(c.statuses, 0)
				return
			}
			c.statuses = append(c.statuses, a.Response.StatusCode)
			switch {
			case method != sipmsg.INVITE || a.Response.IsProvisional():
			case a.Response.IsSuccess():
				c.ack(a, m)
				c.takeAnswer(a.Response)
			default:
				c.o.Revert()
			}
		},
	})
}

// hangUp ends the call, however far it has come.
func (c *farCall) hangUp() {
	switch {
	case c.over:
	case c.d != nil && c.d.State() == dialog.Confirmed:
		c.ask(sipmsg.BYE, nil)
		c.d.End()
		c.quit()
	case c.in != nil:
		c.refuse(480)
	default:
		c.giveUp()
	}
}

// reinvite offers the session anew, in that direction.
func (c *farCall) reinvite(d offer.Direction) {
	c.o.SetDirection(d)
	body, err := c.o.Offer()
	if err != nil {
		c.f.r.t.Fatalf("%v", err)
	}
	c.ask(sipmsg.INVITE, func(m *sipmsg.Message) { m.SetBody("application/sdp", body.Bytes()) })
}

// move goes on with other RTP ports.
func (c *farCall) move() {
	old := c.media
	pair, err := c.f.rtp.Listen(netip.MustParseAddr("127.0.0.1"), "")
	if err != nil {
		c.f.r.t.Fatalf("%v", err)
	}
	c.pair, c.media = pair, media.New(pair, media.Config{})
	c.o.SetLocal(offer.Local{RTP: pair.RTP.Local(), RTCP: pair.RTCP.Local()})
	c.reinvite(offer.SendRecv)
	if err := old.Close(); err != nil {
		c.f.r.t.Fatalf("%v", err)
	}
}

// refer asks the line to call somebody else.
func (c *farCall) refer(to string) {
	c.ask(sipmsg.REFER, func(m *sipmsg.Message) {
		dialog.Refer(m, sipmsg.Addr{URI: sipmsg.URI{Scheme: "sip", User: to, Host: "127.0.0.2"}}, nil, c.d.Local.URI)
	})
}

// tell notifies the line of how the call goes that it has asked for.
func (c *farCall) tell(status int) {
	if c.referred == nil || c.referred.Done() {
		return
	}
	c.ask(sipmsg.NOTIFY, func(m *sipmsg.Message) { c.referred.Notify(time.Now(), m, status, "") })
}

// info sends a digit by INFO.
func (c *farCall) info(digit byte) {
	c.ask(sipmsg.INFO, func(m *sipmsg.Message) {
		m.SetBody("application/dtmf-relay", fmt.Appendf(nil, "Signal=%c\r\nDuration=160\r\n", digit))
	})
}

// received takes a request in the dialog.
func (c *farCall) received(now time.Time, in *ua.Incoming) {
	if code := c.d.Receive(in.Req); code != 0 {
		in.Respond(now, code, "")
		return
	}
	c.got = append(c.got, in.Req.Method)
	res := in.Response(200, "")
	c.expires(res)
	switch in.Req.Method {
	case sipmsg.BYE:
		c.d.End()
		c.quit()
	case sipmsg.INVITE:
		if c.o.Pending() { // RFC 3261 section 14.2
			in.Respond(now, 491, "")
			return
		}
		if body := string(in.Req.Body); strings.Contains(body, "m=image") && !strings.Contains(body, "m=audio") &&
			(c.unanswer || c.refusal != 0 || c.f.t38 == nil) {
			c.refuseFax(now, in)
			return
		}
		res.Contact = farContact
		res.SetBody("application/sdp", c.accept(in.Req.Body))
	case sipmsg.INFO:
		for line := range strings.Lines(string(in.Req.Body)) {
			if signal, ok := strings.CutPrefix(strings.TrimSpace(line), "Signal="); ok {
				c.infos += signal
			}
		}
	case sipmsg.REFER:
		ref, code := dialog.ParseRefer(now, in.Req, c.referred == nil)
		if code != 0 {
			c.f.r.t.Fatalf("REFER: %d", code)
		}
		c.referTo, c.referred = in.Req.Header.Get("Refer-To"), ref
		res = in.Response(202, "")
		res.Contact = farContact
		ref.Accept(res)
	case sipmsg.NOTIFY:
		if code, ok := dialog.ParseSipfrag(in.Req.Body); ok {
			c.notified = append(c.notified, code)
		}
	}
	in.RespondWith(now, res)
}

var farContact = []sipmsg.Addr{{URI: sipmsg.URI{Scheme: "sip", User: "far", Host: "127.0.0.2", Port: 5060}}}

// declined is an answer that takes nothing of an offer of T.38.
const declined = "v=0\r\no=- 1 9 IN IP4 127.0.0.2\r\ns=-\r\nc=IN IP4 127.0.0.2\r\nt=0 0\r\nm=image 0 udptl t38\r\n"

// refuseFax refuses T.38.
func (c *farCall) refuseFax(now time.Time, in *ua.Incoming) {
	switch {
	case c.unanswer:
	case c.refusal == 200:
		res := in.Response(200, "")
		res.Contact = farContact
		res.SetBody("application/sdp", []byte(declined))
		in.RespondWith(now, res)
	default:
		in.Respond(now, cmpOr(c.refusal, 488), "")
	}
}

// confirmed reports that the call is up.
func (c *farCall) confirmed() bool { return c.d != nil && c.d.State() == dialog.Confirmed }

// frame says and hears 20 ms.
func (c *farCall) frame() {
	if c.over || c.dead {
		return
	}
	if c.fax != nil {
		c.fax.frame()
		return
	}
	in, out := make([]int16, 160), make([]int16, 160)
	switch {
	case c.keys != nil:
		c.keys.Read(in)
	case c.source != nil:
		c.source.Read(in)
	case c.says != nil:
		c.says.Read(in)
	}
	c.media.Exchange(in, out)
	c.ear = append(c.ear, out...)
	for _, e := range c.dtmf.Feed(nil, out) {
		if e.Down {
			c.inBand += string(e.Key)
		}
	}
	for {
		e, ok := c.media.NextEvent()
		if !ok {
			return
		}
		switch {
		case e.End:
		case int(e.Code) < len(eventKeys):
			c.events += string(eventKeys[e.Code])
		default:
			c.flashes = int(e.Code)
		}
	}
}

// quit is the end of the call here.
func (c *farCall) quit() {
	if c.over {
		return
	}
	c.over = true
	if err := c.media.Close(); err != nil {
		c.f.r.t.Errorf("%v", err)
	}
	if c.fax != nil && c.fax.from != nil {
		if err := c.fax.from.Close(); err != nil {
			c.f.r.t.Errorf("%v", err)
		}
	}
}
