// Package media carries a call's audio: RTP and RTCP (RFC 3550, RFC 3551) with a jitter
// buffer, telephone events (RFC 4733) and symmetric RTP, on pion/rtp's packets.
//
// A Session is one call's. The goroutine that owns the port calls Exchange with every
// frame: what the port recorded goes out in packets, what has come in is played. The
// session has no goroutine, lock or timer, its clock is the number of samples, and a frame
// allocates nothing. It reads its sockets without waiting; they stay out of the runtime's
// poller, so that no packet wakes anybody.
//
// What was agreed with the peer comes in as Params, from internal/offer. With keys in them it is
// SRTP and SRTCP (package srtp), and a packet that is not authentic is not the peer's: it is
// not heard and moves nothing. T.38 is not here; a Session can lend its RTP socket to it
// (Packets), or hand its sockets over.
//
// The tones of modems are data, not voice: DataMode turns off what helps a listener.
package media

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"

	"github.com/pion/rtp"

	"tipring/internal/media/srtp"
)

const (
	sampleRate    = 8000
	samplesPerMS  = sampleRate / 1000
	headerSize    = 12
	longestPacket = 40 * samplesPerMS // samples and octets
	maxDatagram   = 1500
	maxFormats    = 8
	drainLimit    = 64 // packets read in one frame, so that a flood cannot hold the port up
	comfortNoise  = 13 // RFC 3389
)

// Config is what a session needs from the start to the end of a call.
type Config struct {
	Jitter   Jitter   // zero: as the Ports have it that the sockets are of
	Learning Learning // so is this
	// NewCodec makes a codec by its encoding name; nil: the function NewCodec.
	NewCodec func(name string) (Codec, bool)
}

// Params is what both sides agreed. A re-INVITE brings new ones.
type Params struct {
	// Where the peer receives. Without an address, as in a hold by c=0.0.0.0, nothing is sent.
	Remote, RTCP netip.AddrPort

	Send    Format   // what is sent
	Receive []Format // what may come in, by payload type

	EventSend, EventReceive int // payload types of telephone-event; -1: not agreed

	PtimeMS  int  // packet time to send: 10 to 40
	Sends    bool // the direction: false sends nothing but RTCP
	Receives bool // false plays nothing

	SRTP *srtp.Keys // nil: plain RTP
}

// A Format is a payload type and the encoding name of its codec: PCMU, PCMA, G722.
type Format struct {
	PayloadType uint8
	Codec       string
}

// A Session is the media of one call. Its methods are the owning goroutine's but for Stats.
type Session struct {
	pair     *Pair
	newCodec func(string) (Codec, bool)
	remote   remote
	sends    bool
	receives bool
	clock    int64    // samples the port has heard
	lent     *Packets // has the RTP socket; nil: nobody
	tap      Tap      // nil: none
	jitter   Jitter
	data     bool

	sender
	receiver
	reporter
	protection
	published
}

// New makes a session on a pair of sockets, which is the session's from now on. It is
// silent until Update says what was agreed.
func New(pair *Pair, cfg Config) *Session {
	s := &Session{pair: pair, newCodec: cfg.NewCodec}
	if pair != nil {
		s.tap = tapOf(pair.RTP)
	}
	if s.newCodec == nil {
		s.newCodec = NewCodec
	}
	if pair != nil {
		if cfg.Jitter == (Jitter{}) {
			cfg.Jitter = pair.jitter
		}
		cfg.Learning = max(cfg.Learning, pair.learning)
	}
	s.remote.learning = cfg.Learning
	s.SetJitter(cfg.Jitter)
	// RFC 3550 sections 5.1 and 8.1: all three start anywhere. RFC 7022: so does the CNAME.
	var random [18]byte
	_, _ = rand.Read(random[:]) // never fails
	s.ssrc = binary.BigEndian.Uint32(random[:])
	s.ts = binary.BigEndian.Uint32(random[4:])
	s.seq = binary.BigEndian.Uint16(random[8:]) >> 1 // the lower half: see renumber
	s.cname = hex.EncodeToString(random[10:])
	s.marker = true
	s.sender.eventType, s.receiver.eventType, s.sentEventType = -1, -1, -1
	s.in.CSRC = make([]uint32, 0, 15)
	s.in.Extensions = make([]rtp.Extension, 0, 4)
	s.schedule(true)
	return s
}

// SetJitter changes how late packets are waited for.
func (s *Session) SetJitter(j Jitter) {
	if s.jitter = j; !s.data {
		s.player.configure(j)
	}
}

// Local is the address that RTP comes in at.
func (s *Session) Local() netip.AddrPort { return s.pair.RTP.Local() }

// Remote is where RTP goes to and comes from: what the peer gave, or what was learned;
// invalid before either.
func (s *Session) Remote() netip.AddrPort { return s.remote.rtp }

// Update puts what was agreed into force, at the packet that is being filled. On an error
// nothing has changed.
func (s *Session) Update(p Params) error {
	if p.PtimeMS < 10 || p.PtimeMS > longestPacket/samplesPerMS {
		return fmt.Errorf("packet time of %d ms", p.PtimeMS)
	}
	if len(p.Receive) > maxFormats-1 {
		return fmt.Errorf("%d formats to receive", len(p.Receive))
	}
	decoders, err := s.receiver.prepare(p, s.newCodec)
	if err != nil {
		return err
	}
	security, err := s.secured(p.SRTP)
	if err != nil {
		return err
	}
	if err := s.sender.update(p, s.newCodec); err != nil {
		return err
	}
	s.takeBack()
	s.secureBy(security)
	s.receiver.update(p, decoders)
	s.remote.set(p.Remote, p.RTCP)
	s.sends, s.receives = p.Sends, p.Receives
	if !p.Receives {
		s.player.silence()
	}
	s.publish()
	return nil
}

// Exchange takes a frame of the port and fills another of the same length for it.
func (s *Session) Exchange(in, out []int16) {
	if s.pair == nil {
		clear(out)
		return
	}
	if s.lent != nil {
		clear(out)
		s.clock += int64(len(out))
		s.ts += uint32(len(out))
		s.lent.Pass(len(out))
		return
	}
	s.send(in)
	s.drain()
	if s.receives {
		s.player.read(out, s.decoders[:], s.buf[:])
	} else {
		clear(out)
	}
	s.heard.pass(len(out))
	s.remote.pass(len(out))
	before := s.clock
	s.clock += int64(len(out))
	if s.clock >= s.nextReport {
		s.report(false)
		s.schedule(false)
	}
	if before/publishEvery != s.clock/publishEvery {
		s.publish()
	}
}

// NextEvent is the next telephone event of the peer's that was not told yet.
func (s *Session) NextEvent() (Event, bool) { return s.heard.next() }

// CanSendEvents reports whether the peer takes telephone events now.
func (s *Session) CanSendEvents() bool {
	return s.sends && s.sender.eventType >= 0 && s.remote.known()
}

// SendEvent sends a telephone event of so many milliseconds after those sent before; false
// when it cannot.
func (s *Session) SendEvent(code uint8, ms int) bool {
	return s.CanSendEvents() && s.events.press(code, max(ms, 1)*samplesPerMS)
}

// StartEvent begins a telephone event that lasts until StopEvent.
func (s *Session) StartEvent(code uint8) bool {
	return s.CanSendEvents() && s.events.press(code, 0)
}

// StopEvent ends the event that StartEvent began.
func (s *Session) StopEvent() { s.events.release() }

// SendingEvent reports whether events are being sent, so that the audio is muted.
func (s *Session) SendingEvent() bool { return s.events.busy() }

// Close says goodbye to the peer and gives the sockets and their ports back.
func (s *Session) Close() error {
	pair := s.Release()
	if pair == nil {
		return nil
	}
	return pair.Close()
}

// Release ends the session with a BYE and hands its sockets over, to T.38 for instance;
// nil after the first time.
func (s *Session) Release() *Pair {
	pair := s.pair
	if pair == nil {
		return nil
	}
	if s.lent == nil {
		s.report(true)
	}
	s.takeBack()
	s.publish()
	s.pair = nil
	return pair
}
