package farend

import (
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"tipring/tools/peers/wire"
)

// T1 and T2 are the far end's own retransmission times (RFC 3261).
const (
	T1 = 500 * time.Millisecond
	T2 = 4 * time.Second
)

// A Call is one dialog of the far end, early or not.
type Call struct {
	ID    string // Call-ID
	Media *Media
	User  string // of an outgoing call: who calls; empty: 600

	ua       *UA
	invite   *wire.Message // received, or sent
	from     netip.AddrPort
	outgoing bool
	tag      string // ours
	route    []string
	target   string
	cseq     int
	peer     netip.AddrPort // of an outgoing call: where its requests go

	// under ua.mu
	final    *wire.Message // the final response of an outgoing call
	remote   string        // the other side's tag
	ended    map[string]bool
	requests []wire.Message
	takes    func(m *wire.Message, from netip.AddrPort) bool
}

func (u *UA) newCall(m *wire.Message, from netip.AddrPort) *Call {
	c := &Call{
		ID: m.CallID(), ua: u, invite: m, from: from, tag: token(), remote: m.Tag("From"),
		route: split(m.All("Record-Route")), target: uri(m.Get("Contact")), ended: map[string]bool{},
	}
	c.Media = newMedia(u.t, u.host)
	c.Media.direct(m.Body)
	u.mu.Lock()
	u.calls = append(u.calls, c)
	u.mu.Unlock()
	return c
}

// Invite is the INVITE of the call.
func (c *Call) Invite() *wire.Message { return c.invite }

func (c *Call) theirTag() string { return c.remote }

// Reply answers the INVITE with a provisional or a final response of the
// test's choosing; headers are whole lines.
func (c *Call) Reply(status int, phrase string, headers ...string) {
	if status > 100 && status < 300 {
		headers = append(headers, c.contact())
	}
	c.ua.reply(c.invite, c.from, status, phrase, c.tag, headers, "")
	if status >= 300 {
		c.again(status)
	}
}

// Intercept has the test decide on requests within the call: true says that the request
// needs nothing more. f is called on the user agent's only receiver, and must not wait for
// a message.
func (c *Call) Intercept(f func(m *wire.Message, from netip.AddrPort) bool) {
	c.ua.mu.Lock()
	c.takes = f
	c.ua.mu.Unlock()
}

// Respond answers a request within the call, with a session when body is not empty.
func (c *Call) Respond(m *wire.Message, from netip.AddrPort, status int, phrase, body string, headers ...string) {
	if status < 300 {
		headers = append(append(headers, timers(m)...), c.contact())
	}
	c.ua.reply(m, from, status, phrase, "", headers, body)
}

// Early answers 183 with a session, so that the caller hears us before we answer.
func (c *Call) Early() {
	c.ua.reply(c.invite, c.from, 183, "Session Progress", c.tag, []string{c.contact()}, c.Media.answer(c.invite.Body))
}

// Answer answers 200 with a session, again and again until the ACK comes or
// 64*T1 have passed (RFC 3261 section 13.3.1.4), then gives up with a BYE.
func (c *Call) Answer(headers ...string) { c.AnswerWith(c.Media.answer(c.invite.Body), headers...) }

// AnswerWith is Answer with a session of the test's choosing.
func (c *Call) AnswerWith(body string, headers ...string) {
	c.ua.reply(c.invite, c.from, 200, "OK", c.tag, append(headers, c.contact()), body)
	c.again(200)
}

func (c *Call) again(status int) {
	key := c.invite.Branch() + " INVITE"
	end := time.Now().Add(64 * T1)
	for pause := T1; time.Now().Before(end); pause = min(2*pause, T2) {
		if c.Wait("ACK", pause) || c.Ended() {
			return
		}
		c.ua.mu.Lock()
		text := c.ua.answered[key]
		c.ua.mu.Unlock()
		c.ua.send(text, c.from)
		select {
		case <-c.ua.closed:
			return
		default:
		}
	}
	if status < 300 {
		c.Bye()
	}
}

func (c *Call) contact() string { return fmt.Sprintf("Contact: <sip:far@%s>", c.ua.Addr) }

func (c *Call) request(m *wire.Message, from netip.AddrPort) {
	u := c.ua
	u.mu.Lock()
	c.requests = append(c.requests, *m)
	takes := c.takes
	u.mu.Unlock()
	if takes != nil && takes(m, from) {
		return
	}
	switch m.Method {
	case "ACK":
		if m.Body != "" {
			c.Media.direct(m.Body)
		}
	case "BYE":
		u.reply(m, from, 200, "OK", "", nil, "")
		c.Media.close()
	case "CANCEL":
		u.reply(m, from, 200, "OK", c.tag, nil, "")
		u.mu.Lock()
		last := string(u.answered[c.invite.Branch()+" INVITE"])
		u.mu.Unlock()
		if status, _ := strconv.Atoi(field(last, 1)); status < 200 {
			u.reply(c.invite, c.from, 487, "Request Terminated", c.tag, nil, "")
		}
	case "INVITE", "UPDATE":
		if m.Body == "" && m.Method == "UPDATE" {
			u.reply(m, from, 200, "OK", "", append(timers(m), c.contact()), "")
			return
		}
		c.Media.direct(m.Body)
		u.reply(m, from, 200, "OK", "", append(timers(m), c.contact()), c.Media.answer(m.Body))
	default:
		u.reply(m, from, 200, "OK", "", []string{c.contact()}, "")
	}
}

// timers accepts the session timer that a request asks for (RFC 4028).
func timers(m *wire.Message) []string {
	if v := m.Get("Session-Expires"); v != "" {
		if !strings.Contains(v, "refresher") {
			v += ";refresher=uac"
		}
		return []string{"Session-Expires: " + v, "Require: timer"}
	}
	return nil
}

func field(s string, n int) string {
	if f := strings.Fields(s); len(f) > n {
		return f[n]
	}
	return ""
}

// Got returns the requests of one method within the call, without its INVITE.
func (c *Call) Got(method string) []wire.Message {
	c.ua.mu.Lock()
	defer c.ua.mu.Unlock()
	var found []wire.Message
	for _, m := range c.requests {
		if m.Method == method {
			found = append(found, m)
		}
	}
	return found
}

// Wait waits for a request of a method within the call.
func (c *Call) Wait(method string, limit time.Duration) bool {
	return c.ua.Wait(limit, func() bool { return len(c.Got(method)) > 0 })
}

// Ended reports whether the other side ended or cancelled the call.
func (c *Call) Ended() bool { return len(c.Got("BYE"))+len(c.Got("CANCEL")) > 0 }

// Dial calls a number, or an address with an @, through a server and returns after the first final
// response: the call, and the response's status, 0 when none came.
func (u *UA) Dial(server netip.AddrPort, number string, limit time.Duration, headers ...string) (*Call, int) {
	return u.DialWith(server, number, limit, func(c *Call) string { return c.Media.Offer() }, headers...)
}

// DialWith is Dial with an offer of the test's choosing.
func (u *UA) DialWith(server netip.AddrPort, number string, limit time.Duration, offer func(*Call) string, headers ...string) (*Call, int) {
	c := &Call{
		ID: token(), ua: u, outgoing: true, tag: token(), peer: server, cseq: 1,
		target: fmt.Sprintf("sip:%s@%s", number, server), ended: map[string]bool{},
	}
	if strings.Contains(number, "@") {
		c.target = "sip:" + number
	}
	c.Media = newMedia(u.t, u.host)
	u.mu.Lock()
	u.calls = append(u.calls, c)
	u.mu.Unlock()
	res := c.send("INVITE", 1, append(headers, c.contact()), offer(c), limit)
	if res == nil {
		return c, 0
	}
	u.mu.Lock()
	c.final, c.remote = res, res.Tag("To")
	c.route = split(res.All("Record-Route"))
	for i, j := 0, len(c.route)-1; i < j; i, j = i+1, j-1 {
		c.route[i], c.route[j] = c.route[j], c.route[i]
	}
	if contact := uri(res.Get("Contact")); contact != "" {
		c.target = contact
	}
	u.mu.Unlock()
	if res.Status < 300 {
		c.Media.direct(res.Body)
		c.ack()
	}
	return c, res.Status
}

// Ask sends a request to a number through a server, outside of any dialog, and returns the final
// answer, nil for none.
func (u *UA) Ask(server netip.AddrPort, number, method string, headers []string, body string) *wire.Message {
	c := &Call{
		ID: token(), ua: u, outgoing: true, tag: token(), peer: server,
		target: fmt.Sprintf("sip:%s@%s", number, server), ended: map[string]bool{},
	}
	return c.send(method, 1, append(headers, c.contact()), body, 10*time.Second)
}

// Answered is the final response of an outgoing call.
func (c *Call) Answered() *wire.Message { return c.final }

func (c *Call) ack() {
	u := c.ua
	text := c.build("ACK", token(), 1, nil, "")
	u.send(text, c.hop())
	branch := c.invite.Branch()
	responses := make(chan rsp, 10)
	u.mu.Lock()
	u.waiting[branch+" INVITE"] = responses // a repeated 2xx gets the ACK again
	u.mu.Unlock()
	u.done.Add(1)
	go func() {
		defer u.done.Done()
		for {
			select {
			case r := <-responses:
				if r.Status >= 200 && r.Status < 300 {
					u.send(text, c.hop())
				}
			case <-u.closed:
				return
			}
		}
	}()
}

// Bye ends the call from this side and returns the answer's status, 0 for none.
func (c *Call) Bye() int { return c.Request("BYE", nil, "") }

// Request sends a request within the dialog and returns the final answer's
// status, 0 for none. A 2xx to an INVITE is ACKed.
func (c *Call) Request(method string, headers []string, body string) int {
	res := c.Ask(method, headers, body)
	if method == "BYE" {
		c.Media.close()
	}
	if res == nil {
		return 0
	}
	return res.Status
}

// Ask is Request with the whole answer.
func (c *Call) Ask(method string, headers []string, body string) *wire.Message {
	c.ua.mu.Lock()
	c.cseq++
	n := c.cseq
	c.ua.mu.Unlock()
	res := c.send(method, n, headers, body, 10*time.Second)
	if res != nil && method == "INVITE" {
		if res.Status < 300 {
			c.ua.send(c.build("ACK", token(), n, nil, ""), c.hop())
		}
	}
	return res
}

// Cancel cancels an outgoing call that is not answered yet.
func (c *Call) Cancel() {
	u := c.ua
	u.mu.Lock()
	invite := c.invite
	u.mu.Unlock()
	text := c.build("CANCEL", strings.TrimPrefix(invite.Branch(), "z9hG4bK"), 1, nil, "")
	u.send(text, c.peer)
}

// send transmits a request until a final response comes and returns that. A
// failure of an INVITE is ACKed.
func (c *Call) send(method string, cseq int, headers []string, body string, limit time.Duration) *wire.Message {
	u, branch := c.ua, token()
	text := c.build(method, branch, cseq, headers, body)
	if c.outgoing && c.invite == nil {
		u.mu.Lock()
		c.invite = wire.Parse(text)
		u.mu.Unlock()
	}
	responses := make(chan rsp, 20)
	u.mu.Lock()
	u.waiting["z9hG4bK"+branch+" "+method] = responses
	u.mu.Unlock()
	defer func() {
		u.mu.Lock()
		delete(u.waiting, "z9hG4bK"+branch+" "+method)
		u.mu.Unlock()
	}()
	u.send(text, c.hop())
	end := time.NewTimer(limit)
	defer end.Stop()
	pause, proceeding := T1, false
	for {
		repeat := time.NewTimer(pause)
		select {
		case r := <-responses:
			repeat.Stop()
			if r.Status < 200 {
				proceeding = true
				continue
			}
			if method == "INVITE" && r.Status >= 300 {
				u.send(c.build("ACK", branch, cseq, nil, "", r.Get("To")), c.hop())
			}
			return r.Message
		case <-repeat.C:
			pause = min(2*pause, T2)
			if !proceeding || method != "INVITE" {
				u.send(text, c.hop())
			}
		case <-end.C:
			repeat.Stop()
			return nil
		case <-u.closed:
			repeat.Stop()
			return nil
		}
	}
}

// build writes a request of the call's dialog. to, if given, is the To header.
func (c *Call) build(method, branch string, cseq int, headers []string, body string, to ...string) []byte {
	u := c.ua
	u.mu.Lock()
	defer u.mu.Unlock()
	local, remote := c.parties()
	if len(to) > 0 {
		remote = to[0]
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s;rport\r\nMax-Forwards: 70\r\n", method, c.target, u.Addr, branch)
	for _, r := range c.route {
		fmt.Fprintf(&b, "Route: %s\r\n", r)
	}
	fmt.Fprintf(&b, "From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n", local, remote, c.ID, cseq, method)
	finish(&b, headers, body)
	return []byte(b.String())
}

// parties are the From and the To of the call's requests.
func (c *Call) parties() (local, remote string) {
	if !c.outgoing {
		return c.invite.Get("To") + ";tag=" + c.tag, c.invite.Get("From")
	}
	local, remote = fmt.Sprintf("<sip:%s@%s>;tag=%s", cmp.Or(c.User, "600"), bracketed(c.ua.Addr.Addr()), c.tag), "<"+c.target+">"
	if c.invite != nil {
		remote = c.invite.Get("To")
	}
	if c.remote != "" {
		remote += ";tag=" + c.remote
	}
	return local, remote
}

// bracketed is an address as it stands in a URI (RFC 3261 section 25.1, host).
func bracketed(a netip.Addr) string {
	if a.Is6() {
		return "[" + a.String() + "]"
	}
	return a.String()
}

// hop is where the call's requests are sent: the first of its route, else its target.
func (c *Call) hop() netip.AddrPort {
	c.ua.mu.Lock()
	defer c.ua.mu.Unlock()
	if c.final == nil && c.outgoing {
		return c.peer
	}
	next := c.target
	if len(c.route) > 0 {
		next = uri(c.route[0])
	}
	m := hostport.FindStringSubmatch(next)
	if m == nil {
		return c.peer
	}
	a, err := netip.ParseAddr(strings.Trim(m[1], "[]"))
	if err != nil {
		return c.peer
	}
	port := 5060
	if m[2] != "" {
		port, _ = strconv.Atoi(m[2])
	}
	return netip.AddrPortFrom(a, uint16(port))
}

var hostport = regexp.MustCompile(`^sips?:(?:[^@]*@)?(\[[^\]]*\]|[^:;>]*)(?::(\d+))?`)

// uri takes the URI out of a name-addr.
func uri(s string) string {
	if i := strings.IndexByte(s, '<'); i >= 0 {
		s = s[i+1:]
		if j := strings.IndexByte(s, '>'); j >= 0 {
			s = s[:j]
		}
		return s
	}
	s, _, _ = strings.Cut(s, ";")
	return strings.TrimSpace(s)
}

// split takes header values apart that stand in one line.
func split(values []string) []string {
	var all []string
	for _, v := range values {
		for part := range strings.SplitSeq(v, ",") {
			all = append(all, strings.TrimSpace(part))
		}
	}
	return all
}

// From is where the INVITE came from.
func (c *Call) From() netip.AddrPort { return c.from }

// Number is the user part of the INVITE's Request-URI.
func (c *Call) Number() string {
	user, _, _ := strings.Cut(strings.TrimPrefix(c.invite.URI, "sip:"), "@")
	return user
}

// Fork is another callee's answer to the same INVITE: a dialog with a tag of its own.
func (c *Call) Fork() *Call {
	u := c.ua
	f := &Call{
		ID: c.ID, ua: u, invite: c.invite, from: c.from, tag: token(), remote: c.remote,
		route: c.route, target: c.target, ended: map[string]bool{},
	}
	f.Media = newMedia(u.t, u.host)
	u.mu.Lock()
	u.calls = append(u.calls, f)
	u.mu.Unlock()
	return f
}

// AskUnacked is Ask for an INVITE whose 2xx stays without ACK until AckLast.
func (c *Call) AskUnacked(method string, headers []string, body string) *wire.Message {
	c.ua.mu.Lock()
	c.cseq++
	n := c.cseq
	c.ua.mu.Unlock()
	return c.send(method, n, headers, body, 10*time.Second)
}

// AckLast ACKs the INVITE before the last one.
func (c *Call) AckLast() { c.ua.send(c.build("ACK", token(), c.cseq-1, nil, ""), c.hop()) }
