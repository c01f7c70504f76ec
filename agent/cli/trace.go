package cli

import (
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tipring/webui/api"
)

var traceCommand = command{
	name: "trace", args: "[CALL-ID]", nargs: 1, fewer: true, client: true,
	summary: "the SIP ladder of a call or of a line's registrations, or a call's capture",
	flags:   (*call).traceFlags, run: (*call).trace,
}

// traceFlagSet is what tipring trace is told.
type traceFlagSet struct {
	pcap string
	line number
}

func (c *call) traceFlags(set *flag.FlagSet) {
	set.StringVar(&c.tracing.pcap, "pcap", "", "write the call's capture into `FILE`; - is standard output")
	set.Var(&c.tracing.line, "line", "the last registrations of line `N` instead of a call")
}

// trace does what its arguments say.
func (c *call) trace() error {
	switch t := c.tracing; {
	case t.line != 0 && (len(c.args) > 0 || t.pcap != ""):
		return usageError{"--line stands alone: it is about registrations"}
	case t.line != 0:
		return c.ladder("/lines/" + t.line.String() + "/ladder")
	case len(c.args) == 0 && t.pcap != "":
		return usageError{"the capture of which call? tipring trace lists them"}
	case len(c.args) == 0:
		return c.traces()
	case t.pcap != "":
		return c.savePcap("/calls/" + url.PathEscape(c.args[0]) + "/trace.pcap")
	}
	return c.ladder("/calls/" + url.PathEscape(c.args[0]) + "/ladder")
}

// traces lists the calls that something is kept of.
func (c *call) traces() error {
	text, err := c.ask(http.MethodGet, "/calls", nil)
	if err != nil {
		return err
	}
	var all []api.Call
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	traced := []api.Call{}
	ladders := map[string]api.Ladder{}
	for _, one := range all {
		var l api.Ladder
		text, err := c.ask(http.MethodGet, "/calls/"+url.PathEscape(one.ID)+"/ladder", nil)
		if err != nil || json.Unmarshal(text, &l) != nil {
			continue // it is gone by now, or nothing was kept
		}
		traced, ladders[one.ID] = append(traced, one), l
	}
	if c.json {
		text, err := json.Marshal(traced)
		if err != nil {
			return err
		}
		_, err = c.stdout.Write(append(text, '\n'))
		return err
	}
	if len(traced) == 0 {
		_, err := io.WriteString(c.stdout, "no calls\n")
		return err
	}
	t := newTable(c.stdout, "CALL", "LINE", "WAY", "PEER", "STATE", "STARTED", "MESSAGES", "DROPPED", "REASON")
	for _, one := range traced {
		l := ladders[one.ID]
		t.row(one.ID, strconv.Itoa(one.Line), one.Direction, string(one.Peer), one.State, clock(one.Started), strconv.Itoa(len(l.Messages)), strconv.Itoa(l.Dropped), string(one.Reason))
	}
	return t.Flush()
}

func (c *call) savePcap(path string) (err error) {
	if c.json {
		return usageError{"--json and --pcap: a capture is no JSON"}
	}
	body, err := c.open(http.MethodGet, path, nil, "", time.Minute)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	if c.tracing.pcap == "-" {
		_, err := io.Copy(c.stdout, body)
		return err
	}
	return writeNew(c.tracing.pcap, body)
}

func (c *call) ladder(path string) error {
	var l api.Ladder
	if done, err := c.fetch(path, &l); done {
		return err
	}
	_, err := io.WriteString(c.stdout, drawLadder(l))
	return err
}

// Of a ladder as text: its width, where its columns begin, and how many of them can be told
// apart.
const (
	ladderWidth = 100
	ladderLeft  = 11
	maxLanes    = 5
)

// drawLadder draws a ladder: a column for each participant, an arrow for each message.
func drawLadder(l api.Ladder) string {
	if len(l.Messages) == 0 {
		return "nothing was said, or nothing is kept of it\n"
	}
	d := drawing{lanes: map[api.Text]int{}}
	d.heads(l)
	for _, m := range l.Messages {
		d.row(m)
	}
	if l.Dropped > 0 {
		d.line(count(l.Dropped, "message") + " between them had no room")
	}
	return d.String()
}

// A drawing is a ladder as it grows.
type drawing struct {
	strings.Builder
	lanes map[api.Text]int // columns of participants
	all   []int
}

// heads writes who stands where.
func (d *drawing) heads(l api.Ladder) {
	who := l.Participants[:min(len(l.Participants), maxLanes)]
	gap := ladderWidth - ladderLeft - 1
	if len(who) > 1 {
		gap /= len(who) - 1
	}
	for i, p := range who {
		at := ladderLeft + i*gap
		d.lanes[api.Text(p.ID)] = at
		d.all = append(d.all, at)
	}
	d.line("began " + l.Messages[0].Time.Local().Format("2006-01-02 15:04:05.000"))
	for _, text := range []func(api.Participant) string{
		func(p api.Participant) string { return p.Name },
		func(p api.Participant) string { return string(p.Address) },
	} {
		row := blanks()
		for i, p := range who {
			name := clip(text(p), gap-2)
			at := d.all[i] - len(name)/2
			if i == len(who)-1 && i > 0 {
				at = ladderWidth - len(name)
			}
			copy(row[max(0, min(at, ladderWidth-len(name))):], name)
		}
		d.line(string(row))
	}
}

// row draws a message or an event.
func (d *drawing) row(m api.LadderMessage) {
	row := blanks()
	copy(row, "+"+strconv.FormatFloat(float64(m.AfterMS)/1000, 'f', 3, 64))
	for _, at := range d.all {
		row[at] = '|'
	}
	from, known := d.lanes[m.From]
	to, knows := d.lanes[m.To]
	switch {
	case m.Kind == "event":
		d.event(row, plain(m.Summary))
		return
	case !known || !knows || from == to: // of one that has no column
		d.event(row, plain(string(m.From)+" > "+string(m.To)+": "+m.Summary))
		return
	}
	arrow(row, from, to, label(m))
	d.line(string(row))
}

// event writes a text over as many rows as it takes.
func (d *drawing) event(row []byte, text string) {
	const room = ladderWidth - ladderLeft - 4
	for mark := "* "; text != ""; mark = "  " {
		part := text
		if len(part) > room {
			part = text[:room]
			if i := strings.LastIndexByte(part, ' '); i > room/2 {
				part = text[:i]
			}
		}
		text = strings.TrimPrefix(text[len(part):], " ")
		copy(row[ladderLeft+2:], mark+part+" ")
		d.line(string(row))
		row = blanks()
		for _, at := range d.all {
			row[at] = '|'
		}
	}
}

func label(m api.LadderMessage) string {
	text := m.Summary
	if m.Retransmission {
		text += " (again)"
	}
	return text
}

// arrow draws from one column to another, with its label in the middle.
func arrow(row []byte, from, to int, text string) {
	left, right := min(from, to)+1, max(from, to)-1
	for i := left; i <= right; i++ {
		row[i] = '-'
	}
	if to > from {
		row[right] = '>'
	} else {
		row[left] = '<'
	}
	text = " " + clip(text, right-left-7) + " "
	copy(row[left+(right-left+1-len(text))/2:], text)
}

func (d *drawing) line(text string) {
	d.WriteString(strings.TrimRight(text, " "))
	d.WriteByte('\n')
}

func blanks() []byte { return []byte(strings.Repeat(" ", ladderWidth)) }

// plain replaces what does not take exactly one octet and one column.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text)
}

// clip shortens a text to so many columns.
func clip(text string, n int) string {
	text = plain(text)
	if len(text) <= n {
		return text
	}
	return text[:max(0, n-3)] + "..."
}
