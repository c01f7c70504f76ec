package pages

import (
	"errors"
	"fmt"
	"testing"
)

// The page of a fault is told once, by whoever knows it first.
func TestOnPage(t *testing.T) {
	fault := errors.New("strip 1: bad code")
	for _, tt := range []struct {
		err  error
		want string
	}{
		{fault, "page 1: strip 1: bad code"},
		{fmt.Errorf("tiff: page 1: %w", fault), "tiff: page 1: strip 1: bad code"},
		{fmt.Errorf("tiff: page 11: %w", fault), "page 1: tiff: page 11: strip 1: bad code"},
	} {
		if got := OnPage(0, tt.err); got.Error() != tt.want || !errors.Is(got, fault) {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}
