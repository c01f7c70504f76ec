package agent

import (
	"strings"
	"testing"
)

// What a telephone cannot have set is told of the member that it is, so that a page shows it there.
func TestARefusedFeatureIsNamed(t *testing.T) {
	r := telephoned(t, "", "")
	for body, at := range map[string]string{
		`{"forward_all":"12a"}`: "#/forward_all", `{"no_answer_s":500}`: "#/no_answer_s", `{"speed_dials":{"3":"12a"}}`: "#/speed_dials/3",
	} {
		w := r.http("PATCH", "/ports/1/features", body, "Content-Type", "application/json")
		if got := w.Body.String(); w.Code != 422 || !strings.Contains(got, `"pointer":"`+at+`"`) || !strings.Contains(got, `"detail":"Wanted: `) {
			t.Errorf("%s: %d %s", body, w.Code, got)
		}
	}
}

// A number is kept as it is dialled, however somebody has written it.
func TestNumbersOfFeaturesAsWritten(t *testing.T) {
	r := telephoned(t, "", "")
	r.http("PATCH", "/ports/1/features", `{"forward_busy":"+1 (555) 123-4567","speed_dials":{"3":"555 1234"}}`, "Content-Type", "application/json")
	got := r.http("GET", "/ports/1/features", "").Body.String()
	if !strings.Contains(got, `"forward_busy":"+15551234567"`) || !strings.Contains(got, `"speed_dials":{"3":"5551234"}`) {
		t.Error(got)
	}
}
