package format

import (
	"strings"
	"testing"
)

// A row has items of one account or line, NAME:VALUE separated by |, and what they mean.
type row struct{ items, key, want string }

var grandstreamRows = []row{
	{"P271:1", "sip1.enabled", "1"},
	{"P271:0|P35:1", "sip1.enabled", "0"},
	{"P401:1|P735:1", "sip2.enabled", "1"},
	{"P35:2001", "sip1.username", "2001"},
	{"P735:2002", "sip2.username", "2002"},
	{"P735:2002", "port2.line", "2"},
	{"P4064:2005", "sip5.username", "2005"},
	{"P4064:2005", "port5.line", "5"},
	{"P4060:1|P4595:0", "sip1.enabled", "0"},
	{"P3:Front desk", "sip1.display_name", "Front desk"},
	{"P4060:1|P4180:One", "sip1.display_name", "One"},
	{"P36:dev", "sip1.auth_user", "dev"},
	{"P4060:1|P4090:dev", "sip1.auth_user", "dev"},
	{"P34:s", "sip1.auth_password", "s"},
	{"P4067:1|P4127:s8", "sip8.auth_password", "s8"},
	{"P47:pbx.example:5070", "sip1.register_addr", "pbx.example"},
	{"P47:pbx.example:5070", "sip1.register_port", "5070"},
	{"P47:pbx.example", "sip1.register_port", ""},
	{"P747:[2001:db8::1]:5070", "sip2.register_addr", "2001:db8::1"},
	{"P747:[2001:db8::1]:5070", "sip2.register_port", "5070"},
	{"P47:pbx.example|P31:0", "sip1.register_addr", ""},
	{"P47:pbx.example|P31:0", "sip1.server_name", "pbx.example"},
	{"P47:pbx.example:5070|P31:0", "sip1.proxy_addr", "pbx.example"},
	{"P47:pbx.example:5070|P31:0", "sip1.proxy_port", "5070"},
	{"P32:60", "sip1.register_ttl", "3600"},
	{"P32:60", "sip1.backup_ttl", "3600"},
	{"P32:64800", "sip1.register_ttl", "2592000"},
	{"P130:0", "sip1.transport", "0"},
	{"P130:1", "sip1.transport", "1"},
	{"P830:2", "sip2.transport", "3"},
	{"P830:2", "sip2.backup_transport", "3"},
	{"P967:b.example:5071", "sip1.backup_addr", "b.example"},
	{"P987:b.example:5071", "sip2.backup_port", "5071"},
	{"P967:b.example|P31:0", "sip1.backup_addr", ""},
	{"P4567:0", "sip1.enable_failback", "0"},
	{"P48:edge.example:5080", "sip1.proxy_addr", "edge.example"},
	{"P748:edge.example:5080", "sip2.proxy_port", "5080"},
	{"P2333:edge2.example:5081", "sip1.backup_proxy_addr", "edge2.example"},
	{"P2433:edge2.example:5081", "sip2.backup_proxy_port", "5081"},
	{"P103:0", "sip1.dns_mode", "a"},
	{"P103:1", "sip1.dns_mode", "srv"},
	{"P702:2", "sip2.dns_mode", "naptr"},
	{"P2397:1", "sip1.keepalive", "options"},
	{"P2397:0|P52:2", "sip1.keepalive", "crlf"},
	{"P2397:0|P52:0", "sip1.keepalive", "none"},
	{"P2397:1|P2398:45", "sip1.keepalive_interval_s", "45"},
	{"P52:2|P84:25", "sip1.keepalive_interval_s", "25"},
	{"P2398:7200", "sip1.keepalive_interval_s", "3600"},
	{"P52:1", "sip1.use_stun", "1"},
	{"P52:1|P76:", "sip1.use_stun", "0"},
	{"P730:3", "sip2.use_stun", "0"},
	{"P57:9|P58:18|P59:8|P60:0|P61:0|P62:8|P46:123", "sip1.codecs", "g722,pcma,pcmu"},
	{"P37:1", "sip1.ptime_ms", "10"},
	{"P737:4", "sip2.ptime_ms", "40"},
	{"P850:101|P851:102|P852:100", "sip1.dtmf_type", "auto"},
	{"P850:102|P851:101|P852:100", "sip1.dtmf_type", "info"},
	{"P860:100", "sip2.dtmf_type", "inband"},
	{"P850:101", "sip1.dtmf_type", "rfc4733"},
	{"P183:0", "sip1.srtp", "off"},
	{"P183:1", "sip1.srtp", "optional"},
	{"P443:2", "sip2.srtp", "required"},
	{"P2395:1|P260:180|P262:0", "sip1.session_expires_s", "0"},
	{"P2495:1|P434:180|P428:1", "sip2.session_expires_s", "180"},
	{"P2339:2", "sip1.caller_id", "ppi"},
	{"P2339:0", "sip1.caller_id", "from"},
	{"P99:1", "sip1.subscribe_for_voice_message", "1"},
	{"P71:600", "sip1.enable_hotline", "1"},
	{"P71:", "sip1.enable_hotline", "0"},
	{"P771:600", "sip2.hotline_number", "600"},
	{"P4060:1|P4210:600", "sip1.hotline_number", "600"},
	{"P4045:5", "sip1.hotline_delay", "5"},
	{"P109:1", "sip1.dial_without_registered", "1"},
	{"P243:1", "sip1.accept_from", "servers"},
	{"P4200:{x+}", "port1.dial_plan", "(xx.)"},
	{"P4201:{x+}|P292:6", "port2.dial_plan", "(xx.|S6)"},
	{"P4200:{x+}|P85:4", "port1.dial_plan", "(xx.)"},
	{"P85:6", "port1.interdigit_s", "6"},
	{"P4201:|P292:6", "port2.interdigit_s", "6"},
	{"P853:0", "port1.caller_id_standard", "bellcore"},
	{"P853:3", "port1.caller_id_standard", "etsi-reversal"},
	{"P863:9", "port2.caller_id_standard", "bt"},
	{"P863:13", "port2.caller_id_standard", "dtmf-reversal"},
	{"P205:1", "port1.polarity_reversal", "1"},
	{"P865:0", "port2.polarity_reversal", "0"},
	{"P892:1|P856:300", "port1.disconnect_ms", "300"},
	{"P892:1|P856:10000", "port1.disconnect_ms", "5000"},
	{"P893:0|P856:300", "port2.disconnect_ms", "0"},
	{"P209:100", "sip.t1_ms", "1000"},
	{"P40:5066", "sip.udp_port", "5066"},
	{"P40:5066|P20501:1", "sip.udp_port", "0"},
	{"P76:stun.example:3479", "sip.stun_server", "stun.example:3479"},
	{"P228:0", "fax.t38", "1"},
	{"P228:1", "fax.t38", "0"},
	{"P4416:1", "fax.t38_reinvite", "detector"},
	{"P4416:0", "fax.t38_reinvite", "never"},
	{"P237:prov.example/gs|P212:2", "provisioning.url", "https://prov.example/gs/cfg{mac}.xml"},
	{"P237:http://prov.example/|P212:2|P234:a-|P235:-b", "provisioning.url", "http://prov.example/a-cfg{mac}.xml-b"},
	{"P237:192.0.2.9|P212:0", "provisioning.url", "tftp://192.0.2.9/cfg{mac}.xml"},
	{"P194:0", "provisioning.interval_s", "0"},
	{"P194:1", "provisioning.interval_s", "86400"},
	{"P194:3|P193:60", "provisioning.interval_s", "3600"},
}

var ciscoRows = []row{
	{"Line_Enable_1_:Yes", "sip1.enabled", "1"},
	{"Line_Enable_1_:no|User_ID_1_:1", "sip1.enabled", "0"},
	{"User_ID_2_:2002", "sip2.username", "2002"},
	{"User_ID_2_:2002", "port2.line", "2"},
	{"Display_Name_1_:Front", "sip1.display_name", "Front"},
	{"Auth_ID_1_:dev|Use_Auth_ID_1_:Yes", "sip1.auth_user", "dev"},
	{"Auth_ID_1_:dev|Use_Auth_ID_1_:No", "sip1.auth_user", ""},
	{"Password_1_:s", "sip1.auth_password", "s"},
	{"Proxy_1_:pbx.example:5070", "sip1.register_addr", "pbx.example"},
	{"Proxy_1_:pbx.example:5070", "sip1.register_port", "5070"},
	{"Proxy_1_:p.example|Registrar_Server_1_:r.example:5062", "sip1.register_addr", "r.example"},
	{"Proxy_1_:p.example|Registrar_Server_1_:r.example:5062", "sip1.register_port", "5062"},
	{"Proxy_1_:p.example|Registrar_Server_1_:r.example", "sip1.server_name", "p.example"},
	{"Proxy_1_:p.example|Registrar_Server_1_:r.example", "sip1.proxy_addr", "p.example"},
	{"Proxy_1_:p.example:5070|Register_1_:No", "sip1.register_addr", ""},
	{"Proxy_1_:p.example:5070|Register_1_:No", "sip1.proxy_addr", "p.example"},
	{"Proxy_1_:p.example:5070|Register_1_:No", "sip1.proxy_port", "5070"},
	{"Register_Expires_1_:600", "sip1.register_ttl", "600"},
	{"Register_Expires_1_:600", "sip1.backup_ttl", "600"},
	{"SIP_Transport_1_:UDP", "sip1.transport", "0"},
	{"SIP_Transport_1_:tcp", "sip1.transport", "1"},
	{"SIP_Transport_1_:TLS", "sip1.backup_transport", "3"},
	{"Alternate_Proxy_1_:b.example:5071", "sip1.backup_addr", "b.example"},
	{"Alternate_Proxy_1_:b.example:5071", "sip1.backup_port", "5071"},
	{"Alternate_Proxy_1_:b.example|Register_1_:No", "sip1.backup_addr", ""},
	{"Proxy_Fallback_Intvl_1_:120", "sip1.failback_interval", "120"},
	{"Proxy_Fallback_Intvl_1_:120", "sip1.enable_failback", "1"},
	{"Proxy_Fallback_Intvl_1_:0", "sip1.enable_failback", "0"},
	{"Outbound_Proxy_1_:e.example:5080|Use_Outbound_Proxy_1_:Yes", "sip1.proxy_addr", "e.example"},
	{"Outbound_Proxy_1_:e.example:5080|Use_Outbound_Proxy_1_:Yes", "sip1.proxy_port", "5080"},
	{"Outbound_Proxy_1_:e.example:5080|Use_Outbound_Proxy_1_:No", "sip1.proxy_addr", ""},
	{"Alternate_Outbound_Proxy_1_:e2.example:5081", "sip1.backup_proxy_addr", "e2.example"},
	{"Alternate_Outbound_Proxy_1_:e2.example:5081", "sip1.backup_proxy_port", "5081"},
	{"Use_DNS_SRV_1_:Yes", "sip1.dns_mode", "srv"},
	{"Use_DNS_SRV_1_:No", "sip1.dns_mode", "a"},
	{"NAT_Keep_Alive_Enable_1_:Yes", "sip1.keepalive", "options"},
	{"NAT_Keep_Alive_Enable_1_:No", "sip1.keepalive", "none"},
	{"NAT_Keep_Alive_Enable_1_:Yes|NAT_Keep_Alive_Intvl:15", "sip1.keepalive_interval_s", "15"},
	{"NAT_Mapping_Enable_1_:Yes|STUN_Enable:Yes|STUN_Server:s", "sip1.use_stun", "1"},
	{"NAT_Mapping_Enable_1_:Yes|STUN_Enable:Yes|STUN_Server:", "sip1.use_stun", "0"},
	{"NAT_Mapping_Enable_1_:Yes|STUN_Enable:No|STUN_Server:s", "sip1.use_stun", "0"},
	{"Preferred_Codec_1_:G711a|Second_Preferred_Codec_1_:G722|Third_Preferred_Codec_1_:G711u|Use_Pref_Codec_Only_1_:Yes", "sip1.codecs", "pcma,g722,pcmu"},
	{"Preferred_Codec_1_:G711a|Use_Pref_Codec_Only_1_:Yes", "sip1.codecs", "pcma"},
	{"Preferred_Codec_1_:G711a|Second_Preferred_Codec_1_:Unspecified|Use_Pref_Codec_Only_1_:No", "sip1.codecs", "pcma,pcmu,g722"},
	{"Preferred_Codec_1_:G729a|Use_Pref_Codec_Only_1_:No", "sip1.codecs", "pcmu,pcma,g722"},
	{"User_ID_1_:1|RTP_Packet_Size:0.030", "sip1.ptime_ms", "30"},
	{"User_ID_2_:1|RTP_Packet_Size:.02", "sip2.ptime_ms", "20"},
	{"User_ID_1_:1|CPC_Duration:.5", "port1.disconnect_ms", "500"},
	{"User_ID_2_:1|CPC_Duration:0", "port2.disconnect_ms", "0"},
	{"DTMF_Tx_Method_1_:Auto", "sip1.dtmf_type", "auto"},
	{"DTMF_Tx_Method_1_:AVT", "sip1.dtmf_type", "rfc4733"},
	{"DTMF_Tx_Method_1_:INFO", "sip1.dtmf_type", "info"},
	{"DTMF_Tx_Method_1_:InBand", "sip1.dtmf_type", "inband"},
	{"SIP_Remote-Party-ID_1_:Yes", "sip1.caller_id", "rpid"},
	{"Mailbox_Subscribe_URL_1_:sip:vm", "sip1.subscribe_for_voice_message", "1"},
	{"Mailbox_Subscribe_Expires_1_:7200", "sip1.voice_message_subscribe_period", "7200"},
	{"Make_Call_Without_Reg_1_:Yes", "sip1.dial_without_registered", "1"},
	{"Restrict_Source_IP_1_:Yes", "sip1.accept_from", "servers"},
	{"DND_Setting_1_:Yes", "sip1.enable_dnd", "1"},
	{"Dial_Plan_2_:(xx.)", "port2.dial_plan", "(xx.)"},
	{"Dial_Plan_1_:(xx.)|Emergency_Number_1_:911", "port1.dial_plan", "(E:911|xx.)"},
	{"Dial_Plan_1_:(xx.)|Interdigit_Long_Timer:10|Interdigit_Short_Timer:3", "port1.dial_plan", "(xx.|S3L10)"},
	{"Dial_Plan_1_:(P3&lt;:600&gt;)", "sip1.enable_hotline", "1"},
	{"Dial_Plan_1_:(P3&lt;:600&gt;)", "sip1.hotline_number", "600"},
	{"Dial_Plan_1_:(P3&lt;:600&gt;)", "sip1.hotline_delay", "3"},
	{"SIP_Port_1_:5066", "sip.udp_port", "5066"},
	{"SIP_T1:.5", "sip.t1_ms", "500"},
	{"RTP_Port_Min:16384", "sip.rtp_port_min", "16384"},
	{"RTP_Port_Max:16482", "sip.rtp_port_max", "16482"},
	{"STUN_Server:s.example", "sip.stun_server", "s.example"},
	{"FAX_Enable_T38_1_:No", "fax.t38", "0"},
	{"FAX_T38_ECM_Enable_1_:No", "fax.ecm", "0"},
	{"FAX_T38_Redundancy_1_:2", "fax.redundancy_image", "2"},
	{"FAX_Tone_Detect_Mode_1_:callee only", "fax.t38_reinvite", "callee"},
	{"FAX_Tone_Detect_Mode_1_:caller only", "fax.t38_reinvite", "caller"},
	{"Profile_Rule:https://p.example/$PN/$MA.xml", "provisioning.url", "https://p.example/{model}/{mac}.xml"},
	{"Profile_Rule:http://p.example/$MAU", "provisioning.url", "http://p.example/{MAC}"},
	{"Resync_Periodic:3600|Provision_Enable:Yes", "provisioning.interval_s", "3600"},
}

func TestMakersItems(t *testing.T) {
	for name, maker := range map[string]struct {
		m           *maker
		rows        []row
		begin, end  string
		canonically func(string) string
	}{
		Grandstream: {&grandstream, grandstreamRows, "<gs_provision><config>\n", "</config></gs_provision>", func(name string) string {
			base, _, _ := grandstreamPlace(pNumber(name))
			return base
		}},
		Cisco: {&cisco, ciscoRows, "<flat-profile>\n", "</flat-profile>", func(name string) string {
			base, _ := ciscoLine(name)
			return base
		}},
	} {
		seen := make(map[string]bool)
		for _, row := range maker.rows {
			var b strings.Builder
			for item := range strings.SplitSeq(row.items, "|") {
				name, value, _ := strings.Cut(item, ":")
				seen[maker.canonically(name)] = true
				b.WriteString("<" + name + " ua=\"na\">" + value + "</" + name + ">\n")
			}
			f := read(t, maker.begin+b.String()+maker.end)
			found := false
			for _, s := range f.Settings {
				if s.Section+"."+s.Key == row.key {
					if found = true; s.Value != row.want {
						t.Errorf("%s: %s: %s = %q, want %q", name, row.items, row.key, s.Value, row.want)
					}
				}
			}
			if !found {
				t.Errorf("%s: %s sets %v, want %s; %v", name, row.items, f.Settings, row.key, f.Notes)
			}
		}
		for _, r := range maker.m.rules {
			for item := range strings.SplitSeq(r.items, "|") {
				if !seen[item] {
					t.Errorf("%s: %s has no row", name, item)
				}
			}
		}
	}
}

// What has no counterpart is listed and sets nothing.
func TestMakersItemsThatCannotBeMeant(t *testing.T) {
	for _, text := range []string{
		"<flat-profile><Profile_Rule>[--uid a --pwd b]http://h/$MA</Profile_Rule></flat-profile>",
		"<flat-profile><Profile_Rule>/spa$PSN.cfg</Profile_Rule></flat-profile>",
		"<flat-profile><Profile_Rule>http://h/$MAC</Profile_Rule></flat-profile>",
		"<flat-profile><Profile_Rule>ftp://h/x</Profile_Rule></flat-profile>",
		"<flat-profile><Resync_Periodic>never</Resync_Periodic></flat-profile>",
		"<flat-profile><Emergency_Number_1_>911</Emergency_Number_1_></flat-profile>",
		"<flat-profile><SIP_T1>soon</SIP_T1></flat-profile>",
		"<flat-profile><DTMF_Tx_Method_1_>?</DTMF_Tx_Method_1_></flat-profile>",
		"<gs_provision><config><P237>h</P237></config></gs_provision>",
		"<gs_provision><config><P237>h</P237><P212>3</P212></config></gs_provision>",
		"<flat-profile><RTP_Packet_Size>0.030</RTP_Packet_Size></flat-profile>",
		"<gs_provision><config><P37>5</P37></config></gs_provision>",
		"<gs_provision><config><P853>10</P853></config></gs_provision>", // NTT's
		"<gs_provision><config><P892>1</P892></config></gs_provision>",
		"<gs_provision><config><P893>1</P893><P856>300</P856></config></gs_provision>", // which is the first account's
		"<gs_provision><config><P64>CET-1CEST</P64></config></gs_provision>",
		"<gs_provision><config><P850>7</P850></config></gs_provision>",
		"<gs_provision><config><P57>18</P57></config></gs_provision>",
		"<gs_provision><config><P85></P85></config></gs_provision>",
		"<gs_provision><config><P243>0</P243></config></gs_provision>",
		"<gs_provision><config><P99999>0</P99999><x/></config></gs_provision>",
	} {
		if f := read(t, text); len(f.Settings) != 0 || len(f.Notes) == 0 {
			t.Errorf("%s: settings %v, notes %v", text, f.Settings, f.Notes)
		}
	}
}
