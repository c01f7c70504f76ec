package t4

import "math/bits"

// A bitReader is a queue of octets that is read bit by bit. window holds the next
// bits, the very next in its top bit, and zeros behind the last.
type bitReader struct {
	order  BitOrder
	ended  bool // no octets follow
	window uint64
	have   int // bits in the window
	octets []byte
	next   int // of octets: the first that is not in the window
}

func (r *bitReader) reset(order BitOrder) {
	*r = bitReader{order: order, octets: r.octets[:0]}
}

// feed queues octets. The queue's memory is used again once it has been read.
func (r *bitReader) feed(octets []byte) {
	if r.next > 0 {
		r.octets = r.octets[:copy(r.octets, r.octets[r.next:])]
		r.next = 0
	}
	r.octets = append(r.octets, octets...)
}

// fill brings at least 57 bits into the window, if there are as many.
func (r *bitReader) fill() {
	for r.have <= 56 && r.next < len(r.octets) {
		octet := r.octets[r.next]
		if r.order == LSBFirst {
			octet = bits.Reverse8(octet)
		}
		r.next++
		r.window |= uint64(octet) << (56 - r.have)
		r.have += 8
	}
}

// skip takes n bits, no more than there are.
func (r *bitReader) skip(n int) {
	r.window <<= n
	r.have -= n
}

// align takes the rest of an octet that has been read in part. It is right only
// where whole octets have been fed, which is always.
func (r *bitReader) align() { r.skip(r.have & 7) }

// A bitWriter collects bits and appends whole octets to a slice.
type bitWriter struct {
	order BitOrder
	acc   uint64 // the bits that are no octet yet are the low have bits
	have  uint
}

// put appends the low n bits of v, n at most 32.
func (w *bitWriter) put(dst []byte, v uint32, n uint) []byte {
	w.acc = w.acc<<n | uint64(v)
	w.have += n
	for w.have >= 8 {
		w.have -= 8
		octet := byte(w.acc >> w.have)
		if w.order == LSBFirst {
			octet = bits.Reverse8(octet)
		}
		dst = append(dst, octet)
	}
	return dst
}

// zeros appends n zero bits.
func (w *bitWriter) zeros(dst []byte, n int) []byte {
	for ; n > 32; n -= 32 {
		dst = w.put(dst, 0, 32)
	}
	if n > 0 {
		dst = w.put(dst, 0, uint(n))
	}
	return dst
}

// flush fills the last octet with zeros.
func (w *bitWriter) flush(dst []byte) []byte {
	return w.zeros(dst, int(-w.have&7))
}
