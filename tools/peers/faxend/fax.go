package faxend

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"tipring/tools/peers/audio"
	"tipring/tools/peers/farend"
	"tipring/tools/peers/spandsp"
)

// A Fax is one call of a far end.
type Fax struct {
	Number string
	Call   *farend.Call

	end    *End
	script Script
	ctx    context.Context
	cancel func()
	up     chan struct{} // closed once the call is answered
	done   chan struct{} // closed once it is over and the result known

	mu       sync.Mutex
	events   []string
	began    time.Time
	sound    *soundMachine
	image    *terminal
	ports    []*port
	udptl    netip.AddrPort // as the other side was told
	version  int
	answered int      // offers of T.38
	offers   []string // SDPs of the other side, the INVITE's first
	crossed  bool
	asking   bool
	dead     bool
	over     bool
	result   Result
}

// A Result is how a call ended.
type Result struct {
	spandsp.Result
	Transport string // t38 audio; empty: there was no fax
	Why       string // the call ended
	Met       Met    // of T.38
	Missing   int    // frames of sound that did not come in time
}

func newFax(e *End, c *farend.Call, number string, s Script) *Fax {
	f := &Fax{Number: number, Call: c, end: e, script: s, began: time.Now(), up: make(chan struct{}), done: make(chan struct{})}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	if c != nil {
		f.offers = append(f.offers, c.Invite().Body)
		c.Intercept(f.asked)
	}
	return f
}

func (f *Fax) note(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events = append(f.events, fmt.Sprintf("%8.3f %s", time.Since(f.began).Seconds(), fmt.Sprintf(format, args...)))
}

// Story is what happened, a line each.
func (f *Fax) Story() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.events, "\n")
}

// Began is when the call came, or was made.
func (f *Fax) Began() time.Time { return f.began }

// Offers are the session descriptions of the other side, in order.
func (f *Fax) Offers() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.offers...)
}

// Up is closed once the call is answered, Done once it is over and its result known.
func (f *Fax) Up() <-chan struct{}   { return f.up }
func (f *Fax) Done() <-chan struct{} { return f.done }

// ErrUp says that a call is still up.
var ErrUp = errors.New("the call is still up")

// Wait waits for the call's end.
func (f *Fax) Wait(limit time.Duration) (Result, error) {
	select {
	case <-f.done:
		return f.result, nil
	case <-time.After(limit):
		return Result{}, fmt.Errorf("%w after %v:\n%s", ErrUp, limit, f.Story())
	}
}

// answer does with a call that came what the script says.
func (f *Fax) answer() {
	s := f.script
	if s.Status == 0 {
		f.Call.Reply(180, "Ringing")
	}
	if s.Ring > 0 && !f.sleep(s.Ring) {
		return
	}
	if s.Silent {
		return
	}
	if s.Status != 0 {
		f.note("refuses it with %d", s.Status)
		f.Call.Reply(s.Status, "Scripted")
		f.finish(fmt.Sprintf("refused with %d", s.Status))
		return
	}
	var headers []string
	if s.Expires > 0 {
		headers = []string{fmt.Sprintf("Session-Expires: %d;refresher=%s", s.Expires, s.Refresher), "Require: timer", "Supported: timer"}
	}
	offer := f.Call.Invite().Body
	to, beside := imageOf(offer)
	take := beside && (s.First != nil || !sounds(offer))
	if take {
		image, err := f.ownImage(to)
		if err != nil {
			f.end.t.Errorf("faxend: %v", err)
			return
		}
		f.note("answers with T.38")
		f.begin()
		f.Call.AnswerWith(f.answerTo(offer, image, ""), headers...)
		return
	}
	f.note("answers with sound")
	go f.Call.AnswerWith(f.answerTo(offer, "", f.soundMedia()), headers...)
	f.Call.Media.Direct(offer)
	f.startSound()
	f.begin()
	if s.Switch == AtOnce {
		f.Call.Wait("ACK", 5*time.Second)
		f.Offer()
	}
}

// sleep waits for a time of the network's; false: the call ended first.
func (f *Fax) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-f.ctx.Done():
		return false
	}
}

// begin has the call be up: its script's actions run from now on.
func (f *Fax) begin() {
	close(f.up)
	for _, a := range f.script.Then {
		go func() {
			if f.sleep(a.After) {
				a.Do(f)
			}
		}()
	}
	if f.refreshes() {
		go func() {
			for f.sleep(time.Duration(f.script.Expires) * time.Second / 2) {
				f.note("refreshes the session: %d", f.Refresh())
			}
		}()
	}
}

// refreshes says whether this end is to refresh the session.
func (f *Fax) refreshes() bool {
	own := "uas"
	if f.script.Status == 0 && f.outgoing() {
		own = "uac"
	}
	return f.script.Expires > 0 && f.script.Refresher == own
}

func (f *Fax) outgoing() bool { return f.Call.Invite() != nil && f.Call.From() == (netip.AddrPort{}) }

func (f *Fax) call(server netip.AddrPort, limit time.Duration) int {
	s := f.script
	var headers []string
	if s.Expires > 0 {
		headers = []string{fmt.Sprintf("Session-Expires: %d;refresher=%s", s.Expires, s.Refresher), "Supported: timer"}
	}
	var udptl netip.AddrPort
	c, status := f.end.DialWith(server, f.Number, limit, func(c *farend.Call) string {
		f.Call = c
		c.User = s.From
		c.Intercept(f.asked)
		if s.First == nil {
			return f.session(f.soundMedia())
		}
		p, err := f.openPort()
		if err != nil {
			f.end.t.Errorf("faxend: %v", err)
			return f.session(f.soundMedia())
		}
		udptl = p.addr
		f.udptl = p.addr
		return f.session(f.soundMedia(), f.imageMedia(p.addr.Port()))
	}, headers...)
	f.note("INVITE of ours: %d", status)
	if status/100 != 2 {
		f.finish(fmt.Sprintf("refused with %d", status))
		return status
	}
	sdp := c.Answered().Body
	f.mu.Lock()
	f.offers = append(f.offers, sdp)
	f.mu.Unlock()
	if to, ok := imageOf(sdp); ok && udptl.IsValid() {
		f.startImage(to)
	} else {
		f.startSound()
	}
	f.begin()
	return status
}

// A soundMachine is spandsp's audio machine; it tells when it says V.21.
type soundMachine struct {
	*spandsp.Fax
	fax      *Fax
	loud     int
	preamble bool
}

// Exchange implements lockstep.PCMEnd.
func (m *soundMachine) Exchange(in, out []int16) error {
	err := m.Fax.Exchange(in, out)
	power := audio.Power(out)
	if power < -35 || audio.Level(out, 2100) > power-10 || audio.Level(out, 1100) > power-10 {
		m.loud = 0
		return err
	}
	if m.loud++; m.loud == 5 && !m.preamble {
		m.preamble = true
		m.fax.note("says V.21 in sound")
		if m.fax.script.Switch == OnPreamble {
			go m.fax.Offer()
		}
	}
	return err
}

// options are those of a machine; file says the part of the name of what is received.
func (f *Fax) options(transport string) []string {
	o := append([]string(nil), f.script.Options...)
	if f.script.Send != "" {
		return append(o, "--send", f.script.Send)
	}
	return append(o, "--recv", f.Received(transport))
}

// Received is the file that a call by a transport, t38 or audio, receives into.
func (f *Fax) Received(transport string) string { return f.script.Recv + "." + transport }

func (f *Fax) faxes() bool { return f.script.Send != "" || f.script.Recv != "" }

func (f *Fax) startSound() {
	if !f.faxes() {
		return
	}
	machine, err := spandsp.StartFax(f.ctx, f.options("audio")...)
	if err != nil {
		f.end.t.Errorf("faxend: %v", err)
		return
	}
	m := &soundMachine{Fax: machine, fax: f}
	f.mu.Lock()
	f.sound = m
	f.mu.Unlock()
	ended := f.Call.Media.Attach(m)
	go func() {
		select {
		case <-ended:
			f.machineEnded(m)
		case <-f.done:
		}
	}()
}

func (f *Fax) startImage(to netip.AddrPort) {
	f.mu.Lock()
	if f.image != nil { // agreed again: the pages go on
		f.image.move(nil, to)
		f.mu.Unlock()
		return
	}
	f.mu.Unlock()
	media := f.Call.Media
	media.Pause(true)
	media.Detach()
	machine, err := spandsp.StartTerminal(f.ctx, append(append(f.options("t38"), "--wire", "udptl"), f.script.Terminal...)...)
	if err != nil {
		f.end.t.Errorf("faxend: %v", err)
		return
	}
	f.mu.Lock()
	send := media.Send
	for _, p := range f.ports {
		if p.addr == f.udptl {
			send = p.send
		}
	}
	if f.udptl == media.Addr {
		media.Divert(f.datagram)
	}
	k := newTerminal(machine, f.script, to, send)
	f.image = k
	f.mu.Unlock()
	f.note("T.38 with %v begins", to)
	go func() {
		select {
		case <-k.ended:
			f.machineEnded(k)
		case <-f.done:
		}
	}()
}

func (f *Fax) datagram(b []byte, from netip.AddrPort) {
	f.mu.Lock()
	k, dead := f.image, f.dead
	f.mu.Unlock()
	if k != nil && !dead {
		k.arrived(b, from)
	}
}

// machineEnded ends the call, unless the machine is one that T.38 has taken the place of.
func (f *Fax) machineEnded(machine any) {
	f.mu.Lock()
	current := f.image == nil && machine == any(f.sound) || f.image != nil && machine == any(f.image)
	dead := f.dead || f.over
	f.mu.Unlock()
	if !current || dead {
		return
	}
	f.note("the machine has hung up")
	status := f.Call.Bye()
	f.note("BYE of ours: %d", status)
	f.finish("this end hung up")
}

// finish ends the machines and settles the result. It may be called again.
func (f *Fax) finish(why string) {
	f.mu.Lock()
	if f.over {
		f.mu.Unlock()
		return
	}
	f.over = true
	image, sound := f.image, f.sound
	f.mu.Unlock()
	f.note("%s", why)
	r := Result{Why: why}
	if sound != nil {
		r.Missing = f.Call.Media.Missing()
		f.Call.Media.Detach()
		got, _ := sound.Result()
		r.Result, r.Transport = got, "audio"
	}
	if image != nil {
		image.close()
		got, _ := image.Result()
		r.Result, r.Transport, r.Met = got, "t38", image.met()
	}
	f.cancel()
	f.mu.Lock()
	f.result = r
	for _, p := range f.ports {
		_ = p.conn.Close()
	}
	f.mu.Unlock()
	close(f.done)
}
