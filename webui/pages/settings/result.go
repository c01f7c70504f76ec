package settings

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"tipring/webui/api"
	"tipring/webui/words"
)

// A result is what has become of a change that was confirmed.
type result struct {
	generation int
	verdict    string // trial good bad unproven; empty: it is no longer kept
	running    bool
	back       bool // it is what a rollback went back to
	now        api.Provisioning
}

// result finds what the query of a page asks about. Without an answer it has told the visitor.
func (p page) result(w http.ResponseWriter, r *http.Request) (*result, bool) {
	applied, back := r.URL.Query().Get("applied"), r.URL.Query().Get("back")
	n, err := strconv.Atoi(applied + back)
	if err != nil || n < 1 {
		return nil, true
	}
	var all []api.Generation
	var status api.Status
	if !p.Get(w, r, "/api/v1/config/generations", &all) || !p.Get(w, r, "/api/v1/status", &status) {
		return nil, false
	}
	res := &result{generation: n, back: back != "", now: status.Provisioning}
	if i := slices.IndexFunc(all, func(g api.Generation) bool { return g.Generation == n }); i >= 0 {
		res.verdict, res.running = all[i].Verdict, all[i].Running
	}
	return res, true
}

// judged reports a change that does not run for a while, to show whether it is its fault that no
// line registers.
func (r *result) judged() bool {
	return !r.running && r.now.Trial != nil && r.now.Trial.Generation == r.generation
}

// tone and text tell it.
func (r *result) tone() string {
	switch {
	case r.verdict == "bad":
		return "bad"
	case r.running && r.verdict == "good":
		return "good"
	case r.running && r.verdict == "unproven", !r.running:
		return "warn"
	}
	return "info"
}

func (r *result) text(ctx context.Context) string {
	switch {
	case r.verdict == "bad":
		return words.T(ctx, "The change was taken back: with it no line could register, and without it one can.")
	case r.judged():
		return words.T(ctx, "No line has registered with the change. The settings before it run for a minute, to show whether one can.")
	case !r.running:
		return words.T(ctx, "Other settings are in force by now.")
	case r.verdict == "good" && r.back:
		return words.T(ctx, "The settings before are in force again.")
	case r.verdict == "good":
		return words.T(ctx, "The change is in force, and is kept.")
	case r.verdict == "unproven":
		return words.T(ctx, "The change is in force. Whether it is good is not known yet: no line registers.")
	}
	return words.T(ctx, "The change is in force, on trial: if no line can register with it, it is taken back by itself.")
}
