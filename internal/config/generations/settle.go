package generations

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// A Report tells what Open found and did. Its zero value: all was in order.
type Report struct {
	State     error    // why config/state was not believed; what is current was found by local.ini
	Fell      int      // this one was current, and is not to be had
	Broken    []error  // the generations that are not to be had, each with its reason
	Refreshed bool     // local.ini was overwritten, which a cut had prevented
	Adopted   int      // local.ini had been edited; the generation that this became
	Refused   error    // local.ini had been edited; why that is not in force
	Unread    error    // why local.ini could not be read
	Swept     []string // what a cut had left half made or half removed
	Unwritten error    // what Open would have written; it holds for this run only
}

// Lines are sentences about the report, for a log; none if all was in order.
func (r Report) Lines() []string {
	var lines []string
	say := func(when bool, format string, args ...any) {
		if when {
			lines = append(lines, fmt.Sprintf(format, args...))
		}
	}
	say(r.State != nil, "what is current was forgotten and is guessed: %v", r.State)
	for _, err := range r.Broken {
		say(true, "configuration not usable: %v", err)
	}
	say(r.Fell != 0, "generation %d gave way to another one", r.Fell)
	say(r.Refreshed, "local.ini was brought up to date after an interruption")
	say(r.Adopted != 0, "local.ini was edited: generation %d", r.Adopted)
	say(r.Refused != nil, "local.ini was edited and is not used: %v", r.Refused)
	say(r.Unread != nil, "local.ini is not readable: %v", r.Unread)
	say(len(r.Swept) > 0, "removed what an interruption left: %s", strings.Join(r.Swept, ", "))
	say(r.Unwritten != nil, "not written: %v", r.Unwritten)
	return lines
}

// settle finds what is in force and puts in order what is not. As long as something
// cannot be read for another reason than being broken, it writes nothing.
func (s *Store) settle(r *Report) error {
	s.unsaved, s.blind = nil, nil
	sure, err := s.readState(r)
	if err != nil {
		return err
	}
	names, err := s.fs.List(s.path("generations"))
	r.doubt(err)
	sure = s.survey(names, r) && sure && err == nil
	found := s.readLocal()
	r.Unread = found.err
	if s.onDisk == nil && r.State == nil && len(s.whole)+len(s.refused) > 0 {
		r.State = fmt.Errorf("%s: %w: it is missing", s.path(stateFile), ErrBroken)
	}
	if r.State != nil {
		s.settleAs(s.guess(found), sure, r)
	}
	s.fall(found, sure, r)
	s.settleLocal(found, sure, r)
	if sure {
		s.sweep(names, r)
	}
	return nil
}

// doubt notes the first thing that was not written.
func (r *Report) doubt(err error) {
	if r.Unwritten == nil {
		r.Unwritten = err
	}
}

// settleAs puts next in force, if need be for this run only.
func (s *Store) settleAs(next state, sure bool, r *Report) {
	if sure {
		err := s.commit(next)
		r.doubt(err)
	}
	s.state = next
}

// readState reads config/state; sure is false if it may be whole and was not read.
func (s *Store) readState(r *Report) (sure bool, err error) {
	s.state, s.onDisk = factory(), nil
	data, err := s.fs.Read(s.path(stateFile), maxState)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		r.State = missing(err)
		if errors.Is(r.State, ErrBroken) {
			return true, nil
		}
		s.blind = r.State
		return false, nil
	}
	found, err := decodeState(data)
	switch {
	case errors.Is(err, ErrNewer):
		return false, fmt.Errorf("%s: %w", s.path(stateFile), err)
	case err != nil:
		r.State = fmt.Errorf("%s: %w", s.path(stateFile), err)
	default:
		s.state, s.onDisk = found, data
	}
	return true, nil
}

// survey checks every generation; sure is false if one may be whole and was not read.
func (s *Store) survey(names []string, r *Report) (sure bool) {
	var numbers []int
	for _, name := range names {
		if n, ok := numbered(name); ok && n > s.state.Floor {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	s.whole, s.refused, sure = nil, nil, true
	for _, n := range numbers {
		m, _, err := s.read(n)
		if err == nil {
			s.whole = append(s.whole, m)
			continue
		}
		s.refused = append(s.refused, refusal{n, err})
		r.Broken = append(r.Broken, err)
		sure = sure && (errors.Is(err, ErrBroken) || errors.Is(err, ErrNewer))
	}
	return sure
}

// guess makes a state where there is none to be believed: what is current is the newest
// generation whose local layer local.ini is, else the newest.
func (s *Store) guess(found local) state {
	guessed := factory()
	guessed.Last = s.next() - 1
	guessed.Current = s.newest(func(Verdict) bool { return true })
	for _, m := range s.whole {
		if m.Local.SHA256 == found.digest {
			guessed.Current = m.N
		}
	}
	guessed.Local = s.digestOf(guessed.Current)
	return guessed
}

// fall replaces a current generation that is not to be had: by the newest good one, else
// the newest that is not bad, else by none; then local.ini counts as edited, for what is in
// it is all there is left.
func (s *Store) fall(found local, sure bool, r *Report) {
	if s.state.Current == 0 || s.has(s.state.Current) {
		return
	}
	r.Fell = s.state.Current
	to := s.newest(func(v Verdict) bool { return v == Good })
	if to == 0 {
		to = s.newest(func(v Verdict) bool { return v != Bad })
	}
	if !sure {
		s.standIn(to, found, r)
		return
	}
	next := s.draft()
	delete(next.Verdicts, next.Current)
	next.Current = to
	if to == 0 || s.edited(found) {
		next.Local, next.Replaces = s.digestOf(to), ""
	} else if next.refreshes(found, s.digestOf(to)); next.Replaces != "" {
		r.doubt(s.putAside(found))
	}
	s.settleAs(next, sure, r)
}

// standIn has a generation in force for this run, or what is in local.ini.
func (s *Store) standIn(n int, found local, r *Report) {
	if n == 0 {
		s.unsaved = &Generation{}
		s.settleEdit(found, false, r)
		return
	}
	if _, g, err := s.read(n); err == nil {
		s.unsaved = &g
	}
}

// settleLocal compares local.ini with the local layer in force.
func (s *Store) settleLocal(found local, sure bool, r *Report) {
	switch {
	case found.digest == s.state.Local:
		if s.state.Replaces != "" {
			next := s.draft()
			next.Replaces = ""
			s.settleAs(next, sure, r)
		}
	case found.digest == s.state.Replaces:
		if sure {
			g, err := s.current()
			if err == nil {
				err = s.refresh(g.Local)
			}
			r.doubt(err)
			r.Refreshed = err == nil
		}
	case found.err == nil && !(s.unsaved != nil && s.unsaved.By == ByFile):
		s.settleEdit(found, sure, r)
	}
}

// settleEdit lets an edit of local.ini win, if need be for this run only.
func (s *Store) settleEdit(found local, sure bool, r *Report) {
	c, err := s.withLocal(found.text)
	if err == nil && s.opts.Check != nil {
		err = s.opts.Check(c)
	}
	if err != nil {
		r.Refused = err
		return
	}
	if sure {
		r.Adopted, err = s.adopt(c)
		if err == nil {
			return
		}
		r.doubt(err)
	}
	r.Adopted = 0
	s.unsaved = &Generation{Made: s.now(), Verdict: Unproven, Content: c}
}
