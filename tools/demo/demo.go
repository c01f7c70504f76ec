// Package demo is `tipring demo`: the whole product on one machine, without hardware and
// without leaving loopback. It stands up a lab (package lab), runs an agent that has its
// lines from the lab's RADIUS and file servers, puts two simulated telephones on the
// agent's line-card sockets, and tells step by step what happens when a server dies, and
// when settings change.
//
// The agent is watched from outside only, as its operators and its callers do: over the
// control socket, by telephone, and in what the lab's servers get to hear.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Options is the command line of tipring demo.
type Options struct {
	Once bool      // end after the story; else stay up until the context is done
	Fast bool      // small timers
	Dir  string    // where the demo's own directory is made; empty: where the system has such
	Out  io.Writer // of the story

	// Agent runs an agent until its context is done: args are a command line of this
	// program, run -c FILE --factory FILE --state-dir DIR. It then has hung up and unregistered.
	Agent func(ctx context.Context, args []string) error
}

// Run tells the story and returns the exit status: 0 if every step worked.
func Run(ctx context.Context, o Options) int {
	s, err := newStory(o)
	if err != nil {
		_, _ = fmt.Fprintf(o.Out, "step page FAIL %s\n", oneLine(err))
		return 1
	}
	s.printf("web http://%s\n", s.page.addr)
	ok := s.tell(ctx)
	if !o.Once && ctx.Err() == nil {
		s.stay(ctx)
	}
	if !s.end() || !ok {
		return 1
	}
	return 0
}

// A step is one line of the story, with its sentences.
type step struct {
	name  string
	first string        // told before, where it takes a while; may be empty
	limit time.Duration // how long it may take
	do    func(ctx context.Context) (sentence string, err error)
}

// tell tells the story. A step that fails ends it: what follows builds on it.
func (s *story) tell(ctx context.Context) bool {
	for _, st := range s.steps() {
		if !s.take(ctx, st) {
			return false
		}
	}
	s.told = true
	return true
}

// take takes one step.
func (s *story) take(ctx context.Context, st step) bool {
	if st.first != "" {
		s.say(st.first)
	}
	within, cancel := context.WithTimeout(ctx, st.limit)
	defer cancel()
	sentence, err := st.do(within)
	switch {
	case err == nil:
		s.printf("step %s ok\n", st.name)
		s.say(sentence)
		return true
	case ctx.Err() != nil:
		s.say("Stopped while at " + st.name + ".")
	case errors.Is(err, context.DeadlineExceeded):
		s.printf("step %s FAIL not within %v: %s\n", st.name, st.limit, oneLine(err))
	default:
		s.printf("step %s FAIL %s\n", st.name, oneLine(err))
	}
	return false
}

// say tells people something.
func (s *story) say(sentence string) {
	if sentence != "" {
		s.printf("  %s\n", sentence)
	}
}

// printf tells it to Out. There is nobody else to tell if that does not work.
func (s *story) printf(format string, args ...any) {
	_, _ = fmt.Fprintf(s.opts.Out, format, args...)
}
