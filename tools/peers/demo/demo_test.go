// Package demo runs tipring demo --once as a stranger would, on a machine that
// has nothing but its loopback interface.
package demo

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/netlab"
)

func TestMain(m *testing.M) { netlab.Main(agent.Build, m.Run) }

func TestOnce(t *testing.T) {
	for _, args := range [][]string{{"demo", "--once"}, {"demo", "--once", "--fast"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			h := netlab.New(t).Host("alone", 1)
			dir := netlab.WorkDir(t)
			from := time.Now()
			p := h.StartEnv(dir, []string{"HOME=/nonexistent"}, agent.Binary(), args...)
			code, err := p.Wait(3 * time.Minute)
			if code != 0 || err != nil {
				t.Errorf("exit status %d, %v:\n%s", code, err, p.Tail(60))
			}
			took := time.Since(from)
			var steps []string
			for line := range strings.Lines(p.Tail(10000)) {
				if f := strings.Fields(line); len(f) >= 3 && f[0] == "step" {
					steps = append(steps, f[1])
					if f[2] != "ok" {
						t.Errorf("%s", strings.TrimSpace(line))
					}
				}
			}
			for _, want := range []string{"provisioned", "registered", "call", "primary-dies", "call-over-backup", "home", "faults-refused", "new-settings",
				"fax-relay", "fax-document", "fax-call-ahead", "fax-in", "fax-accounts", "page-locked", "page-opens", "page-tells", "stop"} {
				if !slices.Contains(steps, want) {
					t.Errorf("no step %s, in %v", want, steps)
				}
			}
			if took > 2*time.Minute {
				t.Errorf("the story took %v, want two minutes at most", took)
			}
			t.Logf("%d steps in %v", len(steps), took.Round(time.Second))
		})
	}
}
