package fax

import (
	"time"

	"tipring/internal/media"
	"tipring/t38"
	"tipring/t38/convey"
	"tipring/t38/t30"
)

// A way is how the signals of T.30 reach the far end.
type way interface {
	frame()             // 20 ms pass
	t30() *t30.Terminal // whose signals they are
	done() bool
}

// sound is the way of modems.
type sound struct {
	c       *call
	machine *t38.Machine
	in, out [tickSamples]int16
}

func (w *sound) t30() *t30.Terminal { return w.machine.T30 }
func (w *sound) done() bool         { return w.machine.Done() }
func (w *sound) frame() {
	w.c.session.Exchange(w.out[:], w.in[:])
	if !w.c.report.begun {
		w.c.ear.Hear(w.in[:])
	}
	w.machine.Exchange(w.in[:], w.out[:])
}

// packets is the way of T.38.
type packets struct {
	c       *call
	station *convey.Station
	link    *media.Packets
	since   time.Time
	opened  int64 // when silence need not be told so often any more, in the station's time; 0: not yet
	buf     [1500]byte
}

func (w *packets) t30() *t30.Terminal { return w.station.T30 }
func (w *packets) done() bool         { return w.station.Done() }

// openEvery is how often, in samples, silence is told until openFor behind the first packet that
// has come: the far end may have to learn from the numbers of packets where they come from
// (media.Packets), and address translators to let its own in.
const (
	openEvery = t30.SampleRate / 5
	openFor   = 2 * t30.SampleRate
)

// datagramsAtOnce bounds what is read in a frame, so that a flood does not hold up what is sent.
const datagramsAtOnce = 64

func (w *packets) frame() {
	w.c.session.Exchange(w.c.silence[:], w.c.in[:]) // where sound stands beside T.38 it goes on
	if w.c.isBeside() {
		w.link.Pass(tickSamples)
	}
	for range datagramsAtOnce {
		n, ok := w.link.Read(w.buf[:])
		if !ok {
			break
		}
		_ = w.station.Hear(w.buf[:n]) // what is malformed is counted there
		if w.opened == 0 {
			w.opened = w.station.Now() + openFor
		}
	}
	if w.opened != 0 && w.station.Now() >= w.opened {
		w.station.Link.Sender.Alive = convey.KeepAlive
	}
	for left := tickSamples; ; {
		for {
			d, ok := w.station.Say()
			if !ok {
				break
			}
			_ = w.link.Write(d) // a datagram that does not go is one that is lost
		}
		if left == 0 {
			return
		}
		n := left
		if at, ok := w.station.Deadline(); ok && at < int64(n) {
			n = max(int(at), 1)
		}
		w.station.Advance(n)
		left -= n
	}
}

// isBeside tells whether T.38 has a socket of its own, beside that of sound.
func (c *call) isBeside() bool {
	return c.image != nil && c.beside != nil && c.image.Local.Port() == c.besidePort()
}

// choose begins the way that is agreed, unless it is the one under way.
func (c *call) choose() {
	if c.upAt.IsZero() || c.closing || c.over {
		return
	}
	switch w := c.way.(type) {
	case *packets:
		if c.image != nil {
			w.link.SetRemote(c.image.Remote)
			return
		}
	case *sound:
		if c.image == nil {
			return
		}
	}
	if c.way != nil && isLeaving(c.way.t30()) { // nothing is left to be said but DCN
		c.way.t30().LineLost()
		return
	}
	c.changeWay()
}

func isLeaving(t *t30.Terminal) bool {
	switch t.State() {
	case t30.Leaving, t30.Ended, t30.AwaitDCN:
		return true
	}
	return false
}

// changeWay begins the procedures anew. Pages that are confirmed stay so, and the next one is
// the first.
func (c *call) changeWay() {
	if c.way != nil {
		c.leaveWay()
	}
	terminal, err := c.newTerminal()
	if err != nil {
		c.log.Error("fax not begun", "err", err)
		c.hangUp(time.Now(), err.Error())
		return
	}
	if c.image == nil {
		c.report.transport("audio")
		w := &sound{c: c, machine: t38.NewMachine(terminal, t38.DefaultLevel)}
		c.way = w
		w.machine.Start()
	} else {
		c.report.transport("t38")
		w := &packets{c: c, station: convey.NewStation(terminal, c.settings.Link(c.image)), since: time.Now()}
		if c.isBeside() {
			w.link = c.beside.Packets(c.image.Remote)
		} else {
			w.link = c.session.Packets(c.image.Remote)
		}
		c.way = w
		w.station.Link.Sender.Alive = openEvery
		c.report.copies = func() int {
			_, image := w.station.Link.Depth()
			return image
		}
		w.station.Start()
	}
	c.lifeAt, c.lifeRTP = time.Now(), 0
	c.log.Info("fax begins", "peer", c.dest, "transport", c.report.out.Transport, "page", c.report.next())
}

// leaveWay keeps what has come of a way.
func (c *call) leaveWay() {
	t := c.way.t30()
	t.LineLost()
	c.report.take(t.Result())
	if w, ok := c.way.(*packets); ok {
		c.report.counters(w.station.Link.Counters())
	}
	c.way = nil
}

func (c *call) newTerminal() (*t30.Terminal, error) {
	cfg := c.terminal
	base := c.report.next() - 1
	if cfg.Source != nil {
		cfg.Source = from(cfg.Source, base)
	}
	if cfg.Sink != nil {
		cfg.Sink = behind(cfg.Sink, base)
	}
	c.report.begin(base, c.calling, cfg.Source)
	cfg.OnPage, cfg.OnState, cfg.OnFrame = c.report.page, c.report.state, c.report.frame
	if c.monitor != nil {
		cfg.Onlooker = c.monitor.Behind(base)
	}
	return t30.New(c.settings.Terminal(cfg, c.image))
}
