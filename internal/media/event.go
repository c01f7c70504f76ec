package media

// An Event is a telephone event of the peer's: its beginning, and then its end. Each
// key press is told once, however many packets carry it.
type Event struct {
	Code    uint8 // 0 to 9, 10 for *, 11 for #, 12 to 15 for A to D, 16 for flash (RFC 4733 section 3.2)
	End     bool
	Samples int // at the end: how long it lasted
}

// eventPayload is one block of RFC 4733 section 2.3.
type eventPayload struct {
	code     uint8
	end      bool
	duration uint16
}

const (
	eventSize   = 4
	eventVolume = 10 // -10 dBm0
)

// append writes the block.
func (e eventPayload) append(b []byte) []byte {
	flags := byte(eventVolume)
	if e.end {
		flags |= 0x80
	}
	return append(b, e.code, flags, byte(e.duration>>8), byte(e.duration))
}

// parseEvent reads the first block of a payload.
func parseEvent(b []byte) (eventPayload, bool) {
	if len(b) < eventSize {
		return eventPayload{}, false
	}
	return eventPayload{code: b[0], end: b[1]&0x80 != 0, duration: uint16(b[2])<<8 | uint16(b[3])}, true
}

const (
	eventTimeout = 1600                        // samples without a packet after which an event is over: 200 ms
	eventStray   = 480                         // a timestamp that moves on by less, within an event, is a sender's fault
	eventOld     = maxMisorder * longestPacket // samples that a packet which the source still takes may lie behind
	heardLimit   = 16
)

// An eventReceiver makes key presses of event packets. The timestamp names an event; what
// bears the same one, or one a little older, is the same event again.
type eventReceiver struct {
	begun    bool   // an event was received: ts and the rest are valid
	active   bool   // its end was not told yet
	ts       uint32 // of the event
	segment  uint32 // samples of it that lie before ts (RFC 4733 section 2.5.1.3)
	code     uint8
	duration uint16
	since    int32 // samples since its last packet

	heard [heardLimit]Event // to be told, a ring
	first int
	n     int
}

// receive takes a packet's payload.
func (r *eventReceiver) receive(ts uint32, marker bool, payload []byte) bool {
	e, ok := parseEvent(payload)
	if !ok {
		return false
	}
	ahead := int32(ts - r.ts)
	if r.begun && ahead+int32(e.duration) < -eventOld {
		r.restart() // no packet is so late: the sender's clock begins anew
	}
	switch {
	case r.begun && ahead < 0:
		return true // a late repetition of an older one
	case !r.begun || ahead > 0 && !r.continues(e, ahead, marker):
		if e.duration == 0 {
			return true // RFC 4733 section 2.3.5: not a state, so to be ignored
		}
		r.finish()
		r.begun, r.active, r.code, r.segment, r.duration = true, true, e.code, 0, 0
		r.tell(Event{Code: e.code})
	case ahead > 0 && ahead > eventStray:
		r.segment += uint32(r.duration)
		r.duration = 0
	}
	if e.code != r.code || !r.active {
		return true
	}
	r.ts = ts
	r.duration = max(e.duration, r.duration)
	r.since = 0
	if e.end {
		r.finish()
	}
	return true
}

// continues reports whether a packet with a later timestamp still belongs to the event:
// the next segment of a long one, or one of a sender that wrongly moves the timestamp on
// with every packet.
func (r *eventReceiver) continues(e eventPayload, ahead int32, marker bool) bool {
	if e.code != r.code || marker {
		return false
	}
	return ahead <= eventStray || r.active && ahead == int32(r.duration)
}

// pass lets n samples pass.
func (r *eventReceiver) pass(n int) {
	if !r.active {
		return
	}
	if r.since += int32(n); r.since > eventTimeout {
		r.finish()
	}
}

// finish tells the end of the event that lasts.
func (r *eventReceiver) finish() {
	if !r.active {
		return
	}
	r.active = false
	r.tell(Event{Code: r.code, End: true, Samples: int(r.segment) + int(r.duration)})
}

// restart forgets the timestamps, for another source counts its own.
func (r *eventReceiver) restart() {
	r.finish()
	r.begun = false
}

func (r *eventReceiver) tell(e Event) {
	if r.n == heardLimit { // nobody listens: the oldest goes
		r.first = (r.first + 1) % heardLimit
		r.n--
	}
	r.heard[(r.first+r.n)%heardLimit] = e
	r.n++
}

// next is the oldest event not told yet.
func (r *eventReceiver) next() (Event, bool) {
	if r.n == 0 {
		return Event{}, false
	}
	e := r.heard[r.first]
	r.first = (r.first + 1) % heardLimit
	r.n--
	return e, true
}
