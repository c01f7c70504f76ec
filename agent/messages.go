package agent

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"sync"
	"time"

	"tipring/lines"
	"tipring/webui/api"
)

// A mailList is what the servers of the lines say about their mailboxes. It lives as long as the agent.
type mailList struct {
	telling sync.Mutex // held while a port is told, so that the latest news come last

	mu    sync.Mutex
	boxes map[int]api.Message // by line
}

// box takes what the server of a line says about its mailbox.
func (m *mailList) box(line int, s lines.Summary, at time.Time) {
	x := api.Message{ID: fmt.Sprintf("voice-%d", line), Line: line, Kind: "voice", Waiting: s.Waiting, Account: api.Text(s.Account), At: api.At(at)}
	if s.Counted {
		x.New, x.Old, x.UrgentNew, x.UrgentOld = &s.New, &s.Old, &s.UrgentNew, &s.UrgentOld
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.boxes == nil {
		m.boxes = map[int]api.Message{}
	}
	m.boxes[line] = x
}

// waits tells whether messages wait in the mailbox of a line; known is false until its server
// has said so.
func (m *mailList) waits(line int) (on, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	x, known := m.boxes[line]
	return x.Waiting, known
}

// account is where the voice messages of a line are, as its server has told; empty: it has not.
func (m *mailList) account(line int) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return string(m.boxes[line].Account)
}

// all lists the mailboxes.
func (m *mailList) all() []api.Message {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Values(m.boxes))
}

// allMessages lists what waits for the people of the lines that are there, by line: its mailbox,
// then its texts, the newest first.
func (a *Agent) allMessages() []api.Message {
	list := slices.Concat(a.mail.all(), a.texts.all())
	list = slices.DeleteFunc(list, func(x api.Message) bool { return a.unit(x.Line) == nil })
	sort.SliceStable(list, func(i, j int) bool { return list[i].Line < list[j].Line })
	return list
}

// messages takes what is said about the mailbox of a line, and lights the lamps of its ports.
func (a *Agent) messages(line int, s lines.Summary) {
	a.log.Info("messages", "line", line, "waiting", s.Waiting, "text", s.String())
	a.mail.box(line, s, time.Now())
	a.events.Changed(api.OnMessage, "")
	for _, u := range *a.portList.Load() {
		if u.port != nil && u.cfg.Line == line {
			a.light(u)
		}
	}
}

// light has the telephone of a port told what is known about the mailbox of its line.
func (a *Agent) light(u *portUnit) {
	a.mail.telling.Lock()
	defer a.mail.telling.Unlock()
	if on, known := a.mail.waits(u.cfg.Line); known {
		u.port.MessageWaiting(on)
	}
}
