package sipp

import (
	"net/netip"
	"testing"
	"time"

	"tipring/tools/peers/farend"
	"tipring/tools/peers/netlab"
)

func TestMain(m *testing.M) { netlab.Main(nil, m.Run) }

// Every scenario that needs nothing special of the caller passes with a plain one.
func TestScenarios(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status int
		does   string // in the call; a re-INVITE is over with its ACK
		times  int
	}{
		{"uas", 200, "", 0},
		{"uas_early", 200, "", 0},
		{"uas_fail:486", 486, "", 0},
		{"uas_hold", 200, "ACK", 2},
		{"uas_update", 200, "UPDATE", 1},
		{"uas_bye", 200, "BYE", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			lan := netlab.New(t)
			far := farend.New(t, lan.Host("far", 20), nil)
			h := lan.Host("sipp", 30)
			s := Serve(t, h, tt.name, 1)
			c, status := far.Dial(netip.AddrPortFrom(h.Addr, 5060), "600", 10*time.Second)
			if status != tt.status {
				t.Fatalf("status %d, want %d", status, tt.status)
			}
			if status == 200 && tt.name != "uas_bye" {
				if err := c.Media.WaitTone(5*time.Second, 1000, -10); err != nil {
					t.Errorf("echo: %v", err)
				}
				if !netlab.Until(5*time.Second, func() bool { return len(c.Got(tt.does)) >= tt.times }) {
					t.Errorf("%d %s, want %d", len(c.Got(tt.does)), tt.does, tt.times)
				}
				if status := c.Bye(); status != 200 {
					t.Errorf("BYE: %d", status)
				}
			}
			s.Passed(10 * time.Second)
		})
	}
	t.Run("uac", func(t *testing.T) {
		t.Parallel()
		lan := netlab.New(t)
		far := farend.New(t, lan.Host("far", 20), nil)
		s := Call(t, lan.Host("sipp", 30), "uac", far.Addr.String(), "600", 1)
		c := far.WaitCall(5*time.Second, 1)
		if err := c.Media.WaitTone(5*time.Second, 1000, -10); err != nil {
			t.Errorf("echo: %v", err)
		}
		s.Passed(10 * time.Second)
	})
}
