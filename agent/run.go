package agent

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// RunWithSignals is the foreground program: SIGHUP reads the configuration again, SIGTERM
// and SIGINT drain and end, a second one ends at once. It also ends, in good order, when ctx does.
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

	a, err := New(o)
	if err != nil {
		return err
	}
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
	<-reloader
	return err
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

// endOn ends the agent at a signal, or waits for its own end.
func (a *Agent) endOn(ends <-chan os.Signal, done <-chan error) error {
	for stopping := false; ; stopping = true {
		select {
		case err := <-done:
			return err
		case s := <-ends:
			if stopping {
				a.log.Warn("ended at once", "signal", s)
				a.Kill()
				continue
			}
			a.log.Info("ending", "signal", s)
			a.Stop()
		}
	}
}
