package agent

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tipring/etc"
	"tipring/lines"
	"tipring/lines/fxs"
	"tipring/lines/fxs/sim"
	"tipring/webui/api"
)

// plug connects a telephone to a port's socket.
func (r *rig) plug(path string) *sim.Phone {
	r.t.Helper()
	us, err := fxs.LoadCountry(etc.Tones, "us")
	if err != nil {
		r.t.Fatal(err)
	}
	var p *sim.Phone
	r.until("telephone plugged in", func() bool {
		p, err = sim.Connect(context.Background(), sim.Options{Address: "unix:" + path, Country: us})
		return err == nil
	})
	r.t.Cleanup(func() { _ = p.Close() })
	return p
}

// socketPath is a name that is short enough for a socket.
func socketPath(t *testing.T) string {
	dir, err := os.MkdirTemp("", "tipring")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "p1.sock")
}

func (r *rig) reload(text string) {
	r.t.Helper()
	r.write(text)
	if err := r.Reload(); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) logged(parts ...string) bool {
	for line := range strings.Lines(r.log.String()) {
		all := true
		for _, p := range parts {
			all = all && strings.Contains(line, p)
		}
		if all {
			return true
		}
	}
	return false
}

func (r *rig) waits() string { return fmt.Sprint((device{r.Agent}).Status().Waiting) }

// Whoever has lifted the handset keeps the dial tone: what differs waits until the port is
// on-hook, and is told as waiting, not as changed.
func TestReloadWaitsForATelephoneThatIsOffHook(t *testing.T) {
	const (
		port      = "port 1 to be on-hook"
		threeOnes = "[{port1 " + port + "} {sip " + port + "} {sip1 " + port + "}]"
	)
	server := newRegistry(t)
	for _, tt := range []struct{ name, change, waits string }{
		{"port", "[port1]\ndial_plan = (x.)", "[{port1 " + port + "}]"},
		{"line", "[sip1]\ndisplay_name = x", "[{sip1 " + port + "}]"},
		{"what the port takes from its line", "[sip1]\ndtmf_type = info", "[{sip1 " + port + "}]"},
		{"all lines", "[sip]\nt1_ms = 400", "[{sip " + port + "}]"},
		{"country", "[device]\ncountry = gb", "[{device " + port + "}]"},
		{"all of it", "[sip]\nt1_ms = 400\n[sip1]\ndisplay_name = x\n[port1]\ndial_plan = (x.)", threeOnes},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := socketPath(t)
			text := "[device]\n" + base + line(1, server.port) + "[port1]\ndriver = unix:" + path + "\n"
			r := start(t, text)
			r.until("registered", func() bool { return r.registered(1) })
			p := r.plug(path)
			if err := p.OffHook(); err != nil {
				t.Fatal(err)
			}
			r.until("dial tone", func() bool { return r.port(1).show().State == "dialling" })
			before, account := r.port(1), r.unit(1)

			r.reload(merge(text, tt.change))
			if got := r.waits(); got != tt.waits {
				t.Errorf("waiting: %s, want %s", got, tt.waits)
			}
			if r.port(1) != before || r.unit(1) != account || r.port(1).show().State != "dialling" {
				t.Fatal("the port was taken from under the telephone")
			}
			if r.logged("configuration changed") || !r.logged("configuration change waits", `waiting_for="`+port+`"`) {
				t.Errorf("logged as changed while it waits:\n%s", r.log)
			}
			if err := (device{r.Agent}).Ready(); err != nil {
				t.Errorf("not ready while a change waits: %v", err)
			}
			if err := p.Dial("2"); err != nil {
				t.Fatalf("the telephone cannot dial on: %v", err)
			}

			if err := p.HangUp(); err != nil && !strings.Contains(err.Error(), "gone") && !strings.Contains(err.Error(), "EOF") {
				t.Logf("hung up: %v", err)
			}
			r.until("everything in force", func() bool {
				return r.waits() == "[]" && r.logged("configuration changed") && r.registered(1)
			})
		})
	}
}

// Another number to show is nothing that a port has to end for: its line card stays, the
// telephone dials on, and the next call shows it.
func TestNumberChangesUnderATelephone(t *testing.T) {
	server := newRegistry(t)
	path := socketPath(t)
	text := base + line(1, server.port) + "[port1]\nani = 5551111\ndriver = unix:" + path + "\n"
	r := start(t, text)
	r.until("registered", func() bool { return r.registered(1) })
	p := r.plug(path)
	for i, number := range []string{"5551111", "5552222", ""} {
		if err := p.OffHook(); err != nil {
			t.Fatal(err)
		}
		r.until("dial tone", func() bool { return r.port(1).show().State == "dialling" })
		before := r.port(1).port
		r.reload(strings.Replace(text, "5551111", number, 1))
		if r.waits() != "[]" || r.port(1).port != before || r.port(1).cfg.ANI != number || i > 0 && !r.logged("configuration changed", "section=port1", "ani") {
			t.Errorf("waiting %s, number %q; want %q and nothing to wait for", r.waits(), r.port(1).cfg.ANI, number)
		}
		if err := p.Dial("600#"); err != nil {
			t.Fatalf("the telephone cannot dial on: %v", err)
		}
		r.until("called", func() bool { return len(server.called()) == i+1 })
		if err := p.HangUp(); err != nil {
			t.Fatalf("the line card was closed: %v", err)
		}
		r.until("on-hook", func() bool { return r.port(1).show().State == "idle" })
	}
	if got := fmt.Sprintf("%q", server.called()); got != `["5551111" "5552222" "1001"]` {
		t.Errorf("called by %s", got)
	}
}

// What is known about the mailbox of a line reaches a port that is made anew, and that no
// message waits is told as well.
func TestAPortThatIsMadeAnewHasItsLamp(t *testing.T) {
	path := socketPath(t)
	text := base + line(1, 9) + "[port1]\nno_digit_s = 20\ndriver = unix:" + path + "\n"
	r := start(t, text)
	p := r.plug(path)
	lamp := func(want bool) {
		t.Helper()
		r.until(fmt.Sprint("lamp ", want), func() bool { return p.Status().Lamp == want })
	}
	r.messages(1, lines.Summary{Waiting: true})
	lamp(true)
	r.reload(strings.Replace(text, "= 20", "= 30", 1))
	p = r.plug(path)
	lamp(true)
	r.messages(1, lines.Summary{})
	lamp(false)
}

// merge puts settings at the head of the sections of an ini text.
func merge(text, change string) string {
	section := ""
	for l := range strings.Lines(change + "\n") {
		if strings.HasPrefix(l, "[") {
			section = l
			continue
		}
		text = strings.Replace(text, section, section+l, 1)
	}
	return text
}

// A handset that was forgotten off-hook, and howls, keeps its port but not the lines.
func TestAParkedTelephoneKeepsOnlyItsPort(t *testing.T) {
	server := newRegistry(t)
	path := socketPath(t)
	text := base + line(1, server.port) + "[port1]\ndial_plan = (11)\ndriver = unix:" + path + "\n"
	r := start(t, text)
	r.until("registered", func() bool { return r.registered(1) })
	p := r.plug(path)
	if err := p.OffHook(); err != nil {
		t.Fatal(err)
	}
	if err := p.Dial("9"); err != nil {
		t.Fatal(err)
	}
	r.until("reorder tone", func() bool { return r.port(1).show().State == "parked" })
	account := r.unit(1)
	r.reload(merge(text, "[sip1]\ndisplay_name = x\n[port1]\ndriver_token = x"))
	if got, want := r.waits(), "[{port1 port 1 to be on-hook}]"; got != want || r.unit(1) == account {
		t.Errorf("waiting: %s, want %s; line made anew: %v", got, want, r.unit(1) != account)
	}
	if !r.logged("configuration changed", "section=sip1", "display_name") || r.logged("configuration changed", "section=port1") {
		t.Errorf("logged:\n%s", r.log)
	}
}

func TestAChangeThatIsWithdrawnIsForgotten(t *testing.T) {
	server := newRegistry(t)
	path := socketPath(t)
	text := base + line(1, server.port) + "[port1]\ndriver = unix:" + path + "\n"
	r := start(t, text)
	r.until("registered", func() bool { return r.registered(1) })
	p := r.plug(path)
	if err := p.OffHook(); err != nil {
		t.Fatal(err)
	}
	r.until("dial tone", func() bool { return r.port(1).show().State == "dialling" })
	r.reload(merge(text, "[port1]\ndial_plan = (x.)"))
	r.reload(merge(text, "[port1]\ndial_plan = (x.)\ncsid = 7"))
	if !r.logged("configuration change waits", "section=port1", "dial_plan") {
		t.Errorf("logged:\n%s", r.log)
	}
	r.reload(text)
	if got := r.waits(); got != "[]" || !r.logged("withdrawn", "section=port1") || r.logged("configuration changed") {
		t.Errorf("waiting: %s; logged:\n%s", got, r.log)
	}
}

// What a process takes over only when it starts says so.
func TestWhatOnlyAStartTakesOver(t *testing.T) {
	r := start(t, "[device]\n"+base)
	r.reload("[device]\nlog_format = json\nlog_level = debug\n" + base)
	r.until("the log's format waits", func() bool { return r.waits() == "[{device the next start (Log format)}]" })
	if !r.log.enabledDebug(r.Agent) {
		t.Error("the log level waits too")
	}
	r.reload("[device]\n" + base)
	if got := r.waits(); got != "[]" {
		t.Errorf("waiting: %s", got)
	}
}

func (s *syncBuffer) enabledDebug(a *Agent) bool { return a.log.Enabled(context.Background(), -4) }

// The RTP ports and the address of [sip] are those of the telephone ports too.
func TestNewRTPPortsReachThePorts(t *testing.T) {
	server := newRegistry(t)
	text := base + line(1, server.port) + "[port1]\ndriver = sim\n"
	r := start(t, text)
	r.until("registered", func() bool { return r.registered(1) })
	pool, port := r.rtp.Load(), r.port(1)
	r.reload(merge(text, "[sip]\nrtp_port_min = 40000\nrtp_port_max = 40001"))
	r.until("registered again", func() bool { return r.registered(1) })
	pair, err := r.rtp.Load().Listen(r.config().SIP.Bind, "")
	if err != nil {
		t.Fatal(err)
	}
	defer pair.Close()
	if r.rtp.Load() == pool || r.port(1) == port || r.port(1).rtp != r.rtp.Load() {
		t.Error("the port goes on with the old RTP ports")
	}
	if pair.RTP.Local().Port() != 40000 {
		t.Errorf("RTP at %v", pair.RTP.Local())
	}
}

// A change of [sip] is in force once its ports are open, and not before.
func TestNewSIPPortsThatAreTaken(t *testing.T) {
	server := newRegistry(t) // on a port that somebody else wants to have
	text := base + line(1, server.port)
	r := start(t, text)
	r.until("registered", func() bool { return r.registered(1) })
	r.reload(strings.Replace(text, "udp_port = 0", fmt.Sprintf("udp_port = %d", server.port), 1))
	r.until("the port is found taken", func() bool { return r.logged("SIP ports not opened") })
	if got, want := r.waits(), "[{sip its ports to be opened}]"; got != want || r.logged("configuration changed") {
		t.Errorf("waiting: %s, want %s; logged:\n%s", got, want, r.log)
	}
	r.reload(strings.Replace(text, "[sip]", "[sip]\nt1_ms = 400", 1))
	r.until("another port is open", func() bool {
		return r.registered(1) && r.waits() == "[]" && r.logged("configuration changed", "section=sip", "t1_ms")
	})
}

func TestAFileThatIsGoneLeavesTheOldConfiguration(t *testing.T) {
	server := newRegistry(t)
	r := start(t, base+line(1, server.port))
	r.until("registered", func() bool { return r.registered(1) })
	if err := os.Remove(r.file); err != nil {
		t.Fatal(err)
	}
	if err := r.Reload(); err == nil {
		t.Error("a file that is not there was read")
	}
	if f := (device{r.Agent}).Status().Faults; len(f) != 1 || !strings.Contains(f[0], r.file) || !r.registered(1) {
		t.Errorf("faults %q, registered %v", f, r.registered(1))
	}
}

// A MAC address that nobody knows is no address, not one of zeros.
func TestWhatIsNotKnownIsAbsent(t *testing.T) {
	r := start(t, base)
	id := *r.ident.Load()
	id.MAC, id.MACSource, id.Serial = [6]byte{}, "", ""
	r.ident.Store(&id)
	if got, want := (device{r.Agent}).Status().Device, (api.Names{}); got != want {
		t.Errorf("names %+v, want none", got)
	}
}
