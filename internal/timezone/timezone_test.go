package timezone

import (
	"testing"
	"time"
	_ "time/tzdata" // for the names
)

func TestFind(t *testing.T) {
	winter := time.Date(2026, 1, 15, 23, 30, 0, 0, time.UTC)
	summer := time.Date(2026, 7, 15, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		zone           string
		winter, summer string // empty: there is no such zone
	}{
		{"UTC0", "15 23:30 UTC", "15 12:00 UTC"},
		{"GMT0BST,M3.5.0/1,M10.5.0", "15 23:30 GMT", "15 13:00 BST"},
		{"CET-1CEST,M3.5.0,M10.5.0/3", "16 00:30 CET", "15 14:00 CEST"},
		{"EST5EDT,M3.2.0,M11.1.0", "15 18:30 EST", "15 08:00 EDT"},
		{"NZST-12NZDT,M9.5.0,M4.1.0/3", "16 12:30 NZDT", "16 00:00 NZST"},
		{"<-03>3", "15 20:30 -03", "15 09:00 -03"},
		{"IST-5:30", "16 05:00 IST", "15 17:30 IST"},
		{"Europe/Berlin", "16 00:30 CET", "15 14:00 CEST"},
		{"UTC", "15 23:30 UTC", "15 12:00 UTC"},
		{"Mars/Olympus", "", ""},
		{"../../etc/passwd", "", ""},
		{"/etc/localtime", "", ""},
		{"CE-1", "", ""},
		{"CET-1CEST,M3.5.0", "", ""},
		{"CET-1CEST,M3.5.0,M10.5.0/3,", "", ""},
		{"CET-1\nCEST", "", ""},
		{"?", "", ""},
	} {
		l, ok := Find(tt.zone)
		if ok != (tt.winter != "") {
			t.Errorf("%q: found %v", tt.zone, ok)
		}
		if !ok {
			continue
		}
		const shown = "2 15:04 MST"
		if w, s := winter.In(l).Format(shown), summer.In(l).Format(shown); w != tt.winter || s != tt.summer {
			t.Errorf("%s: %s and %s, want %s and %s", tt.zone, w, s, tt.winter, tt.summer)
		}
	}
}

// The system's zone is that of its environment, else of its files.
func TestAuto(t *testing.T) {
	for zone, want := range map[string]string{"CET-1CEST,M3.5.0,M10.5.0/3": "CEST", "Asia/Kolkata": "IST"} {
		t.Setenv("TZ", zone)
		l, ok := Find(Auto)
		if !ok {
			t.Fatal("no zone")
		}
		if name, _ := time.Date(2026, 7, 15, 12, 0, 0, 0, time.UTC).In(l).Zone(); name != want {
			t.Errorf("%s: %s, want %s", zone, name, want)
		}
	}
	t.Setenv("TZ", Auto)
	if l, ok := Find(Auto); l != time.Local || !ok {
		t.Errorf("a zone that is none: %v", l)
	}
}

func FuzzRule(f *testing.F) {
	for _, s := range []string{"CET-1CEST,M3.5.0,M10.5.0/3", "EST5EDT,J60/2,300", "<+0330>-3:30", "A", "Europe/Berlin"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if l := rule(text); l != nil {
			for year := 1970; year < 2100; year += 13 {
				_ = time.Date(year, 7, 1, 0, 0, 0, 0, l).String()
			}
		}
	})
}
