package config

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// Checks judge values whose meaning another package knows. A nil check accepts all.
type Checks struct {
	DialPlan  func(string) error
	StarCodes func(string) error
	Country   func(string) error
	Tones     func(country, changes string) error
	File      func(use FileUse, path string) error // a file that is named must be there and good
	KeyPair   func(cert, key string) error         // two files that File found good
}

// Load checks layers, given in any order, and makes the effective configuration of
// them. Its error is Faults: all of them at once, and then there is no Config.
func Load(layers []Layer, checks Checks) (*Config, error) {
	b := newBuilder(layers)
	c := b.build(checks, func(*Section) bool { return true })
	if len(b.faults) > 0 {
		return nil, inOrder(b.faults)
	}
	c.Warnings = inOrder(b.warnings)
	return c, nil
}

// Rescue makes a configuration out of layers that have faults and no predecessor:
// built-in defaults with what is sound in [device] and [web], so that the device
// can show its faults. It has no line and no port.
func Rescue(layers []Layer) *Config {
	b := newBuilder(layers)
	return b.build(Checks{}, func(s *Section) bool { return s.Name == "device" || s.Name == "web" })
}

// Sketch makes what it can of layers, whatever is wrong with them: it tells what there
// would be, and is nothing to run with.
func Sketch(layers []Layer) *Config {
	return newBuilder(layers).build(Checks{}, func(*Section) bool { return true })
}

// A builder puts the layers together and collects what is wrong with them.
type builder struct {
	layers   []Layer // lowest first
	docs     []document
	config   *Config
	faults   []located
	warnings []located
	bad      map[spot]bool // keys whose value is not the one that was wanted
}

// A located fault knows its layer's place among those that Load was given.
type located struct {
	layer int
	Fault
}

func newBuilder(layers []Layer) *builder {
	b := &builder{layers: slices.Clone(layers), bad: make(map[spot]bool)}
	sort.SliceStable(b.layers, func(i, j int) bool { return b.layers[i].Rank < b.layers[j].Rank })
	for _, l := range b.layers {
		b.docs = append(b.docs, l.document())
	}
	b.turnRound()
	return b
}

// turnRound puts local below provisioned when a maker or operator asks for it.
func (b *builder) turnRound() {
	var p Provisioning
	key := provisioningKeys[slices.IndexFunc(provisioningKeys, func(k Key) bool { return k.Name == "lock_local" })]
	for i, doc := range b.docs {
		for _, e := range doc.settings {
			if b.layers[i].Rank <= File && e.Section == "provisioning" && e.Key == key.Name {
				key.set(&p, e.Value)
			}
		}
	}
	if !p.LockLocal {
		return
	}
	first := slices.IndexFunc(b.layers, func(l Layer) bool { return l.Rank == Provisioned })
	local := slices.IndexFunc(b.layers, func(l Layer) bool { return l.Rank == Local })
	if first < 0 || local < 0 {
		return
	}
	layer, doc := b.layers[local], b.docs[local]
	b.layers = slices.Insert(slices.Delete(b.layers, local, local+1), first, layer)
	b.docs = slices.Insert(slices.Delete(b.docs, local, local+1), first, doc)
}

func (b *builder) build(checks Checks, wanted func(*Section) bool) *Config {
	c := &Config{layers: []layerName{{source: "built-in"}}}
	b.config = c
	for i, l := range b.layers {
		c.layers = append(c.layers, layerName{l.Name, l.Source, l.Rank})
		for _, f := range b.docs[i].faults {
			b.faults = append(b.faults, located{i, f})
		}
	}
	if len(b.layers) > 200 {
		b.faults = append(b.faults, located{0, Fault{File: b.layers[200].Name, Wanted: "at most 200 layers"}})
		b.layers, b.docs = b.layers[:200], b.docs[:200]
	}
	c.makeSections(b.numbers(wanted))
	byName := make(map[string]*section, len(c.sections))
	for j := range c.sections {
		byName[c.sections[j].name()] = &c.sections[j]
	}
	for i := range b.layers {
		b.apply(i, byName, wanted)
	}
	for j := range c.sections {
		c.sections[j].fillNumbered()
	}
	b.check(checks)
	b.tellLater()
	return c
}

// tellLater warns of what was set and is not acted on yet.
func (b *builder) tellLater() {
	for j := range b.config.sections {
		s := &b.config.sections[j]
		for _, o := range s.origins {
			k := &s.desc.Keys[o.key]
			if value := s.text(int(o.key)); k.Later != "" && value != k.defaultFor(s.n) && !b.bad[spot{s, k.Name}] {
				l := b.config.layers[o.layer]
				b.warnings = append(b.warnings, located{int(o.layer) - 1, Fault{File: l.name, Line: int(o.line), Section: s.name(), Key: k.Name, Value: k.Masked(value), Later: k.Later}})
			}
		}
	}
}

// numbers finds the numbered sections that some layer has.
func (b *builder) numbers(wanted func(*Section) bool) (lines, ports []int) {
	for _, doc := range b.docs {
		for _, h := range doc.heads {
			desc, n := sectionFor(h.Section)
			switch {
			case desc == nil || n == 0 || !wanted(desc):
			case desc.Name == "sip":
				lines = append(lines, n)
			default:
				ports = append(ports, n)
			}
		}
	}
	slices.Sort(lines)
	slices.Sort(ports)
	return slices.Compact(lines), slices.Compact(ports)
}

// apply puts the values of layer i on top of those of the layers below.
func (b *builder) apply(i int, byName map[string]*section, wanted func(*Section) bool) {
	for _, h := range b.docs[i].heads {
		desc, _ := sectionFor(h.Section)
		if desc == nil {
			b.unknown(i, h, "a known section: "+knownSections())
			continue
		}
		if s := byName[h.Section]; s != nil {
			s.head = origin{layer: uint8(i + 1), line: int32(h.Line)}
		}
	}
	for _, e := range b.docs[i].settings {
		desc, _ := sectionFor(e.Section)
		if desc == nil || !wanted(desc) {
			continue
		}
		s, key := byName[e.Section], desc.index(e.Key)
		if key < 0 {
			e.Value = Mask
			b.unknown(i, e, "a known key"+desc.suggest(e.Key))
			continue
		}
		k := &desc.Keys[key]
		if !b.maySet(i, k, e) {
			continue
		}
		clear := e.Value
		e.Value = k.Masked(clear)
		switch {
		case int(s.origin(key).layer) == i+1:
			b.fault(i, e, "each key once")
			continue
		case b.layers[i].Rank == Local && strings.Contains(clear, Mask) && e.Value == clear:
			b.fault(i, e, "a value; the mask stands for a secret that is not there yet")
			continue
		case !k.set(s.data, clear):
			b.fault(i, e, k.Want())
			b.bad[spot{s, e.Key}] = true
			continue
		}
		delete(b.bad, spot{s, e.Key})
		s.setOrigin(origin{key: uint8(key), layer: uint8(i + 1), line: int32(e.Line)})
	}
}

func (b *builder) fault(layer int, e Setting, wanted string) {
	b.faults = append(b.faults, located{layer, Fault{File: b.layers[layer].Name, Line: e.Line, Section: e.Section, Key: e.Key, Value: e.Value, Wanted: wanted}})
}

// unknown lists what this program does not know: a fault where a person wrote it, a
// warning in a provisioned file.
func (b *builder) unknown(layer int, e Setting, wanted string) {
	if b.layers[layer].Rank == Provisioned {
		b.warn(layer, e, wanted+"; ignored")
		return
	}
	b.fault(layer, e, wanted)
}

func (b *builder) warn(layer int, e Setting, wanted string) {
	if len(b.warnings) < maxFaults {
		b.warnings = append(b.warnings, located{layer, Fault{File: b.layers[layer].Name, Line: e.Line, Section: e.Section, Key: e.Key, Value: e.Value, Wanted: wanted}})
	}
}

func (b *builder) maySet(layer int, k *Key, e Setting) bool {
	e.Value = k.Masked(e.Value)
	switch rank := b.layers[layer].Rank; {
	case rank == Provisioned && k.Scope != FromAnywhere:
		b.warn(layer, e, "this key in a file on the device; ignored")
		return false
	case rank == Local && k.Scope == FromFiles:
		b.fault(layer, e, "this key in the factory's or the operator's file, not here")
		return false
	}
	return true
}

// inOrder sorts by layer and line.
func inOrder(faults []located) Faults {
	sort.SliceStable(faults, func(i, j int) bool {
		x, y := &faults[i], &faults[j]
		if x.layer != y.layer {
			return x.layer < y.layer
		}
		return x.Line < y.Line
	})
	var all Faults
	for _, f := range faults {
		all = append(all, f.Fault)
	}
	return all
}

func knownSections() string {
	names := make([]string, len(sections))
	for i, s := range sections {
		names[i] = s.Name
		if s.Numbered {
			names[i] = fmt.Sprintf("%s1 to %s%d", s.Name, s.Name, MaxNumber)
		}
	}
	return strings.Join(names, ", ")
}
