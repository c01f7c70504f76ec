// Package demo runs tipring demo --once as a stranger would, on a machine that
// has nothing but its loopback interface.
package demo

import (
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
			steps := 0
			for line := range strings.Lines(p.Tail(10000)) {
				if f := strings.Fields(line); len(f) >= 3 && f[0] == "step" {
					steps++
					if f[2] != "ok" {
						t.Errorf("%s", strings.TrimSpace(line))
					}
				}
			}
			if steps < 5 {
				t.Errorf("%d steps, want the whole story: registered, a call, the outage, a call through the backup, home again", steps)
			}
			t.Logf("%d steps in %v", steps, took.Round(time.Second))
		})
	}
}
