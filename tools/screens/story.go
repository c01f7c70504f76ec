package main

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"strings"
)

// Measures of the picture of the demo, in pixels and characters.
const (
	width, margin, top, leading = 900, 20, 54, 17
	columns, advance            = 116, 7
)

// story draws what the demo prints as a terminal shows it.
func story(in io.Reader, out io.Writer) error {
	rows := []string{`<tspan fill="#fff">$ bin/tipring demo --once --fast</tspan>`}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		line := lines.Text()
		if name, ok := strings.CutPrefix(line, "step "); ok {
			name, result, _ := strings.Cut(name, " ")
			rows = append(rows, fmt.Sprintf(`<tspan fill="#d7dde5">step <tspan fill="#7fc8ff">%s</tspan> <tspan fill="#7bd88f">%s</tspan></tspan>`, html.EscapeString(name), html.EscapeString(result)))
			continue
		}
		for _, row := range wrapped(line) {
			rows = append(rows, html.EscapeString(row))
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	w := bufio.NewWriter(out)
	height := top + leading*len(rows)
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" role="img" aria-label="What tipring demo prints">
<rect width="%[1]d" height="%[2]d" rx="8" fill="#14181f"/>
<circle cx="20" cy="18" r="6" fill="#e0645c"/><circle cx="40" cy="18" r="6" fill="#e0b050"/><circle cx="60" cy="18" r="6" fill="#5cb85c"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="12" fill="#9aa4b2">
`, width, height)
	for i, row := range rows {
		text := strings.TrimLeft(row, " ")
		fmt.Fprintf(w, "<text x=\"%d\" y=\"%d\">%s</text>\n", margin+advance*(len(row)-len(text)), top+leading*i, text)
	}
	fmt.Fprintln(w, "</g></svg>")
	return w.Flush()
}

// wrapped is a line in rows that fit, each indented as the line is.
func wrapped(line string) (rows []string) {
	text := strings.TrimLeft(line, " ")
	indent := line[:len(line)-len(text)]
	row := indent
	for _, word := range strings.Fields(text) {
		if row != indent && len([]rune(row))+1+len([]rune(word)) > columns {
			rows, row = append(rows, row), indent
		}
		if row != indent {
			row += " "
		}
		row += word
	}
	return append(rows, row)
}
