package faxlab

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tipring/tools/peers/faxcard"
	"tipring/tools/peers/faxend"
)

// Told is what the agent tells of a port's calls.
func (l *Lab) Told(n int) string {
	var text []string
	for _, c := range l.Agent.Calls() {
		if c.Port == n && c.Quality != nil {
			text = append(text, fmt.Sprintf("call %s %s: %+v", c.ID, c.Codec, *c.Quality))
		}
	}
	return strings.Join(append(text, l.Agent.LogLines(fmt.Sprintf("port=%d ", n), "fax")...), "\n")
}

// Arrived holds a fax that the port's machine sent against its document; transport "" is
// either.
func (l *Lab) Arrived(t *testing.T, m Mode, transport string, sent faxcard.Result, f *faxend.Fax, d Document) {
	t.Helper()
	received, err := f.Wait(time.Minute)
	if err != nil {
		t.Error(err)
		return
	}
	m.Holds(t, "the machine sent", sent.Result, len(d.Pages))
	m.Holds(t, "the far end received", received.Result, len(d.Pages))
	if transport != "" && received.Transport != transport {
		t.Errorf("the fax went by %q, want %s", received.Transport, transport)
	}
	if fault := d.Differs(f.Received(received.Transport)); fault != "" {
		t.Errorf("at the far end: %s", fault)
	}
	if t.Failed() {
		t.Logf("the far end was called\n%s\n%+v", f.Story(), received)
	}
}

// Came holds a fax that the port's machine received against its document.
func (l *Lab) Came(t *testing.T, m Mode, transport string, came faxcard.Result, f *faxend.Fax, d Document, got string) {
	t.Helper()
	went, err := f.Wait(time.Minute)
	if err != nil {
		t.Error(err)
		return
	}
	m.Holds(t, "the machine received", came.Result, len(d.Pages))
	m.Holds(t, "the far end sent", went.Result, len(d.Pages))
	if transport != "" && went.Transport != transport {
		t.Errorf("the fax came by %q, want %s", went.Transport, transport)
	}
	if fault := d.Differs(got); fault != "" {
		t.Errorf("at the machine: %s", fault)
	}
	if t.Failed() {
		t.Logf("the far end called\n%s\n%+v", f.Story(), went)
	}
}
