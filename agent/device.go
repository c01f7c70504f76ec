package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
	"unicode"

	"tipring/agent/call"
	"tipring/agent/features"
	"tipring/lines"
	"tipring/registrar"
	"tipring/webui/api"
)

// A device is what the HTTP interface shows and moves.
type device struct{ a *Agent }

func (d device) Status() api.Status {
	a := d.a
	st := api.Status{
		Version: a.opts.Version, UptimeS: int(time.Since(a.started) / time.Second), Draining: a.draining.Load(),
		Device: a.names(),
		Lines:  d.Lines(), Ports: d.Ports(),
		Provisioning: a.showProvisioning(),
	}
	if f := a.faults.Load(); f != nil {
		st.Faults = *f
	}
	if w := a.waiting.Load(); w != nil {
		st.Waiting = *w
	}
	return st
}

// names is what the device is called. What is not known stays empty.
func (a *Agent) names() api.Names {
	id := a.ident.Load()
	n := api.Names{Serial: api.Text(id.Serial), Account: api.Text(cmp.Or(a.config().Radius.Account, a.keeper.Status().Account))}
	if id.MACSource != "" {
		n.MAC = api.Text(id.MAC.Upper())
	}
	return n
}

func (d device) Lines() []api.Line {
	now := time.Now()
	units := *d.a.lineList.Load()
	out := make([]api.Line, len(units))
	for i, u := range units {
		out[i] = d.line(u, now)
	}
	return out
}

func (d device) line(u *lineUnit, now time.Time) api.Line {
	s := u.line.Snapshot().Told()
	l := api.Line{
		Line: s.Line, AOR: api.Text(s.AOR), State: s.State.String(), Server: s.Server.String(),
		ServerAddr: api.Text(s.ServerAddr), Transport: api.Text(s.Transport), Since: api.At(s.Since),
		Failovers: s.Counts.Failovers, Failbacks: s.Counts.Failbacks, Calls: s.Calls, Why: api.Text(s.Why),
	}
	if err := d.a.sip.Load().err.Load(); err != nil && u.cfg.Enabled {
		l.State, l.Why, l.LastError = registrar.Failed.String(), api.Text((*err).Error()), api.Text((*err).Error())
		return l
	}
	if s.LastErr != nil {
		l.LastError = api.Text(s.LastErr.Error())
	}
	if s.State == registrar.Registered && s.Expires > 0 {
		l.ExpiresS = api.Number(int(s.Expires / time.Second))
		l.RefreshInS = seconds(now, s.Refresh)
	}
	l.FailbackS = seconds(now, s.Failback)
	if s.State == registrar.Failed {
		l.RetryInS = seconds(now, s.Retry)
	}
	return l
}

// seconds is the time until at; nil for never.
func seconds(now, at time.Time) *int {
	if at.IsZero() {
		return nil
	}
	return api.Number(max(0, int(at.Sub(now).Round(time.Second)/time.Second)))
}

func (d device) Ports() []api.Port {
	units := *d.a.portList.Load()
	out := make([]api.Port, len(units))
	for i, u := range units {
		out[i] = u.show()
	}
	return out
}

func (d device) Calls() []api.Call {
	infos := d.a.calls.all()
	out := make([]api.Call, len(infos))
	for i, c := range infos {
		out[i] = d.call(c)
	}
	return out
}

func (d device) call(i lines.Info) api.Call {
	c := api.Call{
		ID: i.ID, SIPCallID: api.Text(i.SIPCallID), Line: i.Line, Direction: "out", Peer: api.Text(i.Peer),
		State: i.State.String(), Codec: api.Text(i.Codec),
		Started: api.At(i.Started), Answered: api.At(i.Answered), Ended: api.At(i.Ended), Reason: api.Text(i.Reason),
	}
	if i.Incoming {
		c.Direction = "in"
	}
	if i.Port != 0 {
		c.Port = api.Number(i.Port)
	}
	if i.Server != registrar.None {
		c.Server = api.Text(i.Server.String())
	}
	if i.Remote.IsValid() {
		c.Media = &api.Media{Remote: api.Text(i.Remote.String()), SRTP: i.SRTP}
		if i.RTPPort != 0 && i.LocalIP.IsValid() {
			c.Media.Local = api.Text(netip.AddrPortFrom(i.LocalIP, i.RTPPort).String())
		}
	}
	c.Quality = d.a.quality(i.ID, i.Port)
	return c
}

func number(f float64) *float64 { return &f }

func (d device) Register(_ context.Context, line int) error {
	u := d.a.unit(line)
	switch {
	case u == nil:
		return fmt.Errorf("line %d: %w", line, api.ErrNotFound)
	case !u.cfg.Enabled:
		return fmt.Errorf("line %d is switched off: %w", line, api.ErrConflict)
	case !u.running():
		return fmt.Errorf("line %d waits for its SIP port: %w", line, api.ErrUnavailable)
	}
	u.line.Register()
	return nil
}

func (d device) Call(ctx context.Context, port int, to string) (string, error) {
	u := d.a.port(port)
	to = features.Plain(to)
	switch {
	case u == nil:
		return "", fmt.Errorf("port %d: %w", port, api.ErrNotFound)
	case d.a.draining.Load() && !d.a.isEmergency(port, to):
		return "", fmt.Errorf("no new calls while draining: %w", api.ErrUnavailable)
	}
	if err := dialable(to); err != nil {
		return "", fmt.Errorf("port %d: %w: %w", port, err, api.ErrInvalid)
	}
	switch {
	case u.cfg.Driver.Name == "none":
		return "", fmt.Errorf("port %d has no machine that could dial (driver = none): %w", port, api.ErrConflict)
	case u.port == nil:
		return "", fmt.Errorf("port %d has no driver that works: %w", port, api.ErrConflict)
	}
	if codes := d.a.starCodes(port); codes.Acts(to) {
		return "", fmt.Errorf("port %d: %s is a star code of this device, and no number: %w", port, to, api.ErrInvalid)
	}
	cfg, err := d.a.portConfig(u.cfg)
	if err != nil {
		return "", fmt.Errorf("port %d: %w: %w", port, err, api.ErrConflict)
	}
	if to, err = u.number(cfg, to); err != nil {
		return "", err
	}
	id, err := u.port.Dial(ctx, to)
	switch {
	case err == nil:
		return id, nil
	case errors.Is(err, call.ErrBusy), errors.Is(err, call.ErrNoCard):
		return "", fmt.Errorf("port %d: %w: %w", port, err, api.ErrConflict)
	default: // its line or itself is being set up anew, no RTP port is free, the device drains
		return "", fmt.Errorf("port %d: %w: %w", port, err, api.ErrUnavailable)
	}
}

// maxNumber is how long a number or an address to call may be.
const maxNumber = 255

// dialable refuses what is neither a number nor a SIP address. A password in an address
// would be shown with the call.
func dialable(to string) error {
	user, _, address := strings.Cut(to, "@")
	user = strings.TrimPrefix(strings.TrimPrefix(user, "sips:"), "sip:")
	switch {
	case to == "":
		return errors.New("no number")
	case len(to) > maxNumber:
		return fmt.Errorf("a number of %d characters, want at most %d", len(to), maxNumber)
	case strings.ContainsFunc(to, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		return errors.New("a number with blanks or control characters")
	case address && strings.Contains(user, ":"):
		return errors.New("an address with a password (RFC 3261 section 19.1.1)")
	}
	return nil
}

func (d device) TestDialPlan(port int, digits string) (api.DialResult, error) {
	u := d.a.port(port)
	if u == nil {
		return api.DialResult{}, fmt.Errorf("port %d: %w", port, api.ErrNotFound)
	}
	cfg, err := d.a.portConfig(u.cfg)
	if err != nil {
		return api.DialResult{}, fmt.Errorf("port %d: %w: %w", port, err, api.ErrConflict)
	}
	if does := d.a.features.Does(port, digits); does != "" {
		return api.DialResult{}, fmt.Errorf("port %d: %s is a star code (%s), and is sent to nobody: %w", port, digits, strings.ReplaceAll(does, "_", " "), api.ErrInvalid)
	}
	return u.testPlan(cfg, digits)
}

func (d device) HangUp(_ context.Context, id string) error {
	c := d.a.calls.find(id)
	if c == nil {
		return fmt.Errorf("call %s: %w", id, api.ErrNotFound)
	}
	c.Hangup()
	return nil
}

func (d device) Drain(resume bool) error {
	return d.a.Drain(resume)
}

// Ready is nil when the device does its work: configured (a refused reload leaves the
// last good configuration at work), its SIP ports open, and every
// enabled line with a server. A line whose servers are all down makes it not ready.
func (d device) Ready() error {
	if f := d.a.faults.Load(); f != nil && d.a.rescued.Load() {
		return errors.New("not configured: " + (*f)[0])
	}
	if d.a.draining.Load() {
		return errors.New("draining")
	}
	if err := d.a.sip.Load().err.Load(); err != nil {
		return *err
	}
	for _, u := range *d.a.lineList.Load() {
		if s := u.line.Snapshot(); u.cfg.Enabled && s.State != registrar.Registered {
			return fmt.Errorf("line %d is %s", s.Line, s.State)
		}
	}
	return nil
}
