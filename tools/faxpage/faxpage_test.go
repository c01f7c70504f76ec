package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMakeConvertCompare(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	var out bytes.Buffer
	do := func(args ...string) error {
		out.Reset()
		return run(context.Background(), args, &out)
	}
	for _, args := range [][]string{
		{"make", "-o", at("a.tif"), "-kind", "form", "-pages", "2", "-rows", "200", "-coding", "mr", "-k", "2"},
		{"make", "-o", at("b.tif"), "-kind", "form", "-pages", "2", "-rows", "200", "-coding", "mh", "-order", "msb", "-strip", "30", "-align"},
		{"compare", at("a.tif"), at("b.tif")},
		{"convert", "-o", at("c.pdf"), at("a.tif")},
		{"convert", "-o", at("d.tif"), at("c.pdf")},
		{"compare", at("a.tif"), at("d.tif")},
		{"convert", "-o", at("e.tif"), "-header", "Ident", at("a.tif")},
		{"convert", "-o", at("f.tif"), "-above", "-header", "Ident", at("a.tif")},
		{"convert", "-o", at("g.png"), "-page", "2", at("a.tif")},
	} {
		if err := do(args...); err != nil || args[0] == "compare" && out.String() != "exact\n" {
			t.Errorf("%q: %v, %q", args, err, out.String())
		}
	}
	for other, want := range map[string]string{
		"e.tif": "page 1: 31 of 200 rows differ\npage 2: 31 of 200 rows differ\n",
		"f.tif": "page 1: 200 and 231 rows, ",
	} {
		if err := do("compare", at("a.tif"), at(other)); !errors.Is(err, errDiffer) || !strings.HasPrefix(out.String(), want) {
			t.Errorf("%s: %v, %q, want %q", other, err, out.String(), want)
		}
	}
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	o, some := filepath.Join(dir, "x.tif"), filepath.Join(dir, "some.tif")
	if err := run(context.Background(), []string{"make", "-o", some, "-rows", "100"}, new(bytes.Buffer)); err != nil {
		t.Fatal(err)
	}
	for want, lines := range map[int][][]string{
		1: {{"convert", "-o", o, "none"}, {"convert", "-o", o, "-page", "2", some}, {"convert", "-o", filepath.Join(dir, "no", "x.tif"), some},
			{"make", "-o", filepath.Join(dir, "no", "x.tif")}, {"compare", "a", "b"}, {"compare", some, "b"}},
		2: {{}, {"draw"}, {"make"}, {"make", "-o", o, "-kind", "x"}, {"make", "-o", o, "-paper", "a5"}, {"make", "-o", o, "-coding", "jbig"},
			{"make", "-o", o, "-resolution", "72"}, {"make", "-o", o, "-order", "x"}, {"make", "-o", o, "-pages", "0"}, {"make", "-o", o, "-rows", "-1"},
			{"make", "-x"}, {"convert", "-o", o}, {"convert", some}, {"convert", "-o", o, "-page", "-1", some}, {"compare", "a"}},
	} {
		for _, args := range lines {
			if err := run(context.Background(), args, new(bytes.Buffer)); status(err) != want {
				t.Errorf("%q: %v: status %d, want %d", args, err, status(err), want)
			}
			if _, err := os.Stat(o); err == nil {
				t.Errorf("%q: left a file", args)
				_ = os.Remove(o)
			}
		}
	}
}
