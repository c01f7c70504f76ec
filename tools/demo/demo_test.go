package demo

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tipring/internal/config"
	"tipring/internal/faxback"
	"tipring/provisioning/format"
	"tipring/tools/lab"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func aStory(t *testing.T, o Options) *story {
	t.Helper()
	s, err := newStory(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What the agent's maker, its directory and its file say together is without a fault.
func TestConfiguration(t *testing.T) {
	for _, fast := range []bool{false, true} {
		s := aStory(t, Options{Fast: fast})
		if _, err := s.startLab(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer s.end()
		file, factory, err := s.writeFiles()
		if err != nil {
			t.Fatal(err)
		}
		layers, err := config.Files{File: file, Factory: factory, StateDir: s.stateDir()}.Layers()
		if err != nil {
			t.Fatal(err)
		}
		read, err := format.Read([]byte(s.settings(telephone)))
		if err != nil || len(read.Notes) > 0 {
			t.Fatalf("%v, not understood: %v", err, read.Notes)
		}
		var numbers faxback.Provisioned
		for _, u := range users {
			numbers.DIDs = append(numbers.DIDs, faxback.DID{Number: u.number, Line: faxback.Unsaid})
		}
		told, notes := numbers.Settings(len(users))
		if len(notes) > 0 {
			t.Errorf("notes: %v", notes)
		}
		layers = append(layers, config.SettingsLayer("radius", told), read.Layer("file"))
		c, err := config.Load(layers, config.Checks{})
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Warnings) > 0 {
			t.Errorf("warnings: %v", c.Warnings)
		}
		if len(c.Lines) != len(users) || len(c.Ports) != len(users) {
			t.Errorf("%d lines and %d ports, want %d of each", len(c.Lines), len(c.Ports), len(users))
		}
		if l := c.Line(2); l == nil || l.AuthPassword != users[1].password || l.BackupAddr == l.RegisterAddr {
			t.Error("line 2 does not have the user's password, or not two servers")
		}
		for n, want := range map[int]string{1: "phone", 2: "phone", relayPort: "fax relay", storePort: "fax spool always", boxPort: "fax none"} {
			p := c.Port(n)
			got := p.Kind
			if got == "fax" {
				got += map[bool]string{true: " none", false: " " + p.FaxMode}[p.Driver.Name == "none"]
			}
			if p.FaxMode == "spool" {
				got += " " + p.CallAhead
			}
			if got != want || p.Line != n || p.ANI != users[n-1].number {
				t.Errorf("port %d is %s of line %d with number %s, want %s", n, got, p.Line, p.ANI, want)
			}
		}
	}
}

// A step is one line that programs read, and sentences behind two blanks.
func TestSteps(t *testing.T) {
	fail := func(err error) func(context.Context) (string, error) {
		return func(context.Context) (string, error) { return "", err }
	}
	tests := []struct {
		name string
		step step
		want string
		ok   bool
	}{
		{"works", step{"one", "Before.", time.Second, func(context.Context) (string, error) { return "After.", nil }},
			"  Before.\nstep one ok\n  After.\n", true},
		{"fails", step{"two", "", time.Second, fail(errors.New("first line\nsecond line"))},
			"step two FAIL first line second line\n", false},
		{"takes too long", step{"three", "", time.Millisecond, func(ctx context.Context) (string, error) { <-ctx.Done(); return "", ctx.Err() }},
			"step three FAIL not within 1ms: context deadline exceeded\n", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			s := aStory(t, Options{Out: &out})
			if ok := s.take(t.Context(), tt.step); ok != tt.ok || out.String() != tt.want {
				t.Errorf("%v and %q, want %v and %q", ok, out.String(), tt.ok, tt.want)
			}
		})
	}
}

// What goes on beside the story is waited for by a step, and ends with the story.
func TestErrand(t *testing.T) {
	e := errand{done: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.await(ctx); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "not through") {
		t.Errorf("waited for an errand: %v", err)
	}
	e.sentence, e.err = "Done.", errors.New("but how")
	close(e.done)
	if sentence, err := e.await(t.Context()); sentence != "Done." || err != e.err {
		t.Errorf("%q and %v", sentence, err)
	}
	new(errands).end() // not begun
}

// What fails is said, ends the story, and leaves nothing behind.
func TestAgentThatFails(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	tests := []struct {
		name  string
		agent func(ctx context.Context, args []string) error
		want  string
	}{
		{"at once", func(context.Context, []string) error { return errors.New("no luck today") },
			`step agent-up FAIL the agent has ended: no luck today`},
		{"without an error", func(context.Context, []string) error { return nil },
			`step agent-up FAIL the agent has ended`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			if status := Run(t.Context(), Options{Once: true, Fast: true, Out: &out, Agent: tt.agent}); status != 1 {
				t.Errorf("exit status %d, want 1", status)
			}
			if !strings.Contains(out.String(), tt.want+"\n") {
				t.Errorf("told\n%swant %s", out.String(), tt.want)
			}
			if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v %v", left, err)
			}
		})
	}
}

// Ctrl-C ends the story wherever it is.
func TestInterrupted(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	var out bytes.Buffer
	var args []string
	agent := func(ctx context.Context, a []string) error {
		args = a
		cancel()
		<-ctx.Done()
		return nil
	}
	if status := Run(ctx, Options{Fast: true, Out: &out, Agent: agent}); status != 1 {
		t.Errorf("exit status %d, want 1", status)
	}
	want := regexp.MustCompile(`(?s)^web http://127\.0\.0\.1:\d+\nstep lab ok\n  Two SIP servers .*\n  Stopped while at agent-up\.\nstep stop ok\n`)
	if !want.MatchString(out.String()) {
		t.Errorf("told\n%s", out.String())
	}
	if got := strings.Join(args, " "); !regexp.MustCompile(`^run -c \S+/tipring\.ini --factory \S+/factory\.ini --state-dir \S+/state$`).MatchString(got) {
		t.Errorf("the agent was started with %q", got)
	}
}

func TestJournal(t *testing.T) {
	j := newJournal()
	j.add(lab.Event{Kind: lab.HungUp})
	place := j.now()
	hungUp := func(e lab.Event) bool { return e.Kind == lab.HungUp }
	ctx, cancel := context.WithCancel(t.Context())
	found := make(chan error)
	go func() { found <- j.wait(ctx, place, hungUp) }()
	j.add(lab.Event{Kind: lab.Calling})
	j.add(lab.FileEvent{Scheme: "tftp", Status: 200})
	j.add(lab.Event{Kind: lab.HungUp})
	if err := <-found; err != nil {
		t.Errorf("the second hang-up was not seen: %v", err)
	}
	cancel()
	if err := j.wait(ctx, j.now(), hungUp); !errors.Is(err, context.Canceled) {
		t.Errorf("waited for nothing: %v", err)
	}
	if err := j.waitAny(ctx, place, fetched("https")); !errors.Is(err, context.Canceled) {
		t.Errorf("a file was fetched by HTTPS: %v", err)
	}
	if err := j.waitAny(ctx, place, fetched("tftp")); err != nil {
		t.Errorf("the file was not seen: %v", err)
	}
	if err := j.wait(ctx, 0, hungUp); err != nil {
		t.Errorf("the first hang-up was not seen: %v", err)
	}
}

func TestLoopbackOnly(t *testing.T) {
	s := aStory(t, Options{})
	if _, err := s.startLab(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer s.end()
	if _, _, err := s.writeFiles(); err != nil {
		t.Fatal(err)
	}
	for _, field := range regexp.MustCompile(`\d+\.\d+\.\d+\.\d+`).FindAllString(s.factory()+s.settings(telephone), -1) {
		if !netip.MustParseAddr(field).IsLoopback() {
			t.Errorf("%s is in the configuration", field)
		}
	}
}
