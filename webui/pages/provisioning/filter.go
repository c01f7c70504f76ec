package provisioning

import (
	"strings"

	"tipring/webui/api"
)

// shows tells whether the filter lets a setting pass: all words of the text must stand in
// section, key, value or source.
func (e explanation) shows(s api.Setting) bool {
	switch e.source {
	case "":
		if s.Source == "built-in" && e.text == "" {
			return false
		}
	case "*":
	default:
		if s.Source != e.source {
			return false
		}
	}
	all := strings.ToLower("[" + s.Section + "] " + s.Key + " " + s.Value + " " + s.Source)
	for word := range strings.FieldsSeq(strings.ToLower(e.text)) {
		if !strings.Contains(all, word) {
			return false
		}
	}
	return true
}
