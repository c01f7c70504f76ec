package agent

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tipring/internal/config"
	"tipring/webui/api"
	"tipring/webui/pages"
)

// elsewhere is where something can be done about a warning that no setting helps against: what
// the page calls that place, and its address.
var elsewhere = map[string][2]string{
	"configuration": {"Provisioning", "/provisioning"}, "provisioning": {"Provisioning", "/provisioning"}, "not-understood": {"Provisioning", "/provisioning"},
	"trial": {"Generations", "/provisioning/generations"}, "waiting-device": {"Restart", "/system/restart"}, "draining": {"System", "/system"},
	"no-password": {"Log in", "/login"}, "clock": {"System", "/system"}, "disk": {"Fax", "/fax"}, "accounts-lost": {"RADIUS", "/radius"},
}

// placed adds to each warning where something can be done about it.
func placed(list []api.Warning) []api.Warning {
	for i := range list {
		w := &list[i]
		if at, ok := elsewhere[w.ID]; ok {
			w.Label, w.Link = api.Text(at[0]), api.Text(at[1])
			continue
		}
		label, link := placeOf(string(w.Section), string(w.Key))
		w.Label, w.Link = api.Text(label), api.Text(link)
	}
	return list
}

// placeOf is what the page calls a key of a section, or the section where no key is named, and
// the address of the field.
func placeOf(section, key string) (label, link string) {
	s, n := sectionOf(section)
	if s == nil {
		return "", ""
	}
	k := keyOf(s, key)
	if k == nil {
		return sectionName(section), pages.Place(s.Name, n, "")
	}
	return sectionName(section) + ": " + k.Label, pages.Place(s.Name, n, k.Group) + "#" + key
}

func keyOf(s *config.Section, name string) *config.Key {
	i := slices.IndexFunc(s.Keys, func(k config.Key) bool { return k.Name == name })
	if i < 0 {
		return nil
	}
	return &s.Keys[i]
}

// sectionOf is the description of a section, and its number.
func sectionOf(name string) (*config.Section, int) {
	all := config.Sections()
	stem := strings.TrimRight(name, "0123456789")
	n, _ := strconv.Atoi(strings.TrimPrefix(name, stem))
	i := slices.IndexFunc(all, func(s config.Section) bool { return s.Name == stem && s.Numbered == (n > 0) })
	if i < 0 {
		return nil, 0
	}
	return &all[i], n
}

// sectionName is what the page calls a section.
func sectionName(name string) string {
	s, n := sectionOf(name)
	switch {
	case s == nil:
		return name
	case n > 0 && s.Name == "sip":
		return fmt.Sprintf("Settings of line %d", n)
	case n > 0:
		return fmt.Sprintf("Settings of port %d", n)
	}
	return s.Title
}

// keyName is what the page calls a key.
func keyName(section, key string) string {
	label, _ := placeOf(section, key)
	return label
}
