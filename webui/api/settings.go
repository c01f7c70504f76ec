package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Settings is what the device runs with, as the interface shows and changes it. Texts are
// INI; secrets in what is shown are masked, and a mask in what is given keeps the secret.
// Errors are as for a Device; a text with faults gives a *FaultError.
type Settings interface {
	Provision(ctx context.Context) (attempt int, err error) // look for settings now; does not wait for the end
	TryProvision(ctx context.Context) (Proposal, error)     // look, and tell what would be changed; waits

	Local() (text []byte, tag string) // the local layer, and what changes whenever it does
	// What follows tells what a change would do, and warns of one that shuts out whoever sent the
	// request by.
	CheckLocal(text []byte, by *http.Request) (Proposal, error)
	CheckEdits(edits []Edit, by *http.Request) (Proposal, error)
	CheckGeneration(n int, by *http.Request) (Proposal, error)

	EditLocal(ctx context.Context, edits []Edit, tag string) (Accepted, error) // as SetLocal
	SetLocal(ctx context.Context, text []byte, tag string) (Accepted, error)   // ErrStale when tag is neither empty nor the present one

	Explain() []Setting
	Keys() []Section // the description; the caller may change it
	Generations() []Generation
	Rollback(ctx context.Context, from, generation int) (Accepted, error) // ErrStale when from is neither 0 nor what runs; 0: the newest good one before
	FactoryReset(ctx context.Context) error
}

// ErrStale refuses a change of what somebody else has changed meanwhile.
var ErrStale = errors.New("changed meanwhile")

// A Setting is one effective value and where it came from.
type Setting struct {
	Section string `json:"section"`
	Key     string `json:"key"`
	Value   string `json:"value"`  // as the agent writes it; secrets masked
	Source  string `json:"source"` // built-in, factory:PATH, file:PATH, radius:SERVER, dhcp:OPTION, pnp:SERVER, a URL, or local
	Line    *int   `json:"line"`   // there; null where it has no lines

	Local   *string `json:"local"`   // what the local layer says, secrets masked; null: nothing
	Beneath *Origin `json:"beneath"` // what would hold without it; null: there is no local value
	Locked  Text    `json:"locked"`  // why a local value does not hold, or would not; null: it does
}

// An Origin is a value, secrets masked, and where it comes from.
type Origin struct {
	Value  string `json:"value"`
	Source string `json:"source"`
	Line   *int   `json:"line"`
}

// A Generation is a configuration that the device keeps.
type Generation struct {
	Generation int    `json:"generation"`
	Made       Time   `json:"made"`
	By         string `json:"by"`      // provision page file rollback restore reset
	Verdict    string `json:"verdict"` // trial good bad unproven
	Running    bool   `json:"running"`
}

// TakenBack reports whether what was found bad last had been set at the device, by the page, its
// interface or its file: what a provider has is his to correct.
func TakenBack(all []Generation) (own bool) {
	last := Generation{By: "provision"}
	for _, g := range all {
		if g.Verdict == "bad" && g.Generation > last.Generation {
			last = g
		}
	}
	return last.By != "provision"
}

// Accepted is a generation that is put in force.
type Accepted struct {
	Generation int    `json:"generation"`
	Trial      *Trial `json:"trial"` // null: there is nothing to prove
}

// A Proposal is what a text, or what a source has, would make of the settings.
type Proposal struct {
	Source        Text            `json:"source"`
	URL           Text            `json:"url"`
	Changes       []Change        `json:"changes"`
	Warnings      []Fault         `json:"warnings"`
	Faults        []Fault         `json:"faults"`
	NotUnderstood []NotUnderstood `json:"not_understood"`

	Tag string `json:"-"` // of the settings that were compared with
}

// A Change is a section that would differ.
type Change struct {
	Section  string   `json:"section"`
	Kind     string   `json:"kind"` // changed added removed
	Keys     []string `json:"keys"` // of a changed section
	Values   []Value  `json:"values"`
	Disturbs string   `json:"disturbs"` // in sentences: what of the device begins anew, and what that waits for
}

// A Value is one key of a change. A secret that changes goes from a mask to a mask.
type Value struct {
	Key    string  `json:"key"`
	From   *string `json:"from"` // null: it is not there
	To     *string `json:"to"`
	Source string  `json:"source"` // of what it becomes
	Line   *int    `json:"line"`
}

// A Fault is one thing that is wrong in a text.
type Fault struct {
	File    Text   `json:"file"`
	Line    *int   `json:"line"`
	Section Text   `json:"section"`
	Key     Text   `json:"key"`
	Value   Text   `json:"value"`
	Wanted  Text   `json:"wanted"`
	Text    string `json:"text"` // all of it as one line
}

// A FaultError refuses a text, with every fault of it.
type FaultError struct{ Faults []Fault }

func (e *FaultError) Error() string {
	lines := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		lines[i] = f.Text
	}
	return strings.Join(lines, "\n")
}

// HandleSettings adds the routes of the device's settings.
func (a *API) HandleSettings(s Settings) {
	const v1 = "/api/v1"
	h := settingsRoutes{a, s}
	a.Handle(
		Route{"POST", v1 + "/provision", Admin, h.provision},
		Route{"GET", v1 + "/config", Admin, h.getLocal},
		Route{"GET", v1 + "/config/keys", Admin, h.keys},
		Route{"GET", v1 + "/config/explain", Admin, h.explain},
		Route{"GET", v1 + "/config/generations", Admin, h.generations},
		Route{"GET", v1 + "/config/generations/{n}", Admin, h.generation},
		Route{"POST", v1 + "/config/rollback", Admin, h.rollback},
		Route{"POST", v1 + "/factory-reset", Admin, h.factoryReset},
	)
	for _, r := range []Route{
		{"PUT", v1 + "/config", Admin, h.putLocal},
		{"PATCH", v1 + "/config", Admin, h.patchLocal},
		{"POST", v1 + "/config/check", Admin, h.check},
	} {
		a.handle(r, maxSettings)
	}
}

type settingsRoutes struct {
	*API
	settings Settings
}

func (h settingsRoutes) provision(w http.ResponseWriter, r *http.Request) {
	var dry bool
	if !h.read(w, r, field{"dry_run", &dry}) {
		return
	}
	if dry {
		p, err := h.settings.TryProvision(r.Context())
		h.propose(w, r, p, err)
		return
	}
	n, err := h.settings.Provision(r.Context())
	if err != nil {
		h.fail(w, r, ProblemOf(err))
		return
	}
	h.answer(w, r, http.StatusAccepted, struct {
		Attempt int `json:"attempt"`
	}{n})
}

func (h settingsRoutes) propose(w http.ResponseWriter, r *http.Request, p Proposal, err error) {
	if err != nil {
		h.fail(w, r, ProblemOf(err))
		return
	}
	p.Changes, p.Warnings, p.Faults, p.NotUnderstood = list(p.Changes), list(p.Warnings), list(p.Faults), list(p.NotUnderstood)
	for i := range p.Changes {
		p.Changes[i].Keys, p.Changes[i].Values = list(p.Changes[i].Keys), list(p.Changes[i].Values)
	}
	h.answer(w, r, http.StatusOK, p)
}

func (h settingsRoutes) getLocal(w http.ResponseWriter, _ *http.Request) {
	text, tag := h.settings.Local()
	w.Header().Set("ETag", `"`+tag+`"`)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Write(text)
}

func (h settingsRoutes) putLocal(w http.ResponseWriter, r *http.Request) {
	text, ok := h.readText(w, r)
	if !ok {
		return
	}
	h.change(w, r, func(tag string) (Accepted, error) { return h.settings.SetLocal(r.Context(), text, tag) })
}

// change has the local layer changed, if it is the one that If-Match names.
func (h settingsRoutes) change(w http.ResponseWriter, r *http.Request, set func(tag string) (Accepted, error)) {
	tag, p := matchTag(r)
	if p != nil {
		h.fail(w, r, p)
		return
	}
	accepted, err := set(tag)
	h.accept(w, r, accepted, err)
}

// matchTag is the tag of If-Match; empty: whatever is there (RFC 9110 section 13.1.1).
func matchTag(r *http.Request) (string, *Problem) {
	value := strings.TrimSpace(r.Header.Get("If-Match"))
	if value == "" || value == "*" {
		return "", nil
	}
	tag, opened := strings.CutPrefix(value, `"`)
	tag, closed := strings.CutSuffix(tag, `"`)
	if !opened || !closed || tag == "" || strings.ContainsAny(tag, `",`) {
		return "", problem(http.StatusPreconditionFailed, fmt.Sprintf("If-Match is %.60s: wanted the ETag of GET /config", value))
	}
	return tag, nil
}

func (h settingsRoutes) accept(w http.ResponseWriter, r *http.Request, accepted Accepted, err error) {
	if err != nil {
		h.fail(w, r, ProblemOf(err))
		return
	}
	h.answer(w, r, http.StatusAccepted, accepted)
}

func (h settingsRoutes) explain(w http.ResponseWriter, r *http.Request) {
	h.answer(w, r, http.StatusOK, list(h.settings.Explain()))
}

func (h settingsRoutes) generations(w http.ResponseWriter, r *http.Request) {
	h.answer(w, r, http.StatusOK, list(h.settings.Generations()))
}

// generation tells what going back to one would change.
func (h settingsRoutes) generation(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("n")
	n, err := strconv.Atoi(name)
	if err != nil || n < 1 {
		h.fail(w, r, problem(http.StatusNotFound, fmt.Sprintf("there is no generation %.20q", name)))
		return
	}
	p, err := h.settings.CheckGeneration(n, r)
	h.propose(w, r, p, err)
}

func (h settingsRoutes) rollback(w http.ResponseWriter, r *http.Request) {
	var n, from int
	if !h.read(w, r, field{"generation", &n}, field{"from", &from}) {
		return
	}
	if n < 0 || from < 0 {
		h.fail(w, r, problem(http.StatusUnprocessableEntity, fmt.Sprintf("generation is %d: wanted one that GET /config/generations lists", min(n, from))))
		return
	}
	accepted, err := h.settings.Rollback(r.Context(), from, n)
	h.accept(w, r, accepted, err)
}

func (h settingsRoutes) factoryReset(w http.ResponseWriter, r *http.Request) {
	if !h.read(w, r) {
		return
	}
	if err := h.settings.FactoryReset(r.Context()); err != nil {
		h.fail(w, r, ProblemOf(err))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// maxText is the longest local layer, in octets.
const maxText = 1 << 20

// readText takes INI text from the request's body.
func (h settingsRoutes) readText(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(h.bodyWait))
	text, err := io.ReadAll(io.LimitReader(r.Body, maxText+1))
	var p *Problem
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		p = problem(http.StatusRequestTimeout, "the body did not come in time")
	case err != nil:
		p = problem(http.StatusBadRequest, "the body ended early")
	case len(text) > maxText:
		p = problem(http.StatusRequestEntityTooLarge, fmt.Sprintf("a configuration has at most %d octets", maxText))
	case !utf8.Valid(text):
		p = problem(http.StatusBadRequest, "the body is not UTF-8 text")
	}
	for _, given := range r.Header.Values("Content-Type") {
		if media, _, err := mime.ParseMediaType(given); p == nil && (err != nil || media != "text/plain") {
			p = problem(http.StatusUnsupportedMediaType, fmt.Sprintf("the body is %.100q: wanted Content-Type: text/plain", given))
		}
	}
	return text, h.took(w, r, p)
}

// took ends the reading of a body, unless something is wrong with it. The answer may take longer than
// the body: a read that times out behind it would cut that short.
func (h settingsRoutes) took(w http.ResponseWriter, r *http.Request, p *Problem) bool {
	if p != nil {
		h.fail(w, r, p)
		return false
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	return true
}
