package agent

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"tipring/internal/backup"
	"tipring/t38/spool"
	"tipring/webui/access"
	"tipring/webui/api"
)

// The parts of a backup. What is fetched, and what a maker or an operator installed, is none
// of them; nor are documents and accounts of faxes, which are not to come twice.
const (
	settingsPart = "settings" // the local layer, with its secrets
	rosterPart   = "access"   // users and tokens, as webui/access exports them
	numbersPart  = "called-numbers"
)

// backups is what the HTTP interface takes and brings back of the device.
type backups struct{ a *Agent }

// A calledNumber is a spool.Called in a backup.
type calledNumber struct {
	Number string    `json:"number"`
	Fax    bool      `json:"fax"`
	At     time.Time `json:"at"`
}

func (b backups) Contents() api.BackupContents {
	return api.BackupContents{Device: api.Text(b.a.backupName()), Parts: countParts(b.parts()), MinPassword: access.MinPassword}
}

// backupName is what the device is called in a backup.
func (a *Agent) backupName() string {
	n := a.names()
	return cmp.Or(string(n.MAC), string(n.Serial))
}

// parts is what a backup holds now.
func (b backups) parts() []backup.Part {
	g, _ := b.a.store.Current()
	parts := []backup.Part{{Name: settingsPart, Data: g.Local}, {Name: rosterPart, Data: b.a.page.desk.Export()}}
	if m := b.a.fax.numbers; m != nil {
		list := []calledNumber{}
		for _, c := range m.List() {
			list = append(list, calledNumber{c.Number, c.Fax, c.Since})
		}
		text, _ := json.Marshal(list) // of texts and times of this century
		parts = append(parts, backup.Part{Name: numbersPart, Data: text})
	}
	return parts
}

// countParts tells how much is in the parts of a backup.
func countParts(parts []backup.Part) []api.BackupPart {
	var list []api.BackupPart
	for _, p := range parts {
		switch p.Name {
		case settingsPart:
			list = append(list, api.BackupPart{Name: "settings", Count: countSettings(p.Data)})
		case rosterPart:
			users, tokens, _ := access.CheckExport(p.Data)
			list = append(list, api.BackupPart{Name: "users", Count: users}, api.BackupPart{Name: "tokens", Count: tokens})
		case numbersPart:
			numbers, _ := numbersOf(p.Data)
			list = append(list, api.BackupPart{Name: "called_numbers", Count: len(numbers)})
		}
	}
	return list
}

// countSettings counts the keys that INI text sets.
func countSettings(text []byte) (n int) {
	for line := range bytes.Lines(text) {
		if line := strings.TrimSpace(string(line)); strings.Contains(line, "=") && !strings.ContainsRune("#;[", rune(line[0])) {
			n++
		}
	}
	return n
}

func (b backups) Backup(_ context.Context, password string) ([]byte, string, error) {
	a, now := b.a, b.a.clock.Now()
	defer a.changed() // 8 MiB are much on a router
	name := a.backupName()
	file, err := backup.Seal(b.parts(), password, backup.Header{Device: name, Version: a.opts.Version, Made: now})
	if err != nil {
		return nil, "", err
	}
	a.log.Info("backup made", "octets", len(file))
	return file, fmt.Sprintf("tipring-%s-%s.backup", fileName(name), now.UTC().Format("2006-01-02")), nil
}

// fileName is a text as a part of a file's name.
func fileName(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '_'
	}, text)
}

// numbersOf reads the numbers of a backup.
func numbersOf(text []byte) ([]spool.Called, error) {
	var list []calledNumber
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, err
	}
	known := make([]spool.Called, len(list))
	for i, c := range list {
		if c.Number == "" || spool.Normalise(c.Number) != c.Number {
			return nil, fmt.Errorf("number %d is none", i+1)
		}
		known[i] = spool.Called{Number: c.Number, Fax: c.Fax, Since: c.At}
	}
	return known, nil
}

// checkParts reports what of an opened backup this program cannot bring back. Settings are
// judged with the files of the device.
func checkParts(parts []backup.Part) error {
	found := map[string]bool{}
	for _, p := range parts {
		found[p.Name] = true
		var err error
		switch p.Name {
		case settingsPart:
		case rosterPart:
			_, _, err = access.CheckExport(p.Data)
		case numbersPart:
			_, err = numbersOf(p.Data)
		default:
			return fmt.Errorf("%w: it holds %q, which this version does not know", backup.ErrNewer, p.Name)
		}
		if err != nil {
			return fmt.Errorf("%w: its %s: %w", backup.ErrDamaged, p.Name, err)
		}
	}
	if !found[settingsPart] {
		return fmt.Errorf("%w: it holds no settings", backup.ErrDamaged)
	}
	return nil
}
