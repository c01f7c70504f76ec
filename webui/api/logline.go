package api

import (
	"bytes"
	"encoding/json"
	"strings"
)

// String is the line as somebody reads it: its level, its message and its facts in their order.
func (l LogLine) String() string {
	return l.Level + " " + l.Message + l.Facts()
}

// readable is the line with its text.
func (l LogLine) readable() LogLine {
	l.Text = Text(strings.TrimPrefix(l.Facts(), " "))
	return l
}

// Facts are the attributes as key=value, each behind a blank.
func (l LogLine) Facts() string {
	var b strings.Builder
	d := json.NewDecoder(bytes.NewReader(l.Attrs))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return ""
	}
	for d.More() {
		key, err := d.Token()
		var value json.RawMessage
		if err != nil || d.Decode(&value) != nil {
			break
		}
		b.WriteString(" " + key.(string) + "=" + fact(value))
	}
	return b.String()
}

// fact is a value without the quotes of JSON.
func fact(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	return string(value)
}
