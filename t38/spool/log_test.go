package spool

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
)

// The log has a line for what an operator wants to know of a fax: that it was taken, that a try
// failed, what it waits for, once, and how it ended.
func TestLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		s := opened(t, t.TempDir(), Config{Now: nil, Log: slog.New(slog.NewTextHandler(&out, nil))})
		results := []Result{
			{NotTried: true, Error: "no line"}, {NotTried: true, Error: "no line"}, {NotTried: true, Error: "no line"},
			{Busy: true, Error: "busy", SIPCallID: "c1"}, {OK: true, SIPCallID: "c2"},
		}
		over := make(chan struct{})
		q := NewQueue(QueueConfig{Store: s, Retries: 1, Deliver: func(context.Context, *Job) Result {
			r := results[0]
			if results = results[1:]; len(results) == 0 {
				close(over)
			}
			return r
		}})
		id := submit(t, s, Meta{Peer: "600", Line: 1}, small(1)).ID
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-over; cancel() }()
		q.Run(ctx)
		must(t, s.Close())
		var got []string
		for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
			_, line, _ = strings.Cut(line, "msg=")
			got = append(got, strings.ReplaceAll(line, id, "ID"))
		}
		want := []string{
			"fax fax=ID state=queued kind=document port=0 line=1 peer=600 tries=0 pages=1",
			`fax fax=ID state=queued kind=document port=0 line=1 peer=600 tries=0 pages=1 error="no line"`,
			"fax fax=ID state=queued kind=document port=0 line=1 peer=600 tries=1 pages=1 call=c1 error=busy",
			"fax fax=ID state=sent kind=document port=0 line=1 peer=600 tries=2 pages=1 call=c2",
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}
