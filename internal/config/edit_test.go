package config

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
)

const edited = `# what the office has
[sip1]
# main
register_addr=192.0.2.1
  auth_password =  s3;#[x]=y
username = 201

# fax
[port1]
kind = fax	
`

func TestEdit(t *testing.T) {
	set := func(section, key, value string) Edit { return Edit{Section: section, Key: key, Value: value} }
	for _, tt := range []struct {
		name  string
		text  string
		edits []Edit
		want  string
	}{
		{"nothing", edited, nil, edited},
		{"a value where it stands", edited, []Edit{set("sip1", "register_addr", "192.0.2.9"), set("sip1", "auth_password", "n;w"), set("port1", "kind", "phone")},
			strings.NewReplacer("192.0.2.1", "192.0.2.9", "s3;#[x]=y", "n;w", "fax\t\n", "phone\n").Replace(edited)},
		{"a new key behind the last of its section", edited, []Edit{set("sip1", "transport", "3")}, strings.Replace(edited, "201\n", "201\ntransport = 3\n", 1)},
		{"an empty value", edited, []Edit{set("sip1", "username", ""), set("sip1", "realm", "")}, strings.Replace(edited, "username = 201\n", "username =\nrealm =\n", 1)},
		{"an empty value is filled", "[sip1]\nrealm=\nusername =\n", []Edit{set("sip1", "realm", "a"), set("sip1", "username", "b")}, "[sip1]\nrealm= a\nusername = b\n"},
		{"a new section", edited, []Edit{set("sip2", "username", "202"), set("sip2", "realm", "r")}, edited + "\n[sip2]\nusername = 202\nrealm = r\n"},
		{"a section without keys", "", []Edit{{Section: "sip3"}}, "[sip3]\n"},
		{"a section that is there", edited, []Edit{{Section: "sip1"}}, edited},
		{"a key goes", edited, []Edit{{Section: "sip1", Key: "username", Remove: true}}, strings.Replace(edited, "username = 201\n", "", 1)},
		{"a key that is not there goes", edited, []Edit{{Section: "sip1", Key: "realm", Remove: true}, {Section: "fax", Key: "t38", Remove: true}}, edited},
		{"a section goes, and what is about the next one stays", edited, []Edit{{Section: "sip1", Remove: true}}, "# what the office has\n\n# fax\n[port1]\nkind = fax\t\n"},
		{"one goes and comes again", edited, []Edit{{Section: "port1", Remove: true}, set("port1", "kind", "phone")},
			strings.Replace(edited, "[port1]\nkind = fax\t\n", "\n[port1]\nkind = phone\n", 1)},
		{"a last line without an end", "[sip1]\r\nrealm = a", []Edit{set("sip1", "username", "1"), set("sip1", "realm", "b")}, "[sip1]\r\nrealm = b\nusername = 1\n"},
		{"a byte order mark", "\uFEFF[sip1]\n", []Edit{set("sip1", "realm", "a")}, "\uFEFF[sip1]\nrealm = a\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, err := LocalLayer("local.ini", []byte(tt.text)).Edit(tt.edits)
			if err != nil || string(l.Text) != tt.want {
				t.Errorf("%v\n%s\nwant\n%s", err, l.Text, tt.want)
			}
		})
	}
}

// What the syntax cannot hold is refused, with what is wrong and without the secret.
func TestEditRefuses(t *testing.T) {
	for _, tt := range []struct {
		edit   Edit
		wanted string
	}{
		{Edit{Section: "sip1", Key: "auth_password", Value: "s3cret\n[web]"}, "text in one line"},
		{Edit{Section: "sip1", Key: "auth_password", Value: "s3cret\r"}, "text in one line"},
		{Edit{Section: "sip1", Key: "realm", Value: "a\x00b"}, "control characters"},
		{Edit{Section: "sip1", Key: "realm", Value: "a\u0085b"}, "control characters"},
		{Edit{Section: "sip1", Key: "auth_password", Value: " s3cret"}, "without blanks at its beginning and end"},
		{Edit{Section: "sip1", Key: "auth_password", Value: "s3cret\u00a0"}, "without blanks at its beginning and end"},
		{Edit{Section: "sip1", Key: "realm", Value: "\xff"}, "UTF-8"},
		{Edit{Section: "sip1", Key: "realm", Value: strings.Repeat("a", MaxLine)}, "at most 7992 octets"},
		{Edit{Section: "sip1]\n[web", Key: "realm"}, "a section named"},
		{Edit{Section: "", Key: "realm"}, "a section named"},
		{Edit{Section: "sip1", Key: "realm=x\nlisten"}, "a key named"},
		{Edit{Section: "sip1", Key: "Realm", Remove: true}, "a key named"},
	} {
		_, err := LocalLayer("local.ini", []byte(edited)).Edit([]Edit{{Section: "sip1", Key: "realm", Value: "x"}, tt.edit})
		var faults Faults
		if !errors.As(err, &faults) || len(faults) != 1 || !strings.Contains(faults[0].Wanted, tt.wanted) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%+v: %v, want %s", tt.edit, err, tt.wanted)
		}
	}
	if _, err := LocalLayer("local.ini", bytes.Repeat([]byte("#\n"), MaxText/2)).Edit([]Edit{{Section: "sip1"}}); err == nil {
		t.Error("a text that has become too long was taken")
	}
}

// A content is what a text says: its sections, and the values of their keys.
func content(text []byte) (map[string]map[string]string, []Fault) {
	doc := scan("f", text)
	all := map[string]map[string]string{}
	for _, h := range doc.heads {
		all[h.Section] = map[string]string{}
	}
	for _, s := range doc.settings {
		if all[s.Section] != nil {
			all[s.Section][s.Key] = s.Value
		}
	}
	return all, doc.faults
}

// Whatever is edited with whatever: what is read afterwards is what was there, with exactly
// the edits that were asked for, and no comment is lost.
func FuzzEdit(f *testing.F) {
	for _, value := range []string{"x", "", "\n[web]", "]", "=", ";", "#", " a", "a\t", "`", `"""`, "\\", "[sip1]", "a = b", "\r\n\r\nlisten = :1", "\u2028x"} {
		f.Add([]byte(edited), "sip1", "realm", value, "port1", "kind", value, byte(0))
		f.Add([]byte("\uFEFF[a]\nb=c"), "a", "b", value, "a", "", "", byte(2))
	}
	f.Add([]byte("[sip1]\n[bad\nx=y\n#c\n[sip1]\nx=z"), "sip1", "x", "1", "sip1", "", "", byte(2))
	f.Fuzz(func(t *testing.T, text []byte, s1, k1, v1, s2, k2, v2 string, remove byte) {
		edits := []Edit{{Section: s1, Key: k1, Value: v1, Remove: remove&1 != 0}, {Section: s2, Key: k2, Value: v2, Remove: remove&2 != 0}}
		want, before := content(text)
		l, err := LocalLayer("f", text).Edit(edits)
		if err != nil {
			if l.Text != nil || edits[0].wanted() == "" && edits[1].wanted() == "" && len(text) < MaxText/2 {
				t.Fatalf("refused: %v", err)
			}
			return
		}
		got, after := content(l.Text)
		if len(before) > 0 {
			return // Load refuses it, before and after
		}
		for _, e := range edits {
			apply(want, e)
		}
		if len(after) > 0 || !maps.EqualFunc(got, want, maps.Equal) {
			t.Fatalf("edits %+v\n of %q\nmade %q:\n%v %v\nwant %v", edits, text, l.Text, got, after, want)
		}
		if e := edits; !(e[0].Remove && e[0].Key == "") && !(e[1].Remove && e[1].Key == "") && !slices.Equal(comments(text), comments(l.Text)) {
			t.Fatalf("comments of %q are %q", text, comments(l.Text))
		}
	})
}

func apply(all map[string]map[string]string, e Edit) {
	switch {
	case e.Remove && e.Key == "":
		delete(all, e.Section)
	case e.Remove:
		delete(all[e.Section], e.Key)
	default:
		if all[e.Section] == nil {
			all[e.Section] = map[string]string{}
		}
		if e.Key != "" {
			all[e.Section][e.Key] = e.Value
		}
	}
}

func comments(text []byte) (list []string) {
	for line := range bytes.Lines(bytes.TrimPrefix(text, byteOrderMark)) {
		if c := string(bytes.TrimSpace(line)); strings.HasPrefix(c, "#") || strings.HasPrefix(c, ";") {
			list = append(list, c)
		}
	}
	return list
}
