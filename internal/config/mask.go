package config

import "strings"

// Mask stands for a secret wherever it would be shown.
const Mask = "********"

// Masked is value as it may be shown: a secret is replaced by Mask, and so is the
// password of a URL or a SIP address, which may stand where none belongs.
func (k *Key) Masked(value string) string {
	switch {
	case value == "":
		return ""
	case k.Secret:
		return Mask
	case k.Kind == servers:
		value = maskWords(value)
	}
	return maskNamed(maskUser(value))
}

// maskWords masks what stands behind a blank in a list of servers: other programs write
// a server's secret there.
func maskWords(value string) string {
	list := strings.Split(value, ",")
	for i, item := range list {
		if before, after, found := strings.Cut(strings.TrimSpace(item), " "); found && strings.TrimSpace(after) != "" {
			list[i] = before + " " + Mask
		}
	}
	return strings.Join(list, ",")
}

// maskUser masks the password of user:password@host, with or without a scheme before it.
// Where the text is no good URL, it masks rather too much.
func maskUser(value string) string {
	at := strings.LastIndexByte(value, '@')
	if at < 0 {
		return value
	}
	start := 0
	if scheme, rest, found := strings.Cut(value, "://"); found {
		start = len(scheme) + len("://")
		end := len(value)
		if i := strings.IndexAny(rest, "/?#"); i >= 0 {
			end = start + i
		}
		if i := strings.LastIndexByte(value[start:end], '@'); i >= 0 {
			at = start + i
		} else if isHostPort(value[start:end]) {
			return value // the @ stands in the path
		}
	} else if scheme, _, found := strings.Cut(value, ":"); found && isScheme(scheme) {
		start = len(scheme) + 1
	}
	colon := strings.IndexByte(value[start:max(start, at)], ':')
	if colon < 0 {
		return value
	}
	return value[:start+colon+1] + Mask + value[at:]
}

// isScheme tells the schemes that are followed by a user, and not by a password.
func isScheme(s string) bool {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "sip", "sips", "tel", "stun", "stuns", "turn", "turns", "mailto", "udp", "tcp", "tls", "unix":
		return true
	}
	return false
}

// maskNamed masks the values of parameters whose name says that they are secrets:
// ?password=..., ;secret=...
func maskNamed(value string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(value, "=")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		b.WriteByte('=')
		value = after
		if !namesSecret(before[strings.LastIndexAny(before, "?&;, \t")+1:]) {
			continue
		}
		end := strings.IndexAny(value, "&;, \t")
		if end < 0 {
			end = len(value)
		}
		if end > 0 {
			b.WriteString(Mask)
		}
		value = value[end:]
	}
}

// namesSecret tells the names of secrets.
func namesSecret(name string) bool {
	name = strings.ToLower(name)
	for _, end := range []string{"pass", "password", "passwd", "passphrase", "pwd", "pw", "secret", "token", "key"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}
