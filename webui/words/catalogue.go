package words

import (
	"embed"
	"fmt"
	"strings"
	"sync"
)

// catalogues has one file for each language, named by its tag: de.lang.
//
//go:embed catalogues
var files embed.FS

// catalogues are those that the device has, read when first asked for.
var catalogues = sync.OnceValue(func() map[string]*Catalogue {
	all := map[string]*Catalogue{}
	entries, err := files.ReadDir("catalogues")
	if err != nil {
		panic(err) // it is embedded
	}
	for _, e := range entries {
		tag, ok := strings.CutSuffix(e.Name(), ".lang")
		text, err := files.ReadFile("catalogues/" + e.Name())
		if !ok || err != nil {
			continue
		}
		c, err := Parse(tag, string(text))
		if err != nil {
			panic(err) // a test reads them all
		}
		if len(c.Sentences) > 0 {
			all[tag] = c
		}
	}
	return all
})

// Parse reads a catalogue: a sentence a line, as `English = translation`. Lines that begin
// with # are remarks. A sentence with " = " in it has it as " \= ", one that begins with # begins with \#, a line
// break is \n and a backslash \\.
// A translation has the verbs of its sentence (%s, %d), in the same order or numbered.
func Parse(tag, text string) (*Catalogue, error) {
	c := &Catalogue{Tag: tag, Sentences: map[string]string{}}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		english, translation, ok := strings.Cut(line, " = ")
		if !ok {
			return nil, fmt.Errorf("%s.lang:%d: %q: wanted English = translation", tag, i+1, line)
		}
		english, translation = plain(english), plain(translation)
		if _, twice := c.Sentences[english]; twice {
			return nil, fmt.Errorf("%s.lang:%d: %q stands there twice", tag, i+1, english)
		}
		if a, b := verbs(english), verbs(translation); a != b {
			return nil, fmt.Errorf("%s.lang:%d: %q has %q, its translation %q", tag, i+1, english, a, b)
		}
		c.Sentences[english] = translation
	}
	return c, nil
}

// List writes sentences as a catalogue in which each is its own translation.
func List(all []string) string {
	var b strings.Builder
	for _, s := range all {
		s = escape.Replace(s)
		if strings.HasPrefix(s, "#") {
			s = `\` + s
		}
		b.WriteString(s + " = " + s + "\n")
	}
	return b.String()
}

var (
	escape   = strings.NewReplacer(`\`, `\\`, "\n", `\n`, " = ", ` \= `)
	unescape = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\=`, "=", `\#`, "#")
)

func plain(s string) string { return unescape.Replace(strings.TrimSpace(s)) }

// verbs are the letters of a sentence's verbs, by the number of their argument.
func verbs(s string) string {
	found := map[int]byte{}
	next := 1
	for i := 0; i+1 < len(s); i++ {
		if s[i] != '%' {
			continue
		}
		i++
		if s[i] == '%' {
			continue
		}
		if n := 0; s[i] == '[' {
			if _, err := fmt.Sscanf(s[i:], "[%d]", &n); err == nil {
				next = n
				i += strings.IndexByte(s[i:], ']') + 1
			}
		}
		if i < len(s) {
			found[next] = s[i]
			next++
		}
	}
	var b strings.Builder
	for n := 1; n <= len(found); n++ {
		b.WriteByte(found[n]) // 0 where one is left out
	}
	return b.String()
}
