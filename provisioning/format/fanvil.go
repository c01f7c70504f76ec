package format

import (
	"strconv"
	"strings"
)

// fanvil is the one table of items of Fanvil's three spellings. A name stands here as the
// text form writes it behind SIPn; the module form writes underscores for its blanks,
// sysConf leaves them out, and canon makes all three the same.
var fanvil = maker{
	canon: fanvilName,
	rules: []rule{
		{items: "Enable Reg", key: "sipN.enabled", words: "0=0 1=1"},
		{items: "Phone Number", key: "sipN.username", to: same},
		{items: "Display Name", key: "sipN.display_name", to: same},
		{items: "Local Domain|Sip Name", key: "sipN.server_name", to: fanvilDomain,
			says: "Local Domain, else Sip Name where it is a domain or an address and no label"},
		{items: "Register User", key: "sipN.auth_user", to: same},
		{items: "Register Pswd|Register Pwd", key: "sipN.auth_password", to: fanvilPassword},

		{items: "Register Addr", key: "sipN.register_addr", to: same},
		{items: "Register Port", key: "sipN.register_port", to: same},
		{items: "Register TTL", key: "sipN.register_ttl", to: number, says: "seconds"},
		{items: "Transport", key: "sipN.transport", words: "0=0 1=1 3=3", says: "0 UDP, 1 TCP, 3 TLS"},
		{items: "Backup Addr", key: "sipN.backup_addr", to: same},
		{items: "Backup Port", key: "sipN.backup_port", to: same},
		{items: "Backup TTL", key: "sipN.backup_ttl", to: number, says: "seconds"},
		{items: "Backup Transport|Backup Transpo", key: "sipN.backup_transport", words: "0=0 1=1 3=3", says: "0 UDP, 1 TCP, 3 TLS"},

		{items: "Enable Failback", key: "sipN.enable_failback", words: "0=0 1=1"},
		{items: "Failback Interval", key: "sipN.failback_interval", to: number, says: "seconds"},
		{items: "Signal Failback", key: "sipN.signal_failback", words: "0=0 1=1"},
		{items: "Signal Retry Counts", key: "sipN.signal_retry_counts", to: number},

		{items: "Proxy Addr", key: "sipN.proxy_addr", to: same},
		{items: "Proxy Port", key: "sipN.proxy_port", to: same},
		{items: "Proxy User", key: "sipN.proxy_user", to: same},
		{items: "Proxy Pswd|Proxy Pwd", key: "sipN.proxy_password", to: fanvilPassword},
		{items: "BakProxy Addr", key: "sipN.backup_proxy_addr", to: same},
		{items: "BakProxy Port", key: "sipN.backup_proxy_port", to: same},

		{items: "DNS Mode|DNS SRV", key: "sipN.dns_mode", to: fanvilDNS, says: "0 a, 1 srv, 2 naptr; DNS SRV 1 is srv"},
		{items: "NAT UDPUpdate", key: "sipN.keepalive", words: "?0=none 1=options 2=options",
			says: "0 none; 1 and 2 options, which keeps the hole open and tells a dead server too"},
		{items: "UDPUpdate TTL", key: "sipN.keepalive_interval_s", to: number, says: "seconds"},
		{items: "VoiceCodecMap", key: "sipN.codecs", to: fanvilCodecs, says: "in the same order, without those that are not here"},
		{items: "Ptime", key: "sipN.ptime_ms", words: "?10=10 20=20 30=30 40=40", says: "10, 20, 30 or 40 ms"},
		{items: "DTMF Mode", key: "sipN.dtmf_type", words: "?0=inband 1=rfc4733 2=info 3=auto", says: "0 inband, 1 rfc4733, 2 info, 3 auto"},
		{items: "DTMF Info Mode", key: "sipN.dtmf_sip_info_mode", words: "?0=10/11 1=*/#", says: "0 10/11, 1 */#"},
		{items: "Media Crypto|Enable OSRTP", key: "sipN.srtp", to: fanvilSRTP, says: "0 off, 1 or OSRTP optional, 2 required"},
		{items: "Session Timer|S Timer Expires", key: "sipN.session_expires_s", to: fanvilSession, says: "S Timer Expires where Session Timer is 1, else 0"},
		{items: "Subscribe", key: "sipN.subscribe_for_voice_message", words: "0=0 1=1"},
		{items: "Sub Expire", key: "sipN.voice_message_subscribe_period", to: number, says: "seconds"},
		{items: "MWI Num|MWI No", key: "sipN.voice_message_number", to: same},
		{items: "Enable Hotline|Hotline Num", key: "sipN.enable_hotline", to: fanvilHotline, says: "0 where there is no number"},
		{items: "Hotline Num", key: "sipN.hotline_number", to: same},
		{items: "WarmLine Time", key: "sipN.hotline_delay", to: number, says: "seconds"},
		{items: "Dial Off Line", key: "sipN.dial_without_registered", words: "0=0 1=1"},
		{items: "Req With Port", key: "sipN.request_with_port", words: "0=0 1=1"},
		{items: "NAT Type", key: "sipN.use_stun", to: fanvilSTUN, says: "1 is STUN; 0 where the file has no STUN server"},
		{items: "Use VPN", key: "sipN.use_vpn", to: fanvilVPN, says: "0 no interface; 1 cannot be meant: it names none"},
		{items: "MissedCallLog", key: "sipN.enable_missed_call_log", words: "0=0 1=1"},
		{items: "Enable DND", key: "sipN.enable_dnd", words: "0=0 1=1"},
		{items: "Session Timer T1", key: "sip.t1_ms", to: number, says: "milliseconds; that of the first line that is used"},

		{items: "sip/SIP Port", key: "sip.udp_port", to: number},
		{items: "sip/STUN Server|sip/STUN Port", key: "sip.stun_server", to: joined, says: "host:port"},
		{items: "mm/RTP Initial Port|mm/RTP Port Quantity", key: "sip.rtp_port_min", to: fanvilRTPMin, says: "where both are given"},
		{items: "mm/RTP Port Quantity|mm/RTP Initial Port", key: "sip.rtp_port_max", to: fanvilRTPMax, says: "RTP Initial Port + RTP Port Quantity - 1"},
		{items: "ap/Flash Server IP|ap/Flash File Name|ap/Flash Protocol", key: "provisioning.url", to: fanvilURL,
			says: "protocols 2 tftp, 4 http, 5 https; $mac becomes {mac}"},
		{items: "ap/Flash Mode|ap/Flash Interval", key: "provisioning.interval_s", to: fanvilInterval, says: "mode 1: 0; mode 2: hours to seconds"},
		{items: "ap/Download Server IP|ap/Config File Name|ap/Download Protocol", key: "provisioning.url", to: fanvilURL, says: "the older names of the same"},
		{items: "ap/Download Mode|ap/Download Interval", key: "provisioning.interval_s", to: fanvilInterval, says: "the older names of the same"},
	},
	reasons: []reason{
		{items: "Need Reg On|Backup Need Reg On|Proxy Need Reg On|BakProxy Need Reg On", why: "dial_without_registered says whether calls need a registration"},
		{items: "Backup Mode|Unavailable Mode|Server Type", why: "what its numbers mean is not public"},
		{items: "TCP Use Retry Timer", why: "over TCP and TLS the same time is waited as over UDP"},
		{items: "UDPUpdate Try Times", why: "signal_retry_counts says how often a request is repeated"},
		{items: "Session Timer T2|Session Timer T4", why: "T2 and T4 are those of RFC 3261"},
		{items: "SRTP Auth-Tag|TLS Version", why: "negotiated"},
		{items: "Enable Rport", why: "always on (RFC 3581)"},
		{items: "PRACK", why: "used where the far end asks for it (RFC 3262)"},
		{items: "Unregister On Boot", why: "a binding of an earlier start is replaced by the new one"},
		{items: "Enable Register MAC|Enable MAC Header|User Agent", why: "requests do not tell the MAC address, and User-Agent is this program"},
		{items: "Caller Id Type", why: "tells which header of an incoming call is shown; caller_id is one header for both directions"},
		{items: "Call-ID Format|VQ Name|VQ Server|VQ Server Port|VQ HTTP Server|Signal Port", why: "no such setting here"},
		{items: "Always FWD|Busy FWD|No Answer FWD|Always FWD Num|Busy FWD Num|NoAnswer FWD Num|FWD Timer|Auto Answer|NoAnswerTime", why: "forwarding is not provisioned"},
		{items: "DNDOn SvcCode|DNDOff SvcCode|CFUOn SvcCode|CFUOff SvcCode|CFBOn SvcCode|CFBOff SvcCode|CFNOn SvcCode|CFNOff SvcCode|ANCOn SvcCode|ANCOff SvcCode|CW On Code|CW Off Code|SvcCode Mode",
			why: "star_codes = server has the server understand its codes"},
		{items: "SigCrypto Key|MedCrypto Key", why: "no such setting here", secret: true},
		{items: "sip/Reg Fail Interval|sip/Reg Retry Time", why: "failed registrations are tried again as RFC 5626 says"},
		{items: "sip/Strict UA Match|sip/Notify Reboot|sip/Enable Group Backup|sip/Enable RFC4475|sip/Strict BranchPrefix|sip/STUN Refresh Time|sip/SIP Wait Stun Time", why: "no such setting here"},
		{items: "sip/SIP Pswd Encryption", why: "passwords are taken as they stand"},
		{items: "mm/Select Your Tone|mm/Dial Tone|mm/Ringback Tone|mm/Busy Tone|mm/Congestion Tone", why: "[device] country says the tones; it is not taken from the network"},
		{items: "ap/Default Username|ap/Default Password|ap/Download Username|ap/Download Password|ap/Device Cfg File Key|ap/Config File Key|ap/Common Cfg File Key",
			why: "not taken from a file; a URL may have a user and a password", secret: true},
		{items: "ap/DHCP Option|ap/DHCPv6 Option|ap/Dhcp Option 120|ap/PNP Enable|ap/PNP IP|ap/PNP Port|ap/PNP Transport|ap/PNP Interval|ap/Save Provision Info|ap/Check FailTimes|ap/AP Config Priority",
			why: "[provisioning] order and pnp say it; they are not taken from the network"},
	},
}

// fanvilName makes one name of the three spellings: without blanks, underscores and
// points, in small letters.
func fanvilName(name string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if r == ' ' || r == '_' || r == '.' {
			return -1
		}
		return r
	}, name))
}

// idleFanvil tells a line of an export that nobody filled in.
func idleFanvil(g *group) bool {
	enabled := g.named["enablereg"]
	if enabled == nil || enabled.value != "0" {
		return false
	}
	for _, name := range []string{"phonenumber", "registeraddr", "registeruser", "proxyaddr", "backupaddr"} {
		if it := g.named[name]; it != nil && it.value != "" {
			return false
		}
	}
	return true
}

// fanvilDomain is the host part of the address of record. Local Domain is that by its
// meaning. Sip Name often is only a label; one that is a domain is taken for want of
// the other.
func fanvilDomain(v *values) verdict {
	domain, label := v.of(0), v.of(1)
	switch {
	case domain != "":
		if label != "" && label != domain {
			return setBut(domain, "Sip Name is another; Local Domain counts")
		}
		return set(domain)
	case label == "":
		return set("")
	case strings.Contains(label, ".") && !strings.Contains(label, " "):
		return set(label)
	}
	return leave("a label, and no domain")
}

func fanvilPassword(v *values) verdict {
	if encrypted, _ := v.global(fanvilName("sip/SIP Pswd Encryption")); encrypted == "1" && v.first() != "" {
		return leave("encrypted with a key that only the phone has (SIP Pswd Encryption)")
	}
	return set(v.first())
}

func fanvilDNS(v *values) verdict {
	mode := v.of(0)
	if v.of(1) == "1" && (mode == "" || mode == "0") {
		return set("srv")
	}
	if word, ok := lookup("0=a 1=srv 2=naptr", mode); ok {
		return set(word)
	}
	if mode == "" && v.of(1) == "0" {
		return set("a")
	}
	return leave("wanted 0, 1 or 2")
}

func fanvilCodecs(v *values) verdict {
	return codecs(strings.Split(v.first(), ","), "PCMU=pcmu G711U=pcmu PCMA=pcma G711A=pcma G722=g722")
}

func fanvilSRTP(v *values) verdict {
	switch crypto := v.of(0); {
	case crypto == "2":
		return set("required")
	case crypto == "1", v.of(1) == "1":
		return set("optional")
	case crypto == "0", crypto == "" && v.of(1) == "0":
		return set("off")
	}
	return leave("wanted 0, 1 or 2")
}

func fanvilSession(v *values) verdict {
	timer, expires := v.of(0), v.of(1)
	switch {
	case timer == "0":
		return set("0")
	case timer == "1" && expires != "":
		return set(expires)
	}
	return leave("Session Timer and S Timer Expires have a meaning together only")
}

func fanvilHotline(v *values) verdict {
	on, to := v.of(0), v.of(1)
	switch {
	case !v.has(0):
		return verdict{}
	case on == "1" && to == "":
		return setBut("0", "there is no Hotline Num")
	}
	return set(on)
}

func fanvilSTUN(v *values) verdict {
	switch v.first() {
	case "0":
		return set("0")
	case "1":
		if server, found := v.global(fanvilName("sip/STUN Server")); found && server == "" {
			return setBut("0", "the file has no STUN Server")
		}
		return set("1")
	}
	return leave("wanted 0 or 1")
}

func fanvilVPN(v *values) verdict {
	switch v.first() {
	case "0", "":
		return set("")
	}
	return leave("use_vpn wants the name of a network interface, which the item does not tell")
}

// fanvilRTP is the first and the last media port.
func fanvilRTP(first, quantity string) (from, to int, ok bool) {
	from, err := strconv.Atoi(first)
	n, err2 := strconv.Atoi(quantity)
	return from, from + n - 1, err == nil && err2 == nil && from > 0 && from <= 65535 && n > 1 && n <= 65535
}

func fanvilRTPMin(v *values) verdict {
	if from, _, ok := fanvilRTP(v.of(0), v.of(1)); ok {
		return set(strconv.Itoa(from))
	}
	return leave("RTP Initial Port and RTP Port Quantity have a meaning together only")
}

func fanvilRTPMax(v *values) verdict {
	if _, to, ok := fanvilRTP(v.of(1), v.of(0)); ok {
		return set(strconv.Itoa(to))
	}
	return verdict{}
}

func fanvilURL(v *values) verdict {
	server, name, protocol := v.of(0), v.of(1), v.of(2)
	if server == "" {
		return leave("no server: the provisioning URL stays as it is")
	}
	if name == "" {
		name = "$mac.cfg"
	}
	scheme, _ := lookup("2=tftp 4=http 5=https", protocol)
	return fileURL(scheme, server, name, func(text string) (string, bool) {
		return strings.ReplaceAll(text, "$mac", "{mac}"), !strings.ContainsAny(text, "{}")
	})
}

func fanvilInterval(v *values) verdict {
	switch v.of(0) {
	case "1":
		return set("0")
	case "2":
		return multiplied(v.of(1), 3600)
	}
	return leave("switched off, or not 1 or 2: the interval stays as it is")
}
