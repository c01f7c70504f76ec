package lab

import (
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"time"

	"tipring/internal/dsp"
	"tipring/internal/offer"
)

// speech is RTP with 20 ms of a tone, sample numbers from n*160.
func speech(n int, hz float64) []byte {
	pcm := make([]int16, 160*(n+1))
	var tone dsp.Tone
	tone.Start(dsp.Steady(dsp.Partial{Hz: hz, DBm0: -10}))
	tone.Read(pcm)
	p := make([]byte, 12+160)
	p[0] = 0x80
	binary.BigEndian.PutUint16(p[2:], uint16(n))
	binary.BigEndian.PutUint32(p[4:], uint32(n*160))
	for i, s := range pcm[160*n:] {
		p[12+i] = dsp.ULawEncode(s)
	}
	return p
}

func TestSound(t *testing.T) {
	s, err := newSound(farAddr)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	peer, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(primaryAddr, 0)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = peer.Close() }()
	agreed := &offer.Audio{
		Remote: unmapped(peer.LocalAddr()), Direction: offer.SendRecv,
		Send: offer.Format{PayloadType: 0, Codec: offer.PCMU}, Receive: []offer.Format{{PayloadType: 0, Codec: offer.PCMU}},
	}
	s.agree(agreed)
	b := make([]byte, 2000)
	talk := func(hz float64) (echo []int16) {
		for n := range 10 {
			if _, err := peer.WriteToUDPAddrPort(speech(n, hz), s.addr()); err != nil {
				t.Fatal(err)
			}
			_ = peer.SetReadDeadline(time.Now().Add(time.Second))
			got, _, err := peer.ReadFromUDPAddrPort(b)
			if err != nil {
				t.Fatal(err)
			}
			if ts := binary.BigEndian.Uint32(b[4:]); ts != uint32(n*160) {
				t.Errorf("timestamp %d, want %d", ts, n*160)
			}
			for _, code := range b[12:got] {
				echo = append(echo, dsp.ULawDecode(code))
			}
		}
		return echo
	}

	if tone, all := Level(talk(1000), 1000); tone < -11 || all > -9 {
		t.Errorf("the echo is at %.1f dBm0 of %.1f, want -10", tone, all)
	}
	if tone, _ := s.level(1000); tone < -11 || tone > -9 {
		t.Errorf("heard at %.1f dBm0, want -10", tone)
	}
	if tone, _ := s.level(700); tone > -30 {
		t.Errorf("700 Hz heard at %.1f dBm0, nobody said it", tone)
	}

	s.play(dsp.Steady(dsp.Partial{Hz: 440, DBm0: -15}))
	if tone, all := Level(talk(1000), 440); tone < -16 || all > -14 {
		t.Errorf("the tone is at %.1f dBm0 of %.1f, want -15", tone, all)
	}

	s.play(nil)
	held := *agreed
	held.Direction = offer.RecvOnly
	s.agree(&held)
	if reply, _ := s.packet(speech(0, 1000)); reply != nil {
		t.Error("sound for a peer that does not want to hear any")
	}
	s.agree(agreed)
	event := speech(0, 1000)
	event[1] = 101
	if reply, _ := s.packet(event); reply != nil {
		t.Error("a telephone event was echoed")
	}
	if reply, _ := s.packet([]byte{0x80, 0}); reply != nil {
		t.Error("a packet cut short was answered")
	}
}
