package faxspool

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/faxcard"
	"tipring/tools/peers/faxlab"
	"tipring/tools/peers/kamailio"
)

// TestMailbox has the machine of a relay port at one agent send a page to the mailbox of
// another one, by T.38, and receive one that is sent from there, in each mode.
func TestMailbox(t *testing.T) {
	t.Parallel()
	l := faxlab.New(t, len(faxlab.Modes), nil)
	l.Run(len(faxlab.Modes))
	config := agent.Base(500)
	for n := range faxlab.Modes {
		line, port, user := fmt.Sprintf("sip%d", n+1), fmt.Sprintf("port%d", n+1), fmt.Sprint(2001+n)
		config.
			Set(line, "username", user).Set(line, "auth_password", kamailio.Password(user)).
			Set(line, "register_addr", l.Server.Addr).Set(line, "codecs", "pcmu").
			Set(port, "kind", "fax").Set(port, "driver", "none").Set(port, "line", n+1).Set(port, "csid", user)
	}
	box := agent.Start(t, l.Lan.Host("mailbox", 11), config)
	for n := range faxlab.Modes {
		box.WaitRegistered(20*time.Second, n+1, "primary")
	}
	t.Run("calls", func(t *testing.T) {
		for i, m := range faxlab.Modes {
			t.Run(m.String(), func(t *testing.T) {
				t.Parallel()
				withMailbox(t, l, box, i+1, m)
			})
		}
	})
	l.WellFormed()
}

func withMailbox(t *testing.T, l *faxlab.Lab, box *agent.Agent, n int, m faxlab.Mode) {
	t.Helper()
	number := fmt.Sprint(2000 + n)
	there, back := faxlab.NewDocument(t, 1, 700, uint64(n)), faxlab.NewDocument(t, 1, 700, uint64(100+n))
	got := filepath.Join(t.TempDir(), "got.tif")
	c := l.Card(t, n,
		faxcard.Send(there.File, number+"#", m.Options("--ident", faxlab.User(n), "--log", "1")...),
		faxcard.Receive(got, m.Options("--ident", faxlab.User(n), "--log", "1")...),
	)
	sent := c.Wait(faxlab.Patience, 1)
	m.Holds(t, "the machine sent", sent.Result, 1)
	if sent.RemoteIdent != number {
		t.Errorf("the mailbox calls itself %q, want %s", sent.RemoteIdent, number)
	}
	f := faxlab.WaitFax(t, box, 20*time.Second, faxlab.OnPort(n, "in"), "received", "failed")
	if f.State != "received" || f.Transport == nil || *f.Transport != "t38" {
		t.Errorf("the mailbox has %v", f)
	} else if fault := there.Differs(faxlab.Save(t, box, f.ID)); fault != "" {
		t.Errorf("in the mailbox: %s", fault)
	}
	l.Agent.WaitPort(20*time.Second, n, "idle")

	id := faxlab.SendDocument(t, box, n, faxlab.User(n), back.File)
	came := c.Wait(faxlab.Patience, 2)
	m.Holds(t, "the machine received", came.Result, 1)
	f = faxlab.WaitFax(t, box, 20*time.Second, func(f faxlab.Fax) bool { return f.ID == id }, "sent", "failed")
	if f.State != "sent" || f.Transport == nil || *f.Transport != "t38" {
		t.Errorf("the mailbox tells %v", f)
	}
	// A document gets a header line: the text below it is the same.
	if fault := back.DiffersBelow(got); fault != "" {
		t.Errorf("at the machine: %s", fault)
	}
	if t.Failed() {
		t.Logf("the machine: %s", c.Log())
	}
}
