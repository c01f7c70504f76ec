package config

// Groups of [sipN] keys, in the words of the pages of the phones whose primary and
// backup items this program keeps.
const (
	groupRegister = "Register Settings"
	groupServer1  = "SIP Server 1"
	groupServer2  = "SIP Server 2"
	groupProxy    = "SIP Proxy"
	groupBasic    = "Basic Settings"
	groupCodecs   = "Codecs Settings"
	groupAdvanced = "Advanced Settings"
	groupBounds   = "Bounds against fraud"
)

const hostWanted = "an IP address, a host name or nothing"

var lineKeys = []Key{
	{
		Name: "enabled", Label: "Activate", Group: groupRegister, Default: "1", Kind: Bool,
		Help:  "0: the line is kept here and not used.",
		field: func(s any) any { return &s.(*Line).Enabled },
	},
	{
		Name: "username", Label: "Username", Group: groupRegister, Default: "100{N}", Kind: Text,
		Help:  "User part of the line's address of record.",
		field: func(s any) any { return &s.(*Line).Username },
	},
	{
		Name: "display_name", Label: "Display name", Group: groupRegister, Kind: Text,
		Help:  "Name shown to the people that this line calls.",
		field: func(s any) any { return &s.(*Line).DisplayName },
	},
	{
		Name: "realm", Label: "Realm", Group: groupRegister, Kind: Text,
		Help:  "Answer only challenges of this realm. Empty: any realm of the line's own servers.",
		field: func(s any) any { return &s.(*Line).Realm },
	},
	{
		Name: "auth_user", Label: "Authentication User", Group: groupRegister, Kind: Text,
		Help:  "User name of the digest. Empty: username.",
		field: func(s any) any { return &s.(*Line).AuthUser },
	},
	{
		Name: "auth_password", Label: "Authentication Password", Group: groupRegister, Kind: Text, Secret: true,
		Help:  "Password of the digest.",
		field: func(s any) any { return &s.(*Line).AuthPassword },
	},
	{
		Name: "server_name", Label: "Server Name", Group: groupRegister, Kind: Text,
		Help:   "Host part of the address of record. Empty: register_addr.",
		Wanted: hostWanted, valid: isHost,
		field: func(s any) any { return &s.(*Line).ServerName },
	},
	{
		Name: "register_addr", Label: "Server Address", Group: groupServer1, Kind: Text,
		Help:   "Primary server: IP address or domain name. Empty: no registration.",
		Wanted: hostWanted, valid: isHost,
		field: func(s any) any { return &s.(*Line).RegisterAddr },
	},
	{
		Name: "register_port", Label: "Server Port", Group: groupServer1, Default: "5060", Kind: Int, Min: 1, Max: 65535, Optional: true,
		Help:  "Absent: found with the server (dns_mode); where no lookup tells it, 5060, over TLS 5061.",
		field: func(s any) any { return &s.(*Line).RegisterPort },
	},
	{
		Name: "register_ttl", Label: "Registration Expiration", Group: groupServer1, Default: "3600", Kind: Int, Min: 1, Max: 2592000, Unit: "s",
		Help:  "Registration period to ask the primary server for.",
		field: func(s any) any { return &s.(*Line).RegisterTTL },
	},
	{
		Name: "transport", Label: "Transport Protocol", Group: groupServer1, Default: "0", Kind: Enum, Words: "0=udp 1=tcp 3=tls", Labels: "UDP|TCP|TLS",
		Help:  "Transport to the primary server.",
		field: func(s any) any { return &s.(*Line).Transport },
	},
	{
		Name: "backup_addr", Label: "Server Address", Group: groupServer2, Kind: Text,
		Help:   "Backup server: IP address or domain name. Empty: none.",
		Wanted: hostWanted, valid: isHost,
		field: func(s any) any { return &s.(*Line).BackupAddr },
	},
	{
		Name: "backup_port", Label: "Server Port", Group: groupServer2, Default: "5060", Kind: Int, Min: 1, Max: 65535, Optional: true,
		Help:  "Absent: as for register_port.",
		field: func(s any) any { return &s.(*Line).BackupPort },
	},
	{
		Name: "backup_ttl", Label: "Registration Expiration", Group: groupServer2, Default: "3600", Kind: Int, Min: 1, Max: 2592000, Unit: "s",
		Help:  "Registration period to ask the backup server for.",
		field: func(s any) any { return &s.(*Line).BackupTTL },
	},
	{
		Name: "backup_transport", Label: "Transport Protocol", Group: groupServer2, Default: "0", Kind: Enum, Words: "0=udp 1=tcp 3=tls", Labels: "UDP|TCP|TLS",
		Help:  "Transport to the backup server.",
		field: func(s any) any { return &s.(*Line).BackupTransport },
	},
	{
		Name: "enable_failback", Label: "Enable Failback", Group: groupBasic, Default: "1", Kind: Bool,
		Help:  "While on the backup, probe the primary and go back to it.",
		field: func(s any) any { return &s.(*Line).EnableFailback },
	},
	{
		Name: "failback_interval", Label: "Failback Interval", Group: groupBasic, Default: "1800", Kind: Int, Min: 1, Max: 604800, Unit: "s",
		Help:  "Time between two probes of the primary.",
		field: func(s any) any { return &s.(*Line).FailbackInterval },
	},
	{
		Name: "signal_failback", Label: "Signal Failback", Group: groupBasic, Default: "0", Kind: Bool,
		Help:  "1: a new call tries the primary first, even while on the backup.",
		field: func(s any) any { return &s.(*Line).SignalFailback },
	},
	{
		Name: "signal_retry_counts", Label: "Signal Retry Counts", Group: groupBasic, Default: "3", Kind: Int, Max: 10,
		Help:  "Retransmissions to a server before the next one is tried. The last server gets 64*T1.",
		field: func(s any) any { return &s.(*Line).SignalRetryCounts },
	},
	{
		Name: "proxy_addr", Label: "SIP Proxy Server Address", Group: groupProxy, Kind: Text,
		Help:   "Outbound proxy: IP address or domain name. Empty: requests go to the registrar.",
		Wanted: hostWanted, valid: isHost,
		field: func(s any) any { return &s.(*Line).ProxyAddr },
	},
	{
		Name: "proxy_port", Label: "SIP Proxy Server Port", Group: groupProxy, Default: "5060", Kind: Int, Min: 1, Max: 65535, Optional: true,
		Help:  "Absent: as for register_port.",
		field: func(s any) any { return &s.(*Line).ProxyPort },
	},
	{
		Name: "proxy_user", Label: "Proxy User", Group: groupProxy, Kind: Text,
		Help:  "User name for the proxy's own challenges. Empty: auth_user.",
		field: func(s any) any { return &s.(*Line).ProxyUser },
	},
	{
		Name: "proxy_password", Label: "Proxy Password", Group: groupProxy, Kind: Text, Secret: true,
		Help:  "Password for the proxy's own challenges. Empty: auth_password.",
		field: func(s any) any { return &s.(*Line).ProxyPassword },
	},
	{
		Name: "backup_proxy_addr", Label: "Backup Proxy Server Address", Group: groupProxy, Kind: Text,
		Help:   "Outbound proxy of the backup server. Empty: none.",
		Wanted: hostWanted, valid: isHost,
		field: func(s any) any { return &s.(*Line).BackupProxyAddr },
	},
	{
		Name: "backup_proxy_port", Label: "Backup Proxy Server Port", Group: groupProxy, Default: "5060", Kind: Int, Min: 1, Max: 65535, Optional: true,
		Help:  "Absent: as for register_port.",
		field: func(s any) any { return &s.(*Line).BackupProxyPort },
	},
	{
		Name: "dns_mode", Label: "DNS Mode", Group: groupAdvanced, Default: "auto", Kind: Enum, Words: "auto a srv naptr", Labels: "Automatic|A and AAAA|SRV|NAPTR",
		Help:  "How a server's name becomes addresses. auto: NAPTR and SRV when the server is a name and its port is absent, else A and AAAA.",
		field: func(s any) any { return &s.(*Line).DNSMode },
	},
	{
		Name: "keepalive", Label: "Keep-alive", Group: groupAdvanced, Default: "options", Kind: Enum, Words: "none crlf options stun", Labels: "None|CRLF|OPTIONS|STUN",
		Help:  "What is sent to the current server in idle time, so that a dead one is known before anyone dials.",
		field: func(s any) any { return &s.(*Line).Keepalive },
	},
	{
		Name: "keepalive_interval_s", Label: "Keep-alive Interval", Group: groupAdvanced, Default: "30", Kind: Int, Min: 1, Max: 3600, Unit: "s",
		Help:  "Time between two keep-alives.",
		field: func(s any) any { return &s.(*Line).KeepaliveIntervalS },
	},
	{
		Name: "warm_backup", Label: "Warm Backup", Group: groupAdvanced, Default: "0", Kind: Bool,
		Help:  "1: the line is bound at the primary and the backup at once.",
		field: func(s any) any { return &s.(*Line).WarmBackup },
	},
	{
		Name: "failback_good_probes", Label: "Failback Good Probes", Group: groupAdvanced, Default: "1", Kind: Int, Min: 1, Max: 100,
		Help:  "Good probes before going back. All but the last are REGISTERs without Contact, which make no binding.",
		field: func(s any) any { return &s.(*Line).FailbackGoodProbes },
	},
	{
		Name: "failback_hold_s", Label: "Failback Hold", Group: groupAdvanced, Default: "0", Kind: Int, Max: 604800, Unit: "s",
		Help:  "Least time on the backup before going back.",
		field: func(s any) any { return &s.(*Line).FailbackHoldS },
	},
	{
		Name: "failback_jitter_pct", Label: "Failback Jitter", Group: groupAdvanced, Default: "0", Kind: Int, Max: 100, Unit: "%",
		Help:  "Probes are moved by up to this part of failback_interval, so that many devices do not come back in one second.",
		field: func(s any) any { return &s.(*Line).FailbackJitterPct },
	},
	{
		Name: "failback_in_call", Label: "Failback In Call", Group: groupAdvanced, Default: "0", Kind: Bool,
		Help:  "1: go back even while a call is up.",
		field: func(s any) any { return &s.(*Line).FailbackInCall },
	},
	{
		Name: "codecs", Label: "Codecs", Group: groupCodecs, Default: "pcmu,pcma,g722", Kind: List, Words: "pcmu pcma g722", Min: 1,
		Help:  "Codecs offered and accepted, in order of preference.",
		field: func(s any) any { return &s.(*Line).Codecs },
	},
	{
		Name: "ptime_ms", Label: "Packet time", Group: groupCodecs, Default: "20", Kind: Enum, Words: "10 20 30 40", Unit: "ms",
		Help:  "How much sound a packet holds: asked of the far end, and sent unless it asks for another. Longer packets need less bandwidth, shorter ones less time.",
		field: func(s any) any { return &s.(*Line).PtimeMS },
	},
	{
		Name: "comfort_noise", Label: "Comfort noise", Group: groupCodecs, Default: "0", Kind: Bool,
		Help:  "1: the far end is told that it may send a description of its background (RFC 3389) instead of silence, which saves bandwidth and can clip words. What comes is understood in either case, and silence is never left out of what this device sends.",
		field: func(s any) any { return &s.(*Line).ComfortNoise },
	},
	{
		Name: "dtmf_type", Label: "DTMF Type", Group: groupBasic, Default: "auto", Kind: Enum, Words: "auto rfc4733=rfc2833 info inband", Labels: "AUTO|RFC2833|SIP INFO|In-band",
		Help:  "How digits are sent in a call. auto and rfc4733: as RFC 4733 events where the far end takes them, else in the audio. info: by SIP INFO. inband: in the audio.",
		field: func(s any) any { return &s.(*Line).DTMFType },
	},
	{
		Name: "dtmf_sip_info_mode", Label: "DTMF SIP INFO Mode", Group: groupBasic, Default: "10/11", Kind: Enum, Words: "10/11 */#", Labels: "Send 10/11|Send */#",
		Help:  "How INFO names star and hash.",
		field: func(s any) any { return &s.(*Line).DTMFSIPInfoMode },
	},
	{
		Name: "srtp", Label: "SRTP", Group: groupAdvanced, Default: "off", Kind: Enum, Words: "off optional required", Labels: "Off|Optional|Required",
		Help:  "Encrypted sound, by keys in the SIP messages (SDES). optional: where the far end has it too. required: calls without it are neither made nor taken, but for emergency calls. Needs TLS to the server. Faxes by T.38 are not encrypted.",
		field: func(s any) any { return &s.(*Line).SRTP },
	},
	{
		Name: "srtp_over_clear", Label: "SRTP Without TLS", Group: groupAdvanced, Default: "0", Kind: Bool,
		Help:  "1: keys of SRTP are sent over UDP and TCP too, where everybody on the way can read them and listen. 0: over these optional is like off, and required refuses every call.",
		field: func(s any) any { return &s.(*Line).SRTPOverClear },
	},
	{
		Name: "session_expires_s", Label: "Session Timer", Group: groupAdvanced, Default: "0", Kind: Int, Min: 90, Max: 86400, Zero: true, Unit: "s",
		Help:  "Session-Expires to ask for (RFC 4028). 0: only what the far end asks for.",
		field: func(s any) any { return &s.(*Line).SessionExpiresS },
	},
	{
		Name: "caller_id", Label: "Caller ID Header", Group: groupAdvanced, Default: "from", Kind: Enum, Words: "from ppi pai rpid", Labels: "From|P-Preferred-Identity|P-Asserted-Identity|Remote-Party-ID",
		Help:  "How a port's ani is shown: in From, P-Preferred-Identity, P-Asserted-Identity or Remote-Party-ID. Who calls is read from the same header, where a server of the line sent it, else from From.",
		field: func(s any) any { return &s.(*Line).CallerID },
	},
	{
		Name: "subscribe_for_voice_message", Label: "Subscribe For Voice Message", Group: groupBasic, Default: "0", Kind: Bool,
		Help:  "1: ask the server for message-waiting news (RFC 3842).",
		field: func(s any) any { return &s.(*Line).SubscribeForVoiceMessage },
	},
	{
		Name: "voice_message_number", Label: "Voice Message Number", Group: groupBasic, Kind: Text,
		Help:  "Number that the star code of the voice messages (*97) calls. Empty: the one that the server tells.",
		field: func(s any) any { return &s.(*Line).VoiceMessageNumber },
	},
	{
		Name: "voice_message_subscribe_period", Label: "Voice Message Subscribe Period", Group: groupBasic, Default: "3600", Kind: Int, Min: 60, Max: 604800, Unit: "s",
		Help:  "How long a subscription for message-waiting news lasts.",
		field: func(s any) any { return &s.(*Line).VoiceMessageSubscribePeriod },
	},
	{
		Name: "enable_hotline", Label: "Enable Hotline", Group: groupBasic, Default: "0", Kind: Bool,
		Help:  "1: going off-hook dials hotline_number after hotline_delay.",
		field: func(s any) any { return &s.(*Line).EnableHotline },
	},
	{
		Name: "hotline_number", Label: "Hotline Number", Group: groupBasic, Kind: Text,
		Help:  "Number that a hotline dials.",
		field: func(s any) any { return &s.(*Line).HotlineNumber },
	},
	{
		Name: "hotline_delay", Label: "Hotline Delay", Group: groupBasic, Default: "0", Kind: Int, Max: 60, Unit: "s",
		Help:  "Time in which another number may be begun instead. 0: at once.",
		field: func(s any) any { return &s.(*Line).HotlineDelay },
	},
	{
		Name: "dial_without_registered", Label: "Dial Without Registered", Group: groupBasic, Default: "0", Kind: Bool,
		Help:  "1: calls may go out while the line is not registered.",
		field: func(s any) any { return &s.(*Line).DialWithoutRegistered },
	},
	{
		Name: "request_with_port", Label: "Request With Port", Group: groupBasic, Default: "1", Kind: Bool,
		Help:  "1: the server's port, when it is given and not the usual one, is written into Request-URI, From and To.",
		field: func(s any) any { return &s.(*Line).RequestWithPort },
	},
	{
		Name: "use_stun", Label: "Use STUN", Group: groupBasic, Default: "0", Kind: Bool,
		Help:  "1: stun_server is asked for the outside addresses of a call's RTP and RTCP, which then stand in its SDP. Contact takes its own from the answers of the SIP server, and with keepalive = stun from those of its STUN.",
		field: func(s any) any { return &s.(*Line).UseSTUN },
	},
	{
		Name: "hunt_s", Label: "Ring One After The Other", Group: groupBasic, Default: "0", Kind: Int, Min: 5, Max: 120, Zero: true, Unit: "s",
		Help:  "For how long each free port of the line rings for a call, in the order of their numbers; the last one rings on. 0: all ring at once.",
		field: func(s any) any { return &s.(*Line).HuntS },
	},
	{
		Name: "ring_time_s", Label: "Ring Time", Group: groupBasic, Default: "0", Kind: Int, Min: 5, Max: 600, Zero: true, Unit: "s",
		Help:  "How long a call that comes in rings at most; then its caller is told that nobody is there. A telephone that forwards such calls has its own time. 0: until the caller gives up.",
		field: func(s any) any { return &s.(*Line).RingTimeS },
	},
	{
		Name: "use_vpn", Label: "Use VPN", Group: groupBasic, Kind: Text,
		Help:   "A network interface that this line is bound to. Empty: none.",
		Wanted: "the name of a network interface, at most 15 characters, or nothing", valid: isInterface,
		field: func(s any) any { return &s.(*Line).UseVPN },
	},
	{
		Name: "enable_missed_call_log", Label: "Enable Missed Call Log", Group: groupBasic, Default: "1", Kind: Bool,
		Help:  "1: calls that nobody answered are kept, until somebody empties the list on the page.",
		field: func(s any) any { return &s.(*Line).EnableMissedCallLog },
	},
	{
		Name: "enable_dnd", Label: "Enable DND", Group: groupBasic, Default: "0", Kind: Bool,
		Help:  "1: calls to this line are refused as busy.",
		field: func(s any) any { return &s.(*Line).EnableDND },
	},
	{
		Name: "psap_callback", Label: "Emergency Callbacks", Group: groupAdvanced, Default: "1", Kind: Bool,
		Help:  "1: a call that a server of this line marks as one of an emergency service that calls back (Priority: psap-callback, RFC 7090) rings, whatever the telephone has set. Within half an hour after an emergency call of the line every call does.",
		field: func(s any) any { return &s.(*Line).PSAPCallback },
	},
	{
		Name: "accept_from", Label: "Accept Requests From", Group: groupAdvanced, Default: "servers", Kind: NetworkList, Words: "servers any",
		Help:  "Who may send this line a request: its own servers, anyone, or these networks besides its servers.",
		field: func(s any) any { return &s.(*Line).AcceptFrom },
	},
	{
		Name: "max_calls", Label: "Calls At Once", Group: groupBounds, Default: "0", Kind: Int, Max: 1000,
		Help:  "How many calls may go out at the same time, of telephones, faxes and programs. 0: no bound. Emergency numbers are excepted, here and below.",
		field: func(s any) any { return &s.(*Line).MaxCalls },
	},
	{
		Name: "max_calls_per_hour", Label: "Calls An Hour", Group: groupBounds, Default: "0", Kind: Int, Max: 10000,
		Help:  "How many calls may go out within any hour; a call that is forwarded or transferred from here counts. 0: no bound.",
		field: func(s any) any { return &s.(*Line).MaxCallsPerHour },
	},
	{
		Name: "block_prefixes", Label: "Blocked Prefixes", Group: groupBounds, Kind: List,
		Help:   "Numbers that begin so are not called, in whatever way they are written: 0900,+882. Forwards and transfers to them are refused too.",
		Wanted: "beginnings of numbers, each of at most 32 of 0-9 * # and +, separated by commas", valid: isPrefix,
		field: func(s any) any { return &s.(*Line).BlockPrefixes },
	},
	{
		Name: "block_international", Label: "Block International Calls", Group: groupBounds, Default: "0", Kind: Bool,
		Help:  "1: numbers of other countries are not called: those that begin with + or, as the country in [device] dials them, with 00 or 011. Numbers within a numbering plan that several countries share are not seen to be of another one: block_prefixes can.",
		field: func(s any) any { return &s.(*Line).BlockInternational },
	},
}
