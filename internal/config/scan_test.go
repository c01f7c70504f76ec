package config

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"gopkg.in/ini.v1"
)

// FuzzScan holds the scanner to what gopkg.in/ini.v1, with everything switched off that
// the syntax here does not have, reads in the same lines. ini.v1 keeps no line numbers,
// is silent about bad lines and doubled keys, and costs 300 kB of flash.
func FuzzScan(f *testing.F) {
	for _, name := range []string{"testdata/promises.ini", "../../etc/tipring.ini"} {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("\xef\xbb\xbf[web]\nallow = 10.0.0.0/8,::1\n[sip1]\n[web]\nhosts=a,b\nhosts=c\n"))
	f.Add([]byte("[sip1]\nauth_password = `a b\nrealm = \"\"\"c\naor = 'd' ; e # f\nproxy = \\\nb==\nc=%(aor)s\nd=\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		doc := scan("f", text)
		if got, want := doc.settings, iniSettings(t, doc.settings); !slices.Equal(got, want) {
			t.Errorf("%q: got %v, ini.v1 %v", text, got, want)
		}
	})
}

// iniSettings has ini.v1 read the lines that settings came from. Each value is given to
// it behind a guard character, because it takes a leading ` or """ for a quote, which a
// password may well begin with.
func iniSettings(t *testing.T, settings []Setting) []Setting {
	t.Helper()
	const guard = "="
	lines := map[[2]string]int{}
	bySection := slices.Clone(settings)
	slices.SortStableFunc(bySection, func(a, b Setting) int { return strings.Compare(a.Section, b.Section) })
	var clean bytes.Buffer
	section := ""
	for _, e := range bySection {
		if e.Section != section {
			section = e.Section
			clean.WriteString("[" + section + "]\n")
		}
		clean.WriteString(e.Key + "=" + guard + e.Value + "\n")
		lines[[2]string{e.Section, e.Key}] = e.Line
	}
	file, err := ini.LoadSources(ini.LoadOptions{
		IgnoreInlineComment:     true,
		IgnoreContinuation:      true,
		PreserveSurroundedQuote: true,
		KeyValueDelimiters:      "=",
	}, clean.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	var read []Setting
	for _, section := range file.Sections() {
		for _, key := range section.Keys() {
			value := strings.TrimPrefix(key.Value(), guard)
			read = append(read, Setting{section.Name(), key.Name(), value, lines[[2]string{section.Name(), key.Name()}]})
		}
	}
	slices.SortStableFunc(read, func(a, b Setting) int { return a.Line - b.Line })
	return read
}
