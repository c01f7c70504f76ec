package lines

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"tipring/internal/offer"
	"tipring/internal/sipmsg"
	"tipring/registrar"
)

// A Handler is told what becomes of a call, on the line's goroutine. It must not block,
// nor wait for the line.
type Handler interface {
	// Started: this is the call, which has just begun.
	Started(c *Call)
	// Ringing: the far end is alerted; no sound comes from there.
	Ringing(c *Call)
	// Media: this is agreed for sound from now on, before the answer too. Nil: none is.
	Media(c *Call, a *offer.Audio)
	// Answered: the call is up.
	Answered(c *Call)
	// Digit: the far end sent 0-9, *, #, A-D or F (flash) by INFO.
	Digit(c *Call, digit byte)
	// Referred: the far end asks to call somebody else instead (RFC 3515). The handler
	// fills in Media, Handler and Port and hands d to Dial, or answers false.
	Referred(c *Call, d Dial) bool
	// Ended: the call is over. Nothing is told after it. c is nil when Dial was called
	// on a line that is closed.
	Ended(c *Call, r Reason)
}

// A FaxHandler is a Handler of a call that may become a fax by T.38. The line refuses m=image
// to every other one.
type FaxHandler interface {
	Handler
	// Image: T.38 is agreed from now on, or, nil, no more. Media follows, with what is agreed for
	// sound: nil, unless both stand beside each other.
	Image(c *Call, i *offer.Image)
	// SwitchRefused: what Switch asked for is not to be had, and the call goes on as it was.
	// code is that of the final response; 200 stands for port 0 in its answer, 408 for no
	// response.
	SwitchRefused(c *Call, code int)
}

// A Reason is why a call ended.
type Reason struct {
	Code  int    // of the final response; 0: none
	Text  string // for people
	Local bool   // this side hung up
	By    Ender
	Cause int // of ITU-T Q.850, as a gateway to the telephone network tells it (RFC 3326); 0: none
}

// An Ender is who, or what, ended a call.
type Ender uint8

// Enders.
const (
	Here    Ender = iota // the telephone, or a rule of this device
	FarEnd               // the far end, or a server on the way to it
	Timer                // nobody did anything in time
	Network              // no server could be reached, or none served
)

func (e Ender) String() string { return [...]string{"here", "far end", "timer", "network"}[e] }

// because is the Reason header of a request or a response (RFC 3326), as a remark.
func because(m *sipmsg.Message) string {
	if m == nil || m.Header.Get("Reason") == "" {
		return ""
	}
	return fmt.Sprintf(" (%.200s)", strings.Join(m.Header.Values("Reason"), ", "))
}

// causeOf is the cause of Q.850 in a Reason header; 0: there is none.
func causeOf(m *sipmsg.Message) int {
	if m == nil {
		return 0
	}
	for _, line := range m.Header.Values("Reason") {
		for _, value := range outsideQuotes(line, ',') {
			if n := causeIn(outsideQuotes(value, ';')); n != 0 {
				return n
			}
		}
	}
	return 0
}

// causeIn reads one reason: its protocol and parameters.
func causeIn(parts []string) int {
	if len(parts) == 0 || !strings.EqualFold(strings.TrimSpace(parts[0]), "Q.850") {
		return 0
	}
	if n := causeParam(parts[1:]); n <= 127 {
		return n
	}
	return 0
}

// causeParam is the cause among the parameters of a reason; 0: there is none.
func causeParam(params []string) int {
	for _, param := range params {
		name, number, _ := strings.Cut(param, "=")
		n, err := strconv.Atoi(strings.TrimSpace(number))
		if strings.EqualFold(strings.TrimSpace(name), "cause") && err == nil && n > 0 {
			return n
		}
	}
	return 0
}

// outsideQuotes splits text at a mark that does not stand between quotes.
func outsideQuotes(text string, mark rune) []string {
	quoted := false
	return strings.FieldsFunc(text, func(r rune) bool {
		quoted = quoted != (r == '"')
		return r == mark && !quoted
	})
}

// Busy reports that the called party is busy: busy tone rather than reorder.
func (r Reason) Busy() bool { return r.Code == 486 || r.Code == 600 || r.Code == 603 }

// Media is the local side of a call's sound, as its owner opened it.
type Media struct {
	RTPPort, RTCPPort uint16
	Mapped            netip.AddrPort // where RTP is seen behind a NAT, by STUN; zero: as local
	MappedRTCP        netip.AddrPort
	MappedUDPTL       netip.AddrPort // of UDPTLPort

	// G711 leaves the line's other codecs out: what modems say does not pass them.
	G711 bool
	// T38 is what this side does by T.38 on RTPPort; nil: nothing.
	T38 *offer.T38
	// Want is what the first INVITE offers, or an answer to one prefers.
	Want offer.Mode
	// UDPTLPort is where T.38 comes in when it stands beside sound; 0: SoundAndFax is not done.
	UDPTLPort uint16
}

// A Dial is a call to be made.
type Dial struct {
	To      string // a number, user@host, or a sip URI
	ANI     string // number to show as the caller's, as caller_id says; empty: the line's own
	Port    int    // of the telephone; for records
	Media   Media
	Handler Handler

	// Anonymous: who is called is not told who calls; the server is (RFC 3323). An emergency call
	// tells all the same.
	Anonymous bool

	// Emergency: the call waits for no registration. It goes to the servers as they are
	// configured, one after the other, and in the end to those that are known to be dead.
	Emergency bool

	replaces   string // Replaces header (RFC 3891) of an attended transfer
	referredBy string
	referrer   *session // is sent NOTIFYs about this call
}

// State is where a call stands.
type State uint8

// States of a call.
const (
	Calling    State = iota // nothing but silence or 100
	Proceeding              // the far end works on it
	Ringing
	Connected
	Held // connected; one side hears nothing
	Ended
)

func (s State) String() string {
	return [...]string{"calling", "proceeding", "ringing", "connected", "held", "ended"}[s]
}

// An Info is what the outside is shown of a call. It is never changed.
type Info struct {
	ID        string
	SIPCallID string
	Line      int
	Port      int
	Incoming  bool
	Peer      string // number or URI of the far end
	Name      string // display name of the far end
	Anonymous bool   // the far end does not want to be shown
	Callback  bool   // somebody who was called in an emergency may call back: nothing set here keeps the call away
	Alert     string // what Alert-Info asks to be rung: bellcore-dr1 to bellcore-dr8, or another name; empty: nothing
	State     State
	Server    registrar.Server
	Codec     string // pcmu pcma g722 t38; empty: none agreed
	Remote    netip.AddrPort
	SRTP      bool // the sound is encrypted
	LocalIP   netip.Addr
	RTPPort   uint16
	Started   time.Time
	Answered  time.Time // zero: not yet
	Ended     time.Time
	Reason    string
	Missed    bool // of an ended one: somebody here would have wanted to know of it
}
