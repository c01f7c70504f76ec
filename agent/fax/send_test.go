package fax

import (
	"fmt"
	"testing"
	"testing/synctest"
)

// inBubble runs a test in fake time, with a rig of two devices that have the same settings.
func inBubble(t *testing.T, s Settings, test func(t *testing.T, r *rig)) {
	t.Helper()
	inBubbleAt(t, s, "127.0.0.1", "127.0.0.2", test)
}

func inBubbleAt(t *testing.T, s Settings, near, far string, test func(t *testing.T, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, s, near, far)
		defer r.close()
		test(t, r)
	})
}

func sounding() Settings { return with(func(s *Settings) { s.T38 = false }) }

// A document goes by T.38 and in sound, with and without error correction, at every rate.
func TestSendAndReceive(t *testing.T) {
	for _, transport := range []string{"t38", "audio"} {
		for _, ecm := range []bool{true, false} {
			for _, rate := range []int{14400, 9600, 4800, 2400} {
				if transport == "audio" && !ecm && rate < 9600 {
					continue // as with error correction
				}
				t.Run(fmt.Sprintf("%s, ECM %v, %d", transport, ecm, rate), func(t *testing.T) {
					s := with(func(s *Settings) { s.T38, s.ECM, s.MaxRate = transport == "t38", ecm, rate })
					inBubble(t, s, func(t *testing.T, r *rig) {
						box := newMailbox(t)
						r.far.sink = box
						out := r.send(letter(t, 1), func(o *Outgoing) { o.Pages = 1 }).wait()
						in := r.took()
						mustSend(t, out, in, 1, transport)
						box.mustHold(t, 0, 0)
						for _, o := range []Outcome{out, in} {
							p := o.Pages[0]
							if o.Rate != rate || o.ECM != ecm || p.Rate != rate || p.Rows != rowsPerPage || p.BadRows != 0 || p.Resolution != "standard" || p.What != "" {
								t.Errorf("%+v", o)
							}
						}
					})
				})
			}
		}
	}
}
