package agent

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tipring/etc"
	"tipring/tools/lab"
)

// The RADIUS client is another one when a file that it is made of holds something else, by
// whatever name, and only then: it knows which servers are dead. Who is still asking with
// the one before is not cut short.
func TestRadiusClientIsMadeOfContent(t *testing.T) {
	server := newRadius(t, lab.Account{Name: "acme", MAC: itsMAC})
	dir := t.TempDir()
	ca, cert, key, dict := filepath.Join(dir, "ca"), filepath.Join(dir, "cert"), filepath.Join(dir, "key"), filepath.Join(dir, "dictionary")
	put := func(files ...any) {
		for i := 0; i < len(files); i += 2 {
			if err := os.WriteFile(files[i].(string), files[i+1].([]byte), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	device, deviceKey := certificate(t)
	renewed, renewedKey := certificate(t)
	authority, _ := certificate(t)
	numbers := []byte(etc.Dictionary)
	put(ca, authority, cert, device, key, deviceKey, dict, numbers)
	text := base + fmt.Sprintf("[radius]\nservers = %v\nsecret = between us\ndictionary = %s\n[provisioning]\ntls_ca_file = %s\ntls_cert = %s\ntls_key = %s\n", server.Addr(), dict, ca, cert, key)
	r := start(t, text)

	asking, before, err := r.servers()
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		what    string
		change  func()
		another bool
	}{
		{"nothing", func() {}, false},
		{"another section", func() { text = strings.Replace(text, "[radius]", "[fax]\necm = 0\n[radius]", 1) }, false},
		{"a copy under another name", func() {
			put(ca+"2", authority)
			text = strings.Replace(text, ca+"\n", ca+"2\n", 1)
		}, false},
		{"other authorities", func() { put(ca+"2", append(authority, device...)) }, true},
		{"a renewed certificate", func() { put(cert, renewed, key, renewedKey) }, true},
		{"a number in the dictionary", func() {
			put(dict, append(numbers, "BEGIN-VENDOR FaxBack\nATTRIBUTE FB-Line-Num 73 integer\nEND-VENDOR FaxBack\n"...))
		}, true},
		{"the secret", func() { text = strings.Replace(text, "between us", "between us two", 1) }, true},
	} {
		step.change()
		r.reload(text)
		other, now, err := r.servers()
		if err != nil || (now != before) != step.another {
			t.Errorf("%s: another client %v, want %v (%v)", step.what, now != before, step.another, err)
		}
		if step.what == "the secret" {
			break // the server has the one before
		}
		if got := r.lookUp(`{"command":"account","mac":"00908f1d37f0"}`); !strings.Contains(got, `"acme"`) {
			t.Errorf("%s: %s", step.what, got)
		}
		if _, err := asking.AccountByMAC(context.Background(), itsMAC); err != nil {
			t.Errorf("%s, the client before: %v", step.what, err)
		}
		asking, before = other, now
	}
}
