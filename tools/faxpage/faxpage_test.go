package main

import (
	"bytes"
	"context"
	"errors"
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
	o := filepath.Join(t.TempDir(), "x.tif")
	for _, args := range [][]string{
		{}, {"draw"}, {"make"}, {"make", "-o", o, "-kind", "x"}, {"make", "-o", o, "-paper", "a5"}, {"make", "-o", o, "-coding", "jbig"},
		{"make", "-o", o, "-resolution", "72"}, {"make", "-o", o, "-order", "x"}, {"convert", "-o", o}, {"convert", "-o", o, "none"}, {"compare", "a"}, {"compare", "a", "b"},
	} {
		if err := run(context.Background(), args, new(bytes.Buffer)); err == nil {
			t.Errorf("%q: taken", args)
		}
	}
}
