package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tipring/lines"
	"tipring/webui/api"
)

// What waits is listed by line: the mailbox first, then the texts, the newest first.
func TestMessages(t *testing.T) {
	r := start(t, base+"[sip1]\n[sip2]\n")
	at := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	r.mail.box(2, lines.Summary{Waiting: true}, at)
	r.mail.box(1, lines.Summary{Waiting: true, Counted: true, New: 2, Old: 8, UrgentOld: 2, Account: "sip:*97@pbx.example"}, at)
	r.mail.box(3, lines.Summary{Waiting: true}, at) // of a line that is no more
	for i, text := range []string{"first", "second"} {
		r.receives(1, text, at.Add(time.Duration(i)*time.Second))
	}
	got, err := json.Marshal(systems{r.Agent}.Messages())
	if err != nil {
		t.Fatal(err)
	}
	const none = `"new":null,"old":null,"urgent_new":null,"urgent_old":null,"account":null`
	want := `[{"id":"voice-1","line":1,"kind":"voice","waiting":true,"new":2,"old":8,"urgent_new":0,"urgent_old":2,"account":"sip:*97@pbx.example","at":"2026-03-01T10:00:00.000Z","from":null,"text":null},` +
		`{"id":"text-2","line":1,"kind":"text","waiting":true,` + none + `,"at":"2026-03-01T10:00:01.000Z","from":"602","text":"second"},` +
		`{"id":"text-1","line":1,"kind":"text","waiting":true,` + none + `,"at":"2026-03-01T10:00:00.000Z","from":"602","text":"first"},` +
		`{"id":"voice-2","line":2,"kind":"voice","waiting":true,` + none + `,"at":"2026-03-01T10:00:00.000Z","from":null,"text":null}]`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// receives has a text come to a line, and waits until it is on the disk.
func (r *rig) receives(line int, words string, at time.Time) {
	r.t.Helper()
	kept := make(chan error, 1)
	r.texts.add(line, lines.Text{From: "602", Text: words}, at, func(err error) { kept <- err })
	if err := <-kept; err != nil {
		r.t.Fatal(err)
	}
}

// What was taken is there after a restart, until it is deleted; the oldest give way.
func TestTextsAreKept(t *testing.T) {
	h := newHome(t)
	h.put("tipring.ini", base)
	r, end := h.start("tipring.ini")
	at := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	for i := range keptTexts + 7 {
		r.receives(1, fmt.Sprint(i), at)
	}
	end()
	r, end = h.start("tipring.ini")
	list := r.texts.all()
	if len(list) != keptTexts || list[0].Text != "56" || list[keptTexts-1].Text != "7" || !list[0].At.Equal(at) {
		t.Errorf("%d are kept: %+v", len(list), list)
	}
	if err := r.texts.forget(list[0].ID); err != nil {
		t.Error(err)
	}
	if err := r.texts.forget(list[0].ID); err == nil {
		t.Error("deleted twice")
	}
	r.receives(1, "later", at)
	if err := r.texts.forget(list[0].ID); err == nil {
		t.Error("a page that still shows a deleted message deletes another one")
	}
	end()
	r, end = h.start("tipring.ini")
	if list := r.texts.all(); len(list) != keptTexts || list[0].Text != "later" || list[1].Text != "55" {
		t.Errorf("after it: %+v", list[:2])
	}
	end()
	if err := os.WriteFile(filepath.Join(r.dir, textsFile), []byte("[{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r, _ := h.start("tipring.ini"); len(r.texts.all()) != 0 {
		t.Error("a damaged file has messages")
	}
}

// What the disk does not take is not there, and its sender learns so. Texts that come while others are written
// are written together, and no more of them wait than is sound.
func TestTextsThatCannotBeKept(t *testing.T) {
	full := errors.New("the disk is full")
	var work []func()
	writes, told := 0, 0
	x := texts{
		write: func([]byte) error { writes++; return full }, changed: func() { t.Error("something changed") },
		start: func(f func()) { work = append(work, f) },
	}
	refused := 0
	for range mostComing + 2 {
		x.add(1, lines.Text{Text: "x"}, time.Now(), func(err error) {
			if errors.Is(err, errManyTexts) {
				refused++
			} else if errors.Is(err, full) {
				told++
			}
		})
	}
	for _, f := range work {
		f()
	}
	if len(work) != 1 || writes != 1 || refused != 2 || told != mostComing || len(x.all()) != 0 {
		t.Errorf("%d workers, %d writes, %d refused, %d told, %d there", len(work), writes, refused, told, len(x.all()))
	}
}

// Who looks at the page sees a text as it comes, and that it was deleted.
func TestTextsAreTold(t *testing.T) {
	r := start(t, base+"[sip1]\n")
	l, err := r.events.Listen(api.TopicsOf(api.OnMessage))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	told := func(what string) {
		t.Helper()
		r.until(what, func() bool {
			events, _ := l.Take()
			return slices.ContainsFunc(events, func(e []byte) bool { return strings.Contains(string(e), what) })
		})
	}
	told("data: []")
	r.receives(1, "The lift is out of order.", time.Now())
	told("The lift is out of order.")
	if err := r.texts.forget("text-1"); err != nil {
		t.Fatal(err)
	}
	told("data: []")
}
