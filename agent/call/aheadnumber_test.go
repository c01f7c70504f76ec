package call

import (
	"strings"
	"testing"
)

func TestSplitNumber(t *testing.T) {
	for _, tt := range []struct{ dialled, delimiter, number, info string }{
		{"5551234", "", "5551234", ""},
		{"5551234*77", "", "5551234*77", ""},
		{"5551234", "*", "5551234", ""},
		{"5551234*77", "*", "5551234", "77"},
		{"5551234*77*8", "*", "5551234", "77*8"}, // the first one counts
		{"5551234*", "*", "5551234", ""},
		{"5551234**77", "**", "5551234", "77"},
		{"5551234*77", "**", "5551234*77", ""},
		{"5551234*7**8", "**", "5551234*7", "8"},
		{"5551234***8", "**", "5551234", "*8"},
		{"5551234#77", "#", "5551234", "77"},
		{"55512340077", "00", "5551234", "77"},
		{"*675551234*77", "*", "*675551234", "77"}, // none within the beginning of a number
		{"**5551234**9", "**", "**5551234", "9"},
		{"*1*2", "*", "*1", "2"},
		{"***", "*", "***", ""}, // no number at all
		{"*", "*", "*", ""},
		{"", "*", "", ""},
		{"1*" + strings.Repeat("7", 100), "*", "1", strings.Repeat("7", 64)},
	} {
		if number, info := SplitNumber(tt.dialled, tt.delimiter); number != tt.number || info != tt.info {
			t.Errorf("%q at %q: %q and %q, want %q and %q", tt.dialled, tt.delimiter, number, info, tt.number, tt.info)
		}
	}
}
