// Package wire watches a lab's switch and tells what crossed it: SIP messages
// over UDP and TCP, RTP packets, STUN, connection attempts, resets, ICMP errors and
// ARP questions, in order and with the kernel's receive times. Frames that a
// host's firewall then drops are seen too.
//
// It parses SIP by itself and leniently, so that it shares no fault with the
// program under test.
package wire

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"tipring/tools/peers/netlab"
)

// A Kind tells what an Event is.
type Kind string

// What can cross the switch.
const (
	Request     Kind = "request"     // SIP
	Response    Kind = "response"    // SIP
	RTP         Kind = "rtp"         // any UDP payload with RTP version 2
	SYN         Kind = "syn"         // a TCP connection attempt
	Reset       Kind = "rst"         // a TCP reset
	STUN        Kind = "stun"        // over UDP
	ICMP        Kind = "icmp"        // an ICMP error
	ARP         Kind = "arp"         // a question for a hardware address
	TLSData     Kind = "tls"         // TCP data that is a TLS record
	ClientHello Kind = "clienthello" // the first TLS record of a connection
)

// An Event is one thing that crossed the switch.
type Event struct {
	At       time.Time
	Kind     Kind
	Proto    string // udp or tcp
	Src, Dst netip.AddrPort
	*Message // of Request and Response; empty otherwise
	RTP      RTPPacket
	STUN     STUNMessage
	ICMP     string // of ICMP: "port", "host", "net" or the numbers
}

func (e Event) String() string {
	s := fmt.Sprintf("%s %s %v > %v %s", e.At.Format("05.000"), e.Proto, e.Src, e.Dst, e.Kind)
	switch e.Kind {
	case Request, Response:
		return fmt.Sprintf("%s %v > %v %s %s CSeq %s Call-ID %.12s", e.At.Format("05.000"), e.Src, e.Dst, e.Proto, e.Start, e.Get("CSeq"), e.Get("Call-ID"))
	case ICMP:
		return s + " " + e.ICMP
	}
	return s
}

// A Watch records what crosses one Lan.
type Watch struct {
	File string // the capture, in pcap format

	t      netlab.T
	fd     int
	wake   int // a pipe: an octet asks to catch up, closing it ends the goroutine
	done   chan struct{}
	pcap   *os.File
	rtp    bool
	mu     sync.Mutex
	events []Event
	change chan struct{} // closed and replaced at each event
	flows  map[[2]netip.AddrPort]*stream

	asked, caught int // catch-ups
}

// Listen starts watching. A capture of everything is written to dir/wire.pcap.
func Listen(t netlab.T, lan *netlab.Lan, dir string) *Watch {
	t.Helper()
	w := &Watch{t: t, done: make(chan struct{}), change: make(chan struct{}), flows: map[[2]netip.AddrPort]*stream{}}
	err := lan.Switch(func() (err error) { w.fd, err = openBridge(); return err })
	if err != nil {
		t.Fatalf("wire: %v", err)
	}
	if w.pcap, err = os.Create(filepath.Join(dir, "wire.pcap")); err != nil {
		t.Fatalf("wire: %v", err)
	}
	w.File = w.pcap.Name()
	head := binary.LittleEndian.AppendUint32(nil, 0xa1b23c4d) // nanosecond times
	head = append(head, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	head = binary.LittleEndian.AppendUint32(head, 65535)
	head = binary.LittleEndian.AppendUint32(head, 1) // Ethernet
	if _, err := w.pcap.Write(head); err != nil {
		t.Fatalf("wire: %v", err)
	}
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		t.Fatalf("wire: %v", err)
	}
	w.wake = pipe[1]
	go w.run(pipe[0])
	t.Cleanup(w.Close)
	return w
}

// KeepRTP makes the watch keep RTP packets as events too.
func (w *Watch) KeepRTP() {
	w.mu.Lock()
	w.rtp = true
	w.mu.Unlock()
}

// Close stops watching.
func (w *Watch) Close() {
	w.mu.Lock()
	wake := w.wake
	w.wake = -1
	w.mu.Unlock()
	if wake >= 0 {
		_ = unix.Close(wake)
	}
	<-w.done
}

func openBridge() (int, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, int(htons(unix.ETH_P_ALL)))
	if err != nil {
		return -1, fmt.Errorf("packet socket: %w", err)
	}
	index, err := interfaceIndex(fd, "br0")
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: htons(unix.ETH_P_ALL), Ifindex: index})
	}
	if err == nil {
		err = unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP,
			&unix.PacketMreq{Ifindex: int32(index), Type: unix.PACKET_MR_PROMISC})
	}
	if err == nil {
		err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	}
	if err == nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 8<<20)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, fmt.Errorf("packet socket on br0: %w", err)
	}
	return fd, nil
}

func interfaceIndex(fd int, name string) (int, error) {
	req, err := unix.NewIfreq(name)
	if err != nil {
		return 0, err
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, req); err != nil {
		return 0, err
	}
	return int(req.Uint32()), nil
}

func htons(n uint16) uint16 { return n<<8 | n>>8 }

func (w *Watch) run(wake int) {
	defer close(w.done)
	defer func() { _ = unix.Close(w.fd); _ = unix.Close(wake); _ = w.pcap.Close() }()
	frame, oob := make([]byte, 70000), make([]byte, 256)
	for {
		fds := []unix.PollFd{{Fd: int32(w.fd), Events: unix.POLLIN}, {Fd: int32(wake), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, -1); err != nil && err != unix.EINTR {
			w.t.Errorf("wire: poll: %v", err)
			return
		}
		asked, ended := 0, false
		if fds[1].Revents != 0 {
			n, err := unix.Read(wake, frame)
			asked, ended = n, n <= 0 && err != unix.EINTR
		}
		for {
			n, oobn, _, from, err := unix.Recvmsg(w.fd, frame, oob, 0)
			if err != nil {
				break
			}
			if ll, ok := from.(*unix.SockaddrLinklayer); ok && ll.Pkttype == unix.PACKET_OUTGOING {
				continue // the switch itself sends nothing that matters, and a flood is seen once
			}
			at := stamp(oob[:oobn])
			w.save(at, frame[:n])
			w.frame(at, frame[:n])
		}
		w.mu.Lock()
		if w.caught += asked; asked > 0 || ended {
			w.tell()
		}
		w.mu.Unlock()
		if ended {
			return
		}
	}
}

// catchUp waits until all that crossed the switch so far has been looked at.
func (w *Watch) catchUp() {
	w.mu.Lock()
	if w.wake < 0 {
		w.mu.Unlock()
		<-w.done
		return
	}
	w.asked++
	mine := w.asked
	_, err := unix.Write(w.wake, []byte{0})
	w.mu.Unlock()
	for err == nil {
		w.mu.Lock()
		caught, change := w.caught, w.change
		w.mu.Unlock()
		if caught >= mine {
			return
		}
		select {
		case <-change:
		case <-w.done:
			return
		}
	}
}

// tell wakes everybody who waits for a change. The lock is held.
func (w *Watch) tell() {
	close(w.change)
	w.change = make(chan struct{})
}

func stamp(oob []byte) time.Time {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return time.Now()
	}
	for _, m := range msgs {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SO_TIMESTAMPNS && len(m.Data) >= 16 {
			return time.Unix(int64(binary.NativeEndian.Uint64(m.Data)), int64(binary.NativeEndian.Uint64(m.Data[8:])))
		}
	}
	return time.Now()
}

func (w *Watch) save(at time.Time, frame []byte) {
	b := make([]byte, 16, 16+len(frame))
	binary.LittleEndian.PutUint32(b, uint32(at.Unix()))
	binary.LittleEndian.PutUint32(b[4:], uint32(at.Nanosecond()))
	binary.LittleEndian.PutUint32(b[8:], uint32(len(frame)))
	binary.LittleEndian.PutUint32(b[12:], uint32(len(frame)))
	_, _ = w.pcap.Write(append(b, frame...))
}

func (w *Watch) add(e Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if e.Kind == RTP && !w.rtp {
		return
	}
	if e.Message == nil {
		e.Message = &Message{} // so that a question about it is answered with nothing
	}
	w.events = append(w.events, e)
	w.tell()
}

// Events returns what crossed the switch until now and match likes; nil likes all.
func (w *Watch) Events(match func(Event) bool) []Event {
	w.catchUp()
	w.mu.Lock()
	defer w.mu.Unlock()
	var found []Event
	for _, e := range w.events {
		if match == nil || match(e) {
			found = append(found, e)
		}
	}
	return found
}

// Since is Events from a moment on.
func (w *Watch) Since(from time.Time, match func(Event) bool) []Event {
	return w.Events(func(e Event) bool { return !e.At.Before(from) && match(e) })
}

// Wait waits until match likes an event seen at or after from, or fails the test.
func (w *Watch) Wait(limit time.Duration, what string, from time.Time, match func(Event) bool) Event {
	w.t.Helper()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for next := 0; ; {
		w.mu.Lock()
		fresh, change := w.events[next:], w.change
		w.mu.Unlock()
		for _, e := range fresh {
			if !e.At.Before(from) && match(e) {
				return e
			}
		}
		next += len(fresh)
		select {
		case <-change:
		case <-timer.C:
			w.t.Fatalf("wire: no %s within %v; seen:\n%s", what, limit, w.Dump(from))
			return Event{}
		}
	}
}

// Dump lists what was seen from a moment on, for a failed test's message.
func (w *Watch) Dump(from time.Time) string {
	var b strings.Builder
	for _, e := range w.Since(from, func(e Event) bool { return e.Kind != RTP && e.Kind != TLSData }) {
		fmt.Fprintln(&b, e)
	}
	return b.String()
}
