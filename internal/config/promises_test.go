package config

import (
	"os"
	"testing"
)

// testdata/promises.ini is what operators' files were promised: every key of it
// exists with exactly that default. Keys may be added to the program, not here.
func TestPromisedKeysExistWithTheirDefaults(t *testing.T) {
	text, err := os.ReadFile("testdata/promises.ini")
	if err != nil {
		t.Fatal(err)
	}
	doc := scan("promises.ini", text)
	if len(doc.faults) > 0 {
		t.Fatal(doc.faults)
	}
	c := load(t, FileLayer("f", []byte("[sip1]\n[port1]\n")))
	for _, e := range doc.settings {
		got, ok := c.Value(e.Section, e.Key)
		switch {
		case !ok:
			t.Errorf("[%s] %s does not exist", e.Section, e.Key)
		case got != e.Value:
			t.Errorf("[%s] %s: default %q, promised %q", e.Section, e.Key, got, e.Value)
		}
		if source, _, _ := c.Source(e.Section, e.Key); source != "built-in" {
			t.Errorf("[%s] %s: source %s, want built-in", e.Section, e.Key, source)
		}
	}
}

// The promised file itself is a good configuration.
func TestPromisedFileLoads(t *testing.T) {
	text, err := os.ReadFile("testdata/promises.ini")
	if err != nil {
		t.Fatal(err)
	}
	load(t, FileLayer("promises.ini", text))
}

func load(t *testing.T, layers ...Layer) *Config {
	t.Helper()
	c, err := Load(layers, Checks{})
	if err != nil {
		t.Fatalf("faults:\n%v", err)
	}
	return c
}
