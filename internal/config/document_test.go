package config

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"tipring/etc"
	"tipring/lines/fxs"
)

var update = flag.Bool("update", false, "write etc/tipring.ini and docs/configuration.md anew")

const (
	shippedINI  = "../../etc/tipring.ini"
	referenceMD = "../../docs/configuration.md"
	marker      = "<!-- From here on written by: go test ./internal/config -run Document -update -->\n"
)

// The keys that a person fills in; all others are right as they are for most.
var uncommented = []string{
	"sip1.username", "sip1.auth_password", "sip1.register_addr", "sip1.backup_addr", "port1.kind", "port1.line",
}

// TestDocumentsAreFresh compares the shipped file and the document with what the
// description of the keys makes of them.
func TestDocumentsAreFresh(t *testing.T) {
	fresh(t, shippedINI, writeINI())
	text, err := os.ReadFile(referenceMD)
	if err != nil {
		t.Fatal(err)
	}
	head, _, found := bytes.Cut(text, []byte(marker))
	if !found {
		t.Fatalf("%s has lost its marker", referenceMD)
	}
	fresh(t, referenceMD, slices.Concat(head, []byte(marker), writeTables()))
}

func fresh(t *testing.T, name string, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got, err := os.ReadFile(name); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is stale (%v): go test ./internal/config -run Document -update", name, err)
	}
}

// TestShippedFileAndCodeAgree reads the shipped file by itself: each key of the code
// stands in it once with its default, and nothing else does.
func TestShippedFileAndCodeAgree(t *testing.T) {
	text, err := os.ReadFile(shippedINI)
	if err != nil {
		t.Fatal(err)
	}
	load(t, FileLayer("tipring.ini", text))

	var whole strings.Builder
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "#"); ok && !strings.HasPrefix(rest, " ") {
			line = rest
		}
		whole.WriteString(line)
	}
	c := load(t, FileLayer("tipring.ini", []byte(whole.String())))
	builtIn := load(t, FileLayer("tipring.ini", []byte("[sip1]\n[port1]\n")))
	inCode, inFile := builtIn.Explain(), c.Explain()
	for i, e := range inCode {
		if inFile[i].Source == "built-in" {
			t.Errorf("[%s] %s is not in the file", e.Section, e.Key)
		}
		if inFile[i].Value != e.Value {
			t.Errorf("[%s] %s is %q in the file, %q in the code", e.Section, e.Key, inFile[i].Value, e.Value)
		}
	}
	if len(inFile) != len(inCode) {
		t.Errorf("%d keys in the file's sections, %d in the code's", len(inFile), len(inCode))
	}
}

func TestEveryKeyIsExplained(t *testing.T) {
	for _, s := range Sections() {
		names := make(map[string]bool)
		for _, k := range s.Keys {
			if names[k.Name] || !isName(k.Name) {
				t.Errorf("[%s] %s: name", s.Name, k.Name)
			}
			names[k.Name] = true
			if k.Label == "" || !strings.HasSuffix(k.Help, ".") || k.Want() == "" {
				t.Errorf("[%s] %s: label, help or range is missing", s.Name, k.Name)
			}
			if strings.HasSuffix(k.Name, "_s") && k.Unit != "s" || strings.HasSuffix(k.Name, "_ms") && k.Unit != "ms" {
				t.Errorf("[%s] %s: unit %q", s.Name, k.Name, k.Unit)
			}
		}
		if len(s.Keys) > 255 {
			t.Errorf("[%s] has more keys than an origin can count", s.Name)
		}
	}
}

// The countries that the key offers are those that the program has tones for.
func TestCountriesAreThoseOfTheToneTable(t *testing.T) {
	have := fxs.Countries(etc.Tones)
	slices.Sort(have)
	if got := strings.Join(have, " "); got != countries {
		t.Errorf("etc/tones.txt has %s, the key country offers %s", got, countries)
	}
	var offered []string
	for _, c := range sections[0].Key("country").Choices() {
		offered = append(offered, c.Value)
	}
	if !slices.Equal(offered, have) {
		t.Errorf("offered are %q, want %q", offered, have)
	}
}

func writeINI() []byte {
	var b bytes.Buffer
	b.WriteString(`# tipring.ini - every setting of tipring, with its default.
#
# A line that begins with "#" and a blank explains; one that begins with "#" and a
# name shows a default: take the "#" away to change it. A value is everything after
# "=", as it stands: no quotes, no comment behind it, so that passwords hold any
# character. "tipring check -c FILE" tells every fault with its line. After a change:
# "systemctl reload tipring" (SIGHUP). File names are absolute. docs/configuration.md
# tells the rest.
`)
	for _, s := range Sections() {
		n := 0
		if s.Numbered {
			n = 1
		}
		fmt.Fprintf(&b, "\n# %s\n", strings.Repeat("-", 78))
		comment(&b, s.Title+". "+s.Help)
		fmt.Fprintf(&b, "[%s]\n", s.InFile(n))
		for i := range s.Keys {
			k := &s.Keys[i]
			b.WriteByte('\n')
			comment(&b, k.Help)
			comment(&b, "("+k.Want()+")")
			if k.Later != "" {
				comment(&b, laterSentence(k))
			}
			if !slices.Contains(uncommented, s.InFile(n)+"."+k.Name) {
				b.WriteByte('#')
			}
			b.WriteString(strings.TrimSpace(k.Name+" = "+k.defaultFor(n)) + "\n")
		}
	}
	return b.Bytes()
}

// comment writes text as comment lines of at most 90 columns.
func comment(b *bytes.Buffer, text string) {
	column := 0
	for word := range strings.FieldsSeq(text) {
		switch {
		case column == 0:
			b.WriteString("#")
			column = 1
		case column+1+len(word) > 90:
			b.WriteString("\n#")
			column = 1
		}
		b.WriteString(" " + word)
		column += 1 + len(word)
	}
	b.WriteByte('\n')
}

func writeTables() []byte {
	var b bytes.Buffer
	for _, s := range Sections() {
		name := s.Name
		if s.Numbered {
			name += "N"
		}
		fmt.Fprintf(&b, "\n### [%s] %s\n\n%s\n\n| key | default | value | meaning |\n| --- | --- | --- | --- |\n", name, s.Title, s.Help)
		for i := range s.Keys {
			k := &s.Keys[i]
			def := "empty"
			if k.Default != "" {
				def = "`" + strings.ReplaceAll(k.Default, "{N}", "N") + "`"
			}
			fmt.Fprintf(&b, "| `%s`%s | %s | %s | %s |\n", k.Name, scopeMark(k), def, cell(k.Want()), cell(meaning(k)))
		}
	}
	return b.Bytes()
}

// meaning is what a key does, and what it does not do yet.
func meaning(k *Key) string {
	if k.Later == "" {
		return k.Help
	}
	return k.Help + " **" + laterSentence(k) + "**"
}

func laterSentence(k *Key) string {
	return strings.ToUpper(k.Later[:1]) + k.Later[1:] + "."
}

func cell(text string) string { return strings.ReplaceAll(text, "|", "\\|") }

func scopeMark(k *Key) string {
	switch k.Scope {
	case FromDevice:
		return " (D)"
	case FromFiles:
		return " (F)"
	}
	return ""
}

// A key has a label for each of its choices, or for none.
func TestLabelsOfChoices(t *testing.T) {
	for _, sec := range Sections() {
		for _, k := range sec.Keys {
			if k.Labels != "" && strings.Count(k.Labels, "|")+1 != len(strings.Fields(k.Words)) {
				t.Errorf("[%s] %s: labels %q for %q", sec.Name, k.Name, k.Labels, k.Words)
			}
		}
	}
	// As the document's page Basic Settings writes them.
	sip := sections[slices.IndexFunc(sections, func(s Section) bool { return s.Name == "sip" && s.Numbered })]
	for _, tt := range []struct{ key, want string }{
		{"dtmf_type", "auto=AUTO rfc4733=RFC2833 info=SIP INFO inband=In-band "},
		{"dtmf_sip_info_mode", "10/11=Send 10/11 */#=Send */# "},
		{"transport", "0=UDP 1=TCP 3=TLS "},
	} {
		got := ""
		for _, c := range sip.Key(tt.key).Choices() {
			got += c.Value + "=" + c.Label + " "
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.key, got, tt.want)
		}
	}
}
