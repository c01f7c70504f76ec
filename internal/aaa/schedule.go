package aaa

import (
	"math/rand/v2"
	"time"
)

// maxWait is the longest wait after a transmission, unless the first is longer.
const maxWait = 16 * time.Second

// waits are the times between a request's transmissions to one server, the last of
// them the time to its end: 2, 4, 8 and 16 s, each with a jitter (RFC 5080 section
// 2.2.1).
func (c *Client) waits(tries int) []time.Duration {
	var all []time.Duration
	for wait := c.timeout; len(all) < tries; wait = min(2*wait, max(maxWait, c.timeout)) {
		all = append(all, c.jitter(wait))
	}
	return all
}

// jitter makes d up to 10 % shorter or longer.
func jitter(d time.Duration) time.Duration {
	return d + time.Duration((rand.Float64()*2-1)*float64(d)/10)
}

// maxCallWait is the longest wait after a transmission inside a call.
const maxCallWait = time.Second

// within are the waits of a request that has that long for one server: even ones of
// at most 1 s. The jitter shortens the first wait and the last makes up for it.
func (c *Client) within(share time.Duration) []time.Duration {
	n := max(1, int((share+maxCallWait-1)/maxCallWait))
	all := make([]time.Duration, n)
	for i := range all {
		all[i] = share / time.Duration(n)
	}
	if n > 1 {
		shift := c.jitter(all[0]) - all[0]
		all[0] -= max(shift, -shift)
	}
	all[n-1] = share - total(all[:n-1])
	return all
}

func total(waits []time.Duration) time.Duration {
	var sum time.Duration
	for _, w := range waits {
		sum += w
	}
	return sum
}
