package t30

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The scripts in testdata play the other machine, frame by frame. A script is a list of
// procedures, each a list of lines; '#' begins a comment. SECONDS may have a fraction.
//
//	fragment NAME              lines for "use NAME" further down in the file
//	procedure NAME TEXT
//	terminal WORDS             what the terminal under test is: see configure
//	expect [A..B] SIGNAL       the next signal of the terminal, beginning A to B seconds after
//	                           the last one ended; CNG is passed over unless it is expected
//	expect nothing SECONDS     it stays silent so long
//	send FRAME[, FRAME]...     V.21, after 75 ms: preamble and frames
//	send SIGNAL                flags SECONDS | TCF MODULATION | image MODULATION OCTETS |
//	                           ECM MODULATION FRAMES
//	echo                       the terminal's last V.21 signal comes back
//	tone CED                   it hears that
//	wait SECONDS
//	stop | hangup | interrupt  what the application does
//	verdict CODE [KEY=N]...    the terminal is at its end now, with this result
//
// FRAME is a name with what it says (DIS, DCS and CTC: words as Frame.String has them; PPS-MPS
// page=0 block=0 frames=3; PPR 0 2; CSI 555), "raw HEX", and may have "bad" before it: its
// FCS is wrong, or "nox": with the wrong X bit. SIGNAL of expect is frames with words that they
// must contain, or TCF, image or ECM with words of: MODULATION, long, short, frames=FROM-TO.
// FRAMES is a list like 0-3,7. Signals that are sent may have the words "untrained", "bad"
// (data damaged), "unheard" (the terminal does not listen for it), "lost" (it does, and does not
// hear it), "hole", "short" and "long".
//
// The tester also checks by itself that the terminal sends what it announced: the modulation of
// the last DCS or CTC, a pause of 55 ms before each signal, the X bit, and silence while the
// other side talks.

type procedure struct {
	name, text, file string
	lines            []scriptLine
}

type scriptLine struct {
	number int
	words  []string
	text   string
}

func readScript(t *testing.T, path string) (list []procedure) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	s := bufio.NewScanner(file)
	fragments := map[string][]scriptLine{}
	fragment := ""
	for n := 1; s.Scan(); n++ {
		line, _, _ := strings.Cut(s.Text(), "#")
		w := strings.Fields(line)
		switch {
		case len(w) == 0:
		case w[0] == "procedure" && len(w) > 2:
			list = append(list, procedure{name: w[1], text: strings.Join(w[2:], " "), file: filepath.Base(path)})
			fragment = ""
		case w[0] == "fragment" && len(w) == 2:
			fragment = w[1]
		case fragment != "":
			fragments[fragment] = append(fragments[fragment], scriptLine{n, w, strings.TrimSpace(line)})
		case len(list) == 0:
			t.Fatalf("%s:%d: no procedure yet", path, n)
		case w[0] == "use" && len(w) == 2 && fragments[w[1]] != nil:
			p := &list[len(list)-1]
			p.lines = append(p.lines, fragments[w[1]]...)
		default:
			p := &list[len(list)-1]
			p.lines = append(p.lines, scriptLine{n, w, strings.TrimSpace(line)})
		}
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// wantProcedures is how many the suite has at least: as many as TSB-85 suites in the field.
const wantProcedures = 118

func TestScripts(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.t30")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, path := range paths {
		for _, p := range readScript(t, path) {
			if names[p.name] {
				t.Errorf("%s: procedure %s is there twice", path, p.name)
			}
			names[p.name] = true
			t.Run(p.name, func(t *testing.T) { p.run(t) })
		}
	}
	if len(names) < wantProcedures {
		t.Errorf("%d procedures, want %d", len(names), wantProcedures)
	}
}

// A tester plays a procedure against a terminal.
type tester struct {
	t    *Terminal
	doc  *testDoc
	sink *testSink

	serial   uint32 // of the transmission looked at last
	silence  int64  // until when it is one of silence
	lastSent int64  // end of the last signal of the terminal
	lastGot  int64  // and of the tester's
	said     [][]byte
	command  Command
	gaveDIS  bool // which the X bit of the terminal tells
	over     bool // a verdict was given
}

func (p procedure) run(t *testing.T) {
	x := &tester{}
	for _, line := range p.lines {
		if err := x.do(line); err != nil {
			t.Fatalf("%s (%s)\n%s:%d: %s: %v\nstate %v, %.2f s", p.name, p.text, p.file, line.number, line.text, err, x.stateName(), float64(x.now())/SampleRate)
		}
	}
	if !x.over {
		t.Fatalf("%s has no verdict", p.name)
	}
}

func (x *tester) stateName() string {
	if x.t == nil {
		return "none"
	}
	return x.t.State().String()
}

func (x *tester) now() int64 {
	if x.t == nil {
		return 0
	}
	return x.t.Now()
}

func (x *tester) do(l scriptLine) error {
	w := l.words
	if x.t == nil && w[0] != "terminal" {
		return errors.New("no terminal yet")
	}
	switch w[0] {
	case "terminal":
		return x.configure(w[1:])
	case "expect":
		return x.expect(w[1:], strings.TrimSpace(strings.TrimPrefix(l.text, "expect")))
	case "send":
		return x.send(w[1:], strings.TrimSpace(strings.TrimPrefix(l.text, "send")))
	case "echo":
		return x.sendV21(x.said, nil)
	case "tone":
		x.t.Tone(ToneCED)
		return nil
	case "wait":
		d, err := seconds(w[1])
		if err != nil {
			return err
		}
		return x.pass(d)
	case "stop":
		x.t.Stop()
		return x.look()
	case "hangup":
		x.t.LineLost()
	case "interrupt":
		x.t.Interrupt()
	case "verdict":
		return x.verdict(w[1:])
	default:
		return errors.New("no such line")
	}
	return nil
}

func seconds(s string) (int64, error) {
	f, err := strconv.ParseFloat(s, 64)
	return int64(f * SampleRate), err
}

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

// look handles what the terminal sends of silence.
func (x *tester) look() error {
	for {
		s := x.t.Sending()
		if s.Serial != x.serial {
			x.serial, x.silence = s.Serial, 0
			if s.Kind == Silence {
				x.silence = x.now() + int64(s.Samples)
			}
		}
		if s.Kind != Silence || x.silence > x.now() {
			return nil
		}
		x.t.Sent(s.Serial)
		x.lastSent = max(x.lastSent, x.now()-int64(s.Samples))
	}
}

// advance lets d samples pass, or fewer: until the terminal begins a signal.
func (x *tester) advance(d int64) (passed int64, err error) {
	for passed < d {
		if k := x.t.Sending().Kind; k != Nothing && k != Silence {
			return passed, nil
		}
		step := d - passed
		if due, ok := x.t.Deadline(); ok {
			step = min(step, max(due, 1))
		}
		if x.silence > x.now() {
			step = min(step, x.silence-x.now())
		}
		x.t.Advance(int(step))
		passed += step
		if err := x.look(); err != nil {
			return passed, err
		}
	}
	return passed, nil
}

// pass lets d samples pass in which the terminal is to say nothing but CNG.
func (x *tester) pass(d int64) error {
	for d > 0 {
		n, err := x.advance(d)
		if err != nil {
			return err
		}
		if d -= n; d > 0 {
			s := x.t.Sending()
			if s.Kind != CNG {
				return fmt.Errorf("the terminal sends %v", x.describe())
			}
			n = min(int64(s.Samples), d)
			x.t.Advance(int(n))
			d -= n
			x.t.Sent(s.Serial)
		}
	}
	return nil
}

func (x *tester) describe() string {
	s := x.t.Sending()
	if s.Kind != V21 {
		return fmt.Sprintf("%v %v short=%v", s.Kind, s.Modulation, s.Short)
	}
	var list []string
	for o := x.t.NextFrame(); o != nil; o = x.t.NextFrame() {
		f, _ := ParseFrame(o)
		list = append(list, f.String())
	}
	return strings.Join(list, ", ")
}

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
		if heard {
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
	size := x.command.frameOctets()
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
