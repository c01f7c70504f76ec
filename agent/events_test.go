package agent

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tipring/webui/api"
)

// A gallery is an eventSource of things that read as they are set.
type gallery struct {
	mu     sync.Mutex
	things map[resource]string
	again  map[resource]time.Duration
	shown  int
}

func newGallery(things map[resource]string) *gallery {
	return &gallery{things: things, again: map[resource]time.Duration{}}
}

func (s *gallery) set(r resource, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.things[r] = text
}

func (s *gallery) all(t api.Topic) (list []resource) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for r := range s.things {
		if r.topic == t {
			list = append(list, r)
		}
	}
	return list
}

func (s *gallery) show(r resource) (any, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shown++
	if text, ok := s.things[r]; ok {
		return text, s.again[r]
	}
	return nil, 0
}

func (s *gallery) gone(resource, []byte) []byte { return nil }

var (
	line1    = resource{api.OnLine, "1"}
	port1    = resource{api.OnPort, "1"}
	call1    = resource{api.OnCall, "c1"}
	warnings = resource{api.OnWarning, ""}

	everything = api.TopicsOf(api.OnLine, api.OnPort, api.OnCall, api.OnFax, api.OnProvisioning, api.OnConfig, api.OnWarning)
)

// A reader follows one stream.
type reader struct {
	t *testing.T
	api.Listener
}

func (h *hub) reader(t *testing.T, topics api.Topics) reader {
	t.Helper()
	l, err := h.Listen(topics)
	if err != nil {
		t.Fatal(err)
	}
	return reader{t, l}
}

// take is what was told by now, each as topic:text.
func (r reader) take() string {
	synctest.Wait()
	events, _ := r.Take()
	var list []string
	for _, e := range events {
		topic, data, _ := strings.Cut(strings.TrimPrefix(string(e), "event: "), "\ndata: ")
		list = append(list, topic+":"+strings.Trim(data, "\"\n"))
	}
	return strings.Join(list, " ")
}

func (r reader) wants(when, want string) {
	r.t.Helper()
	if got := r.take(); got != want {
		r.t.Errorf("%s: told %q, want %q", when, got, want)
	}
}

func TestAListenerIsToldEverythingAndThenWhatChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newGallery(map[resource]string{line1: "registering", port1: "idle"})
		h := newHub(s)
		r := h.reader(t, everything)
		r.wants("at first", "line:registering port:idle")
		s.set(line1, "registered")
		h.Changed(api.OnLine, "1")
		time.Sleep(time.Second)
		r.wants("registered", "line:registered")
		h.Changed(api.OnPort, "1")
		time.Sleep(time.Second)
		r.wants("a port that is as it was", "")
		h.Changed(api.OnPort, "7")
		time.Sleep(time.Second)
		r.wants("a port that is not there", "")
		second := h.reader(t, api.TopicsOf(api.OnPort))
		second.wants("who comes later", "port:idle")
		r.wants("who was there", "")
		r.Close()
		second.Close()
		h.close()
	})
}

// A resource that changes often is told five times a second at most, and its last state always.
func TestEventsAreNotMoreThanFiveASecond(t *testing.T) {
	for _, tt := range []struct {
		of   resource
		most int // in two seconds
	}{{line1, 11}, {resource{api.OnFax, "f"}, 5}, {warnings, 3}} {
		synctest.Test(t, func(t *testing.T) {
			s := newGallery(map[resource]string{tt.of: "0"})
			h := newHub(s)
			r := h.reader(t, everything)
			r.take()
			n, last := 0, ""
			for i := range 2000 {
				s.set(tt.of, fmt.Sprint(i))
				h.Changed(tt.of.topic, tt.of.id)
				time.Sleep(time.Millisecond)
				if got := r.take(); got != "" {
					n, last = n+1, got
				}
			}
			time.Sleep(time.Second)
			if got := r.take(); got != "" {
				n, last = n+1, got
			}
			if n > tt.most || n < tt.most-2 || last != tt.of.topic.String()+":1999" {
				t.Errorf("%s: %d events, the last %q, want at most %d", tt.of.topic, n, last, tt.most)
			}
			r.Close()
			h.close()
		})
	}
}

// A running call is told every second, for as long as it runs.
func TestARunningCallIsToldEverySecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newGallery(map[resource]string{call1: "connected"})
		s.again[call1] = callLook
		h := newHub(s)
		r := h.reader(t, api.TopicsOf(api.OnCall))
		r.wants("at first", "call:connected")
		for range 3 {
			time.Sleep(time.Second)
			r.wants("a second later", "call:connected")
		}
		s.set(call1, "ended")
		s.mu.Lock()
		delete(s.again, call1)
		s.mu.Unlock()
		h.Changed(api.OnCall, "c1")
		time.Sleep(time.Second)
		r.wants("at its end", "call:ended")
		shown := s.shown
		time.Sleep(time.Hour)
		r.wants("after its end", "")
		if s.shown != shown {
			t.Error("it is still looked at")
		}
		r.Close()
		h.close()
	})
}

// Nothing is done while nobody listens, and there is no goroutine.
func TestNobodyListens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newGallery(map[resource]string{line1: "registered"})
		h := newHub(s)
		change := func() { h.Changed(api.OnLine, "1") }
		if n := testing.AllocsPerRun(100, change); n != 0 {
			t.Errorf("%v allocations", n)
		}
		r := h.reader(t, api.TopicsOf(api.OnPort))
		synctest.Wait()
		h.Changed(api.OnLine, "1") // which nobody listens to
		synctest.Wait()
		r.Close()
		synctest.Wait()
		h.mu.Lock()
		if h.running || len(h.changed) > 0 || s.shown > 0 {
			t.Errorf("running %v, %d changes, %d shown", h.running, len(h.changed), s.shown)
		}
		h.mu.Unlock()
		again := h.reader(t, everything)
		again.wants("whoever comes then", "line:registered")
		again.Close()
		h.close()
	})
}

func TestStreamsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(newGallery(map[resource]string{line1: "x"}))
		var all []reader
		for range maxStreams {
			all = append(all, h.reader(t, everything))
		}
		if _, err := h.Listen(everything); !errors.Is(err, api.ErrUnavailable) {
			t.Errorf("one more: %v", err)
		}
		all[0].Close()
		h.reader(t, everything)
		h.close()
		for _, r := range all[1:] {
			if _, more := r.Take(); more {
				t.Fatal("a stream goes on when the hub is closed")
			}
			r.Close()
		}
		if _, err := h.Listen(everything); !errors.Is(err, api.ErrConflict) {
			t.Errorf("at the end: %v", err)
		}
	})
}

// Who reads slowly misses steps, but not the last one, and waits for no more than one event of
// each resource.
func TestASlowReaderGetsTheLatest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newGallery(map[resource]string{line1: "0", port1: "idle"})
		h := newHub(s)
		r := h.reader(t, everything)
		for i := range 100 {
			s.set(line1, fmt.Sprint(i))
			h.Changed(api.OnLine, "1")
			time.Sleep(time.Second)
		}
		r.wants("after a hundred seconds", "line:99 port:idle")
		r.Close()
		h.close()
	})
}

// Resources that are no more are not remembered for ever.
func TestAHubForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newGallery(map[resource]string{})
		h := newHub(s)
		r := h.reader(t, everything)
		tl := teller{h, map[resource]time.Time{}, map[resource]told{}, leastTold}
		for i := range leastTold + 1 {
			tl.told[resource{api.OnCall, fmt.Sprint(i)}] = told{}
		}
		tl.told[call1] = told{}
		s.set(call1, "connected")
		tl.forget()
		if len(tl.told) != 1 || tl.most != leastTold {
			t.Errorf("%d remembered, most %d", len(tl.told), tl.most)
		}
		r.Close()
		h.close()
	})
}

// A vanishing is a device with one fax, until it has none.
type vanishing struct {
	resources
	*gallery
	fax api.Fax
}

func (s *vanishing) all(t api.Topic) []resource          { return s.gallery.all(t) }
func (s *vanishing) gone(r resource, last []byte) []byte { return s.resources.gone(r, last) }
func (s *vanishing) show(r resource) (data any, _ time.Duration) {
	if data, _ = s.gallery.show(r); data != nil {
		data = s.fax
	}
	return data, 0
}

// A fax that is no more before it was over is told once more, so that no page shows it for ever; one
// that was over is not.
func TestAFaxThatIsGone(t *testing.T) {
	for state, want := range map[string]string{"probing": "cancelled", "receiving": "cancelled", "sent": "", "cancelled": ""} {
		synctest.Test(t, func(t *testing.T) {
			probe := resource{api.OnFax, "probe-1"}
			s := &vanishing{gallery: newGallery(map[resource]string{probe: "x"}), fax: api.Fax{ID: "probe-1", Direction: "out", Kind: "machine", Port: api.Number(1), State: state}}
			h := newHub(s)
			r := h.reader(t, everything)
			r.take()
			s.mu.Lock()
			delete(s.things, probe)
			s.mu.Unlock()
			for _, when := range []string{"gone", "gone for long"} {
				h.Changed(api.OnFax, "probe-1")
				time.Sleep(time.Second)
				got := r.take()
				if ok := want == "" && got == "" || want != "" && strings.Contains(got, `"port":1`) && strings.Contains(got, `"state":"`+want+`"`); !ok {
					t.Errorf("%s, which was %s: told %q, want %q", when, state, got, want)
				}
				want = ""
			}
			r.Close()
			h.close()
		})
	}
}

// Whoever changes something is never in the way of another, of a listener or of the end.
func TestAHubUnderStress(t *testing.T) {
	s := newGallery(map[resource]string{line1: "x", port1: "y", call1: "z"})
	s.again[call1] = time.Millisecond
	h := newHub(s)
	var work sync.WaitGroup
	for range 4 {
		work.Go(func() {
			for i := range 500 {
				h.Changed(api.Topic(i%3), "1")
				h.log(api.LogLine{ID: int64(i), Attrs: []byte("{}")})
			}
		})
		work.Go(func() {
			for range 50 {
				l, err := h.Listen(everything | api.TopicsOf(api.OnLog))
				if err != nil {
					return
				}
				<-l.Ready()
				l.Take()
				l.Close()
			}
		})
	}
	work.Wait()
	h.close()
}
