package demo

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tipring/internal/dsp"
	"tipring/lines/fxs/socket"
)

// A port answers each frame of a telephone with a signal, or the frame itself.
type port struct {
	ended chan struct{}
	hooks chan byte
	keys  chan byte
	ring  chan bool
	play  chan *dsp.Signal
}

// listenAsPort is the agent's side of a line-card socket.
func listenAsPort(t *testing.T) (path string, p *port) {
	path = filepath.Join(t.TempDir(), "port")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	p = &port{make(chan struct{}), make(chan byte, 10), make(chan byte, 10), make(chan bool), make(chan *dsp.Signal)}
	go func() {
		defer close(p.ended)
		c, err := l.Accept()
		if err == nil {
			p.serve(c)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-p.ended })
	return path, p
}

func (p *port) serve(c net.Conn) {
	frames := socket.NewReader(c)
	var detector dsp.DTMFDetector
	var tone dsp.Tone
	var pcm []int16
	for {
		kind, payload, err := frames.Next()
		if err != nil {
			return
		}
		var out []byte
		select {
		case on := <-p.ring:
			value := byte(0)
			if on {
				value = 1
			}
			out = socket.Append(out, socket.Ring, value)
		case signal := <-p.play:
			tone.Start(signal)
		default:
		}
		switch kind {
		case socket.Hello:
			out = socket.Append(out, socket.Hello, []byte(`{"protocol":1,"name":"a port","port":1,"kind":"phone"}`)...)
		case socket.Hook:
			p.hooks <- payload[0]
		case socket.Audio:
			pcm = socket.Samples(pcm, payload)
			for _, e := range detector.Feed(nil, pcm) {
				if e.Down {
					p.keys <- e.Key
				}
			}
			tone.Read(pcm)
			out = socket.AppendAudio(out, pcm)
		}
		if _, err := c.Write(out); err != nil {
			return
		}
	}
}

func TestPhone(t *testing.T) {
	path, agent := listenAsPort(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	p, err := connect(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()

	p.lift()
	if got := <-agent.hooks; got != 1 {
		t.Errorf("lifted: HOOK %d, want 1", got)
	}
	if err := p.dial(ctx, "60#"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []byte("60#") {
		if got := <-agent.keys; got != want {
			t.Errorf("key %c heard, want %c", got, want)
		}
	}
	if err := p.dial(ctx, "x"); err == nil {
		t.Error("there is a key x")
	}

	p.say(1000)
	if err := p.hear(ctx, 1000); err != nil {
		t.Errorf("its own voice: %v", err)
	}
	p.hush()
	agent.play <- dsp.Steady(dsp.Partial{Hz: 350, DBm0: -13}, dsp.Partial{Hz: 440, DBm0: -13})
	if err := p.hear(ctx, dialTone...); err != nil {
		t.Errorf("dial tone: %v", err)
	}
	hurry, stop := context.WithTimeout(ctx, 50*time.Millisecond)
	defer stop()
	if err := p.hear(hurry, 440); err == nil || !strings.Contains(err.Error(), "not alone") {
		t.Errorf("440 Hz alone in a dial tone: %v", err)
	}
	if err := p.hear(hurry, ringback...); err == nil || !strings.Contains(err.Error(), "480 Hz") {
		t.Errorf("ringback in a dial tone: %v", err)
	}

	agent.ring <- true
	if err := p.ring(ctx); err != nil {
		t.Error(err)
	}
	p.hangUp()
	if got := <-agent.hooks; got != 0 {
		t.Errorf("hung up: HOOK %d, want 0", got)
	}
}

// Once the story is told, a telephone whose line card is lost is connected again.
func TestPhoneIsPluggedInAgain(t *testing.T) {
	s := aStory(t, Options{})
	s.dir = t.TempDir()
	if err := os.Mkdir(filepath.Join(s.dir, "cards"), 0o700); err != nil {
		t.Fatal(err)
	}
	ports, err := net.Listen("unix", s.cardSocket(1))
	if err != nil {
		t.Fatal(err)
	}
	defer ports.Close()
	greets := func() net.Conn {
		c, err := ports.Accept()
		if err == nil {
			_, err = c.Write(socket.Append(nil, socket.Hello, []byte(`{"protocol":1,"name":"a port","port":1,"kind":"phone"}`)...))
		}
		if err != nil {
			t.Error(err)
		}
		return c
	}
	first := make(chan net.Conn)
	go func() { first <- greets() }()
	p, err := s.plugIn(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	s.phones = append(s.phones, p)
	ctx, enough := context.WithCancel(t.Context())
	stayed := make(chan struct{})
	go func() { s.stay(ctx); close(stayed) }()
	_ = (<-first).Close()
	again := greets()
	enough()
	<-stayed
	_ = again.Close()
	s.phones[0].close()
}

// A connection that ends is told to whoever waits.
func TestPhoneLost(t *testing.T) {
	path, _ := listenAsPort(t)
	p, err := connect(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	_ = p.conn.Close()
	if err := p.ring(t.Context()); err == nil || !strings.Contains(err.Error(), "connection") {
		t.Errorf("waited for a ring: %v", err)
	}
}
