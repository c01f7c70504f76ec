package frame

import (
	"testing"

	"tipring/webui/api"
)

func TestRefused(t *testing.T) {
	field := &api.Problem{Title: "Unprocessable Entity", Detail: "name is taken", Errors: []api.FieldError{{Detail: "name is taken", Pointer: "#/name"}}}
	for _, tt := range []struct {
		refused        Refused
		wrong, general string
	}{
		{Refused{}, "", ""},
		{Refused{"user", field}, "name is taken", ""},
		{Refused{"token", field}, "", ""},
		{Refused{"user", &api.Problem{Title: "Conflict", Detail: "the last administrator stays"}}, "", "The last administrator stays."},
		{Refused{"user", &api.Problem{Title: "Conflict", Detail: "äußerst voll."}}, "", "Äußerst voll."},
		{Refused{"user", &api.Problem{}}, "", ""},
	} {
		if w, g := tt.refused.Wrong("user", "name"), tt.refused.General("user"); w != tt.wrong || g != tt.general {
			t.Errorf("%+v: %q and %q, want %q and %q", tt.refused, w, g, tt.wrong, tt.general)
		}
	}
}
