//go:build !nodemo

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"tipring/agent"
	"tipring/agent/cli"
	"tipring/tools/demo"
)

// tell runs the demo. Its agent is this same program in the same process; what it logs
// is shown when a step failed. Whatever asks it to end, a second signal excepted, it
// clears up behind itself.
func tell(o cli.DemoOptions) error {
	asked, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	context.AfterFunc(asked, stop) // so that the next one has its usual effect
	signal.Ignore(syscall.SIGPIPE)
	ctx, unheard := context.WithCancelCause(asked)
	defer unheard(nil)
	log := &tail{}
	status := demo.Run(ctx, demo.Options{
		Once: o.Once, Fast: o.Fast, Dir: o.Dir, Out: audience{o.Stdout, unheard},
		Agent: func(ctx context.Context, args []string) error { return runUntil(ctx, args, log) },
	})
	switch {
	case status == 0:
		return nil
	case asked.Err() != nil:
		return errors.New("interrupted")
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case len(log.Bytes()) == 0:
		return errors.New("a step failed")
	}
	fmt.Fprintf(os.Stderr, "%s", log.Bytes())
	return errors.New("a step failed; the agent's log is above")
}

// An audience ends the story when nobody can hear it any more.
type audience struct {
	w       io.Writer
	unheard func(error)
}

// Write writes, and tells when that does not work.
func (a audience) Write(p []byte) (int, error) {
	n, err := a.w.Write(p)
	if err != nil {
		a.unheard(err)
	}
	return n, err
}

// runUntil runs the agent of a command line until ctx is done.
func runUntil(ctx context.Context, args []string, log io.Writer) error {
	var failed error
	status := cli.Main(args, io.Discard, log, cli.Hooks{
		Version: version,
		Checks:  agent.Checks(),
		Run: func(o cli.RunOptions) error {
			failed = agent.RunUntil(ctx, agent.Options{Files: o.Files, Version: version, Stderr: log})
			return failed
		},
	})
	if status != 0 && failed == nil {
		return fmt.Errorf("tipring %s: exit status %d", strings.Join(args, " "), status)
	}
	return failed
}

// A tail keeps the end of a log.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

const tailSize = 64 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if extra := len(t.buf) - tailSize; extra > 0 {
		t.buf = append(t.buf[:0], t.buf[extra:]...)
	}
	return len(p), nil
}

func (t *tail) Bytes() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf
}
