package words

import (
	"context"
	"sort"
	"strconv"
	"strings"
)

// Told is what the device told in English, as its interface does, in the visitor's language: a
// whole sentence of the catalogue, or one with something in the places of its verbs, or several
// of them. What the catalogue lacks, and what others said (servers, files), stays as it is.
func Told(ctx context.Context, text string) string {
	c, _ := ctx.Value(catalogueKey{}).(*Catalogue)
	return c.Told(text)
}

// Told is the text in the catalogue's language; without a catalogue the text itself.
func (c *Catalogue) Told(text string) string {
	if c == nil || len(text) > maxTold {
		return text
	}
	return c.told(text, maxDepth)
}

const (
	maxTold  = 4 << 10 // octets that are worth looking at
	maxDepth = 6       // of sentences in sentences
)

// told translates a text as a whole, or else its parts.
func (c *Catalogue) told(text string, depth int) string {
	if depth == 0 || !strings.ContainsFunc(text, isLetter) {
		return text
	}
	if s, ok := c.sentence(text, depth); ok {
		return s
	}
	for _, prefix := range []string{": ", "; ", ", ", " "} {
		if rest, ok := strings.CutPrefix(text, prefix); ok {
			return prefix + c.told(rest, depth-1)
		}
	}
	for i := range text {
		if left, sep, right, ok := cut(text, i); ok {
			if s, ok := c.sentence(left, depth); ok {
				return s + sep + c.told(right, depth-1)
			}
		}
	}
	for i := range text {
		if left, sep, right, ok := cut(text, i); ok {
			if s, ok := c.sentence(right, depth); ok {
				return left + sep + s
			}
		}
	}
	return text
}

// cut parts a text behind the i-th octet, where one sentence may end and another one begin.
func cut(text string, i int) (left, sep, right string, ok bool) {
	if i+2 >= len(text) || text[i+1] != ' ' {
		return "", "", "", false
	}
	switch text[i] {
	case '.':
		return text[:i+1], " ", text[i+2:], true
	case ';', ':':
		return text[:i], text[i : i+2], text[i+2:], true
	}
	return "", "", "", false
}

// sentence translates what is one sentence of the catalogue, with its full stop or without.
func (c *Catalogue) sentence(text string, depth int) (string, bool) {
	if s, ok := c.exactly(text, depth); ok {
		return s, true
	}
	bare, stops := strings.CutSuffix(text, ".")
	if !stops {
		return "", false
	}
	s, ok := c.exactly(bare, depth)
	return s + ".", ok
}

func (c *Catalogue) exactly(text string, depth int) (string, bool) {
	if s, ok := c.Sentences[text]; ok {
		return s, true
	}
	for _, p := range c.forms() {
		if args, ok := p.match(text); ok {
			for i := range args {
				args[i] = c.told(args[i], depth-1)
			}
			return fill(p.translation, args), true
		}
	}
	return "", false
}

// A form is a sentence with verbs: what stands between them, and its translation.
type form struct {
	parts       []string
	translation string
}

// forms are the sentences that have verbs, those that say most first.
func (c *Catalogue) forms() []form {
	c.once.Do(func() {
		for english, translation := range c.Sentences {
			if f := (form{between(english), translation}); len(f.parts) > 1 && f.letters() >= leastLetters {
				c.all = append(c.all, f)
			}
		}
		sort.Slice(c.all, func(i, j int) bool {
			a, b := c.all[i], c.all[j]
			if x, y := a.letters(), b.letters(); x != y {
				return x > y
			}
			return strings.Join(a.parts, "%") < strings.Join(b.parts, "%")
		})
	})
	return c.all
}

// leastLetters is how much a form has to say besides what stands in it: else it fits anything.
const leastLetters = 5

func (f form) letters() (n int) {
	for _, p := range f.parts {
		for _, r := range p {
			if isLetter(r) {
				n++
			}
		}
	}
	return n
}

func isLetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 0x7f }

// match finds what stands in the places of the verbs.
func (f form) match(text string) (args []string, ok bool) {
	rest, ok := strings.CutPrefix(text, f.parts[0])
	if !ok {
		return nil, false
	}
	last := len(f.parts) - 1
	for _, part := range f.parts[1:last] {
		at := strings.Index(rest, part)
		if at < 0 {
			return nil, false
		}
		args = append(args, rest[:at])
		rest = rest[at+len(part):]
	}
	if rest, ok = strings.CutSuffix(rest, f.parts[last]); !ok {
		return nil, false
	}
	return append(args, rest), true
}

// between parts a sentence at its verbs.
func between(s string) (parts []string) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		if s[i+1] == '%' {
			b.WriteByte('%')
			i++
			continue
		}
		for i++; i+1 < len(s) && strings.IndexByte("[]0123456789.+-# ", s[i]) >= 0; i++ {
		}
		parts = append(parts, b.String())
		b.Reset()
	}
	return append(parts, b.String())
}

// fill writes args into the places of a translation's verbs, by their order or number.
func fill(s string, args []string) string {
	var b strings.Builder
	next := 0
	for i := 0; i < len(s); i++ {
		if s[i] != '%' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		if s[i] == '%' {
			b.WriteByte('%')
			continue
		}
		for ; i+1 < len(s) && strings.IndexByte("[]0123456789.+-# ", s[i]) >= 0; i++ {
			if s[i] == '[' {
				if end := strings.IndexByte(s[i:], ']'); end > 0 {
					if n, err := strconv.Atoi(s[i+1 : i+end]); err == nil {
						next = n - 1
					}
				}
			}
		}
		if next >= 0 && next < len(args) {
			b.WriteString(args[next])
		}
		next++
	}
	return b.String()
}
