package syslog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A network has servers by their address; one that is not there cannot be dialled.
type network struct {
	mu      sync.Mutex
	servers map[string]*server
	dialled int
}

// A server takes datagrams.
type server struct {
	got    []string
	closed bool // nobody listens: datagrams come back by ICMP
}

func (n *network) set(change func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	change()
}

func (n *network) got(name string) (msgs []string) {
	n.set(func() { msgs = append(msgs, n.servers[name].got...) })
	return msgs
}

func (n *network) dials() (times int) {
	n.set(func() { times = n.dialled })
	return times
}

func (n *network) connect(ctx context.Context, network, address string) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dialled++
	s := n.servers[address]
	if s == nil || network != "udp" {
		return nil, errors.New("no such host")
	}
	return &socket{net: n, to: s}, ctx.Err()
}

// A socket tells at the next write that the last datagram came back.
type socket struct {
	net.Conn
	net  *network
	to   *server
	back bool
}

func (c *socket) Write(p []byte) (int, error) {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	switch {
	case c.back:
		c.back = false
		return 0, fmt.Errorf("write: %w", syscall.ECONNREFUSED)
	case len(p) > maxMessage:
		return 0, syscall.EMSGSIZE
	case c.to.closed:
		c.back = true
	default:
		c.to.got = append(c.to.got, string(p))
	}
	return len(p), nil
}

func (c *socket) SetWriteDeadline(time.Time) error { return nil }
func (c *socket) Close() error                     { return nil }

// A rig is a log that goes to a network's servers.
type rig struct {
	*network
	*Sink
	log  *slog.Logger
	told *bytes.Buffer // what the Sink says itself
}

func inNetwork(t *testing.T, f func(t *testing.T, r *rig)) {
	synctest.Test(t, func(t *testing.T) {
		r := &rig{network: &network{servers: map[string]*server{"a:514": {}, "b:514": {}}}, told: &bytes.Buffer{}}
		r.Sink = New(Options{App: "tipring", Level: slog.LevelInfo, Log: slog.New(slog.NewTextHandler(r.told, nil)), Dial: r.connect})
		r.log = slog.New(r.Handler())
		f(t, r)
		r.Close(time.Second)
	})
}

var toA, toB = Target{"a:514", "00AB"}, Target{"b:514", "00AB"}

// texts are the messages' MSG and parameters.
func texts(msgs []string) string {
	var all []string
	for _, m := range msgs {
		_, rest, _ := strings.Cut(m, fmt.Sprintf(" %d - ", os.Getpid()))
		all = append(all, strings.ReplaceAll(rest, element+" ", ""))
	}
	return strings.Join(all, "|")
}

func want(t *testing.T, got []string, text string) {
	t.Helper()
	if texts(got) != text {
		t.Errorf("got  %s\nwant %s", texts(got), text)
	}
}

// What is logged before anybody knows where to waits, and then goes there in order.
func TestMessagesAreSentInOrder(t *testing.T) {
	inNetwork(t, func(t *testing.T, r *rig) {
		r.log.Info("first", "n", 1)
		r.log.Debug("less than the level")
		r.Send(toA)
		r.log.Warn("second")
		synctest.Wait()
		want(t, r.got("a:514"), `[n="1"] first|- second`)
		r.log.Info("third")
		synctest.Wait()
		want(t, r.got("a:514"), `[n="1"] first|- second|- third`)
		if r.dials() != 1 || r.Lost() != 0 {
			t.Errorf("dialled %d times, lost %d", r.dials(), r.Lost())
		}
	})
}

func TestOff(t *testing.T) {
	inNetwork(t, func(t *testing.T, r *rig) {
		r.log.Info("before it is known to be off")
		r.Send(Target{})
		r.log.Info("off")
		if r.log.Enabled(t.Context(), slog.LevelError) || r.dials() != 0 {
			t.Error("off and enabled")
		}
		r.Send(toA)
		r.log.Info("on")
		synctest.Wait()
		want(t, r.got("a:514"), "- on")
		r.Send(Target{})
		r.log.Info("off again")
		synctest.Wait()
		want(t, r.got("a:514"), "- on")
	})
}

// A change takes what waits along, and begins anew with trying.
func TestAnotherServer(t *testing.T) {
	inNetwork(t, func(t *testing.T, r *rig) {
		r.Send(Target{Server: "nowhere:514"})
		r.log.Info("first")
		time.Sleep(time.Hour)
		r.log.Info("second")
		r.Send(toB)
		synctest.Wait()
		want(t, r.got("b:514"), "- first|- second")
		r.Send(toA)
		r.log.Info("third")
		synctest.Wait()
		want(t, r.got("a:514"), "- third")
		r.Send(Target{Server: "a:514", Host: "00CD"})
		r.log.Info("fourth")
		synctest.Wait()
		if last := r.got("a:514")[1]; !strings.Contains(last, " 00CD tipring ") {
			t.Error(last)
		}
	})
}

// A server that cannot be reached is tried after 1 s, 2 s and so on up to a minute, is told
// of once, and gets everything when it is there.
func TestUnreachable(t *testing.T) {
	inNetwork(t, func(t *testing.T, r *rig) {
		r.set(func() { delete(r.servers, "a:514") })
		r.Send(toA)
		r.log.Info("first")
		time.Sleep(63*time.Second + time.Millisecond) // 1 + 2 + 4 + 8 + 16 + 32
		if r.dials() != 7 {
			t.Errorf("dialled %d times, want 7", r.dials())
		}
		time.Sleep(10 * time.Minute)
		if r.dials() != 17 {
			t.Errorf("dialled %d times, want 17", r.dials())
		}
		r.log.Info("second")
		r.set(func() { r.servers["a:514"] = &server{} })
		time.Sleep(time.Minute)
		want(t, r.got("a:514"), "- first|- second")
		if n := strings.Count(r.told.String(), "syslog server not reached"); n != 1 || !strings.Contains(r.told.String(), `server=a:514 err="no such host"`) {
			t.Errorf("told %d times: %s", n, r.told)
		}
	})
}

// Nobody listens at the port for a while: what came back is sent again.
func TestRefused(t *testing.T) {
	inNetwork(t, func(t *testing.T, r *rig) {
		r.Send(toA)
		r.log.Info("first")
		synctest.Wait()
		r.set(func() { r.servers["a:514"].closed = true })
		for i := range 5 {
			r.log.Info("in between", "i", i)
			time.Sleep(10 * time.Second)
		}
		r.set(func() { r.servers["a:514"].closed = false })
		time.Sleep(lastWait)
		want(t, r.got("a:514"), `- first|[i="0"] in between|[i="1"] in between|[i="2"] in between|[i="3"] in between|[i="4"] in between`)
		if r.Lost() != 0 || !strings.Contains(r.told.String(), "refused") {
			t.Errorf("lost %d, told %s", r.Lost(), r.told)
		}
	})
}

// What finds no room is counted, and the server told of it where it is missing.
func TestOverflow(t *testing.T) {
	inNetwork(t, func(t *testing.T, r *rig) {
		r.set(func() { delete(r.servers, "a:514") })
		r.Send(toA)
		long := strings.Repeat("x", 500)
		for i := range 1000 {
			r.log.Info("message", "i", i, "long", long)
		}
		lost := int(r.Lost())
		if lost < 850 || lost > 900 {
			t.Errorf("lost %d", lost)
		}
		r.set(func() { r.servers["a:514"] = &server{} })
		time.Sleep(time.Minute)
		r.log.Info("after")
		synctest.Wait()
		got := r.got("a:514")
		if len(got) != 1000-lost+2 || !strings.Contains(got[0], `i="0"`) || !strings.Contains(got[999-lost], fmt.Sprintf(`i="%d"`, 999-lost)) {
			t.Errorf("%d messages", len(got))
		}
		want(t, got[len(got)-2:], fmt.Sprintf(`[messages="%d"] syslog messages lost|- after`, lost))
	})
}

// The name is looked up now and then. A lookup that does not work leaves the link.
func TestNameIsLookedUpAnew(t *testing.T) {
	inNetwork(t, func(t *testing.T, r *rig) {
		r.Send(toA)
		r.log.Info("first")
		synctest.Wait()
		old := r.servers["a:514"]
		r.set(func() { delete(r.servers, "a:514") })
		time.Sleep(renewal + time.Second)
		r.log.Info("second")
		synctest.Wait()
		want(t, old.got, "- first|- second")
		if r.dials() != 2 {
			t.Errorf("dialled %d times", r.dials())
		}
		r.set(func() { r.servers["a:514"] = &server{} })
		time.Sleep(renewal + time.Second)
		r.log.Info("third")
		synctest.Wait()
		want(t, r.got("a:514"), "- third")
	})
}

// The end sends what waits, and does not wait for a server that is not there.
func TestClose(t *testing.T) {
	inNetwork(t, func(t *testing.T, r *rig) {
		r.Send(toA)
		for range 20 {
			r.log.Info("last")
		}
		r.Close(time.Second)
		r.log.Info("after the end")
		if got := r.got("a:514"); len(got) != 20 {
			t.Errorf("%d messages", len(got))
		}
	})
	inNetwork(t, func(t *testing.T, r *rig) {
		r.Send(Target{Server: "nowhere:514"})
		r.log.Info("never")
		time.Sleep(time.Minute)
		began := time.Now()
		if r.Close(time.Second); time.Since(began) > time.Second || r.Lost() != 1 {
			t.Errorf("closed in %v, lost %d", time.Since(began), r.Lost())
		}
	})
	inNetwork(t, func(t *testing.T, r *rig) { // a name server that says nothing
		r.opts.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }
		r.Send(toA)
		r.log.Info("never")
		synctest.Wait()
		began := time.Now()
		if r.Close(time.Second); time.Since(began) != time.Second {
			t.Errorf("closed in %v", time.Since(began))
		}
	})
}

// Several goroutines log while the server changes.
func TestAtOnce(t *testing.T) {
	inNetwork(t, func(t *testing.T, r *rig) {
		r.Send(toA)
		var wg sync.WaitGroup
		for g := range 4 {
			wg.Go(func() {
				for i := range 200 {
					r.log.With("g", g).Info("at once", "i", i)
					time.Sleep(time.Millisecond)
				}
			})
		}
		for i := range 50 {
			r.Send([]Target{toA, toB}[i%2])
			time.Sleep(3 * time.Millisecond)
		}
		wg.Wait()
		synctest.Wait()
		if n := len(r.got("a:514")) + len(r.got("b:514")); n < 800 || n > 850 {
			t.Errorf("%d messages, want 800 and a few twice", n)
		}
	})
}

// Over a real socket.
func TestUDP(t *testing.T) {
	receiver, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer receiver.Close()
	s := New(Options{App: "tipring", Level: slog.LevelInfo, Log: slog.New(slog.DiscardHandler)})
	defer s.Close(time.Second)
	s.Send(Target{Server: receiver.LocalAddr().String()})
	slog.New(s.Handler()).Info("hello")
	_ = receiver.SetReadDeadline(time.Now().Add(10 * time.Second))
	buf := make([]byte, 2000)
	n, _, err := receiver.ReadFrom(buf)
	if err != nil || !strings.HasPrefix(string(buf[:n]), "<134>1 2") || !strings.HasSuffix(string(buf[:n]), " - - hello") {
		t.Errorf("%q, %v", buf[:n], err)
	}
}
