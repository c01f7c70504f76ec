package faxback

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"tipring/internal/config"
)

// A Provisioned is what a directory knows of a device.
type Provisioned struct {
	Account  Account
	BySerial bool     // found by serial number, because not by MAC address
	Argument Argument // of Account.Argument; what is not understood is Opaque, and noted
	DIDs     []DID    // in the order of the account's numbers; of one that could not be asked for, its number alone
	Secure   bool     // every answer came by RadSec
	Stored   bool     // some answer came from disk
	Notes    []string // what was passed over, a sentence each
}

// maxDIDs bounds the numbers of one account that are asked for.
const maxDIDs = 256

// Provision asks for the account of a device by MAC address (any usual spelling), and
// after a Reject or an Accept without User-Name by serial number, unless that is empty;
// then for the account's numbers and for each one's line, label and caller id. Those
// lookups are optional in a server: that they are rejected or empty is a note.
//
// With ErrUnknownFlag the result is whole and the value passed over. With any other error
// (ErrRejected, ErrEmpty, ErrDisabled, ErrMalformed, no answer) it is not to be applied;
// its Account is what came.
func (d *Directory) Provision(ctx context.Context, mac, serial string) (Provisioned, error) {
	p := Provisioned{Secure: true}
	flag := p.find(ctx, d, mac, serial)
	p.saw(&p.Account.Reply)
	if flag != nil && !errors.Is(flag, ErrUnknownFlag) {
		return p, flag
	}
	p.argument()
	numbers, err := p.numbers(ctx, d)
	if err != nil {
		return p, err
	}
	for _, number := range numbers {
		did, err := d.DID(ctx, number)
		p.saw(&did.Reply)
		switch {
		case err == nil:
		case !did.Answered:
			return p, err
		default:
			p.note("DID %s: %v", number, err)
		}
		if errors.Is(err, ErrDisabled) {
			continue
		}
		if did.Account != "" && !strings.EqualFold(did.Account, p.Account.Name) {
			p.note("DID %s: its account is %s, and not %s", number, did.Account, p.Account.Name)
		}
		p.DIDs = append(p.DIDs, did)
	}
	return p, flag
}

func (p *Provisioned) note(format string, args ...any) {
	p.Notes = append(p.Notes, fmt.Sprintf(format, args...))
}

func (p *Provisioned) saw(r *Reply) {
	p.Secure = p.Secure && r.Secure
	p.Stored = p.Stored || r.Stored
}

// find sets Account. Its error tells of both lookups where both were made.
func (p *Provisioned) find(ctx context.Context, d *Directory, mac, serial string) (err error) {
	p.Account, err = d.AccountByMAC(ctx, mac)
	if !notFound(err) || serial == "" {
		return err
	}
	byMAC := p.Account
	bySerial, err2 := d.AccountBySerial(ctx, serial)
	if !bySerial.Answered {
		return fmt.Errorf("%w; %w", err, err2)
	}
	p.Account, p.BySerial = bySerial, true
	p.saw(&byMAC.Reply)
	if notFound(err2) {
		return fmt.Errorf("%w; %w", err, err2)
	}
	return err2
}

func notFound(err error) bool { return errors.Is(err, ErrRejected) || errors.Is(err, ErrEmpty) }

func (p *Provisioned) argument() {
	a, err := ParseArgument(p.Account.Argument)
	if err != nil {
		p.note("%v: it is not used", err)
		a = Argument{Opaque: p.Account.Argument}
	}
	p.Argument = a
	if note := p.Account.Profile.Note; note != "" {
		p.note("FB-Queue-Profile: %s", note)
	}
}

// numbers are the account's, each once.
func (p *Provisioned) numbers(ctx context.Context, d *Directory) ([]string, error) {
	reply, err := d.Ask(ctx, DIDsRequest{p.Account.Name})
	p.saw(&reply)
	switch {
	case err != nil && !reply.Answered:
		return nil, err
	case err != nil:
		p.note("%v", err)
		return nil, nil
	}
	var numbers []string
	seen := make(map[string]bool)
	for _, n := range reply.DIDs() {
		switch {
		case seen[n]:
			p.note("DID %s is told twice", n)
		case len(numbers) == maxDIDs:
			p.note("more than %d DIDs: the rest is passed over", maxDIDs)
			return numbers, nil
		default:
			seen[n] = true
			numbers = append(numbers, n)
		}
	}
	return numbers, nil
}

// Source is how a configuration's layer with these settings is called.
func (p *Provisioned) Source() string { return "radius:" + p.Account.Server }

// Settings are what the account's numbers mean for a device with so many ports: the
// number with line number n, or the account's n-th number where it has none, is line n
// and, if there is one, port n. Each line has its number for a user name, which a file that is
// fetched after may change. notes tell of numbers that are not used. The settings of
// Argument are not among them.
func (p *Provisioned) Settings(ports int) (settings []config.Setting, notes []string) {
	lines, notes := p.lines()
	for n := 1; n <= config.MaxNumber; n++ {
		did, ok := lines[n]
		if !ok {
			continue
		}
		line := "sip" + strconv.Itoa(n)
		settings = append(settings, config.Setting{Section: line, Key: "username", Value: strings.TrimSpace(did.Number)})
		if label := strings.TrimSpace(did.Label); label != "" {
			settings = append(settings, config.Setting{Section: line, Key: "display_name", Value: label})
		}
		if n > ports {
			continue
		}
		port := "port" + strconv.Itoa(n)
		ani := strings.TrimSpace(cmp.Or(did.ANI, did.Number))
		settings = append(settings,
			config.Setting{Section: port, Key: "line", Value: strconv.Itoa(n)},
			config.Setting{Section: port, Key: "ani", Value: ani})
	}
	return settings, notes
}

// lines gives each number its line: first those that have one, then the others, the n-th
// of them all line n unless that is taken.
func (p *Provisioned) lines() (lines map[int]DID, notes []string) {
	lines = make(map[int]DID)
	for _, did := range p.DIDs {
		other, taken := lines[did.Line]
		switch {
		case did.Line == Unsaid:
		case did.Line < 1 || did.Line > config.MaxNumber:
			notes = append(notes, fmt.Sprintf("DID %s: line number %d: wanted 1 to %d; it is not used", did.Number, did.Line, config.MaxNumber))
		case taken:
			notes = append(notes, fmt.Sprintf("DID %s: line number %d is that of DID %s; it is not used", did.Number, did.Line, other.Number))
		default:
			lines[did.Line] = did
		}
	}
	for i, did := range p.DIDs {
		if did.Line != Unsaid {
			continue
		}
		n := i + 1
		if other, taken := lines[n]; taken {
			for ; taken; n++ {
				_, taken = lines[n+1]
			}
			notes = append(notes, fmt.Sprintf("DID %s: line %d is that of DID %s; it becomes line %d", did.Number, i+1, other.Number, n))
		}
		lines[n] = did
	}
	return lines, notes
}
