package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tipring/internal/config/generations"
	"tipring/internal/durable"
	"tipring/webui"
	"tipring/webui/access"
)

// resettingFile, in the state directory, says that the device is to be as it was delivered. A
// start that finds it forgets what is in forgotten, and the settings, before it reads any of them;
// the file goes last, so that a cut of the power at any moment ends in a whole reset.
const resettingFile = "resetting"

// forgotten is what a reset removes of the state directory, besides the settings. Of these
// the highest version of a sealed file, the clock and the copy of the installed files stay.
var forgotten = []string{
	access.BookName, access.TokenName, access.ClaimName, webui.CertificateName, contactKeyName, featuresFile, numbersFile, textsFile,
	faxesDir, accountingDir, radiusCacheDir, restoringFile, restoredFile,
}

// FactoryReset decides that the device forgets everything that was not installed, and restarts it
// for that. What is remembered in memory alone, such as the log and captures, goes with it.
func (s settings) FactoryReset(context.Context) error {
	a := s.a
	if err := a.writeState(resettingFile, nil); err != nil {
		return fmt.Errorf("factory reset: %w", err)
	}
	if err := a.Restart(true); err != nil {
		a.removeState(resettingFile)
		return err
	}
	return nil
}

// resumeReset does the reset that was decided, if one was. What a folder keeps, on a disk that takes
// nothing any more, does not have it done again: the next start would forget what the next owner has
// set up since.
func (a *Agent) resumeReset(removeAll func(path string) error) {
	mark := filepath.Join(a.dir, resettingFile)
	if _, err := os.Lstat(mark); errors.Is(err, fs.ErrNotExist) {
		return
	}
	err := a.store.Reset()
	if errors.Is(err, generations.ErrUntidy) {
		err = nil // what it left goes at the next start
	}
	kept, failed := forget(a.dir, removeAll)
	if err = errors.Join(err, failed); err != nil {
		a.log.Error("not reset in full: the next start tries again", "err", err)
		return
	}
	a.refused = nil
	a.removeState(resettingFile)
	if kept != nil {
		a.log.Error("reset to factory settings, but something of a folder stays", "err", kept)
		return
	}
	a.log.Warn("reset to factory settings")
}

// forget removes what is in forgotten from a state directory, with what a write that was cut short
// left of it. A directory stays, empty: it may be a link to another disk. kept is why something in one
// stays.
func forget(dir string, removeAll func(path string) error) (kept, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if !slices.ContainsFunc(forgotten, func(name string) bool { return isOf(e.Name(), name) }) {
			continue
		}
		path := filepath.Join(dir, e.Name())
		if within, e := os.ReadDir(path); e == nil {
			for _, x := range within {
				kept = errors.Join(kept, removeAll(filepath.Join(path, x.Name())))
			}
			kept = errors.Join(kept, durable.Disk{}.SyncDir(path))
			continue
		}
		err = errors.Join(err, os.Remove(path))
	}
	return kept, errors.Join(err, durable.Disk{}.SyncDir(dir))
}

// isOf reports the name of a file, or of its half-made successor.
func isOf(entry, name string) bool {
	return entry == name || strings.HasPrefix(entry, name+".") || strings.HasPrefix(entry, "."+name)
}
