package calls

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"tipring/webui/api"
)

// A ladder is GET /calls/{id}/ladder: who said what to whom.
type ladder struct {
	Participants []participant `json:"participants"`
	Messages     []message     `json:"messages"`
	Dropped      int           `json:"dropped"` // that were not kept
}

type participant struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Address api.Text `json:"address"`
}

type message struct {
	Time           api.Time `json:"time"`
	From           api.Text `json:"from"` // id of a participant; null: an event, or nobody's
	To             api.Text `json:"to"`
	Kind           string   `json:"kind"` // request response event
	Status         *int     `json:"status"`
	Summary        string   `json:"summary"`
	Detail         api.Text `json:"detail"` // the message, without its secrets
	Retransmission bool     `json:"retransmission"`
	Transport      api.Text `json:"transport"`
}

// lane is the column of a participant, or -1.
func (l *ladder) lane(id api.Text) int {
	return slices.IndexFunc(l.Participants, func(p participant) bool { return id != "" && p.ID == string(id) })
}

// across is the middle of a lane, in per cent of the ladder's width.
func (l *ladder) across(lane int) string {
	return strconv.FormatFloat((float64(lane)+.5)*100/float64(len(l.Participants)), 'f', 2, 64) + "%"
}

// between reports an arrow, from one lane to another.
func (l *ladder) between(m message) (from, to int, ok bool) {
	from, to = l.lane(m.From), l.lane(m.To)
	return from, to, from >= 0 && to >= 0 && from != to
}

// name is what a participant is called.
func (l *ladder) name(id api.Text) string {
	if i := l.lane(id); i >= 0 {
		return l.Participants[i].Name
	}
	return string(id)
}

// tone is the look of a message: by what it answers.
func (m message) tone() string {
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
func (l *ladder) offset(m message) string {
	if len(l.Messages) == 0 || m.Time.IsZero() {
		return ""
	}
	return fmt.Sprintf("+%.3f", float64(m.Time.Sub(l.Messages[0].Time.Time)/time.Millisecond)/1000)
}
