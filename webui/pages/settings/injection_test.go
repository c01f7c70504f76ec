package settings_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"tipring/webui/api"
)

// hostile are 200 texts that were made to be something else than a value: of HTML, of INI, of
// JSON, of URLs, shells and headers. The mark in each is found nowhere else.
func hostile() (all []string) {
	for i, text := range []string{
		"<script>%s</script>", `"><script>%s</script>`, `'><img src=x onerror=%s>`, `" onfocus="%s" autofocus="`, `' onmouseover='%s`, "</textarea><svg/onload=%s>", "</select><b>%s",
		"</title><h1>%s", "<!--%s", "--><i>%s", "<![CDATA[%s]]>", "&lt;%s&gt;", "&#60;%s", "&quot;%s", "javascript:%s", "data:text/html,%s", `\"%s\"`, "`%s`", "${%s}", "{{%s}}", "{%s}", "%%00%s",
		"<a href=javascript:%s>", "<style>%s", "<iframe srcdoc=%s>", "<base href=//%s>", "<form action=//%s>", "<input name=enabled value=%s>",
		"\n[web]\nlisten = %s", "\r\n[web]\r\nallow = %s", "\r[web]%s", "x\nlock_local = %s", "]%s", "[%s", "[web]%s", "= %s", "=%s", "%s = x", ";%s", "; %s", "#%s", "# %s", "%s ; x", "%s # x",
		" %s", "%s ", "\t%s", "%s\t", "a\t%s", "\u00a0%s", "%s\u2028", "a\u2028%s", "\u2029%s", "a\u0085%s", "\ufeff%s", "%s\ufeff", "\x00%s", "a\x00%s", "a\x1b[31m%s", "a\x7f%s", "\u202e%s", "a\u200b%s",
		`"""%s"""`, `"%s"`, `'%s'`, `\%s`, `%s\`, "%%(%s)s", "$(%s)", "a`b`%s", "|%s", "&& %s", "; rm -rf %s", "../../%s", "/etc/%s", "//%s/x", "http://u:p@%s/", "tftp://%s/{mac}", "sip:%s@h", "%s@h",
		`{"a":"%s"}`, `"},"web":{"listen":"%s`, `\u000a[web]%s`, `\n[web]%s`, "null%s", "%s,b", "a,%s", "a;%s", "********%s", "%s********", "10/11%s", "*/#%s", "1%s", "-1%s", "+%s", "0x%s", "%s.example",
		"\xff%s", "a\xc3%s", "\xed\xa0\x80%s", strings.Repeat("%[1]s", 60), strings.Repeat("%[1]s", 1800),
	} {
		mark := fmt.Sprintf("inj%03d", i)
		all = append(all, fmt.Sprintf(text, mark))
	}
	for i := 0; len(all) < 200; i++ {
		all = append(all, all[i]+fmt.Sprintf("<b title='%03d'>\"=;#]", i))
	}
	return all
}

// Whatever is typed into every field of every form at once: each field holds exactly that
// afterwards, or says why it does not; no other key is set, and no page takes it for HTML.
func TestHostileTexts(t *testing.T) {
	keys := described(t)
	all := hostile()
	if len(all) != 200 {
		t.Fatalf("%d texts", len(all))
	}
	var exact, refused atomic.Int64
	t.Run("forms", func(t *testing.T) {
		for _, path := range everySheet {
			t.Run(path, func(t *testing.T) {
				t.Parallel()
				x, r := hostileForm(t, keys, path, all)
				exact.Add(int64(x))
				refused.Add(int64(r))
			})
		}
	})
	t.Logf("%d texts: %d values exact, %d refused with a fault", len(all), exact.Load(), refused.Load())
	if exact.Load() < 2000 || refused.Load() < 2000 {
		t.Error("the texts did not reach the fields")
	}
}

// hostileForm types each text into every field of one form.
func hostileForm(t *testing.T, keys []api.Section, path string, all []string) (exact, refused int) {
	keys = slices.DeleteFunc(slices.Clone(keys), func(s api.Section) bool { // what another page shows costs time
		return strings.TrimRight(sectionOf(path), "1") != s.Name || s.Numbered != strings.HasSuffix(sectionOf(path), "1")
	})
	for i, section := range keys { // its interface completes them, and others are at theirs
		keys[i].Keys = slices.Clone(section.Keys)
		for j, k := range keys[i].Keys {
			keys[i].Keys[j].Choices = slices.Clone(k.Choices)
		}
	}
	b := &book{keys: keys, only: sectionOf(path), file: "[sip1]\nregister_addr = 127.0.0.1\n[port1]\ndriver = sim\n"}
	ask := open(t, b)
	before := b.now(t)
	empty := ask("GET", path, nil).fields()
	for _, text := range all {
		b.local, b.n = nil, b.n+1
		tried := map[string]bool{}
		filled := maps.Clone(empty)
		for name := range empty {
			if name != "was" {
				filled[name], tried[name] = []string{text}, true
			}
		}
		p := ask("POST", path, filled)
		check(t, p, text)
		for p.status == http.StatusUnprocessableEntity { // faults may hide others, such as those between keys
			n := len(tried)
			maps.DeleteFunc(tried, func(name string, _ bool) bool {
				faulty := strings.Contains(p.text, `id="`+name+`-error"`)
				if faulty {
					filled[name] = empty[name]
					refused++
				}
				return faulty
			})
			if len(tried) == n {
				t.Fatalf("%q: refused without a field:\n%s", text, p.text)
			}
			p = ask("POST", path, filled)
			check(t, p, text)
		}
		if len(tried) > 0 {
			confirm := p.fields()
			confirm.Set("action", "confirm")
			if done := ask("POST", path, confirm); done.status != http.StatusSeeOther {
				t.Fatalf("%q: %d %s", text, done.status, done.text)
			}
			check(t, ask("GET", path, nil), text)
		}
		now := b.now(t)
		for _, e := range now.Explain() {
			got, _ := now.Value(e.Section, e.Key)
			want, _ := before.Value(e.Section, e.Key)
			if e.Section == sectionOf(path) && tried[e.Key] {
				want = strings.Trim(text, " \t\u00a0") // as it is pasted
				exact++
			}
			if got != want {
				t.Fatalf("typed %q, [%s] %s is %q, want %q", text, e.Section, e.Key, got, want)
			}
		}
	}
	return exact, refused
}

// check looks whether a page holds a text that its author did not escape.
func check(t *testing.T, p reply, text string) {
	t.Helper()
	if p.status >= 500 {
		t.Fatalf("%q: %d %s", text, p.status, p.text)
	}
	if strings.ContainsAny(text, `<>"'`) && strings.Contains(p.text, text) {
		t.Fatalf("unescaped: %q in\n%s", text, p.text)
	}
	for _, tag := range inputs.FindAllString(p.text, -1) {
		if strings.Contains(tag, " on") || strings.Contains(tag, "srcdoc") {
			for _, name := range []string{"onfocus=", "onmouseover=", "onerror=", "onload=", "srcdoc="} {
				if i := strings.Index(tag, name); i >= 0 && strings.Count(tag[:i], `"`)%2 == 0 {
					t.Fatalf("an attribute of its own: %s", tag)
				}
			}
		}
	}
	if n := strings.Count(p.text, "<script"); n > 1 {
		t.Fatalf("%d scripts after %q", n, text)
	}
}

func sectionOf(path string) string {
	return map[string]string{"/line/1/sip": "sip1", "/line/1/basic": "sip1", "/line/global": "sip", "/ports/1": "port1", "/fax/settings": "fax", "/radius/settings": "radius",
		"/provisioning/settings": "provisioning", "/system/settings": "device", "/system/web": "web"}[path]
}
