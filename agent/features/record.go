package features

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"tipring/internal/config"
)

// A record is a Book on the disk.
type record struct {
	Ports  map[int]Settings `json:"ports"`
	Recent map[int]recent   `json:"recent,omitempty"`
	Missed []Missed         `json:"missed,omitempty"` // oldest first
}

// maxFile bounds the file: a device of 1024 ports, each with everything set.
const maxFile = 1 << 20

// record is the book as it is about to be written. The lock saving is held.
func (b *Book) record() record {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dirty = false
	recents := maps.Clone(b.recent)
	maps.DeleteFunc(recents, func(_ int, r recent) bool { return r.Caller == "" && r.Dialled == "" })
	return record{maps.Clone(b.ports), recents, slices.Clone(b.missed)}
}

// parse reads a record. What is in it passes the same checks as what a telephone sets.
func parse(data []byte) (r record, err error) {
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&r); err != nil {
		return record{}, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return record{}, errors.New("something follows the record")
	}
	if r.Ports == nil {
		r.Ports = map[int]Settings{}
	}
	if r.Recent == nil {
		r.Recent = map[int]recent{}
	}
	for n, s := range r.Ports {
		if n < 1 || n > config.MaxNumber {
			return record{}, fmt.Errorf("there is no port %d", n)
		}
		if err := s.Check(); err != nil {
			return record{}, fmt.Errorf("port %d: %w", n, err)
		}
	}
	maps.DeleteFunc(r.Recent, func(n int, _ recent) bool { return n < 1 || n > config.MaxNumber })
	for n, x := range r.Recent {
		r.Recent[n] = recent{Caller: dialable(x.Caller), Dialled: dialable(x.Dialled)}
	}
	if over := len(r.Missed) - keptMissed; over > 0 {
		r.Missed = slices.Clone(r.Missed[over:])
	}
	for i := range r.Missed {
		r.Missed[i].bound()
	}
	return r, nil
}
