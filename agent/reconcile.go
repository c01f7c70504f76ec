package agent

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"tipring/agent/call"
	"tipring/internal/config"
	"tipring/internal/media"
	"tipring/lines/fxs"
)

// allLines is the section whose change takes all lines and their sockets down and up again.
const allLines = "sip"

func lineSection(n int) string { return fmt.Sprintf("sip%d", n) }

func portSection(n int) string { return fmt.Sprintf("port%d", n) }

// reconcile brings lines and ports to what the configuration wants. What is in use is left
// alone until it is not; see rested. Both locks are held.
func (a *Agent) reconcile() {
	if !a.up {
		return
	}
	c, w := a.config(), waits{}
	a.setCaptures(c.SIP)
	a.rtp.Load().SetManner(manner(c.SIP))
	a.stale.Store(true) // so that what comes to rest from here on is not missed
	if p := a.pending[allLines]; p != nil && reopens(p.Change) {
		if reason := a.leave(0); reason != "" {
			w.add([]string{allLines}, reason)
		} else {
			delete(a.pending, allLines)
			a.opening = &p.Change
			a.restartSIP()
		}
	}
	a.reconcileLines(c, w)
	a.reconcilePorts(c, w)
	a.stale.Store(len(w) > 0)
	if a.opening != nil {
		w.add([]string{"sip"}, forPorts)
	}
	if keys := a.fixed(c.Device); keys != nil {
		w.add([]string{"device"}, "the next start ("+strings.Join(keys, ", ")+")")
	}
	a.settlePending(w)
}

// fixed names the keys, by their labels, that differ from what this process began with and goes on with.
func (a *Agent) fixed(d config.Device) (keys []string) {
	device, _ := sectionOf("device")
	if a.opts.Files.StateDir == "" && d.StateDir != a.dir {
		keys = append(keys, keyOf(device, "state_dir").Label)
	}
	if d.LogFormat != a.format {
		keys = append(keys, keyOf(device, "log_format").Label)
	}
	return keys
}

// leave has a line, or with 0 every line, begin no more calls, and tells what has to end
// before it can be taken down: a call, or a telephone that is about to make one. Then it
// goes on as before. The answer is empty when nothing has to end.
func (a *Agent) leave(line int) (reason string) {
	var leaving []*lineUnit
	for _, u := range *a.lineList.Load() {
		if line == 0 || u.cfg.N == line {
			u.leaving.Store(true)
			leaving = append(leaving, u)
		}
	}
	if reason = a.inUse(line); reason != "" {
		for _, u := range leaving {
			u.leaving.Store(false)
		}
	}
	return reason
}

func (a *Agent) inUse(line int) string {
	for _, u := range *a.portList.Load() {
		if u.port == nil || line != 0 && u.cfg.Line != line || u.port.Rests() {
			continue
		}
		if u.port.Snapshot().State != fxs.Parked {
			return u.inUse()
		}
	}
	switch {
	case line == 0 && a.calls.count() > 0:
		return "the end of all calls"
	case line != 0:
		// It may be gone: who asks what a change would disturb holds no lock.
		if u := a.unit(line); u != nil && u.line.Snapshot().Calls > 0 {
			return fmt.Sprintf("the end of the calls of line %d", line)
		}
	}
	return ""
}

// inUse tells what has to end before the port can be taken down.
func (u *portUnit) inUse() string {
	if u.port.Snapshot().Call != "" {
		return fmt.Sprintf("the end of the call of port %d", u.cfg.N)
	}
	return fmt.Sprintf("port %d to be on-hook", u.cfg.N)
}

// reconcileLines takes lines away that are to be different or no more, and makes those
// that are missing.
func (a *Agent) reconcileLines(c *config.Config, w waits) {
	var gone []*lineUnit
	for _, u := range *a.lineList.Load() {
		if !u.differs(c) {
			continue
		}
		if reason := a.leave(u.cfg.N); reason != "" {
			w.add([]string{lineSection(u.cfg.N)}, reason)
			continue
		}
		gone = append(gone, u)
	}
	a.removeLines(gone)
	a.addLines(c.Lines)
}

// differs tells whether a line is to be taken down: it is to be different, or no more.
func (u *lineUnit) differs(c *config.Config) bool {
	return !reflect.DeepEqual(ofLine(c.Line(u.cfg.N)), ofLine(u.cfg))
}

// ofLine is what a line is made of: all of its section but what each call asks for anew.
func ofLine(c *config.Line) *config.Line {
	if c == nil {
		return nil
	}
	own := *c
	own.MaxCalls, own.MaxCallsPerHour, own.BlockPrefixes, own.BlockInternational = 0, 0, nil, false
	own.VoiceMessageNumber, own.EnableMissedCallLog, own.RingTimeS = "", false, 0
	return &own
}

// removeLines unregisters lines, all at once, for servers may be slow to answer.
func (a *Agent) removeLines(gone []*lineUnit) {
	if len(gone) == 0 {
		return
	}
	a.setLines(slices.DeleteFunc(slices.Clone(*a.lineList.Load()), func(u *lineUnit) bool { return slices.Contains(gone, u) }))
	stopLines(a.patient, gone)
}

// stopLines unregisters and ends lines.
func stopLines(ctx context.Context, units []*lineUnit) {
	var wg sync.WaitGroup
	for _, u := range units {
		wg.Add(1)
		go func() {
			defer wg.Done()
			u.stop(ctx)
		}()
	}
	wg.Wait()
}

// reconcilePorts does the same with ports.
func (a *Agent) reconcilePorts(c *config.Config, w waits) {
	for _, u := range slices.Clone(*a.portList.Load()) {
		differs := a.differs(u, c, a.rtp.Load())
		switch {
		case len(differs) == 0 && !u.lacksDriver():
			a.replacePort(u, *c.Port(u.cfg.N))
		case u.port != nil && !u.port.Retire():
			w.add(differs, u.inUse())
		default:
			u.stop()
			a.setPorts(slices.DeleteFunc(slices.Clone(*a.portList.Load()), func(x *portUnit) bool { return x == u }))
		}
	}
	for _, p := range c.Ports {
		if a.port(p.N) == nil {
			a.addPort(p)
		}
	}
}

// madeOf is what a port is made of: all of its section but what each call asks for anew.
func madeOf(c config.Port) config.Port {
	c.ANI, c.CSID, c.CallAhead, c.CallAheadBridge, c.CallAheadS = "", "", "", false, 0
	c.StarCodes, c.StarCodeTable = "", ""
	return c
}

// replacePort shows a port with the settings that it takes over as it is.
func (a *Agent) replacePort(u *portUnit, with config.Port) {
	if reflect.DeepEqual(u.cfg, with) {
		return
	}
	same := *u
	same.cfg = with
	ports := slices.Clone(*a.portList.Load())
	ports[slices.Index(ports, u)] = &same
	a.portList.Store(&ports)
	a.portsChanged()
}

// differs names the sections in which what a port was made of is not what is wanted now:
// its own, and those of the device, of its line and of all lines, from which it takes some.
// c is what is wanted, and rtp the ports that go with it.
func (a *Agent) differs(u *portUnit, c *config.Config, rtp *media.Ports) (sections []string) {
	want := c.Port(u.cfg.N)
	if want == nil || !reflect.DeepEqual(madeOf(*want), madeOf(u.cfg)) {
		sections = append(sections, portSection(u.cfg.N))
	}
	if u.port == nil {
		return sections
	}
	if u.rtp != rtp || u.bind != c.SIP.Bind {
		sections = append(sections, allLines)
	}
	made, err := a.portConfigIn(c, u.cfg)
	if err != nil {
		return sections
	}
	was := u.made
	if made.Country.Code != was.Country.Code || made.Country.Changes != was.Country.Changes {
		sections = append(sections, "device")
	}
	if taken(made) != taken(was) {
		sections = append(sections, lineSection(u.cfg.Line))
	}
	return sections
}

// taken is what a port takes from its line.
func taken(c call.Config) (t struct {
	dtmf, hotline, iface string
	hotlineMS            int
}) {
	t.dtmf, t.hotline, t.iface, t.hotlineMS = c.DTMFType, c.Hotline, c.Interface, c.HotlineMS
	return t
}

// rested brings in a change of configuration that waited for what has come to rest: a
// call that ended, a telephone that is on-hook again.
func (a *Agent) rested() {
	if !a.stale.Load() || a.resting.Swap(true) {
		return
	}
	a.goWork(func() {
		a.turn.Lock()
		defer a.turn.Unlock()
		a.mu.Lock()
		defer a.mu.Unlock()
		a.resting.Store(false)
		if a.stale.Load() && !a.ending.Load() {
			a.reconcile()
		}
	})
}
