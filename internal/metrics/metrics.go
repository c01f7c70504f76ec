// Package metrics counts what happens and writes it as Prometheus text (exposition
// format 0.0.4). It is the few types this program needs, by hand, because
// client_golang is 3 MB of binary.
//
// A metric is made once, at start; counting is one atomic addition, without a lock
// or an allocation. Label values come from small sets that this program knows (line
// numbers, SIP methods, states), never from what a peer sends.
package metrics

import (
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// A Set is a collection of metrics that is written together.
type Set struct {
	mu       sync.Mutex
	families []*family
}

// A family is all series of one name.
type family struct {
	name, help, kind string
	labels           []string
	bounds           []float64 // of a histogram, without +Inf
	collect          func(emit func(value float64, labelValues ...string))

	mu     sync.Mutex
	series []*series // sorted by values
}

type series struct {
	values []string
	// Of a counter the count; of a gauge the bits of its float64; of a histogram the
	// bits of the sum.
	n       atomic.Int64
	buckets []atomic.Int64 // of a histogram: one a bound and one for +Inf
}

// A Counter only ever grows.
type Counter struct{ s *series }

// Inc adds one.
func (c Counter) Inc() { c.s.n.Add(1) }

// Add adds n, which must not be negative.
func (c Counter) Add(n int64) { c.s.n.Add(n) }

// Value is the count so far.
func (c Counter) Value() int64 { return c.s.n.Load() }

// A Gauge goes up and down.
type Gauge struct{ s *series }

// Set makes v the gauge's value.
func (g Gauge) Set(v float64) { g.s.n.Store(int64(math.Float64bits(v))) }

// Add adds v, which may be negative.
func (g Gauge) Add(v float64) { g.s.addFloat(v) }

// Value is the value last set.
func (g Gauge) Value() float64 { return math.Float64frombits(uint64(g.s.n.Load())) }

func (s *series) addFloat(v float64) {
	for {
		old := s.n.Load()
		sum := math.Float64frombits(uint64(old)) + v
		if s.n.CompareAndSwap(old, int64(math.Float64bits(sum))) {
			return
		}
	}
}

// A Histogram counts observations by size.
type Histogram struct {
	s      *series
	bounds []float64
}

// Observe counts v in the first bucket whose bound is not below it.
func (h Histogram) Observe(v float64) {
	i, _ := slices.BinarySearch(h.bounds, v)
	h.s.buckets[i].Add(1)
	h.s.addFloat(v)
}

// Counters is the counters of one name, told apart by labels.
type Counters struct{ f *family }

// Gauges is the gauges of one name, told apart by labels.
type Gauges struct{ f *family }

// Histograms is the histograms of one name, told apart by labels.
type Histograms struct{ f *family }

// Counters makes a family of counters; its name ends in _total.
func (s *Set) Counters(name, help string, labels ...string) Counters {
	return Counters{s.add(&family{name: name, help: help, kind: "counter", labels: labels})}
}

// Gauges makes a family of gauges; its name ends in its base unit.
func (s *Set) Gauges(name, help string, labels ...string) Gauges {
	return Gauges{s.add(&family{name: name, help: help, kind: "gauge", labels: labels})}
}

// Histograms makes a family of histograms with the given upper bounds, ascending.
func (s *Set) Histograms(name, help string, bounds []float64, labels ...string) Histograms {
	return Histograms{s.add(&family{name: name, help: help, kind: "histogram", labels: labels, bounds: bounds})}
}

// Collect makes a family whose values are asked for each time it is written. kind is
// counter or gauge. collect must not write to the same Set.
func (s *Set) Collect(kind, name, help string, labels []string, collect func(emit func(value float64, labelValues ...string))) {
	s.add(&family{name: name, help: help, kind: kind, labels: labels, collect: collect})
}

func (s *Set) add(f *family) *family {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, found := slices.BinarySearchFunc(s.families, f.name, func(f *family, name string) int {
		return strings.Compare(f.name, name)
	})
	if found {
		panic("metrics: " + f.name + " is made twice")
	}
	s.families = slices.Insert(s.families, i, f)
	return f
}

// With is the counter with these label values, in the order of the labels.
func (c Counters) With(values ...string) Counter { return Counter{c.f.with(values)} }

// With is the gauge with these label values, in the order of the labels.
func (g Gauges) With(values ...string) Gauge { return Gauge{g.f.with(values)} }

// With is the histogram with these label values, in the order of the labels.
func (h Histograms) With(values ...string) Histogram {
	return Histogram{h.f.with(values), h.f.bounds}
}

// Forget drops every series whose first label has this value, such as those of a
// line that is no more.
func (s *Set) Forget(label, value string) {
	s.mu.Lock()
	families := slices.Clone(s.families)
	s.mu.Unlock()
	for _, f := range families {
		if len(f.labels) == 0 || f.labels[0] != label {
			continue
		}
		f.mu.Lock()
		f.series = slices.DeleteFunc(f.series, func(s *series) bool { return s.values[0] == value })
		f.mu.Unlock()
	}
}

func (f *family) with(values []string) *series {
	if len(values) != len(f.labels) {
		panic("metrics: " + f.name + " has other labels")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	i, found := slices.BinarySearchFunc(f.series, values, func(s *series, values []string) int {
		return slices.Compare(s.values, values)
	})
	if found {
		return f.series[i]
	}
	s := &series{values: slices.Clone(values)}
	if f.kind == "histogram" {
		s.buckets = make([]atomic.Int64, len(f.bounds)+1)
	}
	f.series = slices.Insert(f.series, i, s)
	return s
}
