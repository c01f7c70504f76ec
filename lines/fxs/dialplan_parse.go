package fxs

import (
	"cmp"
	"fmt"
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
			r.text = strings.TrimSpace(s.text[start:s.at])
			p.rules = append(p.rules, r)
		case r.block || r.emergency || r.waits == waits{}:
			return nil, s.fault(start, "a rule without a pattern")
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
	if s.skip('E') {
		if !s.skip(':') {
			return r, s.unexpected("want : after E")
		}
		r.emergency = true
	}
	for {
		start := s.at
		elements, err := s.elements()
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
	return r, s.suffixes(&r)
}

// elements reads one key or set with its dot, or one replacement; none at anything else.
func (s *planScanner) elements() ([]element, error) {
	if s.skip('<') {
		return s.replacement()
	}
	keys, err := s.keys()
	if keys == 0 || err != nil {
		return nil, err
	}
	return []element{{keys: keys, repeat: s.skip('.')}}, nil
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
		s.at++
		keys |= from
		if !s.skip('-') {
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
		keys |= to<<1 - from
	}
	if keys == 0 {
		return 0, s.fault(start, "an empty set")
	}
	return keys, nil
}

func (s *planScanner) replacement() (elements []element, err error) {
	start := s.at - 1
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
	var sent []byte
	for !s.skip('>') {
		c := s.peek()
		if keyOf(c) == 0 && c != '+' {
			return nil, s.unexpected("want a key, + or > in <dialled:sent>")
		}
		s.at++
		sent = append(sent, c)
	}
	switch {
	case len(sent) > maxSubstitute:
		return nil, s.fault(start, "more than %d keys sent instead", maxSubstitute)
	case len(elements) == 0 && len(sent) == 0:
		return nil, s.fault(start, "<:> does nothing")
	case s.peek() == '.':
		return nil, s.fault(s.at, "a dot cannot follow <dialled:sent>")
	}
	return append(elements, element{send: string(sent)}), nil
}

// suffixes reads !, Sn and Ln.
func (s *planScanner) suffixes(r *rule) error {
	for {
		start := s.at
		switch s.peek() {
		case '!':
			s.at++
			r.block = true
		case 'S':
			s.at++
			n, err := s.seconds(start)
			if err != nil {
				return err
			}
			if r.waits.short = n; n == 0 {
				r.waits.short = atOnce
			}
		case 'L':
			s.at++
			n, err := s.seconds(start)
			if err != nil {
				return err
			}
			if r.waits.long = n; n == 0 {
				return s.fault(start, "L0 would leave no time to dial")
			}
		default:
			return nil
		}
	}
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
