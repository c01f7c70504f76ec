package config

import "bytes"

// Without is a layer without the settings that drop picks, and what these were. Lines of a
// text keep their numbers.
func (l Layer) Without(drop func(Setting) bool) (kept Layer, dropped []Setting) {
	gone := make(map[int]bool)
	var left []Setting
	doc := l.document()
	for _, e := range doc.settings {
		if !drop(e) {
			left = append(left, e)
			continue
		}
		dropped = append(dropped, e)
		gone[e.Line] = true
	}
	switch {
	case dropped == nil:
		return l, nil
	case l.Text == nil:
		l.Settings = left
		return l, dropped
	}
	var text bytes.Buffer
	n := 0
	for line := range bytes.Lines(l.Text) {
		if n++; gone[n] {
			line = []byte("\n")
		}
		text.Write(line)
	}
	l.Text = text.Bytes()
	return l, dropped
}
