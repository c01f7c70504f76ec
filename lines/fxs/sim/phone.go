package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"tipring/internal/dsp"
	"tipring/lines/fxs"
	"tipring/lines/fxs/socket"
)

// Options say which socket a Phone connects to, and how.
type Options struct {
	Address string // unix:/path or tcp:host:port
	Token   string
	Name    string
	Country *fxs.Country // whose tones it knows
	Pace    Pace
	Frame   int // samples; 160 when 0
	Answer  Answer
}

// Phone is a telephone on a line-card socket. At RealTime its time passes by itself. Fast,
// it passes only while a method waits, so that a script is exact to the sample however
// slow the machine; then the script must not pause for two seconds of wall time, because
// the agent ends a card that sends nothing.
type Phone struct {
	Telephone
	hello  socket.AgentHello
	conn   net.Conn
	frames *socket.Reader
	out    []byte
	mouth  []int16
	ear    []int16

	line   sync.Mutex // one exchange at a time
	closed chan struct{}
	close  sync.Once
	work   sync.WaitGroup
}

// answerTime is how long the agent may take to answer, in wall time.
const answerTime = 5 * time.Second

// Connect plugs a telephone in.
func Connect(ctx context.Context, o Options) (*Phone, error) {
	p, err := connect(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("telephone at %s: %w", o.Address, err)
	}
	return p, nil
}

func connect(ctx context.Context, o Options) (*Phone, error) {
	network, address, _ := strings.Cut(o.Address, ":")
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if o.Frame == 0 {
		o.Frame = defaultFrame
	}
	p := &Phone{conn: conn, frames: socket.NewReader(conn), mouth: make([]int16, o.Frame), closed: make(chan struct{})}
	p.init(o.Country)
	p.set.answer = o.Answer
	if err := p.greet(o); err != nil {
		conn.Close()
		return nil, err
	}
	if o.Pace == Fast {
		p.advance = p.exchange
		return p, nil
	}
	p.work.Add(1)
	go p.run()
	return p, nil
}

func (p *Phone) greet(o Options) error {
	if err := p.conn.SetDeadline(time.Now().Add(answerTime)); err != nil {
		return err
	}
	hello, err := json.Marshal(socket.CardHello{Protocol: socket.Protocol, Name: o.Name, Token: o.Token})
	if err != nil {
		return err
	}
	if _, err := p.conn.Write(socket.Append(nil, socket.Hello, hello...)); err != nil {
		return err
	}
	t, payload, err := p.frames.Next()
	if err != nil {
		return err
	}
	if t != socket.Hello {
		return fmt.Errorf("first frame is %v: want HELLO", t)
	}
	return json.Unmarshal(payload, &p.hello)
}

// Hello returns what the agent said at first.
func (p *Phone) Hello() socket.AgentHello { return p.hello }

// Close pulls the plug.
func (p *Phone) Close() error {
	var err error
	p.close.Do(func() {
		close(p.closed)
		err = p.conn.Close()
		p.work.Wait()
		p.unplug(ErrUnplugged)
	})
	return err
}

// run exchanges frames by the wall clock. One that is late is made up for.
func (p *Phone) run() {
	defer p.work.Done()
	frame := time.Duration(len(p.mouth)) * time.Second / dsp.SampleRate
	timer := time.NewTimer(frame)
	defer timer.Stop()
	for due := time.Now().Add(frame); ; {
		select {
		case <-timer.C:
		case <-p.closed:
			return
		}
		if err := p.exchange(); err != nil {
			p.unplug(err)
			return
		}
		now := time.Now()
		if due = due.Add(frame); now.Sub(due) > hopeless {
			due = now
		}
		timer.Reset(due.Sub(now))
	}
}

// exchange sends a frame, with what happens to the loop before it, and takes the answer.
func (p *Phone) exchange() error {
	p.line.Lock()
	defer p.line.Unlock()
	p.out = p.out[:0]
	p.with(func(h *handset) {
		for l := h.loop(); l != fxs.LoopSame; l = h.loop() {
			p.out = appendLoop(p.out, l)
		}
		h.say(p.mouth)
	})
	p.out = socket.AppendAudio(p.out, p.mouth)
	if err := p.conn.SetDeadline(time.Now().Add(answerTime)); err != nil {
		return err
	}
	if _, err := p.conn.Write(p.out); err != nil {
		return err
	}
	for {
		t, payload, err := p.frames.Next()
		if err != nil {
			return err
		}
		if t == socket.Audio {
			p.ear = socket.Samples(p.ear, payload)
			p.with(func(h *handset) { h.hear(p.ear) })
			if len(p.ear) != len(p.mouth) {
				return fmt.Errorf("%d samples answered with %d", len(p.mouth), len(p.ear))
			}
			return nil
		}
		p.with(func(h *handset) { h.obey(t, payload[0] != 0) })
	}
}

func appendLoop(b []byte, l fxs.Loop) []byte {
	switch l {
	case fxs.LoopOpen:
		return socket.Append(b, socket.Hook, 0)
	case fxs.LoopClosed:
		return socket.Append(b, socket.Hook, 1)
	case fxs.LoopFlash:
		return socket.Append(b, socket.Hook, 2)
	}
	if d, ok := l.Pulses(); ok {
		return socket.Append(b, socket.Pulse, d)
	}
	return b
}

func (h *handset) obey(t socket.Type, on bool) {
	switch t {
	case socket.Ring:
		h.ring(on)
	case socket.Polarity:
		h.reversed = on
	case socket.Lamp:
		h.lamp = on
	case socket.Power:
		h.unpowered = !on
	}
}
