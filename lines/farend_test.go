package lines

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tipring/internal/offer"
	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/dialog"
	"tipring/internal/ua/transport"
	"tipring/internal/ua/transport/memnet"
)

// A fakeServer is a registrar and called party in one: it says what its script says.
type fakeServer struct {
	w    *world
	host *memnet.Host
	e    *ua.Endpoint

	security offer.Security // of its far ends

	mu       sync.Mutex
	log      []string // the methods that came
	at       []time.Time
	requests []*sipmsg.Message
	calls    []*farCall
	way      transport.Flow                                  // the connection of the last REGISTER; nil: it came by UDP
	answer   map[string]func(now time.Time, in *ua.Incoming) // by method; nil: as usual
}

func (w *world) newServer(addr string) *fakeServer {
	s := &fakeServer{w: w, answer: map[string]func(time.Time, *ua.Incoming){}}
	stack := ua.NewStack(nil)
	s.host = w.net.Host(addr, stack)
	stack.Attach(s.host)
	s.e = stack.NewEndpoint(ua.EndpointConfig{
		Fallback: true, Incoming: s.incoming,
		Acknowledged: func(_ time.Time, ack *sipmsg.Message) { s.note("ACK", ack) },
	})
	w.run(func() {
		defer s.e.Close()
		s.e.Run(w.ctx, func(time.Time) {}, func() time.Time { return time.Time{} })
	})
	return s
}

func (s *fakeServer) note(what string, m *sipmsg.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log, s.at, s.requests = append(s.log, what), append(s.at, time.Now()), append(s.requests, m)
}

// heard is what the server got since the n-th request: a list of methods.
func (s *fakeServer) heard(from int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if from > len(s.log) {
		return ""
	}
	return strings.Join(s.log[from:], " ")
}

func (s *fakeServer) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.log)
}

// all are the requests of a method.
func (s *fakeServer) all(method string) (list []*sipmsg.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, m := range s.requests {
		if s.log[i] == method {
			list = append(list, m)
		}
	}
	return list
}

// last is the latest request of a method; nil without one.
func (s *fakeServer) last(method string) *sipmsg.Message {
	list := s.all(method)
	if len(list) == 0 {
		return nil
	}
	return list[len(list)-1]
}

// times are when the requests of a method came, since a moment.
func (s *fakeServer) times(method string, since time.Time) (at []time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, what := range s.log {
		if what == method && !s.at[i].Before(since) {
			at = append(at, s.at[i].Sub(since))
		}
	}
	return at
}

// on sets the answer to a method; nil brings the usual one back.
func (s *fakeServer) on(method string, f func(now time.Time, in *ua.Incoming)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer[method] = f
}

// refuses has a method answered with a status; headers are "Name: value".
func (s *fakeServer) refuses(method string, code int, headers ...string) {
	s.on(method, func(now time.Time, in *ua.Incoming) {
		res := in.Response(code, "")
		for _, h := range headers {
			name, value, _ := strings.Cut(h, ": ")
			res.Header.Add(name, value)
		}
		in.RespondWith(now, res)
	})
}

// everything the line may send a server.
var everything = []string{sipmsg.REGISTER, sipmsg.INVITE, sipmsg.BYE, sipmsg.OPTIONS, sipmsg.SUBSCRIBE, sipmsg.INFO, sipmsg.UPDATE}

// fails has everything answered with a status; 0 brings the usual answers back.
func (s *fakeServer) fails(code int, headers ...string) {
	for _, method := range everything {
		if code == 0 {
			s.on(method, nil)
		} else {
			s.refuses(method, code, headers...)
		}
	}
}

// post runs fn on the server's goroutine.
func (s *fakeServer) post(fn func(now time.Time)) { s.e.Post(fn) }

func (s *fakeServer) incoming(now time.Time, in *ua.Incoming) {
	s.note(in.Req.Method, in.Req)
	s.mu.Lock()
	if in.Req.Method == sipmsg.REGISTER && in.Flow.Reliable() {
		s.way = in.Flow
	}
	f := s.answer[in.Req.Method]
	s.mu.Unlock()
	if c := s.callOf(in.Req); c != nil && c.d.Receive(in.Req) == 0 && f == nil {
		c.request(now, in)
		return
	}
	if f != nil {
		f(now, in)
		return
	}
	s.usual(now, in)
}

// usual is what a server does that nobody told anything else.
func (s *fakeServer) usual(now time.Time, in *ua.Incoming) {
	switch {
	case in.Req.Method == sipmsg.REGISTER:
		s.bind(now, in)
	case in.Req.Method == sipmsg.INVITE:
		s.ring(now, in)
		s.take(now, in)
	default:
		in.Respond(now, 200, "")
	}
}

// bind grants a REGISTER what it asks for.
func (s *fakeServer) bind(now time.Time, in *ua.Incoming) {
	res := in.Response(200, "")
	res.Contact = in.Req.Contact
	in.RespondWith(now, res)
}

// ring answers 180.
func (s *fakeServer) ring(now time.Time, in *ua.Incoming) { s.progress(now, in, 180) }

// progress answers with a provisional response that makes an early dialog.
func (s *fakeServer) progress(now time.Time, in *ua.Incoming, code int, change ...func(res *sipmsg.Message)) {
	res := in.Response(code, "")
	s.routed(res)
	for _, c := range change {
		c(res)
	}
	in.RespondWith(now, res)
}

// routed gives a message the far end's Contact and the server in the route set.
func (s *fakeServer) routed(m *sipmsg.Message) {
	m.Contact = []sipmsg.Addr{{URI: sipmsg.URI{Scheme: "sip", User: "far", Host: "10.0.0.9"}}}
	rr := sipmsg.URI{Scheme: "sip", Host: s.host.Addr().Addr().String()}
	rr.Params.SetFlag("lr")
	m.RecordRoute = []sipmsg.Addr{{URI: rr}}
}

// take answers an INVITE with 200 and a session description.
func (s *fakeServer) take(now time.Time, in *ua.Incoming) { s.takeWith(now, in) }

func (s *fakeServer) takeWith(now time.Time, in *ua.Incoming, change ...func(res *sipmsg.Message)) *farCall {
	c := s.newCall()
	res := in.Response(200, "")
	s.routed(res)
	res.Header.Add("Allow", allowed)
	if theirs, err := offer.Parse(in.Req.Body); err == nil {
		res.SetBody("application/sdp", c.answer(theirs))
	} else {
		res.SetBody("application/sdp", c.propose(offer.SendRecv))
	}
	for _, f := range change {
		f(res)
	}
	d, err := dialog.FromRequest(in.Req, res)
	if err != nil {
		panic(err)
	}
	c.d = d
	c.up.Store(true)
	in.RespondWith(now, res)
	return c
}

// early makes a provisional response to an INVITE one with media, and its far end.
func (s *fakeServer) early(in *ua.Incoming, res *sipmsg.Message) *farCall {
	c := s.newCall()
	theirs, err := offer.Parse(in.Req.Body)
	if err != nil {
		panic(err)
	}
	res.SetBody("application/sdp", c.answer(theirs))
	if c.d, err = dialog.FromRequest(in.Req, res); err != nil {
		panic(err)
	}
	return c
}

// describe is a session description that answers the offer of a request.
func (s *fakeServer) describe(req *sipmsg.Message) []byte {
	theirs, err := offer.Parse(req.Body)
	if err != nil {
		panic(err)
	}
	c := &farCall{offer: newOffer()}
	return c.answer(theirs)
}

func newOffer() *offer.Session {
	return offer.New(farSecurity(offer.Plain), offer.Local{RTP: netip.MustParseAddrPort("10.0.0.9:40000")})
}

// farSecurity is what a far end can that encrypts so much.
func farSecurity(s offer.Security) offer.Capabilities {
	return offer.Capabilities{Codecs: []offer.Codec{offer.PCMU}, Events: true, PtimeMS: 20, T38: relay, Security: s}
}

// A farCall is the far end of a call, at a server.
type farCall struct {
	s     *fakeServer
	d     *dialog.Dialog // nil before there is one
	up    atomic.Bool    // there is one
	offer *offer.Session
	req   *ua.Request // the INVITE, where it called
	noACK bool

	mu   sync.Mutex
	log  []string // "180", "200", "INFO:200", "<INFO" and so on
	msgs []*sipmsg.Message
	on   map[string]func(now time.Time, in *ua.Incoming)
}

func (s *fakeServer) newCall() *farCall {
	c := &farCall{s: s, offer: newOffer(), on: map[string]func(time.Time, *ua.Incoming){}}
	if s.security != offer.Plain {
		c.offer.SetCapabilities(farSecurity(s.security))
	}
	s.mu.Lock()
	s.calls = append(s.calls, c)
	s.mu.Unlock()
	return c
}

// call is the latest call of a server.
func (s *fakeServer) call() *farCall {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[len(s.calls)-1]
}

func (s *fakeServer) callOf(m *sipmsg.Message) *farCall {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.calls {
		if c.d != nil && c.d.ID == dialog.RequestID(m) {
			return c
		}
	}
	return nil
}

func (c *farCall) note(what string, m *sipmsg.Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.log, c.msgs = append(c.log, what), append(c.msgs, m)
}

// news is what came since the last call of news.
func (c *farCall) news() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := strings.Join(c.log, " ")
	c.log = nil
	return s
}

// got is the latest message noted.
func (c *farCall) got() *sipmsg.Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.msgs[len(c.msgs)-1]
}

// does sets what the far end does with a request in the dialog.
func (c *farCall) does(method string, f func(now time.Time, in *ua.Incoming)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.on[method] = f
}

// request takes a request in the dialog: an offer is answered, all else accepted.
func (c *farCall) request(now time.Time, in *ua.Incoming) {
	c.note("<"+in.Req.Method, in.Req)
	c.mu.Lock()
	f := c.on[in.Req.Method]
	c.mu.Unlock()
	if f != nil {
		f(now, in)
		return
	}
	res := in.Response(200, "")
	if theirs, err := offer.Parse(in.Req.Body); err == nil && (in.Req.Method == sipmsg.INVITE || in.Req.Method == sipmsg.UPDATE) {
		c.s.routed(res)
		res.SetBody("application/sdp", c.answer(theirs))
	}
	in.RespondWith(now, res)
}

// answer answers an offer, for which the far end's own stands back.
func (c *farCall) answer(theirs *offer.Description) []byte {
	if c.offer.Pending() {
		c.offer.Revert()
	}
	d, err := c.offer.Answer(theirs)
	if err != nil {
		panic(err)
	}
	return d.Bytes()
}

func (c *farCall) propose(dir offer.Direction) []byte {
	if c.offer.Pending() {
		c.offer.Revert()
	}
	c.offer.SetDirection(dir)
	d, err := c.offer.Offer()
	if err != nil {
		panic(err)
	}
	return d.Bytes()
}

// calls has the server send the line an INVITE. change may alter it.
func (s *fakeServer) callLine(change ...func(m *sipmsg.Message)) *farCall {
	c := s.newCall()
	uri := s.contact()
	m := &sipmsg.Message{
		Method: sipmsg.INVITE, RequestURI: uri,
		From:   sipmsg.Addr{Display: "Far End", URI: sipmsg.URI{Scheme: "sip", User: "600", Host: "10.0.0.2"}}.WithTag(ua.NewTag()),
		To:     sipmsg.Addr{URI: sipmsg.URI{Scheme: "sip", User: "1001", Host: "10.0.0.2"}},
		CallID: ua.NewTag(), CSeq: sipmsg.CSeq{Seq: 1, Method: sipmsg.INVITE},
	}
	m.Header.Add("Max-Forwards", "70")
	m.Header.Add("Allow", allowed)
	s.routed(m)
	m.SetBody("application/sdp", c.propose(offer.SendRecv))
	for _, f := range change {
		f(m)
	}
	if len(m.Body) == 0 {
		c.offer.Revert()
	}
	c.req = &ua.Request{Msg: m, Target: s.wayTo(uri), Flow: s.way, Retransmissions: -1, On: c.answered}
	s.post(func(now time.Time) { s.e.Send(now, c.req) })
	return c
}

// contact is where the line wants its calls: its latest binding at this server.
func (s *fakeServer) contact() (u sipmsg.URI) {
	for _, m := range s.all(sipmsg.REGISTER) {
		if len(m.Contact) > 0 {
			u = m.Contact[0].URI.Clone()
		}
	}
	u.Params = nil
	return u
}

// wayTo is the address of a contact, over UDP.
func (s *fakeServer) wayTo(u sipmsg.URI) transport.Target {
	return transport.Target{Addr: netip.AddrPortFrom(netip.MustParseAddr(u.Host), uint16(u.Port))}
}

// answered takes the responses to the far end's INVITE and acknowledges a 2xx.
func (c *farCall) answered(now time.Time, a ua.Answer) {
	if a.Response == nil {
		c.note("lost", nil)
		return
	}
	c.note(fmt.Sprint(a.Response.StatusCode), a.Response)
	if d, err := dialog.FromResponse(a.Request, a.Response); err == nil && (c.d == nil || c.d.State() == dialog.Early) {
		c.d = d
		c.up.Store(true)
	}
	if !a.Response.IsSuccess() {
		return
	}
	var theirs *offer.Description
	if sdpOf(a.Request) == nil {
		theirs, _ = answerIn(a.Response)
	} else if d, _ := answerIn(a.Response); d != nil {
		_ = c.offer.TakeAnswer(d) // a repeated one is no news
	}
	if !c.noACK {
		c.acknowledge(a, theirs)
	}
}

// acknowledge sends the ACK, with an answer where the 2xx brought an offer.
func (c *farCall) acknowledge(a ua.Answer, theirs *offer.Description) {
	ack := c.d.Ack(a.Request)
	if theirs != nil {
		ack.SetBody("application/sdp", c.answer(theirs))
	}
	if _, err := c.s.e.SendAck(a.Flow, ack); err != nil {
		panic(err)
	}
}

// send sends a request in the dialog and notes its answers as "METHOD:code".
func (c *farCall) send(method string, change ...func(m *sipmsg.Message)) {
	c.s.post(func(now time.Time) {
		m := c.d.Request(method)
		for _, f := range change {
			f(m)
		}
		c.s.e.Send(now, &ua.Request{
			Msg: m, Target: c.s.wayTo(c.d.Target), Flow: c.s.way, Retransmissions: -1,
			On: func(now time.Time, a ua.Answer) { c.requestAnswered(method, a) },
		})
	})
}

func (c *farCall) requestAnswered(method string, a ua.Answer) {
	if a.Response == nil {
		c.note(method+":lost", nil)
		return
	}
	c.note(fmt.Sprintf("%s:%d", method, a.Response.StatusCode), a.Response)
	if !a.Response.IsSuccess() || method != sipmsg.INVITE && method != sipmsg.UPDATE {
		return
	}
	var theirs *offer.Description
	if d, _ := answerIn(a.Response); d != nil && len(a.Request.Body) == 0 {
		theirs = d
	} else if d != nil {
		_ = c.offer.TakeAnswer(d) // a repeated one is no news
	}
	if method == sipmsg.INVITE && !c.noACK {
		c.acknowledge(a, theirs)
	}
}

// offering gives a request the far end's offer.
func (c *farCall) offering(dir offer.Direction) func(m *sipmsg.Message) {
	return func(m *sipmsg.Message) { m.SetBody("application/sdp", c.propose(dir)) }
}

// with gives a message a header.
func with(name, value string) func(m *sipmsg.Message) {
	return func(m *sipmsg.Message) { m.Header.Add(name, value) }
}

// cancel gives the far end's INVITE up.
func (c *farCall) cancel() {
	c.s.post(func(now time.Time) { c.s.e.Cancel(now, c.req, -1, nil) })
}

// sdpOf is the session description of a message; nil without one that can be read.
func sdpOf(m *sipmsg.Message) *offer.Description {
	d, err := answerIn(m)
	if err != nil {
		return nil
	}
	return d
}
