package system

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"tipring/webui/api"
	"tipring/webui/frame"
	"tipring/webui/words"
)

// shownLines is how many lines of the log a page has.
const shownLines = 200

// A book is what the page of the log is drawn with.
type book struct {
	frame.View
	lines []api.LogLine // newest first
	level string
	text  string
	wrong string
}

// live tells whether new lines may appear by themselves: the script does not know the filter.
func (b book) live() bool { return b.level == "" && b.text == "" }

func (p page) log(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	b := book{View: p.View(r, words.T(ctx, "Log")), level: r.URL.Query().Get("level"), text: r.URL.Query().Get("q")}
	b.Up = up(r)
	b.Lead = words.T(ctx, "The last lines of the log, the newest first. How much is logged is a setting of the device.")
	query := url.Values{"limit": {strconv.Itoa(shownLines)}, "level": {b.level}, "q": {b.text}}
	err := p.API.Ask(r, api.Question{Path: "/api/v1/log?" + query.Encode()}).Into(&b.lines)
	status := http.StatusOK
	if err != nil {
		problem := api.ProblemOf(err)
		status, b.wrong = problem.Status, problem.Error()
	}
	slices.Reverse(b.lines)
	p.Show(w, r, status, logPage(b))
}
