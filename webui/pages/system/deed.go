package system

import (
	"net/http"
	"strings"

	"tipring/webui/api"
	"tipring/webui/frame"
	"tipring/webui/words"
)

// A deed is something that ends or empties the device, or gives it back: it is told what will
// happen before it is done.
type deed struct {
	name   string // as the address ends
	title  string
	what   []string // happens
	button string
	look   string // of the button
	now    string // a second button, which does not wait; empty: there is none
	route  string // of the interface
	body   string // with it
	after  string // what is told then; empty: the overview shows it
	then   string // the page that is opened then
}

var n = words.N

var deeds = []deed{
	{
		name: "restart", title: n("Restart"), button: n("Restart when nothing runs"), look: "primary", now: n("Restart now, hanging up"), route: "/api/v1/restart", then: path,
		what: []string{
			n("New calls and faxes are refused from now on; those that run are let end, within the limit of the device settings."),
			n("The lines are unregistered, and registered again after the restart: for some seconds nobody can call."),
			n("All settings and files are read anew. Whoever has this page open logs in again."),
		},
		after: n("The device restarts. This page opens again by itself; if it does not answer yet, try once more in a moment."),
	},
	{
		name: "drain", title: n("Take no new calls"), button: n("Take no new calls and faxes"), look: "primary", route: "/api/v1/drain", body: `{"resume":false}`, then: path,
		what: []string{
			n("New calls and faxes are refused, those that run go on. Emergency calls are refused too."),
			n("The lines stay registered. It lasts until you resume, or the device restarts."),
		},
	},
	{
		name: "resume", title: n("Take calls again"), button: n("Take calls and faxes again"), look: "primary", route: "/api/v1/drain", body: `{"resume":true}`, then: path,
		what: []string{n("New calls and faxes are taken again at once.")},
	},
	{
		name: "reset", title: n("Factory reset"), button: n("Forget everything"), look: "danger", route: "/api/v1/factory-reset", then: "/login",
		what: []string{
			n("All settings made here, and all that were fetched, are forgotten; those that came installed are in force again, with the files that they name."),
			n("All users, passwords and tokens are forgotten. The next visitor needs the claim code, which is in the log of the device."),
			n("So is all that was kept of the use: faxes, missed calls and messages, what the telephones have set, called numbers, accounts that no server has taken, answers of the provider, the log and captures."),
			n("The device restarts for this: running calls and faxes are hung up. It cannot be undone, but by a backup that you have."),
		},
		after: n("The device restarts as it was delivered. The first visit follows."),
	},
}

// A plan is what the page of a deed is drawn with.
type plan struct {
	frame.View
	deed
	calls   int // that run
	problem *api.Problem
}

// ask tells what will happen.
func (p page) ask(w http.ResponseWriter, r *http.Request, d deed, status int, problem *api.Problem) {
	var s api.Status
	if !p.Get(w, r, "/api/v1/status", &s) {
		return
	}
	v := plan{View: p.View(r, words.T(r.Context(), d.title)), deed: d, problem: problem}
	v.Up = up(r)
	for _, l := range s.Lines {
		v.calls += l.Calls
	}
	p.Show(w, r, status, question(v))
}

// do does it. Where the device is not there for a while, the answer is the page itself.
func (p page) do(w http.ResponseWriter, r *http.Request, d deed) {
	body := d.body
	if d.now != "" && r.PostFormValue("now") == "1" {
		body = `{"now":true}`
	}
	reply := p.API.Ask(r, api.Question{Method: http.MethodPost, Path: d.route, Body: strings.NewReader(body)})
	switch {
	case reply.Problem != nil:
		p.ask(w, r, d, reply.Status, reply.Problem)
	case d.after == "":
		http.Redirect(w, r, d.then, http.StatusSeeOther)
	default:
		v := plan{View: p.View(r, words.T(r.Context(), d.title)), deed: d}
		v.Up = up(r)
		w.Header().Set("Refresh", "8; url="+d.then)
		p.Show(w, r, http.StatusOK, done(v))
	}
}
