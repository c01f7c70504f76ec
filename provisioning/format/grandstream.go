package format

import (
	"fmt"
	"strconv"
	"strings"

	"tipring/internal/config"
)

// grandstream is the table of P-values. A name is that of the first account (or profile);
// grandstreamSecond tells the number that the second has for it. Names from P4060 up
// whose number is grandstreamPorts' are those of FXS port 1 of devices whose ports share
// two profiles; port n has the number n-1 above.
var grandstream = maker{
	canon: func(name string) string { return name },
	rules: []rule{
		{items: "P271|P4595", key: "sipN.enabled", to: grandstreamEnabled, says: "0 where the account or the port is off"},
		{items: "P4060|P35", key: "sipN.username", to: same},
		{items: "P4060|P35", key: "portN.line", to: ownLine, says: "each port has a line of its own, with its number"},
		{items: "P4180|P3", key: "sipN.display_name", to: same},
		{items: "P4090|P36", key: "sipN.auth_user", to: same},
		{items: "P4120|P34", key: "sipN.auth_password", to: same},
		{items: "P47|P31", key: "sipN.server_name", to: grandstreamDomain, says: "host, where P31 is 0: then nothing else tells it"},
		{items: "P47|P31", key: "sipN.register_addr", to: grandstreamServer, says: "host of host:port; empty where P31 (register) is 0"},
		{items: "P47", key: "sipN.register_port", to: portOf, says: "port of host:port"},
		{items: "P32", key: "sipN.register_ttl", to: minutes, says: "minutes to seconds"},
		{items: "P32", key: "sipN.backup_ttl", to: minutes, says: "minutes to seconds"},
		{items: "P130", key: "sipN.transport", words: "0=0 1=1 2=3", says: "0 UDP, 1 TCP, 2 TLS"},
		{items: "P967|P31", key: "sipN.backup_addr", to: grandstreamServer, says: "host of host:port; empty where P31 is 0"},
		{items: "P967", key: "sipN.backup_port", to: portOf, says: "port of host:port"},
		{items: "P130", key: "sipN.backup_transport", words: "0=0 1=1 2=3", says: "0 UDP, 1 TCP, 2 TLS"},
		{items: "P4567", key: "sipN.enable_failback", words: "0=0 1=1"},
		{items: "P48|P47|P31", key: "sipN.proxy_addr", to: grandstreamProxy, says: "host of host:port; that of P47 where P31 is 0"},
		{items: "P48|P47|P31", key: "sipN.proxy_port", to: grandstreamProxyPort, says: "port of host:port"},
		{items: "P2333", key: "sipN.backup_proxy_addr", to: hostOf, says: "host of host:port"},
		{items: "P2333", key: "sipN.backup_proxy_port", to: portOf, says: "port of host:port"},
		{items: "P103", key: "sipN.dns_mode", words: "?0=a 1=srv 2=naptr", says: "0 a, 1 srv, 2 naptr"},
		{items: "P2397|P52", key: "sipN.keepalive", to: grandstreamKeepalive, says: "P2397 1 options; else P52 2 crlf; else none"},
		{items: "P2398|P2397|P52", key: "sipN.keepalive_interval_s", to: grandstreamKeepaliveTime, says: "seconds; P84 where P52 is 2"},
		{items: "P52", key: "sipN.use_stun", to: grandstreamSTUN, says: "1 is STUN; 0 where the file has no STUN server"},
		{items: "P57|P58|P59|P60|P61|P62|P46", key: "sipN.codecs", to: grandstreamCodecs, says: "payload types 0 pcmu, 8 pcma, 9 g722, in the same order"},
		{items: "P37", key: "sipN.ptime_ms", words: "?1=10 2=20 3=30 4=40", says: "frames of 10 ms, 1 to 4"},
		{items: "P850|P851|P852", key: "sipN.dtmf_type", to: grandstreamDTMF, says: "101 rfc4733, 102 info, 100 inband; the order 101, 102, 100 is auto"},
		{items: "P183", key: "sipN.srtp", words: "?0=off 1=optional 2=required", says: "0 off, 1 optional, 2 required"},
		{items: "P2395|P260|P262", key: "sipN.session_expires_s", to: grandstreamSession, says: "P260 where P2395 and P262 (caller asks) are 1, else 0"},
		{items: "P2339", key: "sipN.caller_id", words: "?0=from 1=from 2=ppi", says: "2 ppi, else from"},
		{items: "P99", key: "sipN.subscribe_for_voice_message", words: "0=0 1=1"},
		{items: "P4210|P71", key: "sipN.enable_hotline", to: grandstreamHotline, says: "1 where there is a number"},
		{items: "P4210|P71", key: "sipN.hotline_number", to: same},
		{items: "P4045", key: "sipN.hotline_delay", to: number, says: "seconds"},
		{items: "P109", key: "sipN.dial_without_registered", words: "0=0 1=1"},
		{items: "P243", key: "sipN.accept_from", to: grandstreamFrom, says: "1 servers; 0 is not taken over"},
		{items: "P4200|P85", key: "portN.dial_plan", to: grandstreamDialPlan, says: "{...} to (...); x+ to xx., ^ to !, <a=b> to <a:b>; P85 is Sn of all rules"},
		{items: "P85|P4200", key: "portN.interdigit_s", to: grandstreamInterdigit, says: "seconds, where there is no dial plan"},
		{items: "P853", key: "portN.caller_id_standard", words: "?0=bellcore 1=etsi 2=etsi-dtas 3=etsi-reversal 4=etsi-pulse 5=dtmf 6=dtmf-dtas 7=dtmf-reversal-dtas 8=dtmf-pulse 9=bt 11=dtmf-denmark 12=dtmf-denmark-reversal 13=dtmf-reversal",
			says: "0 Bellcore, 1 to 4 ETSI FSK, 5 to 8 ETSI DTMF, 9 BT, 11 and 12 DTMF of Denmark, 13 of Sweden and Finland"},
		{items: "P205", key: "portN.polarity_reversal", words: "0=0 1=1"},
		{items: "P892", key: "portN.disconnect_ms", to: grandstreamDisconnect, says: "0 where it is 0; P856 where it is 1, of the first account"},

		{items: "P209", key: "sip.t1_ms", to: tens, says: "hundredths of a second to ms; that of the first account that is used"},
		{items: "P40|P20501", key: "sip.udp_port", to: grandstreamPort, says: "0 where P20501 (random) is 1; that of the first account that is used"},
		{items: "P76", key: "sip.stun_server", to: same},
		{items: "P228", key: "fax.t38", words: "?0=1 1=0", says: "0 T.38, 1 G.711; that of the first account that is used"},
		{items: "P4416", key: "fax.t38_reinvite", words: "?0=never 1=detector", says: "0 never, 1 detector"},
		{items: "P237|P212|P234|P235", key: "provisioning.url", to: grandstreamURL, says: "protocol P212, then P237, P234, cfg{mac}.xml, P235"},
		{items: "P194|P193", key: "provisioning.interval_s", to: grandstreamInterval, says: "0 boot only, 1 a day, 2 a week, 3 P193 minutes"},
	},
	reasons: []reason{
		{items: "P2|P196|P1359|P1361|P279|P281|P8472|P4505|P4512|P83|P8221|P28110|P28113|P28124|P21902|P21900", why: "not provisioned: a secret of the other device", secret: true},
		{items: "P2312", why: "two meanings are in use: the failover server is P967, the outbound proxy P48"},
		{items: "P28096", why: "enable_failback goes for the proxies too"},
		{items: "P81", why: "a binding of an earlier start is replaced by the new one"},
		{items: "P2330|P138|P26002", why: "when a registration is refreshed or tried again is not a setting here"},
		{items: "P2399", why: "signal_retry_counts says how often a request is repeated"},
		{items: "P250|P2387", why: "T2 and timer D are those of RFC 3261"},
		{items: "P39|P20505", why: "[sip] rtp_port_min and rtp_port_max are one range for all lines"},
		{items: "P29", why: "numbers are sent whole"},
		{items: "P66", why: "a prefix stands in the rules of a dial plan here: <:9>x."},
		{items: "P72", why: "# ends a number unless the dial plan has it"},
		{items: "P63|P258|P288|P291|P4340|P2346", why: "no such setting here"},
		{items: "P272", why: "used where the far end asks for it (RFC 3262)"},
		{items: "P261|P263|P264|P265|P266|P267", why: "the session timer's details are negotiated (RFC 4028)"},
		{items: "P2311|P2367|P8463", why: "certificates are always verified"},
		{items: "P1411|P145|P1414", why: "[provisioning] order says it; it is not taken from the network"},
		{items: "P4428|P240", why: "check-sync is always challenged, and secrets over a clear way are refused unless allowed"},
		{items: "P251|P252|P4000|P4001|P4002|P4003|P4004|P4005|P4040", why: "[device] country and tones say it; they are not taken from the network"},
		{items: "P64", why: "[device] time_zone says it; it is not taken from the network"},
		{items: "P854|P4429", why: "the line card has its own"},
		{items: "P856", why: "counts where P892 is 1"},
		{items: "P4300|P4669|P4150", why: "no such setting here"},
	},
}

// grandstreamSecond maps the P-values of the first account to those of the second.
const grandstreamSecond = "271=401 47=747 967=987 48=748 2333=2433 4567=4568 28096=28097 130=830 52=730 35=735 36=736 34=734 3=703 " +
	"103=702 31=731 81=752 109=813 32=732 2330=2430 138=471 26002=26102 2397=2497 2398=2498 2399=2499 40=740 39=739 20501=20502 20505=20506 " +
	"243=743 2339=2439 209=440 250=441 2387=2487 850=860 851=861 852=862 71=771 4045=4046 85=292 29=729 66=766 72=772 4200=4201 99=709 " +
	"37=737 2395=2495 260=434 261=427 262=428 263=429 264=430 265=431 266=432 267=433 272=435 57=757 58=758 59=759 60=760 61=761 62=762 46=814 " +
	"228=710 4416=4417 183=443 63=763 258=449 288=489 291=460 4340=4341 2346=2446 2311=2411 2367=2467 854=864 853=863 205=865 892=893"

// grandstreamPorts are the first of eight P-values each: one for each FXS port.
var grandstreamPorts = [...]int{4060, 4090, 4120, 4150, 4180, 4210, 4300, 4595, 4669}

const portsEach = 8

// grandstreamPlace finds whose P-value it is: n > 0 of an account or, where port is
// true, of an FXS port; 0 of the device.
func grandstreamPlace(p int) (name string, n int, port bool) {
	for _, base := range grandstreamPorts {
		if p >= base && p < base+portsEach {
			return "P" + strconv.Itoa(base), p - base + 1, true
		}
	}
	text := strconv.Itoa(p)
	for pair := range strings.FieldsSeq(grandstreamSecond) {
		switch first, second, _ := strings.Cut(pair, "="); text {
		case first:
			return "P" + first, 1, false
		case second:
			return "P" + first, 2, false
		}
	}
	return "P" + text, 0, false
}

// Groups of the two profiles, until their items go to the ports that use them.
const (
	profile1 = 10001
	profile2 = 10002
)

func (t *translation) grandstream(root *node) error {
	t.begin(&grandstream, Grandstream)
	t.file.Version = root.ver
	shared := hasPorts(root)
	for _, n := range root.kids {
		switch {
		case n.name == "mac":
			mac, ok := config.ParseMAC(n.text)
			if n.text != "" && !ok {
				return fmt.Errorf("line %d: mac is no MAC address", n.line)
			}
			if n.text != "" {
				t.file.MAC = mac.String()
			}
		case n.name == "config":
			if err := t.pValues(n, shared); err != nil {
				return err
			}
		default:
			t.note(n.line, n.name, "not known")
		}
	}
	if shared {
		t.shareProfiles()
	}
	t.translate(idleGrandstream)
	return nil
}

// hasPorts tells a device whose FXS ports have a user each and share two profiles.
func hasPorts(root *node) bool {
	for _, c := range root.kids {
		for _, n := range c.kids {
			if p := pNumber(n.name); c.name == "config" && p >= 4060 && p < 4060+portsEach {
				return true
			}
		}
	}
	return false
}

// pNumber reads P271; 0: the name is another.
func pNumber(name string) int {
	digits, ok := strings.CutPrefix(name, "P")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || len(digits) > 6 || strconv.Itoa(n) != digits {
		return 0
	}
	return n
}

func (t *translation) pValues(list *node, shared bool) error {
	for _, n := range list.kids {
		p := pNumber(n.name)
		if p == 0 || len(n.kids) > 0 {
			t.note(n.line, n.name, "not known")
			continue
		}
		name, account, port := grandstreamPlace(p)
		if port && !shared {
			account = 0
		}
		if shared && !port && account > 0 {
			account += profile1 - 1
		}
		if err := t.add(account, name, n.name, n.text, n.line); err != nil {
			return err
		}
	}
	return nil
}

// shareProfiles gives each port the items of its profile.
func (t *translation) shareProfiles() {
	profiles := [2]*group{t.byN[profile1], t.byN[profile2]}
	kept := t.groups[:0]
	for _, g := range t.groups {
		if g.n >= profile1 {
			continue
		}
		kept = append(kept, g)
		if g.n == 0 {
			continue
		}
		of := profiles[0]
		if which := g.named["P4150"]; which != nil {
			if which.used = true; which.value == "1" {
				of = profiles[1]
			}
		}
		if of == nil {
			continue
		}
		for name, it := range of.named {
			g.named[name] = it
		}
		g.items = append(g.items, of.items...)
	}
	t.groups = kept
	for _, of := range profiles {
		if of != nil {
			rest := &group{n: 0, items: of.items, named: map[string]*item{}}
			t.groups = append(t.groups, rest)
		}
	}
}

// idleGrandstream tells an account or port that is off and has no user.
func idleGrandstream(g *group) bool {
	off := false
	for _, name := range []string{"P271", "P4595"} {
		if it := g.named[name]; it != nil && it.value == "0" {
			off = true
		}
	}
	for _, name := range []string{"P4060", "P35"} {
		if it := g.named[name]; it != nil && it.value != "" {
			return false
		}
	}
	return off
}
