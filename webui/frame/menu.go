package frame

import (
	"strings"

	"tipring/webui/api"
)

// An entry is one of the menu.
type entry struct {
	page    string // as its route is written
	href    string
	english string
	icon    string   // as the style sheet names it
	under   []string // beginnings of the paths that belong to it, besides href
}

var menu = []entry{
	{"/", "/", n("Status"), "status", nil},
	{"/line/{n}/sip", "/line/1/sip", n("Lines"), "lines", []string{"/line/", "/lines", "/sip"}},
	{"/ports", "/ports", n("Ports"), "ports", []string{"/port/"}},
	{"/fax", "/fax", n("Fax"), "fax", []string{"/faxes"}},
	{"/calls", "/calls", n("Calls"), "calls", nil},
	{"/provisioning", "/provisioning", n("Provisioning"), "provisioning", nil},
	{"/radius", "/radius", n("RADIUS"), "radius", nil},
	{"/system", "/system", n("System"), "system", []string{"/settings"}},
}

// menuOf lists the entries whose pages are there and open to a visitor.
func (s *Site) menuOf(v api.Visitor) []entry {
	open := map[string]bool{}
	for _, r := range s.API.Routes() {
		if r.Method == "GET" && v.Role >= r.For {
			open[r.Path] = true
		}
	}
	var entries []entry
	for _, e := range menu {
		if open[e.page] {
			entries = append(entries, e)
		}
	}
	return entries
}

// current tells whether a path belongs to the entry.
func (e entry) current(path string) bool {
	if path == e.href || e.href != "/" && strings.HasPrefix(path, e.href+"/") {
		return true
	}
	for _, u := range e.under {
		if strings.HasPrefix(path, u) {
			return true
		}
	}
	return false
}
