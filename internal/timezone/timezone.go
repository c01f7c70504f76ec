// Package timezone finds the time zone that a device is in: by a rule of POSIX (IEEE Std 1003.1
// section 8.3), which is what OpenWrt keeps in /etc/TZ; by name, where the system has the
// database of zones; or as the system has it. It reads the system each time, which may change.
package timezone

import (
	"cmp"
	"os"
	"strings"
	"time"
)

// Auto stands for the system's zone.
const Auto = "auto"

// longest is more than any rule or name needs.
const longest = 64

// Find returns the zone of a rule, as CET-1CEST,M3.5.0,M10.5.0/3, of a name, as Europe/Berlin, or
// of Auto, which may be left out; ok is false if there is none.
func Find(zone string) (l *time.Location, ok bool) {
	if zone == "" || zone == Auto {
		return system(), true
	}
	return named(zone)
}

func named(zone string) (l *time.Location, ok bool) {
	if l = rule(zone); l != nil {
		return l, true
	}
	if zone == "" || len(zone) > longest {
		return nil, false
	}
	l, err := time.LoadLocation(zone)
	return l, err == nil
}

// system is the zone of $TZ, of /etc/TZ, or of what Go knows by itself: /etc/localtime.
func system() *time.Location {
	kept, _ := os.ReadFile("/etc/TZ") // most systems have none
	if l, ok := named(cmp.Or(os.Getenv("TZ"), strings.TrimSpace(string(kept)))); ok {
		return l
	}
	return time.Local
}

// The zone of a TZif file (RFC 8536 section 3) whose one transition was long ago, so that the
// rule behind it says everything. nobody is the name of what the rule does not cover.
const (
	nobody  = "?"
	counted = "\x00\x00\x00\x00"
	header  = "TZif2" + "\x00\x00\x00\x00\x00" + "\x00\x00\x00\x00\x00" + "\x00\x00\x00\x00\x00"
	before  = header + counted + counted + counted + counted + counted + counted +
		header + counted + counted + counted + "\x00\x00\x00\x01" + "\x00\x00\x00\x01" + "\x00\x00\x00\x02" + // transitions, types, octets of names
		"\xff\xff\xff\xf8\x00\x00\x00\x00" + "\x00" + // in the year 880, to type 0
		"\x00\x00\x00\x00" + "\x00" + "\x00" + nobody + "\x00"
)

// rule is the zone of a POSIX rule; nil if it is none.
func rule(text string) *time.Location {
	if len(text) > longest || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil
	}
	l, err := time.LoadLocationFromTZData(text, []byte(before+"\n"+text+"\n"))
	if err != nil {
		return nil
	}
	if name, _ := time.Unix(0, 0).In(l).Zone(); name == nobody {
		return nil
	}
	return l
}
