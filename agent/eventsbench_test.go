package agent

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"tipring/webui/api"
)

// fiftyOpen is a hub of a device of eight lines with fifty status pages that read what they are
// told.
func fiftyOpen(b *testing.B) (h *hub, read func() int) {
	things := map[resource]string{}
	for n := range 8 {
		things[resource{api.OnLine, strconv.Itoa(n)}] = fmt.Sprintf("%500d", n)
	}
	h = newHub(newGallery(things))
	var all []api.Listener
	for range 50 {
		l, err := h.Listen(everything)
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, l)
	}
	for _, l := range all {
		<-l.Ready()
	}
	b.Cleanup(func() {
		h.close()
		for _, l := range all {
			l.Close()
		}
	})
	return h, func() (octets int) {
		for _, l := range all {
			events, _ := l.Take()
			for _, e := range events {
				octets += len(e)
			}
		}
		return octets
	}
}

// BenchmarkFiftyPages is a change that fifty open pages are told of: shown once, and handed to
// each.
func BenchmarkFiftyPages(b *testing.B) {
	h, read := fiftyOpen(b)
	read()
	h.mu.Lock()
	var listeners []*listener
	for l := range h.listeners {
		listeners = append(listeners, l)
	}
	h.mu.Unlock()
	t := teller{h, map[resource]time.Time{}, map[resource]told{}, leastTold}
	b.ReportAllocs()
	for b.Loop() {
		now := time.Now()
		t.dueBy(line1, now)
		t.tell(now, listeners)
		if read() == 0 {
			b.Fatal("nobody was told")
		}
	}
}

// BenchmarkFiftyPagesOfAPort is what the goroutine of a port pays for saying that it changed.
func BenchmarkFiftyPagesOfAPort(b *testing.B) {
	h, _ := fiftyOpen(b)
	b.ReportAllocs()
	for b.Loop() {
		h.Changed(api.OnPort, "1")
	}
}

// BenchmarkNobodyListens is the same while no page is open.
func BenchmarkNobodyListens(b *testing.B) {
	h := newHub(newGallery(nil))
	b.ReportAllocs()
	for b.Loop() {
		h.Changed(api.OnPort, "1")
	}
}
