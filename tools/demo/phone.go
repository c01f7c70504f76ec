package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"slices"
	"sync"
	"time"

	"tipring/internal/dsp"
	"tipring/lines/fxs/socket"
	"tipring/t38"
	"tipring/tools/lab"
)

// What a telephone sends at a time, and listens to when it asks what it hears.
const (
	frameSamples = 160 // 20 ms
	frameTime    = frameSamples * time.Second / dsp.SampleRate
	heardSamples = 1600 // 200 ms
)

// Levels in dBm0.
const (
	audible    = -30
	voiceLevel = -10
)

// keySamples is how long a key is pressed, and the pause after it: 80 ms.
const keySamples = 640

// Call-progress tones of North America, in Hz.
var (
	dialTone = []float64{350, 440}
	ringback = []float64{440, 480}
	reorder  = []float64{480, 620}
)

// A phone is a simulated telephone on a line-card socket (docs/line-card.md): it sends
// samples in real time and keeps the last of what it hears.
type phone struct {
	conn  net.Conn
	ended sync.WaitGroup
	quit  chan struct{}
	once  sync.Once

	mu      sync.Mutex
	frames  []byte // hook changes, for the next frame boundary
	keys    *dsp.DTMFGenerator
	voice   dsp.Tone
	heard   []int16 // the last heardSamples
	ringing bool
	lost    error
	news    chan struct{} // closed and made anew with each change

	machine *t38.Machine // a fax machine that is sending; nil: somebody is at the telephone
	line    []int16      // heard, but not by the machine yet
}

// connect plugs a telephone into the socket of a port.
func connect(ctx context.Context, path string) (*phone, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	p := &phone{conn: conn, quit: make(chan struct{}), keys: dsp.NewDTMFGenerator(dsp.DTMFLowDBm0, dsp.DTMFHighDBm0), news: make(chan struct{})}
	frames := socket.NewReader(conn)
	if err := p.greet(ctx, frames); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("line card at %s: %w", path, err)
	}
	p.ended.Add(2)
	go p.listen(frames)
	go p.speak()
	return p, nil
}

// greet exchanges HELLOs.
func (p *phone) greet(ctx context.Context, frames *socket.Reader) error {
	if limit, ok := ctx.Deadline(); ok {
		_ = p.conn.SetDeadline(limit)
	}
	hello, err := json.Marshal(map[string]any{"protocol": 1, "name": "telephone of the demo"})
	if err != nil {
		return err
	}
	if _, err := p.conn.Write(socket.Append(nil, socket.Hello, hello...)); err != nil {
		return err
	}
	kind, _, err := frames.Next()
	if err != nil {
		return err
	}
	if kind != socket.Hello {
		return fmt.Errorf("the agent begins with %v instead of HELLO", kind)
	}
	return p.conn.SetDeadline(time.Time{})
}

// close pulls the plug.
func (p *phone) close() {
	p.once.Do(func() {
		close(p.quit)
		_ = p.conn.Close()
	})
	p.ended.Wait()
}

// lift and hangUp move the hook.
func (p *phone) lift() { p.hook(1) }

func (p *phone) hangUp() {
	p.hush()
	p.hook(0)
}

// flash presses the hook for a moment, which the line card makes out by itself.
func (p *phone) flash() {
	p.hush()
	p.hook(2)
}

func (p *phone) hook(value byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frames = socket.Append(p.frames, socket.Hook, value)
	p.heard = p.heard[:0] // of the call before
}

// dial presses keys and waits until they have sounded.
func (p *phone) dial(ctx context.Context, keys string) error {
	for i := range len(keys) {
		p.mu.Lock()
		ok := p.keys.Press(keys[i], keySamples, keySamples)
		p.mu.Unlock()
		if !ok {
			return fmt.Errorf("no key %q", keys[i])
		}
	}
	return p.wait(ctx, func() error {
		if p.keys.Busy() {
			return errors.New("keys are still pressed")
		}
		return nil
	})
}

// say sounds a frequency until hush.
func (p *phone) say(hz float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.voice.Start(dsp.Steady(dsp.Partial{Hz: hz, DBm0: voiceLevel}))
}

func (p *phone) hush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.voice.Stop()
	p.keys.Stop()
}

// hear waits until these frequencies, and nothing else to speak of, were heard for 200 ms.
func (p *phone) hear(ctx context.Context, hz ...float64) error {
	return p.wait(ctx, func() error { return sounds(p.heard, hz) })
}

// sounds says what is wrong with samples that should be these frequencies.
func sounds(pcm []int16, hz []float64) error {
	if len(pcm) < heardSamples {
		return errors.New("nothing is heard")
	}
	var all, sum float64
	for _, f := range hz {
		var tone float64
		if tone, all = lab.Level(pcm, f); tone < audible {
			return fmt.Errorf("%.0f Hz is at %.0f dBm0, of %.0f in all", f, tone, all)
		}
		sum += math.Pow(10, tone/10)
	}
	const tolerance = 1 // dB
	if heard := 10 * math.Log10(sum); heard < all-tolerance {
		return fmt.Errorf("%.0f Hz at %.0f dBm0 are not alone: %.0f in all", hz, heard, all)
	}
	return nil
}

// ring waits until the telephone rings.
func (p *phone) ring(ctx context.Context) error {
	return p.wait(ctx, func() error {
		if !p.ringing {
			return errors.New("no ringing voltage")
		}
		return nil
	})
}

// wait waits until ok, called with the telephone locked, has nothing to say.
func (p *phone) wait(ctx context.Context, ok func() error) error {
	for {
		p.mu.Lock()
		err, news, lost := ok(), p.news, p.lost
		p.mu.Unlock()
		switch {
		case err == nil:
			return nil
		case lost != nil:
			return fmt.Errorf("the line card's connection: %w", lost)
		}
		select {
		case <-news:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		}
	}
}

// speak sends a frame every 20 ms by the wall clock, whatever delays one of them.
func (p *phone) speak() {
	defer p.ended.Done()
	pcm := make([]int16, frameSamples)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for next := time.Now(); ; next = next.Add(frameTime) {
		timer.Reset(time.Until(next))
		select {
		case <-timer.C:
		case <-p.quit:
			return
		}
		if !p.heardEnough() {
			return
		}
		if _, err := p.conn.Write(p.frame(pcm)); err != nil {
			p.change(func() { p.lost = err })
			return
		}
	}
}

// frame is what is sent next: hook changes, and 20 ms of keys, voice or silence; or what a
// fax machine says to what it has heard.
func (p *phone) frame(pcm []int16) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.frames
	p.frames = nil
	if p.machine != nil {
		n := min(len(p.line), len(pcm))
		p.machine.Exchange(p.line[:n], pcm[:n])
		clear(pcm[n:])
		p.line = slices.Delete(p.line, 0, n)
		return socket.AppendAudio(out, pcm)
	}
	n := p.keys.Read(pcm)
	n += p.voice.Read(pcm[n:])
	clear(pcm[n:])
	return socket.AppendAudio(out, pcm)
}

// listen takes what the agent sends.
func (p *phone) listen(frames *socket.Reader) {
	defer p.ended.Done()
	var pcm []int16
	for {
		kind, payload, err := frames.Next()
		if err != nil {
			p.change(func() { p.lost = err })
			return
		}
		p.change(func() {
			switch kind {
			case socket.Audio:
				pcm = socket.Samples(pcm, payload)
				p.heard = append(p.heard, pcm...)
				p.heard = slices.Delete(p.heard, 0, max(0, len(p.heard)-heardSamples))
				if p.machine != nil {
					p.line = append(p.line, pcm...)
				}
			case socket.Ring:
				p.ringing = payload[0] == 1
			}
		})
	}
}

// change changes the telephone and tells who waits.
func (p *phone) change(what func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	what()
	close(p.news)
	p.news = make(chan struct{})
}
