package lines

import (
	"testing"

	"tipring/internal/sipmsg"
)

func reasoned(values ...string) *sipmsg.Message {
	m := &sipmsg.Message{Method: sipmsg.BYE}
	for _, v := range values {
		m.Header.Add("Reason", v)
	}
	return m
}

func TestCause(t *testing.T) {
	for _, tt := range []struct {
		reasons []string
		want    int
	}{
		{nil, 0},
		{[]string{`Q.850;cause=16;text="Normal call clearing"`}, 16},
		{[]string{`SIP;cause=200;text="Call completed elsewhere"`}, 0},
		{[]string{`SIP ;cause=580`, `q.850 ; text="x, y" ; Cause = 17`}, 17},
		{[]string{`SIP;cause=200, Q.850;cause=34`}, 34},
		{[]string{`Q.850;cause=999`}, 0},
		{[]string{`Q.850;cause=-1`, `Q.850;cause=x`, `Q.850`, ``}, 0},
	} {
		if got := causeOf(reasoned(tt.reasons...)); got != tt.want {
			t.Errorf("%q: %d, want %d", tt.reasons, got, tt.want)
		}
	}
	if causeOf(nil) != 0 {
		t.Error("no message has a cause")
	}
}

func FuzzCause(f *testing.F) {
	f.Add(`Q.850;cause=16;text="Normal call clearing"`)
	f.Add(`SIP;cause=200, Q.850;cause=34`)
	f.Fuzz(func(t *testing.T, reason string) {
		if n := causeOf(reasoned(reason)); n < 0 || n > 127 {
			t.Errorf("%q: %d", reason, n)
		}
	})
}
