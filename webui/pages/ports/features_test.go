package ports

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"tipring/webui/api"
	"tipring/webui/pages/fixture"
)

// handset is what the telephone of port 1 has set.
type handset struct {
	changed []api.FeatureChange
	err     error
}

func (h *handset) Features(port int) (api.Features, error) {
	if port != 1 {
		return api.Features{}, fmt.Errorf("port %d: %w", port, api.ErrNotFound)
	}
	return api.Features{
		Port: 1, ForwardAll: "5551234", NoAnswerS: 20, DND: true, CallWaiting: true, SpeedDials: map[string]string{"3": "603"},
		Codes: []api.StarCode{{Name: "forward_all", Code: "*72"}, {Name: "menu", Code: "***"}},
	}, nil
}

func (h *handset) ChangeFeatures(_ int, c api.FeatureChange) error {
	h.changed = append(h.changed, c)
	return h.err
}

func (h *handset) Missed() []api.MissedCall { return nil }
func (h *handset) ForgetMissed() error      { return nil }

// A telephone's card says what is set that could be forgotten, and has a form with all of it;
// ports without a telephone have none.
func TestFeaturesShown(t *testing.T) {
	d := newDevice()
	d.handset = new(handset)
	w := d.visit(fixture.User, httptest.NewRequest("GET", "/ports", nil))
	has(t, card(t, w, 1), "All calls are forwarded to 5551234.", "Do not disturb: calls are refused as busy.", `action="/ports/1/features"`,
		`<label for="forward_all-1">`, `value="5551234"`, `value="20"`, `value="603"`, "Forward all calls", ">***<")
	lacks(t, card(t, w, 2), "/ports/2/features")
	if w := d.visit(fixture.User, httptest.NewRequest("GET", "/ports/1/features", nil)); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/ports#port-1" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

// The form is taken whole: what is not ticked is off. What was refused is shown again, with the
// reason.
func TestFeaturesSet(t *testing.T) {
	d := newDevice()
	d.handset = new(handset)
	form := url.Values{"forward_all": {" 600 "}, "no_answer_s": {"30"}, "hide_number": {"1"}, "speed_3": {""}, "speed_4": {"604"}}
	if w := d.post("/ports/1/features", form); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/ports#port-1" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	c := d.handset.changed[0]
	if *c.ForwardAll != "600" || *c.ForwardBusy != "" || *c.NoAnswerS != 30 || !*c.HideNumber || *c.DND || *c.CallWaiting || c.SpeedDials["3"] != "" || c.SpeedDials["4"] != "604" {
		t.Errorf("%+v", c)
	}
	d.handset.err = fmt.Errorf("not <there>: %w", api.ErrInvalid)
	w := d.post("/ports/1/features", form)
	has(t, card(t, w, 1), `role="alert"`, "not &lt;there&gt;", `value="600"`, `value="604"`, "Forward all calls", `<details class="more" open>`)
	if w.Code != 422 {
		t.Errorf("refused by %d", w.Code)
	}
	d.handset.err = &api.Problem{Status: 422, Detail: `port 1: forward_all = "12a": want a number`, Errors: []api.FieldError{{Pointer: "#/speed_dials/4", Detail: "Wanted: a number."}}}
	w = d.post("/ports/1/features", form)
	has(t, card(t, w, 1), `id="speed_4-1-error"`, "Wanted: a number.", `<details class="more" open><summary>Speed dials`)
	lacks(t, card(t, w, 1), `role="alert"`)
	lacks(t, card(t, w, 1), "forward_all =")
	if w := d.post("/ports/9/features", form); w.Code != 404 {
		t.Errorf("no such port: %d", w.Code)
	}
}
