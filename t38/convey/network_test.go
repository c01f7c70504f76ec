package convey

import (
	"testing"

	"tipring/t38/udptl/netmodel"
)

// A page at 14400 bit/s of ITU chart 1's size passes networks like these, both directions
// alike: of 50 calls, so many deliver it without a changed octet.
func TestNetworks(t *testing.T) {
	fixed := func(control, image int) LinkConfig { return LinkConfig{Control: control, Image: image} }
	loss := func(percent float64) netmodel.Config { return netmodel.Config{Loss: percent / 100} }
	for _, tt := range []struct {
		name  string
		ecm   bool
		link  LinkConfig
		net   netmodel.Config
		exact int // of 50
	}{
		{"ECM, adaptive, 10 % loss", true, adaptive, loss(10), 50},
		{"ECM, adaptive, 5 % loss", true, adaptive, loss(5), 50},
		{"redundancy 3, 3 % loss", false, fixed(3, 3), loss(3), 50},
		{"redundancy 3, 5 % loss", false, fixed(3, 3), loss(5), 48},
		{"redundancy 3, 10 % loss", false, fixed(3, 3), loss(10), 43},
		{"redundancy 5, 10 % loss", false, fixed(5, 5), loss(10), 49},
		{"ECM, adaptive, bursts of 3", true, adaptive, netmodel.Config{Loss: 0.02, Burst: 3}, 50},
		{"redundancy 3, 5 % reordered, 5 % doubled", false, fixed(3, 3), netmodel.Config{Reorder: 0.05, ReorderBy: 360, Duplicate: 0.05}, 50},
		{"ECM, adaptive, 5 % reordered, 5 % doubled", true, adaptive, netmodel.Config{Reorder: 0.05, ReorderBy: 360, Duplicate: 0.05}, 50},
		{"redundancy 3, 100 ms and 60 ms of jitter", false, fixed(3, 3), netmodel.Config{Delay: 800, Jitter: 480}, 50},
		{"ECM, adaptive, 100 ms and 60 ms of jitter", true, adaptive, netmodel.Config{Delay: 800, Jitter: 480}, 50},
		{"ECM, adaptive, 500 ms", true, adaptive, netmodel.Config{Delay: 4000}, 50},
	} {
		exact := 0
		for seed := range 50 {
			c := newCall(t, tt.ecm, pages(1, 26000), both(tt.link), netmodel.New(uint64(seed), tt.net))
			if ok, same := c.run(); ok && same {
				exact++
			} else {
				t.Logf("%s, seed %d: %v", tt.name, seed, c)
			}
		}
		if exact < tt.exact {
			t.Errorf("%s: %d of 50 calls, want %d", tt.name, exact, tt.exact)
		}
	}
}

// From the first DCS to the end of the page, with ECM, adaptive and on a clean network, the
// sender takes 36 kbit/s at most, UDP and IPv4 counted.
func TestBandwidth(t *testing.T) {
	c := newCall(t, true, pages(1, 26000), both(adaptive), netmodel.New(1, netmodel.Config{}))
	if ok, exact := c.run(); !ok || !exact {
		t.Fatal(c)
	}
	if rate := 8 * int64(c.octets[0]) * SampleRate / (c.ended - c.began); rate > 36000 || rate < 20000 {
		t.Errorf("%d bit/s in %d ms", rate, (c.ended-c.began)/8)
	} else {
		t.Logf("%d bit/s in %d ms", rate, (c.ended-c.began)/8)
	}
}
