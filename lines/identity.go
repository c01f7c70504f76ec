package lines

import (
	"net/netip"
	"slices"
	"strings"

	"tipring/internal/sipmsg"
)

// identify shows who calls: the port's number in the header that caller_id names, else
// the line alone.
func (c *Call) identify(m *sipmsg.Message, srv *server) {
	l := c.l
	me := sipmsg.Addr{Display: l.cfg.DisplayName, URI: l.aor(srv)}
	shown := me.Clone()
	if c.dial.ANI != "" {
		shown.URI.User = c.dial.ANI
	}
	if c.anonymous() {
		c.hide(m, shown)
		return
	}
	switch l.cfg.CallerID {
	case "ppi":
		m.Header.Add("P-Preferred-Identity", shown.String()) // RFC 3325 section 9.2
	case "pai":
		m.Header.Add("P-Asserted-Identity", shown.String())
	case "rpid":
		m.Header.Add("Remote-Party-ID", shown.String()+";party=calling;screen=no;privacy=off")
	default:
		me = shown
	}
	m.From = me
}

// anonymous reports a call that does not show who makes it. Whoever is called in an emergency
// is to know.
func (c *Call) anonymous() bool { return c.dial.Anonymous && !c.dial.Emergency }

// hide shows who calls to the server alone (RFC 3323 section 4.1.1.3, RFC 3325 section 9.3).
func (c *Call) hide(m *sipmsg.Message, me sipmsg.Addr) {
	switch c.l.cfg.CallerID {
	case "pai":
		m.Header.Add("P-Asserted-Identity", me.String())
	case "rpid":
		m.Header.Add("Remote-Party-ID", me.String()+";party=calling;screen=no;privacy=full")
	default:
		m.Header.Add("P-Preferred-Identity", me.String())
	}
	m.Header.Add("Privacy", "id")
	m.From = sipmsg.Addr{Display: "Anonymous", URI: sipmsg.URI{Scheme: "sip", User: "anonymous", Host: "anonymous.invalid"}}
}

// trusts reports an address of the line's servers: what only a server may say is believed from there.
func (l *Line) trusts(a netip.Addr) bool { return slices.Contains(*l.sources.Load(), a.Unmap()) }

// identitySource is where a request says who sends it, by caller_id: one of the headers that
// servers assert identities in, from one of the line's own, else From (RFC 3325 section 5).
func (l *Line) identitySource(from netip.Addr) string {
	if !l.trusts(from) {
		return "from"
	}
	return l.cfg.CallerID
}

// caller is who calls, from the header that a source names.
func caller(source string, req *sipmsg.Message) (number, name string) {
	a := req.From
	headers := map[string]string{"ppi": "P-Preferred-Identity", "pai": "P-Asserted-Identity", "rpid": "Remote-Party-ID"}
	if h, ok := headers[source]; ok {
		if all, err := sipmsg.ParseAddrs(req.Header.Get(h)); err == nil && len(all) > 0 {
			a = all[0]
		}
	}
	number = a.URI.User
	if number == "" {
		number = a.URI.HostPort()
	}
	return number, a.Display
}

// hidden reports a request whose sender does not want to be shown: by Privacy (RFC 3323 section
// 4.2), by the privacy of a Remote-Party-ID, or because its From is nobody's.
func hidden(req *sipmsg.Message) bool {
	if strings.EqualFold(req.From.URI.Host, "anonymous.invalid") || strings.EqualFold(req.From.URI.User, "anonymous") {
		return true
	}
	for _, line := range req.Header.Values("Privacy") {
		for word := range strings.FieldsFuncSeq(line, func(r rune) bool { return r == ';' || r == ',' || r == ' ' }) {
			switch strings.ToLower(word) {
			case "id", "user", "header":
				return true
			}
		}
	}
	all, err := sipmsg.ParseAddrs(req.Header.Get("Remote-Party-ID"))
	if err != nil || len(all) == 0 {
		return false
	}
	privacy, _ := all[0].Params.Get("privacy")
	return privacy != "" && !strings.EqualFold(privacy, "off")
}

// maxAlert bounds the name of a pattern of ringing.
const maxAlert = 32

// alertOf is the name of the ringing that Alert-Info asks for (RFC 3261 section 20.4), in small letters:
// of its info parameter, however that is written, else the end of its URI, as in
// <http://127.0.0.1/Bellcore-dr4>, or of its URN (RFC 7462). Names that mean one of the patterns of Bellcore
// by its number, as ring2 or dr2 do, are bellcore-dr2. Empty: none, or none of use.
func alertOf(req *sipmsg.Message) string {
	text := strings.ToLower(req.Header.Get("Alert-Info"))
	if len(text) > 256 {
		return ""
	}
	name := alertParam(text, "info=")
	if name == "" {
		name = alertParam(text, "x-line-id=")
		if name != "" {
			name = "ring" + name
		}
	}
	if uri := alertURI(text); uri != "" && (name == "" || strings.HasPrefix(uri, "bellcore-dr")) {
		name = uri
	}
	return bellcore(name)
}

// alertParam is the value of a parameter, quoted or not, or nothing.
func alertParam(text, name string) string {
	_, value, ok := strings.Cut(text, name)
	if !ok {
		return ""
	}
	value, _, _ = strings.Cut(value, ";")
	value, _, _ = strings.Cut(value, ",")
	return strings.Trim(value, " \t\"<>")
}

// alertURI is what the URI of a header names.
func alertURI(text string) string {
	text = strings.TrimSpace(text)
	if _, rest, ok := strings.Cut(text, "<"); ok {
		text, _, _ = strings.Cut(rest, ">")
	} else {
		text, _, _ = strings.Cut(text, ";")
		text, _, _ = strings.Cut(text, ",")
	}
	if strings.Contains(text, "=") {
		return ""
	}
	scheme, path, ok := strings.Cut(text, "://")
	if !ok {
		return text[strings.LastIndexByte(text, ':')+1:] // a word alone, or urn:alert:source:internal
	}
	host, file, ok := strings.Cut(path, "/")
	if !ok {
		if scheme == "http" && strings.HasPrefix(host, "bellcore-dr") { // some servers have nothing else there
			return host
		}
		return ""
	}
	return file[strings.LastIndexByte(file, '/')+1:]
}

// bellcore is the name of a pattern, as all give it.
func bellcore(name string) string {
	for _, prefix := range []string{"bellcore-dr", "bellcore-r", "ring", "dr"} {
		if n, ok := strings.CutPrefix(name, prefix); ok && len(n) == 1 && n[0] >= '1' && n[0] <= '8' {
			return "bellcore-dr" + n
		}
	}
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.'
	}
	if len(name) > maxAlert || strings.ContainsFunc(name, func(r rune) bool { return !plain(r) }) {
		return ""
	}
	return name
}
