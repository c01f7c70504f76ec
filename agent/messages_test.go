package agent

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"tipring/lines"
)

func TestMailList(t *testing.T) {
	var m mailList
	at := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	m.box(2, lines.Summary{Waiting: true}, at)
	m.box(1, lines.Summary{Waiting: true, Counted: true, New: 2, Old: 8, UrgentOld: 2, Account: "sip:*97@pbx.example"}, at)
	m.text(1, lines.Text{From: "602", Text: "first"}, at)
	m.text(1, lines.Text{From: "602", Text: "second"}, at.Add(time.Second))
	m.box(3, lines.Summary{Waiting: true}, at) // of a line that is no more
	got, err := json.Marshal(m.all(func(line int) bool { return line != 3 }))
	if err != nil {
		t.Fatal(err)
	}
	const none = `"new":null,"old":null,"urgent_new":null,"urgent_old":null,"account":null`
	want := `[{"line":1,"kind":"voice","waiting":true,"new":2,"old":8,"urgent_new":0,"urgent_old":2,"account":"sip:*97@pbx.example","at":"2026-03-01T10:00:00.000Z","from":null,"text":null},` +
		`{"line":1,"kind":"text","waiting":true,` + none + `,"at":"2026-03-01T10:00:01.000Z","from":"602","text":"second"},` +
		`{"line":1,"kind":"text","waiting":true,` + none + `,"at":"2026-03-01T10:00:00.000Z","from":"602","text":"first"},` +
		`{"line":2,"kind":"voice","waiting":true,` + none + `,"at":"2026-03-01T10:00:00.000Z","from":null,"text":null}]`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for i := range 2 * keptTexts {
		m.text(2, lines.Text{Text: fmt.Sprint(i)}, at)
	}
	all := m.all(func(line int) bool { return true })
	if n := len(m.texts); n != keptTexts || string(all[2].Text) != fmt.Sprint(2*keptTexts-1) {
		t.Errorf("%d messages are kept, the newest %q", n, all[2].Text)
	}
}
