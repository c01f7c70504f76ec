package agent

import (
	"fmt"
	"slices"
	"strings"

	"tipring/internal/config"
)

// nothing is what a change disturbs that is taken as it is.
const nothing = "Nothing is disturbed."

// disturbs tells in sentences what taking a change into force would disturb, by what
// reconcile asks itself when it does: whether all lines begin anew, whether a line or a port
// differs, and what has to end first. c is the configuration that has the change.
func (a *Agent) disturbs(c *config.Config, ch config.Change) string {
	var list []string
	if ch.Section == allLines && reopens(ch) {
		list = append(list, "All lines register anew"+a.after(a.inUse(0)))
	}
	list = append(list, a.disturbedLines(c, ch.Section)...)
	list = append(list, a.disturbedPorts(c, ch.Section)...)
	if ch.Section == "device" {
		if keys := a.fixed(c.Device); keys != nil {
			list = append(list, "The device takes these at its next start: "+strings.Join(keys, ", ")+".")
		}
	}
	if ch.Section == "web" {
		list = append(list, a.disturbedWeb(c.Web)...)
	}
	if list == nil {
		return nothing
	}
	return strings.Join(list, " ")
}

// after ends a sentence with what has to end first.
func (a *Agent) after(reason string) string {
	if reason == "" {
		return "."
	}
	return "; what runs goes on, and the change waits for " + reason + "."
}

// disturbedLines tells what becomes of the line that a section is about.
func (a *Agent) disturbedLines(c *config.Config, section string) (list []string) {
	for _, l := range c.Lines {
		if section == lineSection(l.N) && a.unit(l.N) == nil {
			list = append(list, fmt.Sprintf("Line %d is added%s.", l.N, registers(l)))
		}
	}
	for _, u := range *a.lineList.Load() {
		n := u.cfg.N
		if section != lineSection(n) || !u.differs(c) {
			continue
		}
		text := fmt.Sprintf("Line %d unregisters and is taken away", n)
		if want := c.Line(n); want != nil {
			text = fmt.Sprintf("Line %d is set up anew%s", n, registers(want))
		}
		list = append(list, text+a.after(a.inUse(n)))
	}
	return list
}

func registers(l *config.Line) string {
	switch {
	case !l.Enabled:
		return ", switched off"
	case l.RegisterAddr == "":
		return ", without registration"
	}
	return " and registers"
}

// disturbedPorts tells which ports are made anew because of a section.
func (a *Agent) disturbedPorts(c *config.Config, section string) (list []string) {
	rtp := a.rtp.Load()
	if now := a.config().SIP; now.RTPPortMin != c.SIP.RTPPortMin || now.RTPPortMax != c.SIP.RTPPortMax {
		rtp = nil // others are made
	}
	for _, p := range c.Ports {
		if section == portSection(p.N) && a.port(p.N) == nil {
			list = append(list, fmt.Sprintf("Port %d is added: its line card can connect.", p.N))
		}
	}
	for _, u := range *a.portList.Load() {
		if !slices.Contains(a.differs(u, c, rtp), section) {
			continue
		}
		text := fmt.Sprintf("Port %d is set up anew: its line card connects again", u.cfg.N)
		if c.Port(u.cfg.N) == nil {
			text = fmt.Sprintf("Port %d is taken away: its line card is disconnected", u.cfg.N)
		}
		reason := ""
		if u.port != nil && !u.port.Rests() {
			reason = u.inUse()
		}
		list = append(list, text+a.after(reason))
	}
	return list
}

// disturbedWeb tells whether the page is served elsewhere.
func (a *Agent) disturbedWeb(w config.Web) []string {
	a.turn.Lock() // of page.server
	defer a.turn.Unlock()
	switch s := a.page.server; {
	case s == nil || !s.Moves(w):
		return nil
	case w.Listen == "" && w.TLSListen == "":
		return []string{"The page is switched off: after that it can be switched on in the operator's file, or by a rollback, alone."}
	}
	return []string{"The page is served at other addresses than now: open it there afterwards."}
}
