package transport

import (
	"errors"
	"net/netip"
	"testing"
	"time"
)

func TestHealth(t *testing.T) {
	h := NewHealth()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	at := func(s int) time.Time { return now.Add(time.Duration(s) * time.Second) }
	server := Target{Addr: netip.MustParseAddrPort("192.0.2.1:5060"), Name: "pbx.example"}
	same := Target{Addr: netip.MustParseAddrPort("[::ffff:192.0.2.1]:5060"), Name: "sip.example"}
	var told []bool
	cancel := h.Subscribe(func(got Target) {
		if got != server.Normal() {
			t.Errorf("told of %v, want %v", got, server.Normal())
		}
		down, _, _ := h.State(got)
		told = append(told, down)
	})
	check := func(step string, down bool, since time.Time, cause error) {
		t.Helper()
		gotDown, gotSince, gotCause := h.State(same)
		if gotDown != down || !gotSince.Equal(since) || gotCause != cause {
			t.Errorf("%s: got %v since %v, %v; want %v since %v, %v", step, gotDown, gotSince, gotCause, down, since, cause)
		}
	}
	refused, silent := errors.New("refused"), errors.New("silent")
	check("never heard of", false, time.Time{}, nil)
	h.Up(server, at(1))
	check("up", false, at(1), nil)
	h.Down(server, refused, at(2))
	check("down", true, at(2), refused)
	h.Down(server, silent, at(3))
	check("still down, for another cause", true, at(2), silent)
	h.Up(same, at(4))
	check("up again", false, at(4), nil)
	if len(told) != 2 || !told[0] || told[1] {
		t.Errorf("told %v, want down, then up", told)
	}
	cancel()
	h.Down(server, refused, at(5))
	if len(told) != 2 {
		t.Error("told after cancel")
	}
	tls := server
	tls.Proto = TLS
	if down, _, _ := h.State(tls); down {
		t.Error("TLS is down with UDP; want each by itself")
	}
}

func TestHealthIsBounded(t *testing.T) {
	h := NewHealth()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	target := func(i int) Target {
		return Target{Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 5060)}
	}
	h.Down(target(0), errors.New("x"), now)
	for i := 1; i <= 3*maxHealth; i++ {
		h.Up(target(i), now.Add(time.Duration(i)*time.Second))
	}
	if len(h.targets) != maxHealth {
		t.Errorf("remembers %d, want %d", len(h.targets), maxHealth)
	}
	if down, _, _ := h.State(target(0)); !down {
		t.Error("the one that is down was forgotten before those that are up")
	}
}
