package media

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pion/rtp"
)

// A receiver takes packets from the network.
type receiver struct {
	buf [maxDatagram]byte
	in  rtp.Packet // kept for its lists

	formats   [maxFormats]Format // by the index that the player knows them by
	decoders  [maxFormats]Codec
	known     int
	eventType int // payload type; -1: none
	// sentEventType is taken for eventType too, for some peers use their own for both directions.
	sentEventType int

	player   player
	heard    eventReceiver
	source   source
	newcomer newcomer
	left     bool // the source said BYE

	began    time.Time // of the first packet: where arrival times count from
	lastCame int64     // the session's clock at the last packet

	lostBefore, receivedBefore uint32 // by sources that are gone
	gapsBefore                 uint32
	late, duplicates           uint32
	reordered                  uint32
	foreign, malformed         uint32
	unknown                    uint32 // of a payload type that was not agreed
}

// A newcomer is another source that may take the place of the one that is played.
type newcomer struct {
	ssrc uint32
	seq  uint16
	seen bool
}

// prepare finds a codec for each format of p: the one that is there, so that it keeps its
// state, or a new one.
func (r *receiver) prepare(p Params, newCodec func(string) (Codec, bool)) (decoders [maxFormats]Codec, err error) {
	var kept [maxFormats]bool
	for i, f := range allFormats(p) {
		for j, had := range r.formats[:r.known] {
			if !kept[j] && strings.EqualFold(had.Codec, f.Codec) {
				decoders[i], kept[j] = r.decoders[j], true
				break
			}
		}
		if decoders[i] == nil {
			codec, ok := newCodec(f.Codec)
			if !ok {
				return decoders, fmt.Errorf("codec %q is not known", f.Codec)
			}
			decoders[i] = codec
		}
	}
	return decoders, nil
}

// update puts new parameters into force. What waits in the buffer goes when its format may
// have changed its meaning.
func (r *receiver) update(p Params, decoders [maxFormats]Codec) {
	formats := allFormats(p)
	if !slices.Equal(formats, r.formats[:r.known]) {
		r.player.restart()
	}
	r.known = copy(r.formats[:], formats)
	r.decoders = decoders
	r.eventType, r.sentEventType = p.EventReceive, p.EventSend
}

// allFormats is what may come in. A peer that sends by the payload type it receives is
// understood too.
func allFormats(p Params) []Format {
	formats := slices.Clone(p.Receive)
	for _, f := range formats {
		if f.PayloadType == p.Send.PayloadType {
			return formats
		}
	}
	if int(p.Send.PayloadType) == p.EventReceive {
		return formats
	}
	return append(formats, p.Send)
}

// drain reads what has come in.
func (s *Session) drain() {
	for range drainLimit {
		d, ok := s.pair.RTP.Read(s.buf[:])
		if !ok {
			break
		}
		s.datagram(s.buf[:d.N], d)
	}
	if s.clock < s.nextRTCP {
		return
	}
	s.nextRTCP = s.clock + rtcpPoll
	for range drainLimit {
		d, ok := s.pair.RTCP.Read(s.buf[:])
		if !ok {
			break
		}
		s.control(s.buf[:d.N], d, s.pair.RTCP)
	}
}

// datagram takes what came in at the RTP port.
func (s *Session) datagram(b []byte, d Datagram) {
	if len(b) < headerSize || b[0]>>6 != 2 {
		s.malformed++
		return
	}
	if b[1] >= 192 && b[1] < 224 { // RFC 5761 section 4: RTCP on the same port
		s.control(b, d, s.pair.RTP)
		return
	}
	payloadType := b[1] & 0x7f
	format := slices.IndexFunc(s.formats[:s.known], func(f Format) bool { return f.PayloadType == payloadType })
	isEvent := format < 0 && (int(payloadType) == s.receiver.eventType || int(payloadType) == s.sentEventType)
	agreed := format >= 0 || isEvent || payloadType == comfortNoise
	seq, ssrc := binary.BigEndian.Uint16(b[2:]), binary.BigEndian.Uint32(b[8:])
	if !s.remote.possible(d.From) {
		s.foreign++
		return
	}
	wire := b
	b, mark, ok := s.opened(b, false)
	switch {
	case !ok:
		return
	case !agreed && d.From != s.remote.rtp:
		s.foreign++
		return
	case agreed && !s.remote.accept(d.From, ssrc, seq):
		s.foreign++
		return
	case s.in.Unmarshal(b) != nil || len(s.in.Payload) > maxPayload:
		s.malformed++
		return
	case !agreed:
		s.unknown++
	}
	s.accepted(mark)
	show(s.tap, s.pair.RTP, s.kind(isEvent, agreed), false, d.At, d.From, wire)
	if !s.count(ssrc, seq, agreed) || !agreed {
		return
	}
	s.lastCame = s.clock
	switch {
	case isEvent:
		if !s.heard.receive(s.in.Timestamp, s.in.Marker, s.in.Payload) {
			s.malformed++
		}
		s.player.hush()
	case format < 0:
		s.comfort()
	default:
		s.audio(uint8(format), d)
	}
}

// count takes a packet into the statistics of its source and reports whether it is to be used.
func (s *Session) count(ssrc uint32, seq uint16, agreed bool) bool {
	if !s.source.begun || ssrc != s.source.ssrc {
		if !agreed || s.source.begun && !s.replaces(ssrc, seq) {
			return false
		}
		s.lostBefore += s.source.lost()
		s.receivedBefore += s.source.received
		s.gapsBefore += s.source.gapsBefore + s.source.gaps
		s.source.begin(ssrc, seq)
		s.newcomer, s.left = newcomer{}, false
		s.player.restart()
		s.heard.restart()
		return true
	}
	s.newcomer = newcomer{}
	switch s.source.sequence(seq) {
	case duplicate:
		s.duplicates++
		return false
	case strange:
		return false
	case reordered:
		s.reordered++
	case restarted:
		s.player.restart()
		s.heard.restart()
	}
	return true
}

// replaces tells whether another source takes over: at once when the present one is gone,
// else with the second of two packets that nothing of the present one comes between.
func (s *Session) replaces(ssrc uint32, seq uint16) bool {
	if s.left || s.clock-s.lastCame > longPause || s.newcomer == (newcomer{ssrc, seq - 1, true}) {
		return true
	}
	s.newcomer = newcomer{ssrc, seq, true}
	return false
}

// audio takes the payload of a packet of the peer's.
func (s *Session) audio(format uint8, d Datagram) {
	arrival := s.clock
	if !d.At.IsZero() {
		if s.began.IsZero() {
			s.began = d.At
		}
		arrival = int64(d.At.Sub(s.began) / (time.Second / sampleRate))
	}
	s.source.time(arrival, s.in.Timestamp)
	s.buffer(format, s.in.Payload)
}

// comfort takes a packet of comfort noise (RFC 3389): what it says begins where it stands.
func (s *Session) comfort() {
	if payload := s.in.Payload; len(payload) > 0 {
		s.buffer(comfortFormat, payload[:min(len(payload), 1+noiseOrder)])
	}
}

func (s *Session) buffer(format uint8, payload []byte) {
	if len(payload) == 0 || !s.receives {
		return
	}
	switch s.player.add(s.in.Timestamp, format, payload) {
	case late:
		s.late++
	case twice:
		s.duplicates++
	}
}
