package api

import (
	"encoding/json"
	"testing"
)

// Whatever is sent as a patch: it is edits, each with a name, or a problem that says why not;
// and what it sets is what the JSON says.
func FuzzPatch(f *testing.F) {
	for _, seed := range []string{`{"sip1":{"register_addr":"x","backup_addr":null},"sip3":null}`, `{"sip1":{"a":1,"b":true,"c":-0}}`, `{"a":{}}`, `{"a":{"":1}}`, `[]`, `{"a":{"b":{}}}`, `{"a":{"b":"\u000a"}} x`, `{"a/~":5}`, "null", ""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		edits, p := parsePatch(text)
		if p != nil {
			if p.Status != 400 || p.Detail == "" {
				t.Fatalf("%+v", p)
			}
			return
		}
		var all map[string]map[string]any
		if err := json.Unmarshal(text, &all); err != nil {
			t.Fatalf("%q is taken: %v", text, err)
		}
		for _, e := range edits {
			section, there := all[e.Section]
			value, set := section[e.Key]
			if !there || e.Key == "" && e.Remove != (section == nil) || e.Key != "" && (!set || e.Remove != (value == nil)) {
				t.Fatalf("%q: edit %+v", text, e)
			}
			if s, ok := value.(string); ok && s != e.Value {
				t.Fatalf("%q: edit %+v", text, e)
			}
		}
	})
}
