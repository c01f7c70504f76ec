package media

import (
	"math"
	"slices"
)

// Jitter says how a jitter buffer waits for late packets. The zero value is the adaptive default.
type Jitter struct {
	Fixed   bool // hold StartMS and change nothing but for the drift of the clocks: for fax and modems
	StartMS int  // delay of a new stream; 0: 40
	MinMS   int  // the adaptive delay is never less; 0: 20
	MaxMS   int  // nor more; 0: 200, which is the most that can be set
}

const (
	ringSize    = 4096 // octets held: 512 ms
	maxQueued   = 64   // packets held
	maxPayload  = 800  // octets of a packet: 100 ms
	longPause   = 4000 // samples without a packet after which the delay is measured anew
	lateLimit   = 8    // packets in a row, late if only in part, after which the stream has moved for good
	spare       = 40   // samples that the slowest packets are early by before the delay shrinks
	block       = 16000
	adjustStep  = 80 // least that a block takes off the delay, where there is as much
	adjustLeast = 24 // less is left alone

	steadyBlocks = 15 // 30 s
	steadyLeast  = 3  // before a fixed buffer follows them
	driftLimit   = 14 * samplesPerMS
)

// A jitterBuffer holds payloads from their arrival to the moment they are due, in the order
// of their timestamps. It knows no clock but the samples taken from it.
//
// The delay is the lead of the fastest packets: how long they wait. A packet that comes too
// late to be played makes it grow at once by what was missing, up to the most allowed. It
// shrinks, some milliseconds every two seconds, as long as the slowest packets of the last
// four seconds came early all the same.
//
// A fixed buffer follows the drift of the clocks alone: by how much packets come earlier or
// later, on an average of half a minute, than they did in its first seconds. What comes in a
// burst, because the peer, the network or who takes the samples had paused, moves nothing. Nor
// does it correct itself within sound, until a packet's length is at stake.
type jitterBuffer struct {
	start, least, most int32 // samples
	frame              int32 // how many samples are taken at a time

	data  [ringSize]byte // by timestamp
	queue [maxQueued]queued
	n     int

	running bool
	play    uint32 // timestamp of the next sample to take
	floor   uint32 // end of the last packet taken: what lies before it is over
	ahead   int32  // samples taken that are not played yet
	dry     int32  // samples taken since the buffer ran empty

	delay      int32 // estimate, samples
	lateInARow int
	strayed    bool // a packet of this block came after its place was played

	excess      int32 // samples to be cut out of what is played
	taken       int32 // samples of this block
	low, high   int32 // least and greatest lead of this block
	low1, high1 int32 // of the block before

	// Of a fixed buffer.
	sum, leads int32               // of this block: the leads, and how many
	steady     [steadyBlocks]int32 // mean leads of the last blocks
	blocks     int                 // known of them
	hurry      bool                // the excess is to go within sound, too
	first      int32               // their median at first; the delay was nominal then
	nominal    int32               // 0: not known yet
}

// queued is a packet in the buffer.
type queued struct {
	ts     uint32
	size   uint16 // octets and samples
	format uint8
}

func (q queued) end() uint32 { return q.ts + uint32(q.size) }

// A putResult says what became of a packet.
type putResult uint8

const (
	stored putResult = iota
	twice            // the same timestamp is there
	late             // its time was over
	moved            // stored, as the first of a stream that begins anew
)

// configure sets the limits; it may be called at any time.
func (b *jitterBuffer) configure(j Jitter) {
	or := func(ms, otherwise int) int32 {
		if ms == 0 {
			ms = otherwise
		}
		return int32(min(max(ms, 10), 200) * samplesPerMS)
	}
	b.start = or(j.StartMS, 40)
	if j.Fixed {
		b.least, b.most = b.start, b.start
		b.forget()
		return
	}
	b.most = or(j.MaxMS, 200)
	b.least = min(or(j.MinMS, 20), b.most)
	b.start = max(min(b.start, b.most), b.least)
}

// restart forgets the stream; the next packet begins another.
func (b *jitterBuffer) restart() {
	b.n, b.running, b.excess = 0, false, 0
}

// begin starts a stream with a packet: it waits for the start delay.
func (b *jitterBuffer) begin(ts uint32) {
	b.n, b.running, b.dry, b.excess = 0, true, 0, 0
	b.delay = max(b.start, b.frame, b.ahead)
	b.play = ts - uint32(b.delay-b.ahead)
	b.floor = b.play
	b.lateInARow, b.strayed = 0, false
	b.taken = 0
	b.low, b.high, b.low1, b.high1 = math.MaxInt32, math.MinInt32, math.MaxInt32, math.MinInt32
	b.forget()
}

// forget has a fixed buffer begin anew to tell drift.
func (b *jitterBuffer) forget() {
	b.sum, b.leads, b.blocks, b.nominal, b.hurry = 0, 0, 0, 0, false
}

// waits reports that what there is to correct is left for a moment without sound.
func (b *jitterBuffer) waits() bool { return b.least == b.most && !b.hurry }

// put takes a packet in. format is the caller's, to know how to decode it.
func (b *jitterBuffer) put(ts uint32, format uint8, payload []byte) putResult {
	size := int32(len(payload))
	result := stored
	if b.running {
		lead := int32(ts - b.play)
		if b.dry > longPause || lead > ringSize-size || lead < 0 && b.lateInARow >= lateLimit {
			b.running = false
			result = moved
		}
	}
	if !b.running {
		b.begin(ts)
	}
	if missing := int32(b.play - ts); missing > ringSize {
		b.lateInARow++
		return late
	} else if missing > 0 {
		b.grow(missing, ts+uint32(size))
	}
	lead := int32(ts-b.play) + b.ahead
	b.low, b.high = min(b.low, lead), max(b.high, lead)
	b.sum += lead
	b.leads++
	if int32(ts+uint32(size)-b.play) <= 0 || int32(ts+uint32(size)-b.floor) <= 0 {
		b.lateInARow++
		b.strayed = true
		return late
	}
	if over := lead - b.ceiling(); over > b.excess && b.least != b.most {
		b.excess = over // longer than allowed: a burst, or the peer's clock is fast
	}
	if !b.insert(queued{ts, uint16(size), format}, payload) {
		return twice
	}
	if int32(ts-b.play) < 0 {
		b.lateInARow++ // its beginning is over
	} else {
		b.lateInARow = 0
	}
	return result
}

// grow makes the delay longer by what a packet came too late, as far as that is allowed: at
// once while its place is not played, so that it can be, else bit by bit. While there are
// others to play, a single one that strayed is not worth it.
func (b *jitterBuffer) grow(missing int32, end uint32) {
	by := min(missing, b.ceiling()-b.delay)
	if by <= 0 || b.n > 0 && !b.strayed {
		return
	}
	if int32(end-b.floor) <= 0 {
		b.excess = min(b.excess, -by)
		return
	}
	if b.n > 0 {
		by = min(by, ringSize-int32(b.queue[b.n-1].end()-b.play))
	}
	b.play -= uint32(by)
	b.excess = max(b.excess, 0)
	b.shift(by)
}

// ceiling is the longest delay. A frame that is taken at once is on top of what the limit
// allows, since its end is played only so much later.
func (b *jitterBuffer) ceiling() int32 {
	if b.least == b.most {
		return max(b.most, b.frame)
	}
	return b.most + b.frame
}

// shift corrects the delay and the leads measured so far after the place to play has moved
// back by n.
func (b *jitterBuffer) shift(n int32) {
	b.delay += n
	for _, v := range []*int32{&b.low, &b.low1, &b.high, &b.high1} {
		if *v != math.MaxInt32 && *v != math.MinInt32 {
			*v += n
		}
	}
	b.sum += n * b.leads
	for i := range b.steady[:b.blocks] {
		b.steady[i] += n
	}
}

// insert puts q in its place; false when a packet of that timestamp is there.
func (b *jitterBuffer) insert(q queued, payload []byte) bool {
	at := b.n
	for at > 0 && int32(b.queue[at-1].ts-q.ts) > 0 {
		at--
	}
	if at > 0 && b.queue[at-1].ts == q.ts {
		return false
	}
	if b.n == maxQueued { // tiny packets: the earliest makes room
		if at == 0 {
			return true
		}
		copy(b.queue[:], b.queue[1:])
		b.n--
		at--
	}
	copy(b.queue[at+1:b.n+1], b.queue[at:b.n])
	b.queue[at] = q
	b.n++
	i := int(q.ts % ringSize)
	n := copy(b.data[i:], payload)
	copy(b.data[:], payload[n:])
	return true
}

// A piece is what is next to play: a packet, or so many samples for which there is none.
type piece struct {
	packet bool
	format uint8
	size   int // samples
	skip   int // of a packet: how many at its beginning are over
}

// take hands out what is next, at most want samples of a gap or one whole packet, whose
// payload it copies to dst.
func (b *jitterBuffer) take(want int, dst []byte) piece {
	if !b.running {
		return piece{size: want}
	}
	for b.n > 0 && int32(b.queue[0].end()-b.play) <= 0 {
		b.drop()
	}
	if b.n == 0 {
		b.advance(want)
		b.dry = min(b.dry+int32(want), math.MaxInt32/2)
		return piece{size: want}
	}
	q := b.queue[0]
	if gap := int(int32(q.ts - b.play)); gap > 0 {
		gap = min(gap, want)
		b.advance(gap)
		return piece{size: gap}
	}
	p := piece{packet: true, format: q.format, size: int(q.size), skip: int(b.play - q.ts)}
	i := int(q.ts % ringSize)
	n := copy(dst[:q.size], b.data[i:])
	copy(dst[n:q.size], b.data[:])
	b.drop()
	b.advance(p.size - p.skip)
	b.floor, b.dry = b.play, 0
	return p
}

func (b *jitterBuffer) drop() {
	copy(b.queue[:], b.queue[1:b.n])
	b.n--
}

// advance moves the place to play on, and at the end of a block looks whether the delay may shrink.
func (b *jitterBuffer) advance(n int) {
	b.play += uint32(n)
	if b.taken += int32(n); b.taken < block {
		return
	}
	b.taken = 0
	switch {
	case b.leads == 0: // nothing came, or nothing since the buffer was fixed
	case b.least == b.most:
		b.follow()
	default:
		b.delay = max(b.high, b.high1)
		b.adjust()
	}
	b.low1, b.high1 = b.low, b.high
	b.low, b.high, b.strayed = math.MaxInt32, math.MinInt32, false
	b.sum, b.leads = 0, 0
}

// follow takes off or adds, at the end of a block, what the clocks have drifted by.
func (b *jitterBuffer) follow() {
	if b.blocks == steadyBlocks {
		copy(b.steady[:], b.steady[1:])
		b.blocks--
	}
	b.steady[b.blocks] = b.sum / b.leads
	b.blocks++
	if b.blocks < steadyLeast {
		return
	}
	sorted := b.steady
	slices.Sort(sorted[:b.blocks])
	median := sorted[b.blocks/2]
	if b.nominal == 0 {
		b.first, b.nominal = median, b.delay
	}
	drift := median - b.first
	b.delay = b.nominal + drift
	b.hurry = b.hurry || drift >= driftLimit || drift <= -driftLimit
	switch {
	case drift <= -adjustLeast:
		b.excess = min(b.excess, drift)
	case drift >= adjustLeast:
		b.excess = max(b.excess, drift)
	}
}

// adjust decides at the end of a block how much of the delay is not needed, or is missing
// because the peer's clock is slow.
func (b *jitterBuffer) adjust() {
	least := max(b.least, b.frame)
	excess := b.delay - least
	if excess <= -adjustLeast {
		b.excess = min(b.excess, excess)
		return
	}
	excess = min(excess, min(b.low, b.low1)-spare)
	if excess >= adjustLeast {
		b.excess = max(b.excess, excess/2, min(excess, adjustStep))
	}
}

// adjusted tells the buffer that a packet was played n samples shorter, or longer if n is negative.
func (b *jitterBuffer) adjusted(n int) {
	b.excess -= int32(n)
	b.hurry = b.hurry && (b.excess >= adjustLeast || b.excess <= -adjustLeast)
	b.shift(-int32(n))
}
