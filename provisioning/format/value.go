package format

import (
	"strconv"
	"strings"

	"tipring/internal/config"
)

// How single values are made ours. What is not a value of the maker's is passed on as it
// is where a line depends on it, so that config.Load refuses the file with its line, and
// listed elsewhere.

// same takes a value as it is.
func same(v *values) verdict { return set(v.first()) }

// worded maps words or numbers by the rule's words; "0=udp 1=tcp". A word that is not
// there is passed on, or listed where the words begin with a question mark. The empty
// value sets nothing.
func worded(v *values) verdict {
	text := v.first()
	table, optional := strings.CutPrefix(v.words, "?")
	word, ok := lookup(table, text)
	switch {
	case text == "":
		return leave("empty")
	case ok:
		return set(word)
	case optional:
		return leave("wanted %s", strings.Join(wordsOf(table), ", "))
	}
	return set(text)
}

func lookup(table, text string) (string, bool) {
	for pair := range strings.FieldsSeq(table) {
		if from, to, _ := strings.Cut(pair, "="); strings.EqualFold(from, text) {
			return to, true
		}
	}
	return "", false
}

func wordsOf(table string) []string {
	var all []string
	for pair := range strings.FieldsSeq(table) {
		from, _, _ := strings.Cut(pair, "=")
		all = append(all, from)
	}
	return all
}

// number passes a number on, and lists an empty value.
func number(v *values) verdict {
	if text := v.first(); text != "" {
		return set(text)
	}
	return leave("empty")
}

// minutes makes seconds of minutes.
func minutes(v *values) verdict { return multiplied(v.first(), 60) }

// tens makes milliseconds of hundredths of a second.
func tens(v *values) verdict { return multiplied(v.first(), 10) }

func multiplied(text string, factor int) verdict {
	n, err := strconv.Atoi(text)
	switch {
	case text == "":
		return leave("empty")
	case err != nil || n < 0 || n > 999999999/factor:
		return set(text)
	}
	return set(strconv.Itoa(n * factor))
}

// millis makes milliseconds of seconds with a fraction: .5 is 500.
func millis(v *values) verdict { return seconds(v.first()) }

func seconds(text string) verdict {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !(n >= 0 && n <= 3600) {
		return leave("wanted seconds")
	}
	return set(strconv.Itoa(int(n*1000 + 0.5)))
}

// hostOf and portOf take host:port apart. A text that is neither is passed on whole.
func hostOf(v *values) verdict {
	text := v.first()
	if host, _, ok := config.SplitHostPort(text); ok {
		return set(host)
	}
	return set(text)
}

func portOf(v *values) verdict {
	if _, port, ok := config.SplitHostPort(v.first()); ok && port != 0 {
		return set(strconv.Itoa(port))
	}
	return set("")
}

// joined makes host:port of two items; no host makes nothing.
func joined(v *values) verdict {
	host, port := v.of(0), v.of(1)
	if host == "" || port == "" || port == "0" {
		return set(host)
	}
	if strings.Contains(host, ":") {
		if _, had, ok := config.SplitHostPort(host); ok && had != 0 {
			return set(host) // it has one already
		}
		host = "[" + host + "]"
	}
	return set(host + ":" + port)
}

// codecs makes the list of those that this program has, in the maker's order.
func codecs(names []string, table string) verdict {
	var have, other []string
	for _, name := range names {
		name = strings.TrimSpace(name)
		switch word, ok := lookup(table, name); {
		case name == "":
		case !ok:
			other = append(other, name)
		case !contains(have, word):
			have = append(have, word)
		}
	}
	why := ""
	if len(other) > 0 {
		why = "without the codecs that are not here: " + strings.Join(other, ", ")
	}
	if len(have) == 0 {
		if why == "" {
			why = "empty"
		}
		return leave("%s", why)
	}
	return setBut(strings.Join(have, ","), why)
}

func contains(all []string, word string) bool {
	for _, one := range all {
		if one == word {
			return true
		}
	}
	return false
}

// fileURL makes a provisioning URL of a server, which may be a URL by itself, and a file
// name with macros. protocol is the scheme where the server names none.
func fileURL(protocol, server, name string, macros func(string) (string, bool)) verdict {
	scheme, rest, found := strings.Cut(server, "://")
	if !found {
		scheme, rest = protocol, server
	}
	switch scheme = strings.ToLower(scheme); scheme {
	case "tftp", "http", "https":
	case "":
		return leave("the protocol is not told or not one of tftp, http and https")
	default:
		return leave("%s is not spoken here: tftp, http and https are", scheme)
	}
	text, ok := macros(strings.TrimRight(rest, "/") + "/" + strings.TrimLeft(name, "/"))
	if !ok || strings.ContainsAny(text, " \t\"<>\\$") {
		return leave("a macro or a character that a provisioning URL here cannot have")
	}
	return set(scheme + "://" + text)
}

// ownLine is the number of the line itself: what it has a port for is joined with it.
func ownLine(v *values) verdict { return set(strconv.Itoa(v.g.n)) }
