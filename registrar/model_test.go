package registrar

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestModel drives a machine through random outages, calls and triggers and checks
// what must hold at every step and what must come true at the end.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		cfg := Config{
			Register:         rapid.Float64().Draw(rt, "register") < 0.9,
			HasBackup:        rapid.Bool().Draw(rt, "backup"),
			PrimaryTTL:       time.Duration(rapid.IntRange(60, 7200).Draw(rt, "ttl")) * time.Second,
			BackupTTL:        time.Duration(rapid.IntRange(60, 7200).Draw(rt, "backup ttl")) * time.Second,
			Failback:         true,
			FailbackInterval: time.Duration(rapid.IntRange(10, 3600).Draw(rt, "interval")) * time.Second,
			SignalFailback:   rapid.Bool().Draw(rt, "signal"),
			GoodProbes:       rapid.IntRange(1, 4).Draw(rt, "good"),
			Hold:             time.Duration(rapid.IntRange(0, 1800).Draw(rt, "hold")) * time.Second,
			JitterPct:        rapid.IntRange(0, 50).Draw(rt, "jitter"),
			FailbackBusy:     rapid.Bool().Draw(rt, "busy"),
			WarmBackup:       rapid.Bool().Draw(rt, "warm"),
		}
		r := newRig(t, cfg)
		r.m.rand = rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 7)).Float64
		r.do(r.m.Start(r.now))
		fates := []fate{{}, {}, {silent: true}, {code: 500}, {code: 503, retryAfter: time.Minute}, {code: 403, lasting: true}, {code: 423, minExpires: 3 * time.Hour}, {code: 480}}
		calls := 0
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			server := Server(rapid.IntRange(1, 2).Draw(rt, "server"))
			switch rapid.IntRange(0, 9).Draw(rt, "event") {
			case 0, 1:
				r.fates[server] = rapid.SampledFrom(fates).Draw(rt, "fate")
			case 2:
				r.do(r.m.RequestFailed(r.now, server, errSilent))
			case 3:
				r.do(r.m.RequestRefused(r.now, server, errors.New("503")))
			case 4:
				r.do(r.m.KeepaliveFailed(r.now, server, errSilent))
			case 5:
				calls = rapid.IntRange(0, 2).Draw(rt, "calls")
				r.do(r.m.Calls(r.now, calls))
			case 6:
				r.do(r.m.Manual(r.now))
			case 7:
				r.do(r.m.FlowLost(r.now, server, errSilent))
			case 8:
				_, do := r.m.Demand(r.now)
				r.do(do)
			case 9:
				r.do(r.m.PrimaryAnswered(r.now))
				r.do(r.m.AddressChanged(r.now))
				r.m.ServerSeen(r.now, server)
			}
			r.run(time.Duration(rapid.IntRange(0, 4000).Draw(rt, "pass")) * time.Second)
			checkAlways(rt, r)
		}
		// Everything heals and every call ends: the line comes home.
		r.fates = [3]fate{}
		r.do(r.m.Calls(r.now, 0))
		r.run(6 * time.Hour)
		checkAlways(rt, r)
		if r.m.Current() != Primary {
			rt.Fatalf("six hours after all servers healed the line is at %v: %s", r.m.Current(), r.m.Status().Why)
		}
		if cfg.Register && !r.bindings[Primary] {
			rt.Fatal("current at the primary, but the primary holds no binding")
		}
		if cfg.Register && cfg.HasBackup && !cfg.WarmBackup && r.m.isBound(r.now, Backup) {
			rt.Fatal("home, idle, and still bound at the backup")
		}
	})
}

// checkAlways is what holds in every state.
func checkAlways(t *rapid.T, r *rig) {
	m := r.m
	if m.Deadline().IsZero() && len(r.pending) == 0 && m.cfg.Register {
		t.Fatalf("a final state: nothing under way and no deadline (%s)", m.Status().Why)
	}
	running := map[uint64]bool{}
	for _, p := range r.pending {
		running[p.action.Attempt] = true
		if p.action.Server == Backup && !m.cfg.HasBackup {
			t.Fatal("a REGISTER for a backup that does not exist")
		}
		if !m.cfg.Register && p.action.Purpose != Verify {
			t.Fatalf("%v on a line that does not register", p.action.Purpose)
		}
	}
	for _, a := range []uint64{m.hunt.attempt, m.home.attempt, m.warm.attempt, m.side.attempt} {
		if a != 0 && !running[a] {
			t.Fatalf("waits for attempt %d, which is not under way", a)
		}
	}
	if m.Current() == Backup && !m.cfg.HasBackup {
		t.Fatal("current server is a backup that does not exist")
	}
	if st := m.Status(); st.Why == "" || st.State == Disabled {
		t.Fatalf("status without a reason: %+v", st)
	}
}

// TestWeek lets a line live through seven days with an outage each six hours.
func TestWeek(t *testing.T) {
	cfg := documentConfig()
	cfg.PrimaryTTL, cfg.BackupTTL, cfg.FailbackInterval = time.Minute, time.Minute, 5*time.Minute
	r := newRig(t, cfg)
	r.do(r.m.Start(r.now))
	for outage := range 28 {
		r.run(5 * time.Hour)
		r.wantCurrent(Primary)
		r.fates[Primary].silent = true
		r.run(30 * time.Minute)
		r.wantCurrent(Backup)
		r.fates[Primary].silent = false
		r.run(30 * time.Minute)
		r.wantCurrent(Primary)
		if got := r.m.Status().Counts; got != (Counts{Failovers: outage + 1, Failbacks: outage + 1}) {
			t.Fatalf("after outage %d: %+v", outage+1, got)
		}
	}
	// 7 days of a 60 s binding refreshed at 80 to 90 %: 168 h / 51 s.
	if n := len(r.sent); n < 11_000 || n > 13_500 {
		t.Errorf("%d REGISTERs in a week, want about 12,000", n)
	}
}

// TestRestartStorm restarts the only server under 1,000 devices, which see it in three
// ways: a cut connection, a failed keep-alive, a refresh without an answer.
func TestRestartStorm(t *testing.T) {
	cfg := documentConfig()
	cfg.HasBackup = false
	cfg.PrimaryTTL = 10 * time.Minute
	perSecond := map[int64]int{}
	for device := range 1000 {
		r := newRig(t, cfg)
		rnd := rand.New(rand.NewPCG(uint64(device), 42))
		r.m.rand = rnd.Float64
		r.do(r.m.Start(r.now))
		r.run(30 * time.Minute)
		from := len(r.sent)
		r.fates[Primary].silent = true
		switch device % 3 {
		case 0:
			r.do(r.m.FlowLost(r.now, Primary, errSilent))
		case 1: // keep-alives of 30 s are out of step between devices
			r.run(time.Duration(rnd.Float64() * float64(30*time.Second)))
			r.do(r.m.KeepaliveFailed(r.now, Primary, errSilent))
		}
		r.run(epoch.Add(40 * time.Minute).Sub(r.now))
		r.fates[Primary].silent = false
		r.run(time.Hour)
		r.wantCurrent(Primary)
		for _, at := range r.sentAt[from:] {
			perSecond[at.Unix()]++
		}
	}
	for second, n := range perSecond {
		if n > 50 {
			t.Errorf("second %v: %d of 1000 devices register at once", time.Unix(second, 0).UTC().Format(time.TimeOnly), n)
		}
	}
}
