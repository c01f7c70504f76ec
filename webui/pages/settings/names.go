package settings

import (
	"context"
	"slices"

	"tipring/webui/api"
	"tipring/webui/words"
)

// Names are the descriptions of all sections and keys (GET /api/v1/config/keys), by which people
// are told of them.
type Names []api.Section

// Section is what a person calls a section: Line 1.
func (all Names) Section(ctx context.Context, section string) string {
	stem, n := splitName(section)
	switch {
	case stem == "sip" && n > 0:
		return words.T(ctx, "Line %d", n)
	case stem == "port" && n > 0:
		return words.T(ctx, "Port %d", n)
	}
	if d := all.section(section); d != nil {
		return words.T(ctx, d.Title)
	}
	return section
}

func (all Names) section(name string) *api.Section {
	stem, n := splitName(name)
	if i := slices.IndexFunc(all, func(d api.Section) bool { return d.Name == stem && d.Numbered == (n > 0) }); i >= 0 {
		return &all[i]
	}
	return nil
}

func (all Names) key(section, key string) *api.Key {
	d := all.section(section)
	if d == nil {
		return nil
	}
	if i := slices.IndexFunc(d.Keys, func(k api.Key) bool { return k.Name == key }); i >= 0 {
		return &d.Keys[i]
	}
	return nil
}

// Key is what a page calls a key; where a section has several of one label, with its group.
func (all Names) Key(ctx context.Context, section, key string) string {
	k := all.key(section, key)
	if k == nil {
		return key
	}
	label := words.T(ctx, k.Label)
	for _, other := range all.section(section).Keys {
		if other.Label == k.Label && other.Name != k.Name {
			return words.T(ctx, string(k.Group)) + ": " + label
		}
	}
	return label
}

// before and after are the two sides of a value's change.
func (all Names) before(ctx context.Context, section string, v api.Value) string {
	return all.side(ctx, section, v.Key, v.From)
}

func (all Names) after(ctx context.Context, section string, v api.Value) string {
	if k := all.key(section, v.Key); k != nil && k.Secret && v.To != nil && *v.To != "" && v.From != nil && *v.From != "" {
		return words.T(ctx, "another secret")
	}
	return all.side(ctx, section, v.Key, v.To)
}

func (all Names) side(ctx context.Context, section, key string, value *string) string {
	if value == nil {
		return "–"
	}
	return worded(ctx, all.key(section, key), *value)
}
