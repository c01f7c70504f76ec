package t30

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

func (x *tester) send(w []string, text string) error {
	switch w[0] {
	case "flags":
		d, err := seconds(w[1])
		if err != nil {
			return err
		}
		x.t.Carrier(ChannelV21, CarrierUp)
		if err := x.pass(d); err != nil {
			return err
		}
		x.t.Carrier(ChannelV21, CarrierDown)
		x.lastGot = x.now()
		return x.look()
	case "TCF", "image", "ECM":
		return x.sendFast(w)
	}
	var frames [][]byte
	var bad []bool
	parts := strings.Split(text, ",")
	for i, part := range parts {
		octets, wrong, err := x.frame(strings.Fields(part), i == len(parts)-1)
		if err != nil {
			return err
		}
		frames, bad = append(frames, octets), append(bad, wrong)
		x.gaveDIS = x.gaveDIS || x.t.cfg.Calling && !wrong && len(octets) >= 6 && octets[2] == byte(DIS)
	}
	return x.sendV21(frames, bad)
}

func (x *tester) sendV21(frames [][]byte, bad []bool) error {
	if err := x.pass(pauseTurn + flagsHeard); err != nil {
		return err
	}
	x.t.Carrier(ChannelV21, CarrierUp)
	if err := x.pass(SampleRate - flagsHeard); err != nil {
		return err
	}
	for i, o := range frames {
		if err := x.pass(int64(len(o)+3) * 8 * SampleRate / 300); err != nil {
			return err
		}
		x.t.Frame(ChannelV21, o, i >= len(bad) || !bad[i])
	}
	x.t.Carrier(ChannelV21, CarrierDown)
	x.lastGot = x.now()
	return x.look()
}

// sendFast plays TCF, image or ECM.
func (x *tester) sendFast(w []string) error {
	kind := Kind(slices.Index(kindNames[:], w[0]))
	m, ok := modulationByName[w[1]]
	if !ok {
		return fmt.Errorf("no modulation %s", w[1])
	}
	has := func(word string) bool { return slices.Contains(w, word) }
	if err := x.pass(pauseTurn + SampleRate/50); err != nil {
		return err
	}
	listening := x.t.Listening()
	heard := !has("unheard")
	if hears := listening.Fast == kind && listening.Modulation == m; hears != heard {
		return fmt.Errorf("the terminal listens for %v at %v", listening.Fast, listening.Modulation)
	}
	if heard && m.IsV17() && listening.Short != (has("short") || kind != TCF && !has("long")) {
		return fmt.Errorf("the terminal expects short training: %v", listening.Short)
	}
	heard = heard && !has("lost")
	event := func(e CarrierEvent) {
		if heard && !has("unmarked") {
			x.t.Carrier(ChannelFast, e)
		}
	}
	event(CarrierUp)
	if err := x.pass(trainingLength(m, has("short"))); err != nil {
		return err
	}
	if trained := !has("untrained"); trained {
		event(CarrierTrained)
	} else {
		event(CarrierFailed)
		heard = false
	}
	if err := x.data(kind, m, w, heard); err != nil {
		return err
	}
	heard = !has("unheard") && !has("lost")
	event(CarrierDown)
	x.lastGot = x.now()
	return x.look()
}

func (x *tester) data(kind Kind, m Modulation, w []string, heard bool) error {
	bad := slices.Contains(w, "bad")
	if kind == ECM {
		return x.dataECM(m, w, heard)
	}
	n := m.BitRate() * 3 / 16
	if kind == Image {
		var err error
		if n, err = strconv.Atoi(w[2]); err != nil {
			return err
		}
	}
	for sent := 0; sent < n; sent += 45 {
		buf := make([]byte, min(45, n-sent))
		if kind == Image || bad {
			for i := range buf {
				buf[i] = byte(sent + i*7)
			}
		}
		if err := x.pass(int64(len(buf)) * 8 * SampleRate / int64(m.BitRate())); err != nil {
			return err
		}
		if heard {
			x.t.Octets(buf)
		}
		if slices.Contains(w, "hole") && sent/45 == n/90 {
			x.t.Carrier(ChannelFast, CarrierDown)
			if err := x.pass(SampleRate / 10); err != nil {
				return err
			}
			x.t.Carrier(ChannelFast, CarrierUp)
			x.t.Carrier(ChannelFast, CarrierTrained)
		}
	}
	return nil
}

func (x *tester) dataECM(m Modulation, w []string, heard bool) error {
	list, err := parseRanges(w[2])
	if err != nil {
		return err
	}
	size := x.command.FrameOctets()
	for _, n := range list {
		o := append([]byte{Address, ControlMore, byte(FCD), byte(n)}, bytes.Repeat([]byte{byte(n + 1)}, size)...)
		if err := x.pass(int64(len(o)+3) * 8 * SampleRate / int64(m.BitRate())); err != nil {
			return err
		}
		if heard {
			x.t.Frame(ChannelFast, o, true)
		}
	}
	for range 3 {
		if heard {
			x.t.Frame(ChannelFast, []byte{Address, ControlMore, byte(RCP)}, true)
		}
	}
	return nil
}
