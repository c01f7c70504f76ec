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
	a, err := New(o)
	if err != nil {
		return err
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(signals)
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	stopping := false
	for {
		select {
		case err := <-done:
			return err
		case s := <-signals:
			switch {
			case s == syscall.SIGHUP:
				_ = a.Reload() // logged
			case stopping:
				a.log.Warn("ended at once", "signal", s)
				a.Kill()
			default:
				a.log.Info("ending", "signal", s)
				stopping = true
				a.Stop()
			}
		}
	}
}
