package echo

// window is the far signal that an echo can still come from: the tail before a block, and
// the block. Its reader gets strips: what strip outputs of a filter, or a correlation
// with as many errors, look at.
type window struct {
	lanes []lane // of the tail, the block and the strip that a short block leaves half empty
	taps  int
	at    int // samples of the block so far
}

func newWindow(taps int) window {
	return window{lanes: make([]lane, taps+block+strip), taps: taps}
}

// next makes place for another block.
func (w *window) next() {
	copy(w.lanes, w.lanes[block:block+w.taps])
	clear(w.lanes[w.taps:])
	w.at = 0
}

func (w *window) add(v int32) {
	i := w.taps + w.at
	w.lanes[i-1] = pack(int32(w.lanes[i-1]), v)
	w.lanes[i] = pack(v, 0)
	w.at++
}

// strip returns what the outputs from sample i of the block on are made of.
func (w *window) strip(i int) []lane { return w.lanes[i+1 : i+1+w.taps+strip] }

// sample returns sample i of the block, a negative i one before it.
func (w *window) sample(i int) int32 { return int32(w.lanes[w.taps+i]) }

// energy returns the sum of squares over the tail before sample i of the block.
func (w *window) energy(i int) (sum uint64) {
	for _, l := range w.lanes[i : i+w.taps] {
		sum += square(int32(l))
	}
	return sum
}

// clear forgets everything.
func (w *window) clear() {
	clear(w.lanes)
	w.at = 0
}

func square(v int32) uint64 { return uint64(int64(v) * int64(v)) }
