package api

import (
	"bytes"
	"encoding/json"

	"tipring/webui/words"
)

// sentences are the members of events that a page shows as they are.
var sentences = map[string]bool{"why": true, "last_error": true, "text": true, "todo": true, "error": true, "label": true, "reason": true, "warning": true}

// inLanguage has the sentences of events in another language than English. A page that was drawn
// in it stays so.
func inLanguage(c *words.Catalogue, events [][]byte) [][]byte {
	if c == nil {
		return events
	}
	list := make([][]byte, len(events))
	for i, e := range events {
		list[i] = translated(c, e)
	}
	return list
}

// translated is an event with its sentences in a language. The log stays as it was written, and so do
// the messages that people have sent.
func translated(c *words.Catalogue, event []byte) []byte {
	head, rest, ok := bytes.Cut(event, []byte("\ndata: "))
	if !ok || bytes.Equal(head, []byte("event: log")) || bytes.Equal(head, []byte("event: message")) {
		return event
	}
	d := json.NewDecoder(bytes.NewReader(rest))
	d.UseNumber()
	var data any
	if d.Decode(&data) != nil {
		return event
	}
	walk(c, "", &data)
	text, err := json.Marshal(data)
	if err != nil {
		return event
	}
	return bytes.Join([][]byte{head, []byte("\ndata: "), text, []byte("\n\n")}, nil)
}

func walk(c *words.Catalogue, member string, v *any) {
	switch x := (*v).(type) {
	case string:
		if sentences[member] {
			*v = c.Told(x)
		}
	case []any:
		for i := range x {
			walk(c, member, &x[i])
		}
	case map[string]any:
		for name, e := range x {
			walk(c, name, &e)
			x[name] = e
		}
	}
}
