package calls

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"tipring/webui/api"
	"tipring/webui/words"
)

// A ladder is GET /calls/{id}/ladder: who said what to whom.
type ladder struct{ api.Ladder }

// lane is the column of a participant, or -1.
func (l *ladder) lane(id api.Text) int {
	return slices.IndexFunc(l.Participants, func(p api.Participant) bool { return id != "" && p.ID == string(id) })
}

// across is the middle of a lane, in per cent of the ladder's width.
func (l *ladder) across(lane int) string {
	return strconv.FormatFloat((float64(lane)+.5)*100/float64(len(l.Participants)), 'f', 2, 64) + "%"
}

// lean is how far an arrow's middle is from the ladder's, in per cent of half its width: to the left
// below 0. The style sheet has those of up to four lanes.
func (l *ladder) lean(m api.LadderMessage) string {
	from, to, ok := l.between(m)
	if !ok {
		return "0"
	}
	lanes := len(l.Participants)
	return strconv.Itoa(100 * (from + to + 1 - lanes) / lanes)
}

// between reports an arrow, from one lane to another. What merely happened has none: its text
// goes across the lanes.
func (l *ladder) between(m api.LadderMessage) (from, to int, ok bool) {
	from, to = l.lane(m.From), l.lane(m.To)
	return from, to, m.Kind != "event" && from >= 0 && to >= 0 && from != to
}

// name is what a participant is called.
func (l *ladder) name(ctx context.Context, id api.Text) string {
	if i := l.lane(id); i >= 0 {
		return words.T(ctx, l.Participants[i].Name)
	}
	return string(id)
}

// What participants are called, besides their addresses.
var _ = []string{words.N("this device"), words.N("primary"), words.N("backup")}

// tone is the look of a message: by what it answers.
func tone(m api.LadderMessage) string {
	switch {
	case m.Kind == "event":
		return "event"
	case m.Status == nil:
		return "request"
	case *m.Status < 200:
		return "provisional"
	case *m.Status < 300:
		return "good"
	case *m.Status == 401, *m.Status == 407, *m.Status < 400:
		return "provisional" // a question, not a refusal
	}
	return "bad"
}

// offset is how long after the first message, in seconds.
func offset(m api.LadderMessage) string {
	return fmt.Sprintf("+%d.%03d", m.AfterMS/1000, m.AfterMS%1000)
}
