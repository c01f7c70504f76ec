package agent

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"tipring/agent/features"
	"tipring/lines"
	"tipring/provisioning"
	"tipring/webui/api"
)

// A condition is all of the device that can be wrong.
type condition struct {
	now      time.Time
	faults   []string // of a configuration that was refused
	rescued  bool     // there is none that works
	waiting  []api.Waiting
	later    []string // what the page calls keys that are set and not acted on
	lines    []api.Line
	ports    []api.Port
	draining bool
	ending   bool

	provisioning api.Provisioning
	own          bool // what was taken back was set here
	rtpPairs     int  // there are
	rtpLent      int
	clock        api.Clock
	disk         api.Disk
	journal      journalState
	refused      []features.Refusal // calls over the bounds of lines
	page         pageState
	rewritten    []int  // lines whose messages somebody changes on the way
	audible      []int  // lines whose keys of SRTP can be read on the way
	clear        string // where settings with secrets came from in clear; empty: none did
}

// A journalState is how the accounting records do.
type journalState struct {
	waiting, lost int
	servers       bool // there are some to send them to
}

// A pageState is what the page is open to.
type pageState struct {
	claimed     bool      // somebody has set a password
	plainToAny  bool      // without TLS, for everybody who reaches it
	certificate time.Time // end of the one that was given; zero: none was
}

// The bounds of what is still well.
const (
	fewPairs      = 2
	fullDisk      = 4 << 20 // octets free: a fax and a generation
	fullerDisk    = 16 << 20
	certificateIn = 30 * 24 * time.Hour
	manyRecords   = 100
)

var severities = []string{"error", "warning", "info"}

// warningsOf tells what is wrong and what to do about it, the worst first.
func warningsOf(c condition) []api.Warning {
	all := slices.Concat(configurationWarnings(c), lineWarnings(c), portWarnings(c), provisioningWarnings(c), pageWarnings(c), machineWarnings(c), accountWarnings(c), guardWarnings(c), wayWarnings(c))
	sort.SliceStable(all, func(i, j int) bool {
		return slices.Index(severities, all[i].Severity) < slices.Index(severities, all[j].Severity)
	})
	return placed(all)
}

func configurationWarnings(c condition) (list []api.Warning) {
	if n := len(c.faults); n > 0 {
		w := api.Warning{ID: "configuration", Severity: "warning", Text: "The last configuration was refused, and the one before it is in force: " + c.faults[0], Todo: "Correct it and have it read again."}
		if c.rescued {
			w.Severity, w.Text = "error", "The device is not configured: "+c.faults[0]
		}
		if n > 1 {
			w.Text += fmt.Sprintf(" (and %d more)", n-1)
		}
		list = append(list, w)
	}
	for _, x := range c.waiting {
		w := api.Warning{ID: "waiting-" + x.Section, Severity: "info", Text: fmt.Sprintf("%s: new ones wait for %s.", sectionName(x.Section), x.For), Todo: "Nothing: they come into force by themselves then.", Section: api.Text(x.Section)}
		if strings.HasPrefix(x.For, "the next start") {
			w.Todo = "Restart the device when it suits."
		}
		list = append(list, w)
	}
	if len(c.later) > 0 {
		list = append(list, api.Warning{ID: "later", Severity: "info", Text: "These settings are accepted, but nothing acts on them in this version: " + strings.Join(c.later, ", ") + ".", Todo: "Take them back, or leave them for a version that has use for them.", Section: "sip"})
	}
	if c.draining {
		w := api.Warning{ID: "draining", Severity: "warning", Text: "The device takes no new calls and faxes.", Todo: "Resume when it is to take them again."}
		if c.ending {
			w.Text, w.Todo = "The device is ending: it takes no new calls and faxes, and waits for those that run.", "Wait for its end; a restart now, hanging up, is quicker."
		}
		list = append(list, w)
	}
	return list
}

func lineWarnings(c condition) (list []api.Warning) {
	for _, l := range c.lines {
		w := api.Warning{ID: fmt.Sprintf("line-%d", l.Line), Section: api.Text(lineSection(l.Line)), Since: l.Since}
		switch {
		case l.State == "failed":
			w.Severity, w.Text = "error", fmt.Sprintf("Line %d has no server%s", l.Line, because(cmp.Or(l.Why, l.LastError), "no server"))
			w.Todo, w.Key = lineTodo(l)
			if w.Key == "tls_ca_file" || w.Key == "udp_port" {
				w.Section = allLines
			}
		case l.State == "registered" && l.Server == "backup":
			w.Severity, w.Text, w.Todo = "warning", fmt.Sprintf("Line %d is on its backup server%s", l.Line, because(l.Why, "registered at the backup server")), "Find out what became of the primary server."
			w.Key = "register_addr"
			if l.FailbackS == nil {
				w.Todo = "The line does not go back by itself: enable failback, or register it by hand."
				w.Key = "enable_failback"
			}
		case l.Why == lines.NoServer:
			w.Severity, w.Text, w.Todo, w.Key = "warning", fmt.Sprintf("Line %d has no server yet.", l.Line), "Enter the server's address, or switch the line off.", "register_addr"
		default:
			continue
		}
		list = append(list, w)
	}
	return list
}

// lineTodo is what to do about a line without a server, by what its last try ended in, and the key
// that it is done with.
func lineTodo(l api.Line) (todo, key api.Text) {
	why := strings.ToLower(string(l.LastError + " " + l.Why))
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(why, w) })
	}
	switch {
	case has("401", "403", "407", "password", "forbidden"):
		return "Check the user name and the password with the provider.", "auth_password"
	case has("404"):
		return "Check the user name with the provider: the server does not know it.", "username"
	case has("certificate", "x509"): // before names: one is not valid for a name
		return "Check the server's certificate, and whom this device trusts.", "tls_ca_file"
	case has("no such host", "lookup", "dns", "name"):
		return "Check the server's name, and the name servers of the network.", "register_addr"
	case has("tls"):
		return "Check the server's certificate, and whom this device trusts.", "tls_ca_file"
	case has("address already in use", "bind"):
		return "Another program has the SIP port: end it, or choose another port.", "udp_port"
	}
	return "Check the server's address and port, and the network between.", "register_addr"
}

// because is the rest of a sentence that says already what a line's own begins with.
func because(why api.Text, said string) string {
	text, begins := strings.CutPrefix(string(why), said)
	switch {
	case begins:
	case text == "":
		text = "."
	default:
		text = ": " + text
	}
	return sentence(api.Text(text))
}

// sentence ends a text as one.
func sentence(t api.Text) string {
	s := strings.TrimSpace(string(t))
	if s == "" || strings.HasSuffix(s, ".") {
		return s
	}
	return s + "."
}

func portWarnings(c condition) (list []api.Warning) {
	for _, p := range c.ports {
		w := api.Warning{ID: fmt.Sprintf("port-%d", p.Port), Section: api.Text(portSection(p.Port))}
		switch {
		case p.Warning != "":
			w.Severity, w.Text, w.Todo, w.Key = "error", fmt.Sprintf("Port %d does not work: %s", p.Port, sentence(p.Warning)), "Correct its settings. The device tries again by itself.", "driver"
		case !slices.ContainsFunc(c.lines, func(l api.Line) bool { return l.Line == p.Line && l.State != "disabled" }):
			w.Severity, w.Text, w.Todo, w.Key = "warning", fmt.Sprintf("Port %d has no line: line %d is not there, or switched off.", p.Port, p.Line), "Choose another line, or switch that one on.", "line"
		case !p.Card && p.Driver != "none":
			w.Severity, w.Text, w.Todo, w.Key = "warning", fmt.Sprintf("Nobody has connected to port %d: its line card is not there.", p.Port), "Start the program that drives the line card.", "driver"
		default:
			continue
		}
		list = append(list, w)
	}
	if free := c.rtpPairs - c.rtpLent; len(c.ports) > 0 && (free < fewPairs || c.rtpPairs < len(c.ports)) {
		list = append(list, api.Warning{ID: "rtp-ports", Severity: "warning", Section: "sip", Key: "rtp_port_max",
			Text: fmt.Sprintf("%d of the %d pairs of RTP ports are free. A call without one fails.", max(0, free), c.rtpPairs),
			Todo: "Widen the range of these ports: each call takes two."})
	}
	return list
}

func provisioningWarnings(c condition) (list []api.Warning) {
	p := c.provisioning
	w := api.Warning{ID: "provisioning", Severity: "warning", Section: "provisioning"}
	switch p.State {
	case "failed":
		w.Text, w.Todo = "The last look for settings failed: "+sentence(p.Error), "See where settings are looked for, and try again."
	case "rolled_back":
		w.Text, w.Todo = "New settings did not work and were taken back: "+sentence(p.Error), "Have the provider correct them."
		if c.own {
			w.Text, w.Todo = "What was changed here did not work and was taken back: "+sentence(p.Error), "Correct it, and apply it again."
		}
	case "unproven":
		w.Text, w.Todo = "New settings are in force, but no server answers that could prove them.", "Check the network and the servers."
	}
	if w.Text != "" {
		list = append(list, w)
	}
	if t := p.Trial; t != nil {
		w := api.Warning{ID: "trial", Severity: "info", Text: "New settings are on trial: they are taken back unless a line registers with them.", Todo: "Nothing, or go back by hand."}
		if !t.Until.IsZero() {
			w.Text = fmt.Sprintf("New settings are on trial for another %d s: they are taken back unless a line registers with them.", max(0, int(t.Until.Sub(c.now)/time.Second)/10*10))
		}
		list = append(list, w)
	}
	unused := slices.DeleteFunc(slices.Clone(p.NotUnderstood), unanswered)
	if n := len(unused); n > 0 {
		x := unused[0]
		w := api.Warning{ID: "not-understood", Severity: "info", Section: "provisioning", Text: fmt.Sprintf("A line of what was fetched from %s was not used: %s", x.Source, x.Text), Todo: "Tell whoever wrote the file."}
		if n > 1 {
			w.Text = fmt.Sprintf("%d lines of what was fetched from %s were not used; the first: %s", n, x.Source, x.Text)
		}
		list = append(list, w)
	}
	return list
}

// unanswered reports a note of a source that did not answer: it is no line that somebody wrote.
func unanswered(n api.NotUnderstood) bool {
	return n.Source == provisioning.FromNobody || strings.HasPrefix(n.Text, provisioning.Besides)
}

func pageWarnings(c condition) (list []api.Warning) {
	if !c.page.claimed {
		list = append(list, api.Warning{ID: "no-password", Severity: "warning", Text: "Nobody has set a password yet: whoever has the claim code can.", Todo: "Open the page and set it."})
	}
	if c.page.plainToAny {
		list = append(list, api.Warning{ID: "plain-page", Severity: "warning", Section: "web", Key: "allow", Text: "The page is open to every address, and without encryption: passwords can be read on the way.", Todo: "Allow the local network only, or serve the page over HTTPS alone."})
	}
	if end := c.page.certificate; !end.IsZero() && end.Sub(c.now) < certificateIn {
		w := api.Warning{ID: "certificate", Severity: "warning", Section: "web", Key: "tls_cert", Text: "The certificate of the page ends on " + end.UTC().Format("2 January 2006") + ".", Todo: "Install a new one."}
		if !end.After(c.now) {
			w.Severity, w.Text = "error", "The certificate of the page ended on "+end.UTC().Format("2 January 2006")+": browsers refuse it."
		}
		list = append(list, w)
	}
	return list
}

func machineWarnings(c condition) (list []api.Warning) {
	if !c.clock.Set {
		list = append(list, api.Warning{ID: "clock", Severity: "warning", Text: "The clock is not set: it shows a time that is over. Certificates cannot be judged, and records bear a wrong time.", Todo: "Have the system set its clock by NTP."})
	}
	d := c.disk
	switch {
	case d.ReadOnly:
		list = append(list, api.Warning{ID: "disk", Severity: "error", Text: "The disk of " + d.Path + " takes nothing (read-only): settings, faxes and accounts are lost at the next restart.", Todo: "Check the flash, and mount it for writing."})
	case d.TotalBytes == 0: // it does not say
	case d.FreeBytes < fullDisk:
		list = append(list, api.Warning{ID: "disk", Severity: "error", Text: "The disk of " + d.Path + " is full: faxes and settings cannot be kept.", Todo: "Delete faxes that nobody needs."})
	case d.FreeBytes < fullerDisk && d.FreeBytes < d.TotalBytes/10:
		list = append(list, api.Warning{ID: "disk", Severity: "warning", Text: "The disk of " + d.Path + " is nearly full: " + strconv.FormatInt(d.FreeBytes>>20, 10) + " MiB are free.", Todo: "Delete faxes that nobody needs."})
	}
	return list
}

func accountWarnings(c condition) (list []api.Warning) {
	j := c.journal
	if j.lost > 0 {
		list = append(list, api.Warning{ID: "accounts-lost", Severity: "error", Section: "radius", Text: fmt.Sprintf("%d accounting records could not be kept and are lost.", j.lost), Todo: "Check the disk and the accounting servers."})
	}
	if j.waiting > 0 && (!j.servers || j.waiting >= manyRecords) {
		w := api.Warning{ID: "accounts-waiting", Severity: "warning", Section: "radius", Key: "acct_servers", Text: fmt.Sprintf("%d accounting records wait for a server to take them.", j.waiting), Todo: "Check the accounting servers."}
		if !j.servers {
			w.Severity, w.Text, w.Todo = "info", fmt.Sprintf("%d accounting records wait, and there is no accounting server.", j.waiting), "Name one, if accounts are wanted."
		}
		list = append(list, w)
	}
	return list
}

// wayWarnings tell what is wrong with the way of messages: who changes them, and what he can read.
func wayWarnings(c condition) (list []api.Warning) {
	for _, n := range c.rewritten {
		list = append(list, api.Warning{ID: fmt.Sprintf("alg-%d", n), Severity: "warning", Section: api.Text(lineSection(n)), Key: "transport",
			Text: fmt.Sprintf("Something on the way changes the SIP messages of line %d: sound in one direction only, and calls that end by themselves, come of it.", n),
			Todo: "Switch the SIP helper (ALG) of the router off, or register over TLS, which it cannot read."})
	}
	for _, n := range c.audible {
		list = append(list, api.Warning{ID: fmt.Sprintf("srtp-clear-%d", n), Severity: "warning", Section: api.Text(lineSection(n)), Key: "srtp_over_clear",
			Text: fmt.Sprintf("The sound of line %d is encrypted with keys that everybody on the way can read.", n), Todo: "Register over TLS, or send no keys without it."})
	}
	if c.clear != "" {
		list = append(list, api.Warning{ID: "clear-secrets", Severity: "warning", Section: "provisioning", Key: "allow_clear_secrets",
			Text: "Passwords came in clear, and anybody on the way could read them: " + c.clear + ".", Todo: "Have the settings fetched by HTTPS, or sealed; then allow clear secrets no longer."})
	}
	return list
}
