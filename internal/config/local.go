package config

import (
	"bytes"
	"strings"
)

// MaskText is INI text as it may be shown: each secret reads Mask, in comments too.
// Everything else stays as it was.
func MaskText(text []byte) []byte {
	return mapValues(text, func(sectionName, key, value string, commented bool) string {
		if commented && !isSecretKey(key) {
			return maskNamed(maskUser(value))
		}
		return maskedBy(sectionName, key, value)
	})
}

// UnmaskText gives masked text its secrets back: a value that reads as the mask of
// the same key's value in old becomes that value. A mask without an old secret
// stays, and is a fault in Load.
func UnmaskText(text, old []byte) []byte {
	secrets := make(map[[2]string]string)
	for _, e := range scan("", old).settings {
		if masked := maskedBy(e.Section, e.Key, e.Value); masked != e.Value {
			secrets[[2]string{e.Section, e.Key}] = e.Value
		}
	}
	return mapValues(text, func(sectionName, key, value string, commented bool) string {
		if commented {
			return value
		}
		if secret, ok := secrets[[2]string{sectionName, key}]; ok && value == maskedBy(sectionName, key, secret) {
			return secret
		}
		return value
	})
}

// mapValues rewrites the values of key lines, commented ones too.
func mapValues(text []byte, change func(sectionName, key, value string, commented bool) string) []byte {
	var out bytes.Buffer
	section := ""
	for line := range bytes.Lines(text) {
		trimmed := strings.TrimSpace(string(line))
		if strings.HasPrefix(trimmed, "[") && strings.HasSuffix(trimmed, "]") {
			section = trimmed[1 : len(trimmed)-1]
		}
		before, value, found := strings.Cut(string(line), "=")
		key := strings.TrimSpace(strings.TrimLeft(before, "#; \t\uFEFF"))
		trimmed = strings.TrimSpace(value)
		if !found || !isName(key) || trimmed == "" {
			out.Write(line)
			continue
		}
		commented := strings.HasPrefix(strings.TrimSpace(before), "#") || strings.HasPrefix(strings.TrimSpace(before), ";")
		at := strings.Index(value, trimmed)
		out.WriteString(before + "=" + value[:at] + change(section, key, trimmed, commented) + value[at+len(trimmed):])
	}
	return out.Bytes()
}

// isSecretKey tells the names of secrets, in whatever section a comment stands.
func isSecretKey(name string) bool {
	for i := range sections {
		if k := sections[i].Key(name); k != nil && k.Secret {
			return true
		}
	}
	return false
}
