package fxs

import (
	"cmp"
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// PlanError is a fault in the text of a dial plan.
type PlanError struct {
	At     int // octets from the beginning
	Reason string
}

func (e *PlanError) Error() string {
	return fmt.Sprintf("dial plan, character %d: %s", e.At+1, e.Reason)
}

// ParsePlan reads a dial plan.
func ParsePlan(text string) (*Plan, error) {
	s := &planScanner{text: text}
	p, err := s.plan()
	if err != nil {
		return nil, err
	}
	return p, nil
}

// DefaultPlan lets any number be dialled, one of the country's emergency numbers as such;
// a # that is not the first key ends it.
func DefaultPlan(c *Country) (*Plan, error) {
	var b strings.Builder
	b.WriteByte('(')
	if c != nil {
		for _, n := range c.Emergency {
			b.WriteString("E:" + n + "|")
		}
	}
	b.WriteString("[0-9*#][0-9*].)")
	return ParsePlan(b.String())
}

type planScanner struct {
	text string
	at   int
}

func (s *planScanner) fault(at int, format string, args ...any) error {
	return &PlanError{At: at, Reason: fmt.Sprintf(format, args...)}
}

// peek returns the next character that is not blank, or 0 at the end.
func (s *planScanner) peek() byte {
	for s.at < len(s.text) && (s.text[s.at] == ' ' || s.text[s.at] == '\t') {
		s.at++
	}
	if s.at == len(s.text) {
		return 0
	}
	return s.text[s.at]
}

func (s *planScanner) skip(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.at++
	return true
}

func (s *planScanner) plan() (*Plan, error) {
	if len(s.text) > maxPlanText {
		return nil, s.fault(maxPlanText, "longer than %d characters", maxPlanText)
	}
	if !s.skip('(') {
		return nil, s.fault(s.at, "want ( first")
	}
	p := new(Plan)
	for {
		s.peek()
		start := s.at
		r, err := s.rule()
		if err != nil {
			return nil, err
		}
		next := s.peek()
		switch {
		case next != '|' && next != ')':
			return nil, s.unexpected("want |, ) or a key")
		case len(r.elements) > 0 && len(p.rules) == maxRules:
			return nil, s.fault(start, "more than %d rules", maxRules)
		case len(r.elements) > 0:
			r.text, r.start = strings.TrimSpace(s.text[start:s.at]), start
			p.rules = append(p.rules, r)
		case r.block || r.emergency || r.waits == waits{}:
			return nil, s.fault(start, "a rule without a pattern")
		case r.waits.short != 0 && p.waits.short != 0:
			return nil, s.fault(start, "S for all rules is set already")
		case r.waits.long != 0 && p.waits.long != 0:
			return nil, s.fault(start, "L for all rules is set already")
		default:
			p.waits = waits{cmp.Or(r.waits.short, p.waits.short), cmp.Or(r.waits.long, p.waits.long)}
		}
		if s.at++; next == ')' {
			break
		}
	}
	if s.peek() != 0 {
		return nil, s.unexpected("want nothing after )")
	}
	if len(p.rules) == 0 {
		return nil, s.fault(0, "no rule has a pattern")
	}
	// Who calls for help must not depend on the order of somebody's rules.
	sort.SliceStable(p.rules, func(i, j int) bool { return p.rules[i].emergency && !p.rules[j].emergency })
	switch r, earlier := p.unreachable(); {
	case earlier != nil && r.start < earlier.start:
		return nil, s.fault(earlier.start, "the same pattern as in %s", r.text)
	case earlier != nil:
		return nil, s.fault(r.start, "the same pattern as in %s", earlier.text)
	case r != nil:
		return nil, s.fault(r.start, "it bars nothing: the rules before it let all its numbers through")
	}
	return p, nil
}

// unexpected is the fault of what comes next.
func (s *planScanner) unexpected(want string) error {
	if c := s.peek(); c != 0 {
		return s.fault(s.at, "%q: %s", c, want)
	}
	return s.fault(s.at, "it ends: %s", want)
}

func (s *planScanner) rule() (r rule, err error) {
	s.peek()
	at := newPlaces(s.at)
	if s.peek() == 'E' {
		at.emergency = s.at
		s.at++
		if !s.skip(':') {
			return r, s.unexpected("want : after E")
		}
		r.emergency = true
	}
	for {
		s.peek()
		start := s.at
		elements, err := s.elements(&at, len(r.elements) > 0 && r.sends())
		if err != nil {
			return r, err
		}
		if elements == nil {
			break
		}
		if r.elements = append(r.elements, elements...); len(r.elements) > maxElements {
			return r, s.fault(start, "more than %d keys in a rule", maxElements)
		}
	}
	if err := s.suffixes(&r, &at); err != nil || len(r.elements) == 0 {
		return r, err
	}
	return r, s.sense(&r, at)
}

// elements reads one key or set with its dot, or one replacement; none at anything else.
// sending tells that what stands before it may send a key.
func (s *planScanner) elements(at *places, sending bool) ([]element, error) {
	start := s.at
	if s.skip(',') {
		at.tone = start
		return []element{{tone: true}}, nil
	}
	if s.skip('<') {
		if at.replacement < 0 {
			at.replacement = start
		}
		return s.replacement(at, sending)
	}
	keys, err := s.keys()
	if keys == 0 || err != nil {
		return nil, err
	}
	e := element{keys: keys}
	if s.peek() == '.' {
		if at.dot < 0 {
			at.dot = s.at
		}
		s.at++
		e.repeat = true
	}
	return []element{e}, nil
}

// keys reads a key, x, or a set; 0 at anything else.
func (s *planScanner) keys() (keySet, error) {
	switch c := s.peek(); {
	case c == '[':
		return s.set()
	case c == 'x' || c == 'X':
		s.at++
		return anyDigit, nil
	default:
		k := keyOf(c)
		if k != 0 {
			s.at++
		}
		return k, nil
	}
}

func (s *planScanner) set() (keys keySet, err error) {
	start := s.at
	s.at++
	for !s.skip(']') {
		first := s.peek()
		from := keyOf(first)
		if from == 0 {
			return 0, s.unexpected("want a key, a range or ] in a set")
		}
		place := s.at
		s.at++
		if !s.skip('-') {
			if keys&from != 0 {
				return 0, s.fault(place, "%c twice in a set, which is of single keys", first)
			}
			keys |= from
			continue
		}
		last := s.peek()
		to := keyOf(last)
		switch {
		case to == 0 || from&anyDigit == 0 || to&anyDigit == 0:
			return 0, s.fault(s.at, "a range goes from one digit to another")
		case to < from:
			return 0, s.fault(s.at, "the range %c-%c runs backwards", first, last)
		}
		s.at++
		if keys&(to<<1-from) != 0 {
			return 0, s.fault(place, "%c-%c overlaps what stands before it in the set", first, last)
		}
		keys |= to<<1 - from
	}
	if keys == 0 {
		return 0, s.fault(start, "an empty set")
	}
	return keys, nil
}

func (s *planScanner) replacement(at *places, sending bool) (elements []element, err error) {
	start := s.at - 1
	from := s.at
	for !s.skip(':') {
		keys, err := s.keys()
		if err != nil {
			return nil, err
		}
		if keys == 0 {
			return nil, s.unexpected("want a key or : in <dialled:sent>")
		}
		elements = append(elements, element{keys: keys, drop: true})
	}
	taken := strings.TrimSpace(s.text[from : s.at-1])
	var sent []byte
	for !s.skip('>') {
		c := s.peek()
		if keyOf(c) == 0 && c != '+' {
			return nil, s.unexpected("want a key, + or > in <dialled:sent>")
		}
		if c == '+' && at.plus < 0 && (sending || len(sent) > 0) {
			at.plus = s.at
		}
		s.at++
		sent = append(sent, c)
	}
	switch {
	case len(sent) > maxSubstitute:
		return nil, s.fault(start, "more than %d keys sent instead", maxSubstitute)
	case len(elements) == 0 && len(sent) == 0:
		return nil, s.fault(start, "<:> does nothing")
	case taken == string(sent):
		return nil, s.fault(start, "<%s:%s> replaces nothing", taken, sent)
	case s.peek() == '.':
		return nil, s.fault(s.at, "a dot cannot follow <dialled:sent>")
	}
	return append(elements, element{send: string(sent)}), nil
}

// suffixes reads !, Sn and Ln, each once.
func (s *planScanner) suffixes(r *rule, at *places) error {
	for {
		c := s.peek()
		start := s.at
		var earlier *int
		switch c {
		case '!':
			earlier = &at.block
		case 'S':
			earlier = &at.short
		case 'L':
			earlier = &at.long
		default:
			return nil
		}
		if *earlier >= 0 {
			return s.fault(start, "%c twice in a rule", c)
		}
		*earlier = start
		s.at++
		if err := s.suffix(r, c, start); err != nil {
			return err
		}
	}
}

// suffix takes over what one suffix says.
func (s *planScanner) suffix(r *rule, c byte, start int) error {
	if c == '!' {
		r.block = true
		return nil
	}
	n, err := s.seconds(start)
	switch {
	case err != nil:
		return err
	case c == 'S':
		r.waits.short = cmp.Or(n, atOnce)
	case n == 0:
		return s.fault(start, "L0 would leave no time to dial")
	default:
		r.waits.long = n
	}
	return nil
}

func (s *planScanner) seconds(start int) (int, error) {
	first := s.at
	for s.at < len(s.text) && s.text[s.at] >= '0' && s.text[s.at] <= '9' {
		s.at++
	}
	n, err := strconv.Atoi(s.text[first:s.at])
	if err != nil || n > maxWaitS {
		return 0, s.fault(start, "want S or L with 0 to %d seconds", maxWaitS)
	}
	return n, nil
}
