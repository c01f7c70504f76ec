// Package farend is the other end of a test's calls: a scripted SIP user agent
// on UDP with RTP of its own, every message of which the test may decide. It is
// made of package wire's lenient text messages and shares nothing with the
// product.
package farend

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"tipring/tools/peers/netlab"
	"tipring/tools/peers/wire"
)

// A UA is a user agent on one host's port 5060.
type UA struct {
	Addr netip.AddrPort

	t      netlab.T
	host   *netlab.Host
	conn   *net.UDPConn
	onCall func(*Call)
	done   sync.WaitGroup

	mu       sync.Mutex
	calls    []*Call
	seen     []wire.Message      // requests, retransmissions left out
	answered map[string][]byte   // last response by transaction
	waiting  map[string]chan rsp // responses wanted, by branch and method
	news     chan struct{}
	closed   chan struct{}
}

type rsp struct {
	*wire.Message
	from netip.AddrPort
}

// New makes a user agent. onCall is called on a goroutine of its own with every
// new call; when nil, calls are answered at once.
func New(t netlab.T, host *netlab.Host, onCall func(*Call)) *UA {
	t.Helper()
	u := &UA{
		Addr: netip.AddrPortFrom(host.Addr, 5060), t: t, host: host, onCall: onCall,
		answered: map[string][]byte{}, waiting: map[string]chan rsp{},
		news: make(chan struct{}), closed: make(chan struct{}),
	}
	if u.onCall == nil {
		u.onCall = func(c *Call) { c.Answer() }
	}
	err := host.Do(func() (err error) {
		u.conn, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(u.Addr))
		return err
	})
	if err != nil {
		t.Fatalf("farend: %v", err)
	}
	u.done.Add(1)
	go u.listen()
	t.Cleanup(u.Close)
	return u
}

// Close ends the user agent and its calls' media.
func (u *UA) Close() {
	u.mu.Lock()
	select {
	case <-u.closed:
		u.mu.Unlock()
		return
	default:
	}
	close(u.closed)
	calls := u.calls
	u.mu.Unlock()
	_ = u.conn.Close()
	for _, c := range calls {
		c.Media.close()
	}
	u.done.Wait()
}

func (u *UA) listen() {
	defer u.done.Done()
	b := make([]byte, 65536)
	for {
		n, from, err := u.conn.ReadFromUDPAddrPort(b)
		if err != nil {
			select {
			case <-u.closed:
				return
			default:
				continue // an ICMP error
			}
		}
		m := wire.Parse(b[:n])
		if m == nil {
			continue
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		if m.Status != 0 {
			u.mu.Lock()
			if c := u.waiting[m.Branch()+" "+m.Method]; c != nil {
				select {
				case c <- rsp{m, from}:
				default:
				}
			}
			u.mu.Unlock()
			continue
		}
		u.request(m, from)
	}
}

func (u *UA) request(m *wire.Message, from netip.AddrPort) {
	key := m.Branch() + " " + m.Method
	u.mu.Lock()
	last, again := u.answered[key]
	if !again {
		u.seen = append(u.seen, *m)
		if m.Method != "ACK" {
			u.answered[key] = nil
		}
	}
	call := u.find(m)
	u.mu.Unlock()
	defer u.tell()
	switch {
	case again:
		if last != nil {
			u.send(last, from)
		}
	case m.Method == "INVITE" && m.Tag("To") == "":
		c := u.newCall(m, from)
		u.reply(m, from, 100, "Trying", "", nil, "")
		u.mu.Lock()
		onCall := u.onCall
		u.mu.Unlock()
		u.done.Add(1)
		go func() {
			defer u.done.Done()
			onCall(c)
		}()
	case call == nil && m.Method == "OPTIONS":
		u.reply(m, from, 200, "OK", "", nil, "")
	case call == nil && m.Method != "ACK":
		u.reply(m, from, 481, "No Such Call", "", nil, "")
	case call != nil:
		call.request(m, from)
	}
}

// find returns the call of a request, by Call-ID and the other side's tag.
func (u *UA) find(m *wire.Message) *Call {
	for _, c := range u.calls {
		if c.ID == m.CallID() && c.theirTag() == m.Tag("From") && (m.Tag("To") == "" || m.Tag("To") == c.tag) {
			return c
		}
	}
	return nil
}

func (u *UA) tell() {
	u.mu.Lock()
	close(u.news)
	u.news = make(chan struct{})
	u.mu.Unlock()
}

func (u *UA) send(b []byte, to netip.AddrPort) { _, _ = u.conn.WriteToUDPAddrPort(b, to) }

// reply answers a request where it came from. tag is the To tag, when the request has none.
func (u *UA) reply(m *wire.Message, to netip.AddrPort, status int, phrase, tag string, headers []string, body string) {
	var b strings.Builder
	fmt.Fprintf(&b, "SIP/2.0 %d %s\r\n", status, phrase)
	for _, name := range []string{"Via", "Record-Route", "From", "To", "Call-ID", "CSeq"} {
		for _, v := range m.All(name) {
			if name == "Record-Route" && (status == 100 || status >= 300) {
				continue
			}
			if name == "To" && tag != "" && m.Tag("To") == "" {
				v += ";tag=" + tag
			}
			fmt.Fprintf(&b, "%s: %s\r\n", name, v)
		}
	}
	finish(&b, headers, body)
	text := []byte(b.String())
	u.mu.Lock()
	u.answered[m.Branch()+" "+m.Method] = text
	u.mu.Unlock()
	u.send(text, to)
}

func finish(b *strings.Builder, headers []string, body string) {
	typed := false
	for _, h := range headers {
		fmt.Fprintf(b, "%s\r\n", h)
		typed = typed || strings.HasPrefix(h, "Content-Type:")
	}
	if body != "" && !typed {
		b.WriteString("Content-Type: application/sdp\r\n")
	}
	fmt.Fprintf(b, "Content-Length: %d\r\n\r\n%s", len(body), body)
}

// Calls returns the calls that came in, oldest first, and those made.
func (u *UA) Calls() []*Call {
	u.mu.Lock()
	defer u.mu.Unlock()
	return append([]*Call(nil), u.calls...)
}

// Requests returns the requests received of one method, retransmissions left out.
func (u *UA) Requests(method string) []wire.Message {
	u.mu.Lock()
	defer u.mu.Unlock()
	var found []wire.Message
	for _, m := range u.seen {
		if m.Method == method {
			found = append(found, m)
		}
	}
	return found
}

// Wait waits until ok says yes, looking again after every request that came.
func (u *UA) Wait(limit time.Duration, ok func() bool) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		u.mu.Lock()
		news := u.news
		u.mu.Unlock()
		if ok() {
			return true
		}
		select {
		case <-news:
		case <-timer.C:
			return false
		case <-u.closed:
			return false
		}
	}
}

// WaitCall waits for the n-th call, counted from 1, or fails the test.
func (u *UA) WaitCall(limit time.Duration, n int) *Call {
	u.t.Helper()
	if !u.Wait(limit, func() bool { return len(u.Calls()) >= n }) {
		u.t.Fatalf("farend: %d calls within %v, want %d", len(u.Calls()), limit, n)
	}
	return u.Calls()[n-1]
}

// token returns fresh random text.
func token() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

// OnCall replaces what is done with new calls.
func (u *UA) OnCall(f func(*Call)) {
	u.mu.Lock()
	u.onCall = f
	u.mu.Unlock()
}
