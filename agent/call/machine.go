package call

import (
	"io"

	"tipring/internal/dsp"
	"tipring/t38"
	"tipring/t38/t30"
)

// A machine is this device's own fax machine on a port, which talks to the one that hangs
// on it. It works on a goroutine of its own, a turn for each frame of the port, because what
// it does with pages takes time: a page is on the disk before the other machine hears that
// it was received. The port waits for the end of a turn, unless pages are being stored or
// fetched in it; then the line is silent and what comes in is kept. Once the machine is
// back it hears that faster than it came. What it has to say is late by then, and
// the silence between its signals is cut until it is no longer.
//
// Its methods are the port's, but for those of the work.
type machine struct {
	fax *t38.Machine

	ear   []int16 // heard by the line, not by the machine yet
	mouth []int16 // said by the machine, not on the line yet
	away  bool    // the last turn has not ended
	lost  bool    // the last page could not be stored; of the work

	hears, says []int16       // of the turn
	turns       chan struct{} // begins one; closed: the line is gone
	ended       chan struct{} // ends one
	stores      chan struct{} // pages are stored or fetched in it
}

const (
	// machinePatience is how much sound is kept while pages are stored. Later than this the
	// answer to a page would come too late for T4 of the other machine (3 s, T.30 clause
	// 5.4.3.1), so that there is nothing left to do but to wait.
	machinePatience = 2 * dsp.SampleRate
	// machineHaste is how many times faster than the line a machine works off what it missed.
	machineHaste = 4
	// shortestSilence that is one, and not part of a signal.
	shortestSilence = dsp.SampleRate / 100
)

func newMachine() *machine {
	return &machine{
		turns: make(chan struct{}, 1), ended: make(chan struct{}, 1), stores: make(chan struct{}, 1),
	}
}

// load gives the machine its procedure. It is begun by the first turn.
func (m *machine) load(c t30.Config) error {
	if c.Sink != nil {
		c.Sink = machineSink{m, c.Sink}
	}
	if c.Source != nil {
		c.Source = machineSource{m, c.Source}
	}
	t, err := t30.New(c)
	if err != nil {
		return err
	}
	m.fax = t38.NewMachine(t, t38.DefaultLevel)
	return nil
}

// work does the turns, until the line is gone.
func (m *machine) work() {
	m.fax.Start()
	for range m.turns {
		m.fax.Exchange(m.hears, m.says)
		m.ended <- struct{}{}
	}
	m.fax.T30.LineLost()
}

// leave tells the machine that the line is gone, or no longer needed.
func (m *machine) leave() { close(m.turns) }

// Exchange is a frame of the port.
func (m *machine) Exchange(in, out []int16) {
	m.ear = append(m.ear, in...)
	if m.isBack() {
		m.turn(machineHaste * len(in))
	}
	m.speak(out)
}

// isBack reports that the machine can take a turn.
func (m *machine) isBack() bool {
	if !m.away {
		return true
	}
	if len(m.ear) < machinePatience {
		select {
		case <-m.ended:
		default:
			return false
		}
	} else {
		<-m.ended
	}
	m.take()
	return true
}

// turn has the machine hear and speak, for as long as was kept or for n samples.
func (m *machine) turn(n int) {
	n = min(n, len(m.ear))
	m.hears = append(m.hears[:0], m.ear[:n]...)
	m.ear = m.ear[:copy(m.ear, m.ear[n:])]
	if cap(m.says) < n {
		m.says = make([]int16, n)
	}
	m.says = m.says[:n]
	select {
	case <-m.stores: // of a turn that ended in time all the same
	default:
	}
	m.turns <- struct{}{}
	m.away = true
	select {
	case <-m.ended:
		m.take()
	case <-m.stores:
	}
}

// take ends a turn.
func (m *machine) take() {
	m.away = false
	m.mouth = append(m.mouth, m.says...)
}

// speak says what the machine has said, and is not late for longer than it must.
func (m *machine) speak(out []int16) {
	if late := len(m.mouth) - len(out); late > 0 {
		if n := silence(m.mouth); n >= shortestSilence {
			n = min(n, late)
			m.mouth = m.mouth[:copy(m.mouth, m.mouth[n:])]
		}
	}
	n := copy(out, m.mouth)
	m.mouth = m.mouth[:copy(m.mouth, m.mouth[n:])]
	clear(out[n:])
}

// silence is how many samples pcm begins with that are none.
func silence(pcm []int16) int {
	for i, s := range pcm {
		if s != 0 {
			return i
		}
	}
	return len(pcm)
}

// over reports that the facsimile is, and that all of it has been said.
func (m *machine) over() bool { return !m.away && len(m.mouth) == 0 && m.fax.Done() }

// stop ends the facsimile with DCN, as soon as the procedure allows that.
func (m *machine) stop() bool {
	if m.away {
		return false
	}
	m.fax.T30.Stop()
	return true
}

// storing lets the port go on without the machine.
func (m *machine) storing() {
	select {
	case m.stores <- struct{}{}:
	default:
	}
}

// A machineSink stores the pages that a machine receives.
type machineSink struct {
	m    *machine
	sink t30.Sink
}

// Open implements t30.Sink.
func (s machineSink) Open(n int, f t30.Format) (t30.PageWriter, error) {
	s.m.storing()
	w, err := s.sink.Open(n, f)
	if err != nil {
		return nil, err
	}
	return machinePage{s.m, w}, nil
}

// Keep implements t30.Keeper.
func (s machineSink) Keep(last bool) error {
	k, ok := s.sink.(t30.Keeper)
	if !ok {
		return nil
	}
	s.m.storing()
	err := k.Keep(last)
	s.m.lost = s.m.lost || err != nil
	return err
}

// Busy implements t30.Busy.
func (s machineSink) Busy() bool {
	b, ok := s.sink.(t30.Busy)
	return ok && b.Busy()
}

type machinePage struct {
	m *machine
	t30.PageWriter
}

// Write implements io.Writer.
func (p machinePage) Write(octets []byte) (int, error) {
	n, err := p.PageWriter.Write(octets)
	p.m.lost = p.m.lost || err != nil
	return n, err
}

// Close implements t30.PageWriter.
func (p machinePage) Close(damaged bool) (t30.Copy, error) {
	p.m.storing()
	c, err := p.PageWriter.Close(damaged)
	p.m.lost = p.m.lost || err != nil
	return c, err
}

// A machineSource fetches the pages that a machine sends.
type machineSource struct {
	m *machine
	t30.Source
}

// Page implements t30.Source. Behind a page it may wait for the disk, as nothing is said then.
func (s machineSource) Page(n int) (t30.Form, bool) {
	if n > 0 {
		s.m.storing()
	}
	return s.Source.Page(n)
}

// Rows is how many rows the page has that was opened last; 0: not known.
func (s machineSource) Rows() int {
	if r, ok := s.Source.(interface{ Rows() int }); ok {
		return r.Rows()
	}
	return 0
}

// Open implements t30.Source.
func (s machineSource) Open(n int, f t30.Format) (io.Reader, error) {
	s.m.storing()
	return s.Source.Open(n, f)
}
