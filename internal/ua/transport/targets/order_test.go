package targets

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"testing"
)

func targetsOf(records []srv) []string {
	var names []string
	for _, s := range records {
		names = append(names, s.target)
	}
	return names
}

func TestSRVOrder(t *testing.T) {
	records := []srv{
		{20, 0, 5060, "backup.example"},
		{10, 60, 5060, "a.example"}, {10, 20, 5060, "b.example"}, {10, 20, 5060, "c.example"}, {10, 0, 5060, "zero.example"},
		{10, 60, 5060, "a.example"}, // twice
	}
	const fleet = 20000
	first := make(map[string]int)
	for seed := range uint64(fleet) {
		got := targetsOf(orderSRV(records, seed+1))
		if len(got) != 5 || got[4] != "backup.example" {
			t.Fatalf("got %v, want four by weight and the one of lower priority last", got)
		}
		if again := targetsOf(orderSRV(records, seed+1)); !slices.Equal(again, got) {
			t.Fatalf("a device changes its mind: %v, then %v", got, again)
		}
		first[got[0]]++
	}
	for name, share := range map[string]float64{"a.example": 0.6, "b.example": 0.2, "c.example": 0.2, "zero.example": 0} {
		if got := float64(first[name]) / fleet; math.Abs(got-share) > 0.02 {
			t.Errorf("%s is first for %.1f %% of the devices, want %.0f %%", name, 100*got, 100*share)
		}
	}
}

func TestSRVOrderDoesNotHangOnTheOtherRecords(t *testing.T) {
	moved := 0
	for seed := range uint64(1000) {
		all := []srv{{1, 1, 5060, "a.example"}, {1, 1, 5060, "b.example"}, {1, 1, 5060, "c.example"}}
		before := orderSRV(all, seed)[0].target
		after := orderSRV(all[:2], seed)[0].target // c goes
		if before != "c.example" && before != after {
			moved++
		}
	}
	if moved > 0 {
		t.Errorf("%d of 1000 devices left a server that was not the one that went", moved)
	}
}

func TestNAPTROrder(t *testing.T) {
	var all []naptr
	for i := range 10 {
		all = append(all, naptr{order: uint16(10 - i/2), preference: uint16(i % 2), service: "sip+d2u", replacement: fmt.Sprint(i)})
	}
	all = append(all, naptr{service: "sip+d2t", replacement: "tcp"})
	var got []string
	for _, n := range chooseNAPTR(all, "sip+d2u") {
		got = append(got, n.replacement)
	}
	if want := []string{"8", "9", "6", "7"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestAddressOrder(t *testing.T) {
	const v4, other4, v6, local6 = "192.0.2.1", "192.0.2.2", "2001:db8::1", "fd00::1"
	for _, c := range []struct {
		name    string
		sources map[string]string
		want    []string
	}{
		{"both, global", map[string]string{v4: "10.0.0.1", other4: "10.0.0.1", v6: "2001:db8::9", local6: "fd00::9"}, []string{v6, v4, other4, local6}},
		{"IPv6 in this house only", map[string]string{v4: "10.0.0.1", other4: "10.0.0.1", v6: "fd00::9", local6: "fd00::9"}, []string{v4, other4, v6, local6}},
		{"no IPv6", map[string]string{v4: "10.0.0.1", other4: "10.0.0.1"}, []string{v4, other4, v6, local6}},
		{"no IPv4", map[string]string{v6: "2001:db8::9"}, []string{v6, v4, local6, other4}},
		{"nothing", nil, []string{v4, v6, local6, other4}},
	} {
		r := New(Config{})
		r.source = func(to netip.Addr) (netip.Addr, bool) {
			s, ok := c.sources[to.String()]
			if !ok {
				return netip.Addr{}, false
			}
			return netip.MustParseAddr(s), true
		}
		var in []netip.Addr
		for _, s := range []string{v4, v6, v4, local6, other4} {
			in = append(in, netip.MustParseAddr(s))
		}
		var got []string
		for _, a := range r.orderAddrs(in) {
			got = append(got, a.String())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}
