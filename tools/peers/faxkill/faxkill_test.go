package faxkill

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tipring/tools/peers/faxcard"
	"tipring/tools/peers/faxend"
	"tipring/tools/peers/faxlab"
	"tipring/tools/peers/netlab"
)

// TestKilled has the agent killed, as by a power cut, at twenty moments of receiving from
// machines and delivering to the far end: what a machine was told to be accepted arrives once
// the agent runs again, whole; twice only if it is marked so (docs: the state directory).
func TestKilled(t *testing.T) {
	t.Parallel()
	const ports, kill = 20, 60 * time.Second
	dir := t.TempDir()
	l := faxlab.New(t, ports, func(number string, nth int) faxend.Script {
		return faxend.Script{Switch: faxend.AtOnce, Recv: filepath.Join(dir, fmt.Sprintf("far-%s-%d", number, nth))}
	})
	for n := 1; n <= ports; n++ {
		l.Port(n, "fax_mode", "spool", "call_ahead", "never")
	}
	l.Run(ports)
	chance := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 9))
	documents, cards := make([]faxlab.Document, ports+1), make([]*faxcard.Card, ports+1)
	begun := time.Now()
	for n := 1; n <= ports; n++ {
		// A page of 500 rows takes a machine 20 s and the delivery about as long.
		delay := 12*time.Second + time.Duration(chance.IntN(42000))*time.Millisecond
		documents[n] = faxlab.NewDocument(t, 1, 500, uint64(n))
		cards[n] = l.Card(t, n, faxcard.Send(documents[n].File, fmt.Sprint(600+n)+"#", "--delay", fmt.Sprint(delay.Milliseconds()), "--log", "1"))
		t.Logf("port %d is killed %v after its machine went off-hook", n, kill-delay)
	}
	<-time.After(time.Until(begun.Add(kill))) // the moments of the ports lie around it
	l.Agent.Kill()
	l.Agent.Run()
	for n := 1; n <= ports; n++ {
		l.Agent.WaitRegistered(30*time.Second, n, "primary")
	}
	accepted := 0
	for n := 1; n <= ports; n++ {
		cards[n].Kill()
		told, number := strings.Contains(cards[n].Log(), "< MCF"), fmt.Sprint(600+n)
		if told {
			accepted++
		}
		// A page is the far end's once it has confirmed it; whether it heard a good end of the
		// call after that is another matter: the kill may have come first.
		whole := func() (arrived, ended int) {
			for _, f := range l.Far.To(number) {
				select {
				case <-f.Done():
					r, _ := f.Wait(0)
					if documents[n].DiffersBelow(f.Received(r.Transport)) != "" {
						continue
					}
					arrived++
					if r.OK {
						ended++
					}
				default:
				}
			}
			return arrived, ended
		}
		if told && !netlab.Until(2*time.Minute, func() bool { arrived, _ := whole(); return arrived > 0 }) {
			t.Errorf("port %d: what its machine was told to be accepted has not arrived: %v\n%s", n, faxlab.Faxes(l.Agent, faxlab.OnPort(n, "out")), cards[n].Log())
			continue
		}
		if _, times := whole(); times > 1 {
			for _, f := range faxlab.Faxes(l.Agent, faxlab.OnPort(n, "out")) {
				if !f.Uncertain {
					t.Errorf("port %d: a fax arrived %d times and is not marked: %v", n, times, f)
				}
			}
		}
	}
	t.Logf("%d of %d faxes were accepted before the kill", accepted, ports)
	// Nothing goes on afterwards.
	if !netlab.Until(2*time.Minute, func() bool {
		return len(faxlab.Faxes(l.Agent, func(f faxlab.Fax) bool { return f.State != "sent" && f.State != "failed" && f.State != "cancelled" })) == 0
	}) {
		t.Errorf("faxes that are not over: %v", faxlab.Faxes(l.Agent, func(f faxlab.Fax) bool { return f.State != "sent" }))
	}
}
