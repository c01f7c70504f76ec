package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"tipring/internal/config"
	"tipring/internal/media"
)

// Reload reads the files again, an edited local.ini too, and applies what differs. A
// configuration with faults changes nothing but the faults that are shown. An agent that is
// ending stays as it is.
func (a *Agent) Reload() error {
	if n, err := a.store.Adopt(); err != nil {
		a.setFaults(err)
		a.log.Error("configuration refused", "err", err)
		return fmt.Errorf("configuration refused, the old one stays: %w", err)
	} else if n != 0 {
		a.log.Info("local.ini was edited", "generation", n)
	}
	if err := a.reload(a.asInstalled); err != nil {
		return err
	}
	return unavailable(a.keeper.Reconfigured(a.ctx))
}

// reload applies what differs in the files and in the generation that is current, as made
// makes them into one.
func (a *Agent) reload(made func(own []config.Layer) (basis, error)) error {
	a.turn.Lock()
	defer a.turn.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ending.Load() {
		return errEnding
	}
	b, err := made(a.current())
	if err != nil {
		err = fmt.Errorf("configuration not read, the old one stays: %w", err)
		a.setFaults(err)
		a.log.Error("configuration not read, the old one stays", "err", errors.Unwrap(err))
		return err
	}
	before := a.config()
	changes, err := a.running.Reload(b.layers, Checks())
	a.setFaults(cmp.Or(err, b.refused))
	a.logFaults()
	if err != nil {
		var faults config.Faults
		if errors.As(err, &faults) {
			return fmt.Errorf("configuration refused, the old one stays: %d faults", len(faults))
		}
		return err
	}
	a.rescued.Store(false)
	a.keep(b)
	a.readRadiusFiles()
	a.noteClear(b.layers)
	a.configured(a.config().Device)
	a.logIn()
	a.setWeb()
	a.setFaxes()
	if a.accounts.journal != nil {
		a.accounts.journal.Retry()
	}
	a.noteChanges(before, changes, a.otherContent())
	a.reconcile()
	return nil
}

// configured takes over what [device] says and nothing has to end for.
func (a *Agent) configured(d config.Device) {
	setLevel(&a.level, d)
	id, err := d.DetectIdentity("/")
	if old := a.ident.Swap(&id); err != nil && (old == nil || *old != id) {
		a.log.Warn("identity not known in full", "err", err)
	}
	a.syslog.Send(syslogTarget(d, id))
}

// otherContent tells the keys, by section, that name the same file as before, whose
// content is another one.
func (a *Agent) otherContent() map[string][]string {
	t, err := readTrust(a.config().SIP.TLSCAFile)
	if used := a.sip.Load().trust.Load(); err != nil || used == nil || used.digest == t.digest {
		return nil
	}
	return map[string][]string{"sip": {"tls_ca_file"}}
}

// restartSIP takes all lines and sockets down and up again, for new ports or timers.
func (a *Agent) restartSIP() {
	a.removeLines(*a.lineList.Load())
	// What opens the ports may be waiting for the lock to start the lines.
	a.mu.Unlock()
	err := a.closeSIP()
	a.mu.Lock()
	if err != nil {
		a.log.Warn("SIP ports not closed in good order", "err", err)
	}
	if err := a.setRTP(a.config().SIP); err != nil {
		a.log.Error("RTP ports not changed", "err", err)
	}
	a.startSIP(a.ctx)
}

// setRTP makes the pool of RTP ports that the configuration wants.
func (a *Agent) setRTP(s config.SIP) error {
	want := [2]int{s.RTPPortMin, s.RTPPortMax}
	if want == a.rtpRange {
		return nil
	}
	ports, err := media.NewPorts(want[0], want[1])
	if err != nil {
		return err
	}
	ports.SetTap(a.traces)
	ports.SetManner(manner(s))
	a.rtpRange = want
	a.rtp.Store(ports)
	return nil
}

// manner is what [sip] says of how media are sent and played.
func manner(s config.SIP) media.Manner {
	return media.Manner{
		DSCP:     s.RTPDSCP,
		Jitter:   media.Jitter{Fixed: s.JitterBuffer == "fixed", StartMS: s.JitterStartMS, MinMS: s.JitterMinMS, MaxMS: s.JitterMaxMS},
		Learning: map[string]media.Learning{"any": media.LearnAny, "strict": media.LearnNever}[s.RTPSource],
	}
}

// startSIP makes what all lines share and opens its ports in the background.
func (a *Agent) startSIP(ctx context.Context) {
	a.sip.Store(a.newSIP(a.config()))
	s := a.sip.Load()
	ctx, s.cancel = context.WithCancel(ctx)
	s.work.Add(2)
	go func() {
		defer s.work.Done()
		s.monitor.Run(ctx)
	}()
	go func() {
		defer s.work.Done()
		a.bringUp(ctx, s)
	}()
}

// closeSIP ends what startSIP began.
func (a *Agent) closeSIP() error {
	s := a.sip.Load()
	s.cancel()
	s.work.Wait()
	if layer := s.layer.Load(); layer != nil {
		return layer.Close()
	}
	return nil
}
