package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tipring/internal/ua/transaction"
	"tipring/internal/ua/transport"
	"tipring/tools/lab"
)

// A user is one line of the agent, and what is at the port that has it.
type user struct {
	number, password string
	name             string // that its calls show
	port             string // what the agent's file says of its port; empty: nothing, it is a telephone's
}

// users are the agent's lines, each with the port of its number.
var users = []user{
	{"201", "correct horse", telephone, ""},
	{"202", "battery staple", "Telephone 2", ""},
	{"203", "paper jam", "Fax machine", "fax_mode = relay"},
	{"204", "toner low", "Order desk", "fax_mode = spool\ncall_ahead = always"},
	{"205", "line busy", "Mailbox", "csid = 205"},
}

// The fax ports, by what they do: in real time, by way of the store, and without a machine.
const (
	relayPort = 3
	storePort = 4
	boxPort   = 5
)

// A story is a running demo and all that it has set up.
type story struct {
	opts Options
	t    times

	dir     string // of everything; removed at the end
	lab     *lab.Lab
	journal *journal
	agent   *client
	page    *page
	phones  []*phone
	seal    sealing
	faxes   errands
	far     *lab.FarCall // the call that goes on while the primary comes back
	echoes  int          // that were waited for
	place   int          // in the journal, where something began that a later step waits for
	told    bool         // every step worked

	stopAgent context.CancelFunc
	agentDone chan struct{} // closed when the agent has ended; nil: never started
	agentErr  error
}

// times are what --fast changes.
type times struct {
	timers     transaction.Timers
	ring       time.Duration // before the far telephone answers
	failbackS  int
	keepaliveS int
}

func newStory(o Options) (*story, error) {
	web, err := newPage()
	if err != nil {
		return nil, fmt.Errorf("a port for the page: %w", err)
	}
	s := &story{opts: o, journal: newJournal(), page: web}
	s.t = times{timers: transaction.Default(), ring: 1500 * time.Millisecond, failbackS: 5, keepaliveS: 5}
	if o.Fast {
		s.t = times{timers: transaction.WithT1(50 * time.Millisecond), ring: 500 * time.Millisecond, failbackS: 1, keepaliveS: 1}
	}
	return s, nil
}

// startLab makes the state directory and the far side.
func (s *story) startLab(context.Context) (string, error) {
	if err := s.makeDir(); err != nil {
		return "", err
	}
	var err error
	passwords := map[string]string{}
	for _, u := range users {
		passwords[u.number] = u.password
	}
	s.lab, err = lab.Start(lab.Config{
		Users: passwords, Timers: s.t.timers, Hook: func(e lab.Event) { s.journal.add(e) },
		Radius: &lab.RadiusConfig{Secret: radiusSecret, Hook: func(e lab.RadiusEvent) { s.journal.add(e) }},
		Files:  &lab.FilesConfig{Hook: func(e lab.FileEvent) { s.journal.add(e) }},
	})
	if err != nil {
		return "", err
	}
	s.lab.Far.RingFor(s.t.ring)
	s.publish(s.settings(telephone))
	return fmt.Sprintf("Two SIP servers on this machine, primary %v and backup %v, a telephone %s that sends back what it hears, and a fax machine %s; "+
		"a RADIUS server, %v, and one of files, %s.",
		s.lab.Primary.Addr(transport.UDP), s.lab.Backup.Addr(transport.UDP), lab.FarUser, lab.FaxUser, s.lab.Radius.Addr(), s.lab.Files.URL("https", "/")), nil
}

// makeDir makes the demo's own directory, in which sockets have room.
func (s *story) makeDir() error {
	where, err := filepath.Abs(cmp.Or(s.opts.Dir, os.TempDir()))
	if err != nil {
		return err
	}
	if s.dir, err = os.MkdirTemp(where, "tipring-demo-"); err != nil {
		return err
	}
	// sun_path holds 108 octets with the closing NUL (unix(7)).
	if longest := s.cardSocket(len(users)); len(longest) > 107 {
		return fmt.Errorf("%s is too long a name for sockets in it: --state-dir /tmp makes the demo's directory elsewhere", where)
	}
	return nil
}

// startAgent runs the agent on a factory.ini of its own.
func (s *story) startAgent(ctx context.Context) (string, error) {
	file, factory, err := s.writeFiles()
	if err != nil {
		return "", err
	}
	var running context.Context
	running, s.stopAgent = context.WithCancel(context.Background())
	s.agentDone = make(chan struct{})
	s.agent = newClient(filepath.Join(s.stateDir(), "control.sock"))
	go func() {
		defer close(s.agentDone)
		s.agentErr = s.opts.Agent(running, []string{"run", "-c", file, "--factory", factory, "--state-dir", s.stateDir()})
	}()
	if err := s.until(ctx, s.agent.healthy); err != nil {
		return "", err
	}
	return "The agent runs. It knows its MAC address, whom to ask and whom to trust, and has no line.", nil
}

// writeFiles writes the agent's factory.ini with what it names, and an empty tipring.ini:
// that of the machine is none of the demo's business.
func (s *story) writeFiles() (file, factory string, err error) {
	s.seal = newSealing()
	file, factory = filepath.Join(s.dir, "tipring.ini"), filepath.Join(s.dir, "factory.ini")
	return file, factory, errors.Join(
		os.WriteFile(file, nil, 0o600),
		os.WriteFile(s.caFile(), s.lab.Files.CA(), 0o600),
		os.WriteFile(factory, []byte(s.factory()), 0o600),
	)
}

func (s *story) stateDir() string { return filepath.Join(s.dir, "state") }

// cardSocket is the driver address of a port.
func (s *story) cardSocket(port int) string {
	return filepath.Join(s.dir, "cards", fmt.Sprintf("port%d.sock", port))
}

// caFile holds whom the agent trusts.
func (s *story) caFile() string { return filepath.Join(s.dir, "ca.pem") }

// factory is the agent's factory.ini: what its maker knows.
func (s *story) factory() string {
	var b strings.Builder
	fmt.Fprintf(&b, `[device]
mac = %s
serial = demo
log_level = info
drain_s = 5

[sip]
bind = 127.0.0.1
udp_port = 0
tcp_port = 0
tls_port = 0
t1_ms = %d

[web]
listen = %s

[radius]
servers = %v
acct_servers = %v
secret = %s

[provisioning]
order = radius,static
boot_delay_s = 0
tls_ca_file = %s
seal_key = %s
verify_key = %s
`, deviceMAC, s.t.timers.T1.Milliseconds(), s.page.addr, s.lab.Radius.Addr(), s.lab.Radius.AcctAddr(), radiusSecret, s.caFile(), s.seal.keyText(), s.seal.verifyText())
	for i, u := range users {
		fmt.Fprintf(&b, "\n[port%d]\n", i+1)
		if u.port != "" {
			b.WriteString("kind = fax\n")
		}
		if i+1 == boxPort {
			b.WriteString("driver = none\n")
			continue
		}
		fmt.Fprintf(&b, "driver = unix:%s\n", s.cardSocket(i+1))
	}
	return b.String()
}

// plugInAll connects a telephone, or a fax machine, to each port but the mailbox.
func (s *story) plugInAll(ctx context.Context) error {
	for n := 1; n < boxPort; n++ {
		p, err := s.plugIn(ctx, n)
		if err != nil {
			return err
		}
		s.phones = append(s.phones, p)
	}
	return nil
}

// plugIn connects a telephone to a port as soon as that listens.
func (s *story) plugIn(ctx context.Context, port int) (p *phone, err error) {
	err = s.until(ctx, func(ctx context.Context) error {
		p, err = connect(ctx, s.cardSocket(port))
		return err
	})
	return p, err
}

// keepPlugged has a telephone connected again whenever its line card is lost: whoever looks
// around may restart the agent, or change its port.
func (s *story) keepPlugged(ctx context.Context, i int) {
	for {
		never := errors.New("connected")
		_ = s.phones[i].wait(ctx, func() error { return never })
		if ctx.Err() != nil {
			return
		}
		s.phones[i].close()
		p, err := s.plugIn(ctx, i+1)
		if err != nil {
			return
		}
		s.phones[i] = p
	}
}

// until repeats try until it works. The error is the last one of try, and that of the
// context; or that the agent has ended.
func (s *story) until(ctx context.Context, try func(context.Context) error) error {
	const pause = 20 * time.Millisecond
	timer := time.NewTimer(0)
	defer timer.Stop()
	err := errors.New("not tried")
	for {
		select {
		case <-timer.C:
			last := try(ctx)
			if last == nil {
				return nil
			}
			if ctx.Err() == nil {
				err = last // not what its end did to the last try
			}
			timer.Reset(pause)
		case <-s.agentDone:
			if s.agentErr != nil {
				return fmt.Errorf("%w: %w", errEnded, s.agentErr)
			}
			return errEnded
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		}
	}
}

var errEnded = errors.New("the agent has ended")

// end takes everything down: the agent in good order, and then what it needs for that.
func (s *story) end() bool {
	ok := true
	s.faxes.end()
	if s.agentDone != nil {
		ok = s.take(context.Background(), step{name: "stop", limit: 10 * time.Second, do: s.endAgent})
	}
	for _, p := range s.phones {
		p.close()
	}
	if s.lab != nil {
		if err := s.lab.Close(); err != nil {
			s.say("The lab did not end well: " + oneLine(err))
			ok = false
		}
	}
	if s.dir != "" {
		if err := os.RemoveAll(s.dir); err != nil {
			s.say("Not everything was removed: " + oneLine(err))
			ok = false
		}
	}
	return ok
}

// endAgent ends the agent and looks whether its lines are gone from the servers.
func (s *story) endAgent(ctx context.Context) (string, error) {
	s.stopAgent()
	select {
	case <-s.agentDone:
	case <-ctx.Done():
		<-s.agentDone // it owns goroutines and files of ours
		return "", ctx.Err()
	}
	if s.agentErr != nil {
		return "", s.agentErr
	}
	if !s.told {
		return "The agent ended.", nil // its lines may still be bound at a server that is dead
	}
	for _, server := range []*lab.Server{s.lab.Primary, s.lab.Backup} {
		for _, u := range users {
			if n := len(server.Bindings(u.number)); n > 0 {
				return "", fmt.Errorf("%s is still registered at %v", u.number, server.Addr(transport.UDP))
			}
		}
	}
	return "The agent took its lines off the servers and ended.", nil
}

// oneLine is the text of an error without line breaks.
func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
