// Package settings is the pages that change the configuration. Every form is made from the
// configuration's own description (GET /config/keys), so that a new key appears by itself:
// a sheet says only which groups of which section a page shows.
//
// A form is applied in two steps. Apply has the device check what was changed, and shows the
// difference and what it disturbs; Confirm puts that in force, if nobody has changed anything
// meanwhile. What was typed travels between the two in the page itself, sealed by a key that
// only this process has, so that no password stands in a page and nothing has to be kept.
package settings

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"tipring/webui/api"
	"tipring/webui/frame"
	"tipring/webui/words"
)

// Routes are those of the pages.
func Routes(site *frame.Site) []api.Route {
	p := page{site, newSealer()}
	routes := []api.Route{{Method: "GET", Path: "/line", For: api.Admin, Handle: p.choose}}
	for i := range sheets {
		kind := &sheets[i]
		routes = append(routes,
			api.Route{Method: "GET", Path: kind.path, For: api.Admin, Handle: func(w http.ResponseWriter, r *http.Request) { p.get(w, r, kind) }},
			api.Route{Method: "POST", Path: kind.path, For: api.Admin, Handle: func(w http.ResponseWriter, r *http.Request) { p.post(w, r, kind) }},
		)
	}
	return routes
}

type page struct {
	*frame.Site
	seal *sealer
}

// choose leads to the page of the line that the drop-down says.
func (p page) choose(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.URL.Query().Get("line"))
	to := "/sip"
	if r.URL.Query().Get("page") == "basic" {
		to = "/basic"
	}
	if err != nil || n < 1 {
		n = 1
	}
	http.Redirect(w, r, "/line/"+strconv.Itoa(n)+to, http.StatusSeeOther)
}

func (p page) get(w http.ResponseWriter, r *http.Request, kind *sheetKind) {
	s, ok := p.sheet(w, r, kind)
	if !ok {
		return
	}
	s.result, ok = p.result(w, r)
	if ok {
		p.Show(w, r, http.StatusOK, form(p.view(r, s), s))
	}
}

func (p page) view(r *http.Request, s *sheet) frame.View {
	v := p.View(r, s.title(r.Context()))
	if s.kind.up.Href != "" {
		v.Up = frame.Link{Href: s.kind.up.Href, Text: words.T(r.Context(), s.kind.up.Text)}
	}
	return v
}

// Form is what the pages take: the values of one sheet, twice.
var Form = api.Form{Max: 1 << 20}

func (p page) post(w http.ResponseWriter, r *http.Request, kind *sheetKind) {
	if from := r.PostForm.Get("rollback"); from != "" {
		p.rollback(w, r, from)
		return
	}
	s, ok := p.sheet(w, r, kind)
	if !ok {
		return
	}
	switch r.PostForm.Get("action") {
	case "confirm":
		p.confirm(w, r, s)
	case "edit":
		p.edit(w, r, s)
	case "remove":
		p.propose(w, r, s, draft{Patch: removal(s)}, http.StatusOK)
	default:
		p.apply(w, r, s)
	}
}

// apply shows what the form would change.
func (p page) apply(w http.ResponseWriter, r *http.Request, s *sheet) {
	typed := r.PostForm
	p.unsealSecrets(r, s, typed)
	if faults := s.unreadable(typed); faults != nil {
		p.faulty(w, r, s, draft{Form: s.only(typed)}, faults)
		return
	}
	patch := s.patch(typed)
	if patch == nil {
		s.notice = words.T(r.Context(), "Nothing was changed: every field is as it was.")
		p.Show(w, r, http.StatusOK, form(p.view(r, s), s))
		return
	}
	p.propose(w, r, s, draft{Form: s.only(typed), Patch: patch}, http.StatusOK)
}

// propose has the device check a patch, and shows the difference, or the form with what is
// wrong.
func (p page) propose(w http.ResponseWriter, r *http.Request, s *sheet, d draft, status int) {
	reply := p.API.Ask(r, api.Question{Method: "POST", Path: "/api/v1/config/check", Type: api.MergePatch, Body: strings.NewReader(string(d.Patch))})
	var proposal api.Proposal
	if err := reply.Into(&proposal); err != nil {
		p.Refuse(w, r, api.ProblemOf(err))
		return
	}
	if len(proposal.Faults) > 0 {
		p.faulty(w, r, s, d, proposal.Faults)
		return
	}
	d.Tag = reply.Header.Get("ETag")
	v := p.view(r, s)
	v.Lead = words.T(r.Context(), "Nothing is changed yet. This is what your change would do:")
	p.Show(w, r, status, difference(v, s, proposal, p.seal.seal(r, d)))
}

// faulty shows the form again, with what is wrong beside its fields.
func (p page) faulty(w http.ResponseWriter, r *http.Request, s *sheet, d draft, faults []api.Fault) {
	s.faults = faults
	s.fill(d.Form)
	s.sealed = p.seal.seal(r, draft{Form: s.secrets(d.Form)})
	p.Show(w, r, http.StatusUnprocessableEntity, form(p.view(r, s), s))
}

// confirm puts in force what was shown, unless somebody has changed something meanwhile.
func (p page) confirm(w http.ResponseWriter, r *http.Request, s *sheet) {
	d, ok := p.seal.open(r, r.PostForm.Get("sealed"))
	if !ok {
		p.lost(w, r, s)
		return
	}
	reply := p.API.Ask(r, api.Question{Method: "PATCH", Path: "/api/v1/config", Type: api.MergePatch, Body: strings.NewReader(string(d.Patch)), Header: http.Header{"If-Match": {d.Tag}}})
	var accepted api.Accepted
	switch problem := reply.Problem; {
	case problem == nil:
		if err := reply.Into(&accepted); err != nil {
			p.Refuse(w, r, api.ProblemOf(err))
			return
		}
		http.Redirect(w, r, r.URL.Path+"?applied="+strconv.Itoa(accepted.Generation), http.StatusSeeOther)
	case problem.Status == http.StatusPreconditionFailed:
		s.notice = words.T(r.Context(), "Meanwhile somebody else has changed the settings. This is what your change would do to them now.")
		p.propose(w, r, s, d, http.StatusPreconditionFailed)
	case len(problem.Faults) > 0:
		p.faulty(w, r, s, d, problem.Faults)
	default:
		p.Refuse(w, r, problem)
	}
}

// edit shows the form again as it was filled in.
func (p page) edit(w http.ResponseWriter, r *http.Request, s *sheet) {
	d, ok := p.seal.open(r, r.PostForm.Get("sealed"))
	if !ok {
		p.lost(w, r, s)
		return
	}
	s.fill(d.Form)
	s.sealed = p.seal.seal(r, draft{Form: s.secrets(d.Form)})
	p.Show(w, r, http.StatusOK, form(p.view(r, s), s))
}

// lost tells that what was to be confirmed cannot be read.
func (p page) lost(w http.ResponseWriter, r *http.Request, s *sheet) {
	s.warning = words.T(r.Context(), "The device has been restarted meanwhile, or another person has logged in: nothing was changed. Please fill in the form once more.")
	p.Show(w, r, http.StatusConflict, form(p.view(r, s), s))
}

// rollback goes back from a generation to the newest good one before it. Where others have moved
// on, the page of that generation says so.
func (p page) rollback(w http.ResponseWriter, r *http.Request, from string) {
	var accepted api.Accepted
	n, err := strconv.Atoi(from)
	if err != nil {
		n = -1 // which is none
	}
	reply := p.API.Ask(r, api.Question{Method: "POST", Path: "/api/v1/config/rollback", Body: strings.NewReader(fmt.Sprintf(`{"from":%d}`, n))})
	if reply.Status == http.StatusPreconditionFailed {
		http.Redirect(w, r, r.URL.Path+"?applied="+number(n), http.StatusSeeOther)
		return
	}
	if err := reply.Into(&accepted); err != nil {
		p.Refuse(w, r, api.ProblemOf(err))
		return
	}
	http.Redirect(w, r, r.URL.Path+"?back="+strconv.Itoa(accepted.Generation), http.StatusSeeOther)
}

// unsealSecrets puts secrets back that were typed before, and not again.
func (p page) unsealSecrets(r *http.Request, s *sheet, typed url.Values) {
	d, ok := p.seal.open(r, typed.Get("sealed"))
	if !ok {
		return
	}
	for _, k := range s.keys {
		if before := d.Form.Get(k.Name); k.Secret && before != "" && typed.Get(k.Name) == "" && !slices.Contains(typed["remove"], k.Name) {
			typed.Set(k.Name, before)
		}
	}
}
