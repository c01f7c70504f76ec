package socket

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tipring/etc"
	"tipring/internal/unixsocket"
	"tipring/lines/fxs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// logBook keeps what is logged, from any goroutine.
type logBook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// rig is a driver and its log.
type rig struct {
	*Driver
	t    *testing.T
	book *logBook
}

const soon = 50 * time.Millisecond

func newRig(t *testing.T, cfg Config, audio time.Duration) *rig {
	t.Helper()
	book := new(logBook)
	cfg.Port, cfg.Kind = 3, "phone"
	cfg.Log = slog.New(slog.NewTextHandler(book, nil))
	if cfg.Address == "" {
		cfg.Address = "unix:" + filepath.Join(t.TempDir(), "port3.sock")
	}
	d, err := newDriver(cfg, audio, audio)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return &rig{d, t, book}
}

// peer is the card's end of a connection.
type peer struct {
	net.Conn
	t      *testing.T
	frames *Reader
}

func (r *rig) dial() *peer {
	r.t.Helper()
	conn, err := net.Dial(r.Addr().Network(), r.Addr().String())
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	return &peer{conn, r.t, NewReader(conn)}
}

func (p *peer) send(b []byte) {
	p.t.Helper()
	if _, err := p.Write(b); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) wants(t Type, value ...byte) []byte {
	p.t.Helper()
	got, payload, err := p.frames.Next()
	if err != nil || got != t || len(value) > 0 && !bytes.Equal(payload, value) {
		p.t.Fatalf("got %v % x, %v; want %v % x", got, payload, err, t, value)
	}
	return payload
}

// isClosed fails unless the agent ends the connection, sooner or later.
func (p *peer) isClosed() {
	p.t.Helper()
	for {
		_, _, err := p.frames.Next()
		if err == nil {
			continue
		}
		if !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
			p.t.Errorf("not closed: %v", err)
		}
		return
	}
}

const plainHello = `{"protocol":1,"name":"test card"}`

// card connects, says HELLO and is taken.
func (r *rig) card() (*peer, fxs.Card) {
	r.t.Helper()
	p := r.dial()
	p.send(Append(nil, Hello, []byte(plainHello)...))
	c := <-r.Cards()
	p.wants(Hello)
	return p, c
}

func TestCardSaysHelloAndIsAnswered(t *testing.T) {
	r := newRig(t, Config{}, time.Minute)
	p := r.dial()
	p.send(Append(nil, Hello, []byte(plainHello)...))
	var hello AgentHello
	if err := json.Unmarshal(p.wants(Hello), &hello); err != nil || hello != (AgentHello{1, "tipring", 3, "phone"}) {
		t.Errorf("%+v, %v", hello, err)
	}
	c := <-r.Cards()
	p.send(AppendAudio(Append(nil, Hook, 1), []int16{79: -2}))
	if pcm, loop, err := c.Read(); err != nil || loop != fxs.LoopClosed || pcm != nil {
		t.Errorf("%v, %v, %v", pcm, loop, err)
	}
	pcm, loop, err := c.Read()
	if err != nil || loop != fxs.LoopSame || len(pcm) != 80 || pcm[79] != -2 {
		t.Errorf("%v, %v, %v", pcm, loop, err)
	}
	if !strings.Contains(r.book.String(), `msg="line card connected" port=3 name="test card"`) {
		t.Error(r.book.String())
	}
}

func TestBadHelloIsRefused(t *testing.T) {
	for name, first := range map[string][]byte{
		"no JSON":        Append(nil, Hello, []byte("hello")...),
		"other protocol": Append(nil, Hello, []byte(`{"protocol":2,"name":"x"}`)...),
		"no protocol":    Append(nil, Hello, []byte(`{}`)...),
		"audio first":    AppendAudio(nil, make([]int16, 160)),
		"too long":       Append(nil, Hello, make([]byte, 2000)...),
		"nothing":        nil,
		"half":           {6},
	} {
		r := newRig(t, Config{}, soon)
		p := r.dial()
		if first != nil {
			p.send(first)
		}
		p.isClosed()
		next, _ := r.card() // the place is free again
		next.Close()
		if !strings.Contains(r.book.String(), "line card refused") {
			t.Errorf("%s: %s", name, r.book)
		}
	}
}

func TestTCPCardNeedsTheToken(t *testing.T) {
	if _, err := New(Config{Port: 1, Address: "tcp:127.0.0.1:0", Log: slog.Default()}); err == nil {
		t.Error("listens on tcp without a token")
	}
	r := newRig(t, Config{Address: "tcp:127.0.0.1:0", Token: "the-right-token"}, time.Minute)
	for _, hello := range []string{plainHello, `{"protocol":1,"name":"x","token":"the-wrong-token"}`} {
		p := r.dial()
		p.send(Append(nil, Hello, []byte(hello)...))
		p.isClosed()
	}
	p := r.dial()
	p.send(Append(nil, Hello, []byte(`{"protocol":1,"name":"x","token":"the-right-token"}`)...))
	<-r.Cards()
	p.wants(Hello)
	if book := r.book.String(); strings.Contains(book, "right-token") || strings.Contains(book, "wrong-token") {
		t.Errorf("a token is in the log: %s", book)
	}
}

func TestOneCardAtATime(t *testing.T) {
	r := newRig(t, Config{}, time.Minute)
	first, c := r.card()
	r.dial().isClosed()
	first.send(AppendAudio(nil, make([]int16, 160)))
	if _, _, err := c.Read(); err != nil {
		t.Errorf("the first card suffers: %v", err)
	}
	first.Close()
	if _, _, err := c.Read(); err != io.EOF {
		t.Errorf("%v, want EOF", err)
	}
	c.Close()
	r.card()
	r.dial().isClosed()
}

func TestRestartedCardNeedNotWaitForItsOwnEnd(t *testing.T) {
	for _, cfg := range []Config{{}, {Address: "tcp:127.0.0.1:0", Token: "t"}} {
		r := newRig(t, cfg, time.Minute)
		hello := Append(nil, Hello, []byte(`{"protocol":1,"name":"x","token":"t"}`)...)
		first := r.dial()
		first.send(hello)
		first.wants(Hello)
		old := <-r.Cards()
		first.send(AppendAudio(nil, make([]int16, 160))) // which the owner has not read yet
		first.Close()
		second := r.dial()
		second.send(hello)
		second.wants(Hello)
		next := <-r.Cards()
		if _, _, err := old.Read(); err == nil {
			_, _, err = old.Read()
			if err == nil {
				t.Error("the old card still works")
			}
		}
		old.Close()
		second.send(AppendAudio(nil, make([]int16, 80)))
		if pcm, _, err := next.Read(); err != nil || len(pcm) != 80 {
			t.Errorf("%d samples, %v", len(pcm), err)
		}
	}
}

func TestCardThatHasNotSaidHelloDoesNotHoldThePlace(t *testing.T) {
	r := newRig(t, Config{}, time.Minute)
	silent := r.dial()
	r.card()
	silent.send(Append(nil, Hello, []byte(plainHello)...))
	silent.isClosed()
	if book := r.book.String(); !strings.Contains(book, errSecond.Error()) {
		t.Error(book)
	}
}

// Who says nothing makes room, the first who came first; the log has the first of them alone.
func TestStrangersDoNotKeepTheCardOut(t *testing.T) {
	for _, cfg := range []Config{{}, {Address: "tcp:127.0.0.1:0", Token: "t"}} {
		r := newRig(t, cfg, time.Minute)
		var silent []*peer
		for range 3 * maxStrangers {
			silent = append(silent, r.dial())
		}
		for _, p := range silent[:2*maxStrangers] {
			p.isClosed()
		}
		card := r.dial()
		card.send(Append(nil, Hello, []byte(`{"protocol":1,"name":"x","token":"t"}`)...))
		card.wants(Hello)
		<-r.Cards()
		silent[2*maxStrangers].isClosed()
		r.dial().isClosed()
		book := r.book.String()
		if strings.Count(book, "refused") != 1 || !strings.Contains(book, errNoHello.Error()) {
			t.Errorf("the log:\n%s", book)
		}
		r.tellRefused()
		if book := r.book.String(); !strings.Contains(book, `msg="line cards refused" port=3 reason="there is a line card already" times=9`) {
			t.Errorf("not told how many:\n%s", book)
		}
	}
}

// Many of one address make room for each other before they cost another address its place.
func TestStrangersOfOneAddress(t *testing.T) {
	r := newRig(t, Config{Address: "tcp:127.0.0.1:0", Token: "t"}, time.Minute)
	from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	conn, err := from.Dial("tcp", r.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	card := &peer{conn, t, NewReader(conn)}
	for i := range 5 * maxStrangers {
		if p := r.dial(); i == 0 {
			defer p.isClosed()
		}
	}
	card.send(Append(nil, Hello, []byte(`{"protocol":1,"name":"x","token":"t"}`)...))
	card.wants(Hello)
	<-r.Cards()
}

func TestOfTwoThatKnowTheTokenOneIsTheCard(t *testing.T) {
	r := newRig(t, Config{Address: "tcp:127.0.0.1:0", Token: "t"}, time.Minute)
	hello := Append(nil, Hello, []byte(`{"protocol":1,"name":"x","token":"t"}`)...)
	first, second := r.dial(), r.dial()
	first.send(hello)
	first.wants(Hello)
	<-r.Cards()
	second.send(hello)
	second.isClosed()
}

func TestWakeEndsAReadAndLosesNothing(t *testing.T) {
	r := newRig(t, Config{}, time.Minute)
	p, c := r.card()
	frame := AppendAudio(nil, []int16{159: 7})
	for cut := range len(frame) {
		p.send(frame[:cut])
		c.Wake()
		if pcm, loop, err := c.Read(); pcm != nil || loop != fxs.LoopSame || err != nil {
			t.Fatalf("after Wake: %d samples, %v, %v", len(pcm), loop, err)
		}
		p.send(frame[cut:])
		if pcm, _, err := c.Read(); len(pcm) != 160 || pcm[159] != 7 || err != nil {
			t.Fatalf("cut after %d octets: %d samples, %v", cut, len(pcm), err)
		}
	}
}

func TestWakeDoesNotExcuseSilence(t *testing.T) {
	r := newRig(t, Config{}, soon)
	_, c := r.card()
	var err error
	for err == nil { // for ever, should it be excused
		c.Wake()
		_, _, err = c.Read()
	}
	if !errors.Is(err, errSilent) {
		t.Error(err)
	}
}

func TestEverythingAnOwnerSaysArrivesInOrder(t *testing.T) {
	r := newRig(t, Config{}, time.Minute)
	p, c := r.card()
	for _, err := range []error{
		c.Power(false), c.Power(true), c.Reverse(true), c.Lamp(true), c.Ring(true), c.Ring(false), c.Write([]int16{79: 258}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	p.wants(Power, 0)
	p.wants(Power, 1)
	p.wants(Polarity, 1)
	p.wants(Lamp, 1)
	p.wants(Ring, 1)
	p.wants(Ring, 0)
	if a := p.wants(Audio); len(a) != 160 || a[158] != 2 || a[159] != 1 {
		t.Errorf("% x", a)
	}
}

func TestLoopAndPulses(t *testing.T) {
	r := newRig(t, Config{}, time.Minute)
	p, c := r.card()
	p.send(Append(Append(Append(Append(nil, Hook, 0), Hook, 2), Pulse, 0), Pulse, 9))
	for _, want := range []fxs.Loop{fxs.LoopOpen, fxs.LoopFlash, fxs.LoopPulses(0), fxs.LoopPulses(9)} {
		if _, loop, err := c.Read(); err != nil || loop != want {
			t.Errorf("%v, %v, want %v", loop, err, want)
		}
	}
}

func TestWhatACardMayNotSayEndsIt(t *testing.T) {
	for _, tt := range []struct {
		frames []byte
		reason string
	}{
		{AppendAudio(nil, make([]int16, 79)), "AUDIO frame of 158 octets"},
		{AppendAudio(nil, make([]int16, 1601)), "AUDIO frame of 3202 octets"},
		{Append(nil, Hook), "HOOK frame of 0 octets"},
		{Append(nil, Hook, 3), "HOOK of 3"},
		{Append(nil, Pulse, 10), "PULSE of 10"},
	} {
		r := newRig(t, Config{}, time.Minute)
		p, c := r.card()
		p.send(tt.frames)
		if _, _, err := c.Read(); err == nil {
			t.Errorf("%s: no error", tt.reason)
		}
		p.isClosed()
		if book := r.book.String(); !strings.Contains(book, "line card gone") || !strings.Contains(book, tt.reason) {
			t.Errorf("%s: %s", tt.reason, book)
		}
		r.card() // may come back at once, even before the owner has closed the old one
	}
}

func TestWhatACardNeedNotSayIsSkipped(t *testing.T) {
	r := newRig(t, Config{}, time.Minute)
	p, c := r.card()
	p.send(Append(nil, 0xee, make([]byte, 60000)...))
	p.send(Append(Append(nil, Hello, []byte(plainHello)...), Ring, 1))
	p.send(AppendAudio(nil, make([]int16, 240)))
	if pcm, loop, err := c.Read(); err != nil || loop != fxs.LoopSame || len(pcm) != 240 {
		t.Errorf("%d samples, %v, %v", len(pcm), loop, err)
	}
}

func TestCardWithoutSamplesIsEnded(t *testing.T) {
	for name, chatter := range map[string][]byte{"silent": nil, "only its hook": Append(nil, Hook, 1), "half a frame": {1, 1, 64, 0}} {
		r := newRig(t, Config{}, soon)
		p, c := r.card()
		p.send(AppendAudio(nil, make([]int16, 160)))
		if _, _, err := c.Read(); err != nil {
			t.Fatal(err)
		}
		stop := make(chan struct{})
		go func() {
			defer close(stop)
			for chatter != nil {
				if _, err := p.Write(chatter); err != nil {
					return
				}
				if name == "half a frame" {
					return
				}
			}
		}()
		for {
			if _, _, err := c.Read(); err != nil {
				if !errors.Is(err, errSilent) {
					t.Errorf("%s: %v", name, err)
				}
				break
			}
		}
		<-stop
		if !strings.Contains(r.book.String(), errSilent.Error()) {
			t.Errorf("%s: %s", name, r.book)
		}
	}
}

// A card whose samples came in time is not ended because this process looked too late.
func TestSamplesThatWereReadTooLate(t *testing.T) {
	r := newRig(t, Config{}, time.Minute)
	p, taken := r.card()
	c := taken.(*card)
	for range 3 {
		p.send(AppendAudio(nil, make([]int16, 160)))
		c.until = time.Unix(1, 0)
		if err := c.conn.SetDeadline(c.until); err != nil {
			t.Fatal(err)
		}
		if err := c.Ring(true); err != nil {
			t.Fatal(err)
		}
		p.wants(Ring, 1)
		if pcm, _, err := c.Read(); len(pcm) != 160 || err != nil {
			t.Fatalf("%d samples, %v", len(pcm), err)
		}
		if err := c.Write(make([]int16, 160)); err != nil {
			t.Fatal(err)
		}
		p.wants(Audio)
	}
}

func TestCardThatDoesNotListenIsEnded(t *testing.T) {
	r := newRig(t, Config{}, soon)
	_, c := r.card()
	for {
		if err := c.Write(make([]int16, MaxSamples)); err != nil {
			return // instead of waiting for ever
		}
	}
}

func TestSocketFileAndFolder(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	dir := filepath.Join(t.TempDir(), "run", "tipring")
	path := filepath.Join(dir, "port1.sock")
	r := newRig(t, Config{Address: "unix:" + path}, time.Minute)
	for file, want := range map[string]os.FileMode{path: 0o660, dir: 0o750} {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want %v", file, info.Mode(), err, want)
		}
	}
	r.Close()
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestADeletedSocketIsPutBack(t *testing.T) {
	keeper := &unixsocket.Keeper{}
	t.Cleanup(keeper.Close)
	path := filepath.Join(t.TempDir(), "run", "port1.sock")
	r := newRig(t, Config{Address: "unix:" + path, Keeper: keeper}, time.Minute)
	p, c := r.card()
	for _, name := range []string{path, filepath.Dir(path)} {
		for os.RemoveAll(name) != nil { // it is put back in the midst of that
		}
		until(t, func() bool {
			conn, err := net.Dial("unix", path)
			if err == nil {
				conn.Close()
			}
			return err == nil
		})
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o660 {
			t.Errorf("%s: mode %v, %v", name, info.Mode(), err)
		}
		second := r.dial()
		second.isClosed()
	}
	p.send(AppendAudio(nil, make([]int16, 80))) // the card that is there goes on
	if _, _, err := c.Read(); err != nil {
		t.Error(err)
	}
	c.Close()
	r.card()
}

// until waits for what nobody tells.
func until(t *testing.T, ok func() bool) {
	t.Helper()
	tick, limit := time.NewTicker(5*time.Millisecond), time.After(20*time.Second)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatal("not in time")
		}
	}
}

func TestFolderOfOthersKeepsItsMode(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	newRig(t, Config{Address: "unix:" + filepath.Join(dir, "s")}, time.Minute)
	if info, _ := os.Stat(dir); info.Mode().Perm() != 0o755 {
		t.Errorf("mode %v", info.Mode())
	}
}

func TestOnlyAStaleSocketIsRemoved(t *testing.T) {
	dir := t.TempDir()
	config := func(name string) Config {
		return Config{Port: 1, Address: "unix:" + filepath.Join(dir, name), Log: slog.New(slog.DiscardHandler)}
	}

	stale, err := net.Listen("unix", filepath.Join(dir, "stale"))
	if err != nil {
		t.Fatal(err)
	}
	stale.(*net.UnixListener).SetUnlinkOnClose(false)
	stale.Close()
	d, err := New(config("stale"))
	if err != nil {
		t.Fatalf("a stale socket is in the way: %v", err)
	}
	if _, err := New(config("stale")); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("took the socket of a running agent: %v", err)
	}
	d.Close()
	d.Close()

	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(config("file")); err == nil || !strings.Contains(err.Error(), "port 1: driver unix:") || !strings.Contains(err.Error(), "is no socket") {
		t.Errorf("%v", err)
	}
	if b, _ := os.ReadFile(filepath.Join(dir, "file")); string(b) != "precious" {
		t.Error("the file is gone")
	}

	d, err = New(config("swapped"))
	if err != nil {
		t.Fatal(err)
	}
	os.Remove(filepath.Join(dir, "swapped"))
	os.WriteFile(filepath.Join(dir, "swapped"), []byte("precious"), 0o600)
	d.Close()
	if b, _ := os.ReadFile(filepath.Join(dir, "swapped")); string(b) != "precious" {
		t.Error("Close removed a file that is no socket")
	}
}

func TestBadAddresses(t *testing.T) {
	for _, address := range []string{"", "unix:", "unix:relative", "tcp:", "udp:1.2.3.4:5", "unix:/dev/null/x", "tcp:999.1.1.1:5"} {
		if d, err := New(Config{Port: 2, Address: address, Token: "t", Log: slog.Default()}); err == nil || !strings.HasPrefix(err.Error(), "port 2: driver "+address) {
			t.Errorf("%q: %v", address, err)
			if d != nil {
				d.Close()
			}
		}
	}
}

func TestCloseEndsEverything(t *testing.T) {
	for name, prepare := range map[string]func(*rig){
		"nobody there":    func(r *rig) {},
		"before HELLO":    func(r *rig) { r.dial() },
		"card not taken":  func(r *rig) { p := r.dial(); p.send(Append(nil, Hello, []byte(plainHello)...)); p.wants(Hello) },
		"card is working": func(r *rig) { r.card() },
	} {
		r := newRig(t, Config{}, time.Minute)
		prepare(r)
		done := make(chan struct{})
		go func() { r.Close(); close(done) }()
		select {
		case <-done:
		case <-time.After(5 * time.Second):
			t.Fatalf("%s: Close hangs", name)
		}
		if _, ok := <-r.Cards(); ok {
			t.Errorf("%s: a card after Close", name)
		}
	}
}

// The port, through a real socket: off-hook brings dial tone in the answer to the next
// frame, and the bell stops when the handset is lifted, before any sample.
func TestPortOverTheSocket(t *testing.T) {
	us, err := fxs.LoadCountry(etc.Tones, "us")
	if err != nil {
		t.Fatal(err)
	}
	port, err := fxs.New(fxs.Config{Country: us})
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, Config{Address: "tcp:127.0.0.1:0", Token: "t"}, time.Minute)
	p := r.dial()
	p.send(Append(nil, Hello, []byte(`{"protocol":1,"name":"x","token":"t"}`)...))
	c := <-r.Cards()
	port.Ring(nil)
	done := make(chan error)
	go func() {
		for {
			if _, err := port.Turn(c, nil); err != nil {
				done <- err
				return
			}
		}
	}()
	p.wants(Hello)
	p.send(AppendAudio(nil, make([]int16, 160)))
	p.wants(Audio)
	p.wants(Ring, 1)
	p.send(Append(nil, Hook, 1))
	p.wants(Ring, 0)
	p.send(AppendAudio(nil, make([]int16, 160)))
	if a := p.wants(Audio); !bytes.Equal(a, make([]byte, 320)) {
		t.Error("an answered call is not silent")
	}
	for range 100 { // 1.12 s of open loop, in frames of 80
		p.send(AppendAudio(Append(nil, Hook, 0), make([]int16, 160)))
		p.wants(Audio)
	}
	p.send(AppendAudio(Append(nil, Hook, 1), make([]int16, 1600)))
	if a := p.wants(Audio); len(a) != 3200 || bytes.Equal(a, make([]byte, 3200)) {
		t.Error("no dial tone")
	}
	p.Close()
	if err := <-done; err != io.EOF {
		t.Error(err)
	}
	if port.State() != fxs.Idle {
		t.Errorf("%v after the card went", port.State())
	}
}
