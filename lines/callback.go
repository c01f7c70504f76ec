package lines

import (
	"strings"
	"sync"
	"time"

	"tipring/internal/sipmsg"
)

// callbackTime is how long after an emergency call whoever was called may call back: then no
// call to the line is kept away by what people have set. RFC 7090 section 1 tells why.
const callbackTime = 30 * time.Minute

// Emergencies knows when lines called in an emergency last, and for which port. A device keeps it for longer than its
// lines, which a new configuration makes anew. The zero value knows of none.
type Emergencies struct {
	mu   sync.Mutex
	last map[int]emergency // by line
}

type emergency struct {
	at   time.Time
	port int
}

func (e *Emergencies) called(line, port int, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.last == nil {
		e.last = map[int]emergency{}
	}
	e.last[line] = emergency{now, port}
}

func (e *Emergencies) recent(line int, now time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	x, ok := e.last[line]
	return ok && now.Sub(x.at) < callbackTime
}

// Port is the port that has called for help over a line for which somebody may call back; 0: none.
func (e *Emergencies) Port(line int, now time.Time) int {
	if !e.recent(line, now) {
		return 0
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.last[line].port
}

// callback reports an INVITE that may be of those who were called in an emergency: because there
// was such a call a while ago, or because a server of the line says so (RFC 7090 section 5).
func (l *Line) callback(now time.Time, req *sipmsg.Message, stranger bool) bool {
	if l.dev.Emergencies.recent(l.cfg.N, now) {
		return true
	}
	return l.cfg.PSAPCallback && !stranger && strings.EqualFold(strings.TrimSpace(req.Header.Get("Priority")), "psap-callback")
}
