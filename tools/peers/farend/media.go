package farend

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tipring/tools/peers/audio"
	"tipring/tools/peers/netlab"
)

// Media is the RTP side of a call, G.711 mu-law in 20 ms packets: it says one
// tone, or what a machine says (machine.go), and keeps what it hears.
type Media struct {
	Addr netip.AddrPort

	conn *net.UDPConn
	done sync.WaitGroup
	stop chan struct{}
	once sync.Once

	mu      sync.Mutex
	to      netip.AddrPort
	tone    *audio.Tone
	queue   []int16 // to be said first
	heard   []int16
	events  []byte // RFC 4733 events, once each
	lastTS  uint32
	packets int
	dtmf    int // payload type of telephone-event, from the other side's SDP
	hold    bool
	paused  bool
	machine *machine
	divert  func(b []byte, from netip.AddrPort)

	protect func(b []byte) []byte // what goes out; nil: as it is
	open    func(b []byte) []byte // what has come in, or nil to drop it; nil: as it is
}

// Secure has packets go out by protect and come in by open, which drops by nil. Both get a copy.
func (m *Media) Secure(protect, open func(b []byte) []byte) {
	m.mu.Lock()
	m.protect, m.open = protect, open
	m.mu.Unlock()
}

// Inject sends a packet of the test's to the other side's media, from ours.
func (m *Media) Inject(b []byte) {
	m.mu.Lock()
	to := m.to
	m.mu.Unlock()
	_, _ = m.conn.WriteToUDPAddrPort(b, to)
}

func newMedia(t netlab.T, host *netlab.Host) *Media {
	m := &Media{stop: make(chan struct{}), tone: &audio.Tone{Freqs: []float64{1000}, DBm0: -10}, dtmf: 101}
	err := host.Do(func() (err error) {
		m.conn, err = net.ListenUDP("udp", &net.UDPAddr{IP: host.Addr.AsSlice()})
		return err
	})
	if err != nil {
		t.Errorf("farend: media: %v", err)
		return m
	}
	m.Addr = m.conn.LocalAddr().(*net.UDPAddr).AddrPort()
	m.done.Add(2)
	go m.listen()
	go m.speak()
	return m
}

// NewMedia is the media of a call whose SIP somebody else speaks. It says 1000 Hz once
// Direct tells it where, until the test ends.
func NewMedia(t netlab.T, host *netlab.Host) *Media {
	t.Helper()
	m := newMedia(t, host)
	t.Cleanup(m.close)
	return m
}

// Direct takes the other side's session description: where to speak, and whether.
func (m *Media) Direct(sdp string) { m.direct(sdp) }

// Answer answers an offer with the media.
func (m *Media) Answer(offer string) string { return m.answer(offer) }

// Say changes the tone that is said.
func (m *Media) Say(freq, dbm0 float64) {
	m.mu.Lock()
	m.tone = &audio.Tone{Freqs: []float64{freq}, DBm0: dbm0}
	m.mu.Unlock()
}

// Play says samples, once, before the tone goes on.
func (m *Media) Play(pcm []int16) {
	m.mu.Lock()
	m.queue = append(m.queue, pcm...)
	m.mu.Unlock()
}

func (m *Media) close() {
	if m == nil || m.conn == nil {
		return
	}
	m.once.Do(func() {
		close(m.stop)
		_ = m.conn.Close()
	})
	m.done.Wait()
}

func (m *Media) speak() {
	defer m.done.Done()
	start, pcm := time.Now(), make([]int16, 160)
	packet := make([]byte, 172)
	packet[0] = 0x80
	ssrc := uint32(start.UnixNano())
	timer := time.NewTimer(0)
	defer timer.Stop()
	for n := 0; ; n++ {
		timer.Reset(time.Until(start.Add(time.Duration(n) * 20 * time.Millisecond)))
		select {
		case <-timer.C:
		case <-m.stop:
			return
		}
		m.mu.Lock()
		to := m.to
		machine := m.machine
		if machine == nil {
			said := copy(pcm, m.queue)
			m.queue = m.queue[said:]
			m.tone.Next(pcm[said:])
		}
		hold, protect := m.hold || m.paused, m.protect
		m.mu.Unlock()
		if machine != nil {
			machine.exchange(pcm)
		}
		if !to.IsValid() || hold {
			continue
		}
		binary.BigEndian.PutUint16(packet[2:], uint16(n))
		binary.BigEndian.PutUint32(packet[4:], uint32(n)*160)
		binary.BigEndian.PutUint32(packet[8:], ssrc)
		copy(packet[12:], audio.ULaw(pcm))
		wire := packet
		if protect != nil {
			wire = protect(slices.Clone(packet))
		}
		_, _ = m.conn.WriteToUDPAddrPort(wire, to)
	}
}

func (m *Media) listen() {
	defer m.done.Done()
	b := make([]byte, 2000)
	for {
		n, from, err := m.conn.ReadFromUDPAddrPort(b)
		if err != nil {
			select {
			case <-m.stop:
				return
			default:
				continue
			}
		}
		m.mu.Lock()
		divert, open := m.divert, m.open
		m.mu.Unlock()
		if divert != nil {
			divert(b[:n], netip.AddrPortFrom(from.Addr().Unmap(), from.Port()))
			continue
		}
		if n < 12 || b[0]>>6 != 2 || b[1] >= 192 && b[1] <= 223 {
			continue
		}
		if open != nil {
			plain := open(slices.Clone(b[:n]))
			if n = copy(b, plain); n < 12 {
				continue
			}
		}
		m.mu.Lock()
		m.packets++
		switch pt := int(b[1] & 127); {
		case pt == 0:
			m.heard = append(m.heard, audio.FromULaw(b[12:n])...)
			if m.machine != nil {
				m.machine.arrived(binary.BigEndian.Uint32(b[4:]), audio.FromULaw(b[12:n]))
			}
		case pt == 8:
			m.heard = append(m.heard, audio.FromALaw(b[12:n])...)
		case pt == m.dtmf && n >= 16:
			if ts := binary.BigEndian.Uint32(b[4:]); len(m.events) == 0 || ts != m.lastTS {
				m.lastTS = ts
				m.events = append(m.events, "0123456789*#ABCD!"[min(b[12], 16)])
			}
		}
		m.mu.Unlock()
	}
}

// Heard returns the last d of what came.
func (m *Media) Heard(d time.Duration) []int16 {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := min(len(m.heard), int(d*audio.Rate/time.Second))
	return append([]int16(nil), m.heard[len(m.heard)-n:]...)
}

// Digits returns the RFC 4733 digits that came; ! is a flash, and what else there may be.
func (m *Media) Digits() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return string(m.events)
}

// Packets counts the RTP packets that came.
func (m *Media) Packets() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.packets
}

// WaitTone waits until the last 200 ms were one frequency at a level.
func (m *Media) WaitTone(limit time.Duration, freq, dbm0 float64) error {
	err := fmt.Errorf("nothing was heard")
	netlab.Until(limit, func() bool {
		if pcm := m.Heard(200 * time.Millisecond); len(pcm) == 1600 {
			err = audio.Heard(pcm, freq, dbm0)
		}
		return err == nil
	})
	return err
}

// Offer is an SDP offer of the media.
func (m *Media) Offer() string { return m.sdp("0 101") }

// answer takes mu-law out of an offer, and telephone-event when it was offered.
func (m *Media) answer(offer string) string {
	formats := "0"
	if found := telephoneEvent.FindStringSubmatch(offer); found != nil {
		formats += " " + found[1]
	}
	text := m.sdp(formats)
	switch {
	case strings.Contains(offer, "a=sendonly"):
		text += "a=recvonly\r\n"
	case strings.Contains(offer, "a=inactive"):
		text += "a=inactive\r\n"
	case strings.Contains(offer, "a=recvonly"):
		text += "a=sendonly\r\n"
	}
	return text
}

func (m *Media) sdp(formats string) string {
	address := Address(m.Addr.Addr())
	text := fmt.Sprintf("v=0\r\no=- 1 %d %s\r\ns=-\r\nc=%s\r\nt=0 0\r\nm=audio %d RTP/AVP %s\r\na=rtpmap:0 PCMU/8000\r\n",
		time.Now().Unix(), address, address, m.Addr.Port(), formats)
	if _, event, ok := strings.Cut(formats, " "); ok {
		text += fmt.Sprintf("a=rtpmap:%s telephone-event/8000\r\na=fmtp:%s 0-15\r\n", event, event)
	}
	return text + "a=ptime:20\r\n"
}

// Address is an address as session descriptions have it (RFC 4566 section 5.7).
func Address(a netip.Addr) string {
	if a.Is6() {
		return "IN IP6 " + a.String()
	}
	return "IN IP4 " + a.String()
}

var (
	telephoneEvent = regexp.MustCompile(`a=rtpmap:(\d+) telephone-event/8000`)
	connection     = regexp.MustCompile(`(?m)^c=IN IP[46] (\S+)`)
	audioLine      = regexp.MustCompile(`(?m)^m=audio (\d+) `)
)

// direct sends the media to where an SDP of the other side says.
func (m *Media) direct(sdp string) {
	c, a := connection.FindStringSubmatch(sdp), audioLine.FindStringSubmatch(sdp)
	if c == nil || a == nil {
		return
	}
	addr, err := netip.ParseAddr(c[1])
	port, _ := strconv.Atoi(a[1])
	if err != nil || port == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.to = netip.AddrPortFrom(addr, uint16(port))
	m.hold = strings.Contains(sdp, "a=sendonly") || strings.Contains(sdp, "a=inactive") || addr.IsUnspecified()
	if e := telephoneEvent.FindStringSubmatch(sdp); e != nil {
		m.dtmf, _ = strconv.Atoi(e[1])
	}
}
