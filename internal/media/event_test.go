package media

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/pion/rtp"
)

// sentEvents lets a session of that packet time do something and writes down what reaches
// the peer: a for a packet of audio, else code/duration, m for the marker, e for the end.
func sentEvents(b *bench, ms int) string {
	b.run(ms, nil)
	var s []string
	for _, p := range b.got() {
		if p.PayloadType != 101 {
			s = append(s, "a")
			continue
		}
		e, ok := parseEvent(p.Payload)
		if !ok {
			b.Fatalf("event packet % x", p.Payload)
		}
		text := fmt.Sprintf("%d/%d", e.code, e.duration)
		if p.Marker {
			text += "m"
		}
		if e.end {
			text += "e"
		}
		s = append(s, text)
	}
	return strings.Join(s, " ")
}

func TestSendEvent(t *testing.T) {
	for _, tt := range []struct {
		name  string
		ptime int
		do    func(b *bench)
		ms    int
		want  string
	}{
		{"100 ms", 20, func(b *bench) { b.SendEvent(5, 100) }, 240,
			"5/160m 5/320 5/480 5/640 5/800e 5/800e 5/800e a a a a"},
		{"no multiple of the packet time", 20, func(b *bench) { b.SendEvent(11, 50) }, 200,
			"11/160m 11/320 11/400e 11/400e 11/400e a a a a"},
		{"too short to be a digit", 20, func(b *bench) { b.SendEvent(1, 1) }, 160,
			"1/160m 1/320e 1/320e 1/320e a a a"},
		{"packets of 10 ms", 10, func(b *bench) { b.SendEvent(0, 40) }, 120,
			"0/80m 0/160 0/240 0/320e 0/320e 0/320e a a a"},
		{"packets of 40 ms", 40, func(b *bench) { b.SendEvent(0, 60) }, 240,
			"0/320m 0/480e 0/480e 0/480e a a"},
		{"two digits, 50 ms apart", 20, func(b *bench) { b.SendEvent(1, 40); b.SendEvent(2, 40) }, 280,
			"1/160m 1/320e 1/320e 1/320e 2/160m 2/320e 2/320e 2/320e a a a a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := ulaw20
			p.PtimeMS = tt.ptime
			b := newBench(t, Config{}, p)
			b.run(tt.ptime*2, nil)
			b.got()
			tt.do(b)
			if got := sentEvents(b, tt.ms); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestSentEventTimestamps(t *testing.T) {
	b := newBench(t, Config{}, ulaw20)
	b.run(100, nil)
	b.SendEvent(1, 60)
	b.run(300, nil)
	got := b.got()
	for i, p := range got {
		if p.SequenceNumber != got[0].SequenceNumber+uint16(i) {
			t.Errorf("packet %d: sequence number %d after %d", i, p.SequenceNumber, got[0].SequenceNumber)
		}
		at := got[0].Timestamp + uint32(i*160)
		switch {
		case i >= 5 && i < 10:
			at = got[0].Timestamp + 5*160 // the beginning of the event
		case i >= 10:
			at += 160 // the pause after it has no packet
		}
		if p.Timestamp != at {
			t.Errorf("packet %d: timestamp %d after the first, want %d", i, p.Timestamp-got[0].Timestamp, at-got[0].Timestamp)
		}
	}
	if !got[10].Marker {
		t.Error("audio after the event is not marked")
	}
}

func TestHeldKey(t *testing.T) {
	b := newBench(t, Config{}, ulaw20)
	b.run(20, nil)
	b.got()
	if !b.StartEvent(9) || !b.SendingEvent() {
		t.Fatal("the event does not begin")
	}
	b.run(100, nil)
	b.StopEvent()
	if got, want := sentEvents(b, 160), "9/160m 9/320 9/480 9/640 9/800 9/800e 9/800e 9/800e a a a a"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	// One released at once is as long as a digit has to be.
	b.StartEvent(3)
	b.StopEvent()
	if got, want := sentEvents(b, 120), "3/160m 3/320e 3/320e 3/320e a"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	// Pressed while another is still being sent, it waits and keeps its length.
	b.SendEvent(4, 40)
	b.run(20, nil)
	b.StartEvent(5)
	b.run(80, nil)
	b.StopEvent()
	if got, want := sentEvents(b, 200), "4/160m 4/320e 4/320e 4/320e 5/160m 5/320 5/480 5/640e 5/640e 5/640e a a a"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	// A key that sticks ends before its length overflows.
	b.StartEvent(6)
	var longest uint16
	ends := 0
	for range 10 {
		b.run(1000, nil)
		for _, p := range b.got() {
			if e, _ := parseEvent(p.Payload); p.PayloadType == 101 {
				longest = max(longest, e.duration)
				if e.end {
					ends++
				}
			}
		}
	}
	if ends != eventEnds || longest != 65535/160*160 {
		t.Errorf("%d ends, length %d", ends, longest)
	}
	b.StopEvent()
	b.SendEvent(7, 40)
	if got := sentEvents(b, 100); !strings.HasPrefix(got, "7/160m") {
		t.Errorf("after the key that stuck: %s", got)
	}
}

func TestEventsOnlyWhereAgreed(t *testing.T) {
	p := ulaw20
	p.EventSend = -1
	b := newBench(t, Config{}, p)
	if b.CanSendEvents() || b.SendEvent(1, 100) || b.StartEvent(1) {
		t.Error("events that were not agreed")
	}
	p = ulaw20
	p.Sends = false
	b2 := newBench(t, Config{}, p)
	if b2.SendEvent(1, 100) {
		t.Error("events while the call is held")
	}
	b3 := newBench(t, Config{}, ulaw20)
	for i := range eventQueue {
		if !b3.SendEvent(uint8(i%10), 40) {
			t.Fatalf("digit %d refused", i)
		}
	}
	if b3.SendEvent(1, 40) {
		t.Error("the queue has no end")
	}
}

// digits lets a session receive event packets and writes down what it tells: the code,
// and its length when it ends.
func digits(b *bench, packets []rtp.Packet) string {
	for _, p := range packets {
		raw, err := p.Marshal()
		if err != nil {
			b.Fatal(err)
		}
		b.network.Send(raw, peers, ours)
		b.run(20, nil)
	}
	b.run(300, nil)
	var s []string
	for {
		e, ok := b.NextEvent()
		if !ok {
			return strings.Join(s, " ")
		}
		if e.End {
			s = append(s, fmt.Sprintf("/%d", e.Samples))
		} else {
			s = append(s, fmt.Sprint(e.Code))
		}
	}
}

// pressed is the packets of one event that begins at ts: updates, then three ends.
func pressed(seq uint16, ts uint32, code byte, updates int) []rtp.Packet {
	var ps []rtp.Packet
	for i := range updates + 3 {
		duration := uint16(min(i+1, updates+1) * 160)
		p := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 101, SequenceNumber: seq + uint16(i), Timestamp: ts, SSRC: 1, Marker: i == 0}}
		p.Payload = eventPayload{code: code, end: i >= updates, duration: duration}.append(nil)
		ps = append(ps, p)
	}
	return ps
}

func TestReceiveEvents(t *testing.T) {
	one := pressed(1, 1<<32-160, 7, 4)
	two := append(pressed(1, 1000, 1, 2), pressed(6, 2000, 1, 2)...)
	drop := func(ps []rtp.Packet, which ...int) []rtp.Packet {
		var kept []rtp.Packet
		for i, p := range ps {
			if !slices.Contains(which, i) {
				kept = append(kept, p)
			}
		}
		return kept
	}
	moving := pressed(1, 1000, 3, 4)
	for i := range moving {
		moving[i].Timestamp += uint32(160 * i)
	}
	long := pressed(1, 1000, 3, 2)
	long[1].Payload = eventPayload{code: 3, duration: 0xffff}.append(nil)
	for i := 2; i < len(long); i++ {
		long[i].Timestamp += 0xffff
		long[i].Payload = eventPayload{code: 3, end: true, duration: 160}.append(nil)
	}
	anew := slices.Concat(pressed(1, 500000, 1, 2), pressed(6, 1000, 2, 2), pressed(11, 3000, 3, 2))
	held, next := pressed(1, 1000, 4, 2), pressed(6, 66160, 5, 2)
	for i := 2; i < len(held); i++ {
		held[i].Payload = eventPayload{code: 4, end: true, duration: 65000}.append(nil)
	}
	held = slices.Concat(held[:4], next[:1], held[4:], next[1:])
	changed := pressed(1, 1000, 3, 1)
	changed[1].Payload[0] = 4
	for _, tt := range []struct {
		name    string
		packets []rtp.Packet
		want    string
	}{
		{"one digit", one, "7 /800"},
		{"the same twice", two, "1 /480 1 /480"},
		{"start lost", drop(one, 0, 1), "7 /800"},
		{"all but one end lost", drop(one, 0, 1, 2, 3, 4, 6), "7 /800"},
		{"all ends lost", drop(one, 4, 5, 6), "7 /640"},
		{"ends lost, then the same digit again", drop(two, 2, 3, 4), "1 /320 1 /480"},
		{"ends and start lost between two", drop(two, 2, 3, 4, 5), "1 /320 1 /480"},
		{"every packet twice", slices.Concat(one, one), "7 /800"},
		{"an old one once more", slices.Concat(two, drop(two, 1, 2, 3, 4, 5, 6, 7, 8, 9)), "1 /480 1 /480"},
		{"a timestamp that jumps back, as from another source behind the same server", anew, "1 /480 2 /480 3 /480"},
		{"an end of a long one behind the beginning of the next", held, "4 /65000 5 /480"},
		{"in the wrong order", []rtp.Packet{one[1], one[0], one[3], one[2], one[5], one[4]}, "7 /800"},
		{"a timestamp that moves on with the packets", moving, "3 /800"},
		{"longer than one segment", long, "3 /65695"},
		{"no length yet", func() []rtp.Packet {
			ps := pressed(1, 1000, 2, 2)
			ps[0].Payload = eventPayload{code: 2}.append(nil)
			return ps
		}(), "2 /480"},
		{"another code at the same time", changed, "3 /320"},
		{"too short a payload", []rtp.Packet{{Header: one[0].Header, Payload: []byte{1, 2, 3}}}, ""},
		{"no payload", []rtp.Packet{{Header: one[0].Header}}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, Config{}, ulaw20)
			if got := digits(b, tt.packets); got != tt.want {
				t.Errorf("told %q, want %q", got, tt.want)
			}
		})
	}
}

func TestEachDigitOnceOverABadNetwork(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 5))
	b := newBench(t, Config{}, ulaw20)
	var want []string
	var packets []rtp.Packet
	for i := range 60 {
		code := byte(i % 12 / 2) // each twice in a row
		want = append(want, fmt.Sprint(code))
		for j, p := range pressed(uint16(i*10), uint32(i)*2000, code, 5) {
			if random.IntN(10) == 0 && j != 3 { // one in ten is lost
				continue
			}
			packets = append(packets, p)
			if random.IntN(10) == 0 {
				packets = append(packets, p)
			}
		}
	}
	var told []string
	for _, p := range packets {
		raw, _ := p.Marshal()
		b.network.Send(raw, peers, ours)
		b.run(20, nil)
		for e, ok := b.NextEvent(); ok; e, ok = b.NextEvent() {
			if !e.End {
				told = append(told, fmt.Sprint(e.Code))
			}
		}
	}
	if !slices.Equal(told, want) {
		t.Errorf("told %v\nwant %v", told, want)
	}
}

func TestEventsByThePayloadTypeThePeerTakes(t *testing.T) {
	p := ulaw20
	p.EventSend, p.EventReceive = 96, 101
	b := newBench(t, Config{}, p)
	one := pressed(1, 1000, 8, 2)
	for i := range one {
		one[i].PayloadType = 96
	}
	if got := digits(b, one); got != "8 /480" {
		t.Errorf("told %q", got)
	}
}

func TestNobodyAsksForEvents(t *testing.T) {
	var r eventReceiver
	for i := range 100 {
		r.receive(uint32(i)*1000, true, eventPayload{code: uint8(i % 16), end: true, duration: 500}.append(nil))
	}
	n := 0
	for _, ok := r.next(); ok; _, ok = r.next() {
		n++
	}
	if n != heardLimit {
		t.Errorf("%d kept, want %d", n, heardLimit)
	}
}

func TestAudioIsMutedDuringAnEventAndNotMadeUp(t *testing.T) {
	b := newBench(t, Config{}, ulaw20)
	b.talk(peers, 1, 1, 50)
	before := b.count().ConcealedMS
	var heard []int16
	for i := range 25 { // half a second of a key
		e := eventPayload{code: 1, duration: uint16(160 * (i + 1))}.append(nil)
		b.network.Send(rtpPacket(101, uint16(51+i), 51*160, 1, e), peers, ours)
		heard = append(heard, b.run(20, nil)...)
	}
	if got := b.count().ConcealedMS - before; got > 20 {
		t.Errorf("%v ms made up while a key was pressed", got)
	}
	if loud(heard[2000:]) > 0 {
		t.Error("something is heard")
	}
}
