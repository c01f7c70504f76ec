package media

import "math"

const (
	eventEnds     = 3                 // RFC 4733 section 2.5.1.4: the last packet is sent three times
	shortestEvent = 40 * samplesPerMS // shorter is no digit (ITU-T Q.24)
	eventPause    = 50 * samplesPerMS // between two digits
	eventQueue    = 64                // digits that wait
	longestEvent  = math.MaxUint16    // a longer one would have to be cut in segments, which many peers take for more digits
)

// An eventSender makes packets of key presses: while one lasts, its packets take the place
// of the audio. Its clock is the packets: step is called at the end of each packet time.
type eventSender struct {
	queue [eventQueue]press
	first int
	n     int

	state   sendState
	now     press
	start   uint32 // timestamp
	elapsed int    // samples since start
	ends    int    // packets with the end still to be sent
	pause   int    // samples until the next event may begin
}

// A press is one event to be sent.
type press struct {
	code   uint8
	length int // samples; 0 while the key is held
	held   int // samples so far of a key that is held while it waits
}

type sendState uint8

const (
	sendsNothing sendState = iota
	sendsEvent
	sendsEnds
	sendsPause
)

// press queues an event of so many samples, 0 for one that lasts until release.
func (s *eventSender) press(code uint8, length int) bool {
	if s.n == eventQueue {
		return false
	}
	if length > 0 {
		length = min(max(length, shortestEvent), longestEvent)
	}
	s.queue[(s.first+s.n)%eventQueue] = press{code: code, length: length}
	s.n++
	return true
}

// release ends the event that lasts.
func (s *eventSender) release() {
	held := &s.now
	if s.n > 0 {
		held = &s.queue[(s.first+s.n-1)%eventQueue]
	} else if s.state != sendsEvent {
		return
	}
	if held.length > 0 {
		return
	}
	length := held.held
	if held == &s.now {
		length += s.elapsed
	}
	held.length = max(length, shortestEvent)
}

// stop forgets everything.
func (s *eventSender) stop() { *s = eventSender{} }

// busy reports whether audio is muted.
func (s *eventSender) busy() bool { return s.state != sendsNothing || s.n > 0 }

// An eventPacket is what step wants to be sent.
type eventPacket struct {
	eventPayload
	ts     uint32
	marker bool
}

// step ends a packet time of n samples that began at timestamp ts. It tells what to send, if
// anything.
func (s *eventSender) step(ts uint32, n int) (p eventPacket, send bool) {
	if s.state == sendsNothing && s.n > 0 {
		s.now = s.queue[s.first]
		s.first = (s.first + 1) % eventQueue
		s.n--
		s.state, s.start, s.elapsed = sendsEvent, ts, 0
		p.marker = true // RFC 4733 section 2.5.1.1
	}
	if s.n > 0 {
		if last := &s.queue[(s.first+s.n-1)%eventQueue]; last.length == 0 {
			last.held += n
		}
	}
	p.ts, p.code = s.start, s.now.code
	switch s.state {
	case sendsNothing:
		return p, false
	case sendsPause:
		if s.pause -= n; s.pause <= 0 {
			s.state = sendsNothing
		}
		return p, false
	case sendsEvent:
		s.elapsed += n
		over := s.now.length > 0 && s.elapsed >= s.now.length
		if s.elapsed+n > longestEvent || over {
			s.state, s.ends = sendsEnds, eventEnds
			if !over {
				s.now.length = s.elapsed
			}
			return s.last(p, n), true
		}
		p.duration = uint16(s.elapsed)
	case sendsEnds:
		return s.last(p, n), true
	}
	return p, true
}

// last makes p one of the packets that end the event.
func (s *eventSender) last(p eventPacket, n int) eventPacket {
	p.end, p.duration = true, uint16(s.now.length)
	if s.ends--; s.ends == 0 {
		s.state = sendsPause
		s.pause = eventPause - (eventEnds-1)*n
		if s.pause <= 0 {
			s.state = sendsNothing
		}
	}
	return p
}
