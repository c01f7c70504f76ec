package features

import (
	"slices"
	"strings"
	"time"
)

// A Missed is a call that nobody answered.
type Missed struct {
	Line   int       `json:"line"`
	Number string    `json:"number,omitempty"` // empty: the caller hid
	Name   string    `json:"name,omitempty"`
	At     time.Time `json:"at"`
}

const (
	keptMissed = 50 // of all lines
	maxCaller  = 128
)

// bound shortens what a caller says about himself.
func (m *Missed) bound() {
	m.Number, m.Name = cut(m.Number), cut(m.Name)
}

func cut(text string) string {
	if len(text) > maxCaller {
		return strings.ToValidUTF8(text[:maxCaller], "")
	}
	return text
}

// Miss takes a call into the log. The oldest gives way.
func (b *Book) Miss(m Missed) {
	m.bound()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.missed) == keptMissed {
		b.missed = slices.Delete(b.missed, 0, 1)
	}
	b.missed = append(b.missed, m)
	b.dirty = true
}

// Missed lists the calls that were missed since somebody emptied the log, the newest first.
func (b *Book) Missed() []Missed {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := slices.Clone(b.missed)
	slices.Reverse(list)
	return list
}

// ForgetMissed empties the log, on the disk first; a call that is missed meanwhile stays in it.
func (b *Book) ForgetMissed() error {
	b.saving.Lock()
	defer b.saving.Unlock()
	r := b.record()
	gone := r.Missed
	r.Missed = nil
	if err := b.write(r); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.missed = slices.DeleteFunc(b.missed, func(m Missed) bool { return slices.Contains(gone, m) })
	return nil
}
