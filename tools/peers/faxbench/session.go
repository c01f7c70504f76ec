package main

import (
	"fmt"
	"strings"
	"sync"

	"tipring/internal/dsp/line"
)

// A session is a modem's recordings and everybody's receivers for them.
type session struct {
	b          *bench
	modem      string
	recordings []recording
	ears       [][]ears // by worker and maker
}

// An outcome is what a receiver made of a recording's last burst.
type outcome struct {
	trained      bool
	bits, errors int
}

func (o outcome) clean() bool { return o.trained && o.errors == 0 }

// open makes trials recordings of bursts of n bits, the same ones whenever it is asked.
func (b *bench) open(modem, train string, n, trials int) (*session, error) {
	s := &session{b: b, modem: modem}
	for i := range trials {
		r, err := b.record(modem, train, n, uint64(i))
		if err != nil {
			return nil, err
		}
		s.recordings = append(s.recordings, r)
	}
	for range b.workers {
		var each []ears
		for _, m := range b.makers {
			e, err := m.listen(b.ctx, modem, train)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", m.name, err)
			}
			each = append(each, e)
		}
		s.ears = append(s.ears, each)
	}
	return s, nil
}

func (s *session) close() {
	for _, each := range s.ears {
		for _, e := range each {
			_ = e.Close()
		}
	}
}

// try sends every recording over its line and returns what became of it, by maker and
// trial. All makers hear the same samples.
func (s *session) try(model func(trial int) line.Model) ([][]outcome, error) {
	outcomes := make([][]outcome, len(s.b.makers))
	for i := range outcomes {
		outcomes[i] = make([]outcome, len(s.recordings))
	}
	return outcomes, s.each(func(trial int, by []ears) error {
		heard := line.New(model(trial)).Run(s.recordings[trial].samples)
		for i, e := range by {
			lines, err := e.Hear(heard)
			if err != nil {
				return err
			}
			outcomes[i][trial] = judge(lines, s.recordings[trial].bits)
		}
		return nil
	})
}

// hear returns the lines themselves, by maker and trial.
func (s *session) hear(change func(trial int, samples []int16) []int16) ([][][]string, error) {
	all := make([][][]string, len(s.b.makers))
	for i := range all {
		all[i] = make([][]string, len(s.recordings))
	}
	return all, s.each(func(trial int, by []ears) (err error) {
		heard := change(trial, s.recordings[trial].samples)
		for i, e := range by {
			if all[i][trial], err = e.Hear(heard); err != nil {
				return err
			}
		}
		return nil
	})
}

// each spreads the trials over the workers.
func (s *session) each(do func(trial int, by []ears) error) error {
	trials := make(chan int)
	errs := make([]error, len(s.ears))
	var wg sync.WaitGroup
	for w, by := range s.ears {
		wg.Go(func() {
			for trial := range trials {
				if errs[w] == nil {
					errs[w] = do(trial, by)
				}
			}
		})
	}
	for trial := range s.recordings {
		trials <- trial
	}
	close(trials)
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return s.b.ctx.Err()
}

// judge compares the last burst. A receiver that heard fewer bursts than were sent did
// not train on the last one; of pieces of a single burst the longest counts.
func judge(lines, sent []string) outcome {
	want := sent[len(sent)-1]
	if len(lines) < len(sent) {
		return outcome{}
	}
	got := lines[len(lines)-1]
	if len(sent) == 1 {
		for _, l := range lines {
			if len(l) > len(got) {
				got = l
			}
		}
	}
	return outcome{true, len(want), differences(want, got)}
}

// A receiver may give a few bits more or fewer before the data than were sent; V.21 gives
// the flags.
const maxShift = 96

// differences counts the bits of want that got has not, missing ones included, at the
// shift where the beginnings agree best.
func differences(want, got string) int {
	head := min(len(want), 2000)
	best, at := head+1, 0
	for shift := -maxShift; shift <= maxShift; shift++ {
		if n := differ(want[:head], got, shift); n < best {
			best, at = n, shift
		}
	}
	return differ(want, got, at)
}

func differ(want, got string, shift int) int {
	n := 0
	for i := range len(want) {
		if k := i + shift; k < 0 || k >= len(got) || got[k] != want[i] {
			n++
		}
	}
	return n
}

// tail says whether one of the lines holds a burst's last n bits.
func tail(lines []string, sent string, n int) bool {
	for _, l := range lines {
		if strings.Contains(l, sent[len(sent)-n:]) {
			return true
		}
	}
	return false
}
