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
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"tipring/agent/features"
	"tipring/internal/capture"
	"tipring/internal/config"
	"tipring/internal/config/generations"
	"tipring/internal/media"
	"tipring/internal/metrics"
	"tipring/internal/syslog"
	"tipring/internal/unixsocket"
	"tipring/lines"
	"tipring/lines/fxs"
	"tipring/provisioning"
	"tipring/webui/api"
	"tipring/webui/pages"
)

// Options is what the command line says.
type Options struct {
	Files   config.Files
	Version string
	Stderr  io.Writer // of the log
}

// An Agent is one device.
type Agent struct {
	opts        Options
	log         *slog.Logger
	level       slog.LevelVar
	format      string // of the log
	syslog      *syslog.Sink
	book        logbook
	mail        mailList
	texts       texts
	emergencies lines.Emergencies
	warned      warningBook
	started     time.Time
	running     *config.Running
	ident       atomic.Pointer[config.Identity]
	dir         string // the state directory
	store       *generations.Store
	keeper      *provisioning.Keeper
	clock       *clock
	radius      radius
	accounts    accounting
	login       login
	page        page
	fax         faxing
	features    *features.Book
	guard       features.Guard
	answers     answers

	refused  error                    // an edit of local.ini, at the start
	faults   atomic.Pointer[[]string] // of the configuration that was refused last; nil: none
	draining atomic.Bool
	ending   atomic.Bool  // Stop was called
	restarts atomic.Int32 // what follows the end; see Restart
	retrying atomic.Bool  // drivers that did not open are tried again soon
	rescued  atomic.Bool  // there was no configuration without faults at the start; see Ready

	sip      atomic.Pointer[sip]
	lineList atomic.Pointer[[]*lineUnit]
	portList atomic.Pointer[[]*portUnit]
	tones    atomic.Pointer[fxs.Country] // of the ports
	rtp      atomic.Pointer[media.Ports]
	sockets  unixsocket.Keeper
	calls    *callList
	traces   *capture.Store
	events   *hub
	metrics  *metrics.Set

	ctx    context.Context // done when Run has ended
	cancel context.CancelFunc
	work   sync.WaitGroup // lines, ports and what belongs to them

	turn     sync.Mutex // whoever changes lines and ports, from beginning to end; before mu
	mu       sync.Mutex // what follows, and the lists of lines and ports
	up       bool       // between the start and the end of Run
	rtpRange [2]int     // of rtp
	pending  map[string]*change
	opening  *config.Change // of [sip], whose ports are not open yet; nil: none
	waits    waits
	waiting  atomic.Pointer[[]api.Waiting] // waits, as they are shown
	stale    atomic.Bool                   // something waits for a call or a telephone; see rested
	resting  atomic.Bool                   // rested is about to look
	clear    atomic.Pointer[string]        // secretsInClear, of what is in force
	lineSets atomic.Int32                  // how often lineList became another one

	drained   chan struct{}
	unsettled chan struct{}   // holds one token after a change; see settle
	patient   context.Context // of the end in good order; Kill cancels it
	kill      context.CancelFunc
	drainOnce sync.Once
}

// New reads the configuration. An installed file with faults gives way to the one that loaded
// last; without any, the device is unconfigured. Both show the faults; only what makes a
// running device impossible is an error.
func New(o Options) (*Agent, error) {
	if o.Stderr == nil {
		o.Stderr = os.Stderr
	}
	debug.SetGCPercent(gcPercent)
	a := &Agent{
		opts: o, started: time.Now(), calls: newCallList(), traces: capture.New(), metrics: new(metrics.Set), pending: map[string]*change{}, clock: newClock(),
		drained: make(chan struct{}), unsettled: make(chan struct{}, 1),
	}
	a.calls.forget = a.traces.Forget
	a.events = newHub(resources{a})
	a.events.recent, a.book.follow = a.book.all, a.events.log
	a.ctx, a.cancel = context.WithCancel(context.Background())
	a.patient, a.kill = context.WithCancel(context.Background())
	installed, err := o.Files.Installed()
	if err != nil {
		return nil, err
	}
	device := config.Rescue(installed).Device
	a.format = device.LogFormat
	a.syslog, a.log = newSyslog(newLog(o.Stderr, a.format, &a.level), &a.book, &a.level)
	setLevel(&a.level, device)
	a.dir = o.Files.StateDirOf(installed)
	if err := a.open(); err != nil {
		a.syslog.Close(syslogTime)
		return nil, err
	}
	return a, nil
}

// open takes the state directory and loads the configuration.
func (a *Agent) open() error {
	if err := os.MkdirAll(a.dir, 0o700); err != nil {
		return fmt.Errorf("state directory: %w", err)
	}
	if err := a.openStore(); err != nil {
		return err
	}
	if err := a.load(); err != nil {
		return errors.Join(err, a.store.Close())
	}
	return nil
}

// load makes the agent's configuration of the files and of the generation that is current.
func (a *Agent) load() error {
	b, err := a.asUsable(a.current())
	if err != nil {
		return err
	}
	c, err := config.Load(b.layers, Checks())
	if err != nil {
		a.rescued.Store(true)
		c = config.Rescue(b.layers)
	}
	a.setFaults(cmp.Or(err, b.refused, a.refused))
	a.running = config.NewRunning(c)
	a.configured(c.Device)
	a.logFaults()
	if !a.rescued.Load() {
		a.keep(b)
	}
	a.readRadiusFiles()
	a.noteClear(b.layers)
	if err := a.setRTP(c.SIP); err != nil {
		return err
	}
	a.sip.Store(a.newSIP(c))
	a.lineList.Store(&[]*lineUnit{})
	a.portList.Store(&[]*portUnit{})
	a.keeper = a.newKeeper()
	a.openAccounting()
	a.openFaxes()
	a.openDesk()
	a.openFeatures()
	a.openTexts()
	a.resumeRestore()
	a.setMetrics()
	return nil
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

// logFaults tells what was wrong with the configuration that was read last, and what of
// the one in force is passed over.
func (a *Agent) logFaults() {
	if f := a.faults.Load(); f != nil {
		for _, text := range *f {
			a.log.Error("configuration refused", "fault", text)
		}
		return
	}
	var later []string
	for _, w := range a.config().Warnings {
		if w.Later != "" {
			later = append(later, "["+w.Section+"] "+w.Key)
			continue
		}
		a.log.Warn("configuration", "warning", w.String())
	}
	if later != nil {
		a.log.Warn("configuration accepted, not yet acted on", "keys", strings.Join(later, ", "))
	}
}

// Run works the device until ctx is done or a drain that Stop asked for has ended. It
// then hangs up and unregisters, for which servers that do not answer get a few seconds.
func (a *Agent) Run(ctx context.Context) error {
	routes := api.New(device{a}, a.metrics, a.log)
	routes.HandleSettings(settings{a})
	routes.HandleRadius(directory{a})
	routes.HandleFaxes(faxes{a})
	routes.HandleTraces(tracing{a})
	routes.HandleEvents(a.events)
	routes.HandleSystem(systems{a})
	routes.HandleTelephones(telephones{a})
	routes.HandleBackups(backups{a})
	a.openWeb(routes)
	pages.Add(routes, a.zone)
	socket, err := api.ServeSocket(&a.sockets, a.dir, routes.Behind(api.Open{}), a.log)
	switch {
	case unwritable(err):
		// Flash that has become read-only is no reason to be no telephone any more.
		a.log.Error("no control socket: commands do not reach this agent", "err", err)
	case err != nil:
		a.cancel()
		a.syslog.Close(syslogTime)
		return errors.Join(err, a.store.Close())
	}
	a.log.Info("started", "version", a.opts.Version, "mac", a.names().MAC, "state_dir", a.dir)

	a.goWork(func() { a.settle(a.ctx) })
	a.bringIn()
	a.goWork(func() { a.keeper.Run(a.ctx) })
	a.runAccounting()
	a.runFaxes()
	a.logIn()
	a.serveWeb()

	select {
	case <-ctx.Done():
	case <-a.drained:
	}
	a.endFaxes(a.patient)
	a.stopAll(a.patient)
	a.cancel()
	a.events.close() // a stream would keep the page open
	a.closeWeb()
	a.closeRadius()
	a.closeAccounting()
	err = a.closeSIP()
	a.work.Wait()
	err = errors.Join(err, a.closeSocket(socket), a.closeFaxes(), a.store.Close())
	a.closeJournal()
	_ = a.features.Close() // the log has what is wrong
	a.sockets.Close()
	a.log.Info("stopped")
	a.syslog.Close(syslogTime)
	return err
}

// unwritable reports an error that says that the disk takes nothing.
func unwritable(err error) bool {
	return errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EIO)
}

// closeSocket ends the control socket, if there is one. A request that is still being worked
// on then is cut short, and no reason to end in bad order.
func (a *Agent) closeSocket(socket *api.Socket) error {
	if socket == nil {
		return nil
	}
	closing, done := context.WithTimeout(context.Background(), time.Second)
	defer done()
	err := socket.Close(closing)
	if errors.Is(err, context.DeadlineExceeded) {
		a.log.Warn("requests at the control socket were cut short")
		return nil
	}
	return err
}

func (a *Agent) goWork(f func()) {
	a.work.Add(1)
	go func() {
		defer a.work.Done()
		f()
	}()
}

// bringIn makes the lines and the ports of the configuration.
func (a *Agent) bringIn() {
	a.turn.Lock()
	defer a.turn.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.up = true
	a.startSIP(a.ctx)
	a.reconcile()
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
	a.opened()
}

// stopAll hangs up and unregisters every line. Nothing is made anew after it.
func (a *Agent) stopAll(ctx context.Context) {
	a.turn.Lock()
	defer a.turn.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.up = false
	for _, p := range *a.portList.Load() {
		p.stop()
	}
	a.setPorts(nil)
	stopLines(ctx, *a.lineList.Load())
	a.setLines(nil)
}
