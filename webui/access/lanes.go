package access

import (
	"net/netip"
	"time"
)

// Who guesses is slowed down. Every source has a lane of its own: after freeTries wrong ones
// the next is taken after 1 s, then after 2 s and so on up to maxDelay. That is at most ten in
// the first minute, and one a minute in the long run. All strangers together have the lanes'
// bucket: 60 in the first minute, 30 a minute in the long run. Who finds it empty is given a
// turn, which nobody else can take: among up to maxTurns sources that guess without end, somebody
// who knows his password waits 2 s for each of them at most.
//
// No name is ever locked. A browser that has logged in before shows it by its device cookie,
// which has a lane of its own, beside the bucket: nobody who floods the others makes it wait
// (OWASP, "Slow Down Online Guessing Attacks with Device Cookies").
const (
	freeTries   = 5
	maxDelay    = time.Minute
	laneLife    = 15 * time.Minute // after the last try
	maxLanes    = 512
	bucketSize  = 30
	bucketDelay = 2 * time.Second // for each further one
	maxTurns    = 256             // that are given: more sources than a network of 24 bits has
	turnLife    = time.Minute     // a turn can be taken for so long
)

// A lane is what one source tried.
type lane struct {
	wrong int
	last  time.Time
	next  time.Time // no sooner is another try taken
	turn  time.Time // of the bucket, which is kept for it; zero: none
}

// lanes are those of all sources. They read no clock.
type lanes struct {
	table map[string]*lane
	full  time.Time // the bucket is full from then on
}

// laneOf names the lane of an address: of IPv6 a /64 is one host.
func laneOf(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		p, _ := a.Prefix(64)
		return p.String()
	}
	return a.String()
}

// enter takes a try, and counts it as a wrong one until succeed says otherwise; or it returns
// how long the source has to wait.
func (l *lanes) enter(key string, known bool, now time.Time) (wait time.Duration) {
	if at := l.table[key]; at != nil && now.Before(at.next) {
		return at.next.Sub(now)
	}
	if !known {
		if wait := l.takeTurn(key, now); wait > 0 {
			return wait
		}
	}
	at := l.lane(key, now)
	at.wrong++
	at.last, at.next = now, now.Add(delay(at.wrong))
	return 0
}

// takeTurn takes a try out of the bucket, or returns when there will be one for this source.
func (l *lanes) takeTurn(key string, now time.Time) (wait time.Duration) {
	if at := l.table[key]; at != nil && !at.turn.IsZero() {
		since := now.Sub(at.turn)
		if since < 0 {
			return -since
		}
		at.turn = time.Time{}
		if since <= turnLife {
			return 0
		}
	}
	wait = l.draw(now)
	if wait > 0 && wait <= maxTurns*bucketDelay {
		at := l.lane(key, now)
		at.turn = now.Add(wait)
		if at.last.IsZero() {
			at.last = now
		}
	}
	return wait
}

// delay is what follows a number of wrong tries.
func delay(wrong int) time.Duration {
	if wrong < freeTries {
		return 0
	}
	return min(maxDelay, time.Second<<min(wrong-freeTries, 10))
}

// draw takes one try out of the bucket, be it one that is there later; where too many were
// given away already, it takes none.
func (l *lanes) draw(now time.Time) (wait time.Duration) {
	if l.full.Before(now) {
		l.full = now
	}
	after := l.full.Add(bucketDelay)
	if wait = after.Sub(now) - bucketSize*bucketDelay; wait <= maxTurns*bucketDelay {
		l.full = after
	}
	return max(0, wait)
}

// succeed takes back that a try was wrong. A known browser begins anew; a source does not, or
// who has a password of his own could guess at others' in between.
func (l *lanes) succeed(key string, known bool) {
	if !known {
		l.full = l.full.Add(-bucketDelay)
	}
	l.takeBack(key, known)
}

func (l *lanes) takeBack(key string, known bool) {
	at := l.table[key]
	switch {
	case at == nil:
	case known || at.wrong <= 1:
		delete(l.table, key)
	default:
		at.wrong--
		at.next = at.last.Add(delay(at.wrong))
	}
}

// putOff takes back a try that was not looked at. Its source may come again at once.
func (l *lanes) putOff(key string, known bool, now time.Time) {
	l.takeBack(key, known)
	if !known {
		at := l.lane(key, now)
		at.last, at.turn = now, now
	}
}

// forget has a source begin anew.
func (l *lanes) forget(key string) { delete(l.table, key) }

// lane finds or makes one; when there are too many, that which was not used for longest goes.
func (l *lanes) lane(key string, now time.Time) *lane {
	if at := l.table[key]; at != nil {
		if now.Sub(at.last) > laneLife {
			*at = lane{}
		}
		return at
	}
	if l.table == nil {
		l.table = map[string]*lane{}
	}
	if len(l.table) >= maxLanes {
		l.makeRoom(now)
	}
	at := new(lane)
	l.table[key] = at
	return at
}

func (l *lanes) makeRoom(now time.Time) {
	oldest := ""
	for key, at := range l.table {
		if now.Before(at.turn) {
			continue
		}
		if now.Sub(at.last) > laneLife {
			delete(l.table, key)
		} else if oldest == "" || at.last.Before(l.table[oldest].last) {
			oldest = key
		}
	}
	if len(l.table) >= maxLanes {
		delete(l.table, oldest)
	}
}
