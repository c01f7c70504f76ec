package config

import "slices"

// An Origin is a value as it may be shown, and where it comes from.
type Origin struct {
	Value  string
	Source string
	Line   int // 0: the source has no lines
}

// A LocalView tells of one key what the local layer has to do with it.
type LocalView struct {
	Own     *string // what the local layer says, as it may be shown; nil: nothing
	Beneath *Origin // what would hold without Own; nil: there is no Own
	Locked  Lock    // why a local value does not hold, or would not
}

// A Lock is why a local value does not hold.
type Lock uint8

// The locks.
const (
	Unlocked      Lock = iota
	LockedByScope      // only the factory's or the operator's file may set the key
	LockedByOrder      // a provisioned value wins: [provisioning] lock_local
)

// A Locals tells what the local layer of a configuration has to do with its values.
type Locals struct {
	c       *Config
	beneath *Config
	own     map[[2]string]string
}

// LocalsOf compares c with what its layers, which must be those it was made of, would be
// without the local one.
func LocalsOf(c *Config, layers []Layer) Locals {
	l := Locals{c: c, own: make(map[[2]string]string)}
	l.beneath = Sketch(slices.DeleteFunc(slices.Clone(layers), func(l Layer) bool { return l.Rank == Local }))
	for i := range layers {
		if layers[i].Rank != Local {
			continue
		}
		for _, e := range layers[i].document().settings {
			l.own[[2]string{e.Section, e.Key}] = e.Value
		}
	}
	return l
}

// View tells of one key, by the names of Explain.
func (l Locals) View(sectionName, key string) (v LocalView) {
	desc, n := sectionFor(sectionName)
	if desc == nil || desc.Key(key) == nil {
		return v
	}
	k := desc.Key(key)
	v.Locked = l.lock(k, sectionName)
	own, ok := l.own[[2]string{sectionName, key}]
	if !ok {
		return v
	}
	own = k.Masked(own)
	v.Own, v.Beneath = &own, &Origin{Value: k.Masked(k.defaultFor(n)), Source: "built-in"}
	if value, ok := l.beneath.Value(sectionName, key); ok {
		v.Beneath.Value = k.Masked(value)
		v.Beneath.Source, v.Beneath.Line, _ = l.beneath.Source(sectionName, key)
	}
	return v
}

func (l Locals) lock(k *Key, sectionName string) Lock {
	if k.Scope == FromFiles {
		return LockedByScope
	}
	if s, i := l.c.find(sectionName, k.Name); s != nil && i >= 0 && l.c.Provisioning.LockLocal {
		if o := s.origin(i); o.layer != 0 && l.c.layers[o.layer].rank == Provisioned {
			return LockedByOrder
		}
	}
	return Unlocked
}
