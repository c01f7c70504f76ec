package call

import "fmt"

// A limiter decides how fast pages may be sent while packets are lost. A lower rate makes
// packets smaller, so that more of them go along with each datagram, and each loss smaller. ECM
// is never taken away: it is what repairs.
//
// One bad page lowers the limit by a step; only three good ones in a row raise it again. It is
// kept from the next training on: a page that is under way cannot change its rate.
type limiter struct {
	most int // bit/s that the device allows
	rate int // bit/s allowed now
	good int // pages in a row
}

// limiterSteps are the rates of a limiter, bit/s. It does not go below that of a bad telephone line.
var limiterSteps = [...]int{14400, 9600, 7200, 4800}

const (
	limiterGood   = 3  // pages in a row until the limit is raised
	limiterLoss   = 10 // lost packets of a thousand that make a page bad
	limiterRepair = 5  // one frame of so many sent again makes a page bad
)

func newLimiter(most int) limiter {
	if most == 0 {
		most = limiterSteps[0]
	}
	return limiter{most: most, rate: most}
}

// pageLoss is what became of a page on its way.
type pageLoss struct {
	packets  int // of the peer's that should have come
	lost     int // of these, beyond recovery
	frames   int // of ECM
	again    int // of these, sent again
	rejected bool
}

// page takes a page that is over and says why the limit changes; empty: it does not.
func (l *limiter) page(x pageLoss) (why string) {
	switch {
	case x.packets > 0 && x.lost*1000 >= x.packets*limiterLoss:
		why = fmt.Sprintf("%d of %d packets were lost beyond recovery", x.lost, x.packets)
	case x.frames > 0 && x.again*limiterRepair >= x.frames:
		why = fmt.Sprintf("%d of %d frames had to be sent again", x.again, x.frames)
	case x.rejected && x.lost > 0:
		why = "the page was rejected, and packets were lost"
	default:
		return l.wasGood()
	}
	l.good = 0
	for _, step := range limiterSteps {
		if step < l.rate {
			l.rate = step
			return fmt.Sprintf("limited to %d bit/s from the next training on: %s", step, why)
		}
	}
	return ""
}

func (l *limiter) wasGood() string {
	l.good++
	if l.good < limiterGood || l.rate >= l.most {
		return ""
	}
	l.good = 0
	for i := len(limiterSteps) - 1; i >= 0; i-- {
		if limiterSteps[i] > l.rate {
			l.rate = min(limiterSteps[i], l.most)
			break
		}
	}
	return fmt.Sprintf("%d bit/s allowed again from the next training on: %d pages without loss", l.rate, limiterGood)
}

// within is the lower one of a limit and this one.
func (l *limiter) within(rate int) int { return min(rate, l.rate) }
