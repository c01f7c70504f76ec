// Package backup is the page with which a device is saved in a file, and becomes what a file
// says that it was.
package backup

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"tipring/webui/api"
	"tipring/webui/frame"
	"tipring/webui/words"
)

const path = "/system/backup"

// Routes are those of the page.
func Routes(site *frame.Site) []api.Route {
	p := page{site}
	return []api.Route{
		{Method: "GET", Path: path, For: api.Admin, Handle: func(w http.ResponseWriter, r *http.Request) { p.show(w, r, http.StatusOK, view{}) }},
		{Method: "POST", Path: path, For: api.Admin, Handle: p.make},
	}
}

// Uploads are those that take a backup.
func Uploads(site *frame.Site) []api.Route {
	return []api.Route{{Method: "POST", Path: path + "/restore", For: api.Admin, Handle: page{site}.restore}}
}

type page struct{ *frame.Site }

// A view is what the page is drawn with.
type view struct {
	frame.View
	frame.Refused
	contents api.BackupContents
	last     api.Restored

	again string // what is wrong with the repeated password
}

func (v view) faults() []api.Fault {
	if v.Problem == nil {
		return nil
	}
	return v.Problem.Faults
}

func (p page) show(w http.ResponseWriter, r *http.Request, status int, v view) {
	if !p.Get(w, r, "/api/v1/backup", &v.contents) || !p.Get(w, r, "/api/v1/restore", &v.last) {
		return
	}
	ctx := r.Context()
	v.View = p.View(r, words.T(ctx, "Backup and restore"))
	v.Path = path
	v.Lead = words.T(ctx, "Keep what this device is in one file, for the day on which it is reset or replaced.")
	v.Up = frame.Link{Href: "/system", Text: words.T(ctx, "System")}
	p.Show(w, r, status, whole(v))
}

// make answers with the file, or says beside the form what is wrong.
func (p page) make(w http.ResponseWriter, r *http.Request) {
	password := r.PostForm.Get("password")
	if password != r.PostForm.Get("again") {
		p.show(w, r, http.StatusUnprocessableEntity, view{Refused: frame.Refused{Form: "backup"}, again: words.T(r.Context(), "This is not the same password as above.")})
		return
	}
	reply := p.API.Ask(r, api.Question{Method: http.MethodPost, Path: "/api/v1/backup", JSON: map[string]string{"password": password}})
	if reply.Problem != nil {
		p.show(w, r, reply.Status, view{Refused: frame.Refused{Form: "backup", Problem: reply.Problem}})
		return
	}
	for _, name := range []string{"Content-Type", "Content-Disposition"} {
		w.Header().Set(name, reply.Header.Get(name))
	}
	_, _ = w.Write(reply.Body) // who has left asks again
}

// restore hands the form on as it is.
func (p page) restore(w http.ResponseWriter, r *http.Request) {
	reply := p.API.Ask(r, api.Question{Method: http.MethodPost, Path: "/api/v1/restore", Type: r.Header.Get("Content-Type"), Body: r.Body})
	if reply.Problem != nil {
		p.show(w, r, reply.Status, view{Refused: frame.Refused{Form: "restore", Problem: reply.Problem}})
		return
	}
	http.Redirect(w, r, (&url.URL{Path: path, Fragment: "last"}).String(), http.StatusSeeOther)
}

var parts = frame.Words{{"settings", words.N("Settings made on this device")}, {"users", words.N("Users")}, {"tokens", words.N("Tokens of programs")}, {"called_numbers", words.N("Called numbers and what answers there")}}

var verdicts = frame.Words{{"trial", words.N("On trial")}, {"good", words.N("Good")}, {"bad", words.N("Taken back")}, {"unproven", words.N("Not proven")}, {"over", words.N("Replaced since")}}

// meaning says what the state of a restore means for the reader.
func meaning(ctx context.Context, r api.Restored) string {
	switch r.State {
	case "trial":
		return words.T(ctx, "The settings are in force. If no line registers with them, the settings before come back by themselves.")
	case "good":
		return words.T(ctx, "A line has registered with the restored settings: they stay.")
	case "bad":
		return words.T(ctx, "No line registered with the restored settings, and one does with those before: these are in force again. Users, tokens and called numbers are those of the backup.")
	case "unproven":
		return words.T(ctx, "No line registers, neither with the restored settings nor with those before. They are judged when a server answers.")
	}
	return words.T(ctx, "Other settings have taken the place of the restored ones since.")
}

// list is the parts of a backup in a line.
func list(ctx context.Context, all []api.BackupPart) string {
	var b strings.Builder
	for i, p := range all {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(words.T(ctx, "%s: %d", parts.Of(ctx, p.Name), p.Count))
	}
	return b.String()
}
