package lockstep

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"
)

// maxPacket is the largest packet that a stream may carry.
const maxPacket = 2048

// A Stream is an end that is reached over a pair of pipes or a connection. In each step
// the other side writes what it sends and reads what it hears, in whichever order;
// samples are 320 octets, little endian, packets a list, big endian:
//
//	count(2)  { seq(2) copies(1) depth(1) length(2) octets }*
//
// A Stream's Machine, Terminal and Gateway are the three ends that it may be; which one
// it is, is decided by what is on the other side, and only that one may be used.
type Stream struct {
	r *bufio.Reader
	w *bufio.Writer

	octets [2 * Tick]byte
	err    error
}

// NewStream makes an end of what is read from r and written to w.
func NewStream(r io.Reader, w io.Writer) *Stream {
	return &Stream{r: bufio.NewReader(r), w: bufio.NewWriter(w)}
}

// Machine is the stream as an end that exchanges samples.
func (s *Stream) Machine() PCMEnd { return (*machineStream)(s) }

// Terminal is the stream as an end that exchanges packets.
func (s *Stream) Terminal() IFPEnd { return (*terminalStream)(s) }

// Gateway is the stream as an end that exchanges samples, then packets.
func (s *Stream) Gateway() GatewayEnd { return (*gatewayStream)(s) }

type machineStream Stream

func (m *machineStream) Exchange(in, out []int16) error {
	s := (*Stream)(m)
	s.writeSamples(in)
	s.flush()
	s.readSamples(out)
	return s.result()
}

type terminalStream Stream

func (t *terminalStream) Exchange(in []Packet) ([]Packet, error) {
	s := (*Stream)(t)
	s.writePackets(in)
	s.flush()
	out := s.readPackets()
	return out, s.result()
}

type gatewayStream Stream

func (g *gatewayStream) Exchange(pcmIn, pcmOut []int16, in []Packet) ([]Packet, error) {
	s := (*Stream)(g)
	s.writeSamples(pcmIn)
	s.writePackets(in)
	s.flush()
	s.readSamples(pcmOut)
	out := s.readPackets()
	return out, s.result()
}

// result is the first error there was, where an other side that is gone is
// io.EOF however it shows.
func (s *Stream) result() error {
	err := s.err
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.ErrClosedPipe) || errors.Is(err, fs.ErrClosed) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		return io.EOF
	}
	return err
}

func (s *Stream) write(octets []byte) {
	if s.err == nil {
		_, s.err = s.w.Write(octets)
	}
}

func (s *Stream) flush() {
	if s.err == nil {
		s.err = s.w.Flush()
	}
}

func (s *Stream) read(octets []byte) {
	if s.err == nil {
		_, s.err = io.ReadFull(s.r, octets)
	}
	if s.err != nil {
		clear(octets)
	}
}

func (s *Stream) writeSamples(samples []int16) {
	for i, v := range samples {
		binary.LittleEndian.PutUint16(s.octets[2*i:], uint16(v))
	}
	s.write(s.octets[:])
}

func (s *Stream) readSamples(samples []int16) {
	s.read(s.octets[:])
	for i := range samples {
		samples[i] = int16(binary.LittleEndian.Uint16(s.octets[2*i:]))
	}
}

func (s *Stream) writePackets(list []Packet) {
	s.write(binary.BigEndian.AppendUint16(s.octets[:0], uint16(len(list))))
	for _, p := range list {
		head := binary.BigEndian.AppendUint16(s.octets[:0], p.Seq)
		head = append(head, byte(p.Copies), byte(p.Depth))
		s.write(binary.BigEndian.AppendUint16(head, uint16(len(p.Octets))))
		s.write(p.Octets)
	}
}

func (s *Stream) readPackets() []Packet {
	var list []Packet
	for range s.read16() {
		head := s.octets[:6]
		s.read(head)
		length := int(binary.BigEndian.Uint16(head[4:]))
		if length > maxPacket {
			s.err = fmt.Errorf("a packet of %d octets on the pipe", length)
		}
		if s.err != nil {
			return nil
		}
		p := Packet{Seq: binary.BigEndian.Uint16(head), Copies: int(head[2]), Depth: int(head[3]), Octets: make([]byte, length)}
		s.read(p.Octets)
		list = append(list, p)
	}
	return list
}

func (s *Stream) read16() int {
	s.read(s.octets[:2])
	return int(binary.BigEndian.Uint16(s.octets[:2]))
}
