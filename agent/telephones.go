package agent

import (
	"errors"
	"fmt"
	"net/http"

	"tipring/agent/features"
	"tipring/webui/api"
)

// telephones is what the HTTP interface shows and changes of what people set.
type telephones struct{ a *Agent }

// Features implements api.Telephones.
func (t telephones) Features(port int) (f api.Features, err error) {
	c := t.a.config().Port(port)
	if c == nil || c.Kind == "fax" {
		return f, fmt.Errorf("port %d has no telephone: %w", port, api.ErrNotFound)
	}
	s := t.a.features.Settings(port)
	caller, dialled := t.a.features.Last(port)
	f = api.Features{
		Port: port, ForwardAll: api.Text(s.ForwardAll), ForwardBusy: api.Text(s.ForwardBusy), ForwardNoAnswer: api.Text(s.ForwardNoAnswer),
		NoAnswerS: s.AnswerTime(), DND: s.DND, HideNumber: s.HideNumber, RejectAnonymous: s.RejectAnonymous, CallWaiting: !s.NoWaiting,
		SpeedDials: s.SpeedDials, LastCaller: api.Text(caller), LastDialled: api.Text(dialled), StarCodes: c.StarCodes,
	}
	table := t.a.starCodes(port)
	for _, x := range table.All() {
		f.Codes = append(f.Codes, api.StarCode{Name: x.Name, Code: x.Code})
	}
	return f, nil
}

// ChangeFeatures implements api.Telephones.
func (t telephones) ChangeFeatures(port int, c api.FeatureChange) error {
	if _, err := t.Features(port); err != nil {
		return err
	}
	err := t.a.features.Change(port, func(s *features.Settings) { edited(s, c) })
	var wrong *features.WrongError
	if errors.As(err, &wrong) {
		return &api.Problem{
			Type: "about:blank", Title: http.StatusText(http.StatusUnprocessableEntity), Status: http.StatusUnprocessableEntity, Detail: api.Text(fmt.Sprintf("port %d: %v", port, err)),
			Errors: []api.FieldError{{Pointer: "#/" + wrong.Name, Detail: fmt.Sprintf("Wanted: %s.", wrong.Wanted)}},
		}
	}
	return err
}

// edited takes what is named of a change.
func edited(s *features.Settings, c api.FeatureChange) {
	for _, x := range []struct {
		to   *string
		from *api.Text
	}{{&s.ForwardAll, c.ForwardAll}, {&s.ForwardBusy, c.ForwardBusy}, {&s.ForwardNoAnswer, c.ForwardNoAnswer}} {
		if x.from != nil {
			*x.to = features.Plain(string(*x.from))
		}
	}
	if c.NoAnswerS != nil {
		s.NoAnswerS = *c.NoAnswerS
		if s.NoAnswerS == 0 {
			s.NoAnswerS = -1 // which is no time to ring
		}
	}
	for _, x := range []struct{ to, from *bool }{{&s.DND, c.DND}, {&s.HideNumber, c.HideNumber}, {&s.RejectAnonymous, c.RejectAnonymous}} {
		if x.from != nil {
			*x.to = *x.from
		}
	}
	if c.CallWaiting != nil {
		s.NoWaiting = !*c.CallWaiting
	}
	for digit, number := range c.SpeedDials {
		s.SetSpeedDial(digit, features.Plain(string(number)))
	}
}

// Missed implements api.Telephones.
func (t telephones) Missed() (list []api.MissedCall) {
	for _, m := range t.a.features.Missed() {
		list = append(list, api.MissedCall{Line: m.Line, Number: api.Text(m.Number), Name: api.Text(m.Name), At: api.At(m.At)})
	}
	return list
}

// ForgetMissed implements api.Telephones.
func (t telephones) ForgetMissed() error { return t.a.features.ForgetMissed() }
