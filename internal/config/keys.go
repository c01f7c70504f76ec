package config

import "tipring/internal/timezone"

var sections = []Section{
	{
		Name: "device", Title: "Device",
		Help: "What this box is called, where it keeps its files, and how it logs.",
		Keys: deviceKeys,
	},
	{
		Name: "sip", Title: "SIP, all lines",
		Help: "What all lines share: listening ports, media ports, STUN, TLS.",
		Keys: sipKeys,
	},
	{
		Name: "sip", Numbered: true, Title: "SIP line",
		Help: "One section a line, [sip1] upward; numbers may have gaps.",
		Keys: lineKeys,
	},
	{
		Name: "port", Numbered: true, Title: "Port",
		Help: "One section an analog port, [port1] upward: a telephone or a fax machine.",
		Keys: portKeys,
	},
	{
		Name: "fax", Title: "Fax",
		Help: "T.38, modems and error correction of every fax call.",
		Keys: faxKeys,
	},
	{
		Name: "radius", Title: "RADIUS",
		Help: "Servers that know this device's account, its numbers and how to fax where.",
		Keys: radiusKeys,
	},
	{
		Name: "provisioning", Title: "Provisioning",
		Help: "Where this device finds its settings by itself, and what it believes.",
		Keys: provisioningKeys,
	},
	{
		Name: "web", Title: "Page",
		Help: "The page on the device and its HTTP interface.",
		Keys: webKeys,
	},
}

// Sections describes every section and key, in the order in which files, pages and
// documents show them. The result is shared and not to be changed.
func Sections() []Section { return sections }

// sectionFor finds the description of the section that a file calls name, and its
// number.
func sectionFor(name string) (*Section, int) {
	stem, n := splitName(name)
	for i := range sections {
		if s := &sections[i]; s.Name == stem && s.Numbered == (n > 0) && n <= MaxNumber {
			return s, n
		}
	}
	return nil, 0
}

// countries are those of etc/tones.txt (ISO 3166-1, in lower case).
const countries = "at au be br ca ch cn cz de dk es fi fr gb ie in it jp mx nl no nz pl pt se us za"

const countryNames = "Austria|Australia|Belgium|Brazil|Canada|Switzerland|China|Czechia|Germany|Denmark|Spain|Finland|France|United Kingdom|Ireland|India|Italy|Japan|Mexico|Netherlands|Norway|New Zealand|Poland|Portugal|Sweden|United States|South Africa"

var deviceKeys = []Key{
	{
		Name: "mac", Label: "MAC address", Default: "auto", Scope: FromDevice,
		Help:   "Names the device: twelve hex digits with any usual separators. auto: the lowest-index network interface that is a device and has a universal address, else the first that is not loopback.",
		Wanted: "auto or twelve hex digits", valid: isMAC, clean: cleanMAC, Kind: Text,
		field: func(s any) any { return &s.(*Device).MAC },
	},
	{
		Name: "serial", Label: "Serial number", Default: "auto", Scope: FromDevice, Kind: Text, Max: 64,
		Help:  "Serial number that provisioning asks with. auto: the device tree's or the DMI's, else the MAC address.",
		field: func(s any) any { return &s.(*Device).Serial },
	},
	{
		Name: "state_dir", Label: "State directory", File: Directory, Default: "/var/lib/tipring", Scope: FromFiles, Kind: Text, Max: 4000,
		Help:   "Where settings, documents and the control socket are kept. local.ini cannot set it, because it lies in it.",
		Wanted: "an absolute directory name", valid: isPath,
		field: func(s any) any { return &s.(*Device).StateDir },
	},
	{
		Name: "country", Label: "Country", Default: "us", Scope: FromDevice, Kind: Enum, Words: countries, Labels: countryNames,
		Help:  "Tones, ringing cadences and caller ID of this country.",
		field: func(s any) any { return &s.(*Device).Country },
	},
	{
		Name: "tones", Label: "Tones and timing", Scope: FromDevice, Kind: Text, Max: 2048,
		Help:   "What differs from the country's, written as etc/tones.txt has it, separated by semicolons: dial = 350@-13+440@-13; busy = 480+620/500,0/500; ring = 2000,4000; flash = 100-900. Empty: nothing.",
		Wanted: "KEY = VALUE; KEY = VALUE as in etc/tones.txt",
		field:  func(s any) any { return &s.(*Device).Tones },
	},
	{
		Name: "time_zone", Label: "Time zone", Default: timezone.Auto, Scope: FromDevice, Kind: Text, Max: 64,
		Help:   "The zone of the times that telephones show with a caller, that pages show and that stand above the pages of sent faxes, unless an account says another for these two. auto: the system's (/etc/TZ or /etc/localtime). Or a rule of POSIX: CET-1CEST,M3.5.0,M10.5.0/3. Or, where the system has the database of zones, a name: Europe/Berlin.",
		Wanted: "auto, a rule as CET-1CEST,M3.5.0,M10.5.0/3, or the name of a zone that this system knows", valid: isTimeZone,
		field: func(s any) any { return &s.(*Device).TimeZone },
	},
	{
		Name: "log_level", Label: "Log level", Default: "info", Scope: FromDevice, Kind: Enum, Words: "debug info warn error", Labels: "Debug|Info|Warnings|Errors",
		Help:  "The least important message that is logged.",
		field: func(s any) any { return &s.(*Device).LogLevel },
	},
	{
		Name: "log_format", Label: "Log format", Default: "text", Scope: FromDevice, Kind: Enum, Words: "text json", Labels: "Text|JSON",
		Help:  "How log lines are written to standard error.",
		field: func(s any) any { return &s.(*Device).LogFormat },
	},
	{
		Name: "syslog", Label: "Syslog server", Scope: FromDevice, Kind: Text,
		Help:   "host or host:port (514 when there is none). Log messages are sent there too, over UDP, as RFC 5424 has them. Empty: off.",
		Wanted: "host or host:port", valid: isHostPort,
		field: func(s any) any { return &s.(*Device).Syslog },
	},
	{
		Name: "drain_s", Label: "Drain time", Default: "300", Scope: FromDevice, Kind: Int, Max: 86400, Unit: "s",
		Help:  "How long running calls and faxes may go on after SIGTERM.",
		field: func(s any) any { return &s.(*Device).DrainS },
	},
	{
		Name: "keypad_reset", Label: "Reset by the keypad", Scope: FromDevice, Default: "1", Kind: Bool,
		Help:  "Whoever is at a telephone may erase all settings with the voice menu (***, 9), by keying the digits that it says.",
		field: func(s any) any { return &s.(*Device).KeypadReset },
	},
}

var sipKeys = []Key{
	{
		Name: "bind", Label: "Address", Kind: IP,
		Help:  "The address that SIP and media use. Empty: every address, IPv4 and IPv6.",
		field: func(s any) any { return &s.(*SIP).Bind },
	},
	{
		Name: "udp_port", Label: "UDP port", Default: "5060", Kind: Int, Max: 65535,
		Help:  "Port on which SIP over UDP is received. 0: any free port.",
		field: func(s any) any { return &s.(*SIP).UDPPort },
	},
	{
		Name: "tcp_port", Label: "TCP port", Default: "5060", Kind: Int, Max: 65535,
		Help:  "Port on which SIP over TCP is received. 0: any free port.",
		field: func(s any) any { return &s.(*SIP).TCPPort },
	},
	{
		Name: "tls_port", Label: "TLS port", Default: "5061", Kind: Int, Max: 65535,
		Help:  "Port on which SIP over TLS is received. 0: any free port.",
		field: func(s any) any { return &s.(*SIP).TLSPort },
	},
	{
		Name: "rtp_port_min", Label: "RTP port minimum", Default: "16384", Kind: Int, Min: 1024, Max: 65534,
		Help:  "The first port of media: RTP, RTCP and UDPTL.",
		field: func(s any) any { return &s.(*SIP).RTPPortMin },
	},
	{
		Name: "rtp_port_max", Label: "RTP port maximum", Default: "16583", Kind: Int, Min: 1025, Max: 65535,
		Help:  "The last port of media. A call needs two.",
		field: func(s any) any { return &s.(*SIP).RTPPortMax },
	},
	{
		Name: "stun_server", Label: "STUN Server Address", Kind: Text,
		Help:   "host or host:port (3478 when there is none). Asked for lines with use_stun.",
		Wanted: "host or host:port", valid: isHostPort,
		field: func(s any) any { return &s.(*SIP).STUNServer },
	},
	{
		Name: "tls_ca_file", Label: "TLS CA file", File: Authorities, Kind: Text, Max: 4000,
		Help:   "PEM file of the authorities that may vouch for SIP servers. Empty: the system's.",
		Wanted: "an absolute file name or nothing", valid: isPath,
		field: func(s any) any { return &s.(*SIP).TLSCAFile },
	},
	{
		Name: "t1_ms", Label: "T1", Default: "500", Kind: Int, Min: 5, Max: 10000, Unit: "ms",
		Help:  "RFC 3261 timer T1, the round-trip time that retransmissions start from.",
		field: func(s any) any { return &s.(*SIP).T1MS },
	},
	{
		Name: "sip_dscp", Label: "SIP DSCP", Default: "26", Kind: Int, Max: 63,
		Help:  "Mark of SIP packets, by which networks serve them first: 26 is AF31, 24 CS3, 40 CS5, 0 none.",
		field: func(s any) any { return &s.(*SIP).SIPDSCP },
	},
	{
		Name: "rtp_dscp", Label: "RTP DSCP", Default: "46", Kind: Int, Max: 63,
		Help:  "Mark of media packets: 46 is EF, 0 none. For calls from now on.",
		field: func(s any) any { return &s.(*SIP).RTPDSCP },
	},
	{
		Name: "rtp_source", Label: "Source of media", Default: "nat", Kind: Enum, Words: "nat any strict", Labels: "Behind NAT|Any address|As agreed",
		Help:  "From where sound and T.38 are taken. strict: from the address alone that the far end gave. nat: from another port of it too, or, when it is not a public address, from the one that packets in sequence come from. any: from that one also when the far end gave a public address. The first of them holds for the call. For calls from now on.",
		field: func(s any) any { return &s.(*SIP).RTPSource },
	},
	{
		Name: "jitter_buffer", Label: "Jitter buffer", Default: "adaptive", Kind: Enum, Words: "adaptive fixed", Labels: "Adaptive|Fixed",
		Help:  "adaptive: sound is delayed as much as late packets ask for, between jitter_min_ms and jitter_max_ms. fixed: by jitter_start_ms, always. Fax and modems have a fixed one in either case.",
		field: func(s any) any { return &s.(*SIP).JitterBuffer },
	},
	{
		Name: "jitter_start_ms", Label: "Jitter delay at first", Default: "40", Kind: Int, Min: 10, Max: 200, Unit: "ms",
		Help:  "Delay that a call begins with, and that a fixed buffer keeps.",
		field: func(s any) any { return &s.(*SIP).JitterStartMS },
	},
	{
		Name: "jitter_min_ms", Label: "Jitter delay minimum", Default: "20", Kind: Int, Min: 10, Max: 200, Unit: "ms",
		Help:  "The adaptive delay is never less.",
		field: func(s any) any { return &s.(*SIP).JitterMinMS },
	},
	{
		Name: "jitter_max_ms", Label: "Jitter delay maximum", Default: "200", Kind: Int, Min: 10, Max: 200, Unit: "ms",
		Help:  "Nor more. What comes later than that is lost.",
		field: func(s any) any { return &s.(*SIP).JitterMaxMS },
	},
	{
		Name: "capture_media", Label: "Capture media", Default: "fax", Scope: FromDevice, Kind: Enum, Words: "off fax all", Labels: "Off|Faxes|All calls",
		Help:  "Which packets the captures of recent calls hold besides SIP. fax: those of T.38, RTCP and telephone events; all: the sound too, as far as there is room in memory.",
		field: func(s any) any { return &s.(*SIP).CaptureMedia },
	},
	{
		Name: "capture_digits", Label: "Capture digits", Default: "0", Scope: FromDevice, Kind: Bool,
		Help:  "1: ladders and captures of calls keep the digits that were dialled during them, such as PINs, instead of overwriting them.",
		field: func(s any) any { return &s.(*SIP).CaptureDigits },
	},
}
