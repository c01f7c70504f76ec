package agent

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/sipmsg/torture"
	"tipring/internal/ua/transport"
)

// The torture messages, sent to a running device: as they are, and addressed to the
// line's own Contact, over UDP and over TCP. After each the line must still answer.
func TestTorture(t *testing.T) {
	server := newRegistry(t)
	r := start(t, strings.Replace(base, "[sip]\n", "[sip]\nt1_ms = 50\n", 1)+line(1, server.port)+"accept_from = any\n")
	r.until("registered", func() bool { return r.registered(1) })
	layer := r.sip.Load().layer.Load()
	contact := server.contact("1001")
	udp, err := net.Dial("udp", fmt.Sprintf("127.0.0.1:%d", layer.Port(transport.UDP)))
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	n := 0
	for _, name := range torture.Names() {
		wire, err := torture.Message(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range [][]byte{wire, addressed(wire, contact)} {
			if len(m) <= sipmsg.MaxDatagram {
				if _, err := udp.Write(m); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
			tcp, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", layer.Port(transport.TCP)))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			tcp.Write(m) // what the device makes of it may be to close
			tcp.Close()
			n++
			alive(t, udp, contact, fmt.Sprintf("%s-%d", name, n))
		}
	}
	if want := 2 * (49 + 12); n != want {
		t.Errorf("%d messages sent, want %d", n, want)
	}
	if !r.registered(1) {
		t.Error("the line is not registered any more")
	}
}

// addressed puts the line's Contact in place of the Request-URI.
func addressed(wire []byte, contact string) []byte {
	head, rest, _ := bytes.Cut(wire, []byte("\r\n"))
	fields := strings.Fields(string(head))
	if len(fields) < 3 || strings.HasPrefix(fields[0], "SIP/") {
		return wire
	}
	fields[1] = contact
	return append([]byte(strings.Join(fields[:2], " ")+" "+fields[len(fields)-1]+"\r\n"), rest...)
}

// alive asks OPTIONS of the line and waits for its answer.
func alive(t *testing.T, c net.Conn, contact, id string) {
	t.Helper()
	ask := "OPTIONS " + contact + " SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bK" + strings.ReplaceAll(id, "/", "") +
		"\r\nMax-Forwards: 70\r\nFrom: <sip:t@127.0.0.1>;tag=1\r\nTo: <" + contact + ">\r\nCall-ID: alive-" + id + "\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
	if _, err := c.Write([]byte(ask)); err != nil {
		t.Fatal(err)
	}
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 64<<10)
	for {
		n, err := c.Read(buf)
		if err != nil {
			t.Fatalf("after %s the line does not answer: %v", id, err)
		}
		first, _ := bufio.NewReader(bytes.NewReader(buf[:n])).ReadString('\n')
		if bytes.Contains(buf[:n], []byte("alive-"+id)) {
			if !strings.HasPrefix(first, "SIP/2.0 200") {
				t.Errorf("after %s: OPTIONS answered %q", id, first)
			}
			return
		}
	}
}
