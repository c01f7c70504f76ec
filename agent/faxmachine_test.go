package agent

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tipring/internal/dsp"
	"tipring/lines/fxs/socket"
	"tipring/t38"
	"tipring/t38/pages"
	"tipring/t38/t30"
	"tipring/t38/t4"
	"tipring/t38/t4/document"
	"tipring/t38/t4/pdf"
	"tipring/t38/t4/tiff"
)

// A machine is a fax machine on a line card, whose time passes faster than that of the wall. It
// answers the bell.
type machine struct {
	t      *testing.T
	log    fmt.Stringer // the agent's
	conn   net.Conn
	frames *socket.Reader
	keys   *dsp.DTMFGenerator
	fax    *t38.Machine // nil: on-hook
	answer t30.Config
	hook   []byte // frames to go before the next AUDIO
	ear    []int16
	rings  bool
	result t30.Result // of the last fax
	faxes  int        // that are over
	ended  error      // the agent has closed the card

	pace *time.Ticker // what is asked and stored beside the port takes time of the wall
}

// machineSpeed is how many times faster than the line its time passes.
const machineSpeed = 20

func newMachine(r *rig, path string) *machine {
	r.t.Helper()
	m := &machine{t: r.t, log: r.log, keys: dsp.NewDTMFGenerator(dsp.DTMFLowDBm0, dsp.DTMFHighDBm0), ear: make([]int16, 160)}
	r.until("a machine plugged in", func() (ok bool) {
		conn, err := net.Dial("unix", path)
		if err == nil {
			m.conn, m.frames = conn, socket.NewReader(conn)
		}
		return err == nil
	})
	m.pace = time.NewTicker(20 * time.Millisecond / machineSpeed)
	r.t.Cleanup(func() { m.pace.Stop(); m.conn.Close() })
	hello, err := json.Marshal(socket.CardHello{Protocol: socket.Protocol, Name: "machine"})
	if err == nil {
		_, err = m.conn.Write(socket.Append(nil, socket.Hello, hello...))
	}
	if err == nil {
		_, _, err = m.frames.Next()
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return m
}

// tick lets 20 ms of the line pass.
func (m *machine) tick() {
	<-m.pace.C
	out := m.hook
	m.hook = nil
	pcm := make([]int16, 160)
	if m.rings && m.fax == nil && m.answer.Sink != nil {
		out = socket.Append(out, socket.Hook, 1)
		m.begin(m.answer)
	}
	switch {
	case m.keys.Busy():
		m.keys.Read(pcm)
	case m.fax != nil:
		m.fax.Exchange(m.ear, pcm)
		if m.fax.Done() {
			m.result, m.fax = m.fax.T30.Result(), nil
			m.faxes++
			out = socket.Append(out, socket.Hook, 0)
		}
	}
	if m.ended = m.exchange(socket.AppendAudio(out, pcm)); m.ended != nil {
		m.fax = nil
	}
}

func (m *machine) exchange(out []byte) error {
	if _, err := m.conn.Write(out); err != nil {
		return err
	}
	for {
		t, payload, err := m.frames.Next()
		switch {
		case err != nil:
			return err
		case t == socket.Ring:
			m.rings = payload[0] != 0
		case t == socket.Audio:
			m.ear = socket.Samples(m.ear, payload)
			return nil
		}
	}
}

func (m *machine) begin(c t30.Config) {
	terminal, err := t30.New(c)
	if err != nil {
		m.t.Fatal(err)
	}
	m.fax = t38.NewMachine(terminal, t38.DefaultLevel)
	m.fax.Start()
}

// run lets time pass until something is so, for two minutes of the line at most.
func (m *machine) run(what string, so func() bool) {
	m.t.Helper()
	for range 2 * 60 * 50 {
		if so() {
			return
		}
		if m.tick(); m.ended != nil {
			m.t.Fatalf("the agent has closed the card (%v), and not: %s\n%s", m.ended, what, m.log)
		}
	}
	m.t.Fatalf("not in two minutes: %s", what)
}

// send dials a number, and begins to send a file.
func (m *machine) send(number, file string) {
	m.t.Helper()
	d, err := document.Open(m.t.Context(), file, pdf.Poppler{})
	if err != nil {
		m.t.Fatal(err)
	}
	source := pages.NewSource(m.t.Context(), d)
	m.t.Cleanup(func() {
		source.Close()
		d.Close()
	})
	m.hook = socket.Append(nil, socket.Hook, 1)
	for range 25 { // until there is dial tone
		m.tick()
	}
	for _, key := range []byte(number) {
		m.keys.Press(key, 640, 640)
		m.run("a digit", func() bool { return !m.keys.Busy() })
	}
	m.begin(t30.Config{Calling: true, Source: source, ECM: true, Ident: "111"})
}

// sheet is a page as a machine has scanned it, with a line down its middle. To make one of a picture,
// or to code one with much on it, takes seconds of a busy machine with the race detector, and a line card that
// says nothing for two is taken for gone.
func sheet(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "sheet"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	w, err := tiff.NewWriter(f)
	if err == nil {
		x, y := t4.Fine.DPI()
		err = w.BeginPage(tiff.PageConfig{Columns: 1728, XDPI: x, YDPI: y, Coding: t4.MMR})
	}
	row := make([]byte, t4.RowOctets(1728))
	row[100] = 0x18
	for n := 0; n < 240 && err == nil; n++ {
		err = w.WriteRow(row)
	}
	if err == nil {
		err = w.EndPage()
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}
