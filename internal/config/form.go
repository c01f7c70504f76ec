package config

import (
	"net/netip"
	"strings"

	"tipring/internal/timezone"
)

// The forms that a text may be asked to have. None is asked about an empty text.

// isHost accepts the IP address of one host or a host name (RFC 1123 section 2.1), with
// the underscore that names in private networks have.
func isHost(s string) bool {
	if a, err := netip.ParseAddr(s); err == nil {
		return isUnicast(a.Unmap())
	}
	s = strings.TrimSuffix(s, ".")
	if s == "" || len(s) > 253 {
		return false
	}
	numeric := true // a name whose last label is a number is a mistyped address
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		numeric = true
		for _, c := range []byte(label) {
			switch {
			case '0' <= c && c <= '9':
			case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '-', c == '_':
				numeric = false
			default:
				return false
			}
		}
	}
	return !numeric
}

// isUnicast tells whether packets to an address go to one host.
func isUnicast(a netip.Addr) bool {
	return !a.IsUnspecified() && !a.IsMulticast() && a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// SplitHostPort takes "host", "host:port", "[v6]:port" or a bare IPv6 address apart.
// port is 0 when there is none.
func SplitHostPort(s string) (host string, port int, ok bool) {
	if _, err := netip.ParseAddr(s); err == nil {
		return s, 0, isHost(s)
	}
	host, digits, found := s, "", false
	if rest, bracket := strings.CutPrefix(s, "["); bracket {
		host, digits, found = strings.Cut(rest, "]")
		if a, err := netip.ParseAddr(host); !found || err != nil || !a.Is6() {
			return "", 0, false
		}
		if digits == "" {
			return host, 0, isHost(host)
		}
		if digits[0] != ':' {
			return "", 0, false
		}
		digits = digits[1:]
	} else if host, digits, found = strings.Cut(s, ":"); !found {
		return host, 0, isHost(host)
	}
	port, ok = parseInt(digits)
	if !ok || port < 1 || port > 65535 || !isHost(host) {
		return "", 0, false
	}
	return host, port, true
}

func isTimeZone(s string) bool {
	_, ok := timezone.Find(s)
	return ok
}

func isHostPort(s string) bool {
	_, _, ok := SplitHostPort(s)
	return ok
}

// isListen accepts an address to listen on: host:port with the host left out for
// every address, as net.Listen takes it.
func isListen(s string) bool {
	if digits, every := strings.CutPrefix(s, ":"); every {
		port, ok := parseInt(digits)
		return ok && port >= 0 && port <= 65535
	}
	_, err := netip.ParseAddrPort(s)
	if err == nil {
		return true
	}
	_, port, ok := SplitHostPort(s)
	return ok && port != 0
}

// isPath accepts an absolute file name.
func isPath(s string) bool { return s != "" && s[0] == '/' }

// isMAC accepts auto or twelve hex digits with any usual separators.
func isMAC(s string) bool {
	if s == "auto" {
		return true
	}
	m, ok := ParseMAC(s)
	return ok && m != (MAC{}) && m[0]&1 == 0 // neither none nor a group's (IEEE 802)
}

// isWait accepts a number of seconds up to a day.
func isWait(s string) bool {
	n, ok := parseInt(s)
	return ok && n >= 1 && n <= 86400
}

// isHexKey accepts the 64 hex digits of a 32-octet key.
func isHexKey(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdefABCDEF") == ""
}

// isInterface accepts a network interface's name (dev_valid_name in Linux).
func isInterface(s string) bool {
	return len(s) < 16 && s != "." && s != ".." && !strings.ContainsAny(s, "/: \t")
}

// isPrefix accepts the beginning of a number.
func isPrefix(s string) bool {
	digits := strings.TrimPrefix(s, "+")
	return len(s) <= 32 && digits != "" && strings.Trim(digits, "0123456789*#") == ""
}

// isRingRule accepts NUMBER=RING, where a * at the end of NUMBER stands for whatever follows.
func isRingRule(s string) bool {
	number, ring, _ := strings.Cut(s, "=")
	return isPrefix(strings.TrimSuffix(number, "*")) && ring != "" && len(ring) <= 32 && strings.Trim(ring, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// isIdent accepts a T.30 identification (CSI, TSI): at most 20 characters that a
// fax machine can show.
func isIdent(s string) bool {
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return len(s) <= 20
}

// isURL accepts a tftp, http or https URL whose macros are known and stand behind
// the host, so that nothing that names the device can choose the server.
func isURL(s string) bool {
	if strings.ContainsAny(s, " \t\"<>\\") {
		return false
	}
	scheme, rest, ok := strings.Cut(s, "://")
	switch strings.ToLower(scheme) {
	case "tftp", "http", "https":
	default:
		return false
	}
	authority, path := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority, path = rest[:i], rest[i:]
	}
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		if !knownMacros(authority[:i]) {
			return false
		}
		authority = authority[i+1:]
	}
	return ok && isHostPort(authority) && !strings.ContainsAny(authority, "{}") && knownMacros(path)
}

// Macros lists what may stand in braces in a provisioning URL.
const Macros = "mac MAC serial account arg model version"

func knownMacros(s string) bool {
	for {
		before, rest, open := strings.Cut(s, "{")
		if strings.Contains(before, "}") {
			return false
		}
		if !open {
			return true
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed || name == "" || strings.Contains(name, " ") || !strings.Contains(" "+Macros+" ", " "+name+" ") {
			return false
		}
		s = after
	}
}
