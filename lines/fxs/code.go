package fxs

import "strings"

// Star codes are taken out of what is dialled before the plan sees it.

// SetCodes names the star codes that are acted on, as they are dialled: "*72". One is complete
// at once, unless a longer one begins with it.
func (p *Port) SetCodes(codes []string) { p.codes = codes }

// tookCode tells whether a key goes on with a star code, and takes it if so.
func (p *Port) tookCode(key byte) bool {
	dialled := string(p.keys) + string(key)
	code, longer := p.code(dialled)
	if !code && !longer {
		return false
	}
	p.keys = append(p.keys, key)
	p.warming = false
	p.silence()
	p.deadline = p.now + codeWait
	if !longer {
		p.emitCode()
	}
	return true
}

// code tells whether keys are a star code, and whether they are the beginning of another.
func (p *Port) code(dialled string) (whole, longer bool) {
	for _, c := range p.codes {
		whole = whole || c == dialled
		longer = longer || len(c) > len(dialled) && strings.HasPrefix(c, dialled)
	}
	return whole, longer
}

func (p *Port) isCode() bool {
	whole, _ := p.code(string(p.keys))
	return whole
}

func (p *Port) emitCode() {
	p.emit(Event{Kind: Coded, Number: string(p.keys), Keys: string(p.keys)})
	p.keys, p.coded = p.keys[:0], true
	p.deadline = p.now + codeWait
}

// catchUp takes the keys that were dialled on while the owner made up its mind about a code.
func (p *Port) catchUp() {
	for len(p.ahead) > 0 && !p.coded {
		key := p.ahead[0]
		p.ahead = append(p.ahead[:0], p.ahead[1:]...)
		p.pressed(key)
	}
}
