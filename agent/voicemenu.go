package agent

import (
	"context"
	"net"
	"net/netip"
	"time"

	"tipring/agent/call"
	"tipring/agent/menu"
)

// A voiceMenu answers what the voice menu of a port asks.
type voiceMenu struct {
	a    *Agent
	port int
}

// voiceMenu makes the menu that a telephone reaches by its code.
func (a *Agent) voiceMenu(port int) call.Service { return menu.New(voiceMenu{a, port}) }

// Address implements menu.Device.
func (m voiceMenu) Address() string {
	web := m.a.config().Web
	host, port, err := net.SplitHostPort(web.Listen)
	if err != nil {
		return "" // there is no page, or by TLS alone, whose address nobody keys by ear
	}
	ip := spokenAddress(host)
	switch {
	case !ip.IsValid():
		return ""
	case port == "80":
		return ip.String()
	}
	return ip.String() + ":" + port
}

// spokenAddress is the address at which people reach this device: the one that the page is bound
// to, else the first of IPv4, else the first of IPv6 that is not of its link alone.
func spokenAddress(host string) (found netip.Addr) {
	if ip, err := netip.ParseAddr(host); err == nil && !ip.IsUnspecified() {
		return ip
	}
	for _, n := range networks() {
		for _, text := range n.Addresses {
			p, err := netip.ParsePrefix(text)
			if ip := p.Addr().Unmap(); err == nil && n.Up && !ip.IsLinkLocalUnicast() {
				if ip.Is4() {
					return ip
				}
				if !found.IsValid() {
					found = ip.WithZone("")
				}
			}
		}
	}
	return found
}

// Line implements menu.Device.
func (m voiceMenu) Line() (n int, state, server string) {
	u := m.a.port(m.port)
	if u == nil {
		return 0, "", ""
	}
	l := m.a.unit(u.cfg.Line)
	if l == nil {
		return 0, "", ""
	}
	at := device{m.a}.line(l, time.Now())
	return at.Line, at.State, at.Server
}

// Number implements menu.Device: the number that the port presents, else its line's.
func (m voiceMenu) Number() string {
	if ani := m.a.ani(m.port); ani != "" {
		return ani
	}
	if u := m.a.port(m.port); u != nil {
		if l := m.a.config().Line(u.cfg.Line); l != nil {
			return l.Username
		}
	}
	return ""
}

// ClaimCode implements menu.Device.
func (m voiceMenu) ClaimCode() string { return m.a.page.desk.ClaimCode() }

// resetPause is how long a telephone still hears that its device is reset.
const resetPause = 4 * time.Second

// Reset implements menu.Device. What it sets off takes the telephone's port away, so that it
// waits until that was told.
func (m voiceMenu) Reset() bool {
	a := m.a
	if !a.config().Device.KeypadReset {
		return false
	}
	a.log.Warn("a telephone erases all settings", "port", m.port)
	a.goWork(func() {
		select {
		case <-time.After(resetPause):
		case <-a.ctx.Done():
			return
		}
		ctx, cancel := context.WithTimeout(a.ctx, time.Minute)
		defer cancel()
		if err := (settings{a}).FactoryReset(ctx); err != nil {
			a.log.Error("settings not erased", "cause", err)
		}
	})
	return true
}
