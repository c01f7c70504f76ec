package fax

import (
	"bytes"
	"fmt"
	"testing"

	"tipring/lines"
	"tipring/t38/pages/pagestest"
)

// The pages of a document are seen while they go, and those of a fax that comes in while they
// come, by T.38 and in sound: with the numbers that they have in the whole document.
func TestPagesAreSeen(t *testing.T) {
	for _, transport := range []string{"t38", "audio"} {
		for _, ecm := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, ECM %v", transport, ecm), func(t *testing.T) {
				s := with(func(s *Settings) { s.T38, s.ECM = transport == "t38", ecm })
				inBubble(t, s, func(t *testing.T, r *rig) {
					near, far := pagestest.New(false), pagestest.New(false)
					near.Monitor.First = 2
					r.far.answer = func(c *lines.Call) (lines.Handler, int) {
						return r.far.engine.Receive(c, Incoming{Port: 1, Settings: s, Sink: newMailbox(t), Monitor: &far.Monitor})
					}
					out := r.send(letter(t, 2), func(o *Outgoing) { o.Monitor = &near.Monitor }).wait()
					if !out.OK {
						t.Fatalf("%+v", out)
					}
					if fmt.Sprint(near.Pages(), far.Pages()) != "[3 4] [1 2]" {
						t.Errorf("seen: %v and %v", near.Pages(), far.Pages())
					}
					for n := 1; n <= 2; n++ {
						if err := near.Grew(n+2, rowsPerPage, 3, rowsPerPage); err != nil {
							t.Errorf("sent: %v", err)
						}
						if err := far.Grew(n, rowsPerPage, 3, 0); err != nil {
							t.Errorf("received: %v", err)
						}
						if !bytes.Equal(near.Picture(n+2), far.Picture(n)) {
							t.Errorf("page %d is seen in two ways", n)
						}
					}
					if near.Monitor.Size()+far.Monitor.Size() != 0 {
						t.Errorf("%d and %d octets are kept", near.Monitor.Size(), far.Monitor.Size())
					}
				})
			})
		}
	}
}

// A fax that goes on by another way begins its page anew, and is seen so.
func TestPagesAreSeenByAnotherWay(t *testing.T) {
	inBubble(t, with(func(*Settings) {}), func(t *testing.T, r *rig) {
		near := pagestest.New(false)
		r.far.sink = newMailbox(t)
		r.filter(dropUDPTL)
		out := r.send(letter(t, 1), func(o *Outgoing) { o.Monitor = &near.Monitor }).wait()
		if !out.OK || out.Transport != "audio" {
			t.Fatalf("%+v", out)
		}
		if err := near.Grew(1, rowsPerPage, 3, rowsPerPage); err != nil {
			t.Error(err)
		}
	})
}
