package main

import "testing"

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
