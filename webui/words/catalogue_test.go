package words_test

import (
	"context"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"tipring/webui/words"
	"tipring/webui/words/sentences"
)

var listTo = flag.String("list-to", "", "write a catalogue with all sentences to this file, to be translated")

// Everything that the pages say is found, so that a language can be complete; the languages
// that are there say nothing that the pages do not.
func TestSentences(t *testing.T) {
	all, err := sentences.All("..")
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, s := range all {
		there[s] = true
	}
	for _, s := range []string{"Log out", "Not registered", "Line %d", "Signal Retry Counts", "registered at the %s server", "backup", "Line %d has no server%s", "Port %d has no line: line %d is not there, or switched off.", "what runs goes on, and the change waits for %s."} {
		if !there[s] {
			t.Errorf("%q is not found", s)
		}
	}
	if *listTo != "" {
		if err := os.WriteFile(*listTo, []byte(words.List(all)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	files, err := os.ReadDir("catalogues")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile("catalogues/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		c, err := words.Parse(strings.TrimSuffix(f.Name(), ".lang"), string(text))
		if err != nil {
			t.Fatal(err)
		}
		for s := range c.Sentences {
			if !there[s] {
				t.Errorf("%s: no page says %q", f.Name(), s)
			}
		}
	}
}

// A list of sentences is a catalogue: what is written is what is read.
func TestListIsACatalogue(t *testing.T) {
	all := []string{"Line %d", "two\nlines", "a = b", `back\slash`, "# no remark"}
	c, err := words.Parse("de", words.List(all))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if c.Sentences[s] != s {
			t.Errorf("%q became %q", s, c.Sentences[s])
		}
	}
}

func TestParse(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"# a remark\n\nLine %d = Leitung %d\n", ""},
		{"%s of %d = %[2]d von %[1]s", ""},
		{"100 %% = 100 %%", ""},
		{"Line", `de.lang:1: "Line": wanted English = translation`},
		{"A = B\nA = C", `de.lang:2: "A" stands there twice`},
		{"Line %d = Leitung %s", `de.lang:1: "Line %d" has "d", its translation "s"`},
		{"Line %d = Leitung", `de.lang:1: "Line %d" has "d", its translation ""`},
		{"Line = Leitung %d", `de.lang:1: "Line" has "", its translation "d"`},
	} {
		_, err := words.Parse("de", tt.text)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.text, got, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("Line %d = Leitung %[1]d\n# x\nA = B")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := words.Parse("de", text)
		if err != nil {
			return
		}
		for english, translation := range c.Sentences {
			if ctx := words.With(context.Background(), c); words.T(ctx, english) != translation {
				t.Errorf("%q", english)
			}
		}
	})
}

func FuzzTold(f *testing.F) {
	c := &words.Catalogue{Tag: "de", Sentences: map[string]string{"Line %d has %s: %v": "Leitung %[1]d: %[3]v, %[2]s", "failed: %s": "ging nicht: %s", "no answer": "keine Antwort"}}
	f.Add("Line 1 has failed: no answer; Line 2 has x: y. no answer")
	f.Fuzz(func(t *testing.T, text string) { c.Told(text) })
}

func TestChoose(t *testing.T) {
	all := map[string]*words.Catalogue{"de": {Tag: "de"}, "pt-BR": {Tag: "pt-BR"}}
	for _, tt := range []struct{ accept, want string }{
		{"", "en"}, {"de", "de"}, {"DE-at,de;q=0.9,en;q=0.8", "de"}, {"en-GB,en;q=0.9,de;q=0.8", "en"}, {"fr,de;q=0.5", "de"}, {"fr", "en"},
		{"pt-br", "pt-BR"}, {"pt", "en"}, {"de;q=0", "en"}, {"de;q=2,en;q=0.1", "en"}, {"de;q=NaN", "en"}, {"en;q=0.3,de;q=0.4", "de"}, {"*", "en"}, {"-,;;q=,--", "en"},
		{strings.Repeat("fr,", 20) + "de", "en"},
	} {
		got := "en"
		if c := words.ChooseOf(tt.accept, all); c != nil {
			got = c.Tag
		}
		if got != tt.want {
			t.Errorf("%q: got %s, want %s", tt.accept, got, tt.want)
		}
	}
}

// A handler speaks the language of its visitor, and caches are told so.
func TestSpoken(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Accept-Language", "fr")
	w := httptest.NewRecorder()
	words.Spoken(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(words.Tag(r.Context()))) })(w, r)
	if w.Body.String() != "en" || w.Header().Get("Vary") != "Accept-Language" {
		t.Errorf("%s, Vary %q", w.Body, w.Header().Get("Vary"))
	}
}
