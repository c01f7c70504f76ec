package lines

import (
	"bytes"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/transaction"
	"tipring/internal/ua/transport/memnet"
)

// A logBook keeps the lines of a log.
type logBook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

var noise = regexp.MustCompile(`time=\S+ level=INFO msg="call ended" line=1 id=\d+ `)

// ends are the entries of calls that ended.
func (l *logBook) ends() (list []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.b.String()) {
		if strings.Contains(line, `msg="call ended"`) {
			list = append(list, noise.ReplaceAllString(strings.TrimSpace(line), ""))
		}
	}
	return list
}

// The log tells once of every call who ended it and why.
func TestEndOfACallInTheLog(t *testing.T) {
	out := func(w *world) *farCall { w.talking(); return w.primary.call() }
	in := func(w *world) *farCall {
		far := w.primary.callLine()
		w.after(time.Second)
		w.phone.call().Ring()
		w.after(time.Second)
		return far
	}
	for _, tt := range []struct {
		name string
		end  func(w *world)
		want string
	}{
		{"hung up here", func(w *world) { out(w); w.after(time.Second); w.phone.call().Hangup() },
			`by=here reason="hung up here" was=connected peer=600 server=primary talked_s=2`},
		{"given up here", func(w *world) { out(w); w.phone.call().GiveUp("no sound has come for 5 s") },
			`by=timer reason="no sound has come for 5 s" was=connected peer=600 server=primary code=408 talked_s=1`},
		{"hung up there", func(w *world) { out(w).send(sipmsg.BYE, with("Reason", `Q.850;cause=16;text="Bye"`)) },
			`by="far end" reason="the far end hung up (Q.850;cause=16;text=\"Bye\")" was=connected peer=600 server=primary talked_s=1`},
		{"refused there", func(w *world) {
			w.primary.refuses(sipmsg.INVITE, 486, `Reason: Q.850;cause=17`)
			w.dial("600")
		}, `by="far end" reason="486 Busy Here (Q.850;cause=17)" was=calling peer=600 server=primary code=486`},
		{"given up there", func(w *world) {
			far := in(w)
			cancel := transaction.Cancel(far.req.Msg)
			cancel.Header.Add("Reason", `SIP;cause=200;text="Call completed elsewhere"`)
			far.s.post(func(time.Time) {
				wire, _ := cancel.Append(nil)
				f, err := far.s.e.Flow(far.req.Target)
				if err == nil {
					far.s.e.Transmit(f, wire)
				}
			})
		}, `by="far end" reason="the caller gave up (SIP;cause=200;text=\"Call completed elsewhere\")" was=ringing peer=600 server=primary code=487`},
		{"given up there, by BYE", func(w *world) { in(w).send(sipmsg.BYE, with("Reason", "SIP;cause=200")) },
			`by="far end" reason="the caller gave up (SIP;cause=200)" was=ringing peer=600 server=primary code=487`},
		{"given up here", func(w *world) {
			w.primary.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) { w.primary.ring(now, in) })
			w.dial("600")
			w.after(time.Second)
			w.phone.call().Hangup()
		}, `by=here reason="given up here" was=ringing peer=600 server=primary`},
		{"refused here", func(w *world) { in(w); w.phone.call().Refuse(486) },
			`by=here reason="refused here: Busy Here" was=ringing peer=600 server=primary code=486`},
		{"nobody answers here", func(w *world) { in(w); w.after(6 * time.Minute) },
			`by=timer reason="nobody answered here" was=ringing peer=600 server=primary code=480`},
		{"not refreshed", func(w *world) {
			w.primary.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
				w.primary.takeWith(now, in, with("Session-Expires", "90;refresher=uas"))
			})
			out(w)
			w.after(2 * time.Minute)
		}, `by=timer reason="the session expired: the far end did not refresh it" was=connected peer=600 server=primary code=408 talked_s=60`},
		{"no server", func(w *world) {
			w.primary.host.Fail(memnet.Refusing)
			w.backup.host.Fail(memnet.Refusing)
			w.dial("600")
			w.after(time.Minute)
		}, `by=network reason="INVITE at udp:10.0.0.2:5060: connection refused: ICMP port unreachable (type 3 code 3) from 10.0.0.2" was=calling peer=600 server=primary code=503`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				book := &logBook{}
				w := makeWorld(t)
				w.book = book
				w.start()
				w.after(time.Second)
				tt.end(w)
				w.after(time.Second)
				if got := book.ends(); len(got) != 1 || got[0] != tt.want {
					t.Errorf("got %q\nwant %q", got, tt.want)
				}
			})
		})
	}
}
