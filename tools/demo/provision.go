package demo

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"tipring/internal/aaa"
	"tipring/internal/ua/transport"
	"tipring/provisioning/seal"
	"tipring/tools/lab"
)

// The agent as the directory knows it.
const (
	deviceMAC    = "02:00:00:00:00:01"
	account      = "demo"
	radiusSecret = "known to the directory and its devices"
)

// What telephone 1 is called, at first and later.
const (
	telephone = "Telephone 1"
	reception = "Reception"
)

// upperMAC is the MAC address as RADIUS servers want it.
func upperMAC() string { return strings.ReplaceAll(deviceMAC, ":", "") }

// settings is the agent's file: what its ports do, and its lines with their passwords and servers.
func (s *story) settings(name string) string {
	primary, backup := s.lab.Primary.Addr(transport.UDP), s.lab.Backup.Addr(transport.UDP)
	var b strings.Builder
	for i, u := range users {
		if u.port != "" {
			fmt.Fprintf(&b, "[port%d]\n%s\n\n", i+1, u.port)
		}
	}
	for i, u := range users {
		if i > 0 {
			name = u.name
		}
		fmt.Fprintf(&b, `[sip%d]
auth_password = %s
display_name = %s
register_addr = %v
register_port = %d
register_ttl = 60
backup_addr = %v
backup_port = %d
backup_ttl = 60
failback_interval = %d
keepalive_interval_s = %d
codecs = pcmu

`, i+1, u.password, name, primary.Addr(), primary.Port(), backup.Addr(), backup.Port(), s.t.failbackS, s.t.keepaliveS)
	}
	return b.String()
}

// publish puts the agent's file where it can be read over HTTPS.
func (s *story) publish(text string) {
	path := "/" + upperMAC() + ".ini"
	s.lab.Files.Put(path, []byte(text))
	sum := sha256.Sum256([]byte(text))
	s.direct(s.lab.Files.URL("https", "/{MAC}.ini") + " sha256=" + hex.EncodeToString(sum[:]))
}

// direct has the directory tell the agent where its file is.
func (s *story) direct(argument string) {
	a := lab.Account{Name: account, MAC: upperMAC(), Argument: argument}
	for _, u := range users {
		a.DIDs = append(a.DIDs, lab.AccountDID{Number: u.number})
	}
	s.lab.Radius.Put(a)
}

// sealing is the keys by which a file is sealed for the agent.
type sealing struct {
	key  []byte
	sign ed25519.PrivateKey
}

func newSealing() (s sealing) {
	s.key, _ = seal.NewKey()
	s.sign, _, _ = seal.NewSign()
	return s
}

func (s sealing) keyText() string    { return hex.EncodeToString(s.key) }
func (s sealing) verifyText() string { return seal.VerifyText(s.sign) }

// publishSealed puts the file, sealed, where it can be read by TFTP.
func (s *story) publishSealed(text string) error {
	sealed, err := seal.Seal([]byte(text), seal.Options{Device: deviceMAC, Version: uint64(time.Now().Unix()), Key: s.seal.key, Sign: s.seal.sign})
	if err != nil {
		return err
	}
	s.lab.Files.Put("/"+upperMAC()+".sealed", sealed)
	s.direct(s.lab.Files.URL("tftp", "/{MAC}.sealed"))
	return nil
}

// provisioned waits until the agent has its lines from the directory and the file that
// this names.
func (s *story) provisioned(ctx context.Context) (string, error) {
	p, err := s.provisioning(ctx, "good", 1)
	if err != nil {
		return "", err
	}
	if want := fmt.Sprintf("radius:%v", s.lab.Radius.Addr()); p.Source != want || !strings.HasPrefix(p.URL, "https://") {
		return "", fmt.Errorf("the settings come from %s by %s, and not from %s by https", p.URL, p.Source, want)
	}
	if err := s.journal.waitAny(ctx, 0, accountFound); err != nil {
		return "", fmt.Errorf("the directory was not asked by MAC address: %w", err)
	}
	if err := s.journal.waitAny(ctx, 0, fetched("https")); err != nil {
		return "", fmt.Errorf("the file was not fetched: %w", err)
	}
	_, number, err := s.agent.setting(ctx, "sip1", "username")
	if err != nil {
		return "", err
	}
	_, password, err := s.agent.setting(ctx, "sip1", "auth_password")
	if err != nil {
		return "", err
	}
	if number != p.Source || password != p.URL {
		return "", fmt.Errorf("the number of line 1 comes from %s, its password from %s", number, password)
	}
	return fmt.Sprintf("RADIUS has an account for %s: the numbers %s to %s, and where its file is, with a digest. The file came over HTTPS, with passwords, servers, and what the fax ports do; "+
		"it is in force as generation %d, and good.", deviceMAC, users[0].number, users[len(users)-1].number, p.Generation), nil
}

// accountFound is a lookup by MAC address that was answered.
func accountFound(e any) bool {
	r, ok := e.(lab.RadiusEvent)
	return ok && r.User == upperMAC() && r.Answer == aaa.AccessAccept
}

// fetched is a file that has arrived.
func fetched(scheme string) func(any) bool {
	return func(e any) bool {
		f, ok := e.(lab.FileEvent)
		return ok && f.Scheme == scheme && f.Status == 200
	}
}

// provisioning waits until the agent has finished so many looks for settings, and is in
// a state.
func (s *story) provisioning(ctx context.Context, state string, looks int) (p provisioningStatus, err error) {
	err = s.until(ctx, func(ctx context.Context) error {
		if p, err = s.agent.provisioning(ctx); err != nil {
			return err
		}
		if p.State != state || p.Finished < looks {
			return fmt.Errorf("provisioning is %s after %d looks: %s", p.State, p.Finished, p.Error)
		}
		return nil
	})
	return p, err
}

// look has a line look for settings, because a server wants it to, and waits for the
// outcome.
func (s *story) look(ctx context.Context, u user, state string) (before, after provisioningStatus, err error) {
	if before, err = s.agent.provisioning(ctx); err != nil {
		return before, after, err
	}
	place := s.journal.now()
	if err := s.lab.Primary.CheckSync(ctx, u.number); err != nil {
		return before, after, err
	}
	challenged := func(e lab.Event) bool { return e.Kind == lab.Challenged && e.User == u.number }
	if err := s.journal.wait(ctx, place, challenged); err != nil {
		return before, after, fmt.Errorf("check-sync was believed without a password: %w", err)
	}
	after, err = s.provisioning(ctx, state, before.Finished+1)
	return before, after, err
}

// faultsRefused is a look at a file with two faults while telephone 1 talks.
func (s *story) faultsRefused(ctx context.Context) (string, error) {
	var err error
	if s.far, _, err = s.callFar(ctx); err != nil {
		return "", err
	}
	s.publish(strings.Replace(s.settings(telephone), "register_ttl = 60", "register_ttl = soon", 1) + "transport = pigeon\n")
	before, p, err := s.look(ctx, users[0], "failed")
	if err != nil {
		return "", err
	}
	if p.Generation != before.Generation {
		return "", fmt.Errorf("generation %d runs, and not %d", p.Generation, before.Generation)
	}
	for _, want := range []string{"[sip1] register_ttl = soon", "[sip5] transport = pigeon"} {
		if !strings.Contains(p.Error, want) {
			return "", fmt.Errorf("%s is not told: %s", want, p.Error)
		}
	}
	if err := s.linesAt(ctx, "primary"); err != nil {
		return "", err
	}
	if err := s.echo(ctx, s.phones[0], s.far); err != nil {
		return "", fmt.Errorf("the running call: %w", err)
	}
	_, faults, _ := strings.Cut(strings.ReplaceAll(p.Error, p.URL+":", "line "), " have faults: ")
	return fmt.Sprintf("The agent had the primary prove that it knows the password of line 1, looked, and refused the whole file: %s. "+
		"The lines stay, and telephone 1 talks on.", faults), nil
}

// newSettings is a good file while telephone 1 talks: it comes into force when that has
// hung up.
func (s *story) newSettings(ctx context.Context) (string, error) {
	if err := s.publishSealed(s.settings(reception)); err != nil {
		return "", err
	}
	before, p, err := s.look(ctx, users[1], "applying")
	if err != nil {
		return "", err
	}
	if err := s.journal.waitAny(ctx, 0, fetched("tftp")); err != nil {
		return "", fmt.Errorf("the file was not fetched: %w", err)
	}
	if err := s.echo(ctx, s.phones[0], s.far); err != nil {
		return "", fmt.Errorf("the running call: %w", err)
	}
	if err := s.hangUp(ctx, s.far); err != nil {
		return "", err
	}
	ended := time.Now()
	if p, err = s.provisioning(ctx, "good", p.Finished); err != nil {
		return "", err
	}
	took := time.Since(ended)
	name, source, err := s.agent.setting(ctx, "sip1", "display_name")
	if err != nil {
		return "", err
	}
	if name != reception || source != p.URL || p.Generation == before.Generation {
		return "", fmt.Errorf("line 1 is called %s by %s, generation %d", name, source, p.Generation)
	}
	if err := s.linesAt(ctx, "primary"); err != nil {
		return "", err
	}
	return fmt.Sprintf("It waited for the call to end: %s after that, line 1 was called %s, by generation %d, which is good.", short(took), name, p.Generation), nil
}
