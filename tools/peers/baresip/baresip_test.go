package baresip

import (
	"net/netip"
	"testing"
	"time"

	"tipring/tools/peers/audio"
	"tipring/tools/peers/farend"
	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
)

func TestMain(m *testing.M) { netlab.Main(nil, m.Run) }

// baresip registers with digest, takes a call by itself, makes one, says its
// tone and records the other side's.
func TestCalls(t *testing.T) {
	lan := netlab.New(t)
	far := farend.New(t, lan.Host("far", 20), nil)
	p := kamailio.Start(t, lan.Host("primary", 1), kamailio.Options{Algorithm: "MD5", Far: far.Addr})
	b := Start(t, lan.Host("baresip", 30), Options{
		Accounts: []string{Account("2001", "10.9.0.1", "udp", kamailio.Password("2001"), 60)}, Freq: 800,
	})
	b.WaitRegistered(5*time.Second, 1)
	in, status := far.Dial(netip.AddrPortFrom(p.Host.Addr, 5060), "2001", 10*time.Second)
	if status != 200 {
		t.Fatalf("call to baresip: %d\n%s", status, b.Tail(20))
	}
	in.Media.Say(1200, -12)
	if err := in.Media.WaitTone(5*time.Second, 800, -10); err != nil {
		t.Errorf("from baresip: %v", err)
	}
	netlab.Until(5*time.Second, func() bool { return in.Media.Packets() > 60 }) // for as long as it speaks it hears
	if status := in.Bye(); status != 200 {
		t.Errorf("BYE: %d", status)
	}
	b.Wait(5*time.Second, "CALL_CLOSED", 1)
	if err := audio.Heard(audio.Loudest(b.Heard(), 1200, 2400), 1200, -12); err != nil {
		t.Errorf("baresip heard: %v", err)
	}

	b.Command("dial", "600")
	b.Wait(5*time.Second, "CALL_ESTABLISHED", 2)
	out := far.WaitCall(time.Second, 2)
	if err := out.Media.WaitTone(5*time.Second, 800, -10); err != nil {
		t.Errorf("from baresip: %v", err)
	}
	b.Command("hangup", "")
	if !out.Wait("BYE", 5*time.Second) {
		t.Error("no BYE from baresip")
	}
}
