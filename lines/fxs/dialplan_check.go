package fxs

// What can be written in a dial plan and cannot be meant. A rule that does nothing, or
// something else than it says, is refused like one that cannot be read: its author learns
// of it from tipring check, and not from a telephone that does not reach its number.

// places tell where a rule's parts stand in the text, for its faults.
type places struct {
	start            int // of the rule
	dot              int // the first; -1: none
	tone             int // the last; -1: none
	replacement      int // the first; -1: none
	plus             int // a + that is not sent first; -1: none
	block, emergency int // -1: none
	short, long      int // -1: none
}

func newPlaces(start int) places {
	return places{start: start, dot: -1, tone: -1, replacement: -1, plus: -1, block: -1, emergency: -1, short: -1, long: -1}
}

// sense returns the fault of a rule whose parts do not go together.
func (s *planScanner) sense(r *rule, at places) error {
	switch {
	case at.emergency >= 0 && at.block >= 0:
		return s.fault(at.block, "an emergency number cannot be barred")
	case at.emergency >= 0 && at.dot >= 0:
		return s.fault(at.dot, "an emergency number has an end: no dot after E:")
	case at.tone >= 0 && (r.elements[0].tone || r.elements[len(r.elements)-1].tone):
		return s.fault(at.tone, "a second dial tone stands between keys")
	case at.block >= 0 && at.replacement >= 0:
		return s.fault(at.replacement, "a barred number is not sent: nothing can be replaced in it")
	case !r.takesKeys():
		return s.fault(at.start, "a rule without a key to dial")
	case at.block < 0 && !r.sends():
		return s.fault(at.start, "a rule that sends nothing: ! bars a number")
	case at.plus >= 0:
		return s.fault(at.plus, "'+' can only be the first that is sent")
	case r.waits.short == atOnce && at.block < 0 && r.elements[len(r.elements)-1].repeat:
		return s.fault(at.short, "S0 after a dot sends before the dot can take a key")
	}
	return nil
}

// takesKeys reports a rule that some key leads into.
func (r *rule) takesKeys() bool {
	for _, e := range r.elements {
		if e.keys != 0 {
			return true
		}
	}
	return false
}

// sends reports a rule that can send anything.
func (r *rule) sends() bool {
	for _, e := range r.elements {
		if e.send != "" || e.keys != 0 && !e.drop {
			return true
		}
	}
	return false
}

// samePattern reports two rules that match the same keys in the same way.
func (r *rule) samePattern(o *rule) bool {
	i, j := 0, 0
	for {
		for i < len(r.elements) && r.elements[i].keys == 0 {
			i++
		}
		for j < len(o.elements) && o.elements[j].keys == 0 {
			j++
		}
		if i == len(r.elements) || j == len(o.elements) {
			return i == len(r.elements) && j == len(o.elements)
		}
		if a, b := r.elements[i], o.elements[j]; a.keys != b.keys || a.repeat != b.repeat {
			return false
		}
		i, j = i+1, j+1
	}
}

// unreachable returns the rule that is there for nothing: its pattern is that of an
// earlier one, or it bars only numbers that earlier ones let through.
func (p *Plan) unreachable() (r, earlier *rule) {
	work := maxShadowWork
	for i := range p.rules {
		r := &p.rules[i]
		for j := range p.rules[:i] {
			if r.samePattern(&p.rules[j]) {
				return r, &p.rules[j]
			}
		}
		if r.block && shadowed(r, p.rules[:i], &work) {
			return r, nil
		}
	}
	return nil, nil
}

// maxShadowWork bounds, in elements looked at, how long rules are searched for numbers.
const maxShadowWork = 1 << 21

// shadowed reports that each number that a rule matches is matched by one of the rules
// before it. With too much to look at, it is taken for false.
func shadowed(r *rule, before []rule, work *int) bool {
	if len(before) == 0 {
		return false
	}
	all := append([]*rule{r}, pointers(before)...)
	start := make([]states, len(all))
	for i, o := range all {
		start[i] = o.settle(1)
	}
	seen := map[string]bool{}
	for waiting := [][]states{start}; len(waiting) > 0; waiting = waiting[1:] {
		for key := keySet(1); key != 0; key <<= 1 { // of all planKeys
			next := make([]states, len(all))
			for i, o := range all {
				next[i] = o.step(waiting[0][i], key)
				*work -= len(o.elements)
			}
			if *work < 0 {
				return false
			}
			if next[0] == 0 || seen[placeKey(next)] {
				continue
			}
			seen[placeKey(next)] = true
			if complete(all[:1], next[:1]) && !complete(all[1:], next[1:]) {
				return false
			}
			waiting = append(waiting, next)
		}
	}
	return true
}

// complete reports that one of the rules has all the keys that it wants.
func complete(rules []*rule, at []states) bool {
	for i, r := range rules {
		if at[i]>>len(r.elements)&1 != 0 {
			return true
		}
	}
	return false
}

func pointers(rules []rule) []*rule {
	all := make([]*rule, len(rules))
	for i := range rules {
		all[i] = &rules[i]
	}
	return all
}

// placeKey makes places in several rules a map's key.
func placeKey(at []states) string {
	b := make([]byte, 0, 8*len(at))
	for _, s := range at {
		for range 8 {
			b = append(b, byte(s))
			s >>= 8
		}
	}
	return string(b)
}
