package settings

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"sort"
	"strconv"
	"strings"

	"tipring/webui/api"
	"tipring/webui/frame"
	"tipring/webui/words"
)

// A sheetKind is a page: which groups of which section it shows.
type sheetKind struct {
	path     string // as its route is written
	section  string // the description's name
	numbered bool
	name     string   // English; %d stands for the number
	only     []string // groups, in this order; nil: all
	first    []string // groups that stand before the others
	but      []string // groups that stand elsewhere
	keys     []string // that stand first in their groups, in this order
	tabs     []frame.Tab
	up       frame.Link
}

var (
	n = words.N

	onSIP = []string{"Register Settings", "SIP Server 1", "SIP Server 2", "SIP Proxy"}

	// The order of the fields in the document's figures 2 and 3.
	sipOrder = []string{"enabled", "username", "display_name", "realm", "auth_user", "auth_password", "server_name",
		"register_addr", "register_port", "transport", "register_ttl", "backup_addr", "backup_port", "backup_transport", "backup_ttl",
		"proxy_addr", "proxy_port", "proxy_user", "proxy_password", "backup_proxy_addr", "backup_proxy_port"}
	basicOrder = []string{"enable_failback", "failback_interval", "signal_failback", "signal_retry_counts",
		"subscribe_for_voice_message", "voice_message_number", "voice_message_subscribe_period", "enable_hotline", "hotline_number", "hotline_delay",
		"dial_without_registered", "enable_missed_call_log", "dtmf_type", "dtmf_sip_info_mode", "request_with_port", "enable_dnd", "use_stun", "use_vpn"}

	lineTabs = []frame.Tab{{Href: "/line/{n}/sip", Text: n("SIP")}, {Href: "/line/{n}/basic", Text: n("Basic Settings")}, {Href: "/line/global", Text: n("SIP Global Settings")}}
	systemTo = frame.Link{Href: "/system", Text: n("System")}

	sheets = []sheetKind{
		{path: "/line/{n}/sip", section: "sip", numbered: true, name: n("Line %d: SIP"), only: onSIP, keys: sipOrder, tabs: lineTabs},
		{path: "/line/{n}/basic", section: "sip", numbered: true, name: n("Line %d: Basic Settings"), but: onSIP,
			first: []string{"Basic Settings", "Codecs Settings", "Advanced Settings"}, keys: basicOrder, tabs: lineTabs},
		{path: "/line/global", section: "sip", name: n("SIP Global Settings"), tabs: lineTabs},
		{path: "/ports/{n}", section: "port", numbered: true, name: n("Port %d"), first: []string{"Connection", "Dialling"}, up: frame.Link{Href: "/ports", Text: n("Ports")}},
		{path: "/fax/settings", section: "fax", name: n("Fax settings"), first: []string{"T.38"}, up: frame.Link{Href: "/fax", Text: n("Fax")}},
		{path: "/radius/settings", section: "radius", name: n("RADIUS settings"), first: []string{"Servers", "Account"}, up: frame.Link{Href: "/radius", Text: n("RADIUS")}},
		{path: "/provisioning/settings", section: "provisioning", name: n("Provisioning settings"), first: []string{"Sources", "Trust"}, up: frame.Link{Href: "/provisioning", Text: n("Provisioning")}},
		{path: "/system/settings", section: "device", name: n("Device settings"), up: systemTo},
		{path: "/system/web", section: "web", name: n("Settings of this page"), up: systemTo},
	}
)

// shows tells whether the page shows a group.
func (k *sheetKind) shows(group string) bool {
	if k.only != nil {
		return slices.Contains(k.only, group)
	}
	return !slices.Contains(k.but, group)
}

// order sorts groups as the page shows them: those that it names first.
func (k *sheetKind) order(group string) int {
	if i := slices.Index(slices.Concat(k.only, k.first), group); i >= 0 {
		return i
	}
	return len(k.only) + len(k.first)
}

// rank sorts the keys of a group: those whose order the pages of the document show stand so,
// before the others.
func (k *sheetKind) rank(key string) int {
	if i := slices.Index(k.keys, key); i >= 0 {
		return i
	}
	return len(k.keys)
}

// A sheet is a page for one visit.
type sheet struct {
	kind   *sheetKind
	n      int         // of a numbered section
	desc   api.Section // of its section
	keys   []api.Key   // those that the page shows, in its order
	now    map[string]api.Setting
	exists bool  // some layer has the section
	local  bool  // nothing but the local layer has it
	own    bool  // the local layer sets something in it
	others []int // numbers of the sections of its kind that there are
	all    Names

	line    *api.Line // of a page of a line that there is
	waiting string    // what a change waits for that has been taken

	typed   map[string]string // what the form shows instead of what is in force
	was     string            // what it showed at first
	unset   []string          // keys whose box is ticked
	remove  []string          // the same of secrets
	sealed  string            // secrets that were typed
	kept    []string          // the keys of these
	faults  []api.Fault
	notice  string
	warning string
	result  *result
}

// name is the section's as the configuration writes it: sip1.
func (s *sheet) name() string {
	if s.n == 0 {
		return s.kind.section
	}
	return s.kind.section + strconv.Itoa(s.n)
}

func (s *sheet) path() string { return strings.Replace(s.kind.path, "{n}", strconv.Itoa(s.n), 1) }

func (s *sheet) title(ctx context.Context) string {
	if s.n == 0 {
		return words.T(ctx, s.kind.name)
	}
	return words.T(ctx, s.kind.name, s.n)
}

func (s *sheet) key(name string) *api.Key {
	if i := slices.IndexFunc(s.keys, func(k api.Key) bool { return k.Name == name }); i >= 0 {
		return &s.keys[i]
	}
	return nil
}

// sheet asks the device for what a page shows. Without an answer it has told the visitor why.
func (p page) sheet(w http.ResponseWriter, r *http.Request, kind *sheetKind) (*sheet, bool) {
	s := &sheet{kind: kind, now: map[string]api.Setting{}}
	var settings []api.Setting
	var status api.Status
	if !p.Get(w, r, "/api/v1/config/keys", &s.all) || !p.Get(w, r, "/api/v1/config/explain", &settings) || !p.Get(w, r, "/api/v1/status", &status) {
		return nil, false
	}
	i := slices.IndexFunc(s.all, func(d api.Section) bool { return d.Name == kind.section && d.Numbered == kind.numbered })
	if i >= 0 {
		s.desc = s.all[i]
		if kind.numbered {
			s.n, _ = strconv.Atoi(r.PathValue("n"))
		}
	}
	if i < 0 || kind.numbered && (s.n < 1 || s.n > s.desc.Max || strconv.Itoa(s.n) != r.PathValue("n")) {
		p.Refuse(w, r, &api.Problem{Title: http.StatusText(http.StatusNotFound), Status: http.StatusNotFound, Detail: api.Text("there is no " + r.URL.Path)})
		return nil, false
	}
	for _, k := range s.desc.Keys {
		if kind.shows(string(k.Group)) {
			s.keys = append(s.keys, k)
		}
	}
	sort.SliceStable(s.keys, func(i, j int) bool {
		a, b := s.keys[i], s.keys[j]
		return cmp.Or(kind.order(string(a.Group))-kind.order(string(b.Group)), s.appears(a)-s.appears(b), kind.rank(a.Name)-kind.rank(b.Name)) < 0
	})
	s.take(settings)
	s.watch(status)
	return s, true
}

// appears is where the description first has the group of a key, which keeps a group together
// whose keys stand apart there.
func (s *sheet) appears(k api.Key) int {
	return slices.IndexFunc(s.desc.Keys, func(other api.Key) bool { return other.Group == k.Group })
}

// take finds the section's values among all.
func (s *sheet) take(settings []api.Setting) {
	s.local = true
	for _, e := range settings {
		if stem, n := splitName(e.Section); s.kind.numbered && stem == s.kind.section && n > 0 && !slices.Contains(s.others, n) {
			s.others = append(s.others, n)
		}
		if e.Section != s.name() {
			continue
		}
		s.now[e.Key], s.exists = e, true
		if e.Local != nil {
			s.own = true
		}
		if source := e.Source; source != "built-in" && source != "local" || e.Beneath != nil && e.Beneath.Source != "built-in" {
			s.local = false
		}
	}
}

func (s *sheet) watch(status api.Status) {
	if s.kind.section == "sip" && s.n > 0 {
		if i := slices.IndexFunc(status.Lines, func(l api.Line) bool { return l.Line == s.n }); i >= 0 {
			s.line = &status.Lines[i]
		}
	}
	for _, w := range status.Waiting {
		if w.Section == s.name() {
			s.waiting = w.For
		}
	}
}

// free is the lowest number that no section of the kind has.
func (s *sheet) free() int {
	for n := 1; ; n++ {
		if !slices.Contains(s.others, n) {
			return n
		}
	}
}

// splitName takes sip12 apart.
func splitName(name string) (stem string, n int) {
	stem = strings.TrimRight(name, "0123456789")
	n, _ = strconv.Atoi(name[len(stem):])
	return stem, n
}

// tabs are those of the pages of one line.
func (s *sheet) tabs(ctx context.Context) []frame.Tab {
	if s.kind.section == "port" {
		return s.ports(ctx)
	}
	if s.kind.tabs == nil {
		return nil
	}
	tabs := make([]frame.Tab, len(s.kind.tabs))
	for i, t := range s.kind.tabs {
		tabs[i] = frame.Tab{Href: strings.Replace(t.Href, "{n}", strconv.Itoa(max(s.n, 1)), 1), Text: words.T(ctx, t.Text)}
	}
	return tabs
}

// ports are the tabs of the ports, and of one that could be added.
func (s *sheet) ports(ctx context.Context) (tabs []frame.Tab) {
	for _, n := range s.numbers() {
		tabs = append(tabs, frame.Tab{Href: "/ports/" + strconv.Itoa(n), Text: words.T(ctx, "Port %d", n)})
	}
	if n := s.free(); s.exists && n <= s.desc.Max {
		tabs = append(tabs, frame.Tab{Href: "/ports/" + strconv.Itoa(n), Text: words.T(ctx, "Add port %d", n)})
	}
	return tabs
}

// numbers are those of the sections that there are, and of the page's own.
func (s *sheet) numbers() []int {
	all := slices.Clone(s.others)
	if !s.exists {
		all = append(all, s.n)
		slices.Sort(all)
	}
	return all
}

// choices are the lines of the drop-down, and one that could be added.
func (s *sheet) choices(ctx context.Context) (list []frame.Option) {
	for _, n := range s.numbers() {
		list = append(list, frame.Option{Value: strconv.Itoa(n), Text: "SIP" + strconv.Itoa(n)})
	}
	if n := s.free(); s.exists && n <= s.desc.Max {
		list = append(list, frame.Option{Value: strconv.Itoa(n), Text: words.T(ctx, "Add SIP%d", n)})
	}
	return list
}

// wasShown is what the form showed at first.
func (s *sheet) wasShown() string {
	if s.was != "" {
		return s.was
	}
	return s.shownNow()
}
