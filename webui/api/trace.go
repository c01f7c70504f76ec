package api

import (
	"net/http"
	"strconv"
)

// Tracing is what was sent and received for calls and registrations, with its secrets
// overwritten. Errors are as for a Device; ErrConflict says that nothing was kept.
type Tracing interface {
	Ladder(call string) (Ladder, error)
	Capture(call string) ([]byte, error) // a pcap file
	Registrations(line int) Ladder
}

// Ladder is /calls/{id}/ladder and /lines/{n}/ladder: SIP messages, and what happened between
// them, in the order of their times.
type Ladder struct {
	Call         Text            `json:"call"` // id; null: of a line's registrations
	Line         *int            `json:"line"` // of registrations; null: of a call
	Participants []Participant   `json:"participants"`
	Messages     []LadderMessage `json:"messages"`
	Dropped      int             `json:"dropped"` // messages that there was no room for
}

// Participant is one column of a ladder. The first is the device.
type Participant struct {
	ID      string `json:"id"`
	Name    string `json:"name"` // primary, backup, or an address
	Address Text   `json:"address"`
}

// LadderMessage is one row of a ladder.
type LadderMessage struct {
	N              int    `json:"n"`
	Time           Time   `json:"time"`
	AfterMS        int    `json:"after_ms"` // since the first row
	From           Text   `json:"from"`     // id of a participant
	To             Text   `json:"to"`
	Kind           string `json:"kind"`   // request response event
	Method         Text   `json:"method"` // of a response: what it answers
	Status         *int   `json:"status"`
	Summary        string `json:"summary"`
	Text           Text   `json:"text"` // null: of an event
	Retransmission bool   `json:"retransmission"`
	Transport      Text   `json:"transport"` // udp tcp tls
}

// HandleTraces adds the routes of ladders and captures.
func (a *API) HandleTraces(t Tracing) {
	a.Handle(
		Route{"GET", "/api/v1/calls/{id}/ladder", Admin, func(w http.ResponseWriter, r *http.Request) {
			call, ok := a.callByID(w, r)
			if !ok {
				return
			}
			ladder, err := t.Ladder(call.ID)
			if err != nil {
				a.fail(w, r, ProblemOf(err))
				return
			}
			a.answer(w, r, http.StatusOK, ladder)
		}},
		Route{"GET", "/api/v1/calls/{id}/trace.pcap", Admin, func(w http.ResponseWriter, r *http.Request) {
			call, ok := a.callByID(w, r)
			if !ok {
				return
			}
			file, err := t.Capture(call.ID)
			if err != nil {
				a.fail(w, r, ProblemOf(err))
				return
			}
			w.Header().Set("Content-Type", "application/vnd.tcpdump.pcap")
			w.Header().Set("Content-Disposition", `attachment; filename="call-`+fileWord(call.ID)+`.pcap"`)
			w.Header().Set("Content-Length", strconv.Itoa(len(file)))
			w.Write(file)
		}},
		Route{"GET", "/api/v1/lines/{n}/ladder", Admin, func(w http.ResponseWriter, r *http.Request) {
			if line, ok := a.line(w, r); ok {
				a.answer(w, r, http.StatusOK, t.Registrations(line.Line))
			}
		}},
	)
}

// fileWord is a call's id as a part of a file's name.
func fileWord(id string) string {
	b := []byte(id)
	for i, c := range b {
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') && c != '-' && c != '_' {
			b[i] = '_'
		}
	}
	return string(b)
}
