package t30

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
// hear it), "unmarked" (data without carrier), "hole", "short" and "long".
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
