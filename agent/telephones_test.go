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
