package lan

import (
	"errors"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// MaxURL is the most octets of a URL.
const MaxURL = 1024

// URL checks where a configuration is said to be. It takes tftp, http and https URLs with
// a host and without a user name, of printable ASCII; macros such as {mac} or $MA may stand
// in the path and the query, never in the host. It returns the URL as it came, but for
// the scheme, which is made lower case. Its error does not quote the value.
func URL(s string) (string, error) {
	if err := plain(s); err != nil {
		return "", err
	}
	u, err := url.Parse(s)
	if err != nil {
		return "", errors.New("no URL: " + cause(err))
	}
	switch u.Scheme {
	case "tftp", "http", "https":
	case "":
		return "", errors.New("no URL: it has no scheme")
	default:
		return "", errors.New("the scheme is neither tftp nor http nor https")
	}
	switch {
	case u.User != nil:
		return "", errors.New("a user name before the host is not taken from the network")
	case u.Opaque != "" || u.Host == "":
		return "", errors.New("no URL: it has no host")
	case !IsHost(u.Hostname()):
		return "", errors.New("no URL: the host is neither a name nor an address")
	case u.Fragment != "" || strings.HasSuffix(s, "#"):
		return "", errors.New("a fragment (#) means nothing to a server")
	}
	if port := u.Port(); strings.HasSuffix(u.Host, ":") || port != "" && !isPort(port) {
		return "", errors.New("no URL: the port is not from 1 to 65535")
	}
	return u.Scheme + s[len(u.Scheme):], nil
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

// plain refuses what could end a line or a header, hide in a log, or fill memory.
func plain(s string) error {
	if s == "" {
		return errors.New("empty")
	}
	if len(s) > MaxURL {
		return errors.New("longer than " + strconv.Itoa(MaxURL) + " octets")
	}
	for _, c := range []byte(s) {
		switch {
		case c < ' ' || c == 0x7f:
			return errors.New("control character")
		case c == ' ':
			return errors.New("blank inside")
		case c > '~':
			return errors.New("not ASCII")
		case strings.IndexByte("\"<>\\^`|", c) >= 0:
			return errors.New("no URL: " + strconv.QuoteRune(rune(c)) + " inside")
		}
	}
	return nil
}

// IsHost reports a host name or the address of one host.
func IsHost(s string) bool {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Zone() == "" && !a.IsUnspecified() && !a.IsMulticast() && a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
	}
	return IsName(s)
}

// IsName reports a host name: labels of letters, digits, hyphens and underscores, the
// last not a number, 253 octets at most (RFC 1123 section 2.1).
func IsName(s string) bool {
	s = strings.TrimSuffix(s, ".")
	if s == "" || len(s) > 253 || strings.Trim(s[strings.LastIndexByte(s, '.')+1:], "0123456789") == "" {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			if c != '-' && c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
				return false
			}
		}
	}
	return true
}

// cause is what url.Parse found, without the URL, which its own text repeats.
func cause(err error) string {
	var e *url.Error
	if errors.As(err, &e) && !strings.Contains(e.Err.Error(), "@") {
		return e.Err.Error()
	}
	return "it cannot be read"
}

// Show quotes a value for a note: cut to 80 octets, and without what stands before an @,
// which may be a password.
func Show(s string) string {
	const most = 80
	if at := strings.LastIndexByte(s, '@'); at >= 0 {
		s = "…" + s[at:]
	}
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strconv.Quote(s)
}
