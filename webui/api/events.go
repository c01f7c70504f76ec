package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"tipring/webui/words"
)

// Events is where a device tells what changes on it.
type Events interface {
	// Listen begins to tell of topics: first of everything that there is, then of what
	// changes. It may be refused with ErrUnavailable: too many listen.
	Listen(topics Topics) (Listener, error)
}

// A Listener is one stream of events.
type Listener interface {
	Ready() <-chan struct{}             // holds a token when Take has something
	Take() (events [][]byte, more bool) // as EventText writes them; without more, these were the last
	Close()                             // must be called
}

// A Topic is one kind of what is told.
type Topic uint8

// The topics: events bear their names.
const (
	OnLine         Topic = iota // a Line
	OnPort                      // a Port
	OnCall                      // a Call; a running one every second, since its quality changes
	OnFax                       // a Fax
	OnProvisioning              // the Provisioning of a Status
	OnConfig                    // a ConfigNews
	OnWarning                   // all Warnings
	OnMessage                   // all Messages
	OnLog                       // a LogLine
	topicCount
)

var topicNames = [topicCount]string{"line", "port", "call", "fax", "provisioning", "config", "warning", "message", "log"}

// String is the name of the events.
func (t Topic) String() string { return topicNames[t] }

// Topics is a set of topics.
type Topics uint16

// TopicsOf is a set.
func TopicsOf(list ...Topic) (s Topics) {
	for _, t := range list {
		s |= 1 << t
	}
	return s
}

// Has reports a topic in the set.
func (s Topics) Has(t Topic) bool { return s&(1<<t) != 0 }

// forUsers are the topics that do not take an administrator.
var forUsers = TopicsOf(OnLine, OnPort, OnCall, OnFax, OnWarning, OnMessage)

// allowedTo is the set of topics that a role may hear of.
func allowedTo(role Role) Topics {
	if role >= Admin {
		return 1<<topicCount - 1
	}
	return forUsers
}

// ConfigNews is the event config: a generation is in force.
type ConfigNews struct {
	Generation *int   `json:"generation"`
	Trial      *Trial `json:"trial"`
}

// EventText is an event as a stream has it. data is what a GET of the resource answers.
func EventText(topic Topic, data any) ([]byte, error) {
	switch v := data.(type) {
	case Fax:
		data = v.whole()
	case Provisioning:
		v.NotUnderstood, v.Sources = list(v.NotUnderstood), list(v.Sources)
		data = v
	case LogLine:
		data = v.readable()
	case []Warning:
		data = list(v)
	case []Message:
		data = list(v)
	}
	text, err := json.Marshal(data)
	if err != nil {
		return nil, err
	}
	return slices.Concat([]byte("event: "+topic.String()+"\ndata: "), text, []byte("\n\n")), nil
}

// The times of a stream.
const (
	eventLook  = 15 * time.Second // between two looks whether its visitor may still listen
	eventWrite = 10 * time.Second // a reader that takes nothing for so long is cut
)

// streamsFull is how many seconds somebody is to wait who finds all streams taken.
const streamsFull = "30"

// HandleEvents adds the stream of events.
func (a *API) HandleEvents(e Events) {
	h := eventRoutes{a, e}
	a.Handle(Route{"GET", "/api/v1/events", User, h.stream})
}

type eventRoutes struct {
	*API
	events Events
}

// wanted is the set of topics that a request names (?only=line,call); without any, all but the
// log that its visitor may hear of.
func (h eventRoutes) wanted(r *http.Request) (Topics, *Problem) {
	allowed := allowedTo(VisitorOf(r.Context()).Role)
	given := r.URL.Query()["only"]
	if given == nil {
		return allowed &^ TopicsOf(OnLog), nil
	}
	var s Topics
	for name := range strings.SplitSeq(strings.Join(given, ","), ",") {
		i := slices.Index(topicNames[:], name)
		switch {
		case i < 0:
			return 0, problem(http.StatusUnprocessableEntity, fmt.Sprintf("only has %.60q: wanted some of %s", name, strings.Join(topicNames[:], ",")))
		case !allowed.Has(Topic(i)):
			return 0, problem(http.StatusForbidden, "events of "+name+" are for "+Admin.String())
		}
		s |= TopicsOf(Topic(i))
	}
	return s, nil
}

// stream tells events until the reader leaves, or may not listen any more.
func (h eventRoutes) stream(w http.ResponseWriter, r *http.Request) {
	topics, p := h.wanted(r)
	if p != nil {
		h.fail(w, r, p)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	if r.Method == http.MethodHead {
		return
	}
	l, err := h.events.Listen(topics)
	if err != nil {
		if p = ProblemOf(err); p.Status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", streamsFull)
		}
		h.fail(w, r, p)
		return
	}
	defer l.Close()
	follow(&eventWriter{w: w, c: http.NewResponseController(w), language: words.Choose(r.Header.Get("Accept-Language"))}, r, l)
}

// follow writes what a listener is told.
func follow(w *eventWriter, r *http.Request, l Listener) {
	look := time.NewTicker(eventLook)
	defer look.Stop()
	_ = w.c.SetReadDeadline(time.Time{}) // the request is read; whoever listens says nothing more
	ok := w.write([]byte("retry: 3000\n\n"))
	for more := true; ok && more; {
		select {
		case <-r.Context().Done():
			return
		case <-l.Ready():
			var events [][]byte
			if events, more = l.Take(); len(events) > 0 {
				ok = w.write(inLanguage(w.language, events)...)
			}
		case <-look.C:
			ok = stillThere(r) && w.write([]byte("event: alive\ndata: {}\n\n"))
		}
	}
}

// An eventWriter writes events to a reader who may be slow, or gone.
type eventWriter struct {
	w http.ResponseWriter
	c *http.ResponseController

	language *words.Catalogue // of the reader; nil: English
}

func (w *eventWriter) write(texts ...[]byte) bool {
	// A connection that cannot have a deadline is a test's.
	_ = w.c.SetWriteDeadline(time.Now().Add(eventWrite))
	for _, t := range texts {
		if _, err := w.w.Write(t); err != nil {
			return false
		}
	}
	return w.c.Flush() == nil
}
