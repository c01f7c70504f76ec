package syslog

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func record(level slog.Level, msg string, args ...any) slog.Record {
	r := slog.NewRecord(time.Date(2026, 3, 1, 9, 0, 0, 5e6, time.UTC), level, msg, 0)
	r.Add(args...)
	return r
}

func formatted(r slog.Record, group string, attrs []byte) string {
	s := New(Options{App: "tipring", Level: slog.LevelDebug})
	m := s.format(r, group, attrs)
	return m.before + Target{Host: "0C383E00AB01"}.host() + m.after
}

// RFC 5424 section 6.
func TestMessages(t *testing.T) {
	for _, tt := range []struct {
		name string
		r    slog.Record
		want string // SD and MSG
		pri  int
	}{
		{"no attribute", record(slog.LevelInfo, "started"), "- started", 134},
		{"values in words", record(slog.LevelInfo, "registered", "line", 2, "server", netip.MustParseAddr("192.0.2.1"), "err", errors.New("no answer"), "on", true, "keys", []string{"a", "b"}, "wait", time.Second, "f", 0.5),
			`[tipring@32473 line="2" server="192.0.2.1" err="no answer" on="true" keys="[a b\]" wait="1s" f="0.5"] registered`, 134},
		{"a time", record(slog.LevelWarn, "t", "at", time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)), `[tipring@32473 at="2026-01-02T03:04:05.006Z"] t`, 132},
		{"escapes", record(slog.LevelError, "e", "v", `a"b\c]d`), `[tipring@32473 v="a\"b\\c\]d"] e`, 131},
		{"lines are one", record(slog.LevelDebug, "m\nn", "v", "a\r\nb\x00c\u2028d"), `[tipring@32473 v="a  b c d"] m n`, 135},
		{"no UTF-8", record(slog.LevelInfo, "m", "v", "a\xffb"), "[tipring@32473 v=\"a\ufffdb\"] m", 134},
		{"a message that is not ASCII", record(slog.LevelInfo, "für"), "- \ufefffür", 134},
		{"names", record(slog.LevelInfo, "m", `a b="]ä`, 1, strings.Repeat("n", 40), 2), `[tipring@32473 a_b____="1" ` + strings.Repeat("n", 32) + `="2"] m`, 134},
		{"groups", record(slog.LevelInfo, "m", slog.Group("g", "a", 1, slog.Group("h", "b", 2)), slog.Group("", "c", 3)), `[tipring@32473 g.a="1" g.h.b="2" c="3"] m`, 134},
		{"nothing", record(slog.LevelInfo, "m", "a", nil), `[tipring@32473 a="<nil>"] m`, 134},
		{"between levels", record(slog.LevelWarn+1, "m"), "- m", 132},
	} {
		want := fmt.Sprintf("<%d>1 2026-03-01T09:00:00.005000Z 0C383E00AB01 tipring %d - %s", tt.pri, os.Getpid(), tt.want)
		if got := formatted(tt.r, "", nil); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", tt.name, got, want)
		}
	}
	if got := formatted(slog.Record{Message: "no time"}, "", nil); !strings.HasPrefix(got, "<134>1 - 0C383E00AB01 ") {
		t.Error(got)
	}
}

func TestLoggersWithAttributes(t *testing.T) {
	s := New(Options{App: "tipring", Level: slog.LevelInfo})
	base := slog.New(s.Handler()).With("line", 2)
	base.WithGroup("call").With("id", "x").Info("one", "n", 1)
	base.With("id", "y").Info("two")
	base.Info("three")
	var got []string
	for _, m := range s.waiting {
		got = append(got, m.after[strings.Index(m.after, "["):])
	}
	want := `[tipring@32473 line="2" call.id="x" call.n="1"] one|[tipring@32473 line="2" id="y"] two|[tipring@32473 line="2"] three`
	if strings.Join(got, "|") != want {
		t.Errorf("%s\nwant %s", strings.Join(got, "|"), want)
	}
}

// RFC 5424 section 6.2.4: printable ASCII without blanks, 255 at most.
func TestHostName(t *testing.T) {
	for host, want := range map[string]string{"": "-", "pbx 1": "pbx_1", "büro": "b_ro", strings.Repeat("h", 300): strings.Repeat("h", 255)} {
		if got := (Target{Host: host}).host(); got != want {
			t.Errorf("%q: %q, want %q", host, got, want)
		}
	}
}

// Whatever is logged, a message has the form of RFC 5424 and fits into a datagram.
func FuzzMessage(f *testing.F) {
	f.Add("registered", "server", "192.0.2.1", "host", 200)
	f.Add("m\nn", `a"]`, `x]"\`, "ü h", 3)
	f.Add(strings.Repeat("ü", 900), "k", strings.Repeat("]", 2000), strings.Repeat("h", 300), 9000)
	f.Fuzz(func(t *testing.T, msg, key, value, host string, repeat int) {
		s := New(Options{App: "tipring", Level: slog.LevelInfo})
		long := strings.Repeat(value, min(max(repeat, 0), 4000/max(1, len(value))))
		log := slog.New(s.Handler()).With(key, value)
		log.Info(msg, key, value, "long", long, "after", value)
		m := s.waiting[0]
		text := m.before + Target{Host: host}.host() + m.after
		if len(text) > maxMessage || !utf8.ValidString(text) {
			t.Fatalf("%d octets: %q", len(text), text)
		}
		wellFormed(t, text)
	})
}

// wellFormed follows the ABNF of RFC 5424 section 6.
func wellFormed(t *testing.T, text string) {
	t.Helper()
	fields := strings.SplitN(text, " ", 7)
	if len(fields) != 7 || fields[0] != "<134>1" || fields[3] != "tipring" || fields[5] != "-" || fields[2] == "" {
		t.Fatalf("header of %q", text)
	}
	if _, err := time.Parse("2006-01-02T15:04:05.000000Z07:00", fields[1]); err != nil {
		t.Fatal(err)
	}
	rest, ok := strings.CutPrefix(fields[6], "["+element)
	if !ok {
		if !strings.HasPrefix(fields[6], "- ") {
			t.Fatalf("structured data of %q", text)
		}
		return
	}
	for strings.HasPrefix(rest, " ") {
		name, value, ok := strings.Cut(rest[1:], `="`)
		if !ok || name == "" || len(name) > 32 || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`="]`, r) }) {
			t.Fatalf("parameter of %q", text)
		}
		end := 0
		for value[end] != '"' {
			if value[end] == ']' {
				t.Fatalf("an open ] in %q", text)
			}
			if value[end] == '\\' {
				end++
			}
			end++
		}
		rest = value[end+1:]
	}
	if !strings.HasPrefix(rest, "] ") {
		t.Fatalf("end of the structured data of %q", text)
	}
}
