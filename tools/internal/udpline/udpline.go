// Package udpline is what the bench tools that speak T.38 have in common: the options of their
// UDPTL, and a socket that talks to one remote, and may write down what it carried.
package udpline

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"tipring/t38/convey"
	"tipring/t38/udptl"
	"tipring/tools/internal/pcap"
)

// Options are those of every tool.
type Options struct {
	Port           int    // own; 0: any
	Remote         string // HOST:PORT
	Control, Image int    // secondaries; convey.Adaptive: as many as it takes
	Speed          int    // of the call, in times of real time
}

// Flags adds the options to a command line.
func (o *Options) Flags(f *flag.FlagSet) {
	f.IntVar(&o.Port, "lport", -1, "own UDP port")
	f.StringVar(&o.Remote, "remote", "", "HOST:PORT of the other side")
	f.IntVar(&o.Control, "redundancy-control", convey.Adaptive, "secondaries of control packets: 0 to 7; -1: adaptive")
	f.IntVar(&o.Image, "redundancy-image", convey.Adaptive, "secondaries of image data: 0 to 7; -1: adaptive")
	f.IntVar(&o.Speed, "speed", 1, "times real time that the call runs, if the other side's does: 1 to 10")
}

// Check tells what of the options makes no sense.
func (o *Options) Check() error {
	switch {
	case o.Port < 0 || o.Port > 65535:
		return fmt.Errorf("--lport %d: want 0 to 65535", o.Port)
	case o.Remote == "":
		return errors.New("want --remote HOST:PORT")
	case o.Control < convey.Adaptive || o.Control > udptl.MaxSecondaries:
		return fmt.Errorf("--redundancy-control %d: want 0 to %d", o.Control, udptl.MaxSecondaries)
	case o.Image < convey.Adaptive || o.Image > udptl.MaxSecondaries:
		return fmt.Errorf("--redundancy-image %d: want 0 to %d", o.Image, udptl.MaxSecondaries)
	case o.Speed < 1 || o.Speed > 10:
		return fmt.Errorf("--speed %d: want 1 to 10", o.Speed)
	}
	return nil
}

// queued is how many datagrams may wait: what comes in some seconds.
const queued = 256

// A Socket carries datagrams to and from one remote. What others send is not taken.
type Socket struct {
	Datagrams <-chan []byte // that came

	conn        *net.UDPConn
	own, remote netip.AddrPort
	reader      sync.WaitGroup

	capturing sync.Mutex
	file      *os.File // nil: no capture
	capture   *pcap.Writer
	err       error // of the capture
}

// Open opens a socket; capture is the file to write down in what it carries, or empty.
func (o *Options) Open(ctx context.Context, capture string) (*Socket, error) {
	s := &Socket{}
	if err := s.resolve(ctx, o.Remote); err != nil {
		return nil, err
	}
	var err error
	if s.conn, err = net.ListenUDP("udp", &net.UDPAddr{Port: o.Port}); err != nil {
		return nil, err
	}
	s.own = netip.AddrPortFrom(s.own.Addr(), s.conn.LocalAddr().(*net.UDPAddr).AddrPort().Port())
	if capture != "" {
		if err := s.create(capture); err != nil {
			_ = s.conn.Close()
			return nil, err
		}
	}
	came := make(chan []byte, queued)
	s.Datagrams = came
	s.reader.Go(func() { s.read(came) })
	return s, nil
}

// resolve finds the remote's address, and that of this host which the remote sees.
func (s *Socket) resolve(ctx context.Context, remote string) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "udp", remote)
	if err != nil {
		return err
	}
	defer conn.Close()
	s.own = unmapped(conn.LocalAddr().(*net.UDPAddr).AddrPort())
	s.remote = unmapped(conn.RemoteAddr().(*net.UDPAddr).AddrPort())
	return nil
}

func unmapped(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

func (s *Socket) create(name string) (err error) {
	if s.file, err = os.Create(name); err != nil {
		return err
	}
	s.capture, err = pcap.NewWriter(s.file)
	return err
}

func (s *Socket) read(came chan<- []byte) {
	var b [udptl.MaxDatagram + 1]byte // one that is longer stays so
	for {
		n, from, err := s.conn.ReadFromUDPAddrPort(b[:])
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil || unmapped(from) != s.remote {
			continue
		}
		s.note(s.remote, s.own, b[:n])
		select {
		case came <- append([]byte(nil), b[:n]...):
		default: // as any network does that is given too much
		}
	}
}

// Send sends a datagram. That nobody listens yet is no error: UDP does not tell for sure.
func (s *Socket) Send(b []byte) {
	s.note(s.own, s.remote, b)
	_, _ = s.conn.WriteToUDPAddrPort(b, s.remote)
}

func (s *Socket) note(from, to netip.AddrPort, b []byte) {
	s.capturing.Lock()
	defer s.capturing.Unlock()
	if s.capture != nil && s.err == nil {
		s.err = s.capture.WriteUDP(time.Now(), from, to, b)
	}
}

// Close ends the socket. The error is that of the capture.
func (s *Socket) Close() error {
	_ = s.conn.Close()
	s.reader.Wait()
	if s.file != nil {
		s.err = errors.Join(s.err, s.file.Close())
	}
	return s.err
}
