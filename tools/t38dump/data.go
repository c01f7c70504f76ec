package main

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"tipring/t38/ifp"
)

// maxFrame bounds an HDLC frame: an ECM frame has 260 octets (T.4 annex A).
const maxFrame = 300

// A frame is an HDLC frame being put together, as it stands in IFP packets: the first bit
// on the line is the highest.
type frame struct {
	octets  []byte
	damaged bool // a part of it was lost
}

// A run is image data or ECM frames written as one line.
type run struct {
	data            ifp.DataType
	last            uint16
	began, ended    time.Time
	packets, octets int
	frames, bad     int
}

// data writes a data packet.
func (s *side) data(seq uint16, mark string) {
	if s.w.all {
		s.line(s.w.now, seq, mark, "%s", s.words())
	}
	if s.run.packets > 0 && s.run.data != s.packet.Data {
		s.run.end(s)
	}
	if carriesImage(s.packet.Data) {
		s.run.add(s, seq)
	}
	if len(s.packet.Fields) == 0 && !s.w.all {
		s.line(s.w.now, seq, mark, "%v without fields", s.packet.Data)
	}
	for _, f := range s.packet.Fields {
		s.field(seq, mark, f)
	}
}

// words says what is in a packet, field by field.
func (s *side) words() string {
	words := []string{s.packet.Data.String()}
	for _, f := range s.packet.Fields {
		word := f.Type.String()
		if n := len(f.Data); n > 0 {
			word += fmt.Sprintf("[%d %s", n, hex.EncodeToString(f.Data[:min(n, 8)]))
			if n > 8 {
				word += "..."
			}
			word += "]"
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// field takes a field. Some send the last octets with the field that ends a frame.
func (s *side) field(seq uint16, mark string, f ifp.Field) {
	switch f.Type {
	case ifp.HDLCData, ifp.HDLCFCSOK, ifp.HDLCFCSBad, ifp.HDLCFCSOKSigEnd, ifp.HDLCFCSBadSigEnd, ifp.HDLCSigEnd:
		room := max(maxFrame-len(s.frame.octets), 0)
		s.frame.octets = append(s.frame.octets, f.Data[:min(len(f.Data), room)]...)
	case ifp.NonECMData, ifp.NonECMSigEnd:
		s.run.octets += len(f.Data)
	default:
		s.line(s.w.now, seq, mark, "%v %v % x", s.packet.Data, f.Type, f.Data)
	}
	switch f.Type {
	case ifp.HDLCFCSOK, ifp.HDLCFCSOKSigEnd:
		s.endFrame(seq, mark, true)
	case ifp.HDLCFCSBad, ifp.HDLCFCSBadSigEnd:
		s.endFrame(seq, mark, false)
	}
	if !f.Type.Ends() {
		return
	}
	s.run.end(s)
	if len(s.frame.octets) > 0 {
		s.line(s.w.now, seq, mark, "%v frame without end: % x", s.packet.Data, s.frame.octets)
	}
	s.frame = frame{octets: s.frame.octets[:0]}
	if !s.w.all {
		s.line(s.w.now, seq, mark, "%v ends", s.packet.Data)
	}
}

// endFrame writes a frame of V.21, and an ECM frame that is none of image data.
func (s *side) endFrame(seq uint16, mark string, good bool) {
	octets := s.frame.octets
	defer func() { s.frame = frame{octets: octets[:0]} }()
	if s.packet.Data != ifp.V21Data && isImage(octets) {
		s.run.octets += max(len(octets)-4, 0)
		s.run.frames++
		if !good {
			s.run.bad++
		}
		return
	}
	note := ""
	if !good {
		note = " (FCS wrong)"
	} else if s.frame.damaged {
		note = " (not all of it came)"
	}
	s.line(s.w.now, seq, mark, "%v %s%s", s.packet.Data, frameText(octets), note)
}

// carriesImage tells whether a modem is one for image data.
func carriesImage(d ifp.DataType) bool {
	return d != ifp.V21Data && d.BitRate() >= 2400 || d == ifp.V34PrimaryChannelData
}

func (r *run) add(s *side, seq uint16) {
	if r.packets == 0 {
		*r = run{data: s.packet.Data, began: s.w.now}
	}
	r.packets++
	r.last, r.ended = seq, s.w.now
}

// end writes the run, if there is one.
func (r *run) end(s *side) {
	if r.packets == 0 {
		return
	}
	what := counted(r.octets, "octet")
	if r.frames > 0 {
		what = fmt.Sprintf("%s of image in %s", what, counted(r.frames, "frame"))
		if r.bad > 0 {
			what += fmt.Sprintf(", %d with a wrong FCS", r.bad)
		}
	}
	s.line(r.ended, r.last, "", "%v %s, %s in %.3f s", r.data, what, counted(r.packets, "packet"), r.ended.Sub(r.began).Seconds())
	*r = run{}
}
