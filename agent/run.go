package agent

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Times for an end that does not come by itself.
const (
	flushTime = time.Second            // for the log's reader to take the last lines
	killTime  = 500 * time.Millisecond // from the second signal to the end of waiting
)

// ErrKilled is the end by a second signal of an agent that hung: the process is to end
// without another word, since whatever it says may hang as well.
var ErrKilled = errors.New("ended by force")

// RunWithSignals is the foreground program: SIGHUP reads the configuration again, SIGTERM
// and SIGINT drain and end, a second one ends at once. It also ends, in good order, when ctx
// does. An agent that was asked to (Restart) gives way to a new one, made of the files. It owns
// the writing of the log, which nobody waits for.
func RunWithSignals(ctx context.Context, o Options) error {
	ends := make(chan os.Signal, 2)
	signal.Notify(ends, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(ends)
	// A reload takes its time, and must not keep anybody from ending the agent. One that
	// waits is enough: it reads what is there by then.
	reloads := make(chan os.Signal, 1)
	signal.Notify(reloads, syscall.SIGHUP)
	defer signal.Stop(reloads)
	// Whoever reads the log may end; calls need not end with him.
	signal.Ignore(syscall.SIGPIPE)
	return run(ctx, o, ends, reloads)
}

// RunUntil is RunWithSignals without the signals: it ends when ctx does.
func RunUntil(ctx context.Context, o Options) error { return run(ctx, o, nil, nil) }

func run(ctx context.Context, o Options, ends, reloads <-chan os.Signal) error {
	if o.Stderr == nil {
		o.Stderr = os.Stderr
	}
	log := newLogQueue(o.Stderr)
	o.Stderr = log
	for {
		again, err := runUntilSignal(ctx, o, log, ends, reloads)
		if again {
			continue
		}
		if err != ErrKilled {
			flushUnless(log, ends)
		}
		return err
	}
}

// flushUnless waits for the log's reader, unless another signal comes.
func flushUnless(log *logQueue, ends <-chan os.Signal) {
	flushed := make(chan struct{})
	go func() {
		defer close(flushed)
		log.flush(flushTime)
	}()
	select {
	case <-flushed:
	case <-ends:
	}
}

// runUntilSignal is one agent's life; again: another is to follow it.
func runUntilSignal(ctx context.Context, o Options, log *logQueue, ends, reloads <-chan os.Signal) (again bool, err error) {
	a, err := newUnless(o, ends)
	if a == nil {
		return false, err
	}
	a.restarts.Store(mayRestart)
	log.tellsWith(func(n int) { a.log.Warn("log lines lost", "lines", n) })
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	reloading, end := context.WithCancel(context.Background())
	reloader := make(chan struct{})
	go func() {
		defer close(reloader)
		a.reloadOn(reloading, reloads)
	}()
	err = a.endOn(ends, done)
	end()
	if err == ErrKilled {
		return false, err
	}
	select {
	case <-reloader:
	case <-ends:
		return false, ErrKilled
	}
	return a.again(ctx, err), err
}

// newUnless is New, but a signal ends it: no agent and no error, since there is nothing yet
// that would have to end in good order.
func newUnless(o Options, ends <-chan os.Signal) (*Agent, error) {
	type made struct {
		a   *Agent
		err error
	}
	done := make(chan made, 1)
	go func() {
		a, err := New(o)
		done <- made{a, err}
	}()
	select {
	case m := <-done:
		return m.a, m.err
	case <-ends:
		return nil, nil
	}
}

// reloadOn reads the configuration again at each signal.
func (a *Agent) reloadOn(ctx context.Context, reloads <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-reloads:
			_ = a.Reload() // logged
		}
	}
}

// endOn ends the agent at a signal, or waits for its own end. Behind the second signal
// nothing is waited for longer than killTime.
func (a *Agent) endOn(ends <-chan os.Signal, done <-chan error) error {
	var late <-chan time.Time
	for stopping := false; ; stopping = true {
		select {
		case err := <-done:
			return err
		case <-late:
			return ErrKilled
		case s := <-ends:
			a.stays()
			if stopping {
				a.log.Warn("ended at once", "signal", s)
				late = time.After(killTime)
				a.Kill()
				continue
			}
			a.log.Info("ending", "signal", s)
			a.Stop()
		}
	}
}
