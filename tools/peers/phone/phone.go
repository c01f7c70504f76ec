// Package phone is a telephone on the far side of a line card: it speaks the
// card's side of the line-card socket, in real time, with samples made and
// measured by package audio. It shares no code with the agent.
package phone

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"tipring/tools/peers/audio"
	"tipring/tools/peers/netlab"
)

// Frame types of the line-card socket.
const (
	typeAudio = 0x01
	typeHook  = 0x02
	typeHello = 0x06
	typePulse = 0x08
)

// What the agent does to the line: types of a Change.
const (
	Ring     = 0x03
	Polarity = 0x04
	Lamp     = 0x05
	Power    = 0x07
)

// FrameSamples is how many samples go into one AUDIO frame: 20 ms.
const FrameSamples = 160

// A Change is something that the agent did to the line, with the time by the
// line's own clock: the samples heard before it.
type Change struct {
	Type   byte
	Value  byte
	Sample int
	At     time.Time
}

// A Phone is a connected telephone.
type Phone struct {
	Hello struct { // the agent's
		Protocol int    `json:"protocol"`
		Name     string `json:"name"`
		Port     int    `json:"port"`
		Kind     string `json:"kind"`
	}
	// Sent is told of every frame just before it is written: its last sample's
	// number and the time. A setting.
	Sent func(end int, at time.Time)

	// Got is told of every frame of sound that has come, and when. A setting.
	Got func(pcm []int16, at time.Time)

	// AnswerAtOnce lifts the receiver the moment it rings, between two frames of
	// sound. A setting.
	AnswerAtOnce bool

	// Hybrid gives back a half of what is heard, 6 dB below it, a frame later. A setting.
	Hybrid bool

	t      netlab.T
	conn   net.Conn
	ended  chan struct{} // closed by Close
	closed sync.Once
	done   sync.WaitGroup

	mu      sync.Mutex
	actions []action // at the next frame boundary
	rotary  []byte   // of a dial that turns, one a frame: 'o' opens the loop, 'c' closes it, 0 leaves it
	queue   []int16  // to be said first
	echo    []int16  // of the hybrid
	tone    *audio.Tone
	heard   []int16
	sent    int
	changes []Change
	ringing bool
	powered bool
	lost    error
	news    chan struct{} // closed and replaced whenever something came
}

type action struct{ kind, value byte }

// Connect connects a telephone to a port's driver address. Settings are made
// before it does anything.
func Connect(t netlab.T, network, address, token string, set ...func(*Phone)) *Phone {
	t.Helper()
	var conn net.Conn
	var err error
	if !netlab.Until(10*time.Second, func() bool {
		conn, err = net.Dial(network, address)
		return err == nil
	}) {
		t.Fatalf("phone: %v", err)
	}
	return On(t, conn, token, set...)
}

// On makes a telephone of a connection to a port.
func On(t netlab.T, conn net.Conn, token string, set ...func(*Phone)) *Phone {
	t.Helper()
	p := &Phone{t: t, conn: conn, ended: make(chan struct{}), news: make(chan struct{}), powered: true}
	for _, f := range set {
		if f != nil {
			f(p)
		}
	}
	hello := map[string]any{"protocol": 1, "name": "test telephone"}
	if token != "" {
		hello["token"] = token
	}
	text, err := json.Marshal(hello)
	if err != nil {
		t.Fatalf("phone: %v", err)
	}
	if _, err := conn.Write(frame(typeHello, text)); err != nil {
		t.Fatalf("phone: HELLO: %v", err)
	}
	r := bufio.NewReader(conn)
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	kind, payload, err := read(r)
	if err != nil || kind != typeHello {
		t.Fatalf("phone: the agent's first frame is of type %d, want HELLO (%v)", kind, err)
	}
	if err := json.Unmarshal(payload, &p.Hello); err != nil {
		t.Fatalf("phone: the agent's HELLO %q: %v", payload, err)
	}
	_ = conn.SetReadDeadline(time.Time{})
	p.done.Add(2)
	go p.listen(r)
	go p.speak()
	t.Cleanup(p.Close)
	return p
}

// Close pulls the telephone out.
func (p *Phone) Close() {
	p.closed.Do(func() {
		close(p.ended)
		_ = p.conn.Close()
	})
	p.done.Wait()
}

// OffHook lifts the receiver.
func (p *Phone) OffHook() { p.do(typeHook, 1) }

// OnHook puts the receiver down and stops talking.
func (p *Phone) OnHook() {
	p.Hush()
	p.do(typeHook, 0)
}

// Flash is a hook flash that the card's chip recognised.
func (p *Phone) Flash() { p.do(typeHook, 2) }

// Pulse is a digit that the card's chip counted.
func (p *Phone) Pulse(digit byte) { p.do(typePulse, digit) }

func (p *Phone) do(kind, value byte) {
	p.mu.Lock()
	p.actions = append(p.actions, action{kind, value})
	p.mu.Unlock()
}

// Dial presses keys: 60 ms each with pauses of 60 ms, at -6 dBm0 a frequency.
func (p *Phone) Dial(keys string) {
	var pcm []int16
	for i := range keys {
		digit := make([]int16, 480)
		(&audio.Tone{Freqs: audio.DTMF(keys[i]), DBm0: -6}).Next(digit)
		pcm = append(append(pcm, make([]int16, 480)...), digit...)
	}
	p.mu.Lock()
	p.queue = append(p.queue, append(pcm, make([]int16, 480)...)...)
	p.mu.Unlock()
}

// Rotary dials as an old dial does: the loop open for 60 ms and closed for 40 a pulse, ten of them for
// a nought, and 700 ms more between the digits.
func (p *Phone) Rotary(number string) {
	var frames []byte
	for _, digit := range []byte(number) {
		for range (digit-'0'+9)%10 + 1 {
			frames = append(frames, 'o', 0, 0, 'c', 0)
		}
		frames = append(frames, make([]byte, 35)...)
	}
	p.mu.Lock()
	p.rotary = append(p.rotary, frames...)
	p.mu.Unlock()
}

// Say sounds one frequency from now on.
func (p *Phone) Say(freq, dbm0 float64) {
	p.mu.Lock()
	p.tone = &audio.Tone{Freqs: []float64{freq}, DBm0: dbm0}
	p.mu.Unlock()
}

// Play says samples, once.
func (p *Phone) Play(pcm []int16) {
	p.mu.Lock()
	p.queue = append(p.queue, pcm...)
	p.mu.Unlock()
}

// Hush stops every sound.
func (p *Phone) Hush() {
	p.mu.Lock()
	p.tone, p.queue = nil, nil
	p.mu.Unlock()
}

func (p *Phone) speak() {
	defer p.done.Done()
	start, pcm := time.Now(), make([]int16, FrameSamples)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for n := 0; ; n++ {
		timer.Reset(time.Until(start.Add(time.Duration(n) * 20 * time.Millisecond)))
		select {
		case <-timer.C:
		case <-p.ended:
			return
		}
		var out []byte
		p.mu.Lock()
		for _, a := range p.actions {
			out = append(out, frame(a.kind, []byte{a.value})...)
		}
		p.actions = p.actions[:0]
		if len(p.rotary) > 0 {
			if loop := p.rotary[0]; loop != 0 {
				out = append(out, frame(typeHook, []byte{map[byte]byte{'o': 0, 'c': 1}[loop]})...)
			}
			p.rotary = p.rotary[1:]
		}
		said := copy(pcm, p.queue)
		p.queue = p.queue[said:]
		clear(pcm[said:])
		if p.tone != nil {
			p.tone.Next(pcm[said:])
		}
		echoed := min(len(p.echo), len(pcm))
		for i, v := range p.echo[:echoed] {
			pcm[i] += v
		}
		p.echo = p.echo[echoed:]
		p.sent += FrameSamples
		end, tell := p.sent, p.Sent
		p.mu.Unlock()
		out = append(out, frame(typeAudio, encode(pcm))...)
		if tell != nil {
			tell(end, time.Now())
		}
		if _, err := p.conn.Write(out); err != nil {
			p.lose(err)
			return
		}
	}
}

func (p *Phone) listen(r *bufio.Reader) {
	defer p.done.Done()
	for {
		kind, payload, err := read(r)
		if err != nil {
			p.lose(err)
			return
		}
		at := time.Now()
		p.mu.Lock()
		if kind == typeAudio {
			for i := 0; i+1 < len(payload); i += 2 {
				v := int16(binary.LittleEndian.Uint16(payload[i:]))
				p.heard = append(p.heard, v)
				if p.Hybrid {
					p.echo = append(p.echo, v/2)
				}
			}
			if p.Got != nil {
				p.Got(p.heard[len(p.heard)-len(payload)/2:], at)
			}
		} else if len(payload) == 1 {
			p.changes = append(p.changes, Change{kind, payload[0], len(p.heard), time.Now()})
			switch kind {
			case Ring:
				p.ringing = payload[0] == 1
				if p.ringing && p.AnswerAtOnce {
					_, _ = p.conn.Write(frame(typeHook, []byte{1}))
				}
			case Power:
				p.powered = payload[0] == 1
			}
		}
		close(p.news)
		p.news = make(chan struct{})
		p.mu.Unlock()
	}
}

func (p *Phone) lose(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lost == nil {
		p.lost = err
		close(p.news)
		p.news = make(chan struct{})
	}
}

// Lost returns why the connection ended, or nil.
func (p *Phone) Lost() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lost
}

// Changes returns what the agent did to the line besides speaking.
func (p *Phone) Changes() []Change {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Change(nil), p.changes...)
}

// Heard returns the last d of what the telephone heard.
func (p *Phone) Heard(d time.Duration) []int16 {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := min(len(p.heard), int(d*audio.Rate/time.Second))
	return append([]int16(nil), p.heard[len(p.heard)-n:]...)
}

// WaitRing waits for ringing voltage, or fails the test.
func (p *Phone) WaitRing(limit time.Duration) {
	p.t.Helper()
	if !p.Wait(limit, func() bool { return p.ringing }) {
		p.t.Fatalf("phone %d does not ring within %v (%v)", p.Hello.Port, limit, p.Lost())
	}
}

// WaitTone waits until the last 200 ms were the frequencies given and little
// else, or fails the test.
func (p *Phone) WaitTone(limit time.Duration, freqs ...float64) {
	p.t.Helper()
	if err := p.ListenFor(limit, freqs...); err != nil {
		p.t.Fatalf("phone %d: no %v Hz within %v: %v", p.Hello.Port, freqs, limit, err)
	}
}

// ListenFor is WaitTone for those who go on without it.
func (p *Phone) ListenFor(limit time.Duration, freqs ...float64) error {
	return p.Listen(limit, 200*time.Millisecond, freqs...)
}

// Listen is ListenFor for sounds of another length than 200 ms.
func (p *Phone) Listen(limit, length time.Duration, freqs ...float64) error {
	err := fmt.Errorf("nothing was heard")
	n := int(length * audio.Rate / time.Second)
	if p.Wait(limit, func() bool {
		if len(p.heard) < n {
			return false
		}
		err = Sounds(p.heard[len(p.heard)-n:], freqs...)
		return err == nil
	}) {
		return nil
	}
	if lost := p.Lost(); lost != nil {
		return fmt.Errorf("%w; connection: %v", err, lost)
	}
	return err
}

// WaitChange waits until the agent has done something to the line for the n-th time, counted from
// 1, or fails the test.
func (p *Phone) WaitChange(limit time.Duration, kind, value byte, n int) Change {
	p.t.Helper()
	var found Change
	if !p.Wait(limit, func() bool {
		count := 0
		for _, c := range p.changes {
			if c.Type == kind && c.Value == value {
				if count++; count == n {
					found = c
					return true
				}
			}
		}
		return false
	}) {
		p.t.Fatalf("phone %d: no change %d to %d (%d) within %v: %+v", p.Hello.Port, kind, value, n, limit, p.Changes())
	}
	return found
}

// Wait waits until ok, which is called with the phone's state locked, says yes.
func (p *Phone) Wait(limit time.Duration, ok func() bool) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		p.mu.Lock()
		yes, news, lost := ok(), p.news, p.lost
		p.mu.Unlock()
		if yes {
			return true
		}
		if lost != nil {
			return false
		}
		select {
		case <-news:
		case <-timer.C:
			return false
		}
	}
}

// Call-progress tones of country = us.
var (
	DialTone = []float64{350, 440}
	Ringback = []float64{440, 480}
	Busy     = []float64{480, 620} // reorder too; the cadence tells them apart
)

// Sounds reports whether pcm is these frequencies, each audible and none 8 dB
// below the strongest, and all else 10 dB below them.
func Sounds(pcm []int16, freqs ...float64) error {
	var sum, strongest, weakest float64
	strongest, weakest = -99, 99
	for _, f := range freqs {
		level := audio.Level(pcm, f)
		sum += audio.Linear(level)
		strongest, weakest = max(strongest, level), min(weakest, level)
	}
	all := audio.Linear(audio.Power(pcm))
	switch {
	case weakest < -35:
		return fmt.Errorf("the weakest is at %.1f dBm0", weakest)
	case strongest-weakest > 8:
		return fmt.Errorf("they are at %.1f and %.1f dBm0", weakest, strongest)
	case all > sum*1.1 && (all-sum)*10 > sum:
		return fmt.Errorf("other sound is too strong: %.1f dBm0 in all", audio.Power(pcm))
	}
	return nil
}

func frame(kind byte, payload []byte) []byte {
	b := []byte{kind, byte(len(payload) >> 8), byte(len(payload))}
	return append(b, payload...)
}

func encode(pcm []int16) []byte {
	b := make([]byte, 0, 2*len(pcm))
	for _, v := range pcm {
		b = binary.LittleEndian.AppendUint16(b, uint16(v))
	}
	return b
}

func read(r *bufio.Reader) (kind byte, payload []byte, err error) {
	var head [3]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	payload = make([]byte, binary.BigEndian.Uint16(head[1:]))
	_, err = io.ReadFull(r, payload)
	return head[0], payload, err
}

// Record writes everything that the telephone heard to a WAV file.
func (p *Phone) Record(path string) error {
	return os.WriteFile(path, audio.WAV(p.Heard(24*time.Hour), audio.Rate), 0o600)
}
