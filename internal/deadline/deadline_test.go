package deadline

import (
	"testing"
	"time"
)

var (
	never time.Time
	now   = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
)

func TestDue(t *testing.T) {
	for _, tt := range []struct {
		name string
		at   time.Time
		want bool
	}{
		{"never", never, false},
		{"later", now.Add(1), false},
		{"now", now, true},
		{"before", now.Add(-1), true},
	} {
		if got := Due(now, tt.at); got != tt.want {
			t.Errorf("%s: due %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestEarlier(t *testing.T) {
	for _, tt := range []struct{ a, b, want time.Time }{
		{never, never, never},
		{never, now, now},
		{now, never, now},
		{now, now.Add(1), now},
		{now.Add(1), now, now},
		{now, now, now},
	} {
		if got := Earlier(tt.a, tt.b); !got.Equal(tt.want) {
			t.Errorf("earlier of %v and %v: %v, want %v", tt.a, tt.b, got, tt.want)
		}
	}
}
