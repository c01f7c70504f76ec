package features

import (
	"errors"
	"path/filepath"
	"testing"

	"tipring/internal/durable"
)

// Missed calls are forgotten where the disk has taken that; one that comes meanwhile is not.
func TestMissedAreForgottenOnTheDiskFirst(t *testing.T) {
	b := open(t, filepath.Join(t.TempDir(), "features.json"))
	b.Miss(Missed{Line: 1, Number: "600"})
	b.cfg.Place = &power{}
	if err := b.ForgetMissed(); !errors.Is(err, errCut) || len(b.Missed()) != 1 {
		t.Errorf("%v, and %+v", err, b.Missed())
	}
	b.cfg.Place = during{func() { b.Miss(Missed{Line: 1, Number: "601"}) }}
	if err := b.ForgetMissed(); err != nil || len(b.Missed()) != 1 || b.Missed()[0].Number != "601" {
		t.Errorf("%v, and %+v", err, b.Missed())
	}
}

// A during is a disk that takes its time, in which something else happens.
type during struct{ what func() }

func (d during) Rename(from, to string) error {
	d.what()
	return durable.Disk{}.Rename(from, to)
}
func (d during) Remove(name string) error { return durable.Disk{}.Remove(name) }
func (d during) SyncDir(dir string) error { return durable.Disk{}.SyncDir(dir) }
