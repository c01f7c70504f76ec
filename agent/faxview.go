package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"tipring/agent/call"
	"tipring/agent/fax"
	"tipring/t38/pages"
	"tipring/t38/spool"
	"tipring/t38/t30"
	"tipring/webui/api"
)

// watch shows the pages of a stored fax while it is on its way. Whoever begins it calls unwatch in
// the end.
func (a *Agent) watch(id string, m *pages.Monitor) *pages.Monitor {
	m.Changed = func() { a.faxMoved(id) }
	a.fax.monitors.Store(id, m)
	return m
}

func (a *Agent) unwatch(id string, m *pages.Monitor) {
	if a.fax.monitors.CompareAndDelete(id, m) {
		a.fax.stands.Delete(id)
	}
}

// faxStands keeps where the call of a stored fax stands, until unwatch: what the store is told at its
// end.
func (a *Agent) faxStands(id string, p fax.Progress) {
	a.fax.stands.Store(id, p)
	a.faxMoved(id)
}

// showStand shows what the call of a stored fax has come to by now.
func (f faxes) showStand(x *api.Fax) {
	v, ok := f.a.fax.stands.Load(x.ID)
	if !ok {
		return
	}
	p := v.(fax.Progress)
	x.SIPCallID = cmp.Or(api.Text(p.SIPCallID), x.SIPCallID)
	if p.Transport == "" {
		return // nobody has answered
	}
	x.Transport, x.RemoteID = api.Text(p.Transport), cmp.Or(api.Text(p.RemoteID), x.RemoteID)
	if p.Rate != 0 {
		x.Rate, x.ECM = optional(p.Rate), &p.ECM
	}
}

// faxMoved tells who listens that a page has come further.
func (a *Agent) faxMoved(id string) { a.events.Changed(api.OnFax, id) }

// callMoved is faxMoved for a fax in real time.
func (a *Agent) callMoved(call string) { a.faxMoved(relayID(call)) }

// watching is what shows the pages of a stored fax that is on its way; nil: it is not.
func (f faxes) watching(id string) *pages.Monitor {
	m, _ := f.a.fax.monitors.Load(id)
	monitor, _ := m.(*pages.Monitor)
	return monitor
}

// inRealTime is what shows the pages of a fax in real time; nil: nothing does.
func (f faxes) inRealTime(id string) *pages.Monitor {
	for _, u := range *f.a.portList.Load() {
		if u.port != nil {
			if s := u.port.Fax(); s.Call != "" && relayID(s.Call) == id {
				return s.Seen
			}
		}
	}
	for _, r := range f.a.fax.relays.all() {
		if r.id == id {
			return r.outcome.Seen
		}
	}
	return nil
}

// showStored shows a fax of the store with what there is to be seen of it.
func (f faxes) showStored(r spool.Record) api.Fax {
	x := storedFax(r)
	x.Document = r.PageCount > 0
	for n := range r.PageCount {
		x.Pictures = append(x.Pictures, n+1)
	}
	showMonitor(&x, f.watching(r.ID), 0)
	f.showStand(&x)
	return x
}

// showMonitor shows how far a page has come, and which of the fax's pages, most at most, can be
// seen.
func showMonitor(x *api.Fax, m *pages.Monitor, most int) {
	if m == nil {
		return
	}
	if p := m.Progress(); p.Page > 0 {
		x.Progress = &api.FaxProgress{Page: p.Page, Rows: p.Rows, Of: optional(p.Of)}
		most = max(most, p.Page)
	}
	for n := 1; n <= most; n++ {
		if m.Has(n) && !slices.Contains(x.Pictures, n) {
			x.Pictures = append(x.Pictures, n)
		}
	}
	slices.Sort(x.Pictures)
}

// FaxPage implements api.Faxes.
func (f faxes) FaxPage(_ context.Context, id string, n, scale int, w io.Writer) error {
	if isPassing(id) {
		return f.passingPage(id, n, scale, w)
	}
	m := f.watching(id)
	if m == nil {
		return faxProblem(f.a.fax.store.WriteView(id, n, w, spool.View{Scale: scale}))
	}
	p := m.Progress()
	r, err := f.a.fax.store.Get(id)
	switch {
	case err != nil:
		return faxProblem(err)
	case p.Page != n:
		return faxProblem(f.a.fax.store.WriteView(id, n, w, spool.View{Scale: scale}))
	case n <= r.PageCount && r.State != spool.Receiving && p.Of > 0: // the page is here, and on its way out
		return faxProblem(f.a.fax.store.WriteView(id, n, w, spool.View{Scale: scale, Gone: p.Rows, Of: p.Of}))
	case n <= r.PageCount && r.State != spool.Receiving:
		return faxProblem(f.a.fax.store.WriteView(id, n, w, spool.View{Scale: scale}))
	}
	return monitorProblem(id, n, m.WriteScaled(n, w, scale))
}

func (f faxes) passingPage(id string, n, scale int, w io.Writer) error {
	m := f.inRealTime(id)
	if m == nil {
		return fmt.Errorf("fax %s passes in real time, and nothing of its pages is here: %w", id, api.ErrNotFound)
	}
	return monitorProblem(id, n, m.WriteScaled(n, w, scale))
}

func monitorProblem(id string, n int, err error) error {
	if errors.Is(err, pages.ErrNoRows) {
		return fmt.Errorf("nothing of page %d of fax %s is here: %w", n, id, api.ErrNotFound)
	}
	return err
}

// ResendFax implements api.Faxes.
func (f faxes) ResendFax(_ context.Context, id, to string) (string, error) {
	if isPassing(id) {
		return "", fmt.Errorf("fax %s passed in real time, and its pages are not kept: %w", id, api.ErrConflict)
	}
	store := f.a.fax.store
	if store == nil {
		return "", fmt.Errorf("%w: %w", errNoStore, api.ErrUnavailable)
	}
	r, err := store.Get(id)
	switch {
	case err != nil:
		return "", faxProblem(err)
	case to == "" && r.Direction == spool.In:
		return "", fmt.Errorf("to is missing: fax %s came in, and a number is wanted to send it on to: %w", id, api.ErrInvalid)
	}
	m, err := f.meta(r.Port, r.Line, cmp.Or(to, r.Peer))
	if err != nil {
		return "", err
	}
	if to == "" { // it went by the dial plan before
		m.Peer, m.CDRInfo = r.Peer, r.CDRInfo
	}
	if r.Kind == spool.Machine { // its pages have a line above them already
		m.Kind = spool.Machine
	}
	again, err := store.Resend(id, m)
	if errors.Is(err, spool.ErrNoPages) {
		return "", fmt.Errorf("the pages of fax %s are not kept: %w", id, api.ErrConflict)
	}
	return again.ID, faxProblem(err)
}

// ForgetFax implements api.Faxes.
func (f faxes) ForgetFax(id string) error {
	switch {
	case strings.HasPrefix(id, relayID("")):
		if !f.a.fax.relays.forget(id) {
			return fmt.Errorf("fax %s is not over: %w", id, api.ErrConflict)
		}
	case isPassing(id):
		return fmt.Errorf("fax %s has not begun: %w", id, api.ErrConflict)
	default:
		return faxProblem(f.a.fax.store.Delete(id))
	}
	f.a.faxMoved(id)
	return nil
}

// ForgetNumber implements api.Faxes.
func (f faxes) ForgetNumber(number string) error {
	if m := f.a.fax.numbers; m == nil || !m.Forget(number) {
		return fmt.Errorf("nothing is remembered of %.40q: %w", number, api.ErrNotFound)
	}
	return nil
}

// forget drops a fax that is over.
func (l *relayList) forget(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	was := len(l.list)
	l.list = slices.DeleteFunc(l.list, func(r relayed) bool { return r.id == id })
	return len(l.list) < was
}

// keptRelayPages is how much of the pages of faxes in real time is kept that are over, in octets.
const keptRelayPages = 1 << 20

// bound drops the pages of the oldest faxes that there is no room for. Called with mu.
func (l *relayList) bound() {
	room := keptRelayPages
	for i := len(l.list) - 1; i >= 0; i-- {
		m := l.list[i].outcome.Seen
		if m == nil {
			continue
		}
		if room -= m.Size(); room < 0 {
			m.Forget()
		}
	}
}

// Onlooker implements call.Shown.
func (i *intake) Onlooker() t30.Onlooker { return i.monitor }

var _ call.Shown = (*intake)(nil)
