package modem

// trellis decodes V.17: it follows, for each of the encoder's eight states, the likeliest
// way to come there, and takes the bits of the likeliest of all some symbols later
// (Viterbi).
type trellis struct {
	points  []gridPoint
	bits    int
	nearest [8][trellisCells * trellisCells]uint8 // by subset and place, its nearest element

	cost  [8]int32
	steps [trellisDepth][8]trellisStep
	at    int // symbols taken since the beginning
	given int // of them decided
	y     uint8
}

// A trellisStep is how a state was come to.
type trellisStep struct{ label, from uint8 }

const (
	trellisDepth = 32 // symbols, a power of two
	trellisDelay = 24 // after which all ways have long been one
	trellisCells = 20 // steps of the grid to each side and back
	trellisReach = trellisCells / 2
)

// ways are those to a state: from which ones and with which subsets of elements.
type ways struct{ from, subset [4]uint8 }

var waysTo = func() (to [8]ways) {
	var n [8]int
	for state := range uint8(8) {
		for y := range uint8(4) {
			next := nextTrellisState(state, y)
			to[next].from[n[next]], to[next].subset[n[next]] = state, y<<1|state&1
			n[next]++
		}
	}
	return to
}()

// use prepares for the elements of a scheme.
func (t *trellis) use(s *scheme) {
	if t.bits != s.bits {
		t.points, t.bits = v17Points(s.bits), s.bits
		for i := range t.nearest[0] {
			t.survey(i)
		}
	}
	t.reset()
}

// survey finds the elements that are nearest to the middle of a cell.
func (t *trellis) survey(cell int) {
	x, y := 2*(cell/trellisCells-trellisReach)+1, 2*(cell%trellisCells-trellisReach)+1
	var best [8]int
	for label, p := range t.points {
		dx, dy := 2*int(p.x)-x, 2*int(p.y)-y
		d := dx*dx + dy*dy + 1
		if subset := label & 7; best[subset] == 0 || d < best[subset] {
			best[subset], t.nearest[subset][cell] = d, uint8(label)
		}
	}
}

func (t *trellis) reset() {
	t.cost = [8]int32{}
	t.at, t.given, t.y = 0, 0, 0
}

func gridCell(v int32) int32 {
	return min(max((v+trellisReach*v17Grid)/v17Grid, 0), trellisCells-1)
}

// add takes the place of an element and returns what it most likely is.
func (t *trellis) add(z point) point {
	cell := gridCell(z.re)*trellisCells + gridCell(z.im)
	var labels [8]uint8
	var far [8]int32
	for i := range labels {
		labels[i] = t.nearest[i][cell]
		p := t.points[labels[i]]
		far[i] = (point{z.re - int32(p.x)*v17Grid, z.im - int32(p.y)*v17Grid}).power() >> 7
	}
	steps := &t.steps[t.at&(trellisDepth-1)]
	var cost [8]int32
	least, best := int32(1<<31-1), 0
	for to := range cost {
		w := &waysTo[to]
		// The number of the way is carried in the two lowest bits.
		c := min(
			(t.cost[w.from[0]&7]+far[w.subset[0]&7])<<2,
			(t.cost[w.from[1]&7]+far[w.subset[1]&7])<<2|1,
			(t.cost[w.from[2]&7]+far[w.subset[2]&7])<<2|2,
			(t.cost[w.from[3]&7]+far[w.subset[3]&7])<<2|3)
		steps[to] = trellisStep{labels[w.subset[c&3]&7], w.from[c&3]}
		c >>= 2
		cost[to] = c
		if c < least {
			least, best = c, to
		}
	}
	for i := range cost {
		t.cost[i] = cost[i] - least
	}
	t.at++
	p := t.points[steps[best].label]
	return point{int32(p.x) * v17Grid, int32(p.y) * v17Grid}
}

// decided writes the bits of symbols that have become certain, or of all with flush, and
// returns how many symbols they are. The first bit of each is the lowest.
func (t *trellis) decided(out *[trellisDepth]uint8, flush bool) int {
	n := t.at - t.given - trellisDelay
	if flush {
		n = t.at - t.given
	} else if n < trellisDepth-trellisDelay {
		return 0
	}
	state := uint8(0)
	for i, c := range t.cost {
		if c == 0 {
			state = uint8(i)
		}
	}
	for at := t.at - 1; at >= t.given; at-- {
		s := t.steps[at&(trellisDepth-1)][state]
		if i := at - t.given; i < n {
			out[i] = s.label
		}
		state = s.from & 7
	}
	for i, label := range out[:n] {
		y := label >> 1 & 3
		out[i] = label>>3<<2 | (y-t.y)&3
		t.y = y
	}
	t.given += n
	return n
}

// nearestOf returns the element nearest to a place.
func (t *trellis) nearestOf(z point) (nearest point) {
	cell := gridCell(z.re)*trellisCells + gridCell(z.im)
	best := int32(1<<31 - 1)
	for i := range t.nearest {
		g := t.points[t.nearest[i][cell]]
		p := point{int32(g.x) * v17Grid, int32(g.y) * v17Grid}
		if d := (point{z.re - p.re, z.im - p.im}).power(); d < best {
			best, nearest = d, p
		}
	}
	return nearest
}
