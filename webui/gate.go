package webui

import (
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"

	"tipring/internal/config"
	"tipring/webui/access"
	"tipring/webui/api"
)

// A gate looks at every request before anything else does.
type gate struct{ s *Server }

var _ api.Watcher = gate{}

// Visitor returns who sent the request, or why it is refused whatever it asks for.
func (g gate) Visitor(r *http.Request) (api.Visitor, *api.Problem) {
	return g.look(r, r.URL.Path != streams && !byItself(r))
}

// byItself reports what a page that is merely open asks for: what its script fetches to be up to
// date, and pictures, as of a fax that grows.
func byItself(r *http.Request) bool {
	return r.Header.Get("Tipring-Page") != "" || strings.HasSuffix(r.URL.Path, ".png")
}

// Still returns who sent the request that is still being answered.
func (g gate) Still(r *http.Request) (api.Visitor, *api.Problem) { return g.look(r, false) }

func (g gate) look(r *http.Request, visit bool) (v api.Visitor, p *api.Problem) {
	web := g.s.web.Load()
	from := addrOf(r.RemoteAddr)
	switch {
	case !g.s.allows(from):
		return v, problem(http.StatusForbidden, "[web] allow does not name the address that you come from")
	case !isOwnHost(r, web.Hosts):
		return v, problem(http.StatusMisdirectedRequest, "this device has no such name: use its address, or add the name to [web] hosts")
	case isForeign(r):
		return v, problem(http.StatusForbidden, "another site sent this request")
	}
	if len(r.Header.Values("Authorization")) > 0 {
		return g.byToken(r)
	}
	if v, ok := g.bySession(r, visit); ok {
		known(r)
		if visit && g.s.o.Visited != nil {
			g.s.o.Visited()
		}
		return v, nil
	}
	if from.IsLoopback() && r.URL.Path == "/metrics" {
		v.Role = api.Scraper
	}
	return v, nil
}

// allows reports whether an address may ask for anything, as it is configured now.
func (s *Server) allows(from netip.Addr) bool { return allowed(s.web.Load().Allow, from) }

func problem(status int, detail string) *api.Problem {
	return &api.Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: api.Text(detail)}
}

// allowed reports whether an address may ask for anything. The device itself always may.
func allowed(who config.Networks, from netip.Addr) bool {
	if from.IsLoopback() {
		return true
	}
	switch who.Word {
	case "any":
		return true
	case "lan":
		return from.IsPrivate() || from.IsLinkLocalUnicast()
	}
	return from.IsValid() && who.Contains(from)
}

// isOwnHost reports whether the request is for this device by a name that is its own. A name
// that somebody else has point here would make his page one of ours (DNS rebinding).
func isOwnHost(r *http.Request, names []string) bool {
	host := hostOf(r.Host)
	if host == "" {
		return false
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return isOwnAddr(r, ip.Unmap().WithZone("")) || slices.ContainsFunc(names, func(name string) bool {
			other, err := netip.ParseAddr(name)
			return err == nil && other.Unmap() == ip.Unmap()
		})
	}
	own, err := os.Hostname()
	if err == nil && own != "" {
		own = strings.ToLower(own)
		short, _, _ := strings.Cut(own, ".")
		names = append([]string{own, short, short + ".local", short + ".lan"}, names...)
	}
	return host == "localhost" || slices.ContainsFunc(names, func(name string) bool {
		return strings.EqualFold(strings.TrimSuffix(name, "."), host)
	})
}

// hostOf is the host of a Host header, in lower case.
func hostOf(header string) string {
	host := header
	if rest, ok := strings.CutPrefix(header, "["); ok {
		end := strings.IndexByte(rest, ']')
		if end < 0 || !isPort(rest[end+1:]) {
			return ""
		}
		if host = rest[:end]; !strings.Contains(host, ":") {
			return ""
		}
	} else if i := strings.IndexByte(header, ':'); i >= 0 {
		if host = header[:i]; !isPort(header[i:]) {
			return ""
		}
	}
	if strings.ContainsAny(host, "[]") {
		return ""
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// isPort reports a port as it stands behind a host: nothing, or a colon and digits.
func isPort(s string) bool {
	return s == "" || s[0] == ':' && len(s) <= 6 && strings.Trim(s[1:], "0123456789") == ""
}

func isOwnAddr(r *http.Request, ip netip.Addr) bool {
	if ip.IsLoopback() {
		return true
	}
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && addrOf(local.String()).WithZone("") == ip {
		return true
	}
	return slices.ContainsFunc(ownAddrs(), func(own net.IP) bool {
		a, ok := netip.AddrFromSlice(own)
		return ok && a.Unmap() == ip
	})
}

// crossOrigin knows what browsers say of a request that another site's page made.
var crossOrigin http.CrossOriginProtection

// isForeign reports a request that another site's page made. That one may lead somebody here,
// who then sees the login: his cookie stays at home (SameSite).
func isForeign(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		asked := *r
		asked.Method = http.MethodPost // OPTIONS is as foreign as any other
		return crossOrigin.Check(&asked) != nil
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
	default:
		return r.Header.Get("Sec-Fetch-Mode") != "navigate" || r.Header.Get("Sec-Fetch-Dest") != "document"
	}
	origin := r.Header.Get("Origin")
	return origin != "" && origin != "http://"+r.Host && origin != "https://"+r.Host
}

// byToken finds a program's token (RFC 6750 section 2.1). Who sends one that is none is refused
// everywhere: he believes that he is somebody.
func (g gate) byToken(r *http.Request) (api.Visitor, *api.Problem) {
	if secret, ok := bearer(r.Header.Values("Authorization")); ok {
		if pass, ok := g.s.o.Desk.Token(secret); ok {
			known(r)
			return visitor(pass, "token"), nil
		}
	}
	return api.Visitor{}, problem(http.StatusUnauthorized, "there is no such token: wanted Authorization: Bearer TOKEN")
}

// bearer takes the token out of the values of Authorization.
func bearer(values []string) (secret string, ok bool) {
	if len(values) != 1 || len(values[0]) > 200 {
		return "", false
	}
	scheme, secret, found := strings.Cut(values[0], " ")
	secret = strings.Trim(secret, " ")
	return secret, found && strings.EqualFold(scheme, "Bearer") && secret != ""
}

// bySession finds a browser's session. Other programs on the same host may have left it cookies
// of the same name.
func (g gate) bySession(r *http.Request, visit bool) (api.Visitor, bool) {
	for i, c := range r.CookiesNamed(api.CookieOf(r, api.SessionCookie)) {
		if i == 4 {
			break
		}
		if pass, ok := g.s.o.Desk.Session(c.Value, visit); ok {
			return visitor(pass, "session"), true
		}
	}
	return api.Visitor{}, false
}

func visitor(p access.Pass, via string) api.Visitor {
	v := api.Visitor{Name: p.Name, Role: api.User, Via: via, Since: p.ID}
	if p.Role == access.Admin {
		v.Role = api.Admin
	}
	return v
}
