package fax

import (
	"testing"

	"tipring/t38/t30"
)

func TestJudge(t *testing.T) {
	refused := func(code int) Outcome { return Outcome{Code: code} }
	failed := func(c t30.Code) Outcome { return Outcome{Answered: true, Begun: true, Transport: "t38", T30: c} }
	heard := func(s Sound) Outcome { return Outcome{Answered: true, Heard: s, T30: t30.LineLost} }
	const busy, noAnswer, permanent = 1, 2, 4
	for _, tt := range []struct {
		name   string
		o      Outcome
		code   int
		result CalledNumberResult
		flags  int
	}{
		{"all pages confirmed", Outcome{Answered: true, Begun: true, OK: true}, 0, Success, 0},

		{"no server reached", Outcome{}, 27976, Unknown, 0},
		{"not answered in time", Outcome{Code: 408, NoAnswer: true}, 27977, Unknown, noAnswer},
		{"moved", refused(302), 28162, Unknown, permanent},
		{"not found", refused(404), 28420, Unknown, permanent},
		{"request timeout of the far end", refused(408), 28424, Unknown, 0},
		{"temporarily unavailable", refused(480), 28496, Unknown, busy},
		{"address incomplete", refused(484), 28500, Unknown, permanent},
		{"busy", refused(486), 28502, Unknown, busy},
		{"terminated", refused(487), 28503, Unknown, 0},
		{"not acceptable here", refused(488), 28504, Unknown, permanent},
		{"server error", refused(500), 28672, Unknown, 0},
		{"not implemented", refused(501), 28673, Unknown, permanent},
		{"service unavailable", refused(503), 28675, Unknown, busy},
		{"busy everywhere", refused(600), 28928, Unknown, busy},
		{"declined", refused(603), 28931, Unknown, permanent},
		{"no such number anywhere", refused(604), 28932, Unknown, permanent},

		{"special information tone", heard(SpecialTone), 28023, Unknown, noAnswer},
		{"the same before the answer", Outcome{Heard: SpecialTone}, 28023, Unknown, noAnswer},
		{"busy tone", heard(BusyTone), 28024, Unknown, busy},
		{"fast busy", heard(FastBusy), 28027, Unknown, busy},
		{"ringback that nobody ends", heard(Ringback), 28026, Unknown, noAnswer},
		{"speech", Outcome{Answered: true, Voice: true, Heard: Speech, T30: t30.NoAnswer}, 28025, VoiceError, permanent},
		{"neither speech nor fax", Outcome{Answered: true, Transport: "audio", T30: t30.NoAnswer}, 27979, VoiceError, 0},
		{"T.38, and then nothing", Outcome{Answered: true, Transport: "t38", T30: t30.NoAnswer}, 27985, Unknown, 0},
		{"hung up before the fax began", Outcome{Answered: true, T30: t30.LineLost}, 27983, Unknown, 0},
		{"the same with a cause", Outcome{Answered: true, T30: t30.LineLost, Cause: 16}, 29200, Unknown, 0},

		{"hung up in a page", failed(t30.LineLost), 27983, FaxError, 0},
		{"training failed", failed(t30.TrainingFailed), 27990, FaxError, 0},
		{"DCN instead of MCF", failed(t30.PeerLeftResult), 27994, FaxError, 0},
		{"page rejected", failed(t30.PageRejected), 27995, FaxError, 0},
		{"no receiver there", failed(t30.CannotReceive), 27988, FaxError, permanent},
		{"document not readable", failed(t30.SourceError), 27997, FaxError, permanent},
		{"cancelled in a page", failed(t30.Stopped), 28503, FaxError, permanent},
		{"cancelled before the answer", Outcome{T30: t30.Stopped}, 28503, Unknown, permanent},
	} {
		o := tt.o
		o.Judge(true)
		flags := 0
		for bit, set := range map[int]bool{busy: o.Busy, noAnswer: o.NoAnswer, permanent: o.Permanent} {
			if set {
				flags |= bit
			}
		}
		if o.ErrorCode != tt.code || o.CalledResult != tt.result || flags != tt.flags {
			t.Errorf("%s: code %d, %q, flags %d; want %d, %q, %d", tt.name, o.ErrorCode, o.CalledResult, flags, tt.code, tt.result, tt.flags)
		}
		if o.Judge(false); o.CalledResult != Unknown || o.ErrorCode != tt.code {
			t.Errorf("%s, received: code %d, %q", tt.name, o.ErrorCode, o.CalledResult)
		}
	}
}

// Every way that T.30 ends has a number of the vendor's range.
func TestEveryFailureHasACode(t *testing.T) {
	for _, c := range t30.Codes() {
		switch o := failedWith(c); c {
		case t30.OK, t30.LineLost, t30.Stopped:
		default:
			if n := ErrorCode(&o); n < 27979 || n > 27997 {
				t.Errorf("%v: %d", c, n)
			}
		}
	}
}

func failedWith(c t30.Code) Outcome {
	return Outcome{Answered: true, Begun: true, Transport: "t38", T30: c}
}
