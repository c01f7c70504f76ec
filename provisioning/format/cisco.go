package format

import (
	"strconv"
	"strings"

	"tipring/internal/config"
)

// cisco is the table of the flat profile's elements. Those of a line end in _N_, which is
// left out here.
var cisco = maker{
	canon: func(name string) string { return name },
	rules: []rule{
		{items: "Line_Enable", key: "sipN.enabled", words: "yes=1 no=0"},
		{items: "User_ID", key: "sipN.username", to: same},
		{items: "User_ID", key: "portN.line", to: ownLine, says: "each port has a line of its own, with its number"},
		{items: "Display_Name", key: "sipN.display_name", to: same},
		{items: "Auth_ID|Use_Auth_ID", key: "sipN.auth_user", to: ciscoAuth, says: "empty where Use_Auth_ID is no"},
		{items: "Password", key: "sipN.auth_password", to: same},
		{items: "Proxy|Registrar_Server|Register", key: "sipN.server_name", to: ciscoDomain, says: "host of Proxy, where it does not register or another server registers"},
		{items: "Registrar_Server|Proxy|Register", key: "sipN.register_addr", to: ciscoServer, says: "host of host:port: Registrar_Server, else Proxy; empty where Register is no"},
		{items: "Registrar_Server|Proxy|Register", key: "sipN.register_port", to: ciscoServerPort, says: "port of host:port"},
		{items: "Register_Expires", key: "sipN.register_ttl", to: number, says: "seconds"},
		{items: "Register_Expires", key: "sipN.backup_ttl", to: number, says: "seconds"},
		{items: "SIP_Transport", key: "sipN.transport", words: "udp=0 tcp=1 tls=3"},
		{items: "SIP_Transport", key: "sipN.backup_transport", words: "udp=0 tcp=1 tls=3"},
		{items: "Alternate_Proxy|Register", key: "sipN.backup_addr", to: ciscoBackup, says: "host of host:port; empty where Register is no"},
		{items: "Alternate_Proxy", key: "sipN.backup_port", to: portOf, says: "port of host:port"},
		{items: "Proxy_Fallback_Intvl", key: "sipN.failback_interval", to: ciscoFallback, says: "seconds"},
		{items: "Proxy_Fallback_Intvl", key: "sipN.enable_failback", to: ciscoFailback, says: "0 where the interval is 0"},
		{items: "Outbound_Proxy|Use_Outbound_Proxy|Proxy|Registrar_Server|Register", key: "sipN.proxy_addr", to: ciscoProxy,
			says: "host of host:port; empty where Use_Outbound_Proxy is no; that of Proxy where another server registers or none"},
		{items: "Outbound_Proxy|Use_Outbound_Proxy|Proxy|Registrar_Server|Register", key: "sipN.proxy_port", to: ciscoProxyPort, says: "port of host:port"},
		{items: "Alternate_Outbound_Proxy", key: "sipN.backup_proxy_addr", to: hostOf, says: "host of host:port"},
		{items: "Alternate_Outbound_Proxy", key: "sipN.backup_proxy_port", to: portOf, says: "port of host:port"},
		{items: "Use_DNS_SRV", key: "sipN.dns_mode", words: "yes=srv no=a"},
		{items: "NAT_Keep_Alive_Enable", key: "sipN.keepalive", words: "yes=options no=none", says: "yes options, no none"},
		{items: "NAT_Keep_Alive_Enable", key: "sipN.keepalive_interval_s", to: ciscoKeepaliveTime, says: "NAT_Keep_Alive_Intvl, where it is yes"},
		{items: "NAT_Mapping_Enable", key: "sipN.use_stun", to: ciscoSTUN, says: "1 where STUN_Enable is yes and STUN_Server is given"},
		{items: "Preferred_Codec|Second_Preferred_Codec|Third_Preferred_Codec|Use_Pref_Codec_Only", key: "sipN.codecs", to: ciscoCodecs,
			says: "in the same order; the others behind them unless Use_Pref_Codec_Only is yes"},
		{items: "User_ID", key: "sipN.ptime_ms", to: ciscoPtime, says: "RTP_Packet_Size, seconds to ms: 10, 20, 30 or 40"},
		{items: "DTMF_Tx_Method", key: "sipN.dtmf_type", words: "?auto=auto inband=inband avt=rfc4733 info=info avt+info=auto inband+info=auto", says: "Auto auto, AVT rfc4733, INFO info, InBand inband"},
		{items: "SIP_Remote-Party-ID", key: "sipN.caller_id", words: "?yes=rpid no=from"},
		{items: "Mailbox_Subscribe_URL", key: "sipN.subscribe_for_voice_message", to: ciscoMailbox, says: "1 where there is one"},
		{items: "Mailbox_Subscribe_Expires", key: "sipN.voice_message_subscribe_period", to: number, says: "seconds"},
		{items: "Make_Call_Without_Reg", key: "sipN.dial_without_registered", words: "yes=1 no=0"},
		{items: "Restrict_Source_IP", key: "sipN.accept_from", to: ciscoFrom, says: "yes servers; no is not taken over"},
		{items: "DND_Setting", key: "sipN.enable_dnd", words: "yes=1 no=0"},
		{items: "Dial_Plan|Emergency_Number", key: "portN.dial_plan", to: ciscoDialPlan, says: "without commas; Emergency_Number in front as E:; Interdigit_Short_Timer and _Long_Timer as Sn and Ln of all rules"},
		{items: "User_ID", key: "portN.disconnect_ms", to: ciscoDisconnect, says: "CPC_Duration, seconds to ms"},
		{items: "Dial_Plan", key: "sipN.enable_hotline", to: ciscoHotline, says: "1 where it has a rule such as P0<:1000>"},
		{items: "Dial_Plan", key: "sipN.hotline_number", to: ciscoHotlineNumber, says: "of that rule"},
		{items: "Dial_Plan", key: "sipN.hotline_delay", to: ciscoHotlineDelay, says: "of that rule"},

		{items: "SIP_Port", key: "sip.udp_port", to: number, says: "that of the first line that is used"},
		{items: "SIP_T1", key: "sip.t1_ms", to: millis, says: "seconds to ms"},
		{items: "RTP_Port_Min", key: "sip.rtp_port_min", to: number},
		{items: "RTP_Port_Max", key: "sip.rtp_port_max", to: number},
		{items: "STUN_Server", key: "sip.stun_server", to: same},
		{items: "FAX_Enable_T38", key: "fax.t38", words: "?yes=1 no=0", says: "that of the first line that is used"},
		{items: "FAX_T38_ECM_Enable", key: "fax.ecm", words: "?yes=1 no=0", says: "that of the first line that is used"},
		{items: "FAX_T38_Redundancy", key: "fax.redundancy_image", to: number, says: "that of the first line that is used"},
		{items: "FAX_Tone_Detect_Mode", key: "fax.t38_reinvite", to: ciscoDetect, says: "caller or callee detector, caller only caller, callee only callee"},
		{items: "Profile_Rule", key: "provisioning.url", to: ciscoURL, says: "$MA {mac}, $MAU {MAC}, $SN {serial}, $PN and $PSN {model}"},
		{items: "Resync_Periodic|Provision_Enable", key: "provisioning.interval_s", to: ciscoInterval, says: "seconds"},
	},
	reasons: []reason{
		{items: "IVR_Admin_Passwd|Admin_Passwd|User_Password|Admin_Password|GPP_SA|GPP_SB|GPP_SC|GPP_SD", why: "not provisioned: a secret of the other device", secret: true},
		{items: "Profile_Rule_B|Profile_Rule_C|Profile_Rule_D|Upgrade_Rule|Report_Rule", why: "one URL is fetched, and no firmware", secret: true},
		{items: "SIP_T2|SIP_T4|SIP_Timer_B|SIP_Timer_F|SIP_Timer_H|SIP_Timer_D|SIP_Timer_J", why: "those of RFC 3261"},
		{items: "Reg_Retry_Intvl|Reg_Retry_Long_Intvl|Reg_Retry_Random_Delay|Reg_Retry_Intvl_Cap", why: "when a registration is tried again is not a setting here"},
		{items: "Try_Backup_RSC|Retry_Reg_RSC", why: "500 and 503 lead to the backup, as no answer does"},
		{items: "DNS_SRV_Auto_Prefix|Proxy_Redundancy_Method", why: "SRV records are looked up as RFC 3263 says"},
		{items: "Auto_Register_When_Failover", why: "always: a line registers where it fails over to"},
		{items: "SIP_TCP_Port_Min|SIP_TCP_Port_Max|EXT_SIP_Port|EXT_IP|EXT_RTP_Port_Min", why: "no such setting here"},
		{items: "Interdigit_Long_Timer|Interdigit_Short_Timer", why: "Ln and Sn of a dial plan; the file has none that it can stand in"},
		{items: "NAT_Keep_Alive_Intvl", why: "no line has NAT_Keep_Alive_Enable"},
		{items: "NAT_Keep_Alive_Msg|NAT_Keep_Alive_Dest", why: "keepalive = options asks the line's server"},
		{items: "STUN_Enable", why: "no line has NAT_Mapping_Enable"},
		{items: "Caller_ID_Header", why: "tells which header of an incoming call is shown; caller_id is one header for both directions"},
		{items: "RTP_Packet_Size|CPC_Duration", why: "no line has User_ID"},
		{items: "Caller_ID_Method|Caller_ID_FSK_Standard", why: "[device] country says it, else caller_id_standard of a port"},
		{items: "Time_Zone|Daylight_Saving_Time_Rule|Daylight_Saving_Time_Enable", why: "[device] time_zone says it; it is not taken from the network"},
		{items: "FXS_Port_Impedance|FXS_Port_Input_Gain|FXS_Port_Output_Gain|Ring_Waveform|Ring_Voltage|Ring_Frequency", why: "the line card has its own; rx_gain_db and tx_gain_db of a port come on top"},
		{items: "SIP_100REL_Enable", why: "used where the far end asks for it (RFC 3262)"},
		{items: "FAX_Passthru_Codec|FAX_Passthru_Method|FAX_Process_NSE|FAX_Disable_ECAN|FAX_V21_Detect_Enable|FAX_CNG_Detect_Enable|FAX_Codec_Symmetric|FAX_T38_Return_to_Voice",
			why: "done by itself: G.711 without echo control where T.38 is refused"},
	},
}

func (t *translation) cisco(root *node) error {
	t.begin(&cisco, Cisco)
	list := root
	if root.name == "device" {
		list = root.kid("flat-profile")
		if list == nil {
			return ErrUnknown
		}
		for _, n := range root.kids {
			if n != list {
				t.note(n.line, n.name, "not known")
			}
		}
	}
	for _, n := range list.kids {
		if len(n.kids) > 0 {
			t.strangers(n, n.name)
			continue
		}
		name, line := ciscoLine(n.name)
		if err := t.add(line, name, n.name, n.text, n.line); err != nil {
			return err
		}
	}
	t.translate(idleCisco)
	return nil
}

// ciscoLine takes the number off Proxy_1_; 0: there is none.
func ciscoLine(name string) (string, int) {
	body, ok := strings.CutSuffix(name, "_")
	i := strings.LastIndexByte(body, '_')
	if !ok || i <= 0 {
		return name, 0
	}
	n, err := strconv.Atoi(body[i+1:])
	if err != nil || n < 1 || n > config.MaxNumber || strconv.Itoa(n) != body[i+1:] {
		return name, 0
	}
	return body[:i], n
}

// idleCisco tells a line that is off or has no user.
func idleCisco(g *group) bool {
	enabled, user := g.named["Line_Enable"], g.named["User_ID"]
	return enabled != nil && strings.EqualFold(enabled.value, "no") && (user == nil || user.value == "")
}
