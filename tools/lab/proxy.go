package lab

import (
	"encoding/hex"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua/digest"
	"tipring/internal/ua/transaction"
	"tipring/internal/ua/transport"
)

// handle takes a new request: to answer here, or to send on (RFC 3261 section 16).
func (c *core) handle(now time.Time, in *inbound, w way) {
	m := in.req
	if code := c.validate(m); code != 0 {
		c.code(now, in, code)
		return
	}
	if tags := m.Header.Values("Proxy-Require"); len(tags) > 0 {
		c.badExtension(now, in, tags)
		return
	}
	routed := c.unroute(m)
	onward := len(m.Route) > 0
	switch here := !onward && c.isDomain(m.RequestURI); {
	case here && m.Method == sipmsg.REGISTER:
		c.register(now, in, w)
	case here && m.Method == sipmsg.OPTIONS && m.RequestURI.User == "":
		c.options(now, in)
	case here && m.Method == sipmsg.SUBSCRIBE && m.To.Tag() == "":
		c.code(now, in, 489) // RFC 6665 section 4.2.1.2: no event package is known here
	case routed && m.To.Tag() != "":
		// In a dialog that we recorded a route for: the telephones know each other.
		c.forwardOnRoute(now, in, onward)
	case onward, !here:
		c.code(now, in, 403) // somebody takes us for an open relay
	default:
		if user, ok := c.authenticate(now, in, w, digest.Proxy); ok {
			m.Header.Del("Proxy-Authorization") // section 22.3: nobody's business further on
			c.forwardToUser(now, in, w, user)
		}
	}
}

// validate is section 16.3.
func (c *core) validate(m *sipmsg.Message) (code int) {
	if s := m.RequestURI.Scheme; s != "sip" && s != "sips" {
		return 416
	}
	if n, ok := m.MaxForwards(); ok && n == 0 {
		return 483
	}
	mark := loopMark(m)
	for _, v := range m.Via {
		if c.isServer(sipmsg.URI{Scheme: "sip", Host: v.Host, Port: v.Port, Params: sipmsg.Params{{Name: "transport", Value: strings.ToLower(v.Transport), HasValue: true}}}) &&
			strings.HasSuffix(v.Branch(), mark) {
			return 482
		}
	}
	return 0
}

// loopMark is the second part of our branches (section 16.6 step 8): a hash of all that
// decides where a request goes. The same one seen again is a loop, another one a spiral.
func loopMark(m *sipmsg.Message) string {
	h := fnv.New64a()
	write := func(s string) {
		_, _ = h.Write([]byte(s))
		_, _ = h.Write([]byte{0})
	}
	write(m.RequestURI.String())
	write(m.From.Tag())
	write(m.To.Tag())
	write(m.CallID)
	write(strconv.FormatUint(uint64(m.CSeq.Seq), 10))
	for _, r := range m.Route {
		write(r.String())
	}
	return "-" + hex.EncodeToString(h.Sum(nil))
}

// unroute is section 16.4: it undoes a strict router's rewriting and takes our own
// entries off the route.
func (c *core) unroute(m *sipmsg.Message) (routed bool) {
	if _, lr := m.RequestURI.Params.Get("lr"); lr && m.RequestURI.User == "" && len(m.Route) > 0 && c.isServer(m.RequestURI) {
		last := len(m.Route) - 1
		m.RequestURI = m.Route[last].URI
		m.Route = m.Route[:last]
		routed = true
	}
	for len(m.Route) > 0 && c.isServer(m.Route[0].URI) {
		m.Route = m.Route[1:]
		routed = true
	}
	return routed
}

func (c *core) options(now time.Time, in *inbound) {
	res := in.req.Response(200, "")
	res.Header.Add("Allow", "INVITE, ACK, BYE, CANCEL, OPTIONS, REGISTER")
	c.answer(now, in, res)
}

// forwardOnRoute sends a request on to the next Route, or to its Request-URI.
func (c *core) forwardOnRoute(now time.Time, in *inbound, onward bool) {
	next := in.req.RequestURI
	if onward {
		next = in.req.Route[0].URI
	}
	w, ok := c.wayTo(next)
	if !ok {
		c.code(now, in, 480)
		return
	}
	if in.req.Method == sipmsg.BYE {
		c.tell(Event{Kind: HungUp, User: in.req.From.URI.User, Peer: in.req.To.URI.User, CallID: in.req.CallID})
	}
	c.forward(now, in, in.req.RequestURI, w)
}

// forwardToUser finds the user of the Request-URI (section 16.5): on a fixed route, bound
// here, or bound at the other server.
func (c *core) forwardToUser(now time.Time, in *inbound, from way, caller string) {
	m := in.req
	user := m.RequestURI.User
	if m.Method == sipmsg.INVITE {
		c.answer(now, in, m.Response(100, ""))
		c.tell(Event{Kind: Calling, User: caller, Peer: user, CallID: m.CallID})
	}
	if at, ok := c.routes[user]; ok {
		c.forward(now, in, sipmsg.URI{Scheme: "sip", User: user, Host: at.Addr().String(), Port: int(at.Port())}, way{addr: at})
		return
	}
	if b, ok := c.location.latest(user, now); ok {
		c.forward(now, in, b.Contact.URI, b.way)
		return
	}
	if c.peer != nil && !c.peer.dead.Load() && from.addr != c.peer.local[transport.UDP] {
		if _, ok := c.peer.location.latest(user, now); ok {
			c.forward(now, in, m.RequestURI, way{addr: c.peer.local[transport.UDP]})
			return
		}
	}
	code := 404
	if _, known := c.cfg.Users[user]; known {
		code = 480
	}
	c.failed(in, code)
	c.code(now, in, code)
}

// forward sends a request to a target (section 16.6).
func (c *core) forward(now time.Time, in *inbound, target sipmsg.URI, w way) {
	mark := loopMark(in.req)
	m := in.req.Clone()
	m.RequestURI = target.Clone()
	m.RequestURI.Headers = "" // step 2: not allowed in a Request-URI
	c.count(m)
	if m.To.Tag() == "" && (m.Method == sipmsg.INVITE || m.Method == sipmsg.SUBSCRIBE || m.Method == sipmsg.REFER) {
		m.RecordRoute = append(c.recordRoute(in.way.proto, w.proto), m.RecordRoute...)
	}
	c.toStrictRouter(m)
	m.Via = append([]sipmsg.Via{c.via(w, mark)}, m.Via...)
	tx, err := transaction.NewClient(m, w.conn != nil, c.cfg.Timers, transaction.Unlimited)
	if err != nil {
		c.log.Debug("request not forwarded", "request", m, "err", err)
		c.code(now, in, 400)
		return
	}
	out := &outbound{in: in, tx: tx, way: w}
	if m.Method == sipmsg.INVITE {
		out.timerC = now.Add(timerC)
	}
	in.out = out
	c.outbounds[transaction.Key(m)] = out
	c.stepOut(now, out, tx.Start(now))
}

// count is section 16.6 step 3.
func (c *core) count(m *sipmsg.Message) {
	n, ok := m.MaxForwards()
	if !ok {
		n = 71
	}
	m.Header.Set("Max-Forwards", strconv.Itoa(n-1))
}

// recordRoute is section 16.6 step 4; where the transport changes, each side is given an
// entry of its own (RFC 5658).
func (c *core) recordRoute(from, to transport.Proto) []sipmsg.Addr {
	list := []sipmsg.Addr{c.routeEntry(to)}
	if from != to {
		list = append(list, c.routeEntry(from))
	}
	return list
}

func (c *core) routeEntry(p transport.Proto) sipmsg.Addr {
	at := c.local[p]
	u := sipmsg.URI{Scheme: "sip", Host: at.Addr().String(), Port: int(at.Port())}
	if p != transport.UDP {
		u.Params.Set("transport", p.String())
	}
	u.Params.SetFlag("lr")
	return sipmsg.Addr{URI: u}
}

// toStrictRouter is section 16.6 step 6: a next hop without lr wants to find itself in
// the Request-URI.
func (c *core) toStrictRouter(m *sipmsg.Message) {
	if len(m.Route) == 0 {
		return
	}
	if _, lr := m.Route[0].URI.Params.Get("lr"); lr {
		return
	}
	next := m.Route[0].URI
	m.Route = append(slices.Clone(m.Route[1:]), sipmsg.Addr{URI: m.RequestURI})
	m.RequestURI = next
}

func (c *core) via(w way, mark string) sipmsg.Via {
	at := c.local[w.proto]
	v := sipmsg.Via{Transport: w.proto.Via(), Host: at.Addr().String(), Port: int(at.Port())}
	v.Params.Set("branch", transaction.NewBranch()+mark)
	return v
}

// acknowledge sends the ACK of a 2xx on, without a transaction (section 16.11).
func (c *core) acknowledge(ack *sipmsg.Message) {
	if n, ok := ack.MaxForwards(); ok && n == 0 || c.fault.kind != well {
		return
	}
	if !c.unroute(ack) {
		return
	}
	next := ack.RequestURI
	if len(ack.Route) > 0 {
		next = ack.Route[0].URI
	}
	w, ok := c.wayTo(next)
	if !ok {
		return
	}
	m := ack.Clone()
	c.count(m)
	c.toStrictRouter(m)
	m.Via = append([]sipmsg.Via{c.via(w, loopMark(ack))}, m.Via...)
	if wire, err := m.Append(nil); err == nil {
		c.transmit(w, wire)
	}
}
