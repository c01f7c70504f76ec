package config

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// A setting that nothing is done about yet says so, and one that was left at its default,
// or that works, is not spoken of.
func TestWhatIsNotActedOnYetIsToldOnce(t *testing.T) {
	for i := range lineKeys {
		if k := &lineKeys[i]; k.Name == "session_expires_s" || k.Name == "enable_missed_call_log" {
			k.Later = "accepted, not yet acted on"
			defer func() { k.Later = "" }()
		}
	}
	c := load(t, file(`[sip1]
session_expires_s = 90
enable_missed_call_log = 1
codecs = pcma
[port1]
star_codes = server
[web]
listen = 127.0.0.1:80
`))
	const want = `tipring.ini:2: [sip1] session_expires_s = 90: accepted, not yet acted on`
	if got := c.Warnings.Error(); got != want {
		t.Errorf("warnings\n%s\nwant\n%s", got, want)
	}
}

// Later is what the rooms' code says: they ask for every key without it, and for no key
// with it. Whoever brings a key to life takes its Later away.
func TestLaterIsTrue(t *testing.T) {
	code := roomsCode(t)
	for i := range sections {
		s := &sections[i]
		data := reflect.New(sectionType(s))
		single := `\.` + data.Elem().Type().Name()
		if !s.Numbered && regexp.MustCompile(single+`\b[^.]`).MatchString(code) {
			continue // handed on whole
		}
		for j := range s.Keys {
			k := &s.Keys[j]
			pattern := `\.` + fieldName(data, k) + `\b`
			if !s.Numbered && k.Later != "" {
				pattern = single + pattern
			}
			name := s.InFile(boolInt(s.Numbered)) + "." + k.Name
			switch used := regexp.MustCompile(pattern).MatchString(code); {
			case used && k.Later != "":
				t.Errorf("%s is asked for, and says %q", name, k.Later)
			case !used && k.Later == "" && name != "provisioning.lock_local": // which Load itself obeys
				t.Errorf("%s is not asked for by anybody, and does not say so", name)
			}
		}
	}
}

// roomsCode is the text of all code that a Config is handed to.
func roomsCode(t *testing.T) string {
	var all strings.Builder
	for _, room := range []string{"agent", "lines", "registrar", "webui", "provisioning", "t38"} {
		err := filepath.WalkDir(filepath.Join("../..", room), func(path string, _ fs.DirEntry, err error) error {
			if os.IsNotExist(err) {
				return nil // a room that is still to come
			}
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			if strings.Contains(string(text), `"tipring/internal/config"`) || room == "lines" {
				all.Write(text)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// sectionType is the struct that holds a section's values.
func sectionType(s *Section) reflect.Type {
	switch {
	case s.Numbered && s.Name == "sip":
		return reflect.TypeFor[Line]()
	case s.Numbered:
		return reflect.TypeFor[Port]()
	}
	return reflect.TypeOf(new(Config).single(s.Name)).Elem()
}

// fieldName is the name of the field that a key is kept in.
func fieldName(data reflect.Value, k *Key) string {
	at := reflect.ValueOf(k.field(data.Interface())).Pointer()
	for i := range data.Elem().NumField() {
		if data.Elem().Field(i).Addr().Pointer() == at {
			return data.Elem().Type().Field(i).Name
		}
	}
	return "?"
}
