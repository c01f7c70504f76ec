package agent

import (
	"slices"
	"sort"
	"sync"
	"time"

	"tipring/lines"
	"tipring/webui/api"
)

// keptTexts is how many messages of people are remembered, of all lines.
const keptTexts = 50

// A mailList is what waits for the people of the lines: the state of mailboxes, and messages.
// It lives as long as the agent.
type mailList struct {
	telling sync.Mutex // held while a port is told, so that the latest news come last

	mu    sync.Mutex
	boxes map[int]api.Message // by line
	texts []api.Message       // oldest first
}

// box takes what the server of a line says about its mailbox.
func (m *mailList) box(line int, s lines.Summary, at time.Time) {
	x := api.Message{Line: line, Kind: "voice", Waiting: s.Waiting, Account: api.Text(s.Account), At: api.At(at)}
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

// text takes a message. The oldest gives way.
func (m *mailList) text(line int, t lines.Text, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.texts) == keptTexts {
		m.texts = slices.Delete(m.texts, 0, 1)
	}
	m.texts = append(m.texts, api.Message{Line: line, Kind: "text", Waiting: true, At: api.At(at), From: api.Text(t.From), Text: api.Text(t.Text)})
}

// all lists what there is of the lines that are there, by line: its mailbox, then its messages,
// the newest first.
func (m *mailList) all(there func(line int) bool) (list []api.Message) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, x := range m.boxes {
		list = append(list, x)
	}
	for _, x := range slices.Backward(m.texts) {
		list = append(list, x)
	}
	list = slices.DeleteFunc(list, func(x api.Message) bool { return !there(x.Line) })
	sort.SliceStable(list, func(i, j int) bool { return list[i].Line < list[j].Line })
	return list
}

// messages takes what is said about the mailbox of a line, and lights the lamps of its ports.
func (a *Agent) messages(line int, s lines.Summary) {
	a.log.Info("messages", "line", line, "waiting", s.Waiting, "text", s.String())
	a.mail.box(line, s, time.Now())
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
