package agent

import (
	"errors"
	"strings"
	"testing"

	"tipring/webui/api"
)

// The line of the port is switched off, refused, or not there: an emergency goes over another, and
// whoever is called back there rings although no port is that line's, or another one is.
func TestEmergencyOverAnotherLine(t *testing.T) {
	t.Parallel()
	for _, own := range []string{"enabled = 0\n", "username = banned\n", "enabled = 0\n[port2]\ndriver = none\nkind = fax\nline = 1\n"} {
		r := telephoned(t, "", "line = 3\ndial_plan = (E:112|x.)\n[sip3]\nregister_addr = 127.0.0.1\nkeepalive = none\n"+own)
		if err := r.phone.OffHook(); err != nil {
			t.Fatal(err)
		}
		if err := r.phone.Dial("112"); err != nil {
			t.Fatal(err)
		}
		r.until("the emergency at the server", func() bool { from, to := r.server.lastCall(); return from == "1001" && to == "112" })
		if err := r.phone.HangUp(); err != nil {
			t.Fatal(err)
		}
		r.until("call over", func() bool { return r.Agent.calls.count() == 0 && r.port(1).show().State == "idle" })
		if c := r.ring("<sip:112@127.0.0.1>", "", "180"); c.statuses[len(c.statuses)-1] != "487" {
			t.Errorf("%s: who calls back gets %v", own, c.statuses)
		}
	}
}

// While the device drains an emergency is called all the same, by a program too, and who was called
// can call back; nobody else can.
func TestEmergencyWhileTheDeviceDrains(t *testing.T) {
	t.Parallel()
	r := telephoned(t, "", "dial_plan = (E:112|x.)\n")
	if err := r.Drain(false); err != nil {
		t.Fatal(err)
	}
	d := device{r.Agent}
	if _, err := d.Call(t.Context(), 1, "600"); !errors.Is(err, api.ErrUnavailable) {
		t.Errorf("another number: %v", err)
	}
	if c := r.ring(friend, "", "180"); c.statuses[len(c.statuses)-1] != "480" {
		t.Errorf("before: %v", c.statuses)
	}
	if _, err := d.Call(t.Context(), 1, "(1) 1-2"); err != nil {
		t.Fatal(err)
	}
	r.until("the emergency at the server", func() bool { _, to := r.server.lastCall(); return to == "112" })
	r.until("call over", func() bool { return r.Agent.calls.count() == 0 && r.port(1).show().State == "idle" })
	if c := r.ring(friend, "", "180"); c.statuses[len(c.statuses)-1] != "487" {
		t.Errorf("who calls back gets %v", c.statuses)
	}
}

// Who was called in an emergency can call back although nobody is to be disturbed, also when the
// line was made anew by a change of its settings meanwhile.
func TestEmergencyCallbackAfterAReload(t *testing.T) {
	t.Parallel()
	r := telephoned(t, "enable_dnd = 1\n", "dial_plan = (E:112|x.)\n")
	reloaded := func(name string) {
		t.Helper()
		before := r.unit(1)
		r.reload(strings.Replace(r.text(), "enable_dnd = 1\n", "enable_dnd = 1\ndisplay_name = "+name+"\n", 1))
		r.until("registered anew", func() bool { return r.unit(1) != before && r.registered(1) })
	}
	if c := r.ring(friend, "", "180"); c.statuses[len(c.statuses)-1] != "486" {
		t.Errorf("before: %v", c.statuses)
	}
	if err := errors.Join(r.phone.OffHook(), r.phone.Dial("112")); err != nil {
		t.Fatal(err)
	}
	r.until("the emergency at the server", func() bool { _, to := r.server.lastCall(); return to == "112" })
	if err := r.phone.HangUp(); err != nil {
		t.Fatal(err)
	}
	r.until("call over", func() bool { return r.Agent.calls.count() == 0 && r.port(1).show().State == "idle" })
	reloaded("Ann")
	if c := r.ring(friend, "", "180"); c.statuses[len(c.statuses)-1] != "487" {
		t.Errorf("who calls back gets %v", c.statuses)
	}
}

// Each port has emergency numbers of its own, without a dial plan those of the country. Asking
// for them reads no plan.
func TestEmergencyNumbersOfPorts(t *testing.T) {
	r := start(t, base+line(1, 1)+"[port1]\ndriver = none\nkind = fax\n[port2]\ndriver = none\nkind = fax\ndial_plan = (E:<9:>112|x.)\n")
	r.until("ports are there", func() bool { return r.port(1) != nil && r.port(2) != nil && r.port(2).plan != nil })
	for port, want := range map[int]map[string]bool{
		1: {"911": true, "112": false},
		2: {"911": false, "112": true, "9112": true},
		3: {"911": false},
	} {
		for number, is := range want {
			if r.isEmergency(port, number) != is {
				t.Errorf("port %d: %s: %v", port, number, !is)
			}
			if n := testing.AllocsPerRun(10, func() { r.isEmergency(port, number) }); n > 20 {
				t.Errorf("port %d: %s: %v allocations", port, number, n)
			}
		}
	}
}
