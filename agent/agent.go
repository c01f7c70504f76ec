// Package agent is the device: it reads the configuration, builds the lines, the ports
// and the control socket out of it, keeps them running, and takes them down in good
// order.
//
// The rooms of the program (lines, lines/fxs, webui) do not know each other; here is
// where they meet. The agent itself decides little: which line a port calls over and
// rings for (its number in [portN]), what a change of configuration disturbs, and when
// a drain has nothing left to wait for.
package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"tipring/internal/config"
	"tipring/internal/media"
	"tipring/internal/metrics"
	"tipring/lines/fxs"
	"tipring/webui/api"
)

// Options is what the command line says.
type Options struct {
	Files   config.Files
	Version string
	Stderr  io.Writer // of the log
}

// An Agent is one device.
type Agent struct {
	opts    Options
	log     *slog.Logger
	level   slog.LevelVar
	started time.Time
	running *config.Running
	ident   config.Identity
	dir     string // the state directory

	faults   atomic.Pointer[[]string] // of the configuration that was refused last; nil: none
	draining atomic.Bool
	ending   atomic.Bool // Stop was called
	retrying atomic.Bool // drivers that did not open are tried again soon
	rescued  atomic.Bool // there was no configuration without faults at the start; see Ready

	sip      atomic.Pointer[sip]
	lineList atomic.Pointer[[]*lineUnit]
	portList atomic.Pointer[[]*portUnit]
	tones    atomic.Pointer[fxs.Country] // of the ports
	rtp      *media.Ports
	calls    *callList
	metrics  *metrics.Set

	mu        sync.Mutex // reload, drain and stop, one at a time
	ctx       context.Context
	work      sync.WaitGroup // lines, ports and what belongs to them
	stale     atomic.Bool    // a change of configuration waits for a call to end
	sipStale  bool           // and it is one of [sip]
	drained   chan struct{}
	unsettled chan struct{}   // holds one token after a change; see settle
	patient   context.Context // of the end in good order; Kill cancels it
	kill      context.CancelFunc
	drainOnce sync.Once
}

// New reads the configuration. A file with faults, and no configuration that was good
// before, gives an unconfigured device which shows its faults; only what makes a running
// device impossible is an error.
func New(o Options) (*Agent, error) {
	if o.Stderr == nil {
		o.Stderr = os.Stderr
	}
	debug.SetGCPercent(gcPercent)
	a := &Agent{opts: o, started: time.Now(), calls: newCallList(), metrics: new(metrics.Set), drained: make(chan struct{}), unsettled: make(chan struct{}, 1)}
	a.patient, a.kill = context.WithCancel(context.Background())
	layers, err := o.Files.Layers()
	if err != nil {
		return nil, err
	}
	c, err := config.Load(layers, Checks())
	if err != nil {
		a.setFaults(err)
		a.rescued.Store(true)
		c = config.Rescue(layers)
	}
	a.running = config.NewRunning(c)
	setLevel(&a.level, c.Device)
	a.log = newLog(o.Stderr, c.Device.LogFormat, &a.level)
	a.logFaults()
	a.dir = c.Device.StateDir
	if o.Files.StateDir != "" {
		a.dir = o.Files.StateDir
	}
	if err := os.MkdirAll(a.dir, 0o700); err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	if a.ident, err = c.Device.DetectIdentity("/"); err != nil {
		a.log.Warn("identity not known in full", "err", err)
	}
	if a.rtp, err = media.NewPorts(c.SIP.RTPPortMin, c.SIP.RTPPortMax); err != nil {
		return nil, err
	}
	a.sip.Store(a.newSIP(c))
	a.lineList.Store(&[]*lineUnit{})
	a.portList.Store(&[]*portUnit{})
	a.setMetrics()
	return a, nil
}

func (a *Agent) config() *config.Config { return a.running.Current() }

func (a *Agent) userAgent() string { return "tipring/" + a.opts.Version }

// setFaults keeps what was wrong with a configuration; nil clears it.
func (a *Agent) setFaults(err error) {
	if err == nil {
		a.faults.Store(nil)
		return
	}
	var list []string
	var faults config.Faults
	if errors.As(err, &faults) {
		for _, f := range faults {
			list = append(list, f.String())
		}
	} else {
		list = []string{err.Error()}
	}
	a.faults.Store(&list)
}

func (a *Agent) logFaults() {
	if f := a.faults.Load(); f != nil {
		for _, text := range *f {
			a.log.Error("configuration refused", "fault", text)
		}
	}
	for _, w := range a.config().Warnings {
		a.log.Warn("configuration", "warning", w.String())
	}
}

// Run works the device until ctx is done or a drain that Stop asked for has ended. It
// then hangs up and unregisters, for which servers that do not answer get a few seconds.
func (a *Agent) Run(ctx context.Context) error {
	socket, err := api.ServeSocket(a.dir, api.New(device{a}, a.metrics, a.log).Behind(api.Open{}), a.log)
	if err != nil {
		return err
	}
	asked := ctx
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	a.ctx = ctx
	a.log.Info("started", "version", a.opts.Version, "mac", a.ident.MAC.String(), "state_dir", a.dir)

	a.goWork(func() { a.settle(ctx) })
	a.mu.Lock()
	a.startSIP(ctx)
	a.reconcile()
	a.mu.Unlock()

	select {
	case <-asked.Done():
	case <-a.drained:
	}
	a.stopAll(a.patient)
	cancel()
	err = a.closeSIP()
	a.work.Wait()
	closing, done := context.WithTimeout(context.Background(), time.Second)
	defer done()
	err = errors.Join(err, socket.Close(closing))
	a.log.Info("stopped")
	return err
}

func (a *Agent) goWork(f func()) {
	a.work.Add(1)
	go func() {
		defer a.work.Done()
		f()
	}()
}

// bringUp opens the SIP ports and then starts the lines.
func (a *Agent) bringUp(ctx context.Context, s *sip) {
	if err := a.openSIP(ctx, s); err != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	s.open = true
	for _, u := range *a.lineList.Load() {
		a.startLine(u)
	}
}

// stopAll hangs up and unregisters every line.
func (a *Agent) stopAll(ctx context.Context) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range *a.portList.Load() {
		p.stop()
	}
	a.setPorts(nil)
	var wg sync.WaitGroup
	for _, u := range *a.lineList.Load() {
		wg.Add(1)
		go func() {
			defer wg.Done()
			u.stop(ctx)
		}()
	}
	wg.Wait()
	a.setLines(nil)
}
