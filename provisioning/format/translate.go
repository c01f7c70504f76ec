package format

import (
	"fmt"
	"strconv"
	"strings"

	"tipring/internal/config"
)

// An item is one of a maker's: SIP1 Register Port, with the value 5060.
type item struct {
	name  string // as the file writes it
	key   string // as rules write it
	value string
	line  int
	used  bool // a rule read it, or it was listed
}

// A group is the items of one line, or those that belong to none.
type group struct {
	n     int // of the line; 0: of none
	items []*item
	named map[string]*item // by the name that rules use
}

// A rule makes one setting out of one item of a maker's, or of several that only
// together have a meaning.
type rule struct {
	items string // by name, the deciding one first, separated by "|"
	key   string // sipN.register_port; N is the line's number
	to    func(v *values) verdict
	words string // instead of to: see worded
	says  string // what becomes of the value, for the document; empty: nothing
}

// A reason tells why items of a maker's are not used.
type reason struct {
	items  string // separated by "|"
	why    string
	secret bool // their values are not shown
}

// A verdict is what a rule makes of its items.
type verdict struct {
	value string
	set   bool
	why   string // to be listed; empty: nothing
}

// Some hundred places ask these few questions: in line they would be 8 kB of a router's
// flash.

//go:noinline
func set(value string) verdict { return verdict{value: value, set: true} }

//go:noinline
func setBut(value, why string) verdict { return verdict{value, true, why} }

//go:noinline
func leave(why string, a ...any) verdict { return verdict{why: fmt.Sprintf(why, a...)} }

// values are the items of a rule, as one group has them.
type values struct {
	g     *group
	all   *group // the items that belong to no line
	names []string
	words string
}

// has reports whether the i-th item stands in the file.
//
//go:noinline
func (v *values) has(i int) bool { return v.g.named[v.names[i]] != nil }

// of is the value of the i-th item; empty where it is absent.
//
//go:noinline
func (v *values) of(i int) string {
	if it := v.g.named[v.names[i]]; it != nil {
		return it.value
	}
	return ""
}

// first is the first value that is not empty: of an item with several names.
func (v *values) first() string {
	for i := range v.names {
		if text := v.of(i); text != "" {
			return text
		}
	}
	return ""
}

// global is the value of an item that belongs to no line, which is thereby used.
func (v *values) global(name string) (value string, found bool) {
	it := v.all.named[name]
	if it == nil {
		return "", false
	}
	it.used = true
	return it.value, true
}

// A maker is what a translation knows about one maker's items.
type maker struct {
	canon   func(name string) string // a name as rules write it, from how files do
	rules   []rule
	reasons []reason
}

// A translation collects what one file sets and what is noted about it.
type translation struct {
	file   File
	groups []*group // in the order of their first items
	byN    map[int]*group
	maker  *maker
	names  [][]string         // of each rule, as canon makes them
	read   map[string]bool    // the items that rules read
	known  map[string]*reason // the items that no rule reads, and why
	set    map[[2]string]config.Setting
	noted  map[Note]bool
	more   int // notes beyond maxNotes
	count  int // items
}

func newTranslation() *translation {
	return &translation{byN: make(map[int]*group), set: make(map[[2]string]config.Setting), noted: make(map[Note]bool)}
}

func (t *translation) note(line int, text, why string) {
	n := Note{line, shorten(text), why}
	switch {
	case t.noted[n]:
	case len(t.noted) == maxNotes:
		t.more++
	default:
		t.noted[n] = true
		t.file.Notes = append(t.file.Notes, n)
	}
}

// begin readies the translation for a maker's items.
func (t *translation) begin(m *maker, format string) {
	t.maker, t.file.Format = m, format
	t.read, t.known = make(map[string]bool), make(map[string]*reason)
	for i := range m.rules {
		names := strings.Split(m.rules[i].items, "|")
		for j := range names {
			names[j] = m.canon(names[j])
			t.read[names[j]] = true
		}
		t.names = append(t.names, names)
	}
	for i := range m.reasons {
		for name := range strings.SplitSeq(m.reasons[i].items, "|") {
			t.known[m.canon(name)] = &m.reasons[i]
		}
	}
}

// group is that of line n.
func (t *translation) group(n int) *group {
	g := t.byN[n]
	if g == nil {
		g = &group{n: n, named: make(map[string]*item)}
		t.byN[n] = g
		t.groups = append(t.groups, g)
	}
	return g
}

// add takes an item into the group of line n; shown is its name as notes write it. An
// item that stands twice with the same value counts once; with different values nobody
// can tell what was meant.
func (t *translation) add(n int, name, shown, value string, line int) error {
	if t.count++; t.count > maxItems {
		return fmt.Errorf("%w: more than %d items", ErrTooBig, maxItems)
	}
	g := t.group(n)
	it := &item{name: shown, key: t.maker.canon(name), value: value, line: line}
	earlier := g.named[it.key]
	switch {
	case earlier == nil:
		g.named[it.key] = it
	case !t.read[it.key]:
	case earlier.value != value:
		return fmt.Errorf("line %d: %w: %s, first in line %d", line, ErrDoubled, shorten(shown), earlier.line)
	default:
		t.note(line, shown, fmt.Sprintf("stands in line %d already, with the same value", earlier.line))
		return nil
	}
	g.items = append(g.items, it)
	return nil
}

// translate applies a maker's rules to all groups, and lists what they do not read.
func (t *translation) translate(unused func(*group) bool) {
	for _, g := range t.groups {
		if g.n > 0 && unused(g) {
			t.idle(g)
			continue
		}
		for i := range t.maker.rules {
			t.apply(&t.maker.rules[i], t.names[i], g)
		}
	}
	for _, g := range t.groups {
		for _, it := range g.items {
			if !it.used {
				it.used = true
				t.unread(it)
			}
		}
	}
}

// idle switches a line off that nobody filled in. An export has all lines of its device.
func (t *translation) idle(g *group) {
	first := g.items[0]
	t.put(fmt.Sprintf("sip%d", g.n), "enabled", "0", first)
	t.note(first.line, fmt.Sprintf("line %d", g.n), fmt.Sprintf("not used: it has no number and no server; its %d items are not read", len(g.items)))
	for _, it := range g.items {
		it.used = true
	}
}

func (t *translation) apply(r *rule, names []string, g *group) {
	section, key, _ := strings.Cut(r.key, ".")
	stem, numbered := strings.CutSuffix(section, "N")
	if numbered && g.n == 0 {
		return
	}
	v := &values{g, t.group(0), names, r.words}
	var first *item
	for _, name := range v.names {
		if it := g.named[name]; it != nil {
			it.used = true
			if first == nil || first.value == "" && it.value != "" {
				first = it
			}
		}
	}
	if first == nil {
		return
	}
	if numbered {
		section = stem + strconv.Itoa(g.n)
	}
	k := keyOf(section, key)
	if k.Secret && strings.Trim(first.value, "*") == "" && first.value != "" {
		t.note(first.line, first.name, "masked in the export; the secret stays as it is")
		return
	}
	make := r.to
	if make == nil {
		make = worded
	}
	d := make(v)
	if d.set {
		var why string
		if d.value, why = within(k, d.value); why != "" {
			t.note(first.line, first.name+" = "+k.Masked(first.value), why)
		}
		t.put(section, key, d.value, first)
	}
	if d.why != "" {
		t.note(first.line, first.name+" = "+k.Masked(first.value), d.why)
	}
}

// put sets a key. What is one for all lines is set by the first line that has it.
func (t *translation) put(section, key, value string, from *item) {
	at := [2]string{section, key}
	if earlier, found := t.set[at]; found {
		if earlier.Value != value {
			t.note(from.line, from.name, fmt.Sprintf("there is one [%s] %s; line %d has set it already", section, key, earlier.Line))
		}
		return
	}
	s := config.Setting{Section: section, Key: key, Value: value, Line: from.line}
	t.set[at] = s
	t.file.Settings = append(t.file.Settings, s)
}

// within brings a time that the maker allows, and this program does not, to the nearest
// one that it takes. All else is left for config.Load to judge.
func within(k *config.Key, text string) (value, why string) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || k.Kind != config.Int || k.Unit == "" || n >= k.Min && n <= k.Max {
		return text, ""
	}
	value = strconv.Itoa(min(max(n, k.Min), k.Max))
	return value, fmt.Sprintf("%s %s is out of range here (%s); %s is used", text, k.Unit, k.Want(), value)
}

// unread lists an item that no rule has read. The value of an unknown one may be a
// secret, and is not shown.
func (t *translation) unread(it *item) {
	r := t.known[it.key]
	switch {
	case r == nil && it.value == "":
		t.note(it.line, it.name, "not known; empty")
	case r == nil:
		t.note(it.line, it.name, "not known")
	case r.secret && it.value != "":
		t.note(it.line, it.name+" = "+config.Mask, r.why)
	default:
		t.note(it.line, it.name+" = "+it.value, r.why)
	}
}

// done is the file, with its notes in order.
func (t *translation) done() File {
	sortNotes(t.file.Notes)
	if t.more > 0 {
		t.file.Notes = append(t.file.Notes, Note{Text: fmt.Sprintf("%d more", t.more), Why: "items that are not used"})
	}
	return t.file
}
