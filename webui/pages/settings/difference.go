package settings

import (
	"context"
	"slices"
	"strconv"

	"tipring/webui/api"
	"tipring/webui/words"
)

// sectionTitle is what a person calls a section: Line 1.
func (s *sheet) sectionTitle(ctx context.Context, section string) string {
	stem, n := splitName(section)
	switch {
	case stem == "sip" && n > 0:
		return words.T(ctx, "Line %d", n)
	case stem == "port" && n > 0:
		return words.T(ctx, "Port %d", n)
	}
	if d := s.described(section); d != nil {
		return words.T(ctx, d.Title)
	}
	return section
}

func (s *sheet) described(section string) *api.Section {
	stem, n := splitName(section)
	if i := slices.IndexFunc(s.all, func(d api.Section) bool { return d.Name == stem && d.Numbered == (n > 0) }); i >= 0 {
		return &s.all[i]
	}
	return nil
}

func (s *sheet) describedKey(section, key string) *api.Key {
	d := s.described(section)
	if d == nil {
		return nil
	}
	if i := slices.IndexFunc(d.Keys, func(k api.Key) bool { return k.Name == key }); i >= 0 {
		return &d.Keys[i]
	}
	return nil
}

// label is what a page calls a key; where a section has several of one label, with its group.
func (s *sheet) label(ctx context.Context, section, key string) string {
	k := s.describedKey(section, key)
	if k == nil {
		return key
	}
	label := words.T(ctx, k.Label)
	for _, other := range s.described(section).Keys {
		if other.Label == k.Label && other.Name != k.Name {
			return words.T(ctx, string(k.Group)) + ": " + label
		}
	}
	return label
}

// before and after are the two sides of a value's change.
func (s *sheet) before(ctx context.Context, section string, v api.Value) string {
	return s.side(ctx, section, v.Key, v.From)
}

func (s *sheet) after(ctx context.Context, section string, v api.Value) string {
	if k := s.describedKey(section, v.Key); k != nil && k.Secret && v.To != nil && *v.To != "" && v.From != nil && *v.From != "" {
		return words.T(ctx, "another secret")
	}
	return s.side(ctx, section, v.Key, v.To)
}

func (s *sheet) side(ctx context.Context, section, key string, value *string) string {
	if value == nil {
		return "–"
	}
	return worded(ctx, s.describedKey(section, key), *value)
}

// place is the page that shows a key, with the key; empty: none.
func (s *sheet) place(section, key string) string {
	stem, n := splitName(section)
	k := s.describedKey(section, key)
	for i := range sheets {
		kind := &sheets[i]
		if k != nil && kind.section == stem && kind.numbered == (n > 0) && kind.shows(string(k.Group)) {
			return (&sheet{kind: kind, n: n}).path() + "#" + key
		}
	}
	return ""
}

func kindOf(ctx context.Context, kind string) string {
	switch kind {
	case "added":
		return words.T(ctx, ": is added")
	case "removed":
		return words.T(ctx, ": is removed")
	}
	return ""
}

func number(n int) string { return strconv.Itoa(n) }
