package lines

import (
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"tipring/internal/offer"
	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/transport/memnet"
	"tipring/registrar"
)

// modelSteps is how many random events each of rapid's hundred checks has.
const modelSteps = 1000

// TestModel drives a line through random outages, losses, calls and requests of any sort.
// Whatever happened: when everything has healed and every call is hung up, nothing is
// left of any call, each was told its end exactly once and nothing after it, and the line
// is home.
func TestModel(t *testing.T) {
	checks := 0
	rapid.Check(t, func(rt *rapid.T) {
		if checks++; raceEnabled && checks > 10 {
			return // ten thousand steps are enough for the race detector
		}
		// All is drawn here, and a failure told here: rapid tells one failure from another by where
		// it comes from, and would else take data that it cut too short for the failure itself.
		seed, settings := rapid.Uint64().Draw(rt, "seed"), drawSettings(rt)
		failed := ""
		synctest.Test(t, func(t *testing.T) {
			m := newModel(t, seed, settings)
			defer func() { failed = failure(recover()) }()
			defer m.w.close()
			for range modelSteps {
				m.step()
			}
			m.heal()
			m.check()
		})
		if failed != "" {
			rt.Fatal(failed)
		}
	})
}

// A model is a world in which anything may happen.
type model struct {
	w *world

	drawing sync.Mutex
	rnd     *rand.Rand // the events; goroutines take turns, so a seed repeats only most of them

	mu   sync.Mutex
	ends []*modelCall
	bad  []string // what must never be

	transfers int
	told      atomic.Int64 // of their ends
}

// intn is a random number below n.
func (m *model) intn(n int) int {
	m.drawing.Lock()
	defer m.drawing.Unlock()
	return m.rnd.IntN(n)
}

// upTo is a random time.
func (m *model) upTo(d time.Duration) time.Duration {
	m.drawing.Lock()
	defer m.drawing.Unlock()
	return time.Duration(m.rnd.Int64N(int64(d) + 1))
}

// drawSettings is [sip1] of a random configuration.
func drawSettings(rt *rapid.T) []string {
	pick := func(key string, values ...string) string {
		return key + " = " + rapid.SampledFrom(values).Draw(rt, key)
	}
	return []string{
		pick("transport", "udp", "udp", "tcp"), pick("backup_transport", "udp", "tcp"),
		pick("keepalive", "none", "options", "crlf", "stun"), "keepalive_interval_s = 20",
		pick("warm_backup", "0", "1"), pick("signal_failback", "0", "1"), pick("failback_in_call", "0", "1"),
		pick("signal_retry_counts", "0", "1", "3"), pick("session_expires_s", "0", "90", "600"),
		pick("register_ttl", "60", "3600"), "backup_ttl = 300", "failback_interval = 60",
		pick("failback_good_probes", "1", "2"), pick("dial_without_registered", "0", "1"),
		pick("subscribe_for_voice_message", "0", "1"), pick("dtmf_type", "auto", "info"),
	}
}

func newModel(t *testing.T, seed uint64, settings []string) *model {
	m := &model{w: makeWorld(t), rnd: rand.New(rand.NewPCG(seed, 1))}
	m.w.primary.notifier()
	m.w.backup.notifier()
	m.w.phone.incoming = func(*Call) (Handler, int) {
		if m.intn(8) == 0 {
			return nil, 486
		}
		return m.newCall(), 0
	}
	m.w.start(settings...)
	m.w.onLine(func() { m.w.line.dev.T38 = func() *offer.T38 { return relay } })
	return m
}

// A modelCall is the handler of one call.
type modelCall struct {
	m     *model
	call  *Call // nil until Started
	fax   bool
	ended int
}

func (m *model) newCall() *modelCall {
	c := &modelCall{m: m}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ends = append(m.ends, c)
	return c
}

func (m *model) never(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.bad = append(m.bad, fmt.Sprintf(format, args...))
}

// told notes something that a call's owner is told.
func (c *modelCall) told(what string) {
	c.m.mu.Lock()
	defer c.m.mu.Unlock()
	if c.ended > 0 {
		c.m.bad = append(c.m.bad, what+" after the end")
	}
	if what == "ended" {
		c.ended++
	}
}
func (c *modelCall) Started(call *Call) {
	c.told("started")
	c.m.mu.Lock()
	defer c.m.mu.Unlock()
	c.call = call
}
func (c *modelCall) Ringing(*Call)             { c.told("ringing") }
func (c *modelCall) Media(*Call, *offer.Audio) { c.told("media") }
func (c *modelCall) Answered(*Call)            { c.told("answered") }
func (c *modelCall) Digit(*Call, byte)         { c.told("digit") }
func (c *modelCall) Image(_ *Call, i *offer.Image) {
	c.told("image")
	if i == nil && !c.fax {
		c.m.never("the end of a fax that there was not")
	}
	c.fax = i != nil
}
func (c *modelCall) SwitchRefused(*Call, int) { c.told("refused") }
func (c *modelCall) Referred(_ *Call, d Dial) bool {
	c.told("referred")
	if c.m.intn(3) > 0 {
		d.Handler, d.Media = c.m.newCall(), c.m.media()
		c.m.w.line.Dial(d)
	}
	return c.m.intn(4) > 0
}
func (c *modelCall) Ended(*Call, Reason) { c.told("ended") }

// media is what somebody opened for a call: a telephone, or a fax machine.
func (m *model) media() Media {
	if m.intn(3) == 0 {
		return media
	}
	f := faxMedia()
	f.Want, f.UDPTLPort = offer.Mode(m.intn(4)), uint16(m.intn(2)*16386)
	return f
}

// some is one of the calls, nil without one.
func (m *model) some() *Call {
	m.mu.Lock()
	defer m.mu.Unlock()
	var live []*Call
	for _, c := range m.ends {
		if c.call != nil && c.ended == 0 {
			live = append(live, c.call)
		}
	}
	if len(live) == 0 {
		return nil
	}
	return live[m.intn(len(live))]
}

// someFar is one of the latest far ends that have a dialog, nil without one.
func (m *model) someFar() *farCall {
	for _, s := range []*fakeServer{m.server(), m.w.primary, m.w.backup} {
		s.mu.Lock()
		calls := s.calls[max(0, len(s.calls)-4):]
		s.mu.Unlock()
		if len(calls) == 0 {
			continue
		}
		if c := calls[m.intn(len(calls))]; c.up.Load() {
			return c
		}
	}
	return nil
}

func (m *model) server() *fakeServer {
	if m.intn(3) == 0 {
		return m.w.backup
	}
	return m.w.primary
}

// step lets one thing happen, and then some time pass.
func (m *model) step() {
	w := m.w
	switch event := m.intn(16); event {
	case 0:
		faults := []memnet.Fault{memnet.Alive, memnet.Alive, memnet.Silent, memnet.Refusing, memnet.Unreachable, memnet.Mute}
		m.server().host.Fail(faults[m.intn(len(faults))])
	case 1:
		m.misbehave()
	case 2, 3:
		w.line.Dial(Dial{To: "600", Port: 1, Media: m.media(), Handler: m.newCall()})
	case 4, 5:
		if s := m.server(); s.contact().Host != "" {
			m.callLine(s)
		}
	case 6:
		w.line.Register()
	case 7:
		m.network()
	default:
		if c := m.some(); c != nil && event < 12 {
			m.act(c)
		} else if far := m.someFar(); far != nil {
			m.farActs(far)
		}
	}
	pass := [...]time.Duration{0, 0, 5 * time.Millisecond, 300 * time.Millisecond, time.Second, 4 * time.Second, 10 * time.Second, 40 * time.Second, 5 * time.Minute}
	w.after(m.upTo(pass[m.intn(len(pass))]))
	m.fail()
}

// fail ends the check if something was that must never be.
func (m *model) fail() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.bad) > 0 {
		panic(broken("never: " + strings.Join(m.bad, "; ")))
	}
}

// broken ends a check: what was that must never be.
type broken string

// failure tells what ended a check, if anything did before its end.
func failure(cause any) string {
	switch cause := cause.(type) {
	case nil:
		return ""
	case broken:
		return string(cause)
	default:
		return fmt.Sprintf("%v\n%s", cause, debug.Stack())
	}
}

// act does something with a call on this side.
func (m *model) act(c *Call) {
	switch m.intn(10) {
	case 0, 1:
		c.Hangup()
	case 2:
		c.Ring()
	case 3:
		c.Answer(m.media(), 1)
	case 4:
		c.Hold(m.intn(2) == 0)
	case 5:
		c.SendDigit('5')
	case 6:
		c.Refuse(486)
	case 8, 9:
		c.Switch([]offer.Mode{offer.Sound, offer.Fax}[m.intn(2)])
	case 7:
		m.transfers++
		done := func(error) { m.told.Add(1) }
		if other := m.some(); other != nil && other != c && m.intn(2) == 0 {
			c.TransferTo(other, done)
		} else {
			c.Transfer("700", nil, done)
		}
	}
}

// callLine has a server call, with one oddity or another.
func (m *model) callLine(s *fakeServer) {
	oddities := [][]func(*sipmsg.Message){
		nil, nil, nil, {with("Require", "100rel")}, {func(x *sipmsg.Message) { x.SetBody("", nil) }},
		{sdpBody("m=image 40002 udptl t38")}, {sdpBody("m=audio 40000 RTP/AVP 0", "m=image 40002 udptl t38")},
		{with("Supported", "timer"), with("Session-Expires", "90;refresher=uas")}, {with("Expires", "5")}, {with("Require", "nonsense")},
	}
	far := s.callLine(oddities[m.intn(len(oddities))]...)
	far.noACK = m.intn(6) == 0
}

// misbehave changes how a server answers calls.
func (m *model) misbehave() {
	s := m.server()
	answers := map[string]func(now time.Time, in *ua.Incoming){
		"usual": nil, "nothing": func(time.Time, *ua.Incoming) {},
		"100":  func(now time.Time, in *ua.Incoming) { in.Respond(now, 100, "") },
		"ring": s.ring,
		"cancellable": func(now time.Time, in *ua.Incoming) {
			in.OnCancel = func(now time.Time) { in.Respond(now, 487, "") }
			s.ring(now, in)
		},
		"late": func(now time.Time, in *ua.Incoming) {
			time.AfterFunc(m.upTo(20*time.Second), func() {
				s.post(func(now time.Time) {
					if !in.Answered() {
						s.take(now, in)
					}
				})
			})
		},
		"forks": func(now time.Time, in *ua.Incoming) {
			for _, tag := range []string{"one", "two", "three"} {
				in.Tag = tag
				s.takeWith(now, in)
			}
		},
		"session": func(now time.Time, in *ua.Incoming) {
			s.takeWith(now, in, with("Session-Expires", "90;refresher=uac"))
		},
		"useless": func(now time.Time, in *ua.Incoming) {
			s.takeWith(now, in, func(res *sipmsg.Message) { res.SetBody("", nil) })
		},
		"elsewhere": func(now time.Time, in *ua.Incoming) {
			res := in.Response(302, "")
			res.Contact = []sipmsg.Addr{{URI: in.Req.RequestURI}}
			in.RespondWith(now, res)
		},
	}
	names := []string{"usual", "usual", "nothing", "100", "ring", "cancellable", "late", "forks", "session", "useless", "elsewhere", "486", "503", "500", "491"}
	name := names[m.intn(len(names))]
	f := answers[name]
	var code int
	if _, err := fmt.Sscan(name, &code); err == nil && code >= 400 {
		f = func(now time.Time, in *ua.Incoming) { in.Respond(now, code, "") }
	}
	s.on(sipmsg.INVITE, f)
	switch m.intn(4) {
	case 0:
		s.refuses(sipmsg.REGISTER, [...]int{403, 500, 503, 480, 423}[m.intn(5)], "Retry-After: 30", "Min-Expires: 600")
	case 1:
		s.on(sipmsg.REGISTER, nil)
	case 2:
		s.on(sipmsg.BYE, func(time.Time, *ua.Incoming) {})
	case 3:
		s.on(sipmsg.BYE, nil)
	}
}

// network loses, delays and cuts.
func (m *model) network() {
	s := m.server()
	there, back := m.w.net.Path(m.w.agent, s.host), m.w.net.Path(s.host, m.w.agent)
	switch m.intn(5) {
	case 0:
		s.host.Cut()
	case 1:
		there.Delay(m.upTo(300 * time.Millisecond))
		back.Delay(m.upTo(300 * time.Millisecond))
	case 2:
		lossy := func(memnet.Packet) bool { return m.intn(4) == 0 }
		there.Drop(lossy)
		back.Drop(lossy)
	case 3:
		back.Drop(memnet.All)
	case 4:
		there.Drop(nil)
		back.Drop(nil)
	}
}

// farActs does something with a call at its far end.
func (m *model) farActs(far *farCall) {
	switch m.intn(13) {
	case 10, 11:
		far.send([]string{sipmsg.INVITE, sipmsg.UPDATE}[m.intn(2)], far.offeringMode([]offer.Mode{offer.Sound, offer.Fax}[m.intn(2)]))
	case 12:
		far.answersOnce(sdpBody("m=image 0 udptl t38"))
	case 0, 1:
		far.send(sipmsg.BYE)
	case 2:
		far.send(sipmsg.INVITE, far.offering([]offer.Direction{offer.SendRecv, offer.SendOnly, offer.Inactive}[m.intn(3)]))
	case 3:
		far.send(sipmsg.INVITE)
	case 4:
		far.send(sipmsg.UPDATE)
	case 5:
		far.send(sipmsg.INFO, func(x *sipmsg.Message) { x.SetBody("application/dtmf-relay", []byte("Signal=5")) })
	case 6:
		far.send(sipmsg.REFER, with("Refer-To", "<sip:700@pbx>"))
	case 7:
		far.notify("terminated", "SIP/2.0 200 OK\r\n")
	case 8:
		if far.req != nil {
			far.cancel()
		}
	case 9:
		far.does(sipmsg.INVITE, []func(time.Time, *ua.Incoming){
			nil,
			func(now time.Time, in *ua.Incoming) { in.Respond(now, 491, "") },
			func(now time.Time, in *ua.Incoming) { in.Respond(now, 481, "") },
			func(time.Time, *ua.Incoming) {},
		}[m.intn(4)])
	}
}

// heal makes everything well and hangs up.
func (m *model) heal() {
	for _, s := range []*fakeServer{m.w.primary, m.w.backup} {
		s.host.Fail(memnet.Alive)
		for _, p := range []*memnet.Path{m.w.net.Path(m.w.agent, s.host), m.w.net.Path(s.host, m.w.agent)} {
			p.Delay(0)
			p.Drop(nil)
		}
		for _, method := range []string{sipmsg.INVITE, sipmsg.REGISTER, sipmsg.BYE} {
			s.on(method, nil)
		}
		s.mu.Lock()
		for _, c := range s.calls {
			c.does(sipmsg.INVITE, nil)
		}
		s.mu.Unlock()
	}
	for range 3 { // calls that were under way may come in late
		m.w.after(40 * time.Second)
		m.mu.Lock()
		for _, c := range m.ends {
			if c.call != nil {
				c.call.Hangup()
			}
		}
		m.mu.Unlock()
	}
	m.w.after(3 * time.Minute) // no transaction lives longer
}

// check is what must hold then.
func (m *model) check() {
	w := m.w
	w.onLine(func() {
		if n := len(w.line.calls); n != 0 {
			for c := range w.line.calls {
				m.never("call %+v is left: legs %d, session %+v, strays %d", c.info, len(c.legs), c.s, len(c.strays))
			}
		}
	})
	busy := true
	for range 100 { // a refresh may be under way
		w.onLine(func() { busy = !w.line.ep.Deadline().IsZero() })
		if !busy {
			break
		}
		w.after(time.Second)
	}
	if busy {
		m.never("transactions are left")
	}
	m.mu.Lock()
	for _, c := range m.ends {
		if c.ended != 1 {
			m.bad = append(m.bad, fmt.Sprintf("a call ended %d times", c.ended))
		}
	}
	if n := int(m.told.Load()); n != m.transfers {
		m.bad = append(m.bad, fmt.Sprintf("%d of %d transfers were told their end", n, m.transfers))
	}
	m.mu.Unlock()
	w.after(2 * time.Hour) // the longest back-off, and the way home
	if s := w.line.Snapshot(); s.Server != registrar.Primary || s.State != registrar.Registered || s.Calls != 0 {
		m.never("the line is not home: %s", w.why())
	}
	m.fail()
}
