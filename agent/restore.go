package agent

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"tipring/internal/backup"
	"tipring/internal/config"
	"tipring/internal/config/generations"
	"tipring/internal/durable"
	"tipring/provisioning"
	"tipring/webui/api"
)

// A restore is of several stores. What it brings is written to a file of its own first, whole
// or not at all: from then on it happens, and where the power is cut before its end the next
// start goes on. That file is removed last.
const (
	restoringFile = "restoring" // in the state directory: what is being brought back
	restoredFile  = "restored"  // what became of the last one, without secrets
	recordPart    = "record"    // in restoringFile
	maxRestored   = 16 << 10
)

// A restoreRecord is what is known of a restore.
type restoreRecord struct {
	Restored   time.Time        `json:"restored"`
	Device     string           `json:"device"` // whose backup it was
	Self       string           `json:"self"`   // what this device was called then
	Made       time.Time        `json:"made"`
	Version    string           `json:"version"` // of the program that made it
	Parts      []api.BackupPart `json:"parts"`
	After      int              `json:"after"` // newest generation before it
	Generation int              `json:"generation"`
	Error      string           `json:"error,omitempty"`
}

func (b backups) Restore(ctx context.Context, file []byte, password string) (api.Restored, error) {
	a := b.a
	if a.ending.Load() {
		return api.Restored{}, errEnding
	}
	defer a.changed() // 8 MiB are much on a router
	parts, h, err := backup.Open(file, password)
	if err != nil {
		return api.Restored{}, err
	}
	if err := checkParts(parts); err != nil {
		return api.Restored{}, err
	}
	r := restoreRecord{
		Restored: a.clock.Now().UTC(), Device: h.Device, Self: a.backupName(), Made: h.Made, Version: h.Version, Parts: countParts(parts),
	}
	began := false
	r.Generation, err = a.keeper.Restore(ctx, partOf(parts, settingsPart), func() error {
		for _, g := range a.store.List() {
			r.After = max(r.After, g.N)
		}
		began = true
		return a.writeRestoring(r, parts)
	})
	if err != nil {
		if began {
			a.forgetRestoring()
		}
		_, err = settings(b).accepted(0, err)
		return api.Restored{}, err
	}
	a.finishRestore(r, parts)
	return b.Restored(), nil
}

// partOf is the data of a part; nil: there is none.
func partOf(parts []backup.Part, name string) []byte {
	for _, p := range parts {
		if p.Name == name {
			return p.Data
		}
	}
	return nil
}

// writeRestoring decides that a restore happens.
func (a *Agent) writeRestoring(r restoreRecord, parts []backup.Part) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	packed, err := backup.Pack(append([]backup.Part{{Name: recordPart, Data: text}}, parts...))
	if err == nil {
		err = a.writeState(restoringFile, packed)
	}
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	return nil
}

// writeState replaces a file of the state directory, which only its owner may read.
func (a *Agent) writeState(name string, text []byte) error {
	return durable.Replace(durable.Disk{}, filepath.Join(a.dir, name), text, durable.Private)
}

// finishRestore brings back what is no setting, and closes the restore.
func (a *Agent) finishRestore(r restoreRecord, parts []backup.Part) {
	if err := a.restoreRest(parts); err != nil {
		a.log.Error("backup not restored in full", "err", err)
		r.Error = err.Error()
	}
	text, err := json.Marshal(r)
	if err == nil {
		err = a.writeState(restoredFile, text)
	}
	if err != nil {
		a.log.Warn("what was restored is not written down", "err", err)
	}
	a.forgetRestoring()
	a.log.Info("backup restored", "generation", r.Generation, "of", r.Device, "made", r.Made)
}

// restoreRest brings back who may use the device, and the called numbers.
func (a *Agent) restoreRest(parts []backup.Part) (err error) {
	if text := partOf(parts, rosterPart); text != nil {
		if e := a.page.desk.Import(text); e != nil {
			err = fmt.Errorf("users and tokens: %w", e)
		}
	}
	if text := partOf(parts, numbersPart); text != nil && a.fax.numbers != nil {
		numbers, e := numbersOf(text)
		if e == nil {
			e = a.fax.numbers.Merge(numbers)
		}
		err = errors.Join(err, e)
	}
	return err
}

// forgetRestoring closes a restore.
func (a *Agent) forgetRestoring() { a.removeState(restoringFile) }

// removeState removes files of the state directory.
func (a *Agent) removeState(names ...string) {
	var d durable.Disk
	var errs []error
	for _, name := range names {
		errs = append(errs, d.Remove(filepath.Join(a.dir, name)))
	}
	if err := errors.Join(append(errs, d.SyncDir(a.dir))...); err != nil {
		a.log.Warn("state directory", "err", err)
	}
}

// restoring is what an earlier run had begun to bring back; no parts: nothing.
func (a *Agent) restoring() (r restoreRecord, parts []backup.Part) {
	packed, err := a.readState(restoringFile, backup.MaxSize+maxRestored)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err == nil {
		parts, err = backup.Unpack(packed)
	}
	if err == nil {
		err = json.Unmarshal(partOf(parts, recordPart), &r)
	}
	if err != nil {
		a.log.Error("a restore that was begun is not finished", "err", err)
		a.forgetRestoring()
		return r, nil
	}
	return r, parts
}

func (a *Agent) readState(name string, limit int) ([]byte, error) {
	path := filepath.Join(a.dir, name)
	f, err := config.OpenRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return durable.ReadAll(f, path, limit)
}

// resumeSettings goes on with the settings of a restore that a cut of the power interrupted,
// before anything else is done with generations.
func (a *Agent) resumeSettings() {
	r, parts := a.restoring()
	if parts == nil {
		return
	}
	a.log.Warn("a restore was interrupted: it goes on", "of", r.Device, "made", r.Made)
	err := provisioning.FinishRestore(a.store, partOf(parts, settingsPart), r.After, a.checkContent)
	if err == nil {
		return
	}
	a.log.Error("settings of a backup not restored", "err", err)
	if faultsOf(err) != nil { // the files of the device are others now
		a.forgetRestoring()
	}
}

// resumeRestore goes on with the rest of it, unless the settings are yet to come.
func (a *Agent) resumeRestore() {
	r, parts := a.restoring()
	if parts == nil {
		return
	}
	var done bool
	if r.Generation, done = provisioning.Restored(a.store, partOf(parts, settingsPart), r.After); !done {
		return
	}
	a.finishRestore(r, parts)
}

// Restored tells of the last restore.
func (b backups) Restored() api.Restored {
	a := b.a
	text, err := a.readState(restoredFile, maxRestored)
	var r restoreRecord
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			a.log.Warn("what was restored last is not known", "err", err)
		}
		return api.Restored{State: "none"}
	}
	same := r.Device == r.Self
	out := api.Restored{
		State: a.verdictOf(r.Generation), Restored: api.At(r.Restored), Device: api.Text(r.Device), SameDevice: &same, Made: api.At(r.Made),
		Version: api.Text(r.Version), Parts: r.Parts, Error: api.Text(r.Error),
	}
	if r.Generation != 0 {
		out.Generation = api.Number(r.Generation)
	}
	if t := trialOf(a.keeper.Status()); t != nil && t.Generation == r.Generation {
		out.Trial = t
	}
	return out
}

// verdictOf tells what is known of a generation; over: it is kept no longer.
func (a *Agent) verdictOf(n int) string {
	for _, g := range a.store.List() {
		if g.N == n {
			return cmp.Or(string(g.Verdict), string(generations.Unproven))
		}
	}
	return "over"
}
