package faxport

import (
	"path/filepath"
	"testing"
	"time"

	"tipring/tools/peers/faxcard"
	"tipring/tools/peers/faxend"
	"tipring/tools/peers/faxlab"
	"tipring/tools/peers/tshark"
)

// The capture of a fax call holds its T.38, both ways, as tshark reads it.
func TestTraceOfRelay(t *testing.T) {
	t.Parallel()
	way := faxlab.Ways[0]
	for _, w := range faxlab.Ways {
		if w.Transport == "t38" {
			way = w
		}
	}
	dir := t.TempDir()
	l := faxlab.New(t, 1, func(string, int) faxend.Script {
		s := way.Called
		s.Recv = filepath.Join(dir, "far")
		return s
	})
	l.Run(1)
	page := faxlab.NewDocument(t, 1, 300, 1)
	c := l.Card(t, 1, faxcard.Send(page.File, "601#", "--ident", faxlab.User(1)))
	c.Wait(faxlab.Patience, 1)
	l.Far.WaitFax(time.Second, "601", 1)
	l.Agent.WaitPort(20*time.Second, 1, "idle")
	calls := l.Agent.Calls()
	if len(calls) != 1 || calls[0].Codec != "t38" {
		t.Fatalf("calls %+v, want one of t38", calls)
	}
	file := filepath.Join(t.TempDir(), "fax.pcap")
	if out, code := l.Agent.Command("trace", calls[0].ID, "--pcap", file); code != 0 {
		t.Fatalf("trace --pcap: %s", out)
	}
	capture := tshark.File(t, file)
	for _, from := range []string{l.Host.Addr.String(), "10.9.0.20"} {
		if decoded, bad := capture.T38(from); decoded < 30 || len(bad) > 0 {
			t.Errorf("%d T.38 packets from %s; malformed: %q", decoded, from, bad)
		}
	}
	if rows := capture.Fields("sip.CSeq.method == INVITE", "sip.Method", "sdp.media"); len(rows) < 6 {
		t.Errorf("SIP beside it: %q", rows)
	}
}
