package agent

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sort"
	"strings"
	"time"

	"tipring/agent/call"
	"tipring/agent/features"
	"tipring/etc"
	"tipring/internal/config"
	"tipring/internal/media"
	"tipring/internal/sipmsg"
	"tipring/lines"
	"tipring/lines/fxs"
	"tipring/webui/api"
)

// Checks judge the values whose meaning the rooms know.
func Checks() config.Checks {
	return config.Checks{
		DialPlan: func(text string) error {
			_, err := fxs.ParsePlan(text)
			return err
		},
		StarCodes: func(text string) error {
			_, err := features.ParseTable(text)
			return err
		},
		Country: func(code string) error {
			_, err := fxs.LoadCountry(etc.Tones, code)
			return err
		},
		Tones: func(country, changes string) error {
			_, err := fxs.LoadChanged(etc.Tones, country, changes)
			return err
		},
		File:    checkFile,
		KeyPair: checkKeyPair,
	}
}

// A portUnit is a port as the device shows it: with the reason why, when its driver does
// not work.
type portUnit struct {
	cfg  config.Port
	made call.Config
	plan *fxs.Plan // nil: there is something wrong with it
	rtp  *media.Ports
	bind netip.Addr
	port *call.Port // nil: no driver, or one that could not be opened

	trouble string // why it could not; a sentence
	done    chan struct{}
}

// driverRetry is how long the agent waits before it tries a driver again that could not
// be opened: who held its address may have gone.
const driverRetry = 10 * time.Second

// lacksDriver reports a port that should have a driver and has none.
func (u *portUnit) lacksDriver() bool { return u.port == nil && u.cfg.Driver.Name != "none" }

// addPort makes a port and works it. One that cannot be made leaves the rest of the
// device running, and is tried again. The port is told before its driver opens: who connects
// to a driver may ask for its port.
func (a *Agent) addPort(c config.Port) {
	others := *a.portList.Load()
	a.setPorts(append(slices.Clone(others), a.emptyPort(c)))
	u := a.newPort(c)
	a.setPorts(append(slices.Clone(others), u))
	if u.lacksDriver() {
		a.retryDrivers()
	}
	if u.port == nil {
		return
	}
	a.light(u)
	a.goWork(func() {
		defer close(u.done)
		u.port.Run()
	})
}

// retryDrivers makes ports without their driver anew after a while.
func (a *Agent) retryDrivers() {
	if a.retrying.Swap(true) {
		return
	}
	a.goWork(func() {
		timer := time.NewTimer(driverRetry)
		defer timer.Stop()
		select {
		case <-a.ctx.Done():
			return
		case <-timer.C:
		}
		a.turn.Lock()
		defer a.turn.Unlock()
		a.mu.Lock()
		defer a.mu.Unlock()
		a.retrying.Store(false)
		if !a.ending.Load() {
			a.reconcile()
		}
	})
}

// emptyPort is a port without its driver.
func (a *Agent) emptyPort(c config.Port) *portUnit {
	return &portUnit{cfg: c, rtp: a.rtp.Load(), bind: a.config().SIP.Bind, done: make(chan struct{})}
}

func (a *Agent) newPort(c config.Port) *portUnit {
	u := a.emptyPort(c)
	cfg, err := a.portConfig(c)
	if err != nil {
		a.log.Error("port not made", "port", c.N, "err", err)
		u.trouble = err.Error()
		return u
	}
	u.made = cfg
	u.plan, err = planOf(cfg)
	if err != nil {
		a.log.Error("port has no dial plan", "port", c.N, "err", err)
	}
	cfg.STUN = func() netip.AddrPort { return a.stunAddress(c.Line) }
	cfg.STUN() // a name is looked up before the first call
	driver, err := openDriver(c, fittings{cfg.Country, &a.sockets, a.log})
	if err != nil {
		a.log.Error("port has no driver", "port", c.N, "driver", c.Driver.String(), "err", err)
		u.trouble = err.Error()
		return u
	}
	if driver == nil {
		return u
	}
	p, err := call.New(cfg, driver, a.portDevice())
	if err != nil {
		a.log.Error("port not made", "port", c.N, "err", err)
		driver.Close()
		u.trouble = err.Error()
		return u
	}
	u.port = p
	return u
}

// stop ends a port with its call.
func (u *portUnit) stop() {
	if u.port != nil {
		u.port.Close()
		<-u.done
	}
}

func (a *Agent) portConfig(c config.Port) (call.Config, error) {
	return a.portConfigIn(a.config(), c)
}

// portConfigIn is what a port is made of in a configuration, which may be a proposed one.
func (a *Agent) portConfigIn(in *config.Config, c config.Port) (call.Config, error) {
	country, err := a.country(in.Device)
	if err != nil {
		return call.Config{}, err
	}
	cfg := call.Config{Number: c.N, Kind: c.Kind, Line: c.Line, Driver: c.Driver.String(), Country: country, Telephone: telephone(c), DTMFType: "auto", ANI: func() string { return a.ani(c.N) }}
	cfg.CallWaiting, cfg.FlashStyle, cfg.TransferOnHangup = c.CallWaiting, c.FlashStyle, c.TransferOnHangup
	cfg.ConferenceTransfers, cfg.DataMode = c.ConferenceHangup == "transfer", c.DataMode
	cfg.EchoCanceller, cfg.EchoTailMS = c.EchoCanceller, c.EchoTailMS
	cfg.RingByNumber = c.RingByNumber
	cfg.RxGainDB, cfg.TxGainDB = c.RxGainDB, c.TxGainDB
	cfg.RTPTimeoutS = c.RTPTimeoutS
	if c.Kind == "phone" {
		cfg.Features = a.features
	}
	if c.Kind == "fax" {
		cfg.Fax = func() *call.FaxPort { return a.faxPort(c) }
	}
	if c.DialPlan != "" {
		if cfg.Plan, err = fxs.ParsePlan(c.DialPlan); err != nil {
			return cfg, err
		}
	}
	if l := in.Line(c.Line); l != nil {
		cfg.DTMFType, cfg.Interface, cfg.HuntS = l.DTMFType, l.UseVPN, l.HuntS
		if l.EnableHotline {
			cfg.Hotline, cfg.HotlineMS = l.HotlineNumber, l.HotlineDelay*int(time.Second/time.Millisecond)
		}
	}
	if c.HotlineNumber != "" {
		cfg.Hotline, cfg.HotlineMS = c.HotlineNumber, c.HotlineDelay*int(time.Second/time.Millisecond)
	}
	return cfg, nil
}

// ani is the number that a port shows as the caller's now; empty: the line's.
func (a *Agent) ani(port int) string {
	if c := a.config().Port(port); c != nil {
		return c.ANI
	}
	return ""
}

// telephone is what a port does in another way than its country's.
func telephone(c config.Port) fxs.Settings {
	without := func(way string) bool { return !slices.Contains(c.MessageWaiting, way) }
	s := fxs.Settings{
		CallerID: c.CallerIDStandard, NoWaitingID: !c.CallWaitingCallerID,
		NoLamp: without("lamp"), NoStutter: without("stutter"), NoData: without("fsk"), Splash: !without("splash"),
		Reversal: c.PolarityReversal, NoPulses: !c.PulseDialling, NoDigitS: c.NoDigitS, InterdigitS: c.InterdigitS,
	}
	switch c.DisconnectMS {
	case config.Auto:
	case 0:
		s.DisconnectMS = -1
	default:
		s.DisconnectMS = c.DisconnectMS
	}
	return s
}

// country reads a country's tones once for all ports.
func (a *Agent) country(d config.Device) (*fxs.Country, error) {
	if c := a.tones.Load(); c != nil && c.Code == d.Country && c.Changes == d.Tones {
		return c, nil
	}
	c, err := fxs.LoadChanged(etc.Tones, d.Country, d.Tones)
	if err == nil {
		a.tones.Store(c)
	}
	return c, err
}

// stunAddress is where the ports of a line ask for their outside addresses; zero when
// the line does not want it, or the server's address is not known yet.
func (a *Agent) stunAddress(line int) netip.AddrPort {
	l, s := a.config().Line(line), a.sip.Load().stun
	if l == nil || !l.UseSTUN || s == nil {
		return netip.AddrPort{}
	}
	return s.address(a.ctx, a.goWork)
}

func (a *Agent) portDevice() call.Device {
	return call.Device{
		Line: func(n int) *lines.Line {
			if u := a.unit(n); u != nil && u.running() {
				return u.line
			}
			return nil
		},
		Emergency: a.emergencyLines,
		RTP:       a.rtp.Load(), Bind: a.config().SIP.Bind, Clock: func() time.Time { return a.clock.Wall(a.config().Device.TimeZone) }, Refuse: a.draining.Load, Rested: a.rested, Plugged: a.deliverWaiting, Changed: a.portChanged, Measured: a.measured,
		Clerk: a.fax.clerk, Memory: a.fax.refusal, FaxEnded: a.faxEnded, FaxMoved: a.callMoved, Desk: desk{a}, ReceiveFax: a.receiveFax,
		Menu: a.voiceMenu,
		Log:  a.log,
	}
}

func (a *Agent) setPorts(us []*portUnit) {
	sort.Slice(us, func(i, j int) bool { return us[i].cfg.N < us[j].cfg.N })
	a.portList.Store(&us)
	a.portsChanged()
}

// port finds a port.
func (a *Agent) port(n int) *portUnit {
	for _, u := range *a.portList.Load() {
		if u.cfg.N == n {
			return u
		}
	}
	return nil
}

// incoming offers a call to the ports of its line. Who may be calling back after an emergency has
// the telephone too, and first, that has called for help over the line: its own may be another. While
// the device drains nobody else is let in.
func (a *Agent) incoming(c *lines.Call) (lines.Handler, int) {
	back, drains := c.Info().Callback, a.draining.Load()
	if drains && !back {
		return nil, 480
	}
	helped := 0
	if back {
		helped = a.emergencies.Port(c.Line(), time.Now())
	}
	var units []*portUnit
	for _, u := range *a.portList.Load() {
		switch {
		case drains && u.cfg.Kind == "fax":
		case u.cfg.N == helped:
			units = slices.Insert(units, 0, u)
		case u.cfg.Line == c.Line():
			units = append(units, u)
		}
	}
	if len(units) == 0 && back { // nobody else would hear who calls back
		units = slices.DeleteFunc(slices.Clone(*a.portList.Load()), func(u *portUnit) bool { return u.cfg.Kind == "fax" })
	}
	return a.incomingTo(c, units)
}

// show is the port as the HTTP interface tells it.
func (u *portUnit) show() api.Port {
	p := api.Port{Port: u.cfg.N, Kind: u.cfg.Kind, Line: u.cfg.Line, Driver: u.cfg.Driver.String(), Hook: "on", State: fxs.Idle.String(), Warning: api.Text(u.trouble)}
	if u.port == nil {
		return p
	}
	s := u.port.Snapshot()
	p.Card, p.Ring, p.State, p.Call = s.Card, s.Ring, s.State.String(), api.Text(s.Call)
	p.Held, p.Waiting, p.Conference = api.Text(s.Held), api.Text(s.Waiting), s.Joined
	if s.OffHook {
		p.Hook = "off"
	}
	return p
}

// number is what the port's dial plan makes of a number that is dialled for it.
func (u *portUnit) number(cfg call.Config, to string) (string, error) {
	if cfg.Plan == nil {
		return to, nil
	}
	address := strings.Contains(to, "@")
	switch v := cfg.Plan.Final(sipmsg.UserOf(to)); {
	case address && v.Outcome != fxs.Barred:
		return to, nil
	case v.Outcome == fxs.SendNow:
		return v.Number, nil
	case v.Outcome == fxs.Barred:
		return "", fmt.Errorf("port %d: the dial plan bars %s: %w", u.cfg.N, to, api.ErrInvalid)
	default:
		return "", fmt.Errorf("port %d: the dial plan has no rule for %s: %w", u.cfg.N, to, api.ErrInvalid)
	}
}

// keyed refuses what no telephone can dial. A number that is dialled for it may begin with +.
func keyed(digits string) error {
	switch other := strings.Trim(strings.TrimPrefix(digits, "+"), "0123456789*#ABCD"); {
	case digits == "":
		return errors.New("type a number first")
	case other != "":
		return fmt.Errorf("%.40q is not a key of a telephone", other)
	case len(digits) > fxs.MaxDialled:
		return fmt.Errorf("%d digits are too many, a port takes %d", len(digits), fxs.MaxDialled)
	}
	return nil
}

// testPlan is what the port would make of digits.
func (u *portUnit) testPlan(cfg call.Config, digits string) (api.DialResult, error) {
	digits = features.Plain(digits)
	err := keyed(digits)
	if err != nil {
		return api.DialResult{}, fmt.Errorf("port %d: %w: %w", u.cfg.N, err, api.ErrInvalid)
	}
	plan, err := planOf(cfg)
	if err != nil {
		return api.DialResult{}, err
	}
	v := plan.Look(digits)
	if v.Outcome == fxs.Complete && plan.Final(digits).Outcome == fxs.Barred {
		v.Outcome = fxs.Barred
	}
	r := api.DialResult{Number: api.Text(v.Number), Emergency: v.Emergency}
	switch v.Outcome {
	case fxs.NoMatch:
		r.State = "unmatched"
	case fxs.Incomplete:
		r.State = "incomplete"
	case fxs.Complete:
		r.State = "matched"
	case fxs.SendNow:
		r.State = "complete"
	case fxs.Barred:
		r.State = "blocked"
	}
	if v.Outcome == fxs.Incomplete || v.Outcome == fxs.Complete {
		r.WaitS = api.Number(v.WaitS)
	}
	return r, nil
}
