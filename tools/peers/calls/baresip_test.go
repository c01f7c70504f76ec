package calls

import (
	"testing"
	"time"

	"tipring/tools/peers/audio"
	"tipring/tools/peers/baresip"
	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
)

// baresip calls the device and is called by it; each records what the other says.
func TestBaresip(t *testing.T) {
	for _, tt := range []struct {
		name    string
		o       options
		modules []string
	}{
		{"udp", options{algorithm: "MD5", codecs: "pcmu"}, []string{"g711"}},
		{"tcp, A-law", options{transport: "tcp", algorithm: "MD5", codecs: "pcma"}, []string{"g711"}},
		{"tls, media relay", options{transport: "tls", port: 5061, algorithm: "MD5", relayed: true, codecs: "pcmu"}, []string{"g711"}},
		{"udp, G.722", options{algorithm: "MD5", codecs: "g722"}, []string{"g722"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, tt.o)
			l.run()
			b := baresip.Start(t, l.lan.Host("baresip", 30), baresip.Options{
				Accounts: []string{baresip.Account("2001", "10.9.0.1", "udp", kamailio.Password("2001"), 60)},
				Freq:     800, Codecs: tt.modules,
			})
			b.WaitRegistered(patience, 1)

			// To baresip, which answers by itself; the telephone hangs up.
			p := l.phones[1]
			l.dial(1, "2001")
			b.Wait(patience, "CALL_ESTABLISHED", 1)
			p.WaitTone(patience, 800)
			p.Say(1200, -12)
			l.hold(p.Heard, 1500*time.Millisecond)
			p.OnHook()
			b.Wait(patience, "CALL_CLOSED", 1)
			l.recorded(b, 1200)
			l.agent.WaitPort(patience, 1, "idle")

			// From baresip, which hangs up.
			b.Command("dial", "1002")
			q := l.phones[2]
			q.WaitRing(patience)
			q.OffHook()
			b.Wait(patience, "CALL_ESTABLISHED", 2)
			q.WaitTone(patience, 800)
			q.Say(1500, -12)
			l.hold(q.Heard, 1500*time.Millisecond)
			b.Command("hangup", "")
			if !netlab.Until(patience, func() bool { return l.agent.Port(2).Call == nil }) {
				t.Errorf("port 2 after baresip hung up: %+v", l.agent.Port(2))
			}
			q.OnHook()
			l.recorded(b, 1500)
			l.agent.WaitPort(patience, 2, "idle")
			l.wellFormed()
		})
	}
}

// hold lets a call go on until so much more of it was heard.
func (l *lab) hold(heard func(time.Duration) []int16, d time.Duration) {
	l.t.Helper()
	before := len(heard(time.Hour))
	if !netlab.Until(patience, func() bool { return len(heard(time.Hour))-before >= int(d*audio.Rate/time.Second) }) {
		l.t.Error("the call brings no sound any more")
	}
}

// recorded checks that baresip's last recording holds half a second of the tone
// and nothing else in it.
func (l *lab) recorded(b *baresip.Baresip, freq float64) {
	l.t.Helper()
	var err error
	if !netlab.Until(patience, func() bool { // it writes the end of the file after it tells of the call's end
		err = audio.Heard(audio.Loudest(b.Heard(), freq, 4000), freq, -12)
		return err == nil
	}) {
		l.t.Errorf("baresip heard: %v", err)
	}
}
