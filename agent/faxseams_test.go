package agent

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tipring/t38/spool"
	"tipring/t38/t30"
)

// spoolDevice has a port whose machine's faxes are stored, and a line without a server.
func spoolDevice(path string) string {
	return base + `[sip1]
username = 1001
register_addr = 127.0.0.1
register_port = 9
keepalive = none
[port1]
kind = fax
fax_mode = spool
call_ahead = never
driver = unix:` + path + "\n"
}

// faxStore opens the stored faxes of a device that does not run.
func faxStore(t *testing.T, stateDir string) *spool.Store {
	t.Helper()
	s, _, err := spool.Open(filepath.Join(stateDir, faxesDir), spool.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// A device that is told to end finishes the fax that a machine is sending, though it has no
// call, and keeps it for the next start; the machine is told that it was taken.
func TestDrainWaitsForAMachinesFax(t *testing.T) {
	path := socketPath(t)
	r := start(t, spoolDevice(path))
	m := newMachine(r, path)
	m.send("600#", picture(t).Name())
	m.run("the fax is on its way", func() bool { return r.port(1).port.Snapshot().Fax.State == "receiving" })
	r.Stop()
	m.run("the fax is over", func() bool { return m.faxes == 1 })
	if m.result.Code != t30.OK {
		t.Errorf("the machine says %v", m.result.Code)
	}
	for m.ended == nil { // until the agent has ended
		m.tick()
	}
	<-r.done
	kept := faxStore(t, r.dir).List()
	if len(kept) != 1 || kept[0].State != spool.Queued || kept[0].PageCount != 1 || kept[0].Peer != "600" {
		t.Errorf("kept: %+v", kept)
	}
}

// What waits for a machine that is not there goes to it as soon as it is; and never to a
// telephone that has taken its place.
func TestStoredFaxGoesToItsMachine(t *testing.T) {
	path, dir := socketPath(t), t.TempDir()
	state := filepath.Join(dir, "state")
	if err := os.MkdirAll(state, 0o700); err != nil {
		t.Fatal(err)
	}
	store := faxStore(t, state)
	stored, err := store.Submit(t.Context(), picture(t), spool.Meta{Kind: spool.ToMachine, Port: 1, Line: 1, CallerID: "700"})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	fax := spoolDevice(path)
	r := startIn(t, dir, strings.Replace(fax, "kind = fax\n", "", 1))
	says := func(what string) func() bool {
		return func() bool {
			x, _ := r.fax.store.Get(stored.ID)
			return x.State == spool.Queued && x.Error == what
		}
	}
	r.until("nobody is there", says("no machine is connected to the port"))
	m := newMachine(r, path)
	var box counter
	m.answer = t30.Config{Sink: &box, ECM: true, Ident: "222"}
	m.run("a telephone is there", says("the port has a telephone, and no fax machine"))
	if m.rings {
		t.Error("the telephone rings")
	}
	r.reload(fax)
	m.tick()
	for m.ended == nil {
		m.tick()
	}
	m = newMachine(r, path)
	m.answer = t30.Config{Sink: &box, ECM: true, Ident: "222"}
	m.run("the fax is delivered", func() bool { return m.faxes == 1 })
	if m.result.Code != t30.OK || box.pages != 1 {
		t.Errorf("the machine says %v, of %d pages", m.result.Code, box.pages)
	}
	r.until("the record says so", func() bool { x, _ := r.fax.store.Get(stored.ID); return x.State == spool.Received })
}

// A counter is a Sink that counts pages.
type counter struct{ pages int }

// Open implements t30.Sink.
func (c *counter) Open(int, t30.Format) (t30.PageWriter, error) { return c, nil }

// Write implements io.Writer.
func (c *counter) Write(p []byte) (int, error) { return len(p), nil }

// Close implements t30.PageWriter.
func (c *counter) Close(bool) (t30.Copy, error) {
	c.pages++
	return t30.Copy{Rows: 1}, nil
}
