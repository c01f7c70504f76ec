package modem

// point is a place in the plane of amplitude and phase, 2048 for the root mean square of
// a signal.
type point struct{ re, im int32 }

const unit = 2048

// power returns the square of the amplitude, 1<<22 for a signal's mean.
func (p point) power() int32 { return p.re*p.re + p.im*p.im }

// turned returns the point turned by a phase in 2^-32 of a turn.
func (p point) turned(phase uint32) point {
	c, s := cosine(phase), sine(phase)
	return point{
		int32((int64(p.re)*int64(c) - int64(p.im)*int64(s) + 1<<13) >> 14),
		int32((int64(p.re)*int64(s) + int64(p.im)*int64(c) + 1<<13) >> 14),
	}
}

// sine returns the sine of a phase in 2^-32 of a turn; 1 is 1<<14.
func sine(phase uint32) int32   { return int32(sineTable[(phase+1<<20)>>21]) }
func cosine(phase uint32) int32 { return int32(sineTable[(phase+1<<30+1<<20)>>21]) }

// angle returns the direction of (re, im) in 2^-32 of a turn, 0 for the origin. It turns
// the vector by ever smaller known angles until it lies on the axis.
func angle(re, im int64) uint32 {
	var phase uint32
	if re < 0 {
		re, im, phase = -re, -im, 1<<31
	}
	for re|abs(im) >= 1<<40 {
		re, im = re>>1, im>>1
	}
	for re|abs(im) != 0 && re|abs(im) < 1<<30 {
		re, im = re<<1, im<<1
	}
	for i, a := range arcTangents {
		if im > 0 {
			re, im, phase = re+im>>i, im-re>>i, phase+a
		} else {
			re, im, phase = re-im>>i, im+re>>i, phase-a
		}
	}
	return phase
}

// arcTangents are those of 2^-i, in 2^-32 of a turn.
var arcTangents = [...]uint32{
	536870912, 316933406, 167458907, 85004756, 42667331, 21354465, 10679838, 5340245,
	2670163, 1335087, 667544, 333772, 166886, 83443, 41722, 20861,
}

func abs(v int64) int64 {
	if v < 0 {
		return -v
	}
	return v
}

// root returns the integer part of a square root.
func root(v uint64) uint64 {
	var r uint64
	for bit := uint64(1) << 62; bit != 0; bit >>= 2 {
		if v >= r+bit {
			v -= r + bit
			r = r>>1 + bit
		} else {
			r >>= 1
		}
	}
	return r
}
