package config

import "slices"

// A Change is one section that differs between two configurations.
type Change struct {
	Section string // as a file writes it: sip1
	Kind    ChangeKind
	Keys    []string // of a Changed section: the keys whose value differs
}

// ChangeKind says how a section differs.
type ChangeKind uint8

// The ways a section differs.
const (
	Changed ChangeKind = iota
	Added
	Removed
)

// String is changed, added or removed.
func (k ChangeKind) String() string {
	return [...]string{"changed", "added", "removed"}[k]
}

// Diff tells the sections whose effective values differ. Where a value comes from
// does not count.
func Diff(before, after *Config) []Change {
	var changes []Change
	old := make(map[string]*section, len(before.sections))
	for j := range before.sections {
		old[before.sections[j].name()] = &before.sections[j]
	}
	for j := range after.sections {
		s := &after.sections[j]
		was := old[s.name()]
		delete(old, s.name())
		if was == nil {
			changes = append(changes, Change{s.name(), Added, nil})
			continue
		}
		if keys := s.differing(was); keys != nil {
			changes = append(changes, Change{s.name(), Changed, keys})
		}
	}
	for j := range before.sections {
		if name := before.sections[j].name(); old[name] != nil {
			changes = append(changes, Change{name, Removed, nil})
		}
	}
	return changes
}

// differing compares what the fields hold, so that an optional port that is absent
// differs from one that was given with the default's number.
func (s *section) differing(was *section) []string {
	var keys []string
	for i := range s.desc.Keys {
		if k := &s.desc.Keys[i]; k.text(s.data) != k.text(was.data) {
			keys = append(keys, k.Name)
		}
	}
	return keys
}

// A Difference is one key of a Change, with its values as they may be shown.
type Difference struct {
	Key      string
	From, To *string // nil: the section, or an optional value, is not there
	Source   string  // of To; of From where there is no To
	Line     int     // there; 0: none
}

// Differences tells the values of a change that Diff found between two configurations: of a
// section that is added or removed those that some layer sets.
func Differences(before, after *Config, ch Change) []Difference {
	was, is := before.sectionNamed(ch.Section), after.sectionNamed(ch.Section)
	shown := is
	if is == nil {
		shown = was
	}
	var list []Difference
	for i := range shown.desc.Keys {
		d := Difference{Key: shown.desc.Keys[i].Name, From: was.shown(i), To: is.shown(i)}
		c := after
		if is == nil {
			c = before
		}
		o := shown.origin(i)
		if was != nil && is != nil && !slices.Contains(ch.Keys, d.Key) || (was == nil || is == nil) && o.layer == 0 {
			continue
		}
		d.Source, d.Line = c.layers[o.layer].source, int(o.line)
		list = append(list, d)
	}
	return list
}

// shown is the value of key i as it may be shown; nil: it is not there.
func (s *section) shown(i int) *string {
	if s == nil {
		return nil
	}
	k := &s.desc.Keys[i]
	text := k.Masked(k.text(s.data))
	if text == "" && k.Optional {
		return nil
	}
	return &text
}
