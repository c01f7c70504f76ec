package phone

import (
	"bufio"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tipring/tools/peers/audio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// An agent that rings, waits for the receiver to be lifted, and echoes: the
// telephone hears its own tone at the level that it was said with.
func TestPhone(t *testing.T) {
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	hooks := make(chan byte, 10)
	served := make(chan struct{})
	go func() {
		defer close(served)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { _ = c.Close() }()
		r := bufio.NewReader(c)
		for {
			kind, payload, err := read(r)
			if err != nil {
				return
			}
			switch kind {
			case typeHello:
				_, _ = c.Write(frame(typeHello, []byte(`{"protocol":1,"name":"a","port":4,"kind":"phone"}`)))
				_, _ = c.Write(frame(Ring, []byte{1}))
			case typeHook:
				hooks <- payload[0]
				_, _ = c.Write(frame(Ring, []byte{0}))
			case typeAudio:
				_, _ = c.Write(frame(typeAudio, payload))
			}
		}
	}()
	p := Connect(t, "unix", l.Addr().String(), "")
	if p.Hello.Port != 4 || p.Hello.Kind != "phone" {
		t.Errorf("HELLO: %+v", p.Hello)
	}
	p.WaitRing(time.Second)
	p.OffHook()
	if got := <-hooks; got != 1 {
		t.Errorf("hook %d, want 1", got)
	}
	p.Dial("5")
	if !p.Wait(2*time.Second, func() bool { // 60 ms of it
		return len(p.heard) > 400 && Sounds(p.heard[len(p.heard)-400:], 770, 1336) == nil
	}) {
		t.Error("the key 5 was not heard")
	}
	p.Say(1000, -10)
	p.WaitTone(2*time.Second, 1000)
	if err := audio.Heard(p.Heard(200*time.Millisecond), 1000, -10); err != nil {
		t.Error(err)
	}
	if err := p.ListenFor(100*time.Millisecond, DialTone...); err == nil {
		t.Error("1000 Hz was taken for dial tone")
	}
	rec := filepath.Join(t.TempDir(), "r.wav")
	if err := p.Record(rec); err != nil {
		t.Error(err)
	}
	if b, err := os.ReadFile(rec); err != nil || len(b) < 2000 {
		t.Errorf("recording of %d octets, %v", len(b), err)
	}
	p.OnHook()
	if got := <-hooks; got != 0 {
		t.Errorf("hook %d, want 0", got)
	}
	var rings []byte
	for _, c := range p.Changes() {
		rings = append(rings, c.Value)
	}
	if len(rings) < 2 || rings[0] != 1 || rings[1] != 0 {
		t.Errorf("ring changes %v", rings)
	}
	p.Close()
	<-served
}
