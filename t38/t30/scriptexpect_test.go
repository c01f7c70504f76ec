package t30

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// patience is how long the tester waits for a signal that is not bounded by the script.
const patience = 40 * SampleRate

func (x *tester) expect(w []string, text string) error {
	from, to := int64(0), int64(patience)
	if a, b, ok := strings.Cut(w[0], ".."); ok {
		var err1, err2 error
		from, err1 = seconds(a)
		to, err2 = seconds(b)
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		text = strings.TrimSpace(strings.TrimPrefix(text, w[0]))
		w = w[1:]
	}
	if w[0] == "nothing" {
		d, err := seconds(w[1])
		if err != nil {
			return err
		}
		return x.pass(d)
	}
	last := max(x.lastSent, x.lastGot)
	for {
		if _, err := x.advance(last + to + 1 - x.now()); err != nil {
			return err
		}
		s := x.t.Sending()
		if s.Kind != CNG || w[0] == "CNG" {
			break
		}
		x.t.Advance(s.Samples)
		x.t.Sent(s.Serial)
		if err := x.look(); err != nil {
			return err
		}
	}
	s := x.t.Sending()
	if s.Kind == Nothing || s.Kind == Silence {
		return fmt.Errorf("the terminal says nothing for %.2f s", float64(x.now()-last)/SampleRate)
	}
	if after := x.now() - last; after < from {
		return fmt.Errorf("too early, after %.2f s: %s", float64(after)/SampleRate, x.describe())
	}
	if pause := x.now() - last; last > 0 && pause < SampleRate*55/1000 {
		return fmt.Errorf("only %d samples after the last signal: %s", pause, x.describe())
	}
	if err := x.match(s, w, text); err != nil {
		return err
	}
	x.lastSent = x.now()
	x.t.Sent(s.Serial)
	return x.look()
}

// match takes the terminal's signal and compares it with what is expected.
func (x *tester) match(s Transmission, w []string, text string) error {
	switch s.Kind {
	case CNG, CED:
		if w[0] != s.Kind.String() {
			return fmt.Errorf("it is %v", s.Kind)
		}
		x.t.Advance(s.Samples)
		return nil
	case V21:
		return x.matchFrames(text)
	}
	if s.Modulation != x.command.Modulation {
		return fmt.Errorf("%v at %v, but DCS or CTC said %v", s.Kind, s.Modulation, x.command.Modulation)
	}
	have := []string{s.Kind.String(), s.Modulation.String(), "long"}
	if s.Short {
		have[2] = "short"
	}
	x.t.Advance(int(trainingLength(s.Modulation, s.Short)))
	if s.Kind == ECM {
		have = append(have, "frames="+x.takeECM(s))
	} else if n, zeros := x.takeOctets(s); s.Kind == TCF && (!zeros || n != s.Modulation.BitRate()*3/16) {
		return fmt.Errorf("TCF of %d octets, zero: %v", n, zeros)
	}
	for _, word := range w {
		if !slices.Contains(have, word) {
			return fmt.Errorf("it is %v", have)
		}
	}
	return nil
}

func (x *tester) takeOctets(s Transmission) (n int, zeros bool) {
	var buf [100]byte
	zeros = true
	for k := x.t.ReadOctets(buf[:]); k > 0; k = x.t.ReadOctets(buf[:]) {
		n += k
		zeros = zeros && len(bytes.Trim(buf[:k], "\x00")) == 0
	}
	x.t.Advance(n * 8 * SampleRate / s.Modulation.BitRate())
	return n, zeros
}

func (x *tester) takeECM(s Transmission) string {
	var numbers []int
	octets := 0
	for o := x.t.NextFrame(); o != nil; o = x.t.NextFrame() {
		octets += len(o) + 3
		if o[2] == byte(FCD) {
			numbers = append(numbers, int(o[3]))
		}
	}
	x.t.Advance(octets * 8 * SampleRate / s.Modulation.BitRate())
	return formatRanges(numbers)
}

func formatRanges(list []int) string {
	var parts []string
	for i := 0; i < len(list); {
		j := i
		for j+1 < len(list) && list[j+1] == list[j]+1 {
			j++
		}
		if part := strconv.Itoa(list[i]); i == j {
			parts = append(parts, part)
		} else {
			parts = append(parts, part+"-"+strconv.Itoa(list[j]))
		}
		i = j + 1
	}
	return strings.Join(parts, ",")
}

func parseRanges(s string) (list []int, err error) {
	for _, part := range strings.Split(s, ",") {
		a, b, ok := strings.Cut(part, "-")
		if !ok {
			b = a
		}
		from, err1 := strconv.Atoi(a)
		to, err2 := strconv.Atoi(b)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		for n := from; n <= to; n++ {
			list = append(list, n)
		}
	}
	return list, nil
}

func (x *tester) matchFrames(text string) error {
	x.said = nil
	var have []string
	octets := 0
	for o := x.t.NextFrame(); o != nil; o = x.t.NextFrame() {
		x.said = append(x.said, bytes.Clone(o))
		octets += len(o) + 3
		f, ok := ParseFrame(o)
		if !ok {
			return fmt.Errorf("sends % X, which is no frame", o)
		}
		if takesX(o[2]) && f.X != x.gaveDIS {
			return fmt.Errorf("wrong X bit: % X", o)
		}
		if c, err := ParseCommand(f.Info); f.FCF == DCS && err == nil {
			x.command = c
		}
		if m, err := Bits(f.Info).rate(); f.FCF == CTC && err == nil {
			x.command.Modulation = m
		}
		have = append(have, f.String())
	}
	x.t.Advance(SampleRate + octets*8*SampleRate/300)
	want := strings.Split(text, ",")
	if len(want) != len(have) {
		return fmt.Errorf("it is %q", have)
	}
	for i := range want {
		words := strings.Fields(have[i])
		for _, word := range strings.Fields(want[i]) {
			if no, negative := strings.CutPrefix(word, "!"); negative == slices.Contains(words, no) {
				return fmt.Errorf("it is %q", have)
			}
		}
	}
	for i, o := range x.said {
		if f, _ := ParseFrame(o); f.Final != (i == len(x.said)-1) {
			return fmt.Errorf("frame %d of %q: final is %v", i, have, f.Final)
		}
	}
	return nil
}

// endPatience is how long the terminal may take to its end.
const endPatience = 200 * SampleRate

func (x *tester) verdict(w []string) error {
	x.over = true
	for waited := int64(0); !x.t.Done(); {
		if err := x.pass(SampleRate / 10); err != nil {
			return err
		}
		if waited += SampleRate / 10; waited > endPatience {
			return errors.New("the terminal does not end")
		}
	}
	r := x.t.Result()
	name := map[string]int{"sent": r.Sent, "received": r.Received, "rejected": r.Rejected, "rate": r.BitRate,
		"trainings": r.Trainings, "failures": r.Failures, "repeats": r.Repeats, "repairs": r.Repairs, "stored": -1}
	if x.sink != nil {
		name["stored"] = len(x.sink.pages)
	}
	if code, err := strconv.Atoi(w[0]); err != nil || Code(code) != r.Code {
		return fmt.Errorf("the call ended with %d: %v", r.Code, r.Code)
	}
	for _, s := range w[1:] {
		key, value, _ := strings.Cut(s, "=")
		if key == "peer" {
			if r.Peer.Ident != value {
				return fmt.Errorf("the peer is %q", r.Peer.Ident)
			}
			continue
		}
		n, err := strconv.Atoi(value)
		if have, ok := name[key]; err != nil || !ok || have != n {
			return fmt.Errorf("%s is %d", key, have)
		}
	}
	return nil
}
