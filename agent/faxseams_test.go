package agent

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"tipring/agent/call"
	"tipring/agent/fax"
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
	m.send("600#", sheet(t).Name())
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
	device := spoolDevice(path)
	r := startIn(t, dir, strings.Replace(device, "kind = fax\n", "", 1))
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
	r.reload(device)
	m.tick()
	for m.ended == nil {
		m.tick()
	}
	m = newMachine(r, path)
	m.answer = t30.Config{Sink: &box, ECM: true, Ident: "222"}
	m.run("the fax is delivered", func() bool { return m.faxes == 1 })
	if m.result.Code != t30.OK || box.pages != 1 || m.result.Peer.Ident != "700" {
		t.Errorf("the machine says %v, of %d pages from %q", m.result.Code, box.pages, m.result.Peer.Ident)
	}
	r.until("the record says so", func() bool { x, _ := r.fax.store.Get(stored.ID); return x.State == spool.Received })
}

// A machine is told who sent the fax, and not the name of its own port, as far as that can be said.
func TestIdentificationsThatCanBeSaid(t *testing.T) {
	for ident, want := range map[string]string{"+1 555 0100": "+1 555 0100", " 42 ": "42", "ACME GmbH": "", "ACME 2": "2", "": "", "012345678901234567890123": "01234567890123456789"} {
		if got := sayable(ident); got != want {
			t.Errorf("%q: %q, want %q", ident, got, want)
		}
	}
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

// Each key of [fax], and each of [portN] about faxes, is that of calls.
func TestFaxKeysAreThoseOfCalls(t *testing.T) {
	usual := call.FaxPort{
		Mode: "relay", CallAhead: "dynamic", TimeoutS: 20,
		Settings: fax.Settings{
			T38: true, MaxRate: 14400, ECM: true, Control: 5, Image: -1, EC: "redundancy", MaxDatagram: 400, Reinvite: "callee",
			CNG: true, CED: true, Preamble: true,
		},
	}
	device := base + "[sip1]\nusername = 1\nproxy_addr = 127.0.0.1\n[port1]\nkind = fax\ndriver = none\n[fax]\n"
	for change, set := range map[string]func(p *call.FaxPort){
		"[fax]\nt38 = 0":                    func(p *call.FaxPort) { p.Settings.T38 = false },
		"[fax]\nmax_rate = 9600":            func(p *call.FaxPort) { p.Settings.MaxRate = 9600 },
		"[fax]\necm = 0":                    func(p *call.FaxPort) { p.Settings.ECM = false },
		"[fax]\nredundancy_control = 2":     func(p *call.FaxPort) { p.Settings.Control = 2 },
		"[fax]\nredundancy_image = 3":       func(p *call.FaxPort) { p.Settings.Image = 3 },
		"[fax]\nt38_ec = fec":               func(p *call.FaxPort) { p.Settings.EC = "fec" },
		"[fax]\nt38_max_datagram = 72":      func(p *call.FaxPort) { p.Settings.MaxDatagram = 72 },
		"[fax]\nt38_reinvite = never":       func(p *call.FaxPort) { p.Settings.Reinvite = "never" },
		"[fax]\nt38_first = 1":              func(p *call.FaxPort) { p.Settings.First = true },
		"[fax]\ndetect_cng = 0":             func(p *call.FaxPort) { p.Settings.CNG = false },
		"[fax]\ndetect_ced = 0":             func(p *call.FaxPort) { p.Settings.CED = false },
		"[fax]\ndetect_preamble = 0":        func(p *call.FaxPort) { p.Settings.Preamble = false },
		"[fax]\ncdr_delimiter = **":         func(p *call.FaxPort) { p.Delimiter = "**" },
		"[port1]\nfax_mode = spool":         func(p *call.FaxPort) { p.Mode = "spool" },
		"[port1]\ncsid = 555":               func(p *call.FaxPort) { p.CSID = "555" },
		"[port1]\ncall_ahead = never":       func(p *call.FaxPort) { p.CallAhead = "never" },
		"[port1]\ncall_ahead_bridge = 1":    func(p *call.FaxPort) { p.Bridge = true },
		"[port1]\ncall_ahead_timeout_s = 9": func(p *call.FaxPort) { p.TimeoutS = 9 },
		"[port1]\nani = 556":                func(*call.FaxPort) {}, // asked for by each call
		"[fax]\nretries = 5":                func(*call.FaxPort) {}, // the queue's
	} {
		want := usual
		set(&want)
		r := start(t, edit(device, change))
		if got := r.faxPort(*r.config().Port(1)); got == nil || *got != want {
			t.Errorf("%q: %+v\nwant %+v", change, got, want)
		}
	}
}

// A change of a fax port's settings leaves the fax alone that a machine is sending, and is in
// force for the next one.
func TestFaxKeysChangeInAFax(t *testing.T) {
	for _, change := range []string{"[port1]\ncsid = 777", "[port1]\nani = 777", "[port1]\ncall_ahead_timeout_s = 7", "[port1]\ncall_ahead_bridge = 1", "[fax]\necm = 0", "[fax]\nmax_rate = 4800", "[port1]\nfax_mode = relay"} {
		t.Run(change, func(t *testing.T) {
			path := socketPath(t)
			text := edit(spoolDevice(path), "[port1]\ncsid = 555") + "[fax]\n"
			r := start(t, text)
			m := newMachine(r, path)
			m.send("600#", sheet(t).Name())
			m.run("the fax is on its way", func() bool { return r.port(1).port.Snapshot().Fax.State == "receiving" })
			r.reload(edit(text, change))
			m.run("the fax is over", func() bool { return m.faxes == 1 })
			if m.result.Code != t30.OK || m.result.Peer.Ident != "555" || !m.result.ECM {
				t.Errorf("%+v", m.result)
			}
			for m.ended == nil && r.waits() != "[]" {
				m.tick()
			}
			r.until("the change is in force", func() bool {
				u := r.port(1)
				return r.waits() == "[]" && u.port != nil && reflect.DeepEqual(u.cfg, *r.config().Port(1)) && u.made.Fax().Mode == u.cfg.FaxMode
			})
			x := (faxes{r.Agent}).Faxes()
			if len(x) != 1 || x[0].PageCount == nil || *x[0].PageCount != 1 {
				t.Errorf("%+v", x)
			}
		})
	}
}

// Settings of a fax that change while the machine is at rest are in force for its next fax, and
// leave its line card connected.
func TestFaxKeysLeaveTheCardConnected(t *testing.T) {
	path := socketPath(t)
	text := edit(spoolDevice(path), "[port1]\ncsid = 555") + "[fax]\n"
	r := start(t, text)
	m := newMachine(r, path)
	m.run("the card is there", func() bool { return r.port(1).port.Snapshot().Card })
	port := r.port(1).port
	text = edit(edit(edit(text, "[fax]\necm = 0"), "[fax]\nmax_rate = 4800"), "[port1]\ncsid = 777")
	r.reload(edit(text, "[port1]\ncall_ahead_timeout_s = 7"))
	m.run("the change is in force", func() bool { return r.waits() == "[]" && r.config().Fax.MaxRate == 4800 })
	if u := r.port(1); u.port != port || u.cfg.CSID != "777" || m.ended != nil {
		t.Errorf("the port is another one: %v, its csid %s, its card: %v", u.port != port, u.cfg.CSID, m.ended)
	}
	m.send("600#", sheet(t).Name())
	m.run("the fax is over", func() bool { return m.faxes == 1 })
	if x := m.result; x.Code != t30.OK || x.Peer.Ident != "777" || x.ECM || x.BitRate != 4800 || m.ended != nil {
		t.Errorf("%+v, %v", x, m.ended)
	}
}
