package config

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func file(text string) Layer { return FileLayer("tipring.ini", []byte(text)) }

func TestFaults(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"number out of range", "[sip1]\nregister_port = 70000",
			"tipring.ini:2: [sip1] register_port = 70000: wanted 1 to 65535"},
		{"no number", "[sip1]\nregister_ttl = 1h",
			"tipring.ini:2: [sip1] register_ttl = 1h: wanted 1 to 2592000 s"},
		{"not a bool", "[sip1]\nenabled = maybe",
			"tipring.ini:2: [sip1] enabled = maybe: wanted 0 or 1"},
		{"transport 2 is not used", "[sip1]\ntransport = 2",
			"tipring.ini:2: [sip1] transport = 2: wanted 0 (udp), 1 (tcp) or 3 (tls)"},
		{"not a choice", "[sip1]\nkeepalive = ping",
			"tipring.ini:2: [sip1] keepalive = ping: wanted none, crlf, options or stun"},
		{"a list with an unknown word", "[sip1]\ncodecs = pcmu,g729",
			"tipring.ini:2: [sip1] codecs = pcmu,g729: wanted pcmu, pcma and g722, separated by commas"},
		{"an empty list of codecs", "[sip1]\ncodecs =",
			"tipring.ini:2: [sip1] codecs = : wanted pcmu, pcma and g722, separated by commas"},
		{"a server with its port", "[sip1]\nregister_addr = pbx.example:5070",
			"tipring.ini:2: [sip1] register_addr = pbx.example:5070: wanted an IP address, a host name or nothing"},
		{"no address of one host", "[sip]\nstun_server = 0.0.0.0\n[sip1]\nregister_addr = 0.0.0.0\nbackup_addr = 255.255.255.255\nproxy_addr = 224.0.0.1\nbackup_proxy_addr = ff02::1\n[sip2]\nregister_addr = ::ffff:0.0.0.0\nserver_name = ::",
			`tipring.ini:2: [sip] stun_server = 0.0.0.0: wanted host or host:port
tipring.ini:4: [sip1] register_addr = 0.0.0.0: wanted an IP address, a host name or nothing
tipring.ini:5: [sip1] backup_addr = 255.255.255.255: wanted an IP address, a host name or nothing
tipring.ini:6: [sip1] proxy_addr = 224.0.0.1: wanted an IP address, a host name or nothing
tipring.ini:7: [sip1] backup_proxy_addr = ff02::1: wanted an IP address, a host name or nothing
tipring.ini:9: [sip2] register_addr = ::ffff:0.0.0.0: wanted an IP address, a host name or nothing
tipring.ini:10: [sip2] server_name = ::: wanted an IP address, a host name or nothing`},
		{"a mistyped address is no name", "[sip1]\nregister_addr = 192.0.2.256",
			"tipring.ini:2: [sip1] register_addr = 192.0.2.256: wanted an IP address, a host name or nothing"},
		{"networks", "[sip1]\naccept_from = lan",
			"tipring.ini:2: [sip1] accept_from = lan: wanted servers, any, or addresses and networks separated by commas"},
		{"a network of too many bits", "[web]\nallow = 10.0.0.0/33",
			"tipring.ini:2: [web] allow = 10.0.0.0/33: wanted lan, any, or addresses and networks separated by commas"},
		{"a session timer below Min-SE", "[sip1]\nsession_expires_s = 89",
			"tipring.ini:2: [sip1] session_expires_s = 89: wanted 0, or 90 to 86400 s"},
		{"redundancy", "[fax]\nredundancy_image = 8",
			"tipring.ini:2: [fax] redundancy_image = 8: wanted auto, or 0 to 7"},
		{"a driver", "[port1]\ndriver = usb:1",
			"tipring.ini:2: [port1] driver = usb:1: wanted unix:/path, tcp:ADDRESS:PORT, sim or none"},
		{"a URL whose macro chooses the host", "[provisioning]\nurl = https://{mac}.example/x",
			"tipring.ini:2: [provisioning] url = https://{mac}.example/x: wanted a tftp, http or https URL; macros mac MAC serial account arg model version in braces behind the host"},
		{"an unknown macro", "[provisioning]\nurl = https://h.example/{imei}",
			"tipring.ini:2: [provisioning] url = https://h.example/{imei}: wanted a tftp, http or https URL; macros mac MAC serial account arg model version in braces behind the host"},

		{"an unknown key, its value perhaps a secret", "[sip1]\nauth_pasword = hunter2",
			"tipring.ini:2: [sip1] auth_pasword = ********: wanted a known key, perhaps auth_password"},
		{"an unknown key like no other", "[sip1]\nfavourite_colour = green",
			"tipring.ini:2: [sip1] favourite_colour = ********: wanted a known key"},
		{"an unknown section, once", "[line1]\nusername = 1\nrealm = 2",
			"tipring.ini:1: [line1]: wanted a known section: device, sip, sip1 to sip1024, port1 to port1024, fax, radius, provisioning, web"},
		{"a number with a leading zero is not the same section", "[sip01]",
			"tipring.ini:1: [sip01]: wanted a known section: device, sip, sip1 to sip1024, port1 to port1024, fax, radius, provisioning, web"},
		{"a number too high", "[sip1025]",
			"tipring.ini:1: [sip1025]: wanted a known section: device, sip, sip1 to sip1024, port1 to port1024, fax, radius, provisioning, web"},
		{"a doubled key", "[sip1]\nusername = 1\n\nusername = 2",
			"tipring.ini:4: [sip1] username = 2: wanted each key once; line 2 has it already"},
		{"a doubled secret", "[sip1]\nauth_password = hunter2\nauth_password = hunter3",
			"tipring.ini:3: [sip1] auth_password = ********: wanted each key once; line 2 has it already"},
		{"a doubled section", "[sip1]\n[port1]\n[sip1]",
			"tipring.ini:3: [sip1]: wanted each section once; line 1 has it already"},
		{"a line that is neither; it may be a secret", "[sip1]\nhunter2",
			"tipring.ini:2: [sip1]: wanted [section], key = value or a comment line"},
		{"a colon is no equals sign", "[sip1]\nusername: 1001",
			"tipring.ini:2: [sip1]: wanted [section], key = value or a comment line"},
		{"an upper-case key", "[sip1]\nUsername = 1001",
			"tipring.ini:2: [sip1]: wanted a key in lower-case letters, digits and underscores before ="},
		{"no key", "[sip1]\n= 1001",
			"tipring.ini:2: [sip1]: wanted a key in lower-case letters, digits and underscores before ="},
		{"an upper-case section", "[SIP1]\nusername = 1001",
			"tipring.ini:1: wanted [section] in lower-case letters, digits and underscores"},
		{"an unclosed section", "[sip1\nusername = 1001",
			"tipring.ini:1: wanted [section] in lower-case letters, digits and underscores"},
		{"a key before any section", "auth_password = hunter2",
			"tipring.ini:1: auth_password = ********: wanted a [section] line first"},
		{"a control character", "[sip1]\nusername = 1\x002",
			"tipring.ini:2: [sip1]: wanted text without control characters"},
		{"a carriage return inside", "[sip1]\ndisplay_name = a\rVia: x",
			"tipring.ini:2: [sip1]: wanted text without control characters"},
		{"not UTF-8", "[sip1]\ndisplay_name = J\xf6rg",
			"tipring.ini:2: [sip1]: wanted text in UTF-8"},
		{"a line too long", "[sip1]\ndisplay_name = " + strings.Repeat("x", MaxLine),
			"tipring.ini:2: [sip1]: wanted a line of at most 8192 octets"},
		{"a file too long", strings.Repeat("#\n", MaxText/2+1),
			"tipring.ini: wanted at most 1048576 octets"},
		{"a secret of the wrong form", "[provisioning]\nseal_key = 0123456789abcdef",
			"tipring.ini:2: [provisioning] seal_key = ********: wanted 64 hex digits or nothing"},

		{"media ports the wrong way round", "[sip]\nrtp_port_min = 20000\nrtp_port_max = 19999",
			"tipring.ini:3: [sip] rtp_port_max = 19999: wanted rtp_port_min (20000) below rtp_port_max (19999)"},
		{"a jitter buffer that is longer at least than at most", "[sip]\njitter_min_ms = 100\njitter_max_ms = 60",
			"tipring.ini:3: [sip] jitter_max_ms = 60: wanted jitter_min_ms (100) up to jitter_max_ms (60)"},
		{"the minimum alone above the default maximum", "[sip]\nrtp_port_min = 30000",
			"tipring.ini:2: [sip] rtp_port_min = 30000: wanted rtp_port_min (30000) below rtp_port_max (16583)"},
		{"SIP among the media ports", "[sip]\nudp_port = 16400",
			"tipring.ini:2: [sip] udp_port = 16400: wanted a port outside rtp_port_min to rtp_port_max"},
		{"TCP and TLS on one port", "[sip]\ntcp_port = 5061",
			"tipring.ini:2: [sip] tcp_port = 5061: wanted another port than tcp_port"},
		{"the page on SIP's port", "[web]\nlisten = :5060",
			"tipring.ini:2: [web] listen = :5060: wanted another port than [sip] tcp_port"},
		{"the page twice on one address", "[web]\ntls_listen = 127.0.0.1:8080",
			"tipring.ini:2: [web] tls_listen = 127.0.0.1:8080: wanted another address than listen"},
		{"a certificate without its key", "[web]\ntls_cert = /etc/cert.pem",
			"tipring.ini:2: [web] tls_cert = /etc/cert.pem: wanted tls_cert and tls_key together"},
		{"a backup of nothing", "[sip1]\nbackup_addr = 192.0.2.2",
			"tipring.ini:2: [sip1] backup_addr = 192.0.2.2: wanted a Server Address of SIP Server 1 (register_addr), the primary that it backs up"},
		{"nobody to register", "[sip1]\nusername =\nregister_addr = 192.0.2.2",
			"tipring.ini:2: [sip1] username = : wanted a user name to register at register_addr"},
		{"a hotline to nowhere", "[sip1]\nenable_hotline = 1",
			"tipring.ini:2: [sip1] enable_hotline = 1: wanted a hotline_number with it"},
		{"STUN without a server", "[sip1]\nuse_stun = 1",
			"tipring.ini:2: [sip1] use_stun = 1: wanted a stun_server in [sip] with it"},
		{"a port's line that does not exist", "[sip1]\n[sip3]\n[port1]\nline = 2",
			"tipring.ini:4: [port1] line = 2: wanted a line that exists: [sip1], [sip3]"},
		{"a port's default line that does not exist", "[sip2]\n[port1]",
			"tipring.ini:2: [port1] line = 1: wanted a line that exists: [sip2]"},
		{"two ports on one card", "[sip1]\n[port1]\ndriver = unix:/run/a\n[port2]\ndriver = unix:/run/a",
			"tipring.ini:5: [port2] driver = unix:/run/a: wanted another address than [port1] has"},
		{"a card on TCP without a token", "[sip1]\n[port1]\ndriver = tcp:127.0.0.1:7001",
			"tipring.ini:3: [port1] driver = tcp:127.0.0.1:7001: wanted a driver_token with it"},
		{"a telephone that is not there", "[sip1]\n[port1]\ndriver = none",
			"tipring.ini:3: [port1] driver = none: wanted none only with kind = fax"},
		{"RADIUS without a secret", "[radius]\nservers = 192.0.2.9",
			"tipring.ini:2: [radius] servers = 192.0.2.9: wanted a secret with it"},
	} {
		c, err := Load([]Layer{file(tt.text)}, Checks{})
		var faults Faults
		if !errors.As(err, &faults) || err.Error() != tt.want {
			t.Errorf("%s:\n got %v\nwant %s", tt.name, err, tt.want)
		}
		if c != nil {
			t.Errorf("%s: a faulty file gave a configuration", tt.name)
		}
	}
}

func TestEveryFaultAtOnceInFileOrder(t *testing.T) {
	_, err := Load([]Layer{
		file("[sip]\nrtp_port_min = 9\nt1_ms = fast\nbogus\n[sip1]\nauth_password\n[nowhere]\n[sip1]\nenabled = 2\nusername = a\nusername = b"),
		FactoryLayer("factory.ini", []byte("[radius]\ntries = 0")),
	}, Checks{})
	want := strings.Split(`factory.ini:2: [radius] tries = 0: wanted 1 to 10
tipring.ini:2: [sip] rtp_port_min = 9: wanted 1024 to 65534
tipring.ini:3: [sip] t1_ms = fast: wanted 5 to 10000 ms
tipring.ini:4: [sip]: wanted [section], key = value or a comment line
tipring.ini:6: [sip1]: wanted [section], key = value or a comment line
tipring.ini:7: [nowhere]: wanted a known section: device, sip, sip1 to sip1024, port1 to port1024, fax, radius, provisioning, web
tipring.ini:8: [sip1]: wanted each section once; line 5 has it already
tipring.ini:9: [sip1] enabled = 2: wanted 0 or 1
tipring.ini:11: [sip1] username = b: wanted each key once; line 10 has it already`, "\n")
	if err == nil || !slices.Equal(strings.Split(err.Error(), "\n"), want) {
		t.Errorf("got\n%v\nwant\n%s", err, strings.Join(want, "\n"))
	}
}

// A value with a fault of its own is not also blamed for what it does to others.
func TestOneFaultForOneMistake(t *testing.T) {
	_, err := Load([]Layer{file("[sip1]\nregister_addr = a b\nbackup_addr = 192.0.2.2\n")}, Checks{})
	if faults := err.(Faults); len(faults) != 1 || faults[0].Key != "register_addr" {
		t.Errorf("got\n%v", err)
	}
}

// Passwords hold any character: what follows = is taken as it stands.
func TestValuesAreVerbatim(t *testing.T) {
	for _, value := range []string{
		"a#b", "a ;b", "# not a comment", ";x", `"quoted"`, `'quoted'`, "`back", "`a`b`", `"""x`, `"""x"""`, `"`, "'",
		`ends with \`, `\n`, "%(username)s", "${HOME}", "=", "==x", "a = b", "a:b", "[x]", "in  side\ttab", "päss wörd", "日本", "0",
		"-", "\\", "a\u00a0b",
	} {
		c := load(t, file("[sip1]\n\tauth_password\t=  "+value+" \r\nrealm = next\r\n"))
		if got := c.Lines[0].AuthPassword; got != value {
			t.Errorf("password %q became %q", value, got)
		}
		if c.Lines[0].Realm != "next" {
			t.Errorf("password %q ate the line behind it", value)
		}
	}
}

func TestValuesAndTheirSpellings(t *testing.T) {
	for _, tt := range []struct{ section, key, text, want string }{
		{"sip1", "enabled", "no", "0"},
		{"sip1", "enabled", "True", "1"},
		{"sip1", "transport", "tls", "3"},
		{"sip1", "transport", "1", "1"},
		{"sip1", "register_port", "05070", "5070"},
		{"sip1", "register_port", "", "5060"},
		{"sip1", "dtmf_type", "rfc2833", "rfc4733"},
		{"sip1", "codecs", "g722, pcmu", "g722,pcmu"},
		{"sip1", "register_addr", "2001:db8::1", "2001:db8::1"},
		{"sip1", "register_addr", "PBX.Example.", "PBX.Example."},
		{"sip1", "accept_from", "192.0.2.1, 10.1.2.3/8,2001:db8::/32", "192.0.2.1,10.0.0.0/8,2001:db8::/32"},
		{"sip1", "dtmf_sip_info_mode", "*/#", "*/#"},
		{"sip1", "ptime_ms", "30", "30"},
		{"port1", "rx_gain_db", "-12", "-12"},
		{"port1", "ring_by_number", "5551234=bellcore-dr2, +49*=bellcore-dr3", "5551234=bellcore-dr2,+49*=bellcore-dr3"},
		{"sip", "bind", "::1", "::1"},
		{"sip", "stun_server", "[2001:db8::1]:3478", "[2001:db8::1]:3478"},
		{"device", "mac", "0C:38:3E:00:00:01", "0c383e000001"},
		{"device", "mac", "0c38.3e00.0001", "0c383e000001"},
		{"fax", "redundancy_image", "3", "3"},
		{"fax", "redundancy_image", "auto", "auto"},
		{"fax", "max_rate", "9600", "9600"},
		{"provisioning", "order", "", ""},
		{"provisioning", "order", "static , radius", "static,radius"},
		{"provisioning", "url", "https://h.example/{MAC}.ini?s={serial}", "https://h.example/{MAC}.ini?s={serial}"},
		{"web", "listen", "", ""},
		{"web", "listen", "[::1]:80", "[::1]:80"},
		{"web", "hosts", "box.example, tipring.lan", "box.example,tipring.lan"},
		{"radius", "servers", "a.example;tls, [2001:db8::1]:1645;tls;legacy", "a.example;tls,[2001:db8::1]:1645;legacy;tls"},
	} {
		c := load(t, file("["+tt.section+"]\n"+tt.key+" = "+tt.text))
		if got, _ := c.Value(tt.section, tt.key); got != tt.want {
			t.Errorf("[%s] %s = %s: effective %q, want %q", tt.section, tt.key, tt.text, got, tt.want)
		}
	}
}

func TestTypedValues(t *testing.T) {
	c := load(t, file(`[sip2]
transport = tls
accept_from = 192.0.2.0/24
[sip7]
register_port = 5060
[port3]
line = 7
driver = tcp:127.0.0.1:7001
driver_token = t
[radius]
secret = s
servers = 192.0.2.9:1645;legacy,r.example
[fax]
max_rate = 9600
`))
	if len(c.Lines) != 2 || c.Lines[0].N != 2 || c.Lines[1].N != 7 || c.Line(7) != c.Lines[1] || c.Line(1) != nil {
		t.Errorf("lines %+v", c.Lines)
	}
	l := c.Line(2)
	if l.Transport != TLS || l.Transport.String() != "tls" || !l.EnableFailback || l.FailbackInterval != 1800 {
		t.Errorf("line 2: %+v", l)
	}
	if l.RegisterPort != 0 || c.Line(7).RegisterPort != 5060 {
		t.Errorf("an absent port is %d, a given one %d", l.RegisterPort, c.Line(7).RegisterPort)
	}
	if l.Username != "1002" || c.Port(3).Driver != (Driver{"tcp", "127.0.0.1:7001"}) {
		t.Errorf("username %q, driver %v", l.Username, c.Port(3).Driver)
	}
	if !l.AcceptFrom.Contains(netip.MustParseAddr("::ffff:192.0.2.77")) || l.AcceptFrom.Contains(netip.MustParseAddr("192.0.3.1")) {
		t.Errorf("accept_from %v", l.AcceptFrom)
	}
	if want := []RadiusServer{{"192.0.2.9", 1645, true, false}, {"r.example", 0, false, false}}; !slices.Equal(c.Radius.Servers, want) {
		t.Errorf("servers %+v", c.Radius.Servers)
	}
	if c.Fax.RedundancyImage != Auto || c.Fax.MaxRate != 9600 {
		t.Errorf("fax %+v", c.Fax)
	}
	if got := load(t, file("[sip1]\n[port2]\n")).Port(2).Driver.Addr; got != "/run/tipring/port2.sock" {
		t.Errorf("port 2's default socket %s", got)
	}
}

func TestTheHighestLayerWinsAndIsNamed(t *testing.T) {
	layers := []Layer{
		LocalLayer("/s/config/local.ini", []byte("[sip1]\ndisplay_name = local")),
		SettingsLayer("radius:192.0.2.9", []Setting{{Section: "sip1", Key: "realm", Value: "radius"}, {Section: "sip1", Key: "display_name", Value: "radius"}}),
		ProvisionedLayer("https://h.example/a.ini", []byte("[sip1]\n\nrealm = url\nauth_user = url")),
		file("[sip1]\nrealm = file\ndisplay_name = file\nusername = file"),
		FactoryLayer("/f.ini", []byte("[sip1]\n\n\nrealm = factory\nserver_name = factory.example")),
	}
	check := func(c *Config, want ...[4]string) {
		t.Helper()
		for _, w := range want {
			value, _ := c.Value("sip1", w[0])
			source, line, _ := c.Source("sip1", w[0])
			if value != w[1] || source != w[2] || fmt.Sprint(line) != w[3] {
				t.Errorf("%s = %s from %s:%d, want %v", w[0], value, source, line, w[1:])
			}
		}
	}
	check(load(t, layers...),
		[4]string{"display_name", "local", "local", "2"},
		[4]string{"realm", "url", "https://h.example/a.ini", "3"},
		[4]string{"username", "file", "file:tipring.ini", "4"},
		[4]string{"server_name", "factory.example", "factory:/f.ini", "5"},
		[4]string{"codecs", "pcmu,pcma,g722", "built-in", "0"})

	layers = append(layers[:4:4], FactoryLayer("/f.ini", []byte("[provisioning]\nlock_local = 1\n")))
	check(load(t, layers...),
		[4]string{"display_name", "radius", "radius:192.0.2.9", "0"},
		[4]string{"realm", "url", "https://h.example/a.ini", "3"})
}

func TestAnEmptyValueIsAValue(t *testing.T) {
	c := load(t, file("[sip1]\nregister_addr = 192.0.2.1\nregister_port = 5070"),
		LocalLayer("local.ini", []byte("[sip1]\nregister_addr =\nregister_port =")))
	if l := c.Lines[0]; l.RegisterAddr != "" || l.RegisterPort != 0 {
		t.Errorf("register_addr %q, register_port %d", l.RegisterAddr, l.RegisterPort)
	}
}

// What the network may set is written in the description; the rest is listed.
func TestWhatProvisionedValuesMaySet(t *testing.T) {
	c := load(t, ProvisionedLayer("http://h/x.ini", []byte(`[sip1]
username = 7
colour = green
[port1]
driver = unix:/etc/passwd
ani = 600
[device]
state_dir = /tmp
[provisioning]
interval_s = 3600
lock_local = 0
verify_key = 00
[web]
allow = any
[future]
x = 1
`)))
	if c.Lines[0].Username != "7" || c.Ports[0].ANI != "600" || c.Provisioning.IntervalS != 3600 {
		t.Error("what may be set was not")
	}
	if c.Ports[0].Driver.Addr != "/run/tipring/port1.sock" || c.Device.StateDir != "/var/lib/tipring" || c.Web.Allow.Word != "lan" {
		t.Error("what may not be set was")
	}
	want := `http://h/x.ini:3: [sip1] colour = ********: wanted a known key; ignored
http://h/x.ini:5: [port1] driver = unix:/etc/passwd: wanted this key in a file on the device; ignored
http://h/x.ini:8: [device] state_dir = /tmp: wanted this key in a file on the device; ignored
http://h/x.ini:11: [provisioning] lock_local = 0: wanted this key in a file on the device; ignored
http://h/x.ini:12: [provisioning] verify_key = 00: wanted this key in a file on the device; ignored
http://h/x.ini:14: [web] allow = any: wanted this key in a file on the device; ignored
http://h/x.ini:15: [future]: wanted a known section: device, sip, sip1 to sip1024, port1 to port1024, fax, radius, provisioning, web; ignored`
	if got := c.Warnings.Error(); got != want {
		t.Errorf("warnings\n%s\nwant\n%s", got, want)
	}
}

func TestABadProvisionedValueRefusesTheWhole(t *testing.T) {
	_, err := Load([]Layer{SettingsLayer("radius:r", []Setting{
		{Section: "sip1", Key: "transport", Value: "quic"},
		{Section: "sip1", Key: "username", Value: "1"},
		{Section: "sip1", Key: "username", Value: "2"},
		{Section: "sip1", Key: "realm", Value: "a\nb"},
	})}, Checks{})
	want := `radius:r: wanted section.key=value without control characters
radius:r: [sip1] transport = quic: wanted 0 (udp), 1 (tcp) or 3 (tls)
radius:r: [sip1] username = 2: wanted each key once`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestWhatLocalMayNotSet(t *testing.T) {
	_, err := Load([]Layer{LocalLayer("local.ini", []byte("[device]\nstate_dir = /x\n[provisioning]\nlock_local = 0\n[sip1]\nauth_password = ********"))}, Checks{})
	want := `local.ini:2: [device] state_dir = /x: wanted this key in the factory's or the operator's file, not here
local.ini:4: [provisioning] lock_local = 0: wanted this key in the factory's or the operator's file, not here
local.ini:6: [sip1] auth_password = ********: wanted a value; the mask stands for a secret that is not there yet`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

// A device with ports and without lines waits for provisioning.
func TestPortsBeforeTheirLinesAreProvisioned(t *testing.T) {
	c := load(t, FactoryLayer("factory.ini", []byte("[port1]\n[port2]\nline = 2\n")))
	want := `factory.ini:1: [port1] line = 1: wanted a section [sip1], from this file or provisioned
factory.ini:3: [port2] line = 2: wanted a section [sip2], from this file or provisioned`
	if got := c.Warnings.Error(); got != want {
		t.Errorf("warnings\n%s", got)
	}
}

func TestChecksOfOtherPackages(t *testing.T) {
	no := func(string) error { return errors.New("it is Tuesday") }
	_, err := Load([]Layer{file("[sip1]\n[port1]\ndial_plan = (x.)\n[device]\ncountry = za")}, Checks{DialPlan: no, Country: no})
	want := `tipring.ini:3: [port1] dial_plan = (x.): wanted a dial plan: it is Tuesday
tipring.ini:5: [device] country = za: wanted a known country: it is Tuesday`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestRescueKeepsThePageAndTheStateDirectory(t *testing.T) {
	c := Rescue([]Layer{file("[device]\nstate_dir = /s\ncountry = XX\n[web]\nlisten = :80\n[sip1]\nusername = 1\nbroken\n[port1]\n[radius]\nsecret = x")})
	if c.Device.StateDir != "/s" || c.Web.Listen != ":80" || c.Device.Country != "us" {
		t.Errorf("%+v %+v", c.Device, c.Web)
	}
	if len(c.Lines) != 0 || len(c.Ports) != 0 || c.Radius.Secret != "" {
		t.Error("more was kept")
	}
}

func TestManyFaultsAreBounded(t *testing.T) {
	_, err := Load([]Layer{file(strings.Repeat("x\n", MaxText/2))}, Checks{})
	if n := len(err.(Faults)); n > maxFaults+1 {
		t.Errorf("%d faults", n)
	}
}

// A device with 256 lines must not hold much for each: with five keys a line, all
// that stays after loading is below 1 kB.
func TestMemoryOfALine(t *testing.T) {
	const lines = 256
	layers := []Layer{file(manyLines(lines))}
	before := heap()
	c := load(t, layers...)
	perLine := (heap() - before) / lines
	if len(c.Lines) != lines || perLine > 1000 {
		t.Errorf("%d octets a line", perLine)
	}
	t.Logf("%d octets a line", perLine)
	if &c.Lines[0].Codecs[0] != &c.Lines[1].Codecs[0] {
		t.Error("lines do not share the default list of codecs")
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func manyLines(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "[sip%d]\nusername = %[1]d\nauth_password = secret%[1]d\nregister_addr = 192.0.2.1\nbackup_addr = 192.0.2.2\ndisplay_name = Line %[1]d\n", i+1)
	}
	return text.String()
}

func BenchmarkLoad256Lines(b *testing.B) {
	layers := []Layer{file(manyLines(256))}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Load(layers, Checks{}); err != nil {
			b.Fatal(err)
		}
	}
}
