package convey

import "tipring/t38/ifp"

// A queue holds what is to be said, in order.
type queue struct {
	items  []item
	first  int // of items
	octets []byte
	taken  int // of octets
}

type itemKind uint8

const (
	anIndicator itemKind = iota
	aFrame
	theOctets // of an image or a training check
	anEnd     // of a signal, in a field of its own
)

// An item is one thing to be said.
type item struct {
	kind      itemKind
	indicator ifp.Indicator
	data      ifp.DataType
	field     ifp.FieldType // that ends a frame or signal
	ends      bool          // a frame's field ends the signal too
	left      int           // octets of it that are still queued
	bits      int           // that those take on the line
	final     bool          // a frame behind which the signal is to end
	since     int64         // when its last octets came or, once none is left, went

	open   bool // a frame of which more is to come
	live   bool // a frame that came in parts: its octets have passed on a line when they are told
	octets int  // of it that have come
	ones   int  // at their end
}

// grow notes octets of a frame, and the bits that they take: with those that are stuffed in,
// a zero after each five ones.
func (i *item) grow(octets []byte) {
	i.octets += len(octets)
	i.left += len(octets)
	i.bits += 8 * len(octets)
	for _, o := range octets {
		for b := range 8 {
			if o>>b&1 == 0 {
				i.ones = 0
			} else if i.ones++; i.ones == 5 {
				i.bits++
				i.ones = 0
			}
		}
	}
}

// close ends a frame, with what its FCS showed.
func (i *item) close(good bool) {
	i.open, i.field = false, ifp.HDLCFCSOK
	if !good {
		i.field = ifp.HDLCFCSBad
	}
	if i.left > 0 {
		i.bits += frameBits
	}
}

// push adds an item with its octets, which are reversed.
func (q *queue) push(i item, octets []byte) {
	if q.first > 0 && q.first*2 >= len(q.items) {
		q.items = q.items[:copy(q.items, q.items[q.first:])]
		q.first = 0
	}
	q.items = append(q.items, i)
	q.add(octets)
}

func (q *queue) add(octets []byte) {
	if q.taken > 0 && q.taken*2 >= len(q.octets) {
		q.octets = q.octets[:copy(q.octets, q.octets[q.taken:])]
		q.taken = 0
	}
	q.octets = reversed(q.octets, octets)
}

func (q *queue) len() int { return len(q.items) - q.first }

// front returns the item to be said next, nil if there is none.
func (q *queue) front() *item {
	if q.len() == 0 {
		return nil
	}
	return &q.items[q.first]
}

// back returns the item that was pushed last, nil if it has been said.
func (q *queue) back() *item {
	if q.len() == 0 {
		return nil
	}
	return &q.items[len(q.items)-1]
}

// pop drops the front item with its octets.
func (q *queue) pop() {
	q.taken += q.items[q.first].left
	q.first++
}

// take takes octets of the front item. They are valid until something is pushed.
func (q *queue) take(n int) []byte {
	i := q.front()
	b := q.octets[q.taken : q.taken+n]
	q.taken += n
	i.bits -= i.bits * n / i.left
	i.left -= n
	return b
}

func (q *queue) clear() {
	q.items, q.first, q.octets, q.taken = q.items[:0], 0, q.octets[:0], 0
}
