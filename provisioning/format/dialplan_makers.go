package format

import (
	"strings"
)

// grandstreamPlan reads { ^1900x+ | <=1617>[2-9]xxxxxx | 1xxx. }: x+ is one or more, a dot
// none or more of what stands before it, ^ in front bars a number.
func grandstreamPlan(text string) ([]planRule, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "{") && strings.HasSuffix(text, "}") {
		text = text[1 : len(text)-1]
	}
	p := &planReader{text: text}
	var rules []planRule
	for {
		r, err := p.grandstreamRule()
		if err != nil {
			return nil, err
		}
		rules = append(rules, r)
		if !p.take('|') {
			break
		}
	}
	if p.peek() != 0 {
		return nil, p.hard()
	}
	return rules, nil
}

func (p *planReader) grandstreamRule() (r planRule, err error) {
	r.block = p.take('^')
	for {
		switch c := p.peek(); {
		case c == 0 || c == '|':
			if len(r.elements) == 0 && !r.dead {
				return r, p.hard()
			}
			return r, nil
		case c == '<':
			err = p.replacement(&r, '=')
		case c == '.':
			p.at++
			if !r.again() && !r.dead {
				return r, p.hard()
			}
		case c == '+':
			p.at++
			err = p.oneOrMore(&r)
		case c == '\\':
			p.at++
			p.literal(&r)
		default:
			err = p.plain(&r)
		}
		if err != nil {
			return r, err
		}
	}
}

// oneOrMore makes two elements of the last: one, and none or more of it.
func (p *planReader) oneOrMore(r *planRule) error {
	last := len(r.elements) - 1
	switch {
	case r.dead, last >= 0 && r.elements[last].repeat:
		return nil
	case last < 0 || r.elements[last].keys == 0 || r.elements[last].drop:
		return p.hard()
	}
	r.elements = append(r.elements, r.elements[last])
	r.again()
	return nil
}

// literal reads an escaped character. Of most a telephone has no key.
func (p *planReader) literal(r *planRule) {
	k := planKey(p.peek())
	if k == 0 {
		r.dead = true
	} else {
		r.elements = append(r.elements, planElement{keys: k})
	}
	if p.peek() != 0 {
		p.at++
	}
}

// plain reads a key, x or a set.
func (p *planReader) plain(r *planRule) error {
	if c := p.peek(); c >= 'a' && c <= 'd' {
		r.elements = append(r.elements, planElement{keys: planKey(c - 'a' + 'A')})
		p.at++
		return nil
	}
	keys, err := p.keys()
	if err == nil && keys == 0 {
		err = p.hard()
	}
	r.elements = append(r.elements, planElement{keys: keys})
	return err
}

// A ciscoPlan is a dial plan of Cisco's with what else it says.
type ciscoPlan struct {
	rules   []planRule
	waits   string // of all rules
	hotline string // number that is dialled by itself; empty: none
	delay   string // seconds before it
	comma   bool   // it has second dial tones
}

// readCiscoPlan reads (L:10,S:3,9,<:1408>[2-9]xxxxxx|P0<:1000>|1900xxxxxxx!|xx.): here the
// syntax is ours but for the comma of a second dial tone, timers in front, and P of a
// hotline.
func readCiscoPlan(text string) (plan ciscoPlan, err error) {
	p := &planReader{text: text}
	var outer planRule
	if err := p.timers(&outer); err != nil {
		return plan, err
	}
	if !p.take('(') {
		return plan, p.hard()
	}
	if err := p.timers(&outer); err != nil {
		return plan, err
	}
	plan.waits = outer.short + outer.long
	for {
		if p.take('P') {
			err = p.hotline(&plan)
		} else {
			var r planRule
			r, err = p.ciscoRule()
			plan.rules = append(plan.rules, r)
		}
		if err != nil {
			return plan, err
		}
		if !p.take('|') {
			break
		}
	}
	plan.comma = p.comma
	if !p.take(')') || p.peek() != 0 {
		return plan, p.hard()
	}
	return plan, nil
}

// timers reads L:10, and S:3, in front of a plan or a rule.
func (p *planReader) timers(r *planRule) error {
	for {
		letter := p.peek()
		if letter != 'L' && letter != 'S' {
			return nil
		}
		start := p.at
		p.at++
		if !p.take(':') {
			p.at = start
			return nil
		}
		seconds := p.digits()
		text := wait(string(letter), seconds)
		if letter == 'S' && seconds == "0" {
			text = "S0"
		}
		if text == "" || !p.take(',') {
			return p.hard()
		}
		if letter == 'L' {
			r.long = text
		} else {
			r.short = text
		}
	}
}

func (p *planReader) ciscoRule() (r planRule, err error) {
	if err := p.timers(&r); err != nil {
		return r, err
	}
	for {
		switch c := p.peek(); c {
		case 0, '|', ')':
			if len(r.elements) == 0 {
				return r, p.hard()
			}
			return r, nil
		case '<':
			err = p.replacement(&r, ':')
		case '.':
			if p.at++; !r.again() {
				return r, p.hard()
			}
		case ',':
			p.at++
			p.comma = true
		case '!':
			p.at++
			r.block = true
		case 'S', 'L':
			err = p.suffix(&r, c)
		default:
			err = p.plain(&r)
		}
		if err != nil {
			return r, err
		}
	}
}

func (p *planReader) suffix(r *planRule, letter byte) error {
	p.at++
	seconds := p.digits()
	text := wait(string(letter), seconds)
	if letter == 'S' && seconds == "0" {
		text = "S0"
	}
	if text == "" {
		return p.hard()
	}
	if letter == 'L' {
		r.long = text
	} else {
		r.short = text
	}
	return nil
}

// hotline reads what follows the P of P0<:1000>.
func (p *planReader) hotline(plan *ciscoPlan) error {
	plan.delay = p.digits()
	if plan.delay == "" {
		plan.delay = "0"
	}
	if !p.take('<') || !p.take(':') {
		return p.hard()
	}
	start := p.at
	for p.peek() != 0 && p.peek() != '>' {
		p.at++
	}
	plan.hotline = strings.TrimSpace(p.text[start:p.at])
	if !p.take('>') || plan.hotline == "" {
		return p.hard()
	}
	return nil
}
