package calls

import (
	"testing"
	"time"

	"tipring/tools/peers/baresip"
	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/site"
)

// baresip calls the device and is called by it; each records what the other says.
func TestBaresip(t *testing.T) {
	for _, tt := range []struct {
		name    string
		o       site.Options
		modules []string
	}{
		{"udp", site.Options{Algorithm: "MD5", Codecs: "pcmu"}, []string{"g711"}},
		{"tcp, A-law", site.Options{Transport: "tcp", Algorithm: "MD5", Codecs: "pcma"}, []string{"g711"}},
		{"tls, media relay", site.Options{Transport: "tls", Port: 5061, Algorithm: "MD5", Relayed: true, Codecs: "pcmu"}, []string{"g711"}},
		{"udp, G.722", site.Options{Algorithm: "MD5", Codecs: "g722"}, []string{"g722"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, tt.o)
			l.Run()
			b := baresip.Start(t, l.Lan.Host("baresip", 30), baresip.Options{
				Accounts: []string{baresip.Account("2001", "10.9.0.1", "udp", kamailio.Password("2001"), 60)},
				Freq:     800, Codecs: tt.modules,
			})
			b.WaitRegistered(patience, 1)

			// To baresip, which answers by itself; the telephone hangs up.
			p := l.Phones[1]
			l.Dial(1, "2001")
			b.Wait(patience, "CALL_ESTABLISHED", 1)
			p.WaitTone(patience, 800)
			p.Say(1200, -12)
			l.Hold(p.Heard, 1500*time.Millisecond)
			p.OnHook()
			b.Wait(patience, "CALL_CLOSED", 1)
			l.Recorded(b, 1200)
			l.Agent.WaitPort(patience, 1, "idle")

			// From baresip, which hangs up.
			b.Command("dial", "1002")
			q := l.Phones[2]
			q.WaitRing(patience)
			q.OffHook()
			b.Wait(patience, "CALL_ESTABLISHED", 2)
			q.WaitTone(patience, 800)
			q.Say(1500, -12)
			l.Hold(q.Heard, 1500*time.Millisecond)
			b.Command("hangup", "")
			if !netlab.Until(patience, func() bool { return l.Agent.Port(2).Call == nil }) {
				t.Errorf("port 2 after baresip hung up: %+v", l.Agent.Port(2))
			}
			q.OnHook()
			l.Recorded(b, 1500)
			l.Agent.WaitPort(patience, 2, "idle")
			l.WellFormed()
		})
	}
}
