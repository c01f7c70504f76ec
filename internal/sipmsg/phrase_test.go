package sipmsg

import "testing"

// A response without a reason phrase is told with the phrase of its code, and none ends in a blank.
func TestTold(t *testing.T) {
	for _, tt := range []struct {
		code   int
		reason string
		want   string
	}{
		{500, "Out of Coffee", "500 Out of Coffee"},
		{500, "", "500 Server Internal Error"},
		{486, "Busy Here ", "486 Busy Here"},
		{499, " ", "499 Bad Request"},
	} {
		if got := Told(tt.code, tt.reason); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}
