package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"sync"
	"time"

	"tipring/lines"
	"tipring/webui/api"
)

// Texts are the messages of people (RFC 3428), of all lines. They are on the disk before their
// senders are told that they were taken, and stay until they are deleted or the oldest give way.
type texts struct {
	write   func(data []byte) error // puts them on the disk
	changed func()                  // there are others
	start   func(func())            // has something done beside

	saving sync.Mutex // held by who writes; before mu
	last   int        // ID that was given; of saving. A page may still show one that is deleted

	mu      sync.Mutex
	list    []text  // oldest first, as it is on the disk
	coming  []comer // that are not yet
	working bool    // somebody writes them
}

// A text is one of them on the disk.
type text struct {
	ID   int       `json:"id"`
	Line int       `json:"line"`
	From string    `json:"from"`
	Text string    `json:"text"`
	At   time.Time `json:"at"`
}

// A comer is a text that nobody was told of yet.
type comer struct {
	text
	kept func(error)
}

const (
	textsFile  = "messages.json" // in the state directory
	keptTexts  = 50
	maxTexts   = 4 << 20 // octets of the file: each octet of a text may become six
	mostComing = 16
)

var errManyTexts = errors.New("too many messages at once")

// openTexts reads what is kept. Without it the device goes on.
func (a *Agent) openTexts() {
	t := &a.texts
	t.write = func(data []byte) error { return a.writeState(textsFile, data) }
	t.changed = func() { a.events.Changed(api.OnMessage, "") }
	t.start = a.goWork
	data, err := a.readState(textsFile, maxTexts)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err == nil {
		err = json.Unmarshal(data, &t.list)
	}
	if err != nil {
		a.log.Error("messages are lost", "file", textsFile, "err", err)
		t.list = nil
	}
	for _, x := range t.list {
		t.last = max(t.last, x.ID)
	}
}

// add takes a text, and tells kept once it is on the disk or cannot be. It does not wait.
func (t *texts) add(line int, x lines.Text, at time.Time, kept func(error)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.coming) == mostComing {
		kept(errManyTexts)
		return
	}
	t.coming = append(t.coming, comer{text{Line: line, From: x.From, Text: x.Text, At: at.UTC()}, kept})
	if !t.working {
		t.working = true
		t.start(t.work)
	}
}

// work writes what comes until there is no more.
func (t *texts) work() {
	for {
		t.mu.Lock()
		coming := t.coming
		t.coming, t.working = nil, len(coming) > 0
		t.mu.Unlock()
		if coming == nil {
			return
		}
		err := t.edit(func(list []text) ([]text, error) {
			for _, c := range coming {
				t.last++
				c.ID = t.last
				list = append(list, c.text)
			}
			return list[max(0, len(list)-keptTexts):], nil
		})
		for _, c := range coming {
			c.kept(err)
		}
	}
}

// edit puts what change makes of the texts in their place, on the disk first.
func (t *texts) edit(change func([]text) ([]text, error)) error {
	t.saving.Lock()
	defer t.saving.Unlock()
	list, err := change(slices.Clone(t.list)) // saving is held by who changes it
	if err != nil {
		return err
	}
	data, err := json.Marshal(list)
	if err == nil {
		err = t.write(data)
	}
	if err != nil {
		return err
	}
	t.mu.Lock()
	t.list = list
	t.mu.Unlock()
	t.changed()
	return nil
}

// forget deletes one.
func (t *texts) forget(id string) error {
	return t.edit(func(list []text) ([]text, error) {
		i := slices.IndexFunc(list, func(x text) bool { return x.name() == id })
		if i < 0 {
			return nil, fmt.Errorf("message %.20q: %w", id, api.ErrNotFound)
		}
		return slices.Delete(list, i, i+1), nil
	})
}

func (x text) name() string { return "text-" + strconv.Itoa(x.ID) }

// all lists them, the newest first.
func (t *texts) all() (list []api.Message) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, x := range slices.Backward(t.list) {
		list = append(list, api.Message{
			ID: x.name(), Line: x.Line, Kind: "text", Waiting: true, At: api.At(x.At), From: api.Text(x.From), Text: api.Text(x.Text),
		})
	}
	return list
}
