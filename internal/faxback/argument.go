package faxback

import (
	"fmt"
	"net/url"
	"strings"

	"tipring/internal/config"
)

// An Argument is FB-Provisioning-Arg, whose format is this program's own: an URL, or
// settings, or neither.
type Argument struct {
	URL      string // tftp, http or https, with this program's macros in it
	SHA256   string // 64 lower-case hex digits: what the URL's content must have
	Settings []config.Setting
	Opaque   string // text that is neither: for {arg} of another URL
}

// MaxArgument is the longest FB-Provisioning-Arg, in octets.
const MaxArgument = 300

// mask stands for a secret.
const mask = config.Mask

// ParseArgument reads an argument: one URL, which a blank and sha256= with 64 hex digits
// may follow; or settings section.key=value separated by semicolons, a semicolon in a
// value being written %3B. Whether a section and key exist, and whether they may be set
// from afar, is config's to say. Text that has neither form is Opaque.
func ParseArgument(s string) (Argument, error) {
	if len(s) > MaxArgument {
		return Argument{}, &BoundError{"FB-Provisioning-Arg", fmt.Sprintf("at most %d octets", MaxArgument), fmt.Sprintf("%d octets", len(s))}
	}
	if err := attributeNamed("FB-Provisioning-Arg").check(s); err != nil {
		return Argument{}, err
	}
	s = strings.TrimSpace(s)
	if scheme, _, ok := strings.Cut(s, "://"); ok && isScheme(scheme) {
		return parseURL(s)
	}
	first, _, _ := strings.Cut(s, ";")
	if _, ok := parseSetting(first); !ok {
		return Argument{Opaque: s}, nil
	}
	return parseSettings(s)
}

func isScheme(s string) bool {
	return s != "" && strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789+-.") == ""
}

func parseURL(s string) (Argument, error) {
	words := strings.Fields(s)
	a := Argument{URL: words[0]}
	scheme, rest, _ := strings.Cut(a.URL, "://")
	switch scheme = strings.ToLower(scheme); {
	case scheme != "tftp" && scheme != "http" && scheme != "https":
		return Argument{}, &BoundError{"FB-Provisioning-Arg", "a tftp, http or https URL", scheme + "://..."}
	case !hasHost(scheme, rest):
		return Argument{}, &BoundError{"FB-Provisioning-Arg", "a URL with a host", scheme + "://..."}
	case len(words) == 1:
		return a, nil
	}
	digest, ok := strings.CutPrefix(words[1], "sha256=")
	if digest = strings.ToLower(digest); !ok || len(words) > 2 || len(digest) != 64 || strings.Trim(digest, "0123456789abcdef") != "" {
		return Argument{}, &BoundError{"FB-Provisioning-Arg", "sha256= with 64 hex digits, or nothing, behind the URL", "something else"}
	}
	a.SHA256 = digest
	return a, nil
}

// hasHost looks before the path, behind which braces of macros may stand.
func hasHost(scheme, rest string) bool {
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	u, err := url.Parse(scheme + "://" + rest)
	return err == nil && u.Hostname() != ""
}

func parseSettings(s string) (Argument, error) {
	var a Argument
	for item := range strings.SplitSeq(s, ";") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		setting, ok := parseSetting(item)
		if !ok {
			// The item may be the second half of a secret: it is not shown.
			return Argument{}, &BoundError{"FB-Provisioning-Arg", "settings section.key=value separated by ;, or one URL",
				fmt.Sprintf("something else behind %d settings", len(a.Settings))}
		}
		for _, earlier := range a.Settings {
			if earlier.Section == setting.Section && earlier.Key == setting.Key {
				return Argument{}, &BoundError{"FB-Provisioning-Arg", "each setting once", setting.Section + "." + setting.Key + " twice"}
			}
		}
		a.Settings = append(a.Settings, setting)
	}
	return a, nil
}

func parseSetting(item string) (config.Setting, bool) {
	name, value, found := strings.Cut(item, "=")
	section, key, dotted := strings.Cut(strings.TrimSpace(name), ".")
	if !found || !dotted || !isName(section) || !isName(key) {
		return config.Setting{}, false
	}
	value = strings.NewReplacer("%3B", ";", "%3b", ";").Replace(strings.TrimSpace(value))
	return config.Setting{Section: section, Key: key, Value: value}, true
}

func isName(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// Secrets reports whether the argument itself holds a secret: a setting of a secret key,
// or a URL with a password or a token in it.
func (a Argument) Secrets() bool {
	return config.HasSecrets(config.SettingsLayer("", a.Settings)) || maskText(a.URL) != a.URL
}

// String is the argument as it may be shown.
func (a Argument) String() string {
	if len(a.Settings) == 0 {
		s := maskText(a.URL + a.Opaque)
		if a.SHA256 != "" {
			s += " sha256=" + a.SHA256
		}
		return s
	}
	items := make([]string, len(a.Settings))
	for i, s := range a.Settings {
		items[i] = s.Section + "." + s.Key + "=" + strings.ReplaceAll(maskSetting(s), ";", "%3B")
	}
	return strings.Join(items, ";")
}

// maskArgument is an argument as it may be shown, also one that is not understood.
func maskArgument(s string) string {
	a, err := ParseArgument(s)
	if err != nil {
		first, _, found := strings.Cut(s, "=")
		if !found {
			return maskText(s)
		}
		return first + "=" + mask // where one value ends and a secret begins is not known
	}
	return a.String()
}

// maskText masks what looks like a password in text of any form.
func maskText(s string) string { return new(config.Key).Masked(s) }

// maskSetting is a setting's value as it may be shown. That of a key which does not exist
// may be a secret under a mistyped name.
func maskSetting(s config.Setting) string {
	stem := strings.TrimRight(s.Section, "0123456789")
	sections := config.Sections()
	for i := range sections {
		if sections[i].Name == stem && sections[i].Numbered == (stem != s.Section) {
			if k := sections[i].Key(s.Key); k != nil {
				return k.Masked(s.Value)
			}
		}
	}
	return mask
}
