package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"tipring/webui/api"
)

// A table is printed with its columns aligned.
type table struct {
	*tabwriter.Writer
}

func newTable(w io.Writer, heads ...string) table {
	t := table{tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)}
	t.row(heads...)
	return t
}

// row writes one row; a cell that a peer chose cannot move the terminal's cursor.
func (t table) row(cells ...string) {
	for i, cell := range cells {
		cells[i] = dash(printable(cell))
	}
	fmt.Fprintln(t, strings.Join(cells, "\t"))
}

// printable replaces what a terminal would not print as a character.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func printStatus(w io.Writer, s api.Status) error {
	state := ""
	if s.Draining {
		state = ", draining"
	}
	fmt.Fprintf(w, "tipring %s, up %v%s\n", printable(s.Version), seconds(s.UptimeS), state)
	fmt.Fprintf(w, "MAC %s, serial %s, account %s\n",
		dash(printable(string(s.Device.MAC))), dash(printable(string(s.Device.Serial))), dash(printable(string(s.Device.Account))))
	fmt.Fprintln(w, provisioning(s.Provisioning))
	for _, fault := range s.Faults {
		fmt.Fprintln(w, "fault:", printable(fault))
	}
	for _, waiting := range s.Waiting {
		fmt.Fprintf(w, "waiting: [%s] for %s\n", printable(waiting.Section), printable(waiting.For))
	}
	fmt.Fprintln(w)
	if err := printLines(w, s.Lines); err != nil {
		return err
	}
	fmt.Fprintln(w)
	return printPorts(w, s.Ports)
}

func provisioning(p api.Provisioning) string {
	text := "provisioning " + p.State
	if p.Source != "" {
		text += ", source " + string(p.Source)
	}
	if p.Generation != nil {
		text += ", generation " + strconv.Itoa(*p.Generation)
	}
	if !p.Last.IsZero() {
		text += ", last " + clock(p.Last)
	}
	if p.Error != "" {
		text += ": " + string(p.Error)
	}
	return printable(text)
}

func printLines(w io.Writer, lines []api.Line) error {
	if len(lines) == 0 {
		_, err := fmt.Fprintln(w, "no lines")
		return err
	}
	t := newTable(w, "LINE", "AOR", "STATE", "SERVER", "ADDRESS", "OVER", "SINCE", "CALLS")
	for _, l := range lines {
		t.row(strconv.Itoa(l.Line), string(l.AOR), l.State, l.Server, string(l.ServerAddr), string(l.Transport), clock(l.Since), strconv.Itoa(l.Calls))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, l := range lines {
		if l.Why != "" {
			fmt.Fprintf(w, "line %d: %s%s\n", l.Line, printable(string(l.Why)), ahead(l))
		}
	}
	return nil
}

// ahead is what a line does next, and when.
func ahead(l api.Line) (text string) {
	add := func(what string, s *int) {
		if s != nil {
			text += "; next " + what + " in " + (time.Duration(*s) * time.Second).String()
		}
	}
	add("refresh", l.RefreshInS)
	add("probe of the primary", l.FailbackS)
	add("try", l.RetryInS)
	return text
}

func printPorts(w io.Writer, ports []api.Port) error {
	if len(ports) == 0 {
		_, err := fmt.Fprintln(w, "no ports")
		return err
	}
	t := newTable(w, "PORT", "KIND", "LINE", "DRIVER", "CARD", "HOOK", "STATE", "CALL")
	for _, p := range ports {
		card := "no"
		if p.Card {
			card = "yes"
		}
		t.row(strconv.Itoa(p.Port), p.Kind, strconv.Itoa(p.Line), p.Driver, card, p.Hook, p.State, string(p.Call))
	}
	return t.Flush()
}

func printCalls(w io.Writer, calls []api.Call) error {
	if len(calls) == 0 {
		_, err := fmt.Fprintln(w, "no calls")
		return err
	}
	t := newTable(w, "CALL", "LINE", "PORT", "WAY", "PEER", "STATE", "CODEC", "SERVER", "STARTED", "TALKED", "REASON")
	for _, c := range calls {
		port := ""
		if c.Port != nil {
			port = strconv.Itoa(*c.Port)
		}
		talked := ""
		if !c.Answered.IsZero() && !c.Ended.IsZero() {
			talked = c.Ended.Sub(c.Answered.Time).Round(time.Second).String()
		}
		t.row(c.ID, strconv.Itoa(c.Line), port, c.Direction, string(c.Peer), c.State, string(c.Codec), string(c.Server), clock(c.Started), talked, string(c.Reason))
	}
	return t.Flush()
}

// clock is a moment in the person's time zone.
func clock(t api.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }
