package srtp

// windowSize is how far back, in packets, replay is told from lateness (RFC 3711 section 3.3.2:
// 64 at least).
const windowSize = 64

// A window is which of the newest numbers of a stream have come.
type window struct {
	top   uint64 // the highest
	seen  uint64 // bit n: top-n
	begun bool
}

// estimate is the index of a packet by its sequence number: the one nearest to the highest
// (RFC 3711 section 3.3.1 and appendix A). Before the first the rollover counter is 0.
func (w *window) estimate(seq uint16) (uint64, error) {
	if !w.begun {
		return uint64(seq), nil
	}
	index := int64(w.top) + int64(int16(seq-uint16(w.top)))
	switch {
	case index < 0 || w.has(uint64(index)):
		return 0, ErrReplayed
	case index >= 1<<48:
		return 0, ErrExpired
	}
	return uint64(index), nil
}

// has reports a number that came before, or that is too old to tell.
func (w *window) has(index uint64) bool {
	if !w.begun || index > w.top {
		return false
	}
	behind := w.top - index
	return behind >= windowSize || w.seen>>behind&1 != 0
}

func (w *window) add(index uint64) {
	switch {
	case !w.begun:
		*w = window{top: index, seen: 1, begun: true}
	case index > w.top:
		w.seen = w.seen<<(index-w.top) | 1
		w.top = index
	case w.top-index < windowSize:
		w.seen |= 1 << (w.top - index)
	}
}
