package generations

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"unicode/utf8"

	"tipring/internal/config"
)

// The copy of the installed files that loaded last.
const (
	installedFile = "installed"
	installedWord = "tipring-installed"
	maxInstalled  = 16 << 20 // two files as JSON, were every octet of theirs an escape
)

// installedLayer is one of them.
type installedLayer struct {
	Rank string `json:"rank"` // factory file
	Path string `json:"path"`
	Text string `json:"text"`
}

// KeepInstalled keeps a copy of the installed files, which hold no faults: of rank Factory
// and File. It is durable once KeepInstalled returns nil, and takes the place of the one
// before; the same one is not written again. No layers: there is to be no copy.
func (s *Store) KeepInstalled(layers []config.Layer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.keepInstalled(layers); err != nil {
		return fmt.Errorf("generations: installed files: %w", err)
	}
	return nil
}

func (s *Store) keepInstalled(layers []config.Layer) error {
	if s.closed {
		return ErrClosed
	}
	data, err := encodeInstalled(layers)
	if err != nil {
		return err
	}
	old, err := s.fs.Read(s.path(installedFile), maxInstalled)
	switch {
	case err == nil && bytes.Equal(old, data), errors.Is(err, fs.ErrNotExist) && data == nil:
		return nil
	}
	if err := s.ready(); err != nil {
		return err
	}
	if data == nil {
		return errors.Join(s.fs.Remove(s.path(installedFile)), s.fs.SyncDir(s.path()))
	}
	return replace(s.fs, s.path(installedFile), data)
}

// Installed is the copy of the installed files; none if there is no copy. Its error is that
// of a copy which is not as it was written, or of the disk.
func (s *Store) Installed() ([]config.Layer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	data, err := s.fs.Read(s.path(installedFile), maxInstalled)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		var layers []config.Layer
		if layers, err = decodeInstalled(data); err == nil {
			return layers, nil
		}
	}
	return nil, fmt.Errorf("generations: copy of the installed files: %w", err)
}

func encodeInstalled(layers []config.Layer) ([]byte, error) {
	if len(layers) == 0 {
		return nil, nil
	}
	var all []installedLayer
	for _, l := range layers {
		if l.Rank != config.Factory && l.Rank != config.File || l.Text == nil || len(l.Text) > config.MaxText || !utf8.Valid(l.Text) {
			return nil, fmt.Errorf("layer %.100q of rank %d with %d octets: wanted the UTF-8 text of an installed file", l.Name, l.Rank, len(l.Text))
		}
		if err := validText(l.Name); err != nil {
			return nil, err
		}
		all = append(all, installedLayer{rankWord(l.Rank), l.Name, string(l.Text)})
	}
	body, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	return seal(installedWord, version, body), nil
}

func rankWord(r config.Rank) string {
	if r == config.Factory {
		return "factory"
	}
	return "file"
}

func decodeInstalled(data []byte) (layers []config.Layer, err error) {
	body, err := unseal(installedWord, data)
	if err != nil {
		return nil, err
	}
	var all []installedLayer
	if err := json.Unmarshal(body, &all); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrBroken, err)
	}
	for _, l := range all {
		switch l.Rank {
		case "factory":
			layers = append(layers, config.FactoryLayer(l.Path, []byte(l.Text)))
		case "file":
			layers = append(layers, config.FileLayer(l.Path, []byte(l.Text)))
		default:
			return nil, fmt.Errorf("%w: a layer of rank %q", ErrBroken, l.Rank)
		}
	}
	return slices.Clip(layers), nil
}
