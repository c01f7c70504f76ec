package faxlong

import (
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"tipring/tools/peers/faxcard"
	"tipring/tools/peers/faxend"
	"tipring/tools/peers/faxlab"
	"tipring/tools/peers/kamailio"
)

// TestServerLost has the primary server killed in the middle of a page: the pages go on, the
// call ends in good order for the machine, and the line is registered at the backup.
func TestServerLost(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	killed := make(chan struct{})
	var l *faxlab.Lab
	l = faxlab.New(t, 1, func(string, int) faxend.Script {
		return faxend.Script{Switch: faxend.AtOnce, Recv: filepath.Join(dir, "far"), Then: []faxend.Action{
			faxlab.At(16*time.Second, func(*faxend.Fax) { l.K.Kill(); close(killed) }),
		}}
	})
	backup := l.Lan.Host("backup", 2)
	kamailio.Start(t, backup, kamailio.Options{Other: l.Server.Addr, Far: netip.AddrPortFrom(l.Far.Addr.Addr(), 5060)})
	l.Config.Set("sip1", "backup_addr", backup.Addr).Set("sip1", "register_ttl", 60).Set("sip1", "keepalive_interval_s", 10)
	l.Run(1)
	d := faxlab.NewDocument(t, 3, 900, 1)
	m := faxlab.Mode{ECM: true, Rate: 14400}
	c := l.Card(t, 1, faxcard.Send(d.File, "601#", m.Options("--log", "1")...))
	sent := c.Wait(faxlab.Patience, 1)
	select {
	case <-killed:
	default:
		t.Error("the fax was over before the server was lost")
	}
	l.Arrived(t, m, "t38", sent, l.Far.WaitFax(time.Second, "601", 1), d)
	l.Agent.WaitPort(70*time.Second, 1, "idle")
	l.Agent.WaitRegistered(2*time.Minute, 1, "backup")
}

// TestServerLostBeforeRefreshes has the primary killed in the middle of a page of a fax whose
// session lives 90 s, and which takes minutes longer: no page suffers, and the refreshes, which
// are the agent's to send, go by the backup.
func TestServerLostBeforeRefreshes(t *testing.T) {
	t.Parallel()
	const pages, rows = 14, 680
	dir := t.TempDir()
	killed := make(chan struct{})
	var l *faxlab.Lab
	l = faxlab.New(t, 1, func(string, int) faxend.Script {
		return faxend.Script{Switch: faxend.AtOnce, Expires: 90, Refresher: "uac", Recv: filepath.Join(dir, "far"), Then: []faxend.Action{
			faxlab.At(20*time.Second, func(*faxend.Fax) { l.K.Kill(); close(killed) }),
		}}
	})
	host := l.Lan.Host("backup", 2)
	backup := kamailio.Start(t, host, kamailio.Options{Other: l.Server.Addr, Far: netip.AddrPortFrom(l.Far.Addr.Addr(), 5060)})
	l.Config.Set("sip1", "backup_addr", host.Addr).Set("sip1", "register_ttl", 60).Set("sip1", "keepalive_interval_s", 10)
	l.Run(1)
	d := faxlab.NewDocument(t, pages, rows, 1)
	m := faxlab.Mode{ECM: true, Rate: 14400}
	c := l.Card(t, 1, faxcard.Send(d.File, "601#", m.Options("--log", "1")...))
	sent := c.Wait(6*time.Minute, 1)
	select {
	case <-killed:
	default:
		t.Error("the fax was over before the server was lost")
	}
	f := l.Far.WaitFax(time.Second, "601", 1)
	l.Arrived(t, m, "t38", sent, f, d)
	if sent.Call < 150 {
		t.Errorf("the fax took %.0f s only, too few for three refreshes", sent.Call)
	}
	refreshes := 0
	for _, r := range backup.Received() {
		if r.CallID == f.Call.ID && (r.Method == "INVITE" || r.Method == "UPDATE") {
			refreshes++
		}
	}
	if refreshes < 3 {
		t.Errorf("%d refreshes came by the backup, want 3 at least\n%s", refreshes, f.Story())
	}
	l.Agent.WaitPort(70*time.Second, 1, "idle")
}
