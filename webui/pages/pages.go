// Package pages is what people see of the device: HTML behind stable addresses.
//
// The pages know the device only through the HTTP interface that programs use: they ask
// its routes in their visitor's name, and their forms end in its routes. So what a page
// can do a program can, and a page may no more than its visitor. Settings are shown from
// their own description (internal/config), so that a new key needs no page.
//
// Everything can be read and set without the script, which keeps a page up to date from
// /api/v1/events. There is one package for each entry of the menu; none keeps state or
// starts a goroutine.
package pages

import (
	"slices"
	"time"

	"tipring/webui/api"
	"tipring/webui/frame"
	"tipring/webui/pages/backup"
	"tipring/webui/pages/calls"
	"tipring/webui/pages/fax"
	"tipring/webui/pages/login"
	"tipring/webui/pages/ports"
	"tipring/webui/pages/provisioning"
	"tipring/webui/pages/radius"
	"tipring/webui/pages/settings"
	"tipring/webui/pages/status"
	"tipring/webui/pages/system"
	"tipring/webui/pages/users"
)

// Add adds the pages to the routes of a device, which must all be there by then. Their times are those
// of zone; nil: the system's.
func Add(a *api.API, zone func() *time.Location) {
	site := &frame.Site{API: a, Zone: zone}
	a.HandleForms(settings.Form, frame.Spoken(settings.Routes(site))...) // before /fax/{id}
	a.HandleForms(api.Form{Max: api.MaxFaxForm, Upload: true}, frame.Spoken(fax.Uploads(site))...)
	a.HandleForms(api.Form{Max: api.MaxBackupForm, Upload: true}, frame.Spoken(backup.Uploads(site))...)
	a.HandlePages(site.Refuse, frame.Spoken(slices.Concat(
		site.Files(),
		login.Routes(site),
		status.Routes(site),
		users.Routes(site),
		calls.Routes(site),
		ports.Routes(site),
		fax.Routes(site),
		provisioning.Routes(site),
		radius.Routes(site),
		backup.Routes(site),
		system.Routes(site),
	))...)
}

// Place is the address of the page that shows a group of keys of a section, of section n where they are
// numbered; an empty group: any. Empty: none does.
func Place(section string, n int, group string) string { return settings.Place(section, n, group) }
