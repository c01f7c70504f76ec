package scripted

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/farend"
	"tipring/tools/peers/phone"
)

// An exchange is a device at a sipgo stack that plays everybody else: each party with a
// dialog and sound of its own.
type exchange struct {
	*Server
	t     *testing.T
	agent *agent.Agent
	phone *phone.Phone

	mu      sync.Mutex
	take    func(*party) // a new call; nil: it is answered
	contact sip.Uri      // of the device
	parties map[string]*party
	order   []string // of parties' Call-IDs
	news    chan struct{}
}

// A party is one end of one call.
type party struct {
	x      *exchange
	Invite *sip.Request
	server *sipgo.DialogServerSession // of a call that it took
	client *sipgo.DialogClientSession // of a call that it made

	// under x.mu
	media     *farend.Media
	reinvited func(offer *sip.Request) *sip.Response // nil, or its nil: answered
	got       []Request                              // in the call, retransmissions left out
}

func newExchange(t *testing.T) *exchange {
	t.Helper()
	x := &exchange{t: t, parties: map[string]*party{}, news: make(chan struct{})}
	_, x.agent = deviceAt(t, func(n int, req *sip.Request) *sip.Response {
		if c := req.Contact(); c != nil {
			x.mu.Lock()
			x.contact = c.Address
			x.mu.Unlock()
		}
		return Bound(req, "3600")
	}, func(s *Server) {
		x.Server = s
		s.Server.OnInvite(x.invited)
		for method, on := range map[sip.RequestMethod]func(sipgo.RequestHandler){
			sip.ACK: s.Server.OnAck, sip.BYE: s.Server.OnBye, sip.NOTIFY: s.Server.OnNotify,
		} {
			on(func(req *sip.Request, tx sip.ServerTransaction) { x.inDialog(method, req, tx) })
		}
	})
	x.agent.WaitRegistered(patience, 1, "primary")
	x.phone = x.agent.Phone("p1")
	return x
}

// onCall sets what is done with new calls.
func (x *exchange) onCall(take func(*party)) {
	x.mu.Lock()
	x.take = take
	x.mu.Unlock()
}

// onOffer sets what is answered to a re-INVITE.
func (p *party) onOffer(decide func(*sip.Request) *sip.Response) {
	p.x.mu.Lock()
	p.reinvited = decide
	p.x.mu.Unlock()
}

func (x *exchange) party(req *sip.Request) *party {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.parties[req.CallID().Value()]
}

func (x *exchange) add(p *party) *party {
	x.mu.Lock()
	defer x.mu.Unlock()
	id := p.Invite.CallID().Value()
	x.parties[id], x.order = p, append(x.order, id)
	x.tell()
	return p
}

func (x *exchange) tell() {
	close(x.news)
	x.news = make(chan struct{})
}

// invited takes an INVITE: a new call, or another offer in one.
func (x *exchange) invited(req *sip.Request, tx sip.ServerTransaction) {
	if _, old := req.To().Params.Get("tag"); old {
		p := x.party(req)
		p.note(req)
		x.mu.Lock()
		decide := p.reinvited
		x.mu.Unlock()
		var res *sip.Response
		if decide != nil {
			res = decide(req)
		}
		if res == nil {
			res = p.agree(req)
		}
		_ = tx.Respond(res)
		return
	}
	d, err := x.Dialog.ReadInvite(req, tx)
	if err != nil {
		x.t.Errorf("sipgo: %v", err)
		return
	}
	p := x.add(&party{x: x, Invite: req, server: d, media: farend.NewMedia(x.t, x.host)})
	x.mu.Lock()
	take := x.take
	x.mu.Unlock()
	if take == nil {
		take = (*party).answer
	}
	take(p)
	<-d.Context().Done()
}

// Media is the party's sound.
func (p *party) Media() *farend.Media {
	p.x.mu.Lock()
	defer p.x.mu.Unlock()
	return p.media
}

// move has its sound go to, and come from, elsewhere.
func (p *party) move(m *farend.Media, answer []byte) {
	m.Direct(string(answer))
	p.x.mu.Lock()
	p.media = m
	p.x.mu.Unlock()
}

// answer takes the call and returns when the ACK has come.
func (p *party) answer() {
	offer := string(p.Invite.Body())
	p.Media().Direct(offer)
	if err := p.server.RespondSDP([]byte(p.Media().Answer(offer))); err != nil {
		p.x.t.Errorf("sipgo: 200: %v", err)
	}
}

// agree is the 200 to another offer.
func (p *party) agree(req *sip.Request) *sip.Response {
	offer := string(req.Body())
	p.Media().Direct(offer)
	res := sip.NewResponseFromRequest(req, 200, "OK", []byte(p.Media().Answer(offer)))
	res.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
	res.AppendHeader(&p.x.Dialog.ContactHDR)
	return res
}

func (x *exchange) inDialog(method sip.RequestMethod, req *sip.Request, tx sip.ServerTransaction) {
	p := x.party(req)
	if p == nil {
		x.t.Errorf("a %s of no call: %s", method, req.StartLine())
		return
	}
	p.note(req)
	var err error
	switch {
	case method == sip.ACK && p.server != nil && req.CSeq().SeqNo == p.Invite.CSeq().SeqNo:
		err = p.server.ReadAck(req, tx)
	case method == sip.ACK: // of the answer to another offer
	case method == sip.BYE && p.server != nil:
		err = p.server.ReadBye(req, tx)
	case method == sip.BYE:
		err = p.client.ReadBye(req, tx)
	default:
		err = tx.Respond(sip.NewResponseFromRequest(req, 200, "OK", nil))
	}
	if err != nil {
		x.t.Errorf("sipgo: %s: %v", method, err)
	}
}

func (p *party) note(req *sip.Request) {
	p.x.mu.Lock()
	defer p.x.mu.Unlock()
	p.got = append(p.got, Request{time.Now(), req})
	p.x.tell()
}

// Got are the requests of a method that came in the call.
func (p *party) Got(method sip.RequestMethod) []Request {
	p.x.mu.Lock()
	defer p.x.mu.Unlock()
	var found []Request
	for _, r := range p.got {
		if r.Method == method {
			found = append(found, r)
		}
	}
	return found
}

// until waits until ok says yes, looking again after each request, or fails the test.
func (x *exchange) until(what string, ok func() bool) {
	x.t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		x.mu.Lock()
		news := x.news
		x.mu.Unlock()
		if ok() {
			return
		}
		select {
		case <-news:
		case <-timer.C:
			x.t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// nth is the n-th call's party, counted from 1.
func (x *exchange) nth(n int) *party {
	x.t.Helper()
	x.until("call", func() bool { x.mu.Lock(); defer x.mu.Unlock(); return len(x.order) >= n })
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.parties[x.order[n-1]]
}

// called is a call that the telephone made to a party, with sound both ways.
func (x *exchange) called(number string) *party {
	x.t.Helper()
	x.phone.OffHook()
	x.phone.WaitTone(patience, phone.DialTone...)
	x.phone.Dial(number + "#")
	p := x.nth(1)
	x.until("ACK", func() bool { return len(p.Got(sip.ACK)) > 0 })
	x.talk(p)
	return p
}

// calls is a call of a party to the device. The telephone must be lifted if it does not take
// the place of another call.
func (x *exchange) calls(ctx context.Context, headers ...sip.Header) (*party, error) {
	x.mu.Lock()
	to := x.contact
	x.mu.Unlock()
	media := farend.NewMedia(x.t, x.host)
	headers = append(headers, sip.NewHeader("Content-Type", "application/sdp"))
	d, err := x.Dialog.Invite(ctx, to, []byte(media.Offer()), headers...)
	if err != nil {
		return nil, err
	}
	p := x.add(&party{x: x, Invite: d.InviteRequest, client: d, media: media})
	if err := d.WaitAnswer(ctx, sipgo.AnswerOptions{}); err != nil {
		return p, err
	}
	media.Direct(string(d.InviteResponse.Body()))
	return p, d.Ack(ctx)
}

// rung is a call to the telephone, which was lifted, with sound both ways.
func (x *exchange) rung(ctx context.Context) *party {
	x.t.Helper()
	type made struct {
		p   *party
		err error
	}
	done := make(chan made, 1)
	go func() { p, err := x.calls(ctx); done <- made{p, err} }()
	x.phone.WaitRing(patience)
	x.phone.OffHook()
	m := <-done
	if m.err != nil {
		x.t.Fatalf("the call to the device: %v", m.err)
	}
	x.talk(m.p)
	return m.p
}

// do sends a request in the call and returns its final response. A 2xx to an INVITE is ACKed.
func (p *party) do(ctx context.Context, method sip.RequestMethod, body string, headers ...sip.Header) *sip.Response {
	p.x.t.Helper()
	request := func(method sip.RequestMethod) *sip.Request {
		if p.server != nil {
			return sip.NewRequest(method, p.server.InviteRequest.Contact().Address)
		}
		return sip.NewRequest(method, p.client.InviteResponse.Contact().Address)
	}
	req := request(method)
	for _, h := range headers {
		req.AppendHeader(h)
	}
	if body != "" {
		req.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
		req.SetBody([]byte(body))
	}
	var session interface {
		Do(context.Context, *sip.Request) (*sip.Response, error)
		WriteRequest(*sip.Request) error
	} = p.client
	if p.server != nil {
		session = p.server
	} else if req.Contact() == nil {
		req.AppendHeader(&p.x.Dialog.ContactHDR)
	}
	res, err := session.Do(ctx, req)
	if err == nil && method == sip.INVITE && res.IsSuccess() {
		err = session.WriteRequest(request(sip.ACK))
	}
	if err != nil {
		p.x.t.Errorf("sipgo: %s: %v", method, err)
		return sip.NewResponse(408, err.Error())
	}
	return res
}

// talk checks the sound of a call in both directions.
func (x *exchange) talk(p *party) {
	x.t.Helper()
	x.phone.Say(700, -12)
	x.hears(p, 1000)
}

// hears checks it with a party that says freq.
func (x *exchange) hears(p *party, freq float64) {
	x.t.Helper()
	x.phone.WaitTone(patience, freq)
	if err := p.Media().WaitTone(patience, 700, -12); err != nil {
		x.t.Errorf("the party does not hear the telephone: %v", err)
	}
}
