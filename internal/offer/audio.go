package offer

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"tipring/internal/media/srtp"
)

// Audio is what both sides agreed for the audio stream.
type Audio struct {
	Remote netip.AddrPort // where to send RTP; without address during a hold by c=0.0.0.0
	RTCP   netip.AddrPort // where to send RTCP
	Host   string         // the name in c= when it was no address; Remote has none then

	Send    Format   // what to send
	Receive []Format // what may come in: the peer may change between them at any packet

	EventSend, EventReceive int // payload types of telephone-event; -1: not agreed

	PtimeMS   int       // packet time to send: 10, 20, 30 or 40
	Direction Direction // what this side does
	Held      bool      // the peer does not want to hear us: it holds the call

	SRTP *srtp.Keys // nil: plain RTP
}

// An audioLine is what a peer's m=audio line says, read.
type audioLine struct {
	remote, rtcp netip.AddrPort
	host         string
	direction    Direction
	formats      []Format // that this program knows, in the peer's order
	event        int      // -1: none
	comfort      bool     // RFC 3389, by its static payload type
	ptime        int      // 0: not said
	maxptime     int
	secure       bool     // RTP/SAVP
	keyed        bool     // it has keys, understood or not
	cryptos      []crypto // those that are understood
}

// readAudio reads stream i of a peer's description.
func readAudio(d *Description, i int) (audioLine, error) {
	m := &d.Media[i]
	line := audioLine{event: -1, direction: d.Direction(i), ptime: m.milliseconds("ptime"), maxptime: m.milliseconds("maxptime")}
	line.secure = strings.EqualFold(m.Proto, secureProfile)
	if !line.secure && !strings.EqualFold(m.Proto, plainProfile) {
		return line, refusal(warnTransport, "transport %.20s", m.Proto)
	}
	_, line.keyed = m.Attributes.Get("crypto")
	line.cryptos = m.cryptos()
	for _, f := range m.Formats {
		pt, ok := payloadType(f)
		if !ok {
			continue
		}
		if codec, ok := m.codecOf(pt); ok {
			line.formats = append(line.formats, Format{pt, codec})
		} else if m.isComfort(pt) {
			line.comfort = true
		} else if line.event < 0 && m.isEvent(pt) {
			line.event = int(pt)
		}
	}
	return line, line.readAddress(d, i)
}

// readAddress reads where stream i of d is to be sent.
func (line *audioLine) readAddress(d *Description, i int) error {
	p, err := d.place(i)
	if err != nil {
		return err
	}
	line.remote, line.host = p.remote, p.host
	switch {
	case p.held:
		line.direction &^= RecvOnly
	case line.host == "":
		line.rtcp = rtcpAddress(&d.Media[i], line.remote)
	}
	return nil
}

// A place is where a peer receives a stream.
type place struct {
	remote netip.AddrPort // without an address where host or held says why
	host   string         // the name in c= when it was no address
	held   bool           // nowhere, for the moment
}

// place reads where stream i is to be sent.
func (d *Description) place(i int) (p place, err error) {
	m, c := &d.Media[i], d.Address(i)
	ip, ok := c.IP()
	p.remote = netip.AddrPortFrom(netip.Addr{}, uint16(m.Port))
	switch {
	case ok && ip.IsUnspecified(), strings.HasSuffix(strings.ToLower(c.Host), ".invalid"):
		// RFC 3264 section 8.4 and RFC 6157 section 5.1: the hold of RFC 2543.
		p.held = true
	case ok && ip.IsMulticast():
		return p, refusal(warnMulticast, "multicast address %v", ip)
	case ok && ip == broadcast:
		return p, refusal(warnAddress, "broadcast address %v", ip)
	case ok:
		p.remote = netip.AddrPortFrom(ip, uint16(m.Port))
	case isName(c):
		p.host = c.Host
	default:
		return p, refusal(warnAddress, "address %.20s %.60s", c.Type, c.Host)
	}
	return p, nil
}

// broadcast is every host at once, which is nobody's address to receive at.
var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// isName reports an address of a known type whose host is a name.
func isName(c Address) bool {
	if !strings.EqualFold(c.Net, "IN") || !strings.EqualFold(c.Type, "IP4") && !strings.EqualFold(c.Type, "IP6") {
		return false
	}
	for _, r := range c.Host {
		if r != '.' && r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return false
		}
	}
	_, err := netip.ParseAddr(c.Host)
	last := c.Host[strings.LastIndexByte(c.Host, '.')+1:]
	_, numeric := decimal(last, 1<<30)
	return err != nil && last != "" && !numeric
}

// rtcpAddress is the a=rtcp of the line (RFC 3605), else the port after RTP's.
func rtcpAddress(m *Media, rtp netip.AddrPort) netip.AddrPort {
	if v, ok := m.Attributes.Get("rtcp"); ok {
		number, rest := cutField(v)
		if port, ok := decimal(number, 65535); ok && port > 0 {
			ip, ok := parseAddress(rest).IP()
			if !ok || ip.IsUnspecified() || ip.IsMulticast() || ip == broadcast || ip.Is4() != rtp.Addr().Is4() {
				ip = rtp.Addr()
			}
			return netip.AddrPortFrom(ip, uint16(port))
		}
	}
	if rtp.Port() == 65535 {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(rtp.Addr(), rtp.Port()+1)
}

// packetTime is the packet time to send to a peer that asked for ptime and takes no more
// than maxptime; own is ours when it asked for none.
func packetTime(ptime, maxptime, own int) int {
	if ptime == 0 {
		ptime = own
	}
	if maxptime > 0 {
		ptime = min(ptime, maxptime)
	}
	return min(max(ptime/10*10, 10), 40)
}

// answerAudio answers stream i of an offer: one codec, the first of the peer's that we
// have, so that neither side changes its codec in mid-call. RFC 3264 section 6.1: the
// offerer's order is recommended.
func (s *Session) answerAudio(offer *Description, i int) (Media, *Audio, error) {
	line, err := readAudio(offer, i)
	if err != nil {
		return Media{}, nil, err
	}
	if err := s.local.reaches(&line); err != nil {
		return Media{}, nil, err
	}
	crypto, err := s.chooseCrypto(&line)
	if err != nil {
		return Media{}, nil, err
	}
	chosen, ok := s.choose(line.formats)
	if !ok {
		return Media{}, nil, refusal(warnFormat, "no common codec")
	}
	a := line.agree(s.caps.PtimeMS, s.want)
	a.Send, a.Receive = chosen, []Format{chosen}
	if s.caps.Events {
		a.EventSend, a.EventReceive = line.event, line.event
	}
	m := s.audioMedia(a.Receive, a.EventReceive, s.caps.Comfort && line.comfort, a.PtimeMS, a.Direction)
	m.Kind, m.Proto = offer.Media[i].Kind, offer.Media[i].Proto // in the peer's letters
	a.SRTP = s.answerCrypto(&m, crypto)
	return m, a, nil
}

// reaches refuses a peer whose address is of another family than our socket, and one that
// receives at the very ports where we do: what we send would come back to us as if it were
// the peer's.
func (l Local) reaches(line *audioLine) error {
	if err := sameFamily(l.RTP, line.remote); err != nil {
		return err
	}
	ours := [...]netip.AddrPort{unmapped(l.RTP), unmapped(l.RTCP)}
	if !l.RTCP.IsValid() {
		ours[1] = netip.AddrPortFrom(ours[0].Addr(), ours[0].Port()+1)
	}
	for _, theirs := range []netip.AddrPort{line.remote, line.rtcp} {
		if theirs.Addr().IsValid() && theirs.Port() != 0 && slices.Contains(ours[:], theirs) {
			return refusal(warnAddress, "%v is this side's own address", theirs)
		}
	}
	return nil
}

func sameFamily(local, remote netip.AddrPort) error {
	if a := remote.Addr(); a.IsValid() && a.Is4() != local.Addr().Unmap().Is4() {
		return refusal(warnAddress, "%v cannot be reached from %v", a, local.Addr())
	}
	return nil
}

func unmapped(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

// choose finds the first of the peer's formats that we have.
func (s *Session) choose(formats []Format) (Format, bool) {
	for _, f := range formats {
		for _, c := range s.caps.Codecs {
			if f.Codec == c {
				return f, true
			}
		}
	}
	return Format{}, false
}

// takeAudio reads the answer's line i against our own line m.
func (s *Session) takeAudio(m *Media, answer *Description, i int) (*Audio, error) {
	at := answer.lineOf(i, Media.isAudio)
	if at < 0 {
		return nil, refusal(warnMedia, "the peer refused the audio stream")
	}
	line, err := readAudio(answer, at)
	if err != nil {
		return nil, err
	}
	if err := s.local.reaches(&line); err != nil {
		return nil, err
	}
	keys, err := takeCrypto(m, &line)
	if err != nil {
		return nil, err
	}
	own := ownFormats(m)
	want, _ := m.Attributes.direction()
	a := line.agree(s.caps.PtimeMS, want)
	a.SRTP = keys
	a.Receive = own.formats
	if own.event >= 0 && line.event >= 0 {
		a.EventSend, a.EventReceive = line.event, own.event
	}
	for _, f := range line.formats {
		for _, o := range own.formats {
			if f.Codec == o.Codec {
				a.Send = f
				return a, nil
			}
		}
	}
	return nil, refusal(warnFormat, "no common codec")
}

// ownFormats reads the formats of a line that we wrote.
func ownFormats(m *Media) audioLine {
	line, _ := readAudio(&Description{Media: []Media{*m}, Connection: Address{"IN", "IP4", "0.0.0.0"}}, 0)
	return line
}

// agree joins what the peer's line says with what we want.
func (line *audioLine) agree(ptime int, want Direction) *Audio {
	return &Audio{
		Remote: line.remote, RTCP: line.rtcp, Host: line.host,
		EventSend: -1, EventReceive: -1,
		PtimeMS:   packetTime(line.ptime, line.maxptime, ptime),
		Direction: line.direction.Reverse() & want,
		Held:      !line.direction.CanReceive(),
	}
}

// offerAudio is the line that offers everything we have.
func (s *Session) offerAudio(direction Direction) Media {
	formats := make([]Format, len(s.caps.Codecs))
	for i, c := range s.caps.Codecs {
		formats[i] = Format{codecs[c].payloadType, c}
	}
	event := -1
	if s.caps.Events {
		event = s.eventPayloadType()
	}
	m := s.audioMedia(formats, event, s.caps.Comfort, s.caps.PtimeMS, direction)
	s.secure(&m)
	return m
}

// eventPayloadType is the one we used before in this session, for RFC 3264 section 8.3.2
// forbids a new meaning, else 101, else the first that means nothing to the peer.
func (s *Session) eventPayloadType() int {
	var mine, theirs Media
	if i := s.agreed.audioIndex(); i >= 0 {
		mine, theirs = s.agreed.local.Media[i], s.agreed.remote.Media[i]
	}
	if e := ownFormats(&mine).event; e >= 0 {
		return e
	}
	for pt := firstEvent; pt <= lastDynamic; pt++ {
		if _, taken := theirs.rtpmap(uint8(pt)); !taken {
			return pt
		}
	}
	return -1
}

// audioMedia writes our m=audio line.
func (s *Session) audioMedia(formats []Format, event int, comfort bool, ptime int, direction Direction) Media {
	m := Media{Kind: "audio", Port: int(s.local.RTP.Port()), Proto: plainProfile}
	for _, f := range formats {
		pt := strconv.Itoa(int(f.PayloadType))
		m.Formats = append(m.Formats, pt)
		m.Attributes.Add("rtpmap", pt+" "+f.Codec.String()+"/8000")
	}
	if comfort {
		pt := strconv.Itoa(comfortNoise)
		m.Formats = append(m.Formats, pt)
		m.Attributes.Add("rtpmap", pt+" "+comfortName+"/8000")
	}
	if event >= 0 {
		pt := strconv.Itoa(event)
		m.Formats = append(m.Formats, pt)
		m.Attributes.Add("rtpmap", pt+" "+eventName+"/8000")
		m.Attributes.Add("fmtp", pt+" "+eventRange)
	}
	m.Attributes.Add("ptime", strconv.Itoa(ptime))
	m.Attributes.setDirection(direction)
	s.writeRTCP(&m)
	return m
}

// writeRTCP puts the a=rtcp line in when RTCP is not on the port after RTP's.
func (s *Session) writeRTCP(m *Media) {
	kept := make(Attributes, 0, len(m.Attributes)+1)
	for _, a := range m.Attributes {
		if a.Name != "rtcp" {
			kept = append(kept, a)
		}
	}
	m.Attributes = kept
	rtp, rtcp := s.local.RTP, s.local.RTCP
	if !rtcp.IsValid() || rtcp == netip.AddrPortFrom(rtp.Addr(), rtp.Port()+1) {
		return
	}
	value := strconv.Itoa(int(rtcp.Port()))
	if rtcp.Addr() != rtp.Addr() {
		c := addressOf(rtcp.Addr())
		value += " " + c.Net + " " + c.Type + " " + c.Host
	}
	m.Attributes.Add("rtcp", value)
}
