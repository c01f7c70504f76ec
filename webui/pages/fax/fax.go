// Package fax is the pages of faxes: one to send a document and to see what came and went,
// one of a fax with its pages, which grow while they arrive, and one of the numbers that are
// remembered for calls ahead.
package fax

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"tipring/webui/api"
	"tipring/webui/frame"
	"tipring/webui/words"
)

// Routes are those of the pages.
func Routes(site *frame.Site) []api.Route {
	p := page{site}
	return []api.Route{
		{Method: "GET", Path: "/fax", For: api.User, Handle: p.list},
		{Method: "GET", Path: "/fax/numbers", For: api.User, Handle: p.numbers},
		{Method: "POST", Path: "/fax/numbers", For: api.User, Handle: p.forgetNumber},
		{Method: "GET", Path: "/fax/{id}", For: api.User, Handle: p.one},
		{Method: "POST", Path: "/fax/{id}/resend", For: api.User, Handle: p.resend},
		{Method: "POST", Path: "/fax/{id}/cancel", For: api.User, Handle: p.cancel},
		{Method: "POST", Path: "/fax/{id}/forget", For: api.User, Handle: p.forget},
	}
}

// Uploads are those that take a document.
func Uploads(site *frame.Site) []api.Route {
	return []api.Route{{Method: "POST", Path: "/fax", For: api.User, Handle: page{site}.send}}
}

type page struct{ *frame.Site }

// shown is how many faxes of a box are listed, unless all are asked for.
const shown = 12

// A sight is what the page of all faxes shows.
type sight struct {
	ways    []frame.Option // by which a document can go
	order   order
	running []api.Fax
	boxes   [2]box // in, out
	numbers int    // that are remembered
	admin   bool   // the visitor may set up lines
}

// A box is faxes that are over.
type box struct {
	faxes []api.Fax
	more  int // that are not listed
}

// An order is what the form holds when it comes back.
type order struct {
	by, to string
	wrong  *api.Problem
}

// about is what is wrong with one field of the form.
func (o order) about(field string) string {
	if o.wrong == nil {
		return ""
	}
	for _, e := range o.wrong.Errors {
		name := strings.TrimPrefix(e.Pointer, "#/")
		if name == field || field == "by" && (name == "port" || name == "line") {
			return e.Detail
		}
	}
	return ""
}

// rest is what is wrong and stands beside no field.
func (o order) rest() string {
	if o.wrong == nil || o.about("by")+o.about("to")+o.about("file") != "" {
		return ""
	}
	return o.wrong.Error()
}

func (p page) list(w http.ResponseWriter, r *http.Request) {
	p.show(w, r, http.StatusOK, order{by: r.URL.Query().Get("by"), to: r.URL.Query().Get("to")})
}

func (p page) show(w http.ResponseWriter, r *http.Request, status int, o order) {
	var device api.Status
	var all []api.Fax
	var numbers []api.CalledNumber
	if !p.Get(w, r, "/api/v1/status", &device) || !p.Get(w, r, "/api/v1/faxes", &all) || !p.Get(w, r, "/api/v1/call-ahead", &numbers) {
		return
	}
	most := shown
	if r.URL.Query().Has("all") {
		most = len(all)
	}
	s := sight{ways: ways(r, device), order: o, numbers: len(numbers), admin: api.VisitorOf(r.Context()).Role >= api.Admin}
	s.running, s.boxes[0], s.boxes[1] = sorted(all, most)
	v := p.View(r, words.T(r.Context(), "Fax"))
	v.Path = "/fax"
	p.Show(w, r, status, listPage(v, s))
}

// ways are the fax ports, and the lines that are in use.
func ways(r *http.Request, device api.Status) (list []frame.Option) {
	for _, x := range device.Ports {
		if x.Kind == "fax" {
			list = append(list, frame.Option{Value: "port " + strconv.Itoa(x.Port), Text: words.T(r.Context(), "Port %d (line %d)", x.Port, x.Line)})
		}
	}
	for _, x := range device.Lines {
		if x.State != "disabled" {
			list = append(list, frame.Option{Value: "line " + strconv.Itoa(x.Line), Text: words.T(r.Context(), "Line %d, %s", x.Line, strings.TrimPrefix(string(x.AOR), "sip:"))})
		}
	}
	return list
}

// sorted parts the faxes that wait or run from those that are over.
func sorted(all []api.Fax, most int) (running []api.Fax, in, out box) {
	for _, f := range all {
		b := &out
		if f.Direction == "in" {
			b = &in
		}
		switch {
		case !f.Over():
			running = append(running, f)
		case len(b.faxes) < most:
			b.faxes = append(b.faxes, f)
		default:
			b.more++
		}
	}
	return running, in, out
}

// send hands the form on as it comes: the document is not held here.
func (p page) send(w http.ResponseWriter, r *http.Request) {
	body := &head{Reader: r.Body}
	reply := p.API.Ask(r, api.Question{Method: http.MethodPost, Path: "/api/v1/faxes", Type: r.Header.Get("Content-Type"), Body: body})
	var fax struct{ ID string }
	if err := reply.Into(&fax); err != nil {
		o := body.order(r)
		o.wrong = api.ProblemOf(err)
		p.show(w, r, o.wrong.Status, o)
		return
	}
	http.Redirect(w, r, "/fax/"+url.PathEscape(fax.ID), http.StatusSeeOther)
}

func (p page) one(w http.ResponseWriter, r *http.Request) {
	p.showOne(w, r, http.StatusOK, order{})
}

// showOne draws the page of a fax, with what was wrong with what was asked for.
func (p page) showOne(w http.ResponseWriter, r *http.Request, status int, o order) {
	var f api.Fax
	if !p.Get(w, r, route(r, ""), &f) {
		return
	}
	v := p.View(r, title(r.Context(), f))
	v.Path = "/fax"
	v.Up = frame.Link{Href: "/fax", Text: words.T(r.Context(), "All faxes")}
	p.Show(w, r, status, onePage(v, f, p.callOf(r, f), o))
}

// callOf is the address of the page of a fax's last call; empty: the call is forgotten.
func (p page) callOf(r *http.Request, f api.Fax) string {
	var calls []api.Call
	if p.API.Ask(r, api.Question{Path: "/api/v1/calls"}).Into(&calls) != nil {
		return ""
	}
	for _, c := range calls {
		if f.SIPCallID != "" && c.SIPCallID == f.SIPCallID || f.ID == "relay-"+c.ID {
			return "/calls/" + url.PathEscape(c.ID)
		}
	}
	return ""
}

// route is one of the fax of the path.
func route(r *http.Request, what string) string {
	return "/api/v1/faxes/" + url.PathEscape(r.PathValue("id")) + what
}

// resend sends a fax again, or on to another number.
func (p page) resend(w http.ResponseWriter, r *http.Request) {
	o := order{to: r.PostFormValue("to")}
	var fax struct{ ID string }
	if err := p.API.Ask(r, api.Question{Method: http.MethodPost, Path: route(r, "/resend"), JSON: map[string]string{"to": o.to}}).Into(&fax); err != nil {
		o.wrong = api.ProblemOf(err)
		p.showOne(w, r, o.wrong.Status, o)
		return
	}
	http.Redirect(w, r, "/fax/"+url.PathEscape(fax.ID), http.StatusSeeOther)
}

func (p page) cancel(w http.ResponseWriter, r *http.Request) {
	p.act(w, r, http.MethodDelete, "", "/fax/"+url.PathEscape(r.PathValue("id")))
}

func (p page) forget(w http.ResponseWriter, r *http.Request) {
	p.act(w, r, http.MethodPost, "/forget", "/fax")
}

// act does something about a fax and goes on to a page.
func (p page) act(w http.ResponseWriter, r *http.Request, method, what, then string) {
	if reply := p.API.Ask(r, api.Question{Method: method, Path: route(r, what)}); reply.Problem != nil {
		p.showOne(w, r, reply.Status, order{wrong: reply.Problem})
		return
	}
	http.Redirect(w, r, then, http.StatusSeeOther)
}

// numbers are those that are remembered.
func (p page) numbers(w http.ResponseWriter, r *http.Request) {
	p.showNumbers(w, r, http.StatusOK, nil)
}

func (p page) showNumbers(w http.ResponseWriter, r *http.Request, status int, wrong *api.Problem) {
	var numbers []api.CalledNumber
	if !p.Get(w, r, "/api/v1/call-ahead", &numbers) {
		return
	}
	v := p.View(r, words.T(r.Context(), "Called numbers"))
	v.Path = "/fax"
	v.Up = frame.Link{Href: "/fax", Text: words.T(r.Context(), "All faxes")}
	v.Lead = words.T(r.Context(), "What answered at each number. Where a fax machine did, a fax is taken without calling the number first.")
	p.Show(w, r, status, numbersPage(v, numbers, wrong))
}

func (p page) forgetNumber(w http.ResponseWriter, r *http.Request) {
	path := "/api/v1/call-ahead/" + url.PathEscape(r.PostFormValue("number"))
	if reply := p.API.Ask(r, api.Question{Method: http.MethodDelete, Path: path}); reply.Problem != nil {
		p.showNumbers(w, r, reply.Status, reply.Problem)
		return
	}
	http.Redirect(w, r, "/fax/numbers", http.StatusSeeOther)
}
