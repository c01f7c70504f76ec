package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"

	"tipring/agent/call"
	"tipring/agent/fax"
	"tipring/agent/features"
	"tipring/internal/config"
	"tipring/t38/spool"
	"tipring/webui/api"
)

// faxes is what the HTTP interface shows and moves of faxes.
type faxes struct{ a *Agent }

// UploadDir implements api.Faxes.
func (f faxes) UploadDir() (dir string, free int64) {
	if dir = f.a.dir; f.a.fax.store != nil {
		dir = filepath.Join(dir, faxesDir)
	}
	return dir, diskOf(dir).FreeBytes
}

// Faxes implements api.Faxes.
func (f faxes) Faxes() []api.Fax {
	var list []api.Fax
	if s := f.a.fax.store; s != nil {
		for _, r := range s.List() {
			list = append(list, f.showStored(r))
		}
	}
	list = append(list, f.passing()...)
	sort.SliceStable(list, func(i, j int) bool { return list[i].Created.After(list[j].Created.Time) })
	return list
}

// passing are the faxes that the store knows nothing of: in real time, or not there yet.
func (f faxes) passing() (list []api.Fax) {
	for _, u := range *f.a.portList.Load() {
		if u.port != nil {
			if s := u.port.Fax(); s.Call != "" {
				list = append(list, passingFax(s))
			}
			if s := u.port.Snapshot().Fax; s.State == string(spool.Probing) {
				list = append(list, probingFax(u.cfg, s))
			}
		}
	}
	for _, r := range f.a.fax.relays.all() {
		list = append(list, passedFax(r))
	}
	return list
}

// Fax implements api.Faxes.
func (f faxes) Fax(id string) (api.Fax, bool) {
	if s := f.a.fax.store; s != nil {
		if r, err := s.Get(id); err == nil {
			return f.showStored(r), true
		}
	}
	if isPassing(id) {
		for _, x := range f.passing() {
			if x.ID == id {
				return x, true
			}
		}
	}
	return api.Fax{}, false
}

// storedFax shows a fax of the store.
func storedFax(r spool.Record) api.Fax {
	x := api.Fax{
		ID: r.ID, Direction: string(r.Direction), Kind: string(r.Kind), Port: optional(r.Port), Line: optional(r.Line),
		Peer: api.Text(r.Peer), State: string(r.State), Tries: r.Tries, PageCount: optional(r.PageCount), Rate: optional(r.Rate),
		Transport: api.Text(r.Transport), RemoteID: api.Text(r.RemoteID), Error: api.Text(r.Error),
		CalledNumberResult: api.Text(r.CalledNumberResult), Uncertain: r.Uncertain, SIPCallID: api.Text(r.SIPCallID), Created: api.At(r.Created), Ended: api.At(r.Ended),
	}
	if r.Direction == spool.In {
		x.Peer = api.Text(r.CallerID)
	}
	if r.State == spool.Queued {
		x.NextTry = api.At(r.NextTry)
	}
	if r.Transport != "" {
		x.ECM = &r.ECM
	}
	pages := r.Pages
	if len(pages) == 0 { // nothing of it has gone on yet: how it came
		pages = r.Taken
	}
	for _, p := range pages {
		x.Pages = append(x.Pages, showPage(fax.Page{
			N: p.N, Result: p.Result, Rows: p.Rows, BadRows: p.BadRows, Rate: p.Rate, Resolution: p.Resolution, Repairs: p.Repairs, What: p.What,
		}))
	}
	return x
}

// optional is a number that is absent when it is 0.
func optional(n int) *int {
	if n == 0 {
		return nil
	}
	return &n
}

func showPage(p fax.Page) api.FaxPage {
	return api.FaxPage{
		N: p.N, Result: p.Result, Rows: optional(p.Rows), BadRows: p.BadRows, Rate: optional(p.Rate),
		Resolution: api.Text(p.Resolution), ECMRepairs: p.Repairs, What: api.Text(p.What),
	}
}

func showPages(pages []fax.Page) (list []api.FaxPage) {
	for _, p := range pages {
		list = append(list, showPage(p))
	}
	return list
}

const kindRelay = "relay"

// passingFax shows a fax that passes a port in real time.
func passingFax(s call.FaxStatus) api.Fax {
	x := api.Fax{
		ID: relayID(s.Call), Direction: "out", Kind: kindRelay, Port: optional(s.Port), Line: optional(s.Line), Peer: api.Text(s.Peer),
		State: s.State, Tries: 1, Pages: showPages(s.Pages), Rate: optional(s.Rate), Transport: api.Text(s.Transport), RemoteID: api.Text(s.RemoteID),
		CalledNumberResult: api.Text(s.Result.String()), Created: api.At(s.Started),
	}
	if s.Incoming {
		x.Direction = "in"
	}
	if s.Transport != "" {
		x.ECM = &s.ECM
	}
	showMonitor(&x, s.Seen, len(s.Pages))
	return x
}

// probeID begins the id of a fax whose number is called ahead: that of its port follows.
const probeID = "probe-"

// probingFax shows a fax that a machine is about to send, while its number is called ahead. It is
// none of the store yet.
func probingFax(p config.Port, s call.FaxActivity) api.Fax {
	return api.Fax{
		ID: probeID + strconv.Itoa(p.N), Direction: "out", Kind: string(spool.Machine), Port: optional(p.N), Line: optional(p.Line),
		Peer: api.Text(s.Number), State: s.State,
	}
}

// passedFax shows a fax that has passed a port in real time.
func passedFax(r relayed) api.Fax {
	o := r.outcome
	x := api.Fax{
		ID: r.id, Direction: "in", Kind: kindRelay, Port: optional(r.attempt.Port), Line: optional(r.attempt.Line), Peer: api.Text(o.Peer),
		State: "failed", Tries: 1, Pages: showPages(o.Pages), PageCount: optional(len(o.Pages)), Rate: optional(o.Rate), Transport: api.Text(o.Transport),
		RemoteID: api.Text(o.RemoteID), CalledNumberResult: api.Text(o.CalledResult.String()), Created: api.At(o.Started), Ended: api.At(o.Ended),
		SIPCallID: api.Text(o.SIPCallID),
	}
	if r.attempt.Send {
		x.Direction = "out"
	}
	if o.Transport != "" {
		x.ECM = &o.ECM
	}
	showMonitor(&x, o.Seen, len(o.Pages))
	switch {
	case o.OK && r.attempt.Send:
		x.State = string(spool.Sent)
	case o.OK:
		x.State = string(spool.Received)
	default:
		x.Error = api.Text(o.Reason)
	}
	return x
}

// CalledNumbers implements api.Faxes.
func (f faxes) CalledNumbers() []api.CalledNumber {
	if f.a.fax.numbers == nil {
		return nil
	}
	known := f.a.fax.numbers.List()
	sort.SliceStable(known, func(i, j int) bool { return known[i].Since.After(known[j].Since) })
	list := make([]api.CalledNumber, len(known))
	for i, k := range known {
		list[i] = api.CalledNumber{Number: k.Number, Result: spool.CalledVoiceError, At: api.At(k.Since)}
		if k.Fax {
			list[i].Result = spool.CalledSuccess
		}
	}
	return list
}

// SendFax implements api.Faxes.
func (f faxes) SendFax(ctx context.Context, o api.FaxOrder) (string, error) {
	a := f.a
	m, err := f.meta(o.Port, o.Line, o.To)
	if err != nil {
		return "", err
	}
	r, err := a.fax.store.Submit(ctx, o.File, m)
	return r.ID, faxProblem(err)
}

// meta is what a fax that is handed in is for: one that is sent by a port, or with 0 by a line.
func (f faxes) meta(port, line int, to string) (m spool.Meta, err error) {
	a := f.a
	m = spool.Meta{Kind: spool.Submitted, Port: port, Line: line}
	if port != 0 {
		p := a.config().Port(port)
		switch {
		case p == nil:
			return m, fmt.Errorf("there is no port %d: %w", port, api.ErrInvalid)
		case p.Kind != "fax":
			return m, fmt.Errorf("port %d is for a telephone (kind = phone): %w", port, api.ErrConflict)
		}
		m.Line = p.Line
	}
	l := a.config().Line(m.Line)
	switch {
	case l == nil:
		return m, fmt.Errorf("there is no line %d: %w", m.Line, api.ErrInvalid)
	case !l.Enabled:
		return m, fmt.Errorf("line %d is switched off: %w", m.Line, api.ErrConflict)
	case a.draining.Load():
		return m, fmt.Errorf("no new faxes while draining: %w", api.ErrUnavailable)
	case a.fax.store == nil:
		return m, fmt.Errorf("%w: %w", errNoStore, api.ErrUnavailable)
	}
	m.Peer, m.CDRInfo = call.SplitNumber(to, a.config().Fax.CDRDelimiter)
	m.Peer = features.Plain(m.Peer)
	if err := dialable(m.Peer); err != nil {
		return m, fmt.Errorf("to: %w: %w", err, api.ErrInvalid)
	}
	if port != 0 {
		if m.Peer, err = a.planned(port, m.Peer); err != nil {
			return m, err
		}
	}
	m.ANI, m.CSID = a.identity(port)
	m.NotifyNdn = port != 0 && a.port(port) != nil && a.port(port).port != nil
	return m, nil
}

// planned is what the dial plan of a port makes of a number.
func (a *Agent) planned(port int, to string) (string, error) {
	u := a.port(port)
	if u == nil {
		return to, nil // its unit is being made anew
	}
	cfg, err := a.portConfig(u.cfg)
	if err != nil {
		return "", fmt.Errorf("port %d: %w: %w", port, err, api.ErrConflict)
	}
	return u.number(cfg, to)
}

// CancelFax implements api.Faxes.
func (f faxes) CancelFax(ctx context.Context, id string) error {
	if callID, ok := strings.CutPrefix(id, relayID("")); ok {
		c := f.a.calls.find(callID)
		if c == nil {
			return fmt.Errorf("fax %s is over: %w", id, api.ErrConflict)
		}
		c.Hangup()
		return nil
	}
	if strings.HasPrefix(id, probeID) {
		return fmt.Errorf("fax %s has not begun: the machine's user ends it by hanging up: %w", id, api.ErrConflict)
	}
	if cancel, ok := f.a.fax.receptions.Load(id); ok {
		cancel.(context.CancelFunc)()
		return nil
	}
	return faxProblem(f.a.fax.queue.Cancel(id))
}

// FaxDocument implements api.Faxes.
func (f faxes) FaxDocument(_ context.Context, id, view string, w io.Writer) error {
	write := (*spool.Store).WriteTIFF
	if view == "pdf" {
		write = (*spool.Store).WritePDF
	}
	return f.stored(id, func(s *spool.Store) error { return write(s, id, w) })
}

// stored does something with a document, of which a fax in real time has none.
func (f faxes) stored(id string, do func(*spool.Store) error) error {
	if isPassing(id) {
		return fmt.Errorf("fax %s passed in real time, and its pages are not kept: %w", id, api.ErrNotFound)
	}
	return faxProblem(do(f.a.fax.store))
}

// faxProblem finds the status for what the store says.
func faxProblem(err error) error {
	for _, known := range []struct{ of, as error }{
		{spool.ErrUnknown, api.ErrNotFound}, {spool.ErrNoPages, api.ErrNotFound}, {spool.ErrNoSuchPage, api.ErrNotFound},
		{spool.ErrState, api.ErrConflict},
		{spool.ErrDocument, api.ErrInvalid}, {spool.ErrTooLarge, api.ErrInvalid}, {spool.ErrTooManyPages, api.ErrInvalid},
		{spool.ErrDraining, api.ErrUnavailable}, {spool.ErrClosed, api.ErrUnavailable},
	} {
		if errors.Is(err, known.of) {
			return fmt.Errorf("%w: %w", err, known.as)
		}
	}
	if errors.Is(err, spool.ErrFull) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return &api.Problem{Type: "about:blank", Title: http.StatusText(http.StatusInsufficientStorage), Status: http.StatusInsufficientStorage, Detail: api.Text(err.Error())}
	}
	return err
}
