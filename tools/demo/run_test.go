package demo

import (
	"bytes"
	"context"
	"flag"
	"os"
	"strings"
	"testing"

	"tipring/agent"
	"tipring/internal/config"
)

// runAgent is tipring run without its signals.
func runAgent(log *bytes.Buffer) func(ctx context.Context, args []string) error {
	return func(ctx context.Context, args []string) error {
		var files config.Files
		f := flag.NewFlagSet(args[0], flag.ContinueOnError)
		f.StringVar(&files.File, "c", "", "")
		f.StringVar(&files.Factory, "factory", "", "")
		f.StringVar(&files.StateDir, "state-dir", "", "")
		if err := f.Parse(args[1:]); err != nil {
			return err
		}
		a, err := agent.New(agent.Options{Files: files, Version: "test", Stderr: log})
		if err != nil {
			return err
		}
		return a.Run(ctx)
	}
}

// The whole story, with the agent in this process.
func TestOnce(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var out, log bytes.Buffer
	status := Run(t.Context(), Options{Once: true, Fast: true, Out: &out, Agent: runAgent(&log)})
	t.Logf("told:\n%s", out.String())
	if status != 0 {
		t.Errorf("exit status %d, want 0; the agent logged:\n%s", status, log.String())
	}
	steps := aStory(t, Options{}).steps()
	steps = append(steps, step{name: "stop"})
	told := 0
	for line := range strings.Lines(out.String()) {
		if !strings.HasPrefix(line, "step ") {
			continue
		}
		if told < len(steps) && strings.TrimSpace(line) != "step "+steps[told].name+" ok" {
			t.Errorf("%s, want step %s ok", strings.TrimSpace(line), steps[told].name)
		}
		told++
	}
	if told != len(steps) {
		t.Errorf("%d steps, want %d", told, len(steps))
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}
