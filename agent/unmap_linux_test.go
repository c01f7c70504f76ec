package agent

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// mapped is how many kB of files this process maps now (proc_pid_status(5)).
func mapped(t *testing.T) (kb int) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "RssFile:")
	if _, err := fmt.Sscan(rest, &kb); err != nil {
		t.Fatal(err)
	}
	return kb
}

func TestLetGo(t *testing.T) {
	before := mapped(t)
	letGo()
	if after := mapped(t); after >= before {
		t.Errorf("%d kB of the program are mapped, %d before", after, before)
	}
}

// Nothing but the program's own pages, and none that may have been written to.
func TestOwnPages(t *testing.T) {
	for _, tt := range []struct {
		line string
		want string
	}{
		{"00400000-00bbc000 r-xp 00000000 fe:00 10264615                           /usr/bin/tipring", "400000-bbc000"},
		{"00bbc000-012d3000 r--p 007bc000 fe:00 10264615                           /usr/bin/tipring", "bbc000-12d3000"},
		{"012d3000-01327000 rw-p 00ed3000 fe:00 10264615                           /usr/bin/tipring", ""},
		{"00bbc000-012d3000 r--s 007bc000 fe:00 10264615                           /usr/bin/tipring", ""},
		{"7f0000000000-7f0000021000 r-xp 00000000 fe:00 1                          /lib/libc.so", ""},
		{"c000000000-c000400000 rw-p 00000000 00:00 0 ", ""},
		{"zz-bbc000 r-xp 00000000 fe:00 10264615 /usr/bin/tipring", ""},
		{"00bbc000-00400000 r-xp 00000000 fe:00 10264615 /usr/bin/tipring", ""},
		{"", ""},
	} {
		got := ""
		if from, to, ok := ownPages(tt.line, "/usr/bin/tipring"); ok {
			got = fmt.Sprintf("%x-%x", from, to)
		}
		if got != tt.want {
			t.Errorf("%q: %q, want %q", tt.line, got, tt.want)
		}
	}
}
