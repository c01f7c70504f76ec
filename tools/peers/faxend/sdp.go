package faxend

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"tipring/tools/peers/farend"
)

// attributes are those of an image line, when the script has none.
var attributes = []string{
	"a=T38FaxVersion:0", "a=T38MaxBitRate:14400", "a=T38FaxRateManagement:transferredTCF",
	"a=T38FaxMaxBuffer:2000", "a=T38FaxMaxDatagram:400", "a=T38FaxUdpEC:t38UDPRedundancy",
}

var (
	imageLine = regexp.MustCompile(`(?im)^m=image (\d+) udptl t38`)
	soundLine = regexp.MustCompile(`(?m)^m=audio (\d+) `)
	mediaLine = regexp.MustCompile(`(?m)^m=(\w+) (\d+) ([^\r\n]*)`)
	connected = regexp.MustCompile(`(?m)^c=IN IP[46] (\S+)`)
)

// imageOf returns where an SDP wants UDPTL; ok is false without an image that is in use.
func imageOf(sdp string) (to netip.AddrPort, ok bool) {
	at := imageLine.FindStringSubmatchIndex(sdp)
	if at == nil {
		return to, false
	}
	port, _ := strconv.Atoi(sdp[at[2]:at[3]])
	own := sdp[at[0]:]
	if next := strings.Index(own[2:], "\nm="); next >= 0 {
		own = own[:2+next]
	}
	c := connected.FindStringSubmatch(own)
	if c == nil {
		c = connected.FindStringSubmatch(sdp)
	}
	if c == nil || port == 0 {
		return to, false
	}
	addr, err := netip.ParseAddr(c[1])
	return netip.AddrPortFrom(addr, uint16(port)), err == nil
}

// sounds reports whether an SDP has sound that is in use.
func sounds(sdp string) bool {
	m := soundLine.FindStringSubmatch(sdp)
	return m != nil && m[1] != "0"
}

// session is an SDP with the media lines given.
func (f *Fax) session(lines ...string) string {
	f.mu.Lock()
	f.version++
	version := f.version
	f.mu.Unlock()
	address := farend.Address(f.Call.Media.Addr.Addr())
	return fmt.Sprintf("v=0\r\no=- 38 %d %s\r\ns=-\r\nc=%s\r\nt=0 0\r\n", version, address, address) + strings.Join(lines, "")
}

// imageMedia is the image line of this end, with more attributes.
func (f *Fax) imageMedia(port uint16, more ...string) string {
	own := f.script.T38
	if own == nil {
		own = attributes
	}
	return fmt.Sprintf("m=image %d udptl t38\r\n%s\r\n", port, strings.Join(append(append([]string(nil), own...), more...), "\r\n"))
}

func (f *Fax) soundMedia() string {
	return fmt.Sprintf("m=audio %d RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\n", f.Call.Media.Addr.Port())
}

// answerTo answers an offer line by line: an image line with image, an audio line with
// sound, each when not empty, and anything else with port 0 (RFC 3264 section 6).
func (f *Fax) answerTo(offer, image, sound string) string {
	var lines []string
	for _, m := range mediaLine.FindAllStringSubmatch(offer, -1) {
		switch {
		case strings.EqualFold(m[1], "image") && image != "":
			lines, image = append(lines, image), ""
		case strings.EqualFold(m[1], "audio") && sound != "":
			lines, sound = append(lines, sound), ""
		default:
			lines = append(lines, fmt.Sprintf("m=%s 0 %s\r\n", m[1], m[3]))
		}
	}
	return f.session(lines...)
}
