package badinput

import (
	"encoding/json"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/netlab"
)

// The commands tell what the control socket tells, and end with the right status.
func TestCommands(t *testing.T) {
	t.Parallel()
	_, host, far, config := good(t)
	a := agent.Start(t, host, config)
	works(t, a, far)
	a.WaitRegistered(patience, 2, "primary")
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"version"}, 0, "tipring"},
		{[]string{"status"}, 0, "1001"},
		{[]string{"lines"}, 0, "registered"},
		{[]string{"ports"}, 0, "idle"},
		{[]string{"calls"}, 0, "600"},
		{[]string{"register", "2"}, 0, ""},
		{[]string{"register", "9"}, 1, "9"},
		{[]string{"call", "--port", "9", "--to", "600"}, 1, "9"},
		{[]string{"help"}, 0, "run "},
		{[]string{"help", "call"}, 0, "--to"},
		{[]string{"nonsense"}, 2, "nonsense"},
		{[]string{"lines", "--nonsense"}, 2, "nonsense"},
	} {
		out, code := a.Command(tt.args...)
		if tt.args[0] == "help" {
			out, code = a.Plain(tt.args...)
		}
		if code != tt.code || !strings.Contains(strings.ToLower(out), strings.ToLower(tt.want)) {
			t.Errorf("tipring %s: exit status %d, want %d and %q:\n%s", strings.Join(tt.args, " "), code, tt.code, tt.want, out)
		}
	}
	for _, what := range []string{"status", "lines", "ports", "calls"} {
		out, code := a.Command(what, "--json")
		var v any
		if err := json.Unmarshal([]byte(out), &v); err != nil || code != 0 {
			t.Errorf("tipring %s --json: exit status %d, %v:\n%s", what, code, err, out)
		}
	}
	var metrics string
	if err := a.Get("/metrics", &metrics); err != nil || !strings.Contains(metrics, "# TYPE tipring_") {
		t.Errorf("/metrics: %v\n%.300s", err, metrics)
	}
	var not *agent.HTTPError
	for path, want := range map[string]int{"/api/v1/lines/9": 404, "/api/v1/nothing": 404} {
		err := a.Get(path, nil)
		if not = nil; !errors.As(err, &not) || not.Status != want || !strings.Contains(not.Body, `"title"`) {
			t.Errorf("GET %s: %v, want %d with a problem document", path, err, want)
		}
	}
	if err := a.Delete("/api/v1/lines"); !errors.As(err, &not) || not.Status != 405 {
		t.Errorf("DELETE /lines: %v, want 405", err)
	}

	// A call as if the telephone had dialled it.
	p := a.Phone("p1")
	before := len(far.Calls())
	if out, code := a.Command("call", "--port", "1", "--to", "600"); code != 0 {
		t.Fatalf("tipring call: exit status %d\n%s", code, out)
	}
	c := far.WaitCall(patience, before+1)
	p.WaitTone(patience, 1000)
	var running string
	for _, call := range a.Calls() {
		if call.Ended == nil {
			running = call.ID
		}
	}
	if err := a.Delete("/api/v1/calls/" + running); err != nil {
		t.Errorf("DELETE of the call: %v", err)
	}
	if !c.Wait("BYE", patience) {
		t.Error("the far end gets no BYE")
	}
}

// Drain: no new calls, the running one goes on, then the end.
func TestDrain(t *testing.T) {
	t.Parallel()
	_, host, far, config := good(t)
	config.Set("device", "drain_s", 60)
	a := agent.Start(t, host, config)
	a.WaitRegistered(patience, 1, "primary")
	p := a.Phone("p1")
	if err := a.Post("/api/v1/ports/1/call", map[string]string{"to": "600"}); err != nil {
		t.Fatal(err)
	}
	c := far.WaitCall(patience, 1)
	p.WaitTone(patience, 1000)
	a.Process.Signal(15)
	var s agent.Status
	if !netlab.Until(patience, func() bool { return a.Get("/api/v1/status", &s) == nil && s.Draining }) {
		t.Errorf("after SIGTERM the status does not say draining: %+v", s)
	}
	if _, status := far.Dial(netip.MustParseAddrPort("10.9.0.1:5060"), "1001", patience); status < 400 {
		t.Errorf("a call into a draining device was answered %d", status)
	}
	if c.Ended() {
		t.Error("the running call was ended")
	}
	p.WaitTone(patience, 1000)
	p.OnHook() // it was lifted by nobody: hang up from the far end
	c.Bye()
	if code, err := a.Wait(patience); code != 0 || err != nil {
		t.Errorf("exit status %d, %v, want 0 once the call is over", code, err)
	}
}
