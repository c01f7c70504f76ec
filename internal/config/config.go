// Package config reads the settings of this program: INI text in several layers,
// checked whole against one description of every key, so that a file is either
// understood in every line or refused with all its faults at once.
//
// gopkg.in/ini.v1 splits the text. A scan before it finds what ini.v1 keeps silent
// about: line numbers, lines that are neither section nor key, doubled sections and
// keys. The keys are walked here, because StrictMapTo stops at the first fault and
// MapTo swallows bad values. The description (Sections) is the only place that names
// a key: defaults, parsing, faults, canonical text, Explain, the shipped tipring.ini,
// docs/configuration.md and the pages all come from it.
//
// The package opens files only in Files, ReadLocal and the detection of
// Identity. It starts no goroutine and logs nothing.
package config

import (
	"slices"
	"strconv"
	"strings"
)

// A Config is the effective configuration: every key of every section that exists,
// from the highest layer that has it. It is never changed after Load.
type Config struct {
	Device       Device
	SIP          SIP
	Lines        []*Line // by number; numbers may have gaps
	Ports        []Port  // by number; numbers may have gaps
	Fax          Fax
	Radius       Radius
	Provisioning Provisioning
	Web          Web

	// Warnings lists what was read and not used: unknown keys of a provisioned file,
	// keys that their layer may not set, ports whose line is yet to be provisioned; and
	// what is not acted on yet, which has Fault.Later.
	Warnings Faults

	layers   []layerName // [0] is the built-in layer
	sections []section   // in the order of Sections, numbered ones by number
}

type layerName struct {
	name, source string
	rank         Rank
}

// A section is one [section] with where its values came from.
type section struct {
	desc    *Section
	n       int      // 0 when the section is not numbered
	data    any      // *Device, *Line and so on, inside the Config
	origins []origin // of the keys that some layer set
	head    origin   // of the [section] line itself; layer 0 when there is none
}

// An origin says which layer and line the effective value of a key is from.
type origin struct {
	key   uint8 // index in desc.Keys
	layer uint8 // index in Config.layers
	line  int32 // 0 when the layer has no lines
}

// name is the section's name as a file writes it: sip1, port1, fax.
func (s *section) name() string { return s.desc.InFile(s.n) }

// origin returns where key i came from; layer 0 means the built-in default.
func (s *section) origin(i int) origin {
	for _, o := range s.origins {
		if int(o.key) == i {
			return o
		}
	}
	return origin{key: uint8(i)}
}

func (s *section) setOrigin(o origin) {
	for i := range s.origins {
		if s.origins[i].key == o.key {
			s.origins[i] = o
			return
		}
	}
	s.origins = append(s.origins, o)
}

// text is the effective value of key i as this program writes it, in clear.
func (s *section) text(i int) string {
	k := &s.desc.Keys[i]
	if text := k.text(s.data); text != "" || !k.Optional {
		return text
	}
	return k.defaultFor(s.n)
}

// Line returns the line with number n, or nil.
func (c *Config) Line(n int) *Line {
	i, ok := slices.BinarySearchFunc(c.Lines, n, func(l *Line, n int) int { return l.N - n })
	if !ok {
		return nil
	}
	return c.Lines[i]
}

// Port returns the port with number n, or nil.
func (c *Config) Port(n int) *Port {
	i, ok := slices.BinarySearchFunc(c.Ports, n, func(p Port, n int) int { return p.N - n })
	if !ok {
		return nil
	}
	return &c.Ports[i]
}

// Source says where the effective value of a key comes from, and its line there (0
// for none): Source("sip1", "register_addr") is "file:/etc/tipring/tipring.ini", 12.
// ok is false for a section or key that does not exist.
func (c *Config) Source(sectionName, key string) (source string, line int, ok bool) {
	s, i := c.find(sectionName, key)
	if s == nil || i < 0 {
		return "", 0, false
	}
	o := s.origin(i)
	return c.layers[o.layer].source, int(o.line), true
}

// Value is the effective value of a key as this program writes it, secrets in clear.
func (c *Config) Value(sectionName, key string) (value string, ok bool) {
	s, i := c.find(sectionName, key)
	if s == nil || i < 0 {
		return "", false
	}
	return s.text(i), true
}

func (c *Config) find(sectionName, key string) (*section, int) {
	for j := range c.sections {
		if s := &c.sections[j]; s.name() == sectionName {
			return s, s.desc.index(key)
		}
	}
	return nil, -1
}

// Canonical writes the effective configuration as INI text: every section that
// exists, and in it the keys that some layer set, secrets in clear. Loaded as one
// layer it gives the same values.
func (c *Config) Canonical() []byte {
	var b []byte
	for j := range c.sections {
		s := &c.sections[j]
		if s.n == 0 && len(s.origins) == 0 {
			continue
		}
		b = append(b, '[')
		b = append(b, s.name()...)
		b = append(b, "]\n"...)
		for i := range s.desc.Keys {
			if s.origin(i).layer == 0 {
				continue
			}
			b = append(b, s.desc.Keys[i].Name...)
			b = append(b, " ="...)
			if v := s.desc.Keys[i].text(s.data); v != "" {
				b = append(b, ' ')
				b = append(b, v...)
			}
			b = append(b, '\n')
		}
		b = append(b, '\n')
	}
	return b
}

// splitName takes "sip12" apart into "sip" and 12; n is 0 for a name without number.
func splitName(name string) (stem string, n int) {
	stem = strings.TrimRight(name, "0123456789")
	digits := name[len(stem):]
	if digits == "" || digits[0] == '0' || len(digits) > 4 {
		return name, 0
	}
	n, _ = strconv.Atoi(digits)
	return stem, n
}
