package agent

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"tipring/agent/call"
	"tipring/lines"
	"tipring/t38/spool"
	"tipring/webui/api"
)

// How often what changes without a word is looked at while somebody listens.
const (
	callLook    = time.Second // a running call's quality
	faxLook     = 500 * time.Millisecond
	warningLook = 30 * time.Second // the disk, the clock, certificates
)

// resources are those of the device, as events show them.
type resources struct{ a *Agent }

// all implements eventSource.
func (s resources) all(t api.Topic) (list []resource) {
	add := func(id string) { list = append(list, resource{t, id}) }
	switch t {
	case api.OnLine:
		for _, u := range *s.a.lineList.Load() {
			add(strconv.Itoa(u.cfg.N))
		}
	case api.OnPort:
		for _, u := range *s.a.portList.Load() {
			add(strconv.Itoa(u.cfg.N))
		}
	case api.OnCall:
		infos := s.a.calls.all()
		for i := range infos { // oldest first: a list grows at its head
			add(infos[len(infos)-1-i].ID)
		}
	case api.OnFax:
		all := faxes(s).Faxes()
		for i := range all {
			add(all[len(all)-1-i].ID)
		}
	case api.OnProvisioning, api.OnConfig, api.OnWarning, api.OnMessage:
		add("")
	}
	return list
}

// show implements eventSource.
func (s resources) show(r resource) (data any, again time.Duration) {
	a := s.a
	switch n, _ := strconv.Atoi(r.id); r.topic {
	case api.OnLine:
		if u := a.unit(n); u != nil {
			return device(s).line(u, time.Now()), 0
		}
	case api.OnPort:
		if u := a.port(n); u != nil {
			return u.show(), 0
		}
	case api.OnCall:
		if i, ok := a.calls.info(r.id); ok {
			if i.State != lines.Ended {
				again = callLook
			}
			return device(s).call(i), again
		}
	case api.OnFax:
		if f, ok := faxes(s).Fax(r.id); ok {
			if !restful(f.State) {
				again = faxLook
			}
			return f, again
		}
	case api.OnProvisioning:
		return a.showProvisioning(), 0
	case api.OnConfig:
		p := a.showProvisioning()
		return api.ConfigNews{Generation: p.Generation, Trial: p.Trial}, 0
	case api.OnWarning:
		return a.warnings(), warningLook
	case api.OnMessage:
		return a.allMessages(), 0
	}
	return nil, 0
}

// gone implements eventSource. A fax that is no more before it was over, as one that is shown by its
// port until its machine begins, ends as cancelled.
func (s resources) gone(r resource, last []byte) []byte {
	var f api.Fax
	_, text, _ := bytes.Cut(last, []byte("\ndata: "))
	if r.topic != api.OnFax || json.Unmarshal(text, &f) != nil || spool.State(f.State).Finished() {
		return nil
	}
	f.State, f.NextTry, f.Progress, f.Pictures = string(spool.Cancelled), api.Time{}, nil, nil
	text, err := api.EventText(r.topic, f)
	if err != nil {
		return nil
	}
	return text
}

// restful reports the state of a fax that stays as it is until it is said to have changed.
func restful(state string) bool {
	switch spool.State(state) {
	case spool.Probing, spool.Dialling, spool.Sending, spool.Receiving, spool.Delivering:
		return false
	}
	return true
}

// tell says that something of a topic has changed, and that what is wrong may have as well.
func (a *Agent) tell(t api.Topic, id string) {
	a.events.Changed(t, id)
	a.events.Changed(api.OnWarning, "")
}

// lineChanged is told by lines.
func (a *Agent) lineChanged(n int) {
	if a.events.wanted.Load() != 0 {
		a.tell(api.OnLine, strconv.Itoa(n))
	}
}

// portChanged is told by ports, on their goroutines: hook, bell, state, card, or the fax that
// passes.
func (a *Agent) portChanged(n int, s call.Snapshot) {
	if a.events.wanted.Load() == 0 {
		return
	}
	a.tell(api.OnPort, strconv.Itoa(n))
	switch {
	case s.Passing && s.Call != "":
		a.events.Changed(api.OnFax, relayID(s.Call))
	case s.Fax.State == string(spool.Probing):
		a.events.Changed(api.OnFax, probeID+strconv.Itoa(n))
	}
}

// portsChanged is told when ports are made anew.
func (a *Agent) portsChanged() {
	for _, r := range (resources{a}).all(api.OnPort) {
		a.tell(r.topic, r.id)
	}
}

// settingsChanged is told when other settings are in force, or on their way.
func (a *Agent) settingsChanged() {
	a.events.Changed(api.OnProvisioning, "")
	a.tell(api.OnConfig, "")
}

// isPassing reports the id of a fax that is shown by its port, or was.
func isPassing(id string) bool {
	return strings.HasPrefix(id, relayID("")) || strings.HasPrefix(id, probeID)
}
