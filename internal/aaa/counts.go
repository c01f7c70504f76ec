package aaa

import (
	"sync/atomic"
	"time"
)

// counts are one server's counters.
type counts struct {
	sent, retransmitted, accepted, timeouts, late atomic.Int64
	refused                                       [refusals]atomic.Int64
}

// A Count is what happened with one server since New.
type Count struct {
	Server        string            // host:port
	Sent          int64             // requests, each counted once
	Retransmitted int64             // further transmissions of them
	Accepted      int64             // answers that were believed
	Refused       map[Refusal]int64 // answers that were not, by reason; only those that happened
	Timeouts      int64             // requests without an answer that was believed
	Late          int64             // genuine or not, they came when nobody waited any more
	Dead          bool              // it is left alone now
	Since         time.Time         // since when it answers, or, dead, does not; zero: it has not been asked
	Took          time.Duration     // from the question to its latest answer; zero: there was none
}

// Counts returns a Count for each server, in their order.
func (c *Client) Counts() []Count {
	now := time.Now()
	var all []Count
	for _, s := range c.servers {
		n := Count{
			Server: s.Addr, Sent: s.counts.sent.Load(), Retransmitted: s.counts.retransmitted.Load(),
			Accepted: s.counts.accepted.Load(), Timeouts: s.counts.timeouts.Load(), Late: s.counts.late.Load(),
			Refused: map[Refusal]int64{}, Dead: s.state(now) != alive,
		}
		n.Since, n.Took = s.health()
		for r := BadLength; r < refusals; r++ {
			if count := s.counts.refused[r].Load(); count > 0 {
				n.Refused[r] = count
			}
		}
		all = append(all, n)
	}
	return all
}
