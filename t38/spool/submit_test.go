package spool

import (
	"testing"
	"testing/synctest"

	"tipring/t38/t4/tiff"
)

// slowNames is a disk on which a name takes its time.
type slowNames struct {
	files
	let chan struct{}
}

func (d slowNames) Rename(from, to string) error {
	<-d.let
	return d.files.Rename(from, to)
}

// A fax that is being handed in is not seen, and so not delivered, before its folder has its name:
// until then its document is not where a delivery looks for it.
func TestNotSeenBeforeItIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		let := make(chan struct{})
		s, _, err := open(slowNames{newModel(), let}, where, Config{})
		must(t, err)
		e, err := s.admit(Meta{Kind: Submitted, Peer: "1"}.record())
		must(t, err)
		go func() {
			err := s.accept(e, func(dir string) error {
				return s.write(e, dir, func(w *tiff.Writer) (int, error) { return 1, writeSheets(t, w, []sheetOf{small(1)}) })
			})
			if err != nil {
				t.Error(err)
			}
			s.accepted(e)
		}()
		synctest.Wait()
		if all := s.List(); len(all) != 0 {
			t.Errorf("seen: %+v", all)
		}
		if r, err := s.Get(e.ID); err == nil {
			t.Errorf("got: %+v", r)
		}
		close(let)
		synctest.Wait()
		if all := s.List(); len(all) != 1 || all[0].State != Queued {
			t.Errorf("seen: %+v", all)
		}
	})
}
