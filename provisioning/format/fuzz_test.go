package format

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"tipring/internal/config"
)

// Whatever a server sends: no panic, no file that is read without its end, no key that
// may not be provisioned, no note out of bounds; and config.Load can judge all of it.
func fuzz(f *testing.F, seeds []string, prefix, suffix string) {
	for _, name := range seeds {
		text := file(f, name)
		text = strings.TrimSuffix(strings.TrimSpace(strings.TrimPrefix(text, prefix)), suffix)
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		judge(t, data)
		judge(t, []byte(prefix+string(data)+suffix))
	})
}

func judge(t *testing.T, data []byte) {
	file, err := Read(data)
	if err != nil {
		if file.Format != "" || file.Settings != nil || file.Text != nil {
			t.Fatalf("an error and a file: %v, %+v", err, file)
		}
		return
	}
	file.Check(checks)
	file.Secrets()
	if len(file.Notes) > maxNotes+1 {
		t.Errorf("%d notes", len(file.Notes))
	}
	for _, n := range file.Notes {
		if n.Line < 0 || n.Line > 1+bytes.Count(data, []byte("\n")) || len(n.Text) > 150 {
			t.Errorf("note %+v", n)
		}
	}
	if file.Format == INI {
		return
	}
	for _, s := range file.Settings {
		k := keyOf(s.Section, s.Key)
		if k == nil || k.Scope != config.FromAnywhere || s.Line < 1 {
			t.Errorf("setting %+v", s)
		}
	}
	c, err := config.Load([]config.Layer{file.Layer("x")}, checks)
	var faults config.Faults
	if err != nil && !errors.As(err, &faults) {
		t.Fatal(err)
	}
	if err == nil {
		for _, w := range c.Warnings {
			// What depends on settings besides those of the file is not the file's fault.
			if w.Later == "" && w.Key != "srtp" && !strings.Contains(w.Wanted, "a section [sip") {
				t.Errorf("config.Load warns: %v", w)
			}
		}
	}
}

func FuzzINI(f *testing.F)        { fuzz(f, []string{"fanvil.ini", "cisco.ini"}, "[sip1]\n", "") }
func FuzzFanvilText(f *testing.F) { fuzz(f, []string{"fanvil.cfg"}, fanvilHead, fanvilEnd) }
func FuzzFanvilXML(f *testing.F) {
	fuzz(f, []string{"fanvil.xml"}, "<VOIP_CONFIG_FILE>", "</VOIP_CONFIG_FILE>")
}
func FuzzFanvilSysConf(f *testing.F) {
	fuzz(f, []string{"fanvil-sysconf.xml"}, "<sysConf><sip>", "</sip></sysConf>")
}
func FuzzGrandstream(f *testing.F) {
	fuzz(f, []string{"grandstream.xml", "grandstream-ports.xml"}, "<gs_provision><config>", "</config></gs_provision>")
}
func FuzzCisco(f *testing.F) {
	fuzz(f, []string{"cisco.xml"}, "<flat-profile>", "</flat-profile>")
}

// FuzzDialPlans feeds two makers' plans to their readers: what is translated, is short
// enough, and says nothing that our syntax does not know.
func FuzzDialPlans(f *testing.F) {
	f.Add("{ ^1900x+ | <=1617>[2-9]xxxxxx | 1[2-9]xx[2-9]xxxxxx | 011[2-9]x. | \\+x+ | [x*]+ }", "911,112")
	f.Add("(L:10,S:3,9,<:1408>[2-9]xxxxxx|P0<:1000>|1900xxxxxxx!|xxS0|xx.)", "")
	f.Fuzz(func(t *testing.T, text, emergency string) {
		numbers, _ := emergencyNumbers(emergency)
		if plan, err := readCiscoPlan(text); err == nil {
			composed(t, plan.rules, numbers, plan.waits)
		}
		if rules, err := grandstreamPlan(text); err == nil {
			composed(t, rules, nil, "S3")
		}
	})
}

// composed fails for a plan that our parser cannot read at all. That a rule bars nothing,
// or cannot be meant, is what File.Check is for.
func composed(t *testing.T, rules []planRule, numbers []string, waits string) {
	text, _, err := compose(rules, numbers, waits)
	if err != nil {
		return
	}
	err = checks.DialPlan(text)
	if len(text) > maxPlanText || err != nil && (strings.Contains(err.Error(), "want ") || strings.Contains(err.Error(), "the same pattern")) {
		t.Fatalf("%q: %v", text, err)
	}
}

// FuzzXML holds the XML reader against encoding/xml: what the one takes, the other takes
// too, with the same elements and the same text in them.
func FuzzXML(f *testing.F) {
	for _, name := range []string{"fanvil.xml", "fanvil-sysconf.xml", "grandstream.xml", "cisco.xml"} {
		f.Add(file(f, name))
	}
	f.Add("<a b='&lt;' c=\"x\"><![CDATA[<&]]>&#65;<b/>\n<!-- x --><?p?></a >")
	f.Fuzz(func(t *testing.T, text string) {
		text, err := decode([]byte(text))
		if err != nil || strings.Contains(text, "<?") || strings.Contains(text, "]]>") || strings.Contains(text, "--") || strings.Contains(text, ":") {
			return // where encoding/xml is stricter, or does name spaces
		}
		root, _, err := parseXML(text)
		if err != nil {
			return
		}
		var ours, theirs strings.Builder
		outline(&ours, root)
		if err := outlineOf(&theirs, text); err != nil {
			t.Fatalf("encoding/xml: %v", err)
		}
		if ours.String() != theirs.String() {
			t.Fatalf("%s\nencoding/xml:\n%s", &ours, &theirs)
		}
	})
}

func outline(b *strings.Builder, n *node) {
	b.WriteString("<" + n.name + ">")
	for _, k := range n.kids {
		outline(b, k)
	}
	if len(n.kids) == 0 {
		b.WriteString(n.text)
	}
	b.WriteString("</>\n")
}

// outlineOf is what encoding/xml reads, in the same form.
func outlineOf(b *strings.Builder, text string) error {
	type level struct {
		text string
		kids bool
	}
	var open []level
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		token, err := d.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch token := token.(type) {
		case xml.StartElement:
			if len(open) > 0 {
				open[len(open)-1].kids = true
			}
			b.WriteString("<" + token.Name.Local + ">")
			open = append(open, level{})
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].text += string(token)
			}
		case xml.EndElement:
			if last := open[len(open)-1]; !last.kids {
				b.WriteString(oneLine(strings.TrimLeft(last.text, " \t\r\n")))
			}
			b.WriteString("</>\n")
			open = open[:len(open)-1]
		}
	}
}
