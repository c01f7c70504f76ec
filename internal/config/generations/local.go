package generations

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"tipring/internal/config"
)

const asideFile = "local.ini.aside"

// local is local.ini as it was found.
type local struct {
	text   []byte
	digest string // unread where it cannot be read
	err    error  // why it cannot
}

// unread stands for the digest of a local.ini that cannot be read, so that even such a one
// can be overwritten by a Switch and does not count as an edit.
var unread = strings.Repeat("0", 64)

func (s *Store) readLocal() local {
	text, err := s.fs.Read(s.path(localFile), config.MaxText)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = nil, nil
	}
	if err != nil {
		return local{digest: unread, err: err}
	}
	return local{text: text, digest: digest(text)}
}

// edited tells whether somebody else wrote local.ini.
func (s *Store) edited(l local) bool {
	return l.err == nil && l.digest != s.state.Local && l.digest != s.state.Replaces
}

// refreshes notes that local.ini, which is now was, is to become the text with digest to.
func (s *state) refreshes(was local, to string) {
	s.Local, s.Replaces = to, ""
	if was.digest != s.Local {
		s.Replaces = was.digest
	}
}

// putAside keeps an edit that is about to be overwritten.
func (s *Store) putAside(l local) error {
	if len(l.text) == 0 {
		return nil
	}
	if err := replace(s.fs, s.path(asideFile), l.text); err != nil {
		return err
	}
	s.opts.Log.Warn("local.ini was edited and is overwritten; the edit is kept", "file", s.path(asideFile))
	return nil
}

// refresh overwrites local.ini with the current local layer, which is text.
func (s *Store) refresh(text []byte) error {
	err := s.ready()
	switch {
	case err != nil:
	case len(text) > 0:
		err = replace(s.fs, s.path(localFile), text)
	default:
		if err = s.fs.Remove(s.path(localFile)); err == nil {
			err = s.fs.SyncDir(s.path())
		}
	}
	if err != nil {
		return err
	}
	next := s.draft()
	next.Replaces = ""
	return s.commit(next)
}

// refreshIfDue is refresh after a commit: a failure leaves Replaces as it is, and the
// refresh to the next Open or Switch.
func (s *Store) refreshIfDue(text []byte) {
	if s.state.Replaces == "" {
		return
	}
	if err := s.refresh(text); err != nil {
		s.opts.Log.Warn("local.ini does not show the local settings in force yet", "err", err)
	}
}

// Adopt takes in an edit of local.ini: it comes into force with the provisioned layers
// that are, as a generation whose number Adopt returns; 0 if nobody edited it. An error is
// that of Options.Check or of the disk; the old configuration stays then, and the edit
// where it is.
func (s *Store) Adopt() (int, error) {
	const tries = 3
	for range tries {
		c, l, err := s.proposal()
		if err == nil && l != nil && s.opts.Check != nil {
			err = s.opts.Check(c)
		}
		if err != nil {
			return 0, fmt.Errorf("generations: local.ini as edited: %w", err)
		}
		if l == nil {
			return 0, nil
		}
		switch n, err := s.adoptIf(*l, c); {
		case err != nil:
			return 0, fmt.Errorf("generations: local.ini as edited: %w", err)
		case n != 0:
			return n, nil
		}
	}
	return 0, errors.New("generations: local.ini is being edited")
}

// proposal is what an edit would put in force; nil if there is none.
func (s *Store) proposal() (Content, *local, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.changeable(); err != nil {
		return Content{}, nil, err
	}
	l := s.readLocal()
	if l.err != nil {
		return Content{}, nil, l.err
	}
	if !s.edited(l) {
		return Content{}, nil, nil
	}
	c, err := s.withLocal(l.text)
	return c, &l, err
}

// withLocal is the current content with another local layer.
func (s *Store) withLocal(text []byte) (Content, error) {
	g, err := s.current()
	return Content{By: ByFile, Key: g.Key, Provisioned: g.Provisioned, Local: text}, err
}

// adoptIf adopts the edit l as c; 0 if either local.ini or what is current is no longer
// what they were made of.
func (s *Store) adoptIf(l local, c Content) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, err := s.withLocal(l.text)
	if err != nil {
		return 0, err
	}
	if s.readLocal().digest != l.digest || !sameContent(now, c) {
		return 0, nil
	}
	n, err := s.adopt(c)
	if err != nil {
		return 0, err
	}
	if err := s.prune(0); err != nil {
		s.opts.Log.Warn("generations not pruned", "err", err)
	}
	return n, nil
}

func (s *Store) adopt(c Content) (int, error) {
	n, err := s.write(c)
	if err != nil {
		return 0, err
	}
	return n, s.switchTo(n, Unproven)
}

// sameContent compares by manifest, which holds the digests of all the rest.
func sameContent(a, b Content) bool {
	left, err := manifestOf(a)
	right, e := manifestOf(b)
	return err == nil && e == nil && bytes.Equal(left, right)
}

func manifestOf(c Content) ([]byte, error) {
	m, _, err := parts(1, time.Time{}, c)
	if err != nil {
		return nil, err
	}
	return m.encode()
}
