package registrar

import (
	"errors"
	"strings"
	"testing"
	"time"
)

var errSilent = errors.New("INVITE at 192.0.2.1:5060: no answer after 4 sends in 7.5s")

// started is a rig whose line is registered at the primary.
func started(t *testing.T, cfg Config) *rig {
	t.Helper()
	r := newRig(t, cfg)
	r.do(r.m.Start(r.now))
	r.run(time.Second)
	r.wantCurrent(Primary)
	return r
}

// onBackup is a rig whose primary fell silent and whose line moved.
func onBackup(t *testing.T, cfg Config) *rig {
	t.Helper()
	r := started(t, cfg)
	r.fates[Primary].silent = true
	r.do(r.m.RequestFailed(r.now, Primary, errSilent))
	r.run(time.Second)
	r.wantCurrent(Backup)
	return r
}

func TestRegisterFailover(t *testing.T) {
	tests := []struct {
		name    string
		trigger func(r *rig)
		want    []string
	}{
		{"manual registration", func(r *rig) { r.do(r.m.Manual(r.now)) }, []string{"bind primary", "bind backup last"}},
		{"OPTIONS timeout", func(r *rig) { r.do(r.m.KeepaliveFailed(r.now, Primary, errSilent)) }, []string{"bind primary", "bind backup last"}},
		{"refresh timeout", func(r *rig) { r.run(55 * time.Minute) }, []string{"bind primary", "bind backup last"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := started(t, documentConfig())
			r.fates[Primary].silent = true
			from := len(r.sent)
			tt.trigger(r)
			r.run(10 * time.Second)
			r.wantLog(from, tt.want...)
			r.wantCurrent(Backup)
			if gap := r.sentAt[from+1].Sub(r.sentAt[from]); gap != span {
				t.Errorf("the backup was asked %v after the primary, want the primary's span %v", gap, span)
			}
			if r.m.Status().Counts.Failovers != 1 {
				t.Errorf("failovers = %d, want 1", r.m.Status().Counts.Failovers)
			}
		})
	}
}

func TestRefreshTimeoutAtTheBackupAsksThePrimaryFirst(t *testing.T) {
	cfg := documentConfig()
	cfg.Failback = false
	r := onBackup(t, cfg)
	r.fates[Backup].silent = true
	from := len(r.sent)
	for len(r.sent) < from+3 {
		r.run(time.Second)
	}
	r.wantLog(from, "bind backup", "bind primary", "bind backup last")
	r.run(lastSpan)
	if st := r.m.Status(); st.State != Failed && st.State != Registering {
		t.Errorf("state = %v with every server silent", st.State)
	}
}

func TestOnlyUnavailableFailsOver(t *testing.T) {
	for _, code := range []int{401, 403, 404, 407, 408, 480, 486, 502, 504, 600, 603} {
		r := started(t, documentConfig())
		r.fates[Primary] = fate{code: code}
		from := len(r.sent)
		r.do(r.m.Manual(r.now))
		r.run(10 * time.Second)
		r.wantLog(from, "bind primary")
		if r.m.Status().Counts.Failovers != 0 {
			t.Errorf("%d moved the line to the backup", code)
		}
	}
	for _, code := range []int{500, 503} {
		r := started(t, documentConfig())
		r.fates[Primary] = fate{code: code}
		r.do(r.m.Manual(r.now))
		r.run(10 * time.Second)
		r.wantCurrent(Backup)
	}
}

// A refresh that is refused for the moment leaves the binding what it is, is tried again
// after the back-off and not before, and when the binding has run out the line says so.
func TestRefusedRefresh(t *testing.T) {
	r := started(t, documentConfig())
	r.fates[Primary] = fate{code: 480}
	from := len(r.sent)
	r.run(59 * time.Minute)
	r.wantCurrent(Primary)
	if st := r.m.Status(); st.State != Registered || !st.Refresh.After(r.now) || st.LastErr == nil {
		t.Errorf("status %+v", st)
	}
	if n := len(r.sent) - from; n < 1 || n > 6 {
		t.Errorf("%d REGISTERs in the last minutes of the binding", n)
	}
	r.run(time.Minute)
	if st := r.m.Status(); st.State != Failed && st.State != Registering || r.m.Current() != None {
		t.Errorf("the binding has run out, and the line says %v", st.State)
	}
	r.fates[Primary] = fate{}
	r.run(time.Hour)
	r.wantCurrent(Primary)
}

// The current server refuses a refresh and wants to be left alone for a while; then the line's
// address changes. Only the other server may be asked, and it is dead: the binding runs on, and
// the hunts keep their distance.
func TestDueRefreshAtAServerThatIsNotToBeAsked(t *testing.T) {
	r := newRig(t, documentConfig())
	r.do(r.m.Start(r.now))
	r.run(time.Second)
	r.fates[Primary] = fate{code: 480, retryAfter: 10 * time.Minute}
	r.run(55 * time.Minute)
	r.fates[Backup] = fate{code: 503}
	from := len(r.sent)
	r.do(r.m.AddressChanged(r.now))
	r.run(time.Minute)
	r.wantCurrent(Primary)
	if n := len(r.sent) - from; n < 1 || n > 3 {
		t.Errorf("%d REGISTERs in a minute: %q", n, r.log(from))
	}
}

func TestLastingRefusalWaitsTwentyMinutes(t *testing.T) {
	r := newRig(t, documentConfig())
	r.fates[Primary] = fate{code: 403, lasting: true}
	r.do(r.m.Start(r.now))
	r.run(19 * time.Minute)
	r.wantLog(0, "bind primary")
	if wait, _ := r.m.Demand(r.now); wait {
		t.Error("a dialled call made the line repeat a refused password")
	}
	r.run(6 * time.Minute)
	r.wantLog(0, "bind primary", "bind primary")
	if why := r.m.Status().Why; !strings.Contains(why, "403") {
		t.Errorf("why = %q does not name the answer", why)
	}
}

func TestBackupRefusingDoesNotHoldUpThePrimary(t *testing.T) {
	r := newRig(t, documentConfig())
	r.fates[Primary].silent = true
	r.fates[Backup] = fate{code: 403, lasting: true}
	r.do(r.m.Start(r.now))
	r.run(10 * time.Second)
	r.fates[Primary].silent = false
	r.run(2 * time.Minute)
	r.wantCurrent(Primary)
}

func TestInviteFailover(t *testing.T) {
	r := started(t, documentConfig())
	r.fates[Primary].silent = true
	from, settled := len(r.sent), r.settled
	r.do(r.m.RequestFailed(r.now, Primary, errSilent))
	if !r.m.Hunting() {
		t.Fatal("not asking the backup after the INVITE's span")
	}
	r.run(time.Second)
	r.wantLog(from, "bind backup last")
	r.wantCurrent(Backup)
	if r.settled != settled+1 {
		t.Errorf("settled %d times, want once", r.settled-settled)
	}
	why := r.m.Status().Why
	for _, part := range []string{"backup", errSilent.Error(), "because the primary failed"} {
		if !strings.Contains(why, part) {
			t.Errorf("why = %q lacks %q", why, part)
		}
	}
}

func TestSecondCallThatFailsAtTheOldServerGoesOnAtOnce(t *testing.T) {
	r := onBackup(t, documentConfig())
	from, settled := len(r.sent), r.settled
	r.do(r.m.RequestFailed(r.now, Primary, errSilent))
	r.wantLog(from)
	if r.settled != settled+1 {
		t.Error("the call that learned of the dead primary late waits for nothing")
	}
}

// A call that finds the primary known to be dead while the line still asks it (the
// keep-alive failed a moment ago) does not wait for the rest of that span.
func TestCallThatWaitsCutsTheHuntShort(t *testing.T) {
	r := started(t, documentConfig())
	r.fates[Primary].silent = true
	from, settled := len(r.sent), r.settled
	r.do(r.m.KeepaliveFailed(r.now, Primary, errSilent))
	r.run(time.Second)
	r.wantLog(from, "bind primary")
	r.do(r.m.RequestFailed(r.now, Primary, errSilent))
	r.run(time.Second)
	r.wantLog(from, "bind primary", "bind backup last")
	r.wantCurrent(Backup)
	if r.settled != settled+1 {
		t.Errorf("settled %d times, want once", r.settled-settled)
	}
	r.run(time.Minute)
	r.wantLog(from, "bind primary", "bind backup last")
}

// With nobody left to ask, the last server keeps its 64*T1.
func TestTheLastServerIsNotCutShort(t *testing.T) {
	cfg := documentConfig()
	cfg.HasBackup = false
	r := started(t, cfg)
	r.fates[Primary].silent = true
	from, settled := len(r.sent), r.settled
	r.do(r.m.KeepaliveFailed(r.now, Primary, errSilent))
	r.do(r.m.RequestFailed(r.now, Primary, errSilent))
	r.run(31 * time.Second)
	r.wantLog(from, "bind primary last")
	if r.settled != settled {
		t.Error("settled before the last server had its time")
	}
}

// The warm binding spares the moved request a REGISTER, not the server its check.
func TestRefusedRequestOfAWarmLineHasTheServerChecked(t *testing.T) {
	cfg := documentConfig()
	cfg.WarmBackup = true
	r := started(t, cfg)
	r.run(time.Second)
	from, settled := len(r.sent), r.settled
	r.do(r.m.RequestRefused(r.now, Primary, errSilent))
	if r.settled != settled+1 {
		t.Error("the request has to wait although the other binding stands")
	}
	r.run(time.Second)
	r.wantLog(from, "bind primary")
	r.fates[Primary].silent = true
	r.do(r.m.RequestRefused(r.now, Primary, errSilent))
	r.run(10 * time.Second)
	r.wantCurrent(Backup)
}

// Another line of the device was answered: the back-off of this one is over.
func TestServerSeenShortensTheBackoff(t *testing.T) {
	r := newRig(t, documentConfig())
	r.fates[Primary].silent, r.fates[Backup].silent = true, true
	r.do(r.m.Start(r.now))
	r.run(20 * time.Minute)
	r.fates = [3]fate{}
	r.m.ServerSeen(r.now, Backup)
	r.run(3 * time.Second)
	r.wantCurrent(Primary)

	r = newRig(t, documentConfig())
	r.fates[Primary] = fate{code: 403, lasting: true}
	r.do(r.m.Start(r.now))
	r.run(time.Second)
	r.m.ServerSeen(r.now, Primary)
	r.run(time.Minute)
	r.wantLog(0, "bind primary") // a refused password stays refused
}

func TestRefusedInviteMovesTheCallNotTheLine(t *testing.T) {
	r := started(t, documentConfig())
	r.do(r.m.Calls(r.now, 1))
	from := len(r.sent)
	r.do(r.m.RequestRefused(r.now, Primary, errors.New("503 Service Unavailable")))
	r.run(time.Second)
	r.wantLog(from, "side backup last", "bind primary")
	r.wantCurrent(Primary)
	if !r.m.Usable(r.now, Backup) {
		t.Error("the backup is not usable for the moved call")
	}
	r.do(r.m.Calls(r.now, 0))
	r.run(time.Second)
	r.wantLog(from, "side backup last", "bind primary", "unbind backup")
	if r.bindings[Backup] {
		t.Error("the side binding outlived its call")
	}
}

// A BYE that went through the other server ends its call while the line still asks its
// own: the binding there is not taken away to be made again.
func TestSideBindingStaysWhileTheLineMayNeedIt(t *testing.T) {
	r := started(t, documentConfig())
	r.fates[Primary].silent = true
	r.do(r.m.Calls(r.now, 1))
	from := len(r.sent)
	r.do(r.m.RequestRefused(r.now, Primary, errSilent))
	r.run(time.Second)
	r.do(r.m.Calls(r.now, 0))
	r.run(10 * time.Second)
	r.wantLog(from, "side backup last", "bind primary") // and the binding becomes the line's
	r.wantCurrent(Backup)

	r = started(t, documentConfig())
	r.do(r.m.Calls(r.now, 1))
	from = len(r.sent)
	r.do(r.m.RequestRefused(r.now, Primary, errSilent))
	r.do(r.m.Calls(r.now, 0)) // before either has answered
	r.run(10 * time.Second)
	r.wantLog(from, "side backup last", "bind primary", "unbind backup")
}

func TestRefusedInviteMovesTheLineWhenTheProbeFailsToo(t *testing.T) {
	r := started(t, documentConfig())
	r.fates[Primary] = fate{code: 503}
	r.do(r.m.Calls(r.now, 1))
	r.do(r.m.RequestRefused(r.now, Primary, errors.New("503 Service Unavailable")))
	r.run(time.Second)
	r.wantCurrent(Backup)
	r.do(r.m.Calls(r.now, 0))
	r.run(time.Second)
	if !r.bindings[Backup] {
		t.Error("the end of the call removed the line's own binding")
	}
}

// The line that follows a moved call does not ask its new server twice.
func TestLineFollowsItsMovedCall(t *testing.T) {
	for _, f := range []fate{{code: 503}, {silent: true}} {
		r := started(t, documentConfig())
		r.fates[Primary] = f
		r.do(r.m.Calls(r.now, 1))
		from, settled := len(r.sent), r.settled
		r.do(r.m.RequestRefused(r.now, Primary, errSilent))
		r.run(8 * time.Second)
		r.wantLog(from, "side backup last", "bind primary")
		r.wantCurrent(Backup)
		if r.settled == settled {
			t.Error("the call was never told")
		}
		if !r.m.Usable(r.now, Backup) || r.m.Status().Refresh.IsZero() {
			t.Error("the binding is not looked after")
		}
	}

	// A binding of long ago proves nothing.
	r := started(t, documentConfig())
	r.do(r.m.Calls(r.now, 1))
	r.do(r.m.RequestRefused(r.now, Primary, errSilent))
	r.run(time.Minute)
	r.fates[Primary].silent = true
	from := len(r.sent)
	r.do(r.m.KeepaliveFailed(r.now, Primary, errSilent))
	r.run(8 * time.Second)
	r.wantLog(from, "bind primary", "bind backup last")

	// And both may fail.
	r = started(t, documentConfig())
	r.fates = [3]fate{Primary: {code: 503}, Backup: {code: 503}}
	settled := r.settled
	r.do(r.m.RequestRefused(r.now, Primary, errSilent))
	r.run(time.Second)
	if st := r.m.Status(); st.State != Failed || r.settled == settled {
		t.Errorf("state %v, settled %d times", st.State, r.settled-settled)
	}
}

func TestAllDownGoesOnForEver(t *testing.T) {
	r := newRig(t, documentConfig())
	r.fates[Primary].silent, r.fates[Backup].silent = true, true
	r.do(r.m.Start(r.now))
	r.run(40 * time.Second)
	r.wantLog(0, "bind primary", "bind backup last")
	if st := r.m.Status(); st.State != Failed || st.Retry.IsZero() {
		t.Fatalf("status %+v, want failed with a time for the next try", st)
	}
	// RFC 5626 section 4.5: 30-60 s after the first failure, never above 30 min.
	first := r.m.Status().Retry.Sub(r.sentAt[1].Add(lastSpan))
	if first < 30*time.Second || first > 60*time.Second {
		t.Errorf("first wait %v, want 30 to 60 s", first)
	}
	r.run(24 * time.Hour)
	var longest time.Duration
	for i := 1; i < len(r.sentAt); i++ {
		longest = max(longest, r.sentAt[i].Sub(r.sentAt[i-1]))
	}
	if longest > 30*time.Minute+lastSpan {
		t.Errorf("a gap of %v between tries", longest)
	}
	r.fates[Backup].silent = false
	r.run(31 * time.Minute)
	r.wantCurrent(Backup)
}

// A registrar that wants one second more each time is not followed for ever; its answers
// make the line wait like any other refusal.
func TestARisingLeastLifetimeIsNoLoop(t *testing.T) {
	r := newRig(t, documentConfig())
	r.fates[Primary].raises, r.fates[Backup].raises = true, true
	r.do(r.m.Start(r.now))
	r.run(20 * time.Second)
	r.wantLog(0, "bind primary", "bind primary", "bind primary")
	if st := r.m.Status(); st.State != Failed || st.LastErr == nil {
		t.Errorf("state %v, %v", st.State, st.LastErr)
	}
	r.run(24 * time.Hour)
	if len(r.sent) > 300 {
		t.Errorf("%d REGISTERs in a day", len(r.sent))
	}
	r.fates[Primary] = fate{}
	r.run(31 * time.Minute)
	r.wantCurrent(Primary)

	// Nor is one that wants a binding for years.
	r = newRig(t, documentConfig())
	r.fates[Primary] = fate{code: 423, minExpires: 100 * 365 * 24 * time.Hour}
	r.do(r.m.Start(r.now))
	r.run(time.Second)
	if len(r.sent) != 1 {
		t.Errorf("%q", r.log(0))
	}
}

// Redialling in an outage, or asking for a registration, does not put its end off: the line
// is back no later than one that nobody touched.
func TestWhoAsksInAnOutageDoesNotPutOffItsEnd(t *testing.T) {
	for name, ask := range map[string]func(*rig){
		"redialling": func(r *rig) { _, do := r.m.Demand(r.now); r.do(do) },
		"manual":     func(r *rig) { r.do(r.m.Manual(r.now)) },
	} {
		t.Run(name, func(t *testing.T) {
			outage := func(ask func(*rig)) *rig {
				r := newRig(t, documentConfig())
				r.fates[Primary].silent, r.fates[Backup].silent = true, true
				r.do(r.m.Start(r.now))
				for range 60 {
					r.run(7 * time.Second)
					ask(r)
				}
				for r.m.Hunting() {
					r.run(time.Second)
				}
				return r
			}
			touched, alone := outage(ask), outage(func(*rig) {})
			wait := touched.m.Status().Retry.Sub(touched.now)
			if most := alone.m.backoffCap(); wait > most {
				t.Errorf("next try in %v, of a line that nobody touched within %v", wait, most)
			}
			if len(touched.sent) < 2*len(alone.sent) {
				t.Errorf("%d REGISTERs, %d untouched: nobody was heard", len(touched.sent), len(alone.sent))
			}
		})
	}
}

// backoffCap is the longest wait after as many failures as there were.
func (m *Machine) backoffCap() time.Duration {
	return min(retryCap, retryBase<<min(m.failures, 6))
}

func TestDialledCallShortensTheBackoff(t *testing.T) {
	r := newRig(t, documentConfig())
	r.fates[Primary].silent, r.fates[Backup].silent = true, true
	r.do(r.m.Start(r.now))
	r.run(time.Hour)
	for r.m.Hunting() {
		r.run(time.Second)
	}
	r.run(demandGap)
	r.fates[Backup].silent = false
	wait, do := r.m.Demand(r.now)
	if !wait {
		t.Fatal("Demand did not begin a hunt")
	}
	r.do(do)
	r.run(span + time.Second)
	r.wantCurrent(Backup)
}

func TestFailback(t *testing.T) {
	r := onBackup(t, documentConfig())
	from := len(r.sent)
	moved := r.now
	r.run(35 * time.Minute)
	r.wantLog(from, "probe primary last")
	r.wantCurrent(Backup)
	if d := r.sentAt[from].Sub(moved); d < 29*time.Minute || d > 30*time.Minute {
		t.Errorf("first probe after %v, want the interval of 30 min", d)
	}
	r.fates[Primary].silent = false
	r.run(30 * time.Minute)
	r.wantCurrent(Primary)
	if r.bindings[Backup] {
		t.Error("the binding at the backup was left behind")
	}
	if got := r.m.Status().Counts; got != (Counts{Failovers: 1, Failbacks: 1}) {
		t.Errorf("counts = %+v", got)
	}
}

func TestRefusedProbeDoesNotSwitch(t *testing.T) {
	for _, code := range []int{403, 404, 480, 486, 500, 503} {
		r := onBackup(t, documentConfig())
		r.fates[Primary] = fate{code: code}
		r.run(3 * time.Hour)
		r.wantCurrent(Backup)
	}
}

func TestFailbackWaitsForTheCall(t *testing.T) {
	r := onBackup(t, documentConfig())
	r.fates[Primary].silent = false
	r.do(r.m.Calls(r.now, 1))
	from := len(r.sent)
	r.run(2 * time.Hour)
	r.wantCurrent(Backup)
	for _, a := range r.sent[from:] {
		if a.Server == Primary && a.Purpose != Verify {
			t.Fatalf("%s at the primary under a running call", a.Purpose)
		}
	}
	if why := r.m.Status().Why; !strings.Contains(why, "going home when the call ends") {
		t.Errorf("why = %q", why)
	}
	r.do(r.m.Calls(r.now, 0))
	r.run(time.Second)
	r.wantCurrent(Primary)
}

func TestCallThatBeginsDuringTheProbeKeepsTheLine(t *testing.T) {
	r := onBackup(t, documentConfig())
	r.fates[Primary].silent = false
	for r.m.home.attempt == 0 {
		r.run(time.Second / 100)
	}
	r.do(r.m.Calls(r.now, 1))
	r.run(time.Minute)
	r.wantCurrent(Backup)
	r.do(r.m.Calls(r.now, 0))
	r.run(time.Second)
	r.wantCurrent(Primary)
}

func TestFailbackInCall(t *testing.T) {
	cfg := documentConfig()
	cfg.FailbackBusy = true
	r := onBackup(t, cfg)
	r.fates[Primary].silent = false
	r.do(r.m.Calls(r.now, 1))
	r.run(31 * time.Minute)
	r.wantCurrent(Primary)
}

func TestGoodProbesAndHold(t *testing.T) {
	cfg := documentConfig()
	cfg.FailbackInterval, cfg.GoodProbes = time.Minute, 3
	r := onBackup(t, cfg)
	r.fates[Primary].silent = false
	from := len(r.sent)
	r.run(200 * time.Second)
	r.wantLog(from, "verify primary last", "verify primary last", "probe primary last", "unbind backup")
	r.wantCurrent(Primary)

	cfg.Hold = 10 * time.Minute
	r = onBackup(t, cfg)
	r.fates[Primary].silent = false
	r.run(9 * time.Minute)
	r.wantCurrent(Backup)
	r.run(time.Minute + time.Second)
	r.wantCurrent(Primary)
}

func TestBadProbeStartsTheCountAgain(t *testing.T) {
	cfg := documentConfig()
	cfg.FailbackInterval, cfg.GoodProbes = time.Minute, 3
	r := onBackup(t, cfg)
	r.fates[Primary].silent = false
	r.run(130 * time.Second) // two good ones
	r.fates[Primary] = fate{code: 503}
	r.run(time.Minute)
	r.fates[Primary] = fate{}
	r.run(125 * time.Second)
	r.wantCurrent(Backup)
	r.run(time.Minute)
	r.wantCurrent(Primary)
}

func TestFlappingPrimaryAndHold(t *testing.T) {
	cfg := documentConfig()
	cfg.FailbackInterval, cfg.Hold = 5*time.Second, 10*time.Minute
	r := onBackup(t, cfg)
	for end := r.now.Add(time.Hour); r.now.Before(end); {
		r.fates[Primary].silent = !r.fates[Primary].silent
		if r.fates[Primary].silent && r.m.Current() == Primary {
			r.do(r.m.KeepaliveFailed(r.now, Primary, errSilent))
		}
		r.run(10 * time.Second)
	}
	if n := r.m.Status().Counts.Failbacks; n > 6 {
		t.Errorf("%d failbacks in an hour of flapping with a hold of ten minutes", n)
	}
}

func TestSignalFailback(t *testing.T) {
	cfg := documentConfig()
	cfg.SignalFailback = true
	r := onBackup(t, cfg)
	if r.m.First() != Primary {
		t.Error("a new INVITE does not try the primary first")
	}
	r.fates[Primary].silent = false
	r.do(r.m.PrimaryAnswered(r.now))
	r.run(time.Second)
	r.wantCurrent(Primary)
	cfg.SignalFailback = false
	if r := onBackup(t, cfg); r.m.First() != Backup {
		t.Error("without signal_failback a new INVITE leaves the backup")
	}
}

func TestFailbackOff(t *testing.T) {
	cfg := documentConfig()
	cfg.Failback = false
	r := onBackup(t, cfg)
	r.fates[Primary].silent = false
	r.run(24 * time.Hour)
	r.wantCurrent(Backup)
}

func TestWarmBackup(t *testing.T) {
	cfg := documentConfig()
	cfg.WarmBackup = true
	r := started(t, cfg)
	r.run(time.Second)
	if !r.bindings[Backup] {
		t.Fatal("no second binding")
	}
	r.fates[Primary].silent = true
	from, settled := len(r.sent), r.settled
	r.do(r.m.RequestFailed(r.now, Primary, errSilent))
	r.wantCurrent(Backup)
	r.wantLog(from)
	if r.settled == settled {
		t.Error("a call waits although the backup is bound")
	}
	r.fates[Primary].silent = false
	r.run(31 * time.Minute)
	r.wantCurrent(Primary)
	if !r.bindings[Backup] {
		t.Error("going home removed the warm binding")
	}
	r.run(24 * time.Hour)
	if !r.m.Usable(r.now, Backup) {
		t.Error("the warm binding was not refreshed")
	}
}

func TestIntervalTooBrief(t *testing.T) {
	cfg := documentConfig()
	cfg.PrimaryTTL = time.Minute
	r := newRig(t, cfg)
	r.fates[Primary] = fate{code: 423, minExpires: 10 * time.Minute}
	r.do(r.m.Start(r.now))
	r.run(time.Second)
	r.wantLog(0, "bind primary", "bind primary")
	if got := r.sent[1].Expires; got != 10*time.Minute {
		t.Errorf("asked for %v after 423, want Min-Expires", got)
	}
	r.wantCurrent(Primary)
}

func TestRetryAfterIsKept(t *testing.T) {
	r := newRig(t, documentConfig())
	r.fates[Primary] = fate{code: 503, retryAfter: 5 * time.Minute}
	r.do(r.m.Start(r.now))
	r.run(time.Second)
	r.wantLog(0, "bind primary", "bind backup last")
	r.do(r.m.Manual(r.now))
	r.run(time.Second)
	r.wantLog(2, "bind backup last")
	r.fates[Primary] = fate{}
	r.run(5 * time.Minute)
	r.do(r.m.Manual(r.now))
	r.run(time.Second)
	r.wantCurrent(Primary)
}

func TestRetryAfterOfTheOnlyServer(t *testing.T) {
	cfg := documentConfig()
	cfg.HasBackup = false
	r := newRig(t, cfg)
	r.fates[Primary] = fate{code: 503, retryAfter: 10 * time.Minute}
	r.do(r.m.Start(r.now))
	r.run(10 * time.Minute)
	r.wantLog(0, "bind primary last")
}

func TestLostConnectionIsMadeAnewSoonButSpread(t *testing.T) {
	r := started(t, documentConfig())
	from := len(r.sent)
	lost := r.now
	r.m.FlowLost(r.now, Primary, errors.New("connection reset"))
	r.run(reconnectSpread + time.Second)
	r.wantLog(from, "bind primary")
	if d := r.sentAt[from].Sub(lost); d > reconnectSpread {
		t.Errorf("made anew after %v", d)
	}
}

func TestUnregisteredLineMovesAndComesHome(t *testing.T) {
	cfg := documentConfig()
	cfg.Register = false
	r := newRig(t, cfg)
	r.do(r.m.Start(r.now))
	r.wantCurrent(Primary)
	r.fates[Primary].silent = true
	r.do(r.m.RequestFailed(r.now, Primary, errSilent))
	r.wantCurrent(Backup)
	r.fates[Primary].silent = false
	r.run(31 * time.Minute)
	r.wantCurrent(Primary)
	r.wantLog(0, "verify primary last")
}

func TestStopUnregisters(t *testing.T) {
	r := started(t, documentConfig())
	from := len(r.sent)
	r.do(r.m.Stop(r.now))
	r.run(time.Minute)
	r.wantLog(from, "unbind primary")
	if r.bindings[Primary] || !r.m.Deadline().IsZero() {
		t.Error("something is left after Stop")
	}
}

// A moved call's binding that is due for its refresh is refreshed, however fresh it is.
func TestShortBindingOfAMovedCallIsRefreshed(t *testing.T) {
	cfg := documentConfig()
	cfg.BackupTTL = 20 * time.Second
	r := newRig(t, cfg)
	r.fates[Primary].silent = true
	r.do(r.m.Start(r.now))
	r.run(time.Minute)
	r.wantCurrent(Backup)
	r.m.side = aside{server: Backup} // a call was moved here, and is over
	before := len(r.sent)
	r.run(5 * time.Minute)
	r.wantCurrent(Backup)
	if n := len(r.sent) - before; n < 15 || n > 60 {
		t.Errorf("%d REGISTERs in five minutes of bindings that live 20 s", n)
	}
}

// A server that answers, and refuses, is not one that is silent: who judges new settings
// wants to know.
func TestRefusalsAreCounted(t *testing.T) {
	r := newRig(t, documentConfig())
	r.fates[Primary] = fate{code: 403, lasting: true}
	r.do(r.m.Start(r.now))
	r.run(time.Minute)
	if got := r.m.Status().Counts.Refusals; got < 1 {
		t.Errorf("%d refusals counted of a server that says 403", got)
	}
	r.fates[Primary], r.fates[Backup] = fate{silent: true}, fate{silent: true}
	before := r.m.Status().Counts.Refusals
	r.run(time.Hour)
	if got := r.m.Status().Counts.Refusals; got != before {
		t.Errorf("%d refusals counted of a silent server", got-before)
	}
}

// A line says where it is in sentences that stay true as time passes: the times stand beside them.
func TestWhyIsTimeless(t *testing.T) {
	r := onBackup(t, documentConfig())
	before := r.m.Status()
	if !strings.HasPrefix(before.Why, "registered at the backup server, because the primary failed: ") || before.Failback.IsZero() || before.Refresh.IsZero() {
		t.Errorf("%q, failback %v, refresh %v", before.Why, before.Failback, before.Refresh)
	}
	r.run(3 * time.Minute)
	if after := r.m.Status(); after.Why != before.Why {
		t.Errorf("three minutes later %q, before %q", after.Why, before.Why)
	}
}
