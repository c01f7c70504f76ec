package api

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A channel is an Events of one stream.
type channel struct {
	topics Topics
	err    error
	ready  chan struct{}
	closed atomic.Bool
	left   chan struct{} // closed with it; may be nil

	mu     sync.Mutex
	events [][]byte
	over   bool
}

func (c *channel) Listen(topics Topics) (Listener, error) {
	c.topics = topics
	return c, c.err
}
func (c *channel) Ready() <-chan struct{} { return c.ready }
func (c *channel) Close() {
	if !c.closed.Swap(true) && c.left != nil {
		close(c.left)
	}
}
func (c *channel) Take() ([][]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	events := c.events
	c.events = nil
	return events, !c.over
}

func (c *channel) tell(t *testing.T, over bool, topic Topic, data any) {
	t.Helper()
	text, err := EventText(topic, data)
	if err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	c.events, c.over = append(c.events, text), over
	c.mu.Unlock()
	c.ready <- struct{}{}
}

// A door is a gate whose visitor can be changed.
type door struct {
	visitor atomic.Pointer[Visitor]
	visits  atomic.Int32
}

func (d *door) Visitor(*http.Request) (Visitor, *Problem) {
	d.visits.Add(1)
	return *d.visitor.Load(), nil
}

func (d *door) Still(*http.Request) (Visitor, *Problem) { return *d.visitor.Load(), nil }

// hearken opens a stream at a device with these events.
func hearken(events Events, gate Gate, method, query string) *httptest.ResponseRecorder {
	a := New(&box{}, nil, quiet)
	a.HandleEvents(events)
	w := httptest.NewRecorder()
	a.Behind(gate).ServeHTTP(w, httptest.NewRequest(method, "/api/v1/events"+query, nil))
	return w
}

// A list that is empty is one in an event too, and not null.
func TestEventsHaveLists(t *testing.T) {
	for topic, data := range map[Topic]any{OnFax: Fax{}, OnProvisioning: Provisioning{}, OnWarning: []Warning(nil), OnMessage: []Message(nil)} {
		text, err := EventText(topic, data)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[Topic][]string{OnFax: {`"pages":[]`, `"pictures":[]`}, OnProvisioning: {`"sources":[]`, `"not_understood":[]`}, OnWarning: {"data: []"}, OnMessage: {"data: []"}} {
			for _, want := range value {
				if name == topic && !strings.Contains(string(text), want) {
					t.Errorf("%s lacks %s: %s", topic, want, text)
				}
			}
		}
	}
}

// What a stream says is what a GET of the resource answers.
func TestAStreamOfEvents(t *testing.T) {
	c := &channel{ready: make(chan struct{}, 1), over: true}
	b := &box{}
	text := func(topic Topic, data any) string {
		e, err := EventText(topic, data)
		if err != nil {
			t.Fatal(err)
		}
		return string(e)
	}
	c.events = [][]byte{[]byte(text(OnLine, b.Lines()[0])), []byte(text(OnPort, b.Ports()[1])), []byte(text(OnCall, b.Calls()[0]))}
	c.ready <- struct{}{}
	w := hearken(c, Open{}, "GET", "")
	want := "retry: 3000\n\nevent: line\ndata: " + line1 + "\n\nevent: port\ndata: " + port2 + "\n\nevent: call\ndata: " + call1 + "\n\n"
	if w.Code != 200 || w.Header().Get("Content-Type") != "text/event-stream" || w.Body.String() != want {
		t.Errorf("%d %v\n%s\nwant\n%s", w.Code, w.Header(), w.Body, want)
	}
	if !c.closed.Load() {
		t.Error("the listener was not closed")
	}
	for _, tt := range []struct {
		topic Topic
		data  any
		want  string
	}{
		{OnFax, Fax{}, `"pages":[]`},
		{OnProvisioning, Provisioning{}, `"not_understood":[]`},
		{OnWarning, []Warning(nil), "data: []\n\n"},
	} {
		if got := text(tt.topic, tt.data); !strings.Contains(got, tt.want) {
			t.Errorf("%s: got %s, want %s", tt.topic, got, tt.want)
		}
	}
}

func TestWhoMayHearOfWhat(t *testing.T) {
	user, admin := Visitor{Name: "eva", Role: User}, Visitor{Role: Admin}
	for _, tt := range []struct {
		visitor Visitor
		query   string
		status  int
		topics  Topics
	}{
		{user, "", 200, TopicsOf(OnLine, OnPort, OnCall, OnFax, OnWarning, OnMessage)},
		{admin, "", 200, TopicsOf(OnLine, OnPort, OnCall, OnFax, OnProvisioning, OnConfig, OnWarning, OnMessage)},
		{admin, "?only=log", 200, TopicsOf(OnLog)},
		{user, "?only=line,call", 200, TopicsOf(OnLine, OnCall)},
		{user, "?only=warning", 200, TopicsOf(OnWarning)},
		{user, "?only=line&only=fax", 200, TopicsOf(OnLine, OnFax)},
		{user, "?only=line,log", 403, 0},
		{user, "?only=config", 403, 0},
		{user, "?only=lines", 422, 0},
		{user, "?only=", 422, 0},
		{Visitor{}, "", 401, 0},
		{Visitor{Role: Scraper}, "", 401, 0},
	} {
		c := &channel{ready: make(chan struct{}, 1), over: true}
		c.ready <- struct{}{}
		d := new(door)
		d.visitor.Store(&tt.visitor)
		if w := hearken(c, d, "GET", tt.query); w.Code != tt.status || c.topics != tt.topics {
			t.Errorf("%s %q: %d with topics %b, want %d with %b", tt.visitor.Role, tt.query, w.Code, c.topics, tt.status, tt.topics)
		}
	}
}

func TestTooManyStreams(t *testing.T) {
	w := hearken(&channel{err: errors.Join(errors.New("64 streams"), ErrUnavailable)}, Open{}, "GET", "")
	if w.Code != 503 || w.Header().Get("Retry-After") != "30" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

// HEAD says what GET would be, and does not stay.
func TestHeadOfAStream(t *testing.T) {
	if w := hearken(&channel{}, Open{}, "HEAD", ""); w.Code != 200 || w.Header().Get("Content-Type") != "text/event-stream" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

// A stream goes on for as long as its visitor may listen, and looking is no visit.
func TestAStreamEndsWithItsVisitor(t *testing.T) {
	for _, tt := range []struct {
		then Visitor
		ends bool
	}{
		{Visitor{Role: Admin}, false},
		{Visitor{Role: User}, true},
		{Visitor{}, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := &channel{ready: make(chan struct{}, 1)}
			d := new(door)
			d.visitor.Store(&Visitor{Role: Admin})
			a := New(&box{}, nil, quiet)
			a.HandleEvents(c)
			ctx, cancel := context.WithCancel(t.Context())
			w, done := httptest.NewRecorder(), make(chan struct{})
			go func() {
				defer close(done)
				a.Behind(d).ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/api/v1/events", nil))
			}()
			time.Sleep(2*eventLook + time.Second)
			d.visitor.Store(&tt.then)
			time.Sleep(eventLook)
			synctest.Wait()
			select {
			case <-done:
				if !tt.ends {
					t.Error("it has ended")
				}
			default:
				if tt.ends {
					t.Errorf("it goes on for %s", tt.then.Role)
				}
			}
			cancel()
			<-done
			if got := strings.Count(w.Body.String(), "event: alive\ndata: {}\n\n"); got < 2 {
				t.Errorf("%d signs of life in half a minute", got)
			}
			if d.visits.Load() != 1 || !c.closed.Load() {
				t.Errorf("%d visits, closed %v", d.visits.Load(), c.closed.Load())
			}
		})
	}
}

// Events arrive when they are told, whatever deadlines the server has for short answers, and a
// reader who leaves ends the stream.
func TestAStreamOverHTTP(t *testing.T) {
	c := &channel{ready: make(chan struct{}, 1), left: make(chan struct{})}
	a := New(&box{}, nil, quiet)
	a.HandleEvents(c)
	server := httptest.NewUnstartedServer(a.Behind(Open{}))
	server.Config.WriteTimeout = time.Nanosecond
	server.Start()
	defer server.Close()
	ctx, leave := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "GET", server.URL+"/api/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	for _, server := range []string{"primary", "backup"} {
		c.tell(t, false, OnLine, Line{Server: server})
		for found := false; !found; {
			if !lines.Scan() {
				t.Fatalf("the stream has ended: %v", lines.Err())
			}
			found = strings.Contains(lines.Text(), `"server":"`+server+`"`)
		}
	}
	leave()
	<-c.left
}

// A slowWriter notes the deadlines that it is given, and takes nothing.
type slowWriter struct {
	*httptest.ResponseRecorder
	read, write []time.Time
}

func (w *slowWriter) SetReadDeadline(t time.Time) error {
	w.read = append(w.read, t)
	return nil
}

func (w *slowWriter) SetWriteDeadline(t time.Time) error {
	w.write = append(w.write, t)
	return nil
}

func (w *slowWriter) Write([]byte) (int, error) { return 0, os.ErrDeadlineExceeded }

// A reader that takes nothing is cut, and one that has nothing more to ask is not.
func TestASlowReaderIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &slowWriter{ResponseRecorder: httptest.NewRecorder()}
		a := New(&box{}, nil, quiet)
		a.HandleEvents(&channel{ready: make(chan struct{})})
		a.Behind(Open{}).ServeHTTP(w, httptest.NewRequest("GET", "/api/v1/events", nil))
		if len(w.read) != 1 || !w.read[0].IsZero() || len(w.write) != 1 || time.Until(w.write[0]) != eventWrite {
			t.Errorf("deadlines %v and %v", w.read, w.write)
		}
	})
}
