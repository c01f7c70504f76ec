package faxback

import (
	"reflect"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
)

func TestQueueProfiles(t *testing.T) {
	profile := func(change func(*QueueProfile)) QueueProfile {
		p := QueueProfile{Delivered: true, Undelivered: true, Format: Unsaid}
		change(&p)
		return p
	}
	for _, tt := range []struct {
		text string
		want QueueProfile
	}{
		{"", profile(func(*QueueProfile) {})},
		{`<QPXml/>`, profile(func(*QueueProfile) {})},
		{`<?xml version="1.0"?> <QPXml></QPXml>`, profile(func(*QueueProfile) {})},
		{`<QPXml Op=“1” Rf="1" Dn='0' Ndn="0" Ea="a&amp;b@example.com" Ef="" />`, profile(func(p *QueueProfile) {
			p.Override, p.Format, p.Delivered, p.Undelivered, p.Email, p.Others = true, 1, false, false, "a&b@example.com", []XMLAttribute{{"Ef", ""}}
		})},
		{`<QPXml Ln = "de-DE" Tz="W. Europe Standard Time" New="x" />`, profile(func(p *QueueProfile) {
			p.Language, p.TimeZone, p.Location, p.Others = "de-DE", "W. Europe Standard Time", "Europe/Berlin", []XMLAttribute{{"New", "x"}}
		})},
		{`<QPXml Op=”1“ Tz="Moon*"/>`, profile(func(p *QueueProfile) { p.Override, p.TimeZone = true, "Moon*" })},
		{`<QPXml Dn="maybe" Rf="x" Ndn="0"/>`, profile(func(p *QueueProfile) {
			p.Undelivered, p.Note = false, `Dn="maybe" is not understood; Rf="x" is not understood`
		})},
		{`<Other/>`, profile(func(p *QueueProfile) { p.Note = "not a queue profile: wanted one empty element QPXml" })},
		{`<QPXmlike/>`, profile(func(p *QueueProfile) { p.Note = "not a queue profile: wanted one empty element QPXml" })},
		{`<QPXml Dn="0"`, profile(func(p *QueueProfile) { p.Note = `not a queue profile: wanted name="value" or /> at ` })},
		{`<QPXml Dn=0/>`, profile(func(p *QueueProfile) { p.Note = `not a queue profile: wanted name="value" or /> at Dn=0/>` })},
		{`<QPXml Dn="0" Dn="1"/>`, profile(func(p *QueueProfile) { p.Note = "not a queue profile: Dn stands twice" })},
		{"<QPXml Ea=\"\xff\"/>", profile(func(p *QueueProfile) { p.Note = "not a queue profile: not UTF-8" })},
		{"<QPXml " + strings.Repeat(" ", maxProfile) + "/>", profile(func(p *QueueProfile) { p.Note = "not a queue profile: too long" })},
	} {
		if got := ParseQueueProfile(tt.text); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%.60s\n%+v\nwant\n%+v", tt.text, got, tt.want)
		}
	}
	const shown = "instead of the account's, language de-DE, time zone Europe/Berlin, delivered: told, failed: not told, to a@b"
	if got := ParseQueueProfile(`<QPXml Op="1" Ln="de-DE" Tz="W. Europe*" Ndn="0" Ea="a@b"/>`).String(); got != shown {
		t.Errorf("%s\nwant\n%s", got, shown)
	}
}

func TestLocations(t *testing.T) {
	for windows, want := range map[string]string{
		"Pacific*": "America/Los_Angeles", "Pacific Standard Time": "America/Los_Angeles", "pacific standard time": "America/Los_Angeles",
		"Pacific SA*": "America/Santiago", "Pacific Standard Time (Mexico)": "America/Tijuana", "Central*": "America/Chicago",
		"Central Europe*": "Europe/Budapest", "Eastern *": "America/New_York", "Roman*": "Europe/Paris", "UTC": "Etc/UTC",
		"E.*": "", "S*": "", "*": "", "": "", "Moon Standard Time": "", "Pacific": "",
	} {
		if got, ok := Location(windows); got != want || ok != (want != "") {
			t.Errorf("%q: %q %v, want %q", windows, got, ok, want)
		}
	}
	for line := range strings.Lines(windowsZones) {
		short, iana, _ := strings.Cut(strings.TrimSpace(line), "=")
		if _, err := time.LoadLocation(iana); err != nil {
			t.Errorf("%s: %v", short, err)
		}
		if got, ok := Location(fullZone(short)); !ok || got != iana {
			t.Errorf("%s: %q", short, got)
		}
	}
}

func FuzzParseQueueProfile(f *testing.F) {
	f.Add(`<QPXml Rf="0" Dn="1" Ndn="1" Ea="" Ef="" Ln="en-US" Tz="Pacific*" />`)
	f.Add(`<?xml version="1.0"?><QPXml Op=“1” Ea='&lt;x'></QPXml>`)
	f.Add(`<QPXml Dn=0/>`)
	f.Fuzz(func(t *testing.T, s string) {
		p := ParseQueueProfile(s)
		if strings.HasPrefix(p.Note, "not a queue profile") && (!p.Delivered || !p.Undelivered || p.Override || p.Format != Unsaid || p.Others != nil) {
			t.Fatalf("%q is no profile, and yet %+v", s, p)
		}
		if len(p.String()) > 200+6*len(s) {
			t.Fatalf("%q: %q", s, p)
		}
	})
}
