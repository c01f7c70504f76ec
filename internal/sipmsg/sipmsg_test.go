package sipmsg

import "testing"

func TestMessageKinds(t *testing.T) {
	m := request(t)
	if !m.IsRequest() || m.IsProvisional() || m.IsSuccess() {
		t.Error("an INVITE is no request")
	}
	if got := m.String(); got != "INVITE sip:600@pbx.example" {
		t.Errorf("got %s", got)
	}
	if got := m.Contact[0].URI.Transport(); got != "udp" {
		t.Errorf("got transport %s", got)
	}
	for code, want := range map[int][2]bool{100: {true, false}, 199: {true, false}, 200: {false, true}, 299: {false, true}, 300: {}, 699: {}} {
		r := m.Response(code, "")
		if r.IsRequest() || r.IsProvisional() != want[0] || r.IsSuccess() != want[1] {
			t.Errorf("%d is taken for another kind", code)
		}
	}
	if got := m.Response(200, "").String(); got != "200 OK (INVITE)" {
		t.Errorf("got %s", got)
	}
	if got := (&Message{}).Branch(); got != "" {
		t.Errorf("got %s", got)
	}
}
