package provisioning

import (
	"math/rand/v2"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// What happens to a trial, and what it asks for.
func TestTrial(t *testing.T) {
	at := func(s int) time.Time { return noon.Add(time.Duration(s) * time.Second) }
	type event struct {
		at   int // s
		what string
		want Step
	}
	for _, tt := range []struct {
		name   string
		events []event
		end    Phase
	}{
		{"a line registers", []event{{5, "registered", Keep}}, Settled},
		{"in the last second", []event{{119, "expire", Nothing}, {119, "registered", Keep}}, Settled},
		{"nobody registers, the old one does", []event{{120, "expire", GoBack}, {150, "registered", Condemn}}, Settled},
		{"nobody registers at all", []event{{120, "expire", GoBack}, {179, "expire", Nothing}, {180, "expire", Return}}, NotProven},
		{"an outage that ends", []event{{120, "expire", GoBack}, {180, "expire", Return}, {90000, "registered", Keep}}, Settled},
		{"a server that comes back and refuses", []event{
			{120, "expire", GoBack}, {180, "expire", Return}, {500, "refused", Nothing}, {619, "expire", Nothing}, {620, "expire", GoBack}, {630, "registered", Condemn},
		}, Settled},
		{"a server that refuses and then takes the line", []event{
			{120, "expire", GoBack}, {180, "expire", Return}, {500, "refused", Nothing}, {510, "registered", Keep},
		}, Settled},
		{"a refusal during the trial waits for its end", []event{{1, "refused", Nothing}, {120, "expire", GoBack}}, GoneBack},
		{"a server that refuses both is not a reason to change for ever", []event{
			{120, "expire", GoBack}, {180, "expire", Return},
			{181, "refused", Nothing}, {301, "expire", GoBack}, {361, "expire", Return},
			{362, "refused", Nothing}, {400, "expire", Nothing}, {960, "refused", Nothing}, {961, "refused", Nothing}, {1080, "expire", Nothing}, {1081, "expire", GoBack},
		}, GoneBack},
		{"what waits for a call is not judged before", []event{{100, "postpone", Nothing}, {120, "expire", Nothing}, {220, "expire", GoBack}}, GoneBack},
		{"settled: nothing matters", []event{{5, "registered", Keep}, {6, "registered", Nothing}, {7, "refused", Nothing}, {500, "expire", Nothing}}, Settled},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var trial Trial
			trial.Begin(noon, 7, 6)
			for _, e := range tt.events {
				var got Step
				switch e.what {
				case "registered":
					got = trial.Registered()
				case "refused":
					got = trial.Refused(at(e.at))
				case "postpone":
					trial.Postpone(at(e.at))
				case "expire":
					got = trial.Expire(at(e.at))
				}
				if got != e.want {
					t.Fatalf("%s at %d s: step %v, want %v", e.what, e.at, got, e.want)
				}
			}
			if trial.Phase() != tt.end {
				t.Errorf("phase %v at the end, want %v", trial.Phase(), tt.end)
			}
			if trial.Generation() != 7 || trial.Back() != 6 {
				t.Errorf("judges %d against %d", trial.Generation(), trial.Back())
			}
		})
	}
}

// Whatever happens in whatever order: a generation is condemned only while the one before
// it is registered, and kept only while it is itself; there is a deadline exactly while
// something runs out; and changes of what runs grow rare.
func TestTrialWhateverHappens(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 0))
		var trial Trial
		now := noon
		trial.Begin(now, 7, 6)
		running, moves := 7, 0
		for range 400 {
			now = now.Add(time.Duration(r.IntN(90)) * time.Second)
			var s Step
			what := r.IntN(20)
			switch {
			case what == 0 && seed%2 == 0:
				s = trial.Registered()
			case what < 8:
				s = trial.Refused(now)
			case what == 8:
				trial.Postpone(now)
			default:
				s = trial.Expire(now)
			}
			switch s {
			case Keep:
				if running != 7 {
					t.Fatalf("seed %d: kept while %d runs", seed, running)
				}
			case Condemn:
				if running != 6 {
					t.Fatalf("seed %d: condemned while %d runs", seed, running)
				}
			case GoBack:
				running = 6
				moves++
			case Return:
				running = 7
			}
			if timed := trial.Phase() == OnTrial || trial.Phase() == GoneBack; timed == trial.Deadline().IsZero() {
				t.Fatalf("seed %d: phase %v with deadline %v", seed, trial.Phase(), trial.Deadline())
			}
		}
		// 400 events take about 5 hours; unlimited, a move would come every 3 minutes.
		if moves > 10 {
			t.Errorf("seed %d: %d moves back in %v", seed, moves, now.Sub(noon))
		}
	}
}
