package demo

import (
	"context"
	"fmt"
	"sync"
	"time"

	"tipring/tools/lab"
)

// steps are the story, in order.
func (s *story) steps() []step {
	return []step{
		{"lab", "", 10 * time.Second, s.startLab},
		{"agent-up", "", 10 * time.Second, s.startAgent},
		{"provisioned", "It asks by its MAC address.", 20 * time.Second, s.provisioned},
		{"registered", "", 10 * time.Second, s.registered},
		{"call", "Telephone 1 lifts and dials " + lab.FarUser + "#.", 20 * time.Second, s.call},
		{"call-between-lines", "Telephone 1 dials telephone 2.", 30 * time.Second, s.callBetweenLines},
		{"call-held", "Telephone 1 calls " + lab.FarUser + ", and then telephone 2, too.", 45 * time.Second, s.callHeld},
		{"call-waits", "While they talk, telephone 2 calls.", 45 * time.Second, s.callWaits},
		{"call-transferred", "Telephone 2 calls telephone 1, but wants the far telephone.", 45 * time.Second, s.callTransferred},
		{"primary-dies", "", time.Second, s.primaryDies},
		{"call-over-backup", "Telephone 1 dials again, before anybody knows.", 45 * time.Second, s.callOverBackup},
		{"status-why", "", 10 * time.Second, s.statusWhy},
		{"primary-back", "", time.Second, s.primaryBack},
		{"stays-with-call", "The lines probe the primary by themselves.", 45 * time.Second, s.staysWithCall},
		{"home", "Telephone 1 hangs up.", 45 * time.Second, s.home},
		{"faults-refused", "Telephone 1 calls again. Somebody breaks the agent's file in two places, and the primary wants it read.", 30 * time.Second, s.faultsRefused},
		{"new-settings", "The file is mended, and telephone 1 gets a name. Sealed for this device alone, it may come by TFTP.", 30 * time.Second, s.newSettings},
		{"fax-relay", "Faxes, side by side: two fax machines dial " + lab.FaxUser + ", somebody hands in a document for it, and it sends a page itself.", faxLimit + time.Second, s.faxesBegin},
		{"fax-document", "", faxLimit + time.Second, s.faxes.document.await},
		{"fax-call-ahead", "", faxLimit + time.Second, s.faxes.callAhead.await},
		{"fax-in", "", faxLimit + time.Second, s.faxes.comes.await},
		{"fax-accounts", "", 15 * time.Second, s.accounts},
		{"drain", "Telephone 1 calls once more, and then the agent is to take no more calls.", 30 * time.Second, s.drain},
		{"page-locked", "All of it stands on the agent's page, too.", 10 * time.Second, s.pageLocked},
		{"page-opens", "", 10 * time.Second, s.pageOpens},
		{"page-tells", "", 10 * time.Second, s.pageTells},
	}
}

// stay keeps everything up until the context is done.
func (s *story) stay(ctx context.Context) {
	if s.agentDone != nil {
		s.say(fmt.Sprintf("Everything stays up until Ctrl-C. Look around: http://%s (admin, %s), or tipring status --state-dir %s", s.page.addr, s.page.password, s.stateDir()))
	}
	var plugged sync.WaitGroup
	for i := range s.phones {
		plugged.Go(func() { s.keepPlugged(ctx, i) })
	}
	<-ctx.Done()
	plugged.Wait()
}

// registered waits for the lines to be at the primary, and plugs the telephones in: not
// before, for a port that is given its line takes its line card anew.
func (s *story) registered(ctx context.Context) (string, error) {
	if err := s.linesAt(ctx, "primary"); err != nil {
		return "", err
	}
	if err := s.plugInAll(ctx); err != nil {
		return "", err
	}
	return fmt.Sprintf("Lines %s to %s are registered at the primary. A telephone is at ports 1 and 2, a fax machine at ports %d and %d; port %d is a mailbox.",
		users[0].number, users[len(users)-1].number, relayPort, storePort, boxPort), nil
}

// linesAt waits until every line is at a server, as the agent says.
func (s *story) linesAt(ctx context.Context, server string) error {
	for n := range users {
		if err := s.until(ctx, func(ctx context.Context) error { return s.lineAt(ctx, n+1, server) }); err != nil {
			return err
		}
	}
	return nil
}

// lineAt says why a line is not at a server.
func (s *story) lineAt(ctx context.Context, n int, server string) error {
	l, err := s.agent.line(ctx, n)
	if err != nil {
		return err
	}
	if l.State != "registered" || l.Server != server {
		return fmt.Errorf("line %d is %s at %s: %s", n, l.State, l.Server, l.Why)
	}
	return nil
}

// call is a call to the far telephone, with all that is heard on the way.
func (s *story) call(ctx context.Context) (string, error) {
	far, t, err := s.callFar(ctx)
	if err != nil {
		return "", err
	}
	up, err := s.agent.running(ctx, 1)
	if err != nil {
		return "", err
	}
	if up.Server != "primary" {
		return "", fmt.Errorf("the call went through %s", up.Server)
	}
	if err := s.hangUp(ctx, far); err != nil {
		return "", err
	}
	return fmt.Sprintf("It heard dial tone, ringback %s after the last digit, the answer after %s, and its own voice back (%s).",
		short(t.ringback), short(t.answered), up.Codec), nil
}

// A timing is how long after the last digit things happened.
type timing struct{ ringback, answered time.Duration }

// callFar has telephone 1 call the far telephone, and talk.
func (s *story) callFar(ctx context.Context) (far *lab.FarCall, t timing, err error) {
	p := s.phones[0]
	p.lift()
	if err := p.hear(ctx, dialTone...); err != nil {
		return nil, t, fmt.Errorf("no dial tone: %w", err)
	}
	if err := p.dial(ctx, lab.FarUser+"#"); err != nil {
		return nil, t, err
	}
	dialled := time.Now()
	if err := p.hear(ctx, ringback...); err != nil {
		return nil, t, fmt.Errorf("no ringback: %w", err)
	}
	t.ringback = time.Since(dialled)
	if far, err = s.farCall(ctx, 1, lab.FarUser); err != nil {
		return nil, t, fmt.Errorf("no answer: %w", err)
	}
	t.answered = time.Since(dialled)
	return far, t, s.echo(ctx, p, far)
}

// echo has a telephone talk until it hears itself, and the far end heard it: each time at
// another pitch, so that the last echo is not taken for this one.
func (s *story) echo(ctx context.Context, p *phone, far *lab.FarCall) error {
	s.echoes++
	voice := [...]float64{1000, 1300}[s.echoes%2] // Hz
	p.say(voice)
	defer p.hush()
	if err := p.hear(ctx, voice); err != nil {
		return fmt.Errorf("no echo: %w", err)
	}
	return s.until(ctx, func(context.Context) error {
		if tone, all := far.Hears(voice); tone < audible || tone < all-1 {
			return fmt.Errorf("the far end hears %.0f Hz at %.0f dBm0 of %.0f", voice, tone, all)
		}
		return nil
	})
}

// hangUp puts telephone 1 down and waits for the far end to notice.
func (s *story) hangUp(ctx context.Context, far *lab.FarCall) error {
	s.phones[0].hangUp()
	select {
	case <-far.Ended():
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the far end was not told of the end: %w", ctx.Err())
	}
}

// callBetweenLines is a call from one telephone to the other and back through a server.
func (s *story) callBetweenLines(ctx context.Context) (string, error) {
	one, two := s.phones[0], s.phones[1]
	one.lift()
	if err := one.hear(ctx, dialTone...); err != nil {
		return "", fmt.Errorf("no dial tone: %w", err)
	}
	if err := one.dial(ctx, users[1].number+"#"); err != nil {
		return "", err
	}
	dialled := time.Now()
	if err := two.ring(ctx); err != nil {
		return "", fmt.Errorf("telephone 2 does not ring: %w", err)
	}
	rang := time.Since(dialled)
	if err := one.hear(ctx, ringback...); err != nil {
		return "", fmt.Errorf("no ringback: %w", err)
	}
	two.lift()
	if err := s.talk(ctx); err != nil {
		return "", err
	}
	place := s.journal.now()
	one.hangUp()
	bye := func(e lab.Event) bool { return e.Kind == lab.HungUp && e.User == users[0].number }
	if err := s.journal.wait(ctx, place, bye); err != nil {
		return "", fmt.Errorf("no BYE: %w", err)
	}
	two.hangUp()
	if err := s.idle(ctx); err != nil {
		return "", err
	}
	return fmt.Sprintf("It rang %s after the last digit; they heard each other, and hung up.", short(rang)), nil
}

// lineIdle says what a line still has to do with calls.
func (s *story) lineIdle(ctx context.Context, n int) error {
	l, err := s.agent.line(ctx, n)
	if err == nil && l.Calls > 0 {
		err = fmt.Errorf("line %d still has %d calls", n, l.Calls)
	}
	return err
}

// primaryDies makes the primary a black hole.
func (s *story) primaryDies(context.Context) (string, error) {
	s.place = s.journal.now()
	s.lab.Primary.Silence()
	return "The primary has died: it takes what is sent to it and answers nothing.", nil
}

// callOverBackup is a call that begins at the dead server. It stays up.
func (s *story) callOverBackup(ctx context.Context) (string, error) {
	far, t, err := s.callFar(ctx)
	if err != nil {
		return "", err
	}
	s.far = far
	up, err := s.agent.running(ctx, 1)
	if err != nil {
		return "", err
	}
	if up.Server != "backup" {
		return "", fmt.Errorf("the call went through %s", up.Server)
	}
	return fmt.Sprintf("The dead primary cost %s: then telephone 1 heard ringback, and they talk, through the backup.", short(t.ringback)), nil
}

// statusWhy lets the line say itself where it is.
func (s *story) statusWhy(ctx context.Context) (string, error) {
	if err := s.linesAt(ctx, "backup"); err != nil {
		return "", err
	}
	l, err := s.agent.line(ctx, 1)
	if err != nil {
		return "", err
	}
	if l.Why == "" {
		return "", fmt.Errorf("line 1 does not say why it is at %s", l.Server)
	}
	return fmt.Sprintf("Line 1 says: %q", l.Why), nil
}

// primaryBack revives the primary.
func (s *story) primaryBack(context.Context) (string, error) {
	s.place = s.journal.now()
	if err := s.lab.Primary.Revive(); err != nil {
		return "", err
	}
	return "The primary is back. Nobody tells the agent.", nil
}

// staysWithCall waits for the line that has a call to have seen the primary well, and
// wants it still at the backup; the others go home.
func (s *story) staysWithCall(ctx context.Context) (string, error) {
	probed := func(e lab.Event) bool {
		return e.Server == "primary" && e.Kind == lab.Queried && e.User == users[0].number
	}
	if err := s.journal.wait(ctx, s.place, probed); err != nil {
		return "", fmt.Errorf("line 1 did not probe the primary: %w", err)
	}
	if err := s.until(ctx, func(ctx context.Context) error { return s.lineAt(ctx, 2, "primary") }); err != nil {
		return "", err
	}
	if err := s.lineAt(ctx, 1, "backup"); err != nil {
		return "", err
	}
	select {
	case <-s.far.Ended():
		return "", fmt.Errorf("the call has ended")
	default:
	}
	return "The other lines are home. Line 1 has seen that the primary is well, but a call is up: it stays at the backup.", s.echo(ctx, s.phones[0], s.far)
}

// home waits for the line to go home when its call is over.
func (s *story) home(ctx context.Context) (string, error) {
	if err := s.hangUp(ctx, s.far); err != nil {
		return "", err
	}
	ended := time.Now()
	if err := s.linesAt(ctx, "primary"); err != nil {
		return "", err
	}
	took := time.Since(ended)
	if err := s.until(ctx, s.noneAtBackup); err != nil {
		return "", err
	}
	return fmt.Sprintf("Line 1 went home %s later. All lines are at the primary again, and no longer bound at the backup.", short(took)), nil
}

// noneAtBackup says which line is bound at the backup.
func (s *story) noneAtBackup(context.Context) error {
	for _, u := range users {
		if len(s.lab.Backup.Bindings(u.number)) > 0 {
			return fmt.Errorf("%s is still bound at the backup", u.number)
		}
	}
	return nil
}

// drain has new calls refused while one is up, and taken again.
func (s *story) drain(ctx context.Context) (string, error) {
	far, _, err := s.callFar(ctx)
	if err != nil {
		return "", err
	}
	if err := s.agent.drain(ctx, false); err != nil {
		return "", err
	}
	two := s.phones[1]
	two.lift()
	if err := two.dial(ctx, lab.FarUser+"#"); err != nil {
		return "", err
	}
	if err := two.hear(ctx, reorder...); err != nil {
		return "", fmt.Errorf("telephone 2 is not refused: %w", err)
	}
	two.hangUp()
	if err := s.echo(ctx, s.phones[0], far); err != nil {
		return "", fmt.Errorf("the running call: %w", err)
	}
	if err := s.hangUp(ctx, far); err != nil {
		return "", err
	}
	if err := s.agent.drain(ctx, true); err != nil {
		return "", err
	}
	// On a machine that stood still for a second a line may have looked elsewhere.
	if err := s.linesAt(ctx, "primary"); err != nil {
		return "", err
	}
	return "Telephone 2 was refused; telephone 1 talked on until it hung up. Calls are taken again.", nil
}

// short rounds a duration for people.
func short(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
