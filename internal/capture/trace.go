package capture

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// An entry is one message or event of a trace.
type entry struct {
	at     int64  // Unix time in ns
	text   string // redacted; of a repetition that of its first
	note   string // of an event; of a message why it was not sent
	way    uint8  // index of the trace's ways
	event  bool
	out    bool
	again  bool // it is a repetition
	turn   uint16
	failed bool // of a registration: its turn ended badly
}

// overhead is what an entry counts besides its text.
const overhead = 64

func (e *entry) weight() int {
	n := overhead + len(e.note)
	if !e.again {
		n += len(e.text)
	}
	return n
}

// A way is where messages came by.
type way struct {
	transport     Transport
	local, remote netip.AddrPort
}

// maxWays is how many ways one trace tells apart.
const maxWays = 64

// A trace is a list of entries. Its methods return by how many octets they change its size.
type trace struct {
	entries []entry
	ways    []way
	names   []named
	size    int // octets
	dropped int // messages that had to go
	newest  int // index of what was added last
}

// A named is what an address is called.
type named struct {
	addr netip.AddrPort
	name string
}

func (t *trace) name(addr netip.AddrPort, name string) {
	addr = unmap(addr)
	for i := range t.names {
		if t.names[i].addr == addr {
			t.names[i].name = name
			return
		}
	}
	if len(t.names) < maxWays {
		t.names = append(t.names, named{addr, name})
	}
}

// message adds a message. One that was there before by the same way is a repetition, and shares
// its text.
func (t *trace) message(m Message) int {
	e := entry{at: m.At.UnixNano(), out: m.Out, way: t.way(way{m.Transport, unmap(m.Local), unmap(m.Remote)})}
	if m.Err != nil {
		e.note = m.Err.Error()
	}
	for i := len(t.entries) - 1; i >= 0 && !e.again; i-- {
		was := &t.entries[i]
		if !was.event && was.out == e.out && was.way == e.way && was.text == string(m.Text) {
			e.text, e.again = was.text, true
		}
	}
	if !e.again {
		e.text = string(m.Text)
	}
	return t.add(e)
}

func (t *trace) event(at time.Time, remote netip.AddrPort, text string) int {
	return t.add(entry{at: at.UnixNano(), note: text, event: true, way: t.wayTo(unmap(remote))})
}

// add puts an entry where its time belongs: what is sent may be told of after its answer.
func (t *trace) add(e entry) int {
	i := len(t.entries)
	for i > 0 && t.entries[i-1].at > e.at {
		i--
	}
	t.entries = slices.Insert(t.entries, i, e)
	t.newest = i
	t.size += e.weight()
	return e.weight()
}

// way finds the way's index, or makes one.
func (t *trace) way(w way) uint8 {
	if i := slices.Index(t.ways, w); i >= 0 {
		return uint8(i)
	}
	if len(t.ways) == maxWays {
		return maxWays - 1
	}
	t.ways = append(t.ways, w)
	return uint8(len(t.ways) - 1)
}

// wayTo is the newest way to an address.
func (t *trace) wayTo(remote netip.AddrPort) uint8 {
	for i := len(t.ways) - 1; i >= 0; i-- {
		if t.ways[i].remote == remote {
			return uint8(i)
		}
	}
	return t.way(way{remote: remote})
}

// shrink drops messages until no more than limit octets are left: those in the middle, oldest
// first, so that the beginning and the end of a call stay.
func (t *trace) shrink(limit int) (freed int) {
	for t.size-freed > limit && len(t.entries) > 2 {
		head, kept := 0, 0
		for head < len(t.entries)-2 && kept+t.entries[head].weight() <= limit/2 {
			kept += t.entries[head].weight()
			head++
		}
		freed += t.drop(head)
	}
	t.size -= freed
	return freed
}

// drop takes an entry out. Where repetitions share its text, the first of them keeps it.
func (t *trace) drop(i int) (freed int) {
	e := t.entries[i]
	t.entries = slices.Delete(t.entries, i, i+1)
	freed = e.weight()
	if !e.event {
		t.dropped++
	}
	if e.again || e.text == "" {
		return freed
	}
	for j := range t.entries {
		if r := &t.entries[j]; r.again && r.text == e.text {
			r.again = false
			return freed - len(e.text)
		}
	}
	return freed
}

// clear drops everything.
func (t *trace) clear() (freed int) {
	for i := range t.entries {
		if !t.entries[i].event {
			t.dropped++
		}
	}
	freed = t.size
	t.entries, t.ways, t.size = nil, nil, 0
	return freed
}

// firstLine is a message in short: its start line and its CSeq.
func firstLine(text string) string {
	line, rest, _ := strings.Cut(text, "\n")
	number, method := cseqOf([]byte(rest))
	return strings.Clone(line + "\nCSeq: " + string(number) + " " + string(method) + "\r\n\r\n")
}

func unmap(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }
