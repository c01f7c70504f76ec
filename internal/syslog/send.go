package syslog

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"syscall"
	"time"
)

// Times of a link.
const (
	firstWait = time.Second      // after a failure; doubled with each in a row
	lastWait  = time.Minute      // the longest
	renewal   = 10 * time.Minute // after which the server's name is looked up anew
	dialTime  = 10 * time.Second // for the lookup
	writeTime = time.Second
)

// A link is a socket that is connected to a server, and what became of the ones before.
type link struct {
	conn   net.Conn // nil: none
	target Target   // of conn, or of the last one
	made   time.Time
	last   message // sent by conn
	again  message // refused by the server's host: to be sent before any other

	failing bool // the last try failed
	failed  time.Time
	wait    time.Duration // behind it
}

func (l *link) hangUp() {
	if l.conn != nil {
		_ = l.conn.Close()
	}
	l.conn, l.last = nil, message{}
}

// A job is what is to be done next.
type job struct {
	ctx    context.Context
	target Target
	message
	gap int // messages lost, which this one tells of
}

// work sends until nothing waits.
func (s *Sink) work() {
	for {
		j, more := s.next()
		if !more {
			return
		}
		err := s.send(j)
		switch {
		case err == nil, errors.Is(err, syscall.EMSGSIZE):
			s.done(j, err)
		case j.ctx.Err() == nil:
			s.pause(j, err)
		}
	}
}

// next is what is to be sent, or nothing: then work is over.
func (s *Sink) next() (j job, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link.target != s.target {
		s.link.hangUp()
		s.link = link{target: s.target}
	}
	if s.closing() && (s.link.failing || s.ctx.Err() != nil) {
		s.lose(len(s.waiting))
		s.waiting, s.size, s.untold = nil, 0, 0
	}
	j = job{ctx: s.ctx, target: s.target}
	switch {
	case len(s.waiting) > 0:
		j.message = s.waiting[0]
	case s.untold > 0:
		j.gap = s.untold
		gap := slog.NewRecord(time.Now(), slog.LevelWarn, "syslog messages lost", 0)
		gap.Add("messages", j.gap)
		j.message = s.format(gap, "", nil)
	default:
		close(s.idle)
		s.idle = nil
		return job{}, false
	}
	return j, true
}

// done takes a message out of what waits, sent or never to be sent.
func (s *Sink) done(j job, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ctx != j.ctx: // what waits is not what it was
	case j.gap > 0:
		s.untold -= j.gap
	default:
		s.waiting, s.size = s.waiting[1:], s.size-j.size()
		if err != nil {
			s.lose(1)
		}
	}
}

// send sends one message, over a new link if need be.
func (s *Sink) send(j job) error {
	l := &s.link
	if l.conn == nil || time.Since(l.made) > renewal {
		if err := s.dial(j); err != nil {
			return err
		}
	}
	if err := l.write(j.message); err != nil {
		return err
	}
	l.failing = false
	return nil
}

// dial makes a link, in the place of one that is there. Should that not work, the old one
// may still do.
func (s *Sink) dial(j job) error {
	ctx, cancel := context.WithTimeout(j.ctx, dialTime)
	defer cancel()
	l := &s.link
	conn, err := s.opts.Dial(ctx, "udp", j.target.Server)
	l.made = time.Now()
	if err != nil {
		if l.conn != nil {
			return nil
		}
		return err
	}
	l.hangUp()
	l.conn = conn
	if l.again == (message{}) {
		return nil
	}
	err = l.write(l.again)
	l.again = message{}
	return err
}

func (l *link) write(m message) error {
	_ = l.conn.SetWriteDeadline(time.Now().Add(writeTime))
	_, err := l.conn.Write([]byte(m.before + l.target.host() + m.after))
	if err == nil {
		l.last = m
	}
	return err
}

// host is HOSTNAME (RFC 5424 section 6.2.4).
func (t Target) host() string {
	if t.Host == "" {
		return nilValue
	}
	return word(t.Host, maxHost)
}

// pause waits after a failure. Of those in a row the first is told. When nobody listens at
// the server's port, the error is that of the message before: it came back by ICMP.
func (s *Sink) pause(j job, err error) {
	l, now := &s.link, time.Now()
	if l.wait == 0 || now.Sub(l.failed) > 2*lastWait {
		l.wait = 0
		s.opts.Log.Warn("syslog server not reached", "server", j.target.Server, "err", err)
	}
	l.failing, l.failed, l.wait = true, now, min(max(2*l.wait, firstWait), lastWait)
	if errors.Is(err, syscall.ECONNREFUSED) {
		l.again = l.last
	}
	l.hangUp()
	timer := time.NewTimer(l.wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-j.ctx.Done():
	case <-s.ended:
	}
}
