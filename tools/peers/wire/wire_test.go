package wire

import (
	"net"
	"strings"
	"testing"
	"time"

	"tipring/tools/peers/netlab"
)

func TestMain(m *testing.M) { netlab.Main(nil, m.Run) }

const options = "OPTIONS sip:10.9.0.1 SIP/2.0\r\nv: SIP/2.0/UDP 10.9.0.10;branch=z9hG4bK1;rport\r\n" +
	"From: <sip:a@b>;tag=x1\r\nTo: <sip:c@d>\r\nCall-ID: one\r\nCSeq: 7 OPTIONS\r\nContent-Length: 2\r\n\r\nhi"

// What two hosts say to each other is seen once, in order, with its meaning,
// whether it came as a datagram or in pieces of a stream.
func TestWatch(t *testing.T) {
	lan := netlab.New(t)
	server, client := lan.Host("server", 1), lan.Host("client", 10)
	w := Listen(t, lan, t.TempDir())
	w.KeepRTP()
	start := time.Now().Add(-time.Millisecond)
	err := server.Do(func() error {
		l, err := net.Listen("tcp", "10.9.0.1:5060")
		if err != nil {
			return err
		}
		t.Cleanup(func() { _ = l.Close() })
		go func() {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 10))
			_, _ = c.Write([]byte("SIP/2.0 503 No\r\nCSeq: 7 OPTIONS\r\nContent-Length: 0\r\n\r\n"))
			_ = c.Close()
		}()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	err = client.Do(func() error {
		u, err := net.Dial("udp", "10.9.0.1:5060")
		if err != nil {
			return err
		}
		_, _ = u.Write([]byte(options))
		_ = u.Close()
		if u, err = net.Dial("udp", "10.9.0.1:5062"); err != nil {
			return err
		}
		_, _ = u.Write(append([]byte{0x80, 0x80, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4}, make([]byte, 160)...))
		_ = u.Close()
		c, err := net.Dial("tcp", "10.9.0.1:5060")
		if err != nil {
			return err
		}
		_, _ = c.Write([]byte(options[:30]))
		_, _ = c.Write([]byte(options[30:] + "\r\n\r\n" + options))
		_, _ = c.Read(make([]byte, 1000))
		return c.Close()
	})
	if err != nil {
		t.Fatal(err)
	}
	last := w.Wait(5*time.Second, "503", start, func(e Event) bool { return e.Kind == Response && e.Status == 503 })
	if last.Method != "OPTIONS" || last.Src.String() != "10.9.0.1:5060" {
		t.Errorf("last event: %v", last)
	}
	var got []string
	icmp := 0
	for _, e := range w.Since(start, func(e Event) bool { return e.Kind != ARP && e.Kind != Reset }) {
		if e.Kind == ICMP { // comes when it comes
			icmp++
			continue
		}
		got = append(got, string(e.Kind)+" "+e.Proto)
	}
	want := "request udp | rtp udp | syn tcp | request tcp | request tcp | response tcp"
	if seen := strings.Join(got, " | "); seen != want {
		t.Errorf("seen %s\nwant %s", seen, want)
	}
	if icmp != 2 {
		t.Errorf("%d ICMP errors, want 2: both UDP ports are closed", icmp)
	}
	first := w.Events(func(e Event) bool { return e.Kind == Request })[0]
	if first.Method != "OPTIONS" || first.URI != "sip:10.9.0.1" || first.CSeq() != 7 || first.Branch() != "z9hG4bK1" ||
		first.Tag("From") != "x1" || first.Tag("To") != "" || first.CallID() != "one" || first.Body != "hi" {
		t.Errorf("first request: %+v", first.Message)
	}
}
