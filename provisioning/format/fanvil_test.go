package format

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"tipring/internal/config"
)

// fanvilRows has each item of the table with a value of the maker's and what it means.
// Several items with a meaning together stand in one row.
var fanvilRows = []struct {
	items string // NAME:VALUE, separated by |
	key   string
	want  string
}{
	// The eleven items of the primary/backup document.
	{"Register Addr:pbx.example", "sip1.register_addr", "pbx.example"},
	{"Register Port:5070", "sip1.register_port", "5070"},
	{"Register TTL:600", "sip1.register_ttl", "600"},
	{"Transport:0", "sip1.transport", "0"},
	{"Transport:1", "sip1.transport", "1"},
	{"Transport:3", "sip1.transport", "3"},
	{"Backup Addr:192.0.2.2", "sip1.backup_addr", "192.0.2.2"},
	{"Backup Port:5071", "sip1.backup_port", "5071"},
	{"Backup TTL:900", "sip1.backup_ttl", "900"},
	{"Backup Transport:3", "sip1.backup_transport", "3"},
	{"Backup Transpo:1", "sip1.backup_transport", "1"},
	{"Enable Failback:0", "sip1.enable_failback", "0"},
	{"Failback Interval:120", "sip1.failback_interval", "120"},
	{"Signal Retry Counts:5", "sip1.signal_retry_counts", "5"},

	// The page Line, SIP.
	{"Enable Reg:0", "sip1.enabled", "0"},
	{"Phone Number:2001", "sip1.username", "2001"},
	{"Display Name:Front: desk", "sip1.display_name", "Front: desk"},
	{"Local Domain:voice.example", "sip1.server_name", "voice.example"},
	{"Sip Name:voice.example", "sip1.server_name", "voice.example"},
	{"Local Domain:|Sip Name:192.0.2.7", "sip1.server_name", "192.0.2.7"},
	{"Register User:dev", "sip1.auth_user", "dev"},
	{"Register Pswd:a:b=c# ;d", "sip1.auth_password", "a:b=c# ;d"},
	{"Register Pwd:old", "sip1.auth_password", "old"},
	{"Proxy Addr:edge.example", "sip1.proxy_addr", "edge.example"},
	{"Proxy Port:5080", "sip1.proxy_port", "5080"},
	{"Proxy User:u", "sip1.proxy_user", "u"},
	{"Proxy Pswd:p", "sip1.proxy_password", "p"},
	{"Proxy Pwd:p", "sip1.proxy_password", "p"},
	{"BakProxy Addr:edge2.example", "sip1.backup_proxy_addr", "edge2.example"},
	{"BakProxy Port:5081", "sip1.backup_proxy_port", "5081"},

	// The page's Basic Settings.
	{"Signal Failback:1", "sip1.signal_failback", "1"},
	{"Subscribe:1", "sip1.subscribe_for_voice_message", "1"},
	{"Sub Expire:1200", "sip1.voice_message_subscribe_period", "1200"},
	{"MWI Num:*97", "sip1.voice_message_number", "*97"},
	{"MWI No:*98", "sip1.voice_message_number", "*98"},
	{"Enable Hotline:1|Hotline Num:600", "sip1.enable_hotline", "1"},
	{"Hotline Num:600", "sip1.hotline_number", "600"},
	{"WarmLine Time:7", "sip1.hotline_delay", "7"},
	{"Dial Off Line:1", "sip1.dial_without_registered", "1"},
	{"DTMF Mode:0", "sip1.dtmf_type", "inband"},
	{"DTMF Mode:1", "sip1.dtmf_type", "rfc4733"},
	{"DTMF Mode:2", "sip1.dtmf_type", "info"},
	{"DTMF Mode:3", "sip1.dtmf_type", "auto"},
	{"DTMF Info Mode:0", "sip1.dtmf_sip_info_mode", "10/11"},
	{"DTMF Info Mode:1", "sip1.dtmf_sip_info_mode", "*/#"},
	{"Req With Port:0", "sip1.request_with_port", "0"},
	{"NAT Type:1", "sip1.use_stun", "1"},
	{"Use VPN:0", "sip1.use_vpn", ""},
	{"MissedCallLog:0", "sip1.enable_missed_call_log", "0"},
	{"Enable DND:1", "sip1.enable_dnd", "1"},

	// The other items with a key of ours.
	{"DNS Mode:0", "sip1.dns_mode", "a"},
	{"DNS Mode:1", "sip1.dns_mode", "srv"},
	{"DNS Mode:2", "sip1.dns_mode", "naptr"},
	{"DNS SRV:1|DNS Mode:0", "sip1.dns_mode", "srv"},
	{"DNS SRV:0", "sip1.dns_mode", "a"},
	{"NAT UDPUpdate:0", "sip1.keepalive", "none"},
	{"NAT UDPUpdate:2", "sip1.keepalive", "options"},
	{"UDPUpdate TTL:45", "sip1.keepalive_interval_s", "45"},
	{"VoiceCodecMap:G722,PCMA,G729,PCMU", "sip1.codecs", "g722,pcma,pcmu"},
	{"VoiceCodecMap:G711A", "sip1.codecs", "pcma"},
	{"Ptime:10", "sip1.ptime_ms", "10"},
	{"Ptime:40", "sip1.ptime_ms", "40"},
	{"Media Crypto:0|Enable OSRTP:0", "sip1.srtp", "off"},
	{"Media Crypto:0|Enable OSRTP:1", "sip1.srtp", "optional"},
	{"Media Crypto:2", "sip1.srtp", "required"},
	{"Session Timer:1|S Timer Expires:1800", "sip1.session_expires_s", "1800"},
	{"Session Timer:0|S Timer Expires:1800", "sip1.session_expires_s", "0"},
	{"Session Timer T1:700", "sip.t1_ms", "700"},

	{"sip/SIP  Port:5066", "sip.udp_port", "5066"},
	{"sip/STUN Server:stun.example|sip/STUN Port:3479", "sip.stun_server", "stun.example:3479"},
	{"sip/STUN Server:stun.example", "sip.stun_server", "stun.example"},
	{"sip/STUN Server:2001:db8::1|sip/STUN Port:3478", "sip.stun_server", "[2001:db8::1]:3478"},
	{"mm/RTP Initial Port:10000|mm/RTP Port Quantity:1000", "sip.rtp_port_min", "10000"},
	{"mm/RTP Initial Port:10000|mm/RTP Port Quantity:1000", "sip.rtp_port_max", "10999"},
	{"ap/Flash Server IP:prov.example|ap/Flash File Name:a/$mac.cfg|ap/Flash Protocol:4", "provisioning.url", "http://prov.example/a/{mac}.cfg"},
	{"ap/Flash Server IP:https://prov.example:8443/x/|ap/Flash Protocol:2", "provisioning.url", "https://prov.example:8443/x/{mac}.cfg"},
	{"ap/Flash Mode:1", "provisioning.interval_s", "0"},
	{"ap/Flash Mode:2|ap/Flash Interval:2", "provisioning.interval_s", "7200"},
	{"ap/Download Server IP:192.0.2.9|ap/Config File Name:x.cfg|ap/Download Protocol:2", "provisioning.url", "tftp://192.0.2.9/x.cfg"},
	{"ap/Download Mode:2|ap/Download Interval:1", "provisioning.interval_s", "3600"},
}

// spellings are the three ways to write items.
var spellings = map[string]func(items string) string{
	FanvilText: func(items string) string {
		var b strings.Builder
		b.WriteString(fanvilHead + "2.0000000000" + strings.Repeat(" ", 22) + "\r\n\r\n")
		for item := range strings.SplitSeq(items, "|") {
			name, value, _ := strings.Cut(item, ":")
			part, rest, global := strings.Cut(name, "/")
			if global {
				name = rest
				b.WriteString("<" + map[string]string{"sip": "SIP", "mm": "MM", "ap": "AUTOUPDATE"}[part] + " CONFIG MODULE>\r\n")
			} else {
				name = "SIP1 " + name
			}
			fmt.Fprintf(&b, "%-24s:%s\r\n", name, value)
		}
		return b.String() + fanvilEnd + "\r\n"
	},
	FanvilXML: func(items string) string {
		b, line := strings.Builder{}, strings.Builder{}
		for item := range strings.SplitSeq(items, "|") {
			name, value, _ := strings.Cut(item, ":")
			part, rest, global := strings.Cut(name, "/")
			if !global {
				writeElement(&line, strings.ReplaceAll(name, " ", "_"), value)
				continue
			}
			module := map[string]string{"sip": "SIP", "mm": "MM", "ap": "AUTOUPDATE"}[part] + "_CONFIG_MODULE"
			b.WriteString("<" + module + ">")
			writeElement(&b, strings.ReplaceAll(rest, " ", "_"), value)
			b.WriteString("</" + module + ">\n")
		}
		if line.Len() > 0 {
			b.WriteString("<SIP_CONFIG_MODULE><SIP_Line_List><SIP_Line_List_Entry><ID>SIP1</ID>\n" + line.String() + "</SIP_Line_List_Entry></SIP_Line_List></SIP_CONFIG_MODULE>")
		}
		return "<VOIP_CONFIG_FILE><version>2.0002</version>" + b.String() + "</VOIP_CONFIG_FILE>"
	},
	FanvilSysConf: func(items string) string {
		b, line := strings.Builder{}, strings.Builder{}
		for item := range strings.SplitSeq(items, "|") {
			name, value, _ := strings.Cut(item, ":")
			part, rest, global := strings.Cut(name, "/")
			if !global {
				writeElement(&line, strings.ReplaceAll(name, " ", ""), value)
				continue
			}
			b.WriteString("<" + part + ">")
			writeElement(&b, strings.ReplaceAll(rest, " ", ""), value)
			b.WriteString("</" + part + ">\n")
		}
		if line.Len() > 0 {
			b.WriteString("<sip>\n<line index=\"1\">\n" + line.String() + "</line></sip>")
		}
		return "<?xml version=\"1.0\"?><sysConf><Version>2.0</Version>" + b.String() + "</sysConf>"
	},
}

func writeElement(b *strings.Builder, name, value string) {
	value = strings.NewReplacer("&", "&amp;", "<", "&lt;").Replace(value)
	b.WriteString("<" + name + ">" + value + "</" + name + ">\n")
}

func TestFanvilItemsInThreeSpellings(t *testing.T) {
	for _, row := range fanvilRows {
		for format, write := range spellings {
			f := read(t, write(row.items))
			found := false
			for _, s := range f.Settings {
				if s.Section+"."+s.Key == row.key {
					found = true
					if s.Value != row.want || s.Line == 0 {
						t.Errorf("%s: %s: %s = %q in line %d, want %q", format, row.items, row.key, s.Value, s.Line, row.want)
					}
				}
			}
			if !found || f.Format != format {
				t.Errorf("%s: %s sets %v, want %s", format, row.items, f.Settings, row.key)
			}
		}
	}
}

// The rows above are worth something only if they are all of the table.
func TestFanvilRowsAreTheWholeTable(t *testing.T) {
	read := make(map[string]bool)
	for _, row := range fanvilRows {
		for item := range strings.SplitSeq(row.items, "|") {
			name, _, _ := strings.Cut(item, ":")
			read[fanvilName(name)] = true
		}
	}
	for _, r := range fanvil.rules {
		for name := range strings.SplitSeq(r.items, "|") {
			if !read[fanvilName(name)] {
				t.Errorf("%s has no row", name)
			}
		}
	}
}

// The eleven items of the primary/backup document are read under the names it gives them.
func TestElevenItems(t *testing.T) {
	for _, name := range []string{
		"Register Addr", "Register Port", "Register TTL", "Transport", "Backup Addr", "Backup Port", "Backup TTL",
		"Backup Transport", "Enable Failback", "Failback Interval", "Signal Retry Counts",
	} {
		key := "sipN." + strings.ToLower(strings.ReplaceAll(name, " ", "_"))
		if !slices.ContainsFunc(fanvil.rules, func(r rule) bool { return strings.Split(r.items, "|")[0] == name && r.key == key }) {
			t.Errorf("SIPN %s does not set %s", name, key)
		}
	}
}

// Each rule's key exists and may be set from the network; each item stands in one table
// only, as something that is read or as something that is not.
func TestTablesAreSound(t *testing.T) {
	for name, m := range map[string]*maker{"fanvil": &fanvil, "grandstream": &grandstream, "cisco": &cisco} {
		reads := make(map[string]bool)
		for _, r := range m.rules {
			section, key, _ := strings.Cut(r.key, ".")
			k := keyOf(strings.Replace(section, "N", "1", 1), key)
			if k == nil || k.Scope != config.FromAnywhere {
				t.Errorf("%s: %s sets %s, which no provisioned file may", name, r.items, r.key)
			}
			if (r.to == nil) == (r.words == "") {
				t.Errorf("%s: %s: want either a function or words", name, r.items)
			}
			for word := range strings.SplitSeq(r.items, "|") {
				reads[m.canon(word)] = true
			}
		}
		told := make(map[string]bool)
		for _, r := range m.reasons {
			for word := range strings.SplitSeq(r.items, "|") {
				word = m.canon(word)
				if told[word] || reads[word] && !strings.HasPrefix(word, "Interdigit") {
					t.Errorf("%s: %s stands twice", name, word)
				}
				told[word] = true
			}
		}
	}
}

// A value that is none of the maker's does not go by unseen: config.Load refuses it where
// the line depends on it, and it is listed where not.
func TestBadValuesAreToldOrRefused(t *testing.T) {
	for _, tt := range []struct {
		item    string
		refused bool
	}{
		{"Register Port:99999", true},
		{"Register Port:x", true},
		{"Register TTL:0", true},
		{"Transport:2", true},
		{"Register Addr:a b", true},
		{"Enable Failback:maybe", true},
		{"Signal Retry Counts:99", true},
		{"DTMF Mode:9", false},
		{"DTMF Mode:", false},
		{"Register TTL:", false},
		{"Media Crypto:7", false},
		{"VoiceCodecMap:G729", false},
		{"NAT Type:4", false},
		{"Ptime:0", false},
		{"Ptime:2", false},
	} {
		f := read(t, spellings[FanvilText](tt.item))
		_, err := config.Load([]config.Layer{f.Layer("x")}, checks)
		switch {
		case tt.refused && err == nil:
			t.Errorf("%s: config.Load takes %v", tt.item, f.Settings)
		case tt.refused && !strings.Contains(err.Error(), "x:3: [sip1]"):
			t.Errorf("%s: %v", tt.item, err)
		case !tt.refused && (err != nil || len(f.Notes) != 1 || len(f.Settings) != 0):
			t.Errorf("%s: %v, notes %v, settings %v", tt.item, err, f.Notes, f.Settings)
		}
	}
}
