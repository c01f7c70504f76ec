package config

import (
	"net/netip"
	"strconv"
	"strings"
)

// MaxNumber is the highest N of [sipN] and [portN].
const MaxNumber = 1024

// Device is [device]: what the box is, where it keeps its files, how it logs.
type Device struct {
	MAC       string // twelve lower-case hex digits, or auto: see DetectIdentity
	Serial    string // or auto
	StateDir  string
	Country   string // tones, cadences, caller ID: us, gb, de
	TimeZone  string // as internal/timezone finds it
	Tones     string // what differs from the country's
	LogLevel  string // debug info warn error
	LogFormat string // text json
	Syslog    string // host or host:port that log messages are sent to; empty: nobody
	DrainS    int

	KeypadReset bool // the voice menu may erase all settings
}

// SIP is [sip]: what all lines share.
type SIP struct {
	Bind       netip.Addr // zero: every address
	UDPPort    int        // 0: any free port, here and below
	TCPPort    int
	TLSPort    int
	RTPPortMin int
	RTPPortMax int
	STUNServer string // host or host:port; empty: none
	TLSCAFile  string // empty: system roots
	T1MS       int
	SIPDSCP    int // 0 to 63
	RTPDSCP    int
	RTPSource  string // nat any strict

	JitterBuffer  string // adaptive fixed
	JitterStartMS int
	JitterMinMS   int
	JitterMaxMS   int

	CaptureMedia  string // off fax all
	CaptureDigits bool
}

// Line is one [sipN].
//
// A port that is 0 was not given by any layer; its value is then found with the
// server (RFC 3263), and where no lookup tells it, 5060, over TLS 5061.
type Line struct {
	N            int
	Enabled      bool
	Username     string
	DisplayName  string
	Realm        string
	AuthUser     string // empty: Username
	AuthPassword string
	ServerName   string // host part of the AOR; empty: RegisterAddr

	RegisterAddr    string // IP address or host name; empty: no registration
	RegisterPort    int    // 0: not given
	RegisterTTL     int    // s
	Transport       Transport
	BackupAddr      string
	BackupPort      int // 0: not given
	BackupTTL       int // s
	BackupTransport Transport

	EnableFailback    bool
	FailbackInterval  int // s
	SignalFailback    bool
	SignalRetryCounts int

	ProxyAddr       string
	ProxyPort       int // 0: not given
	ProxyUser       string
	ProxyPassword   string
	BackupProxyAddr string
	BackupProxyPort int // 0: not given

	DNSMode            string // auto a srv naptr
	Keepalive          string // none crlf options stun
	KeepaliveIntervalS int
	WarmBackup         bool
	FailbackGoodProbes int
	FailbackHoldS      int
	FailbackJitterPct  int
	FailbackInCall     bool

	PtimeMS         int      // RTP packet time to ask for: 10, 20, 30 or 40
	Codecs          []string // pcmu pcma g722, in order of preference; shared, not to be changed
	ComfortNoise    bool     // offered
	HuntS           int      // that each port rings, one after the other; 0: all at once
	DTMFType        string   // auto rfc4733 info inband
	DTMFSIPInfoMode string   // 10/11 or */#
	SRTP            string   // off optional required
	SRTPOverClear   bool     // keys without TLS too
	SessionExpiresS int      // 0: off
	CallerID        string   // from ppi pai rpid

	SubscribeForVoiceMessage    bool
	VoiceMessageNumber          string
	VoiceMessageSubscribePeriod int // s
	EnableHotline               bool
	HotlineNumber               string
	HotlineDelay                int // s
	DialWithoutRegistered       bool
	RequestWithPort             bool
	UseSTUN                     bool
	UseVPN                      string // a network interface; empty: none
	EnableMissedCallLog         bool
	RingTimeS                   int // of a call that comes in, at most; 0: until the caller gives up
	EnableDND                   bool
	PSAPCallback                bool     // Priority: psap-callback is believed of the line's servers
	AcceptFrom                  Networks // servers, any, or networks

	MaxCalls           int      // that go out at once; 0: no bound
	MaxCallsPerHour    int      // 0: no bound
	BlockPrefixes      []string // of numbers that are not called; shared, not to be changed
	BlockInternational bool
}

// Port is one [portN].
type Port struct {
	N                   int
	Kind                string // phone fax
	Line                int    // the N of its [sipN]
	Driver              Driver
	DriverToken         string
	DialPlan            string   // empty: any digits, 4 s or #
	StarCodes           string   // local server off
	StarCodeTable       string   // what differs from the usual codes: name=code, separated by commas
	CallerIDStandard    string   // country, off, or one of lines/fxs/callerid
	CallWaitingCallerID bool     // who waits is shown in a call
	MessageWaiting      []string // lamp stutter fsk splash
	PolarityReversal    bool     // while the far end has answered
	DisconnectMS        int      // of no loop current when the far end has hung up; Auto, 0: none
	PulseDialling       bool     // of a rotary dial
	HotlineNumber       string   // dialled by itself; empty: the line's hotline, if it has one
	HotlineDelay        int      // seconds before it
	NoDigitS            int      // of dial tone; 0: the country's
	InterdigitS         int      // where the dial plan says nothing

	CallWaiting      bool
	FlashStyle       string // bellcore etsi rfc4733 info
	TransferOnHangup bool
	ConferenceHangup string // end transfer
	EchoCanceller    bool
	EchoTailMS       int
	RingByNumber     []string // NUMBER=RING: who calls, or NUMBER* how the number begins, and a pattern of the country's table
	RxGainDB         int      // of what the telephone hears: -12 to +12
	TxGainDB         int      // of what it says
	RTPTimeoutS      int      // 0: a call lasts however silent it is
	DataMode         string   // auto on off

	FaxMode         string // relay spool
	CallAhead       string // never dynamic always
	CallAheadBridge bool
	CallAheadS      int // call_ahead_timeout_s
	ANI             string
	CSID            string
}

// Fax is [fax].
type Fax struct {
	T38               bool
	MaxRate           int // bit/s
	ECM               bool
	RedundancyControl int
	RedundancyImage   int    // Auto, or 0 to 7
	T38EC             string // redundancy fec none
	T38MaxDatagram    int    // octets
	T38Reinvite       string // callee caller detector never
	T38First          bool   // T.38 beside sound in the first INVITE
	DetectCNG         bool
	DetectCED         bool
	DetectPreamble    bool
	Retries           int
	CDRDelimiter      string
}

// Auto is the value of a number that the program is to choose.
const Auto = -1

// Radius is [radius].
type Radius struct {
	Servers      []RadiusServer
	AcctServers  []RadiusServer
	Secret       string
	TimeoutMS    int
	Tries        int
	CallBudgetMS int
	DeadS        int
	Account      string
	Password     string
	Dictionary   string // empty: the built-in one
	FaxATAType   int
}

// Provisioning is [provisioning].
type Provisioning struct {
	Order             []string // radius dhcp pnp static
	URL               string
	IntervalS         int      // 0: at boot only
	RetryS            []string // s, each a number
	BootDelayS        int
	PnP               string // off unconfigured on
	AllowClearSecrets bool
	SealKey           string // 64 hex digits or empty
	VerifyKey         string // 64 hex digits or empty
	TLSCAFile         string
	TLSCert           string
	TLSKey            string
	LockLocal         bool
}

// Web is [web].
type Web struct {
	Listen    string // host:port; empty: off
	TLSListen string
	TLSCert   string
	TLSKey    string
	Allow     Networks // lan, any, or networks
	Hosts     []string

	FirstPassword string // taken for the claim code
}

// Transport is a SIP transport under the number that Fanvil's items give it.
type Transport uint8

// The transports; 2 is not used.
const (
	UDP Transport = 0
	TCP Transport = 1
	TLS Transport = 3
)

// String is the word for a transport: udp, tcp or tls.
func (t Transport) String() string {
	switch t {
	case TCP:
		return "tcp"
	case TLS:
		return "tls"
	}
	return "udp"
}

// A Driver names how a port reaches its line card: unix with a path, tcp with an
// address, or sim and none without one.
type Driver struct{ Name, Addr string }

// String is the driver as the configuration writes it.
func (d Driver) String() string {
	if d.Addr == "" {
		return d.Name
	}
	return d.Name + ":" + d.Addr
}

// Networks says who may send: a word (servers, lan, any) or a list of networks.
type Networks struct {
	Word     string // empty when there is a list
	Prefixes []netip.Prefix
}

// Contains reports whether a is in one of the listed networks. What a word stands
// for is known to the one who uses it.
func (n Networks) Contains(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, p := range n.Prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// String is the word, or the networks separated by commas.
func (n Networks) String() string {
	if n.Word != "" {
		return n.Word
	}
	words := make([]string, len(n.Prefixes))
	for i, p := range n.Prefixes {
		words[i] = p.String()
		if p.IsSingleIP() {
			words[i] = p.Addr().String()
		}
	}
	return strings.Join(words, ",")
}

// A RadiusServer is one entry of servers or acct_servers.
type RadiusServer struct {
	Host   string
	Port   int  // 0: 1812, for accounting 1813, over TLS 2083
	Legacy bool // answers without Message-Authenticator are believed
	TLS    bool // RadSec, RFC 6614
}

// String is the server as the configuration writes it.
func (s RadiusServer) String() string {
	text := s.Host
	if s.Port != 0 {
		if strings.Contains(text, ":") {
			text = "[" + text + "]"
		}
		text += ":" + strconv.Itoa(s.Port)
	}
	if s.Legacy {
		text += ";legacy"
	}
	if s.TLS {
		text += ";tls"
	}
	return text
}
