package calls

import (
	"context"
	"strings"
	"time"

	"tipring/webui/api"
	"tipring/webui/words"
)

// An outcome is how a call went: a tone and an English word for it.
type outcome struct{ tone, word string }

var (
	talked     = outcome{"good", words.N("Answered")}
	missed     = outcome{"warn", words.N("Missed")}
	busy       = outcome{"idle", words.N("Busy")}
	noAnswer   = outcome{"idle", words.N("No answer")}
	refused    = outcome{"bad", words.N("Not put through")}
	noSuch     = outcome{"bad", words.N("No such number")}
	runningNow = outcome{"info", words.N("Running")}
)

// outcomeOf tells how a call went by its state and its reason, which begins with the
// status code where the far side gave one.
func outcomeOf(c api.Call) outcome {
	switch {
	case c.State != "ended":
		return runningNow
	case !c.Answered.IsZero():
		return talked
	case c.Direction == "in":
		return missed
	}
	code, _, _ := strings.Cut(string(c.Reason), " ")
	switch code {
	case "486", "600", "603":
		return busy
	case "404", "410", "484", "604":
		return noSuch
	case "408", "480", "487", "given", "nobody":
		return noAnswer
	}
	return refused
}

// What the device itself says of the end of a call; what a far side says stays as it is.
var _ = []string{
	words.N("hung up here"), words.N("the far end hung up"), words.N("the caller gave up"), words.N("given up here"), words.N("refused here"),
	words.N("nobody answered"), words.N("nobody answered here"), words.N("do not disturb"), words.N("the line was closed"),
}

// length is how long was talked, in seconds; 0: not at all.
func length(c api.Call) int {
	if c.Answered.IsZero() || c.Ended.IsZero() {
		return 0
	}
	return int(c.Ended.Sub(c.Answered.Time) / time.Second)
}

// peer is who is called or calls.
func peer(ctx context.Context, c api.Call) string {
	if c.Peer == "" {
		return words.T(ctx, "unknown number")
	}
	return string(c.Peer)
}

func orNone(q *api.Quality) *api.Quality {
	if q == nil {
		return &api.Quality{}
	}
	return q
}

func yes(ctx context.Context, b bool) string {
	if b {
		return words.T(ctx, "Yes")
	}
	return words.T(ctx, "No")
}
