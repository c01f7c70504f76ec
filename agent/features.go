package agent

import (
	"cmp"
	"fmt"
	"path/filepath"

	"tipring/agent/features"
	"tipring/lines"
	"tipring/webui/api"
)

// featuresFile is what they have set, in the state directory.
const featuresFile = "features.json"

// openFeatures reads what the telephones have set.
func (a *Agent) openFeatures() {
	a.features = features.Open(features.Config{
		File: filepath.Join(a.dir, featuresFile), Log: a.log,
		Table: a.starCodes, Mailbox: a.mailbox, Permits: a.permitsForward,
	})
}

// starCodes are the star codes of a port now. A fax machine has none.
func (a *Agent) starCodes(port int) features.Table {
	c := a.config().Port(port)
	switch {
	case c == nil || c.Kind == "fax" || c.StarCodes == "server":
		return features.Table{}
	case c.StarCodes == "off":
		return features.NoCodes()
	}
	t, _ := features.ParseTable(c.StarCodeTable) // which Checks has judged
	return t
}

// mailbox is the number by which the voice messages of a port's line are heard: as configured,
// else what the server has told.
func (a *Agent) mailbox(port int) string {
	p := a.config().Port(port)
	if p == nil {
		return ""
	}
	if l := a.config().Line(p.Line); l != nil && l.VoiceMessageNumber != "" {
		return l.VoiceMessageNumber
	}
	return a.mail.account(p.Line)
}

// bounds are what a line may call.
func (a *Agent) bounds(line int) (b features.Bounds) {
	c := a.config()
	if l := c.Line(line); l != nil {
		b = features.Bounds{AtOnce: l.MaxCalls, PerHour: l.MaxCallsPerHour, Blocked: l.BlockPrefixes, International: l.BlockInternational, Country: c.Device.Country}
	}
	return b
}

// permitsForward tells why the calls of a port are not to be forwarded to a number.
func (a *Agent) permitsForward(port int, number string) error {
	p := a.config().Port(port)
	if p == nil {
		return fmt.Errorf("port %d: %w", port, api.ErrNotFound)
	}
	if a.isEmergency(port, number) {
		return fmt.Errorf("%.40s is an emergency number: %w", number, api.ErrInvalid)
	}
	b := a.bounds(p.Line)
	if err := b.Bars(number); err != nil {
		return fmt.Errorf("%w: %w", err, api.ErrInvalid)
	}
	return nil
}

// permit holds a line to its bounds. Emergency numbers are excepted also where no telephone
// has dialled them.
func (a *Agent) permit(r lines.Request) error {
	b := a.bounds(r.Line)
	if !b.Hold() {
		return nil
	}
	for _, p := range a.config().Ports {
		if p.Line == r.Line && a.isEmergency(p.N, r.To) {
			return nil
		}
	}
	if r.SentOn {
		b.AtOnce, b.PerHour = 0, 0
	}
	err := a.guard.Permit(r.Line, b, r.To, r.Running, r.At)
	if err != nil {
		a.events.Changed(api.OnWarning, "")
	}
	return err
}

// guardWarnings tell of calls that went over the bounds of their line.
func guardWarnings(c condition) (list []api.Warning) {
	for _, r := range c.refused {
		list = append(list, api.Warning{
			ID: fmt.Sprintf("bounds-%d", r.Line), Severity: "warning", Section: api.Text(lineSection(r.Line)), Key: "max_calls", Since: api.At(r.At),
			Text: fmt.Sprintf("Line %d did not make %s; the last: %s", r.Line, cmp.Or(map[int]string{1: "a call"}[r.Times], fmt.Sprintf("%d calls", r.Times)), sentence(api.Text(r.Why))),
			Todo: "If nobody here wanted them, change the passwords of the line and of this page.",
		})
	}
	return list
}
