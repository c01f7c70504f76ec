package settings

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"tipring/webui/api"
	"tipring/webui/frame"
	"tipring/webui/words"
)

// A group is a fieldset of a form.
type group struct {
	legend string
	fields []field
}

// A field is one key in a form.
type field struct {
	frame.Field
	box    bool   // a checkbox, with a companion that says so when it is not ticked
	back   string // what taking the local value back would give; empty: there is none
	gone   bool   // that is ticked
	secret bool   // it can be removed
	remove bool   // that is ticked
}

// blocks are the groups as they stand: those whose names differ in their number alone stand
// side by side.
func (s *sheet) blocks(ctx context.Context) (blocks [][]group) {
	for _, g := range s.groups(ctx) {
		if n := len(blocks); n > 0 && siblings(blocks[n-1][0].legend, g.legend) {
			blocks[n-1] = append(blocks[n-1], g)
			continue
		}
		blocks = append(blocks, []group{g})
	}
	return blocks
}

func siblings(a, b string) bool {
	x, y := strings.TrimRight(a, "0123456789"), strings.TrimRight(b, "0123456789")
	return x == y && x != a && y != b
}

func (s *sheet) groups(ctx context.Context) (groups []group) {
	for i := range s.keys {
		k := &s.keys[i]
		legend := string(k.Group)
		if legend == "" {
			legend = s.desc.Title
		}
		if n := len(groups); n == 0 || groups[n-1].legend != legend {
			groups = append(groups, group{legend: legend})
		}
		g := &groups[len(groups)-1]
		g.fields = append(g.fields, s.field(ctx, k))
	}
	return groups
}

func (s *sheet) field(ctx context.Context, k *api.Key) field {
	now := s.now[k.Name]
	f := field{Field: frame.Field{
		Name: k.Name, Label: words.T(ctx, k.Label), Unit: string(k.Unit), Help: s.help(ctx, k), Value: s.shown(k), Error: s.fault(ctx, k),
		Hint: s.hint(ctx, k), Source: sourceOf(ctx, fileOf(now.Source), now.Line), Autocomplete: "off",
	}}
	if v, ok := s.typed[k.Name]; ok {
		f.Value = v
	}
	s.control(ctx, k, &f)
	if k.Later != "" {
		f.Help += " " + words.T(ctx, "Not yet: %s.", words.Told(ctx, string(k.Later)))
	}
	if now.Locked != "" {
		f.Disabled = true
		f.Warn = words.T(ctx, "This cannot be changed here: %s.", words.Told(ctx, string(now.Locked)))
		if now.Local != nil {
			f.Warn += " " + words.T(ctx, "The local value %s does not hold.", worded(ctx, k, *now.Local))
		}
		return f
	}
	f.secret, f.remove = k.Secret && now.Value != "", slices.Contains(s.remove, k.Name)
	if b := now.Beneath; b != nil && !(k.Secret && b.Value == "") {
		f.back = words.T(ctx, "Use the value from %s again: %s", sourceOf(ctx, b.Source, b.Line), worded(ctx, k, b.Value))
		if b.Source == "built-in" {
			f.back = words.T(ctx, "Use the built-in default again: %s", worded(ctx, k, b.Value))
		}
		f.gone = slices.Contains(s.unset, k.Name)
	}
	return f
}

// help says what a key does, in the words of the page: it has boxes for 0 and 1, and labels
// for the names of keys and of choices.
func (s *sheet) help(ctx context.Context, k *api.Key) string {
	text := words.T(ctx, k.Help)
	if k.Kind == "bool" {
		for from, to := range map[string]string{"0: ": words.T(ctx, "Off: "), "1: ": words.T(ctx, "On: ")} {
			if rest, ok := strings.CutPrefix(text, from); ok {
				text = to + rest
			}
		}
	}
	for _, c := range k.Choices {
		text = strings.ReplaceAll(" "+text, " "+c.Value+": ", " "+words.T(ctx, c.Label)+": ")[1:]
	}
	var names []string
	for _, other := range s.desc.Keys {
		if strings.Contains(other.Name, "_") && strings.Contains(text, other.Name) {
			names = append(names, other.Name)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, name := range names {
		pairs = append(pairs, name, s.all.Key(ctx, s.name(), name))
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// control chooses the native control of a key.
func (s *sheet) control(ctx context.Context, k *api.Key, f *field) {
	switch {
	case k.Secret:
		f.Type, f.Autocomplete = "password", "new-password"
		if slices.Contains(s.kept, k.Name) {
			f.Placeholder = words.T(ctx, "as typed, not yet applied")
		} else if s.now[k.Name].Value != "" {
			f.Placeholder = words.T(ctx, "set; empty leaves it as it is")
		}
	case k.Kind == "bool":
		f.Type, f.box = "checkbox", true
	case k.Kind == "choice":
		f.Type = "select"
		for _, c := range k.Choices {
			f.Options = append(f.Options, frame.Option{Value: c.Value, Text: words.T(ctx, c.Label)})
		}
		if !slices.ContainsFunc(k.Choices, func(c api.Choice) bool { return c.Value == f.Value }) {
			f.Options = append(f.Options, frame.Option{Value: f.Value, Text: f.Value}) // what was posted
		}
	case k.Kind == "integer":
		f.Mode = "numeric"
		if k.Auto != "" {
			f.Mode = ""
		}
	}
	if k.Optional {
		f.Placeholder = s.defaultOf(k)
	}
}

// fault is what is wrong with a key's value.
func (s *sheet) fault(ctx context.Context, k *api.Key) string {
	var list []string
	for _, f := range s.faults {
		if string(f.Section) == s.name() && string(f.Key) == k.Name {
			list = append(list, faultText(ctx, f))
		}
	}
	return strings.Join(list, " ")
}

func faultText(ctx context.Context, f api.Fault) string {
	if f.Wanted == "" {
		return words.Told(ctx, f.Text)
	}
	return words.T(ctx, "Wanted: %s.", words.Told(ctx, string(f.Wanted)))
}

// elsewhere are the faults that no field of the page has.
func (s *sheet) elsewhere() (list []api.Fault) {
	for _, f := range s.faults {
		if string(f.Section) != s.name() || s.key(string(f.Key)) == nil {
			list = append(list, f)
		}
	}
	return list
}

// hint is a key's range and default.
func (s *sheet) hint(ctx context.Context, k *api.Key) string {
	var parts []string
	switch k.Kind {
	case "integer":
		text := ""
		if k.Min != nil && k.Max != nil {
			text = strconv.Itoa(*k.Min) + " – " + strconv.Itoa(*k.Max)
		}
		if k.Unit != "" {
			text += " " + string(k.Unit)
		}
		if k.Zero {
			text = words.T(ctx, "0, or %s", text)
		}
		if k.Auto != "" {
			text = words.T(ctx, "%s, or %s", string(k.Auto), text)
		}
		parts = append(parts, text)
	case "list", "networks", "address":
		parts = append(parts, k.Wanted)
	}
	if d := s.defaultOf(k); d != "" && !k.Secret {
		parts = append(parts, words.T(ctx, "default %s", worded(ctx, k, d)))
	}
	return strings.Join(parts, "; ")
}

// worded is a value as a person reads it.
func worded(ctx context.Context, k *api.Key, v string) string {
	switch {
	case v == "":
		return words.T(ctx, "nothing")
	case k == nil:
		return v
	case k.Secret:
		return words.T(ctx, "a secret")
	case k.Kind == "bool" && v == "1":
		return words.T(ctx, "on")
	case k.Kind == "bool":
		return words.T(ctx, "off")
	}
	for _, c := range k.Choices {
		if c.Value == v {
			v = words.T(ctx, c.Label)
		}
	}
	if k.Unit != "" && v != string(k.Auto) {
		v += " " + string(k.Unit)
	}
	return v
}

// fileOf is a source without the way to it, which stands at "Every value".
func fileOf(source string) string {
	return source[strings.LastIndexByte(strings.TrimRight(source, "/"), '/')+1:]
}

// sourceOf says where a value comes from.
func sourceOf(ctx context.Context, source string, line *int) string {
	switch {
	case source == "" || source == "built-in":
		return words.T(ctx, "built-in")
	case source == "local":
		return words.T(ctx, "the local settings")
	default:
		if kind, path, found := strings.Cut(source, ":"); found && (kind == "file" || kind == "factory") {
			source = path
		}
	}
	if line == nil {
		return source
	}
	return words.T(ctx, "%s, line %d", source, *line)
}
