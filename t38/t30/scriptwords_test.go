package t30

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

var modulationByName = func() map[string]Modulation {
	m := map[string]Modulation{}
	for i := V27ter2400; i <= V17At14400; i++ {
		m[i.String()] = i
	}
	return m
}()

// configure makes the terminal: "calling" or "called"; "send=PAGES" or "send=PAGESxOCTETS" with
// "changing" (each page has another resolution); "receive"; "ecm" "ecm64" "crp" "operator";
// "copies=good,bad,poor"; "busy=N"; "rate=N"; and settings by their name.
func (x *tester) configure(w []string) error {
	var c Config
	changing := false
	for _, s := range w {
		key, value, _ := strings.Cut(s, "=")
		n, _ := strconv.Atoi(value)
		switch key {
		case "calling", "called":
			c.Calling = key == "calling"
		case "send":
			pages, octets, sized := strings.Cut(value, "x")
			count, _ := strconv.Atoi(pages)
			size := 1000
			if sized {
				size, _ = strconv.Atoi(octets)
			}
			x.doc = textPages(count, size)
			c.Source = x.doc
		case "changing":
			changing = true
		case "receive":
			x.sink = &testSink{}
			c.Sink = x.sink
		case "copies":
			for _, name := range strings.Split(value, ",") {
				x.sink.copies = append(x.sink.copies, map[string]Copy{
					"good": {Rows: 1000}, "poor": {Rows: 1000, BadRows: 30}, "bad": {Rows: 1000, BadRows: 300}}[name])
			}
		case "busy":
			x.sink.busy = n
		case "ecm":
			c.ECM = true
		case "ecm64":
			c.ECM, c.ECM64 = true, true
		case "crp":
			c.CRP = true
		case "operator":
			c.Operator = func() bool { return true }
		case "refuse":
			c.Admit = func(Peer) bool { return false }
		case "rate":
			c.MaxBitRate = n
		case "only":
			c.Modulations = Modulations(V27ter2400)
			for _, name := range strings.Split(value, ",") {
				c.Modulations |= Modulations(modulationByName[name])
			}
		case "B4":
			c.MaxWidth, c.MaxLength = B4Width, B4Length
		case "MH":
			c.Codings = Codings(MH)
		case "standard":
			c.Resolutions = Resolutions(Standard)
		case "ident":
			c.Ident = value
		case "password":
			c.Password = value
		case "secret":
			c.NeedsSecret = value
		case "subaddress":
			c.Subaddress = value
		case "selective":
			c.Selective = value
		case "scan":
			c.MinScan = n
		case "T0":
			c.Timers.T0 = int64(n) * SampleRate
		default:
			return fmt.Errorf("no setting %s", key)
		}
	}
	if changing {
		for i := range x.doc.pages {
			x.doc.pages[i].form.Resolution = Resolution(i % 2)
		}
	}
	var err error
	if x.t, err = New(c); err != nil {
		return err
	}
	x.t.Start()
	return x.look()
}

// frame makes a frame of its words.
func (x *tester) frame(w []string, final bool) (octets []byte, bad bool, err error) {
	f := Frame{Final: final, X: !x.t.cfg.Calling}
	for len(w) > 0 && (w[0] == "bad" || w[0] == "nox" || w[0] == "more") {
		bad = bad || w[0] == "bad"
		f.X = f.X != (w[0] == "nox")
		f.Final = f.Final && w[0] != "more"
		w = w[1:]
	}
	if len(w) == 0 {
		return nil, false, errors.New("no frame")
	}
	if w[0] == "raw" {
		for _, h := range w[1:] {
			v, err := strconv.ParseUint(h, 16, 8)
			if err != nil {
				return nil, false, err
			}
			octets = append(octets, byte(v))
		}
		return octets, bad, nil
	}
	name, second, hasSecond := strings.Cut(w[0], "-")
	if name == "PRI" {
		name, hasSecond = w[0], false
	}
	ok := false
	if f.FCF, ok = fcfByName(name); !ok {
		return nil, false, fmt.Errorf("no frame %s", name)
	}
	if hasSecond {
		q := NULL
		if second != "NULL" {
			if q, ok = fcfByName(second); !ok {
				return nil, false, fmt.Errorf("no frame %s", second)
			}
			q |= 1
		}
		f.Info = []byte{byte(q)}
	}
	if err := x.fill(&f, w[1:]); err != nil {
		return nil, false, err
	}
	return f.Append(nil), bad, nil
}

func fcfByName(name string) (FCF, bool) {
	for f, n := range fcfNames {
		if n == name {
			return f, true
		}
	}
	return 0, false
}

// fill makes the information field.
func (x *tester) fill(f *Frame, w []string) error {
	switch f.FCF {
	case DIS, DTC:
		c, err := capabilitiesOf(w)
		f.Info = c.Bits()
		return err
	case DCS, CTC:
		c, err := commandOf(w)
		f.Info = c.Bits()
		if f.FCF == CTC {
			f.Info = f.Info[:2]
		}
		x.command = c
		return err
	case CSI, TSI, CIG, SUB, SID, SEP, PWD:
		f.Info = encodeIdent(strings.Join(w, " "), "+*#")
	case PPR:
		f.Info = make([]byte, 32)
		for _, s := range w {
			list, err := parseRanges(s)
			if err != nil {
				return err
			}
			for _, n := range list {
				f.Info[n/8] |= 1 << (n % 8)
			}
		}
	case PPS:
		for _, s := range w {
			_, value, _ := strings.Cut(s, "=")
			n, err := strconv.Atoi(value)
			if err != nil {
				return err
			}
			f.Info = append(f.Info, byte(n))
		}
		if len(f.Info) == 4 {
			f.Info[3]--
		}
	}
	return nil
}

func capabilitiesOf(w []string) (Capabilities, error) {
	c := Capabilities{Receives: true, Modulations: SetV27ter, Codings: Codings(), Resolutions: Resolutions(Fine), MinScan: 20}
	for _, s := range w {
		switch s {
		case "polls":
			c.HasDocument = true
		case "transmitter":
			c.Receives = false
		case "V.17":
			c.Modulations = SetAll
		case "V.29":
			c.Modulations |= SetV29
		case "2400":
			c.Modulations = Modulations(V27ter2400)
		case "ECM":
			c.ECM = true
		case "64":
			c.Prefers64 = true
		case "MR":
			c.Codings |= Codings(MR)
		case "MMR":
			c.Codings |= Codings(MMR)
		case "standard":
			c.Resolutions = Resolutions()
		case "superfine":
			c.Resolutions |= Resolutions(Superfine)
		case "SUB":
			c.Subaddress = true
		case "PWD":
			c.Password = true
		case "SEP":
			c.Selective = true
		case "V.8":
			c.V8 = true
		case "T.38":
			c.T38 = true
		case "half-fine":
			c.HalfFine = true
		case "0ms", "5ms", "10ms", "20ms", "40ms":
			c.MinScan, _ = strconv.Atoi(strings.TrimSuffix(s, "ms"))
		default:
			return c, fmt.Errorf("no capability %s", s)
		}
	}
	return c, nil
}

func commandOf(w []string) (Command, error) {
	c := Command{Form: Form{Resolution: Fine}}
	for _, s := range w {
		if m, ok := modulationByName[s]; ok {
			c.Modulation = m
			continue
		}
		switch s {
		case "ECM":
			c.ECM = true
		case "64":
			c.Frame64 = true
		case "MH", "MR", "MMR":
			c.Coding = Coding(slices.Index(codingNames[:], s))
		case "standard", "fine", "superfine", "300", "ultrafine":
			c.Form.Resolution = Resolution(slices.Index(resolutionNames[:], s))
		case "B4-width":
			c.Form.Width = B4Width
		case "A3-width":
			c.Form.Width = A3Width
		case "SUB":
			c.Subaddress = true
		case "SID":
			c.Secret = true
		default:
			return c, fmt.Errorf("no command %s", s)
		}
	}
	return c, nil
}
