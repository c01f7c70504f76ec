package generations

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Limits of config/state.
const (
	MaxBad  = 32      // keys that are remembered as bad; the oldest go first
	MaxKey  = 128     // hexadecimal digits of a key
	MaxMemo = 2 << 10 // octets of each text in a Memory

	maxState    = 64 << 10
	maxVerdicts = 256
	maxN        = 1 << 30
)

// A Memory is what provisioning knows between two attempts and over a restart.
type Memory struct {
	Source       string    `json:"source,omitempty"`        // who said last what there is for this device
	URL          string    `json:"url,omitempty"`           // where was fetched last; without its password
	ETag         string    `json:"etag,omitempty"`          // of the answer, RFC 9110 section 8.8.3
	LastModified string    `json:"last_modified,omitempty"` // of the answer, as the server wrote it
	Key          string    `json:"key,omitempty"`           // digest of what was fetched last, hexadecimal
	Seal         int64     `json:"seal,omitempty"`          // highest version of a sealed file that was applied
	Clock        time.Time `json:"clock,omitzero"`          // the clock when it was last known to be right
	Failure      string    `json:"failure,omitempty"`       // what failed last, in any words that are equal for equal failures
	Failures     int       `json:"failures,omitempty"`      // how often it did, one after the other
	Starts       int       `json:"starts,omitempty"`        // of the program with the generation that is on trial
}

// state is config/state: all that is not in a generation itself. Replacing it is what
// makes a change.
type state struct {
	Current  int             `json:"current"`            // 0: the factory's state
	Last     int             `json:"last"`               // the highest number that was given out
	Floor    int             `json:"floor,omitempty"`    // generations up to this one are gone by a factory reset
	Local    string          `json:"local"`              // digest of Current's local layer
	Replaces string          `json:"replaces,omitempty"` // digest of the local.ini that is yet to give way to it
	Verdicts map[int]Verdict `json:"verdicts,omitempty"` // what is not here is unproven
	Bad      []string        `json:"bad,omitempty"`      // keys, oldest first
	Memory   Memory          `json:"memory"`
}

const stateWord = "tipring-state"

// factory is the state of a device that has no generation.
func factory() state { return state{Local: digest(nil)} }

// draft is a copy of the state to change, without the verdicts about what is gone.
func (s *Store) draft() state {
	next := s.state
	next.Bad = slices.Clone(next.Bad)
	next.Verdicts = maps.Clone(next.Verdicts)
	maps.DeleteFunc(next.Verdicts, func(n int, _ Verdict) bool {
		return !s.has(n) && !slices.ContainsFunc(s.refused, func(r refusal) bool { return r.n == n })
	})
	return next
}

func (s state) verdict(n int) Verdict {
	if v, ok := s.Verdicts[n]; ok {
		return v
	}
	return Unproven
}

// judge notes a verdict. One generation at most is on trial.
func (s *state) judge(n int, v Verdict) {
	if s.Verdicts == nil {
		s.Verdicts = make(map[int]Verdict)
	}
	if v == Trial {
		maps.DeleteFunc(s.Verdicts, func(_ int, v Verdict) bool { return v == Trial })
	}
	s.Verdicts[n] = v
	if v == Unproven {
		delete(s.Verdicts, n)
	}
}

// note remembers the key of what was judged: a bad one as bad, a good one no longer.
func (s *state) note(key string, v Verdict) {
	if key == "" || v != Good && v != Bad {
		return
	}
	s.Bad = slices.DeleteFunc(s.Bad, func(k string) bool { return k == key })
	if v == Bad {
		s.Bad = append(s.Bad, key)
		s.Bad = s.Bad[max(0, len(s.Bad)-MaxBad):]
	}
}

func (s state) encode() ([]byte, error) {
	body, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	return seal(stateWord, version, body), nil
}

func decodeState(data []byte) (state, error) {
	body, err := unseal(stateWord, data)
	if err != nil {
		return state{}, err
	}
	var s state
	if err := json.Unmarshal(body, &s); err != nil {
		return state{}, fmt.Errorf("%w: %v", ErrBroken, err)
	}
	if err := s.valid(); err != nil {
		return state{}, fmt.Errorf("%w: %v", ErrBroken, err)
	}
	return s, nil
}

// valid tells what this program would not have written.
func (s state) valid() error {
	if s.Floor < 0 || s.Last > maxN || s.Floor > s.Last || s.Current < 0 || s.Current > s.Last || s.Current != 0 && s.Current <= s.Floor {
		return fmt.Errorf("generation %d of %d to %d", s.Current, s.Floor+1, s.Last)
	}
	if !isHex(s.Local, 64) || s.Replaces != "" && !isHex(s.Replaces, 64) {
		return fmt.Errorf("a digest of local.ini %q, %q", s.Local, s.Replaces)
	}
	for n, v := range s.Verdicts {
		if n <= 0 || n > maxN || !v.valid() {
			return fmt.Errorf("generation %d judged %q", n, v)
		}
	}
	if len(s.Verdicts) > maxVerdicts {
		return fmt.Errorf("%d verdicts", len(s.Verdicts))
	}
	if len(s.Bad) > MaxBad {
		return fmt.Errorf("%d bad keys", len(s.Bad))
	}
	for _, key := range s.Bad {
		if err := validKey(key); err != nil {
			return err
		}
	}
	return s.Memory.valid()
}

func validKey(key string) error {
	if len(key) > MaxKey || !isHex(key, len(key)) {
		return fmt.Errorf("key %.20q: wanted at most %d hexadecimal digits in lower case", key, MaxKey)
	}
	return nil
}

func (m Memory) valid() error {
	for _, text := range []string{m.Source, m.URL, m.ETag, m.LastModified, m.Failure} {
		if err := validText(text); err != nil {
			return err
		}
	}
	if m.Seal < 0 || m.Failures < 0 || m.Starts < 0 {
		return fmt.Errorf("version %d, %d failures", m.Seal, m.Failures)
	}
	return validKey(m.Key)
}
