package media

import (
	"fmt"
	"strings"
	"time"

	"github.com/pion/rtp"

	"tipring/internal/media/srtp"
)

// A sender makes packets of the port's samples.
type sender struct {
	ssrc   uint32
	seq    uint16
	ts     uint32 // of the packet being filled
	marker bool   // the next packet of audio comes after a pause

	out     [headerSize + longestPacket + srtp.Overhead]byte
	passed  int // samples of this packet time
	encoded int // of them in out
	ptime   int // samples of a packet

	format    Format
	encoder   Codec
	eventType int // payload type; -1: none
	events    eventSender

	packets, octets uint32
	failed          uint32 // packets that the socket did not take
}

// update puts new parameters into force. The packet being filled is given up.
func (s *sender) update(p Params, newCodec func(string) (Codec, bool)) error {
	if s.encoder == nil || !strings.EqualFold(s.format.Codec, p.Send.Codec) {
		codec, ok := newCodec(p.Send.Codec)
		if !ok {
			return fmt.Errorf("codec %q is not known", p.Send.Codec)
		}
		s.encoder, s.marker = codec, true
	}
	if ptime := p.PtimeMS * samplesPerMS; ptime != s.ptime || s.format != p.Send {
		s.ts += uint32(s.passed)
		s.passed, s.encoded, s.ptime = 0, 0, ptime
	}
	s.format = p.Send
	s.eventType = p.EventSend
	if p.EventSend < 0 || !p.Sends {
		s.events.stop()
	}
	return nil
}

// send takes the port's samples and sends the packets that they complete.
func (s *Session) send(in []int16) {
	if s.ptime == 0 {
		return
	}
	for len(in) > 0 {
		n := min(len(in), s.ptime-s.passed)
		if s.passed == s.encoded && s.sends && s.remote.known() && !s.events.busy() {
			s.encoded += s.encoder.Encode(s.out[headerSize+s.encoded:headerSize+s.passed+n], in[:n])
		}
		in = in[n:]
		if s.passed += n; s.passed == s.ptime {
			s.packet()
			s.ts += uint32(s.ptime)
			s.passed, s.encoded = 0, 0
		}
	}
}

// packet sends what belongs to the packet time that is over.
func (s *Session) packet() {
	if e, ok := s.events.step(s.ts, s.ptime); ok {
		payload := e.append(s.out[headerSize:headerSize])
		s.transmit(uint8(s.sender.eventType), e.ts, e.marker, len(payload))
		s.marker = true
		return
	}
	if s.encoded < s.ptime {
		s.marker = true
		return
	}
	s.transmit(s.format.PayloadType, s.ts, s.marker, s.encoded)
	s.marker = false
}

// transmit sends the n octets of payload that are in out.
func (s *Session) transmit(payloadType uint8, ts uint32, marker bool, n int) {
	h := rtp.Header{Version: 2, Marker: marker, PayloadType: payloadType, SequenceNumber: s.seq, Timestamp: ts, SSRC: s.ssrc}
	size, err := h.MarshalTo(s.out[:headerSize])
	if err != nil {
		s.failed++
		return
	}
	b, err := s.protected(s.out[:size+n])
	if err == nil {
		err = s.pair.RTP.Write(b, s.remote.rtp)
	}
	if s.secure != nil || err == nil {
		s.seq++ // no number protects two packets
	}
	if err != nil {
		s.failed++
		return
	}
	show(s.tap, s.pair.RTP, s.kind(int(payloadType) == s.sender.eventType, true), true, time.Time{}, s.remote.rtp, b)
	s.packets++
	s.octets += uint32(n)
}
