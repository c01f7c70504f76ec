package call

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"tipring/agent/fax"
	"tipring/t38/pages"
	"tipring/t38/pages/pagestest"
	"tipring/t38/t30"
)

// A fax in real time is seen while it passes by T.38, whichever way it goes, and its pages are
// there behind it. In sound no more is known than the page's number.
func TestRelayIsSeen(t *testing.T) {
	for _, x := range []faxCall{
		{pages: 2, rows: 300, server: true},
		{pages: 2, rows: 300, server: true, plain: true},
		{pages: 2, rows: 300, receives: true},
		{pages: 2, rows: 300, noT38: true},
	} {
		relayTest(t, x, func(f *faxRig) {
			var moved []string
			f.phone().port.dev.FaxMoved = func(call string) { moved = append(moved, call) }
			rows := map[int][]int{}
			look := func() {
				s := f.phone().port.Fax()
				if s.Seen == nil {
					return
				}
				if p := s.Seen.Progress(); p.Page > 0 {
					if n := len(rows[p.Page]); n == 0 || rows[p.Page][n-1] < p.Rows {
						rows[p.Page] = append(rows[p.Page], p.Rows)
					} else if rows[p.Page][n-1] > p.Rows {
						f.t.Errorf("page %d shrank to %d rows", p.Page, p.Rows)
					}
				}
			}
			for at := time.Duration(0); at < 3*time.Minute; at += 200 * time.Millisecond {
				f.events[at] = look
			}
			f.begin()
			f.pass(3 * time.Minute)
			f.settle()
			o := f.well()
			if len(moved) < 5 && !x.noT38 || len(moved) > 0 && moved[0] == "" {
				f.t.Errorf("%+v: told of %d moves", x, len(moved))
			}
			for n := 1; n <= 2; n++ {
				list := rows[n]
				err := o.Seen.WritePNG(n, io.Discard)
				switch {
				case x.noT38:
					if fmt.Sprint(list) != "[0]" || !errors.Is(err, pages.ErrNoRows) {
						f.t.Errorf("in sound: page %d has rows %v, %v", n, list, err)
					}
				case len(list) < 2 || list[0] > 200 || err != nil: // somebody looks five times a second
					f.t.Errorf("%+v: page %d grew as %v, %v", x, n, list, err)
				}
			}
			if p := o.Seen.Progress(); p != (pages.Progress{}) {
				f.t.Errorf("behind the end: %+v", p)
			}
		})
	}
}

// A fax is seen on its way to the machine of a port.
func TestDeliveryIsSeen(t *testing.T) {
	inSpoolRig(t, FaxPort{}, func(r *spoolRig) {
		got, seen := &tray{}, pagestest.New(false)
		seen.Monitor.First = 1
		r.answer = t30.Config{Sink: got, ECM: true}
		result := make(chan fax.Outcome, 1)
		go func() { result <- r.port.DeliverFax(context.Background(), leaflet{2}, "1", nil, &seen.Monitor) }()
		if o := r.outcome(result); !o.OK {
			t.Errorf("%+v", o)
		}
		r.await("the machine has hung up", func() bool { return !r.off })
		if fmt.Sprint(seen.Pages()) != "[2 3]" {
			t.Errorf("seen: %v", seen.Pages())
		}
		for n := 2; n <= 3; n++ {
			if err := seen.Grew(n, leafletRows, 2, 0); err != nil {
				t.Error(err)
			}
		}
	})
}

// seenDesk stores faxes that are seen while they come.
type seenDesk struct {
	*desk
	seen *pagestest.Watcher
}

type seenIntake struct {
	Intake
	seen *pagestest.Watcher
}

func (d seenDesk) Receive(a fax.Attempt, p fax.Permit) (Intake, error) {
	in, err := d.desk.Receive(a, p)
	return seenIntake{in, d.seen}, err
}

func (i seenIntake) Onlooker() t30.Onlooker { return &i.seen.Monitor }

// A machine's fax is seen while it is taken in.
func TestIntakeIsSeen(t *testing.T) {
	for _, ecm := range []bool{true, false} {
		inSpoolRig(t, FaxPort{CallAhead: "never"}, func(r *spoolRig) {
			seen := pagestest.New(true)
			r.port.dev.Desk = seenDesk{r.desk, seen}
			r.dial("600#")
			r.begin(t30.Config{Calling: true, Source: leaflet{2}, ECM: ecm})
			r.within(3*time.Minute, "the machine has hung up", func() bool { return !r.off })
			r.pass(time.Second)
			for n := 1; n <= 2; n++ {
				if err := seen.Grew(n, leafletRows, 2, 0); err != nil {
					t.Errorf("ECM %v: %v", ecm, err)
				}
			}
			if bytes.Equal(seen.Picture(1), seen.Picture(2)) {
				t.Error("both pages are one picture")
			}
		})
	}
}
