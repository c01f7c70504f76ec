package fetch

import (
	"strings"
	"testing"
)

func TestIsHTML(t *testing.T) {
	for _, tt := range []struct {
		name, kind, data string
		want             bool
	}{
		{"by type", "text/html", "[sip1]", true},
		{"by type with parameters", " TEXT/html;charset=utf-8", "", true},
		{"XHTML", "application/xhtml+xml", "", true},
		{"by its first words", "", "<!doctype HTML PUBLIC", true},
		{"without doctype", "text/plain", "\r\n\t <HTML lang=en>", true},
		{"after a byte order mark", "", "\xef\xbb\xbf<html>", true},
		{"after zeros", "", "\x00\x00 <html>", true},
		{"after comments", "", "<!-- a --> <!-- b --><script>", true},
		{"after an XML declaration", "", "<?xml version=\"1.0\"?>\n<!DOCTYPE html>", true},
		{"a head alone", "", "<head><meta http-equiv=refresh>", true},
		{"ini", "text/plain", "[sip1]\nusername = <html>\n", false},
		{"ini after a comment that speaks of it", "", "# <html>\n", false},
		{"Fanvil text", "", "<<VOIP CONFIG FILE>>Version:2.0000", false},
		{"Fanvil XML", "text/xml", "<?xml version=\"1.0\"?>\n<sysConf><Version>2</Version>", false},
		{"Grandstream", "application/xml", "<?xml version=\"1.0\"?><!-- x --><gs_provision version=\"1\">", false},
		{"Cisco", "", "<flat-profile>", false},
		{"an open comment", "", "<!-- <html>", false},
		{"nothing", "", "", false},
		{"sealed", "application/octet-stream", "TIPRING-SEALED 1\n\x00", false},
	} {
		if got := isHTML(tt.kind, []byte(tt.data)); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// FuzzUnpack: whatever comes, no more than the limits is made of it.
func FuzzUnpack(f *testing.F) {
	f.Add("gzip", []byte(gzipped(ini)))
	f.Add("x-gzip", []byte(gzipped(ini)+gzipped(ini)))
	f.Add("gzip", []byte(gzipped(strings.Repeat("x", 5000))))
	f.Add("", []byte("<!-- a --><html>"))
	f.Add("br", []byte("x"))
	f.Fuzz(func(t *testing.T, encoding string, body []byte) {
		data, err := unpack(body, []string{encoding})
		if err == nil && encoding != "" && len(data) > max(len(body), maxRatio*len(body)) || len(data) > max(maxUnpacked, len(body)) {
			t.Fatalf("%d octets from %d", len(data), len(body))
		}
		if err != nil && data != nil {
			t.Fatalf("%d octets and %v", len(data), err)
		}
		isHTML(encoding, data)
	})
}
