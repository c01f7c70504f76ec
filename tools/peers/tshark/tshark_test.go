package tshark

import (
	"net/netip"
	"testing"

	"tipring/tools/peers/farend"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/wire"
)

func TestMain(m *testing.M) { netlab.Main(nil, m.Run) }

// A call between two far ends is seen as INVITE, 100, 200, ACK, BYE, 200.
func TestFields(t *testing.T) {
	lan := netlab.New(t)
	a := farend.New(t, lan.Host("a", 20), nil)
	b := farend.New(t, lan.Host("b", 21), nil)
	c := Of(t, wire.Listen(t, lan, t.TempDir()))
	call, status := b.Dial(netip.AddrPortFrom(a.Addr.Addr(), 5060), "600", 0)
	_ = call
	if status != 0 {
		t.Errorf("status %d of a call without patience", status)
	}
	call, status = b.Dial(netip.AddrPortFrom(a.Addr.Addr(), 5060), "600", 5e9)
	if status != 200 {
		t.Fatalf("status %d", status)
	}
	call.Bye()
	rows := c.Fields("sip.Call-ID == \""+call.ID+"\"", "sip.Method", "sip.Status-Code", "sip.CSeq.method")
	want := []string{"INVITE  INVITE", " 100 INVITE", " 200 INVITE", "ACK  ACK", "BYE  BYE", " 200 BYE"}
	if len(rows) != len(want) {
		t.Fatalf("rows %v", rows)
	}
	for i, row := range rows {
		if got := row[0] + " " + row[1] + " " + row[2]; got != want[i] {
			t.Errorf("row %d is %q, want %q", i, got, want[i])
		}
	}
	if bad := c.Malformed("10.9.0.21"); len(bad) > 0 {
		t.Errorf("malformed: %v", bad)
	}
}
