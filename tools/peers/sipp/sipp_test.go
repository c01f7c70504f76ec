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
	}{
		{"uas", 200},
		{"uas_early", 200},
		{"uas_fail:486", 486},
		{"uas_hold", 200},
		{"uas_update", 200},
		{"uas_bye", 200},
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
				netlab.Until(3*time.Second, func() bool { return c.Ended() || len(c.Got("INVITE")) == 2 || len(c.Got("UPDATE")) == 1 })
				time.Sleep(100 * time.Millisecond) // the last ACK
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
