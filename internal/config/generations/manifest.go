package generations

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"tipring/internal/config"
)

// Limits of a generation.
const (
	MaxLayers = 16 // provisioned layers

	maxManifest = 256 << 10
	maxSettings = 8 << 20 // octets of a settings layer as it is kept
)

// manifest lists the parts of a generation. The names of their files follow from what
// they are, so that none can point elsewhere.
type manifest struct {
	N      int       `json:"n"`
	Made   time.Time `json:"made"`
	By     string    `json:"by"`
	Key    string    `json:"key,omitempty"`
	Local  sum       `json:"local"`
	Layers []layer   `json:"layers,omitempty"`
}

// sum is by what a part is known to be whole.
type sum struct {
	Length int    `json:"length"`
	SHA256 string `json:"sha256"`
}

type layer struct {
	Kind   string `json:"kind"` // ini: text, verbatim; json: settings
	Name   string `json:"name"`
	Source string `json:"source"`
	sum
}

// setting is a config.Setting as a part of the kind json holds it.
type setting struct {
	Section string `json:"section"`
	Key     string `json:"key"`
	Value   string `json:"value"`
	Line    int    `json:"line,omitempty"`
}

const (
	manifestWord = "tipring-generation"
	manifestFile = "manifest"
	localFile    = "local.ini"
)

func sumOf(data []byte) sum { return sum{len(data), digest(data)} }

func (s sum) matches(data []byte) bool { return s == sumOf(data) }

// file is the name of the i-th layer's part.
func (l layer) file(i int) string { return strconv.Itoa(i+1) + "." + l.Kind }

func (l layer) limit() int {
	if l.Kind == "json" {
		return maxSettings
	}
	return config.MaxText
}

// parts takes content apart: the manifest, and the parts by file name.
func parts(n int, made time.Time, c Content) (manifest, map[string][]byte, error) {
	if err := c.valid(); err != nil {
		return manifest{}, nil, err
	}
	m := manifest{N: n, Made: made, By: c.By, Key: c.Key, Local: sumOf(c.Local)}
	data := map[string][]byte{localFile: c.Local}
	for i, l := range c.Provisioned {
		entry, part, err := encodeLayer(l)
		if err != nil {
			return manifest{}, nil, fmt.Errorf("layer %d: %w", i+1, err)
		}
		m.Layers = append(m.Layers, entry)
		data[entry.file(i)] = part
	}
	return m, data, nil
}

func encodeLayer(l config.Layer) (layer, []byte, error) {
	entry, part := layer{Kind: "ini", Name: l.Name, Source: l.Source}, l.Text
	if l.Text == nil {
		list := make([]setting, len(l.Settings))
		for i, s := range l.Settings {
			if !utf8.ValidString(s.Section) || !utf8.ValidString(s.Key) || !utf8.ValidString(s.Value) {
				return layer{}, nil, fmt.Errorf("setting %d: wanted UTF-8", i+1)
			}
			list[i] = setting(s)
		}
		var err error
		if part, err = json.Marshal(list); err != nil {
			return layer{}, nil, err
		}
		entry.Kind = "json"
	}
	if len(part) > entry.limit() {
		return layer{}, nil, fmt.Errorf("%d octets: wanted at most %d", len(part), entry.limit())
	}
	entry.sum = sumOf(part)
	return entry, part, nil
}

func decodeLayer(l layer, part []byte) (config.Layer, error) {
	if l.Kind == "ini" {
		made := config.ProvisionedLayer(l.Source, part)
		made.Name = l.Name
		return made, nil
	}
	var list []setting
	if err := json.Unmarshal(part, &list); err != nil {
		return config.Layer{}, fmt.Errorf("%w: %v", ErrBroken, err)
	}
	settings := make([]config.Setting, len(list))
	for i, s := range list {
		settings[i] = config.Setting(s)
	}
	made := config.SettingsLayer(l.Source, settings)
	made.Name = l.Name
	return made, nil
}

func (m manifest) encode() ([]byte, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	return seal(manifestWord, version, body), nil
}

func decodeManifest(n int, data []byte) (manifest, error) {
	body, err := unseal(manifestWord, data)
	if err != nil {
		return manifest{}, err
	}
	var m manifest
	if err := json.Unmarshal(body, &m); err != nil {
		return manifest{}, fmt.Errorf("%w: %v", ErrBroken, err)
	}
	if m.N != n {
		return manifest{}, fmt.Errorf("%w: the manifest of generation %d", ErrBroken, m.N)
	}
	if err := m.valid(); err != nil {
		return manifest{}, fmt.Errorf("%w: %v", ErrBroken, err)
	}
	return m, nil
}

func (m manifest) valid() error {
	if len(m.Layers) > MaxLayers {
		return fmt.Errorf("%d layers", len(m.Layers))
	}
	for _, l := range m.Layers {
		if l.Kind != "ini" && l.Kind != "json" {
			return fmt.Errorf("a part of the kind %q", l.Kind)
		}
		if !l.sum.valid(l.limit()) {
			return fmt.Errorf("a part of %d octets, digest %.70q", l.Length, l.SHA256)
		}
	}
	if !m.Local.valid(config.MaxText) {
		return fmt.Errorf("a local layer of %d octets, digest %.70q", m.Local.Length, m.Local.SHA256)
	}
	return validKey(m.Key)
}

func (s sum) valid(limit int) bool {
	return s.Length >= 0 && s.Length <= limit && isHex(s.SHA256, 64)
}
