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
