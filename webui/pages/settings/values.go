package settings

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"tipring/webui/api"
)

// shown is the value of a key as the form shows it; of a secret nothing.
func (s *sheet) shown(k *api.Key) string {
	e, ok := s.now[k.Name]
	switch {
	case k.Secret:
		return ""
	case !ok && k.Optional:
		return ""
	case !ok:
		return s.defaultOf(k)
	case k.Optional && (e.Source == "built-in" || e.Local != nil && *e.Local == "" && e.Source == "local"):
		return ""
	}
	return e.Value
}

func (s *sheet) defaultOf(k *api.Key) string {
	return strings.ReplaceAll(k.Default, "{N}", strings.TrimPrefix(s.name(), s.kind.section))
}

// shownNow is what the form carries along, so that who fills it in changes only what he
// changed, whatever others did meanwhile.
func (s *sheet) shownNow() string {
	all := map[string]string{}
	for i := range s.keys {
		if k := &s.keys[i]; !k.Secret && s.now[k.Name].Locked == "" {
			all[k.Name] = s.shown(k)
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		return ""
	}
	return string(text)
}

// blanks come along when a value is pasted. The file keeps none of them around a value.
const blanks = " \t\u00a0"

// patch is the merge patch of what a form changes; nil: nothing. A field that the form does
// not have changes nothing; an unticked box has its hidden companion.
func (s *sheet) patch(typed url.Values) json.RawMessage {
	was := map[string]string{}
	_ = json.Unmarshal([]byte(typed.Get("was")), &was) // without it, what is in force counts
	set := map[string]*string{}
	for i := range s.keys {
		k := &s.keys[i]
		if s.now[k.Name].Locked != "" {
			continue
		}
		values := typed[k.Name]
		switch {
		case slices.Contains(typed["unset"], k.Name):
			if s.now[k.Name].Local != nil {
				set[k.Name] = nil
			}
		case k.Secret && slices.Contains(typed["remove"], k.Name) && typed.Get(k.Name) == "":
			set[k.Name] = s.withoutSecret(k)
		case len(values) == 0:
		case k.Secret:
			if v := values[len(values)-1]; v != "" {
				set[k.Name] = &v
			}
		default:
			typed := values[len(values)-1]
			before, known := was[k.Name]
			if !known {
				before = s.shown(k)
			}
			if v := strings.Trim(typed, blanks); typed != before && v != before {
				set[k.Name] = &v
			}
		}
	}
	if len(set) == 0 && s.exists {
		return nil
	}
	return patchOf(s.name(), set)
}

// unreadable are the fields whose text is none: JSON would make another one of it.
func (s *sheet) unreadable(typed url.Values) (faults []api.Fault) {
	for _, k := range s.keys {
		if !utf8.ValidString(strings.Join(typed[k.Name], "")) {
			faults = append(faults, api.Fault{Section: api.Text(s.name()), Key: api.Text(k.Name), Wanted: "text in UTF-8"})
		}
	}
	return faults
}

// withoutSecret is what removes a secret: the local value goes, or hides the one beneath.
func (s *sheet) withoutSecret(k *api.Key) *string {
	e := s.now[k.Name]
	if e.Local != nil && (e.Beneath == nil || e.Beneath.Value == "") {
		return nil
	}
	return new(string)
}

// removal is the patch that takes the section out of the local layer.
func removal(s *sheet) json.RawMessage { return patchOf(s.name(), nil) }

func patchOf(section string, set map[string]*string) json.RawMessage {
	text, err := json.Marshal(map[string]map[string]*string{section: set})
	if err != nil {
		panic(err) // it is made of texts
	}
	return text
}

// only is what of a posted form belongs to the sheet.
func (s *sheet) only(typed url.Values) url.Values {
	kept := url.Values{}
	for _, name := range []string{"unset", "remove", "was"} {
		if typed[name] != nil {
			kept[name] = typed[name]
		}
	}
	for _, k := range s.keys {
		if typed[k.Name] != nil {
			kept[k.Name] = typed[k.Name]
		}
	}
	return kept
}

// secrets is what of a form a page cannot show again.
func (s *sheet) secrets(typed url.Values) url.Values {
	kept := url.Values{}
	for _, k := range s.keys {
		if v := typed.Get(k.Name); k.Secret && v != "" {
			kept.Set(k.Name, v)
			if !slices.Contains(s.kept, k.Name) {
				s.kept = append(s.kept, k.Name)
			}
		}
	}
	return kept
}

// fill has the form show what was typed.
func (s *sheet) fill(typed url.Values) {
	s.typed = map[string]string{}
	for _, k := range s.keys {
		if values := typed[k.Name]; len(values) > 0 && !k.Secret {
			s.typed[k.Name] = values[len(values)-1]
		}
	}
	s.unset, s.remove = typed["unset"], typed["remove"]
	s.was = typed.Get("was")
}
