package format

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Dial plans of other makers, made into ours (docs/operator.md tells its syntax). A plan
// with a rule that cannot be meant here is left out whole: with one rule less, numbers
// could no longer be dialled. Only rules that no telephone has the keys for are dropped.

// Limits of a plan here.
const (
	maxPlanText     = 2048
	maxPlanRules    = 128
	maxPlanElements = 60
	maxPlanWait     = 60 // seconds
)

// A planRule is one rule of either maker.
type planRule struct {
	elements []planElement
	block    bool
	short    string // Sn, verbatim; empty: none
	long     string
	dead     bool // it wants keys that no telephone has
}

// A planElement takes one key, or none and sends something instead of dropped ones.
type planElement struct {
	keys   uint16 // by their place in planKeys; 0: none
	repeat bool
	drop   bool
	send   string
}

const (
	planKeys = "0123456789*#ABCD"
	planAny  = uint16(1<<10 - 1)
)

func planKey(c byte) uint16 {
	if i := strings.IndexByte(planKeys, c); i >= 0 {
		return 1 << i
	}
	return 0
}

// errHard is why a plan is left out.
var errHard = errors.New("it has no counterpart in a dial plan here")

// A planReader reads the rules that two makers' syntaxes share.
type planReader struct {
	text  string
	at    int
	comma bool // a second dial tone was asked for
}

// peek is the next character that is not blank; 0: the end.
func (p *planReader) peek() byte {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t') {
		p.at++
	}
	if p.at == len(p.text) {
		return 0
	}
	return p.text[p.at]
}

// take passes over a character, if it is the next.
//
//go:noinline
func (p *planReader) take(c byte) bool {
	if p.peek() != c {
		return false
	}
	p.at++
	return true
}

func (p *planReader) hard() error {
	if p.peek() == 0 {
		return fmt.Errorf("it ends too early; %w", errHard)
	}
	return fmt.Errorf("character %d, %q: %w", p.at+1, p.text[p.at], errHard)
}

func (p *planReader) digits() string {
	p.peek()
	start := p.at
	for p.at < len(p.text) && p.text[p.at] >= '0' && p.text[p.at] <= '9' {
		p.at++
	}
	return p.text[start:p.at]
}

// keys reads a key, x or a set; 0: something else.
func (p *planReader) keys() (uint16, error) {
	switch c := p.peek(); {
	case c == '[':
		return p.set()
	case c == 'x' || c == 'X':
		p.at++
		return planAny, nil
	default:
		k := planKey(c)
		if k != 0 {
			p.at++
		}
		return k, nil
	}
}

func (p *planReader) set() (keys uint16, err error) {
	p.at++
	for !p.take(']') {
		if p.take(',') { // [1-3,5]
			continue
		}
		c := p.peek()
		from := planKey(c)
		if c == 'x' || c == 'X' {
			from = planAny
		}
		if from == 0 {
			return 0, p.hard()
		}
		p.at++
		keys |= from
		if !p.take('-') {
			continue
		}
		to := planKey(p.peek())
		if to == 0 || from&(from-1) != 0 || from > planAny || to > planAny || to < from {
			return 0, p.hard()
		}
		p.at++
		keys |= to<<1 - from
	}
	if keys == 0 {
		return 0, p.hard()
	}
	return keys, nil
}

// replacement reads <taken:sent>, with the maker's sign between them.
func (p *planReader) replacement(r *planRule, sign byte) error {
	p.at++
	for !p.take(sign) {
		if p.take(',') {
			p.comma = true
			continue
		}
		keys, err := p.keys()
		if err != nil || keys == 0 {
			return cmpErr(err, p.hard())
		}
		r.elements = append(r.elements, planElement{keys: keys, drop: true})
	}
	var sent []byte
	for !p.take('>') {
		c := p.peek()
		if planKey(c) == 0 && c != '+' {
			return p.hard()
		}
		sent = append(sent, c)
		p.at++
	}
	r.elements = append(r.elements, planElement{send: string(sent)})
	return nil
}

func cmpErr(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

// again makes the last element one that may be repeated.
func (r *planRule) again() bool {
	last := len(r.elements) - 1
	if last < 0 || r.elements[last].keys == 0 || r.elements[last].drop {
		return false
	}
	r.elements[last].repeat = true
	return true
}

// pattern is what a rule matches, without what it sends.
func (r *planRule) pattern() string {
	var b strings.Builder
	for _, e := range r.elements {
		if e.keys != 0 {
			fmt.Fprintf(&b, "%x%t ", e.keys, e.repeat)
		}
	}
	return b.String()
}

// write is the rule in our syntax.
func (r *planRule) write(b *strings.Builder) {
	open := false
	for _, e := range r.elements {
		switch {
		case e.keys == 0:
			if !open {
				b.WriteByte('<')
			}
			b.WriteString(":" + e.send + ">")
			open = false
		case e.drop && !open:
			open = true
			b.WriteByte('<')
			fallthrough
		default:
			writeKeys(b, e.keys)
			if e.repeat {
				b.WriteByte('.')
			}
		}
	}
	if r.block {
		b.WriteByte('!')
	}
	b.WriteString(r.short + r.long)
}

func writeKeys(b *strings.Builder, keys uint16) {
	if keys == planAny {
		b.WriteByte('x')
		return
	}
	if keys&(keys-1) == 0 {
		b.WriteByte(planKeys[placeOf(keys)])
		return
	}
	b.WriteByte('[')
	for i := 0; i < len(planKeys); i++ {
		if keys>>i&1 == 0 {
			continue
		}
		run := i
		for run < 9 && keys>>(run+1)&1 != 0 {
			run++
		}
		b.WriteByte(planKeys[i])
		if run > i+1 && i < 10 {
			b.WriteByte('-')
			b.WriteByte(planKeys[run])
			i = run
		}
	}
	b.WriteByte(']')
}

func placeOf(key uint16) int {
	i := 0
	for key > 1 {
		key >>= 1
		i++
	}
	return i
}

// compose writes a plan of ours. What bars numbers comes first, for here the first rule
// that matches counts; of two rules with one pattern, the second is dropped.
func compose(rules []planRule, emergency []string, waits string) (text, why string, err error) {
	var notes []string
	kept := make([]planRule, 0, len(rules))
	seen := make(map[string]bool)
	var b strings.Builder
	b.WriteByte('(')
	for _, number := range emergency {
		var r planRule
		for _, c := range []byte(number) {
			r.elements = append(r.elements, planElement{keys: planKey(c)})
		}
		if !seen[r.pattern()] {
			seen[r.pattern()] = true
			b.WriteString("E:" + number + "|")
		}
	}
	for _, r := range barredFirst(rules) {
		switch pattern := r.pattern(); {
		case r.dead:
			notes = append(notes, "a rule with keys that no telephone has is dropped")
		case len(r.elements) > maxPlanElements:
			return "", "", fmt.Errorf("a rule of more than %d keys; %w", maxPlanElements, errHard)
		case seen[pattern]:
			notes = append(notes, "a rule with the pattern of an earlier one is dropped")
		default:
			seen[pattern] = true
			kept = append(kept, r)
		}
	}
	if len(kept) == 0 || len(kept) > maxPlanRules {
		return "", "", fmt.Errorf("%d rules; %w", len(kept), errHard)
	}
	for i := range kept {
		if i > 0 {
			b.WriteByte('|')
		}
		kept[i].write(&b)
	}
	if waits != "" {
		b.WriteString("|" + waits)
	}
	b.WriteByte(')')
	if b.Len() > maxPlanText {
		return "", "", fmt.Errorf("longer than %d characters", maxPlanText)
	}
	return b.String(), strings.Join(slices.Compact(notes), "; "), nil
}

func barredFirst(rules []planRule) []planRule {
	all := make([]planRule, 0, len(rules))
	for _, block := range []bool{true, false} {
		for _, r := range rules {
			if r.block == block {
				all = append(all, r)
			}
		}
	}
	return all
}

// wait is a suffix Sn or Ln for seconds from 1 to the most here; else empty.
func wait(letter, seconds string) string {
	n, err := strconv.Atoi(seconds)
	if err != nil || n < 1 || n > maxPlanWait {
		return ""
	}
	return letter + strconv.Itoa(n)
}
