package dsp

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Limits of a signal written as text.
const (
	maxSegments  = 32
	maxSegmentMS = 600_000
	minHz, maxHz = 20, 3900
	minLevelDBm0 = -60
	maxLevelDBm0 = 3
	// DefaultDBm0 is the level of a frequency that names none.
	DefaultDBm0 = -13
)

// ParseSignal reads a tone as text: segments separated by commas, each FREQUENCIES or
// FREQUENCIES/MILLISECONDS. Frequencies are joined by +, each may name its level in
// dBm0 after an @; 0 is silence; 425*25 is 425 Hz whose amplitude swings 25 times a
// second. A segment that begins with ! is played once and not repeated, and one without
// a length lasts for ever.
//
//	350@-13+440@-13                             dial tone of North America
//	425@-7/1000,0/4000                          ringback of most of Europe
//	!350+440/100,!0/100,!350+440/100,350+440    a stutter, then steady
func ParseSignal(text string) (*Signal, error) {
	fields := strings.Split(text, ",")
	if len(fields) > maxSegments {
		return nil, fmt.Errorf("tone has %d segments: want %d at most", len(fields), maxSegments)
	}
	var segments []Segment
	once := 0 // leading segments that are not repeated
	for i, f := range fields {
		f = strings.TrimSpace(f)
		rest, isOnce := strings.CutPrefix(f, "!")
		if isOnce {
			if once < i {
				return nil, fmt.Errorf("tone segment %q: a segment that is played once stands before all others", f)
			}
			once++
		}
		s, err := parseSegment(rest)
		if err != nil {
			return nil, fmt.Errorf("tone segment %q: %w", f, err)
		}
		if s.Samples == 0 && i < len(fields)-1 {
			return nil, fmt.Errorf("tone segment %q: one without a length must be the last", f)
		}
		segments = append(segments, s)
	}
	return NewSignal(once, segments...), nil
}

func parseSegment(text string) (s Segment, err error) {
	sound, length, timed := strings.Cut(text, "/")
	if timed {
		ms, err := strconv.Atoi(strings.TrimSpace(length))
		if err != nil || ms < 1 || ms > maxSegmentMS {
			return s, fmt.Errorf("length %q: want milliseconds, 1 to %d", length, maxSegmentMS)
		}
		s.Samples = ms * SampleRate / 1000
	}
	if strings.TrimSpace(sound) == "0" {
		return s, nil
	}
	for _, p := range strings.Split(sound, "+") {
		partials, err := parsePartial(strings.TrimSpace(p))
		if err != nil {
			return s, err
		}
		s.Partials = append(s.Partials, partials...)
	}
	if len(s.Partials) > MaxPartials {
		return s, fmt.Errorf("%d frequencies: want %d at most", len(s.Partials), MaxPartials)
	}
	return s, nil
}

func parsePartial(text string) ([]Partial, error) {
	hz, level, hasLevel := strings.Cut(text, "@")
	dBm0 := float64(DefaultDBm0)
	if hasLevel {
		var err error
		if dBm0, err = parseNumber(level, minLevelDBm0, maxLevelDBm0); err != nil {
			return nil, fmt.Errorf("level %w dBm0", err)
		}
	}
	carrier, swing, isModulated := strings.Cut(hz, "*")
	f, err := parseNumber(carrier, minHz, maxHz)
	if err != nil {
		return nil, fmt.Errorf("frequency %w Hz", err)
	}
	if !isModulated {
		return []Partial{{f, dBm0}}, nil
	}
	m, err := parseNumber(swing, 1, 200)
	if err != nil {
		return nil, fmt.Errorf("modulation %w Hz", err)
	}
	// ITU-T E.180 allows any depth from 0.8 up; at 0.9 each sideband has 0.45 of the
	// carrier's amplitude.
	side := dBm0 + 20*math.Log10(0.45)
	return []Partial{{f, dBm0}, {f - m, side}, {f + m, side}}, nil
}

func parseNumber(text string, low, high float64) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || !(v >= low && v <= high) {
		return 0, fmt.Errorf("%q: want %v to %v", text, low, high)
	}
	return v, nil
}
