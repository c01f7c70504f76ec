package modem

// unheard notices bursts whose training was not recognised, because of noise over it or
// because the receiver came too late: energy well above what was there before, no shorter
// than a training, as even as a modem's and with as broad a spectrum, that ends. T.30 has
// to know of it, because it answers with FTT what it would otherwise wait for.
type unheard struct {
	floor  int64 // energy of a block without signal; 0: not known
	active bool
	level  int64 // energy of a block with signal
	blocks int   // with signal
	even   int   // of them with about as much as usual
	quiet  int   // without, since
	lags   [3]int64
}

const (
	unheardLeast = 60                   // blocks of 5 ms
	unheardQuiet = 6                    // blocks that end a burst
	unheardPower = minimum / toneBlocks // energy of a block
	unheardFloor = unheardPower / 8     // what is counted as silence
	blockRise    = 4                    // how far above the floor a burst is
)

// add takes a block and reports whether an unheard burst has ended with it.
func (u *unheard) add(b *toneBlock) bool {
	p := b.lags[0]
	if u.floor == 0 {
		u.floor = max(p, unheardFloor)
	}
	if !u.active {
		if p < unheardPower || p < blockRise*u.floor {
			u.floor = max(u.floor+(p-u.floor)>>3, unheardFloor)
			return false
		}
		*u = unheard{floor: u.floor, active: true, level: p}
	}
	if p < u.level/4 {
		u.quiet++
		u.active = u.quiet < unheardQuiet
		return !u.active && u.blocks >= unheardLeast && u.even > u.blocks*3/4 && broad(u.lags)
	}
	u.quiet = 0
	u.blocks++
	if p > u.level/2 && p < u.level*2 {
		u.even++
	}
	u.level += (p - u.level) >> 4
	for i := range u.lags {
		u.lags[i] += b.lags[i]
	}
	return false
}

// resume goes on with a burst that was taken for one with a training: blocks with signal
// have that energy.
func (u *unheard) resume(level int64) {
	if !u.active {
		*u = unheard{floor: u.floor, active: true, level: level}
	}
	u.quiet = 0
	u.blocks += 2 * toneBlocks
	u.even += 2 * toneBlocks
}

// broad reports whether more than a seventh of a signal's energy cannot be foretold from
// the two samples before, by its sums of products with itself: of a tone, of V.21 and of
// most of speech less remains, of a modem's signal twice as much or more.
func broad(lags [3]int64) bool {
	scale := lags[0]>>14 + 1
	r1, r2 := lags[1]/scale, lags[2]/scale // 1<<14 is 1
	const one = 1 << 14
	rest := one - r1*r1>>14
	if rest <= 0 {
		return false
	}
	k := (r2 - r1*r1>>14) << 14 / rest
	return rest*(one-k*k>>14)>>14 > one/7
}
