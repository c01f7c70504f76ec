package api

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// System is the device as a machine: what it logs, what waits for its people, what is wrong with
// it. Errors are as for a Device.
type System interface {
	Log() []LogLine                // newest last
	Messages() []Message           // by line, then newest first
	ForgetMessage(id string) error // a text; ErrNotFound
	Warnings() []Warning           // the worst first
	System() Machine
	Restart(now bool) error // begin anew: when calls and faxes have ended, or now; does not wait
}

// LogLine is one message of the log.
type LogLine struct {
	ID      int64           `json:"id"` // rises from line to line
	Time    Time            `json:"time"`
	Level   string          `json:"level"` // debug info warn error
	Message string          `json:"message"`
	Attrs   json.RawMessage `json:"attrs"` // an object
	Text    Text            `json:"text"`  // the same, to be read: line=2 err=no answer
}

// Message is one thing that waits for the people of a line.
type Message struct {
	ID        string `json:"id"`
	Line      int    `json:"line"`
	Kind      string `json:"kind"` // voice: a mailbox (RFC 3842); text: a message (RFC 3428)
	Waiting   bool   `json:"waiting"`
	New       *int   `json:"new"` // of a mailbox; null: its server does not say
	Old       *int   `json:"old"`
	UrgentNew *int   `json:"urgent_new"` // among New
	UrgentOld *int   `json:"urgent_old"`
	Account   Text   `json:"account"` // the address to call for a mailbox
	At        Time   `json:"at"`
	From      Text   `json:"from"` // of a text
	Text      Text   `json:"text"`
}

// Warning is something that is wrong, and what to do about it.
type Warning struct {
	ID       string `json:"id"`       // the same as long as it is the same trouble
	Severity string `json:"severity"` // info warning error
	Text     string `json:"text"`     // what is wrong
	Todo     Text   `json:"todo"`     // what to do
	Section  Text   `json:"section"`  // of the settings, where they can help
	Key      Text   `json:"key"`
	Label    Text   `json:"label"` // what the page calls the place where something can be done
	Link     Text   `json:"link"`  // that place: an address of the page
	Since    Time   `json:"since"`
}

// Machine is /system.
type Machine struct {
	Time     Time      `json:"time"`
	Zone     string    `json:"zone"`
	Clock    Clock     `json:"clock"`
	UptimeS  int       `json:"uptime_s"` // of the agent
	Version  string    `json:"version"`
	Go       string    `json:"go"`
	Arch     string    `json:"arch"` // linux/arm64
	Memory   Memory    `json:"memory"`
	Disk     Disk      `json:"disk"`
	Network  []Network `json:"network"`
	DNS      []string  `json:"dns"`
	Gateway  Text      `json:"gateway"`
	Hostname Text      `json:"hostname"`
	Load     *float64  `json:"load"` // of the last minute: processes that run or want to
}

// Clock is whether the time of day can be believed.
type Clock struct {
	Set    bool   `json:"set"`    // not before a time that is over
	Source string `json:"source"` // system floor
	Floor  Time   `json:"floor"`  // it cannot be earlier: something happened then
}

// Memory is what the agent takes.
type Memory struct {
	RSSBytes   int64 `json:"rss_bytes"`
	HeapBytes  int64 `json:"heap_bytes"`
	TotalBytes int64 `json:"total_bytes"` // of the machine
	FreeBytes  int64 `json:"free_bytes"`  // that programs could have
}

// Disk is the file system of the state directory.
type Disk struct {
	Path       string `json:"path"`
	TotalBytes int64  `json:"total_bytes"`
	FreeBytes  int64  `json:"free_bytes"`
	ReadOnly   bool   `json:"read_only"`
}

// Network is one network interface.
type Network struct {
	Name      string   `json:"name"`
	MAC       Text     `json:"mac"`
	Up        bool     `json:"up"`
	Addresses []string `json:"addresses"` // with the length of their prefix
}

// HandleSystem adds the routes of the machine.
func (a *API) HandleSystem(s System) {
	const v1 = "/api/v1"
	h := systemRoutes{a, s}
	a.Handle(
		Route{"GET", v1 + "/log", Admin, h.log},
		Route{"GET", v1 + "/messages", User, h.messages},
		Route{"DELETE", v1 + "/messages/{id}", User, h.forgetMessage},
		Route{"GET", v1 + "/warnings", User, h.warnings},
		Route{"GET", v1 + "/system", User, h.machine},
		Route{"POST", v1 + "/restart", Admin, h.restart},
	)
}

type systemRoutes struct {
	*API
	system System
}

func (h systemRoutes) messages(w http.ResponseWriter, r *http.Request) {
	h.answer(w, r, http.StatusOK, list(h.system.Messages()))
}

func (h systemRoutes) forgetMessage(w http.ResponseWriter, r *http.Request) {
	if err := h.system.ForgetMessage(r.PathValue("id")); err != nil {
		h.fail(w, r, ProblemOf(err))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (h systemRoutes) warnings(w http.ResponseWriter, r *http.Request) {
	h.answer(w, r, http.StatusOK, list(h.system.Warnings()))
}

func (h systemRoutes) machine(w http.ResponseWriter, r *http.Request) {
	m := h.system.System()
	m.Network, m.DNS = list(m.Network), list(m.DNS)
	for i := range m.Network {
		m.Network[i].Addresses = list(m.Network[i].Addresses)
	}
	h.answer(w, r, http.StatusOK, m)
}

func (h systemRoutes) restart(w http.ResponseWriter, r *http.Request) {
	var now bool
	if !h.read(w, r, field{"now", &now}) {
		return
	}
	if err := h.system.Restart(now); err != nil {
		h.fail(w, r, ProblemOf(err))
		return
	}
	h.answer(w, r, http.StatusAccepted, struct {
		Now bool `json:"now"`
	}{now})
}

func (h systemRoutes) log(w http.ResponseWriter, r *http.Request) {
	f, p := logFilterOf(r.URL.Query())
	if p != nil {
		h.fail(w, r, p)
		return
	}
	h.answer(w, r, http.StatusOK, list(f.of(h.system.Log())))
}

// A logFilter says which lines of the log somebody wants.
type logFilter struct {
	level slog.Level // and worse
	text  string     // in any part of the line, in lower case
	since time.Time
	limit int // of the newest; 0: all
}

// logFilterOf reads ?level=warn&q=text&since=RFC3339&limit=N. What is empty is not asked for, as
// a form sends it.
func logFilterOf(q url.Values) (f logFilter, p *Problem) {
	f.level, f.text = slog.LevelDebug, strings.ToLower(q.Get("q"))
	var err error
	if s := q.Get("level"); s != "" && f.level.UnmarshalText([]byte(s)) != nil {
		return f, problem(http.StatusUnprocessableEntity, "level is not one: wanted debug, info, warn or error")
	}
	if s := q.Get("since"); s != "" {
		if f.since, err = time.Parse(time.RFC3339, s); err != nil {
			return f, problem(http.StatusUnprocessableEntity, "since is not a time: wanted one like 2026-03-01T10:00:00Z")
		}
	}
	if s := q.Get("limit"); s != "" {
		if f.limit, err = strconv.Atoi(s); err != nil || f.limit < 1 {
			return f, problem(http.StatusUnprocessableEntity, "limit is not a number of lines: wanted 1 or more")
		}
	}
	return f, nil
}

// of are the lines that are wanted.
func (f logFilter) of(all []LogLine) (wanted []LogLine) {
	for _, l := range all {
		if f.takes(l) {
			wanted = append(wanted, l.readable())
		}
	}
	if f.limit > 0 && len(wanted) > f.limit {
		wanted = wanted[len(wanted)-f.limit:]
	}
	return wanted
}

func (f logFilter) takes(l LogLine) bool {
	var level slog.Level
	_ = level.UnmarshalText([]byte(l.Level)) // it is one
	return level >= f.level && !l.Time.Before(f.since) && (f.text == "" || strings.Contains(strings.ToLower(l.String()), f.text))
}
