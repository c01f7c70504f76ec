package main

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// What is compared is the same page.
func TestPagesAreAlike(t *testing.T) {
	a, b, err := drawn()
	if err != nil || a != b {
		t.Errorf("%v\n%s\n%s", err, a, b)
	}
	if len(a) < 10_000 {
		t.Errorf("the page has %d octets", len(a))
	}
}

// What stands in the place of the pages is all that the agent asks of them.
func TestOtherPagesCompile(t *testing.T) {
	for _, p := range programs {
		overlay, err := overlaid("../..", filepath.Join(t.TempDir(), "pages"), p.pages)
		if err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("go", "build", "-overlay="+overlay, "tipring/agent").CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", p.name, err, out)
		}
	}
}
