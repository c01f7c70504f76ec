package lab

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"tipring/internal/dsp"
	"tipring/internal/media"
	"tipring/internal/offer"
)

// heardSamples is how much of what was heard is kept: 200 ms.
const heardSamples = 1600

// A sound is the RTP side of a far call (RFC 3550). It has no clock: it answers each
// packet with one, the packet's own sound or as much of a tone.
type sound struct {
	conn  *net.UDPConn
	ended sync.WaitGroup

	mu       sync.Mutex
	released bool
	agreed   *offer.Audio // nil: nothing is
	codec    media.Codec  // of what is sent
	decoders map[uint8]media.Codec
	tone     *dsp.Tone // nil: echo
	heard    []int16   // the last heardSamples
	packets  int
	ssrc     uint32
	seq      uint16
}

func newSound(at netip.Addr) (*sound, error) {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(at, 0)))
	if err != nil {
		return nil, err
	}
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	s := &sound{conn: conn, ssrc: binary.BigEndian.Uint32(b[:]), seq: binary.BigEndian.Uint16(b[4:]) >> 1}
	s.ended.Add(1)
	go s.run()
	return s, nil
}

func (s *sound) addr() netip.AddrPort { return unmapped(s.conn.LocalAddr()) }

func (s *sound) close() {
	_ = s.conn.Close()
	s.ended.Wait()
}

// release ends the sound and hands its socket over, to T.38.
func (s *sound) release() *net.UDPConn {
	s.mu.Lock()
	s.released = true
	s.mu.Unlock()
	_ = s.conn.SetReadDeadline(time.Unix(1, 0))
	s.ended.Wait()
	_ = s.conn.SetReadDeadline(time.Time{})
	return s.conn
}

func (s *sound) isReleased() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.released
}

// agree takes what offer and answer came to.
func (s *sound) agree(a *offer.Audio) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.agreed, s.codec, s.decoders = a, nil, map[uint8]media.Codec{}
	if a == nil {
		return
	}
	s.codec, _ = media.NewCodec(a.Send.Codec.String())
	for _, f := range a.Receive {
		s.decoders[f.PayloadType], _ = media.NewCodec(f.Codec.String())
	}
}

// play has the signal sent instead of the echo; nil for the echo.
func (s *sound) play(signal *dsp.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tone = nil
	if signal != nil {
		s.tone = &dsp.Tone{}
		s.tone.Start(signal)
	}
}

func (s *sound) run() {
	defer s.ended.Done()
	b := make([]byte, 2048)
	for {
		n, _, err := s.conn.ReadFromUDPAddrPort(b)
		if errors.Is(err, net.ErrClosed) || s.isReleased() {
			return
		}
		if err != nil {
			continue // an ICMP error: the far end hung up first
		}
		if reply, to := s.packet(b[:n]); reply != nil {
			_, _ = s.conn.WriteToUDPAddrPort(reply, to)
		}
	}
}

// packet takes an RTP packet and returns the one to send for it.
func (s *sound) packet(p []byte) (reply []byte, to netip.AddrPort) {
	const header = 12
	// Version 2 without padding, extension or contributors is all that is needed here.
	if len(p) <= header || p[0] != 2<<6 {
		return nil, to
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	decoder := s.decoders[p[1]&0x7f]
	if s.agreed == nil || decoder == nil {
		return nil, to // a telephone event, or nothing that was agreed
	}
	pcm := make([]int16, len(p)-header)
	decoder.Decode(pcm, p[header:])
	s.heard = append(s.heard, pcm...)
	s.heard = s.heard[max(0, len(s.heard)-heardSamples):]
	s.packets++
	if !s.agreed.Direction.CanSend() || !s.agreed.Remote.IsValid() {
		return nil, to
	}
	if s.tone != nil {
		clear(pcm[s.tone.Read(pcm):])
	}
	reply = make([]byte, header+len(pcm))
	reply[0], reply[1] = 2<<6, p[1]&0x80|s.agreed.Send.PayloadType
	binary.BigEndian.PutUint16(reply[2:], s.seq)
	copy(reply[4:8], p[4:8]) // the packet's own timestamp
	binary.BigEndian.PutUint32(reply[8:], s.ssrc)
	s.codec.Encode(reply[header:], pcm)
	s.seq++
	return reply, s.agreed.Remote
}

// level is how loud a frequency is in what was heard last, in dBm0; how loud all of it is.
func (s *sound) level(hz float64) (tone, all float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Level(s.heard, hz)
}

// Level is how loud a frequency is in a stretch of samples, in dBm0, and how loud all of
// it is.
func Level(pcm []int16, hz float64) (tone, all float64) {
	if len(pcm) == 0 {
		pcm = make([]int16, 1)
	}
	g := dsp.NewGoertzel(hz, len(pcm))
	g.Feed(pcm)
	var m dsp.Meter
	m.Add(pcm)
	return g.DBm0(), m.DBm0()
}
