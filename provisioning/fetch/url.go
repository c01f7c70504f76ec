package fetch

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

const maxURL = 2048 // octets

// parseURL reads a URL that can be fetched from. Its error holds none of the URL's
// secrets.
func parseURL(s string) (*url.URL, error) {
	refuse := func(why string) (*url.URL, error) { return nil, fmt.Errorf("%w: %s", ErrURL, why) }
	if len(s) > maxURL {
		return refuse("longer than 2048 octets")
	}
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil {
		return refuse("it cannot be read") // url.Error quotes all of it
	}
	u.Scheme = strings.ToLower(u.Scheme)
	u.Fragment, u.RawFragment = "", ""
	switch u.Scheme {
	case "tftp", "http", "https":
	case "":
		return refuse("no scheme: want tftp, http or https")
	default:
		return refuse("scheme " + strconv.Quote(short(u.Scheme)) + ": want tftp, http or https")
	}
	if u.Opaque != "" || u.Hostname() == "" {
		return refuse(u.Scheme + " without a host")
	}
	if strings.ContainsFunc(u.Hostname(), func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"<>\^|{}`+"`", r) }) {
		return refuse("an odd character in the host")
	}
	if _, err := port(u); err != nil {
		return refuse(err.Error())
	}
	if u.Scheme == "tftp" {
		if u.User != nil {
			return refuse("TFTP has no user name and password")
		}
		if _, err := fileName(u); err != nil {
			return refuse(err.Error())
		}
	}
	return u, nil
}

// port is the URL's, or its scheme's own.
func port(u *url.URL) (uint16, error) {
	if u.Port() == "" {
		return map[string]uint16{"tftp": 69, "http": 80, "https": 443}[u.Scheme], nil
	}
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("port %s: want 1 to 65535", short(u.Port()))
	}
	return uint16(n), nil
}

// redact is the URL as people and logs may see it: without user name and password, and
// without the values of parameters that are called like a secret.
func redact(u *url.URL) string {
	shown := *u
	shown.User, shown.Fragment, shown.RawFragment = nil, "", ""
	parts := strings.Split(shown.RawQuery, "&")
	for i, p := range parts {
		if name, _, has := strings.Cut(p, "="); has && secretName(name) {
			parts[i] = name + "=…"
		}
	}
	shown.RawQuery = strings.Join(parts, "&")
	return shown.String()
}

func secretName(name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{"pass", "pwd", "pw", "pin", "secret", "token", "key", "auth", "sig"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

// literal is the host where it is an address.
func literal(u *url.URL) (netip.Addr, bool) {
	a, err := netip.ParseAddr(u.Hostname())
	return a.Unmap(), err == nil
}

// short keeps somebody else's text from filling a log.
func short(s string) string {
	const most = 80
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
