package main

import (
	"fmt"
	"io"
	"time"

	"tipring/t38/ifp"
	"tipring/t38/udptl"
)

// A writer writes one call's lines.
type writer struct {
	out    io.Writer
	all    bool
	coding ifp.Coding
	began  time.Time
	now    time.Time
	sides  [2]side
}

// A side is one direction of a call.
type side struct {
	w       *writer
	arrow   string
	decoder *udptl.Decoder
	packet  ifp.Packet
	frame   frame
	run     run
}

// silence is how long packets are held back for a missing one before they are written.
const silence = 200 * time.Millisecond

func (c *call) write(out io.Writer, all bool) {
	w := &writer{out: out, all: all, coding: c.coding, began: c.datagrams[0].at}
	coding := map[ifp.Coding]string{ifp.Original: "original (version 0)", ifp.Corrected: "corrected (version 2 and later)"}[c.coding]
	fmt.Fprintf(out, "T.38 %v > %v, %d datagrams from %s, coding of fields: %s\n",
		c.ends[0], c.ends[1], len(c.datagrams), w.began.Format("2006-01-02 15:04:05.000"), coding)
	for i, arrow := range []string{">", "<"} {
		s := &w.sides[i]
		s.w, s.arrow = w, arrow
		s.decoder = udptl.NewDecoder(s.take)
	}
	heard := [2]time.Time{}
	for _, d := range c.datagrams {
		for i := range w.sides {
			if d.at.Sub(heard[i]) > silence {
				w.sides[i].decoder.Release()
			}
		}
		w.now, heard[d.from] = d.at, d.at
		w.sides[d.from].datagram(d.payload)
	}
	for i := range w.sides {
		w.sides[i].decoder.Release()
		w.sides[i].run.end(&w.sides[i])
	}
	for i := range w.sides {
		w.sides[i].summary()
	}
	fmt.Fprintln(out)
}

// line writes one line about a packet. mark is put behind its number.
func (s *side) line(at time.Time, seq uint16, mark, format string, args ...any) {
	fmt.Fprintf(s.w.out, "%10.3f %s %5d%-1s %s\n", at.Sub(s.w.began).Seconds(), s.arrow, seq, mark, fmt.Sprintf(format, args...))
}

// datagram reads a datagram and says what was wrong with it.
func (s *side) datagram(b []byte) {
	before := s.decoder.Counters()
	if s.decoder.Decode(b) != nil {
		fmt.Fprintf(s.w.out, "%10.3f %s       malformed datagram: % x\n", s.w.now.Sub(s.w.began).Seconds(), s.arrow, b[:min(len(b), 16)])
		return
	}
	after := s.decoder.Counters()
	seq := uint16(b[0])<<8 | uint16(b[1])
	switch {
	case after.Late > before.Late:
		s.line(s.w.now, seq, "", "late, given up before")
	case after.Stray > before.Stray:
		s.line(s.w.now, seq, "", "goes on; the datagram before it was a stray and is dropped")
	case s.w.all && after.Duplicate > before.Duplicate:
		s.line(s.w.now, seq, "", "again")
	}
}

// take is given every packet in its order.
func (s *side) take(u udptl.Packet) {
	mark := ""
	if u.Recovered {
		mark = "+"
	}
	if u.Resync || u.Lost > 0 {
		s.run.end(s)
		s.gap(u)
	}
	n, err := s.packet.Decode(u.IFP, s.w.coding)
	if err != nil {
		s.run.end(s)
		s.line(s.w.now, u.Seq, mark, "malformed IFP packet: % x", u.IFP[:min(len(u.IFP), 16)])
		return
	}
	if rest := len(u.IFP) - n; rest > 0 && !u.Recovered {
		s.line(s.w.now, u.Seq, mark, "%d octets after the IFP packet", rest)
	}
	if s.packet.IsData {
		s.data(u.Seq, mark)
		return
	}
	s.run.end(s)
	s.line(s.w.now, u.Seq, mark, "%v", s.packet.Indicator)
}

func (s *side) gap(u udptl.Packet) {
	if u.Lost > 0 {
		s.line(s.w.now, u.Seq, "", "%s lost before this one", counted(u.Lost, "packet"))
	}
	if u.Resync {
		s.line(s.w.now, u.Seq, "", "the numbers begin anew here")
	}
	s.frame.damaged = true
}

func (s *side) summary() {
	c := s.decoder.Counters()
	fmt.Fprintf(s.w.out, "%10s %s %d datagrams, %d packets recovered, %d lost, %d again, %d late, %d stray, %d malformed\n",
		"", s.arrow, c.Received+c.Malformed, c.Recovered, c.Lost, c.Duplicate, c.Late, c.Stray, c.Malformed)
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
