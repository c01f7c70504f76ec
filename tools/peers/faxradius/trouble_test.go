package faxradius

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tipring/tools/peers/faxcard"
	"tipring/tools/peers/faxend"
	"tipring/tools/peers/freeradius"
	"tipring/tools/peers/netlab"
)

// believes says yes to everything.
const believes = "DEFAULT	Auth-Type := Accept\n"

// TestCallsDoNotWait has the provider's servers fail in each way while a machine dials: the call
// goes out no later than the budget of its questions allows, and the account of it comes when
// somebody takes it.
func TestCallsDoNotWait(t *testing.T) {
	t.Parallel()
	const keys = 1500 * time.Millisecond // for the number to be dialled, and the call to get to the far end
	l := newLab(t, dictionary(t), believes, func(string, int) faxend.Script { return faxend.Script{Status: 486} })
	l.port(1)
	l.port(2, "fax_mode", "spool")
	l.config.Set("radius", "timeout_ms", 2000).Set("radius", "tries", 4).Set("radius", "dead_s", 0)
	l.run(2)
	for i, tt := range []struct {
		name   string
		fault  func(h *netlab.Host)
		within time.Duration
	}{
		{"well", func(*netlab.Host) {}, keys},
		{"silent", func(h *netlab.Host) { h.BlackHole(l.host.Addr) }, keys + 3*time.Second},
		{"refusing", func(h *netlab.Host) { h.Reject(l.host.Addr, "icmp-port-unreachable") }, keys + 3*time.Second},
		{"well again", func(*netlab.Host) {}, keys},
	} {
		tt.fault(l.asked.Host)
		tt.fault(l.accounts.Host)
		var both sync.WaitGroup
		for n := 1; n <= 2; n++ {
			p, number := l.phone(t, n), fmt.Sprint(6100+10*i+n)
			both.Go(func() {
				p.OffHook()
				p.WaitTone(10*time.Second, 350, 440)
				start := time.Now()
				p.Dial(number + "#")
				f := l.far.WaitFax(10*time.Second, number, 1)
				took := f.Began().Sub(start)
				t.Logf("%s: the call to %s goes out after %v", tt.name, number, took.Round(10*time.Millisecond))
				if took > tt.within {
					t.Errorf("%s: the call to %s goes out after %v, want at most %v", tt.name, number, took, tt.within)
				}
				p.WaitTone(10*time.Second, 480, 620)
				p.OnHook()
				p.Close()
			})
		}
		both.Wait()
		l.asked.Host.Heal()
		l.accounts.Host.Heal()
	}
	for i := range 4 {
		for n := 1; n <= 2; n++ {
			number := fmt.Sprint(6100 + 10*i + n)
			for id, s := range l.waitStops(t, 40*time.Second, number, 1) {
				if got := s.stops[0]; got["FB-Fax-Error-Code"] != "28502" || got["FB-SIP-Call-Id"] != l.far.To(number)[0].Call.Invite().CallID() {
					t.Errorf("%s, session %s: %v", number, id, got)
				}
			}
		}
	}
}

// TestPowerCuts ends the agent at once, in faxes and between them, while the accounting server
// comes and goes. In the end the server knows every session: of each fax once, with its own number
// and call, and of those that a power cut ended that it was so.
func TestPowerCuts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := newLab(t, dictionary(t), believes, func(number string, nth int) faxend.Script {
		if number < "6010" {
			return faxend.Script{Switch: faxend.AtOnce, Recv: filepath.Join(dir, "far-"+number)}
		}
		return faxend.Script{Ring: 300 * time.Millisecond, Status: 404}
	})
	l.port(1)
	l.port(2)
	l.port(3, "fax_mode", "spool", "call_ahead", "never")
	l.port(4, "driver", "none")
	l.run(4)
	l.accounts.Kill()

	long := document(t, 6)
	first := l.card(t, 1, faxcard.Send(document(t, 1), "6001#"))
	second, third := l.card(t, 2, faxcard.Send(long, "6002#")), l.card(t, 3, faxcard.Send(long, "6003#"))
	if _, status := l.call(4, faxend.Script{From: "6004", Send: long}); status != 200 {
		t.Errorf("the mailbox answers with %d", status)
	}
	if r := first.Wait(patience, 1); !r.OK {
		t.Errorf("the first machine: %+v", r)
	}
	l.agent.WaitPort(20*time.Second, 1, "idle")
	if !netlab.Until(settle, func() bool { return l.kept() == 1 }) {
		t.Errorf("%d accounts wait on the disk, want that of the fax that is over", l.kept())
	}
	cuts := []time.Time{time.Now()}
	l.powerCut(4)
	second.Kill()
	third.Kill()

	send := document(t, 1)
	for i := range 8 {
		for n := range 4 { // numbers that do not exist: a session each, of a fraction of a second
			if _, status := l.agent.Command("fax", "--port", "4", "--to", fmt.Sprint(6100+10*i+n), "send", send); status != 0 {
				t.Errorf("fax %d of round %d is not taken", n, i)
			}
		}
		switch i {
		case 2, 7:
			l.accounts.Restart(nil)
		case 4:
			l.accounts.Kill()
		}
		if i < 7 {
			time.Sleep(rand.N(time.Second)) // the moment is anybody's
			cuts = append(cuts, time.Now())
			l.powerCut(4)
		}
	}
	l.settles(t, 8*4, cuts)
	for number, sent := range map[string]string{"6001": "Send", "6002": "Send", "6003": "Send", "1004": "Receive"} {
		for id, s := range l.waitStops(t, time.Second, number, 1) {
			want := map[string]string{
				"FB-Is-Send": sent, "FB-Fax-Error-Code": "27983", "FB-Page-Count": "0", "FB-CDR-Type": "Realtime", "FB-Description": "the device was restarted",
				"FB-SIP-Call-Id": "", "FB-Called-Number-Result": "",
			}
			switch number {
			case "6001":
				maps.Copy(want, map[string]string{"FB-Fax-Error-Code": "0", "FB-Page-Count": "1", "FB-Description": "", "FB-Called-Number-Result": "Success"})
				want["FB-SIP-Call-Id"] = l.far.To(number)[0].Call.Invite().CallID()
			case "6003":
				want["FB-CDR-Type"] = "SendFromClient"
			}
			for name, value := range want {
				if s.stops[0][name] != value {
					t.Errorf("%s, session %s: %s is %q, want %q", number, id, name, s.stops[0][name], value)
				}
			}
		}
	}
}

// settles waits until all is told of the faxes to so many numbers, and compares it with what was
// asked and called.
func (l *lab) settles(t *testing.T, numbers int, cuts []time.Time) {
	t.Helper()
	waiting := func() []string {
		files, _ := filepath.Glob(filepath.Join(l.agent.Dir, "state", "accounting", "*"))
		return files
	}
	if !netlab.Until(2*time.Minute, func() bool { return len(waiting()) == 0 && len(l.unsettled()) == 0 }) {
		t.Errorf("not told within 2 minutes: %v; not called: %v", waiting(), l.unsettled())
	}
	asked := map[string]string{} // number, by session
	for _, r := range freeradius.Records(l.asked.Asked()) {
		if number := r["FB-Dial-Number"]; number != "" {
			asked[r["Acct-Session-Id"]] = number
		}
	}
	told, twice, cut := map[string]int{}, 0, 0 // by call
	for id, s := range l.sessions() {
		if len(s.stops) == 0 {
			t.Errorf("session %s about %s has a Start and no Stop", id, asked[id])
			continue
		}
		for _, r := range s.stops {
			if r["FB-Dial-Number"] != asked[id] {
				t.Errorf("session %s was asked for with %s, and is told of with %s", id, asked[id], r["FB-Dial-Number"])
			}
			if r["FB-Description"] != s.stops[0]["FB-Description"] || r["FB-SIP-Call-Id"] != s.stops[0]["FB-SIP-Call-Id"] {
				t.Errorf("session %s has Stops that differ: %v", id, s.stops)
			}
		}
		if twice += len(s.stops) - 1; s.stops[0]["FB-Description"] == "the device was restarted" {
			cut++
		}
		if call := s.stops[0]["FB-SIP-Call-Id"]; call != "" {
			told[call]++
		}
	}
	calls, called := 0, map[string]bool{}
	for _, f := range l.far.Faxes() {
		if f.Call.Invite() == nil || f.Number < "6010" {
			continue
		}
		calls++
		called[f.Number] = true
		switch n := told[f.Call.Invite().CallID()]; {
		case n > 1:
			t.Errorf("the call to %s is in %d sessions", f.Number, n)
		case n == 0 && !cutShort(f.Began(), cuts):
			t.Errorf("the call to %s at %v is in no session; power cuts %v", f.Number, f.Began(), cuts)
		}
	}
	if len(called) != numbers {
		t.Errorf("%d numbers were called of %d that were handed in", len(called), numbers)
	}
	t.Logf("%d sessions asked for, %d told of, %d of them cut short, %d Stops twice; %d calls, %d power cuts", len(asked), len(l.sessions()), cut, twice, calls, len(cuts))
}

// cutShort says whether the power failed within a second of a call.
func cutShort(began time.Time, cuts []time.Time) bool {
	for _, cut := range cuts {
		if d := cut.Sub(began); d > -200*time.Millisecond && d < time.Second {
			return true
		}
	}
	return false
}

// unsettled are the faxes that still wait for their call.
func (l *lab) unsettled() []string {
	var all []struct{ ID, State, Kind string }
	if err := l.agent.Get("/api/v1/faxes", &all); err != nil {
		return []string{err.Error()}
	}
	var wait []string
	for _, f := range all {
		if !strings.Contains("sent received failed cancelled", f.State) {
			wait = append(wait, f.ID+" "+f.State)
		}
	}
	return wait
}
