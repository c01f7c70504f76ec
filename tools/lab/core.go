package lab

import (
	"errors"
	"log/slog"
	"net/netip"
	"strconv"
	"sync/atomic"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/digest"
	"tipring/internal/ua/transaction"
	"tipring/internal/ua/transport"
)

// Realm is what the servers ask credentials for.
const Realm = "lab"

// product is the Server header of their responses.
const product = "tipring lab"

// timerC is how long a call may ring: RFC 3261 section 16.6 step 11, "MUST be larger
// than 3 minutes".
const timerC = 3*time.Minute + time.Second

// A way is how a peer is reached: an address, and over TCP or TLS the connection that
// it made.
type way struct {
	proto transport.Proto
	addr  netip.AddrPort
	conn  *connection // nil: UDP
}

// A hop is an address as Contact and Route name it.
type hop struct {
	proto transport.Proto
	addr  netip.AddrPort
}

// A core is a server without its sockets: it takes messages and the time in, and hands
// what it has to say to send. Its owner calls expire at next. But for location and dead,
// one goroutine owns it.
type core struct {
	name  string
	cfg   Config
	log   *slog.Logger
	send  func(w way, wire []byte)
	local map[transport.Proto]netip.AddrPort

	hosts    map[string]bool           // of Request-URIs for this server or its peer
	ports    map[int]bool              // likewise
	routes   map[string]netip.AddrPort // users that do not register; their addresses are trusted
	peer     *core
	verifier *digest.Verifier
	location location
	dead     atomic.Bool // the peer is not to look for bindings here
	fault    fault

	inbounds  map[transaction.ID]*inbound
	outbounds map[transaction.ID]*outbound
	reached   map[hop]way // connections by the contact that was named over them
	next      time.Time   // nothing is due before; zero: ever
}

// An inbound is a request received and the transaction that answers it.
type inbound struct {
	req *sipmsg.Message
	way way // to answer
	tx  *transaction.Server
	tag string // of our own responses
	out *outbound
}

func newCore(name string, cfg Config, send func(way, []byte)) *core {
	c := &core{
		name: name, cfg: cfg, log: cfg.Log, send: send,
		local: map[transport.Proto]netip.AddrPort{}, hosts: map[string]bool{}, ports: map[int]bool{0: true},
		routes: map[string]netip.AddrPort{}, location: location{users: map[string][]Binding{}},
		inbounds: map[transaction.ID]*inbound{}, outbounds: map[transaction.ID]*outbound{}, reached: map[hop]way{},
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	c.log = c.log.With("server", name)
	if c.cfg.MaxExpiresS == 0 {
		c.cfg.MaxExpiresS = 3600
	}
	c.cfg.MinExpiresS = max(c.cfg.MinExpiresS, 1)
	for _, d := range cfg.Domains {
		c.hosts[d] = true
	}
	c.verifier = digest.NewVerifier(Realm, func(user string) (string, bool) {
		password, ok := cfg.Users[user]
		return password, ok
	})
	c.verifier.Algorithms = cfg.Algorithms
	return c
}

// listens notes an address of this server.
func (c *core) listens(p transport.Proto, at netip.AddrPort) {
	c.local[p] = at
	c.hosts[at.Addr().String()] = true
	c.ports[int(at.Port())] = true
}

// join makes two servers one domain.
func (c *core) join(peer *core, addrs map[transport.Proto]netip.AddrPort) {
	c.peer = peer
	for _, at := range addrs {
		c.hosts[at.Addr().String()] = true
		c.ports[int(at.Port())] = true
	}
}

func (c *core) tell(e Event) {
	e.Server = c.name
	c.log.Debug("event", "event", e)
	if c.cfg.Hook != nil {
		c.cfg.Hook(e)
	}
}

// wake sees to it that expire is called at t.
func (c *core) wake(t time.Time) { c.next = earlier(c.next, t) }

// receive takes a message, or what could be read of one.
func (c *core) receive(now time.Time, w way, m *sipmsg.Message, err error) {
	if c.fault.kind == silent || m == nil {
		return
	}
	if m.IsRequest() {
		transport.Stamp(m, w.addr)
	}
	if err != nil {
		c.malformed(w, m, err)
		return
	}
	if w.conn != nil {
		for _, contact := range m.Contact {
			if h, ok := hopOf(contact.URI); ok {
				c.reached[h] = w
			}
		}
	}
	if m.IsRequest() {
		c.request(now, w, m)
	} else {
		c.response(now, m)
	}
}

// malformed answers what can be answered.
func (c *core) malformed(w way, m *sipmsg.Message, err error) {
	var fault *sipmsg.Error
	if !errors.As(err, &fault) || fault.Code == 0 || !m.IsRequest() || m.Method == sipmsg.ACK || len(m.Via) == 0 {
		return
	}
	if wire, err := m.Response(fault.Code, fault.Reason).Append(nil); err == nil {
		c.transmit(replyWay(m, w), wire)
	}
}

// replyWay is where the response to a request goes: back the connection, or to the
// source, at the port of sent-by when the client does not ask for rport (RFC 3581
// section 4).
func replyWay(m *sipmsg.Message, w way) way {
	if w.conn != nil {
		return w
	}
	if _, ok := m.Via[0].Params.Get("rport"); !ok {
		port := m.Via[0].Port
		if port == 0 {
			port = int(transport.UDP.DefaultPort())
		}
		w.addr = netip.AddrPortFrom(w.addr.Addr(), uint16(port))
	}
	return w
}

func (c *core) request(now time.Time, w way, m *sipmsg.Message) {
	id := transaction.ServerKey(m)
	if in := c.inbounds[id]; in != nil {
		c.stepIn(now, in, in.tx.Receive(now, m))
		return
	}
	if m.Method == sipmsg.ACK {
		c.acknowledge(m)
		return
	}
	in := &inbound{req: m, way: replyWay(m, w), tx: transaction.NewServer(m, w.conn != nil, c.cfg.Timers), tag: ua.NewTag()}
	c.inbounds[id] = in
	switch {
	case c.fault.kind == refusing:
		c.refuse(now, in)
	case m.Method == sipmsg.CANCEL:
		c.cancelled(now, in)
	default:
		c.handle(now, in, w)
	}
}

// answer sends a response of our own.
func (c *core) answer(now time.Time, in *inbound, res *sipmsg.Message) {
	if res.StatusCode > 100 && res.To.Tag() == "" {
		res.To = res.To.WithTag(in.tag)
	}
	res.Header.Set("Server", product)
	c.respond(now, in, res)
}

// respond sends any response to an inbound request.
func (c *core) respond(now time.Time, in *inbound, res *sipmsg.Message) {
	s := in.tx.Respond(now, res)
	if s.Err != nil {
		c.log.Debug("response not sent", "response", res, "err", s.Err)
	}
	c.stepIn(now, in, s)
}

// code is answer with nothing but a status.
func (c *core) code(now time.Time, in *inbound, code int) {
	c.answer(now, in, in.req.Response(code, ""))
}

func (c *core) stepIn(_ time.Time, in *inbound, s transaction.Step) {
	if s.Send != nil {
		c.transmit(in.way, s.Send)
	}
	if s.Ack != nil {
		c.acknowledge(s.Ack)
	}
	c.wake(in.tx.Deadline())
}

func (c *core) transmit(w way, wire []byte) {
	if c.fault.kind != silent {
		c.send(w, wire)
	}
}

// expire does what is due.
func (c *core) expire(now time.Time) {
	if !due(now, c.next) {
		return
	}
	c.next = c.location.expire(now, func(user string, b Binding) {
		c.tell(Event{Kind: Expired, User: user, Contact: b.Contact.URI.String()})
	})
	for id, in := range c.inbounds {
		if due(now, in.tx.Deadline()) {
			c.stepIn(now, in, in.tx.Expire(now))
		}
		if in.tx.Done() {
			delete(c.inbounds, id)
			continue
		}
		c.wake(in.tx.Deadline())
	}
	for id, out := range c.outbounds {
		c.expireOut(now, out)
		if out.tx.Done() {
			delete(c.outbounds, id)
			continue
		}
		c.wake(earlier(out.tx.Deadline(), out.timerC))
	}
}

// lost forgets a connection that has ended, and who was reached by it.
func (c *core) lost(now time.Time, conn *connection, cause error) {
	for h, w := range c.reached {
		if w.conn == conn {
			delete(c.reached, h)
		}
	}
	c.location.unplug(conn, func(user string, b Binding) {
		c.tell(Event{Kind: Expired, User: user, Contact: b.Contact.URI.String()})
	})
	for id, out := range c.outbounds {
		if out.way.conn == conn {
			c.stepOut(now, out, out.tx.FlowFailed(now, cause))
			if out.tx.Done() {
				delete(c.outbounds, id)
			}
		}
	}
}

// hopOf reads the address of a URI: a literal one, for there is no DNS here.
func hopOf(u sipmsg.URI) (hop, bool) {
	h := hop{proto: transport.UDP}
	switch {
	case u.Scheme == "sips" || u.Transport() == "tls":
		h.proto = transport.TLS
	case u.Transport() == "tcp":
		h.proto = transport.TCP
	case u.Transport() != "" && u.Transport() != "udp":
		return h, false
	}
	ip, err := netip.ParseAddr(u.Host)
	port := u.Port
	if port == 0 {
		port = int(h.proto.DefaultPort())
	}
	h.addr = netip.AddrPortFrom(ip.Unmap(), uint16(port))
	return h, err == nil && port < 1<<16
}

// wayTo finds the way to the address of a URI.
func (c *core) wayTo(u sipmsg.URI) (way, bool) {
	h, ok := hopOf(u)
	if !ok {
		return way{}, false
	}
	if h.proto == transport.UDP {
		return way{addr: h.addr}, true
	}
	w, ok := c.reached[h]
	return w, ok
}

// isServer reports a URI whose address is one of this server's own.
func (c *core) isServer(u sipmsg.URI) bool {
	h, ok := hopOf(u)
	if !ok {
		for _, d := range c.cfg.Domains {
			if d == u.Host {
				return true
			}
		}
		return false
	}
	return c.local[h.proto] == h.addr
}

// isDomain reports a URI in the domain that both servers serve.
func (c *core) isDomain(u sipmsg.URI) bool { return c.hosts[u.Host] && c.ports[u.Port] }

// trusts reports a source that is not asked for credentials: the other server, and
// telephones that do not register.
func (c *core) trusts(w way) bool {
	if w.conn != nil {
		return false
	}
	if c.peer != nil && c.peer.local[transport.UDP] == w.addr {
		return true
	}
	for _, at := range c.routes {
		if at == w.addr {
			return true
		}
	}
	return false
}

func seconds(n int) string { return strconv.Itoa(n) }
