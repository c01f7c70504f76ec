package pdf

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// program puts a script in the place of a program of poppler-utils. What real ones do is
// tested in tools/peers; this is about programs that fail.
func program(t *testing.T, name, script string) *os.File {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestRendererMissing(t *testing.T) {
	f := program(t, "other", "")
	_, err := Poppler{}.Draw(context.Background(), f, 0, 10, 10)
	if !errors.Is(err, ErrNoPoppler) || !strings.Contains(err.Error(), "poppler-utils") {
		t.Errorf("%v", err)
	}
	if _, err := (Poppler{}).Size(context.Background(), f, 0); !errors.Is(err, ErrNoPoppler) {
		t.Errorf("%v", err)
	}
}

func TestRendererFaults(t *testing.T) {
	for _, tt := range []struct{ name, script, want string }{
		{"fails", "echo 'Incorrect password' >&2; exit 3", "Incorrect password"},
		{"says nothing", "exit 0", "unexpected EOF"},
		{"writes no map", "echo hello world and more", "pdftoppm"},
		{"writes a huge map", "printf 'P5\\n2000000000 2000000000\\n255\\n'", "2000000000"},
		{"writes a map of nothing", "printf 'P5\\n0 0\\n255\\n'", "0 x 0"},
		{"writes half a map", "printf 'P5\\n4 2\\n255\\nabcd'", "row 2 of 2"},
		{"dies in a map", "printf 'P5\\n4 2\\n255\\nabcd'; echo oh >&2; exit 1", "exit status 1: oh"},
		{"talks at length", "i=0; while [ $i -lt 999 ]; do i=$((i+1)); echo 'it is bad' >&2; done; exit 1", "this PDF is damaged and cannot be opened: print or export it again (pdftoppm: exit status 1: it is bad)"},
		{"ends in a word", "i=0; while [ $i -lt 99 ]; do i=$((i+1)); printf 'sentence ' >&2; done; exit 1", "sentence sentence)"},
		{"wants a password", "echo 'Command Line Error: Incorrect password' >&2; exit 1", "pdf: pdftoppm: exit status 1: Command"},
		{"uses a processor for ever", "while :; do :; done", "killed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := program(t, "pdftoppm", tt.script)
			d, err := Poppler{Limits: Limits{MemoryMB: 512, CPUSeconds: 1}}.Draw(context.Background(), f, 0, 4, 2)
			row := make([]byte, 1<<10)
			for err == nil {
				err = d.ReadGrey(row[:d.Width()])
			}
			if !strings.Contains(err.Error(), tt.want) || len(err.Error()) > 400 {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

func TestRendererIsEnded(t *testing.T) {
	const endless = "printf 'P5\\n4 100000\\n255\\n'; while echo abc; do :; done"
	t.Run("by Close", func(t *testing.T) {
		d, err := Poppler{}.Draw(context.Background(), program(t, "pdftoppm", endless), 0, 4, 100000)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.ReadGrey(make([]byte, 4)); err != nil {
			t.Error(err)
		}
		if err := d.Close(); err != nil || d.run.cmd.ProcessState == nil {
			t.Errorf("%v, %v", err, d.run.cmd.ProcessState)
		}
	})
	t.Run("by its context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := (Poppler{}).Draw(ctx, program(t, "pdftoppm", endless), 0, 4, 100000); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	t.Run("by its time", func(t *testing.T) {
		f := program(t, "pdfinfo", "read nothing </dev/zero")
		_, err := Poppler{Timeout: 50 * time.Millisecond}.Size(context.Background(), f, 0)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

func TestWhatPdfinfoPrints(t *testing.T) {
	const text = "Creator:         Writer\nPages:           3\nEncrypted:       no\nPage    2 size:  595.28 x 841.89 pts (A4)\nPage    2 rot:   0\n"
	for _, tt := range []struct {
		out  string
		want Size
		ok   bool
	}{
		{text, Size{3, 595280, 841890}, true},
		{strings.Replace(text, "rot:   0", "rot:   90", 1), Size{3, 841890, 595280}, true},
		{strings.Replace(text, "841.89", "1e30", 1), Size{}, false},
		{strings.Replace(text, "841.89", "NaN", 1), Size{}, false},
		{strings.Replace(text, "           3", "           0", 1), Size{}, false},
		{strings.Replace(text, "           3", "  9999999999999999999", 1), Size{}, false},
		{"", Size{}, false},
		{"Pages: 1\n", Size{}, false},
	} {
		got, err := parseInfo(tt.out)
		if (err == nil) != tt.ok || tt.ok && got != tt.want {
			t.Errorf("%q: %+v, %v", tt.out, got, err)
		}
	}
}
