package ports

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"tipring/webui/api"
	"tipring/webui/frame"
	"tipring/webui/words"
)

// A telephone is what one has set, as its form shows it.
type telephone struct {
	api.Features
	speed [10]string
}

// telephones asks what those of the ports have set that are telephones'.
func (p page) telephones(r *http.Request, ports []api.Port) map[int]*telephone {
	all := map[int]*telephone{}
	for _, port := range ports {
		t := new(telephone)
		if port.Kind != "phone" || p.API.Ask(r, api.Question{Path: features(strconv.Itoa(port.Port))}).Into(&t.Features) != nil {
			continue
		}
		for d := range t.speed {
			t.speed[d] = t.SpeedDials[strconv.Itoa(d)]
		}
		all[port.Port] = t
	}
	return all
}

// telephone is what a port's form shows: what was typed, else what is set; nil: it has none.
func (s sight) telephone(p api.Port) *telephone {
	t := s.phones[p.Port]
	if t != nil && s.typed != nil && p.Port == s.port {
		s.typed.Codes = t.Codes
		return s.typed
	}
	return t
}

// about is what is wrong with one field of the form of a port's features that came back, by the
// member that it is.
func (s sight) about(p api.Port, member string) string {
	if s.typed == nil || p.Port != s.port {
		return ""
	}
	return frame.Refused{Form: "features", Problem: s.wrong}.Wrong("features", member)
}

// general is what is wrong with a form of a port that came back, and stands beside no field.
func (s sight) general(p api.Port) string {
	if s.wrong == nil || p.Port != s.port || s.typed != nil && len(s.wrong.Errors) > 0 {
		return ""
	}
	return s.wrong.Error()
}

// wrongDial reports that a speed dial was refused.
func (s sight) wrongDial(p api.Port) bool {
	for d := range 10 {
		if s.about(p, dial(d)) != "" {
			return true
		}
	}
	return false
}

func dial(digit int) string { return "speed_dials/" + strconv.Itoa(digit) }

func features(port string) string { return "/api/v1/ports/" + url.PathEscape(port) + "/features" }

// set takes the form of a telephone's features.
func (p page) set(w http.ResponseWriter, r *http.Request) {
	s := about(r)
	t := formOf(r)
	text, _ := json.Marshal(t.body(r)) // of texts, a number and truths: cannot fail
	reply := p.API.Ask(r, api.Question{Method: http.MethodPatch, Path: features(r.PathValue("n")), Body: bytes.NewReader(text)})
	if s.wrong = reply.Problem; s.wrong != nil {
		s.typed = t
		p.show(w, r, reply.Status, s)
		return
	}
	p.back(w, r)
}

// back leads to the port.
func (p page) back(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "/ports#port-"+strconv.Itoa(about(r).port), http.StatusSeeOther)
}

// formOf is what was typed.
func formOf(r *http.Request) *telephone {
	t := new(telephone)
	for _, f := range t.numbers(context.Background()) {
		*f.of = api.Text(strings.TrimSpace(r.PostFormValue(f.name)))
	}
	for _, f := range t.switches(context.Background()) {
		*f.of = r.PostFormValue(f.name) == "1"
	}
	t.NoAnswerS, _ = strconv.Atoi(r.PostFormValue("no_answer_s")) // what is no number is 0, which is refused
	for d := range t.speed {
		t.speed[d] = strings.TrimSpace(r.PostFormValue("speed_" + strconv.Itoa(d)))
	}
	return t
}

// body is the form as the interface takes it.
func (t *telephone) body(r *http.Request) map[string]any {
	body := map[string]any{"no_answer_s": t.NoAnswerS}
	for _, f := range t.numbers(r.Context()) {
		body[f.name] = string(*f.of)
	}
	for _, f := range t.switches(r.Context()) {
		body[f.name] = *f.of
	}
	speed := map[string]string{}
	for d, number := range t.speed {
		speed[strconv.Itoa(d)] = number
	}
	body["speed_dials"] = speed
	return body
}

// A control is one of the form.
type control[T any] struct {
	name, label string
	of          *T
}

func (t *telephone) numbers(ctx context.Context) []control[api.Text] {
	return []control[api.Text]{
		{"forward_all", words.T(ctx, "Forward all calls to"), &t.ForwardAll},
		{"forward_busy", words.T(ctx, "Forward when busy to"), &t.ForwardBusy},
		{"forward_no_answer", words.T(ctx, "Forward when nobody answers to"), &t.ForwardNoAnswer},
	}
}

func (t *telephone) switches(ctx context.Context) []control[bool] {
	return []control[bool]{
		{"dnd", words.T(ctx, "Do not disturb"), &t.DND},
		{"hide_number", words.T(ctx, "Hide the number"), &t.HideNumber},
		{"reject_anonymous", words.T(ctx, "Refuse callers who hide"), &t.RejectAnonymous},
		{"call_waiting", words.T(ctx, "Call waiting"), &t.CallWaiting},
	}
}

// said are the sentences about what is set that somebody could have forgotten.
func (t *telephone) said(ctx context.Context) (list []string) {
	if t.ForwardAll != "" {
		list = append(list, words.T(ctx, "All calls are forwarded to %s.", string(t.ForwardAll)))
	}
	if t.DND {
		list = append(list, words.T(ctx, "Do not disturb: calls are refused as busy."))
	}
	return list
}

func ticked(on bool) string {
	if on {
		return "1"
	}
	return ""
}

// deeds are the words for what star codes do.
var deeds = frame.Words{
	{"forward_all", n("Forward all calls")}, {"forward_all_off", n("Forward all calls: off")},
	{"forward_busy", n("Forward when busy")}, {"forward_busy_off", n("Forward when busy: off")},
	{"forward_no_answer", n("Forward when nobody answers")}, {"forward_no_answer_off", n("Forward when nobody answers: off")},
	{"dnd", n("Do not disturb")}, {"dnd_off", n("Do not disturb: off")},
	{"hide_once", n("Hide the number in the next call")}, {"show_once", n("Show the number in the next call")},
	{"hide", n("Hide the number")}, {"hide_off", n("Hide the number: off")},
	{"reject_anonymous", n("Refuse callers who hide")}, {"reject_anonymous_off", n("Refuse callers who hide: off")},
	{"no_waiting_once", n("No call waiting in the next call")}, {"no_waiting", n("Call waiting: off")}, {"no_waiting_off", n("Call waiting")},
	{"call_return", n("Call the last caller")}, {"redial", n("Dial the last number again")},
	{"set_speed_dial", n("Keep a speed dial: then a digit and the number")}, {"speed_dial", n("Speed dial: then the digit")},
	{"voice_mail", n("Hear voice messages")}, {"transfer", n("Send the held call to a number")}, {"conference", n("Call somebody who joins the held call")}, {"menu", n("Voice menu")},
}
