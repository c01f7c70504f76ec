package fxs

import (
	"cmp"
	"strings"

	"tipring/internal/sipmsg"
)

// A Plan says which numbers can be dialled, and what becomes of them.
//
//	(rule|rule|...)
//
// A rule is a pattern of keys: 0 to 9, * and # as they are, x any digit, [2-9*] one of a
// set, and a dot after any of these for none or more of it. A comma gives a second dial tone there. <a:b> stands for the keys a and
// sends b; a or b may be empty. After the pattern, in any order: ! the number may not be
// dialled; S0 send it at once although more could follow; Sn wait n seconds for more once
// the pattern is complete; Ln wait n seconds while it is not. E: in front marks an
// emergency number. A rule of nothing but Sn and Ln sets the waits of all that name none.
//
// Where several rules match, one for an emergency number counts, else the first. A number that is complete under one
// rule and could not become anything else under any is sent at once.
type Plan struct {
	rules []rule
	waits waits
}

// Limits of a plan.
const (
	maxPlanText   = 4096
	maxRules      = 128
	maxElements   = 60 // of a rule
	MaxDialled    = 60 // keys that a port takes of one number
	maxWaitS      = 60
	defaultWait   = 4  // seconds
	emergencyWait = 2  // at most, once an emergency number is complete whose rule names none
	maxSubstitute = 40 // keys sent for those that were dialled
)

type rule struct {
	text      string
	start     int // in the plan's text
	elements  []element
	waits     waits
	block     bool
	emergency bool
}

// element matches one key, or none and adds to what is sent.
type element struct {
	keys   keySet // empty: matches no key
	repeat bool   // none or more
	drop   bool   // the key is not sent
	send   string // if it matches no key
	tone   bool   // a second dial tone comes here
}

// waits are in seconds; 0 is one that is not set, atOnce no wait at all.
type waits struct{ short, long int }

const atOnce = -1

// keySet is a set of keys, by their place in planKeys.
type keySet uint16

const planKeys = "0123456789*#ABCD"

const anyDigit = keySet(1<<10 - 1)

func keyOf(c byte) keySet {
	if i := strings.IndexByte(planKeys, c); i >= 0 {
		return 1 << i
	}
	return 0
}

// Outcome is what a plan makes of the keys dialled so far.
type Outcome uint8

const (
	NoMatch    Outcome = iota // no rule can match any more
	Incomplete                // more must follow
	Complete                  // a number; more may follow
	SendNow                   // a number, and certain
	Barred                    // a number that may not be dialled
)

var outcomeNames = [...]string{"no match", "incomplete", "complete", "send", "barred"}

// String returns the outcome in words.
func (o Outcome) String() string { return outcomeNames[o] }

// Verdict is what a plan says about the keys dialled so far.
type Verdict struct {
	Outcome   Outcome
	Number    string // to send; of Complete and SendNow
	Emergency bool
	Rule      string // the text of the rule that decided, if one did
	WaitS     int    // how long to wait for the next key; of Incomplete and Complete
	Tone      bool   // a second dial tone asks for it
}

// waiting is the same plan with another wait where it names none, in seconds; 0: as it is.
func (p *Plan) waiting(s int) *Plan {
	if s == 0 {
		return p
	}
	other := *p
	other.waits.short, other.waits.long = cmp.Or(p.waits.short, s), cmp.Or(p.waits.long, s)
	return &other
}

// Look returns what the plan says about these keys.
func (p *Plan) Look(dialled string) Verdict {
	winner, wait, more, tone := p.decide(dialled)
	switch {
	case winner == nil && !more:
		return Verdict{Outcome: NoMatch}
	case winner == nil:
		return Verdict{Outcome: Incomplete, WaitS: wait, Tone: tone}
	case more && wait > 0:
		v := winner.verdict(dialled)
		v.Outcome, v.WaitS, v.Tone = Complete, wait, tone
		return v
	}
	return winner.verdict(dialled)
}

// Final returns what the plan says when no more keys will come: SendNow, Barred or NoMatch.
func (p *Plan) Final(dialled string) Verdict {
	if winner, _, _, _ := p.decide(dialled); winner != nil {
		return winner.verdict(dialled)
	}
	return Verdict{Outcome: NoMatch}
}

// Emergency tells whether a number is one of an emergency, as it is dialled or as it is sent; in an
// address its user counts.
func (p *Plan) Emergency(number string) bool {
	number = sipmsg.UserOf(number)
	for i := range p.rules {
		r := &p.rules[i]
		if !r.emergency {
			continue
		}
		if whole, _, _ := r.follow(number); whole || r.mayBecome(number) {
			return true
		}
	}
	return false
}

// mayBecome tells whether the rule may make that number of what is dialled.
func (r *rule) mayBecome(number string) bool {
	var sent rule
	for _, e := range r.elements {
		if e.keys != 0 && !e.drop {
			sent.elements = append(sent.elements, e)
		}
		for i := range len(e.send) {
			sent.elements = append(sent.elements, element{keys: keyOf(e.send[i])})
		}
	}
	if strings.Contains(number, "+") || len(sent.elements) > maxElements {
		return false // no emergency number is that of a country or longer
	}
	whole, _, _ := sent.follow(number)
	return whole
}

// decide returns the first rule that matches, how many seconds to wait for a next key,
// whether any rule could take one, and whether a tone asks for it.
func (p *Plan) decide(dialled string) (winner *rule, wait int, more, tone bool) {
	for i := range p.rules {
		r := &p.rules[i]
		complete, open, asks := r.follow(dialled)
		tone = tone || asks
		if complete && winner == nil {
			winner = r
		}
		if open {
			more = true
			wait = max(wait, cmp.Or(r.waits.long, p.waits.long, defaultWait))
		}
	}
	if winner != nil {
		wait = cmp.Or(winner.waits.short, p.waits.short, defaultWait)
		if winner.emergency && winner.waits.short == 0 {
			wait = min(wait, emergencyWait)
		}
	}
	return winner, max(wait, 0), more, tone
}

// verdict is what becomes of keys that the rule matches.
func (r *rule) verdict(dialled string) Verdict {
	v := Verdict{Outcome: Barred, Rule: r.text, Emergency: r.emergency}
	if r.block {
		return v
	}
	if v.Number = r.rewrite(dialled); v.Number != "" {
		v.Outcome = SendNow
	}
	return v
}

// states is a set of places in a rule; place i is before its i-th element.
type states uint64

// follow tells whether the keys are all that a rule wants, whether it would take another, and
// whether it asks for that by a tone.
func (r *rule) follow(dialled string) (complete, open, asks bool) {
	at := r.settle(1)
	for i := 0; i < len(dialled) && at != 0; i++ {
		at = r.step(at, keyOf(dialled[i]))
	}
	for n, e := range r.elements {
		open = open || at>>n&1 != 0 && e.keys != 0
		asks = asks || at>>n&1 != 0 && e.tone
	}
	return at>>len(r.elements)&1 != 0, open, asks
}

// step is where a key leads from some places.
func (r *rule) step(at states, key keySet) states {
	next := states(0)
	for n, e := range r.elements {
		switch {
		case at>>n&1 == 0 || e.keys&key == 0:
		case e.repeat:
			next |= 1 << n
		default:
			next |= 1 << (n + 1)
		}
	}
	return r.settle(next)
}

// settle adds the places that are reached without a key.
func (r *rule) settle(at states) states {
	for n, e := range r.elements {
		if at>>n&1 != 0 && (e.repeat || e.keys == 0) {
			at |= 1 << (n + 1)
		}
	}
	return at
}

// rewrite returns what is sent for keys that the rule matches. Where they can be matched
// in several ways, repeated elements take as many keys as they can.
func (r *rule) rewrite(dialled string) string {
	var dead [maxElements + 1]uint64 // per place: the numbers of keys from which nothing comes
	var out []byte
	var walk func(n, k int) bool
	walk = func(n, k int) bool {
		if n == len(r.elements) {
			return k == len(dialled)
		}
		if dead[n]>>k&1 != 0 {
			return false
		}
		e, sent := r.elements[n], len(out)
		if e.keys == 0 {
			out = append(out, e.send...)
			if walk(n+1, k) {
				return true
			}
		} else if k < len(dialled) && e.keys&keyOf(dialled[k]) != 0 {
			if !e.drop {
				out = append(out, dialled[k])
			}
			next := n + 1
			if e.repeat {
				next = n
			}
			if walk(next, k+1) {
				return true
			}
		}
		out = out[:sent]
		if e.repeat && walk(n+1, k) {
			return true
		}
		dead[n] |= 1 << k
		return false
	}
	if len(dialled) > MaxDialled || !walk(0, 0) {
		return ""
	}
	return string(out)
}
