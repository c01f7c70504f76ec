package format

import (
	"os"
	"strings"
	"testing"

	"tipring/internal/config"
	"tipring/lines/fxs"
)

// checks are those of the agent as far as they concern what these files may set.
var checks = config.Checks{DialPlan: func(text string) error {
	_, err := fxs.ParsePlan(text)
	return err
}}

func file(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func read(t testing.TB, text string) File {
	t.Helper()
	f, err := Read([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	f.Check(checks)
	return f
}

// effective are the values that a device has with that layer, without their sources.
func effective(t *testing.T, f File) map[[2]string]string {
	t.Helper()
	c, err := config.Load([]config.Layer{f.Layer("test")}, checks)
	if err != nil {
		t.Fatalf("config.Load refuses it:\n%v", err)
	}
	for _, w := range c.Warnings {
		if w.Later == "" {
			t.Errorf("config.Load warns: %v", w)
		}
	}
	all := make(map[[2]string]string)
	for _, e := range c.Explain() {
		all[[2]string{e.Section, e.Key}], _ = c.Value(e.Section, e.Key)
	}
	return all
}

// What a maker's file means is written beside it in our own text; both must drive the
// same device.
func TestMakersFilesDriveWhatOurINIDrives(t *testing.T) {
	for _, tt := range []struct{ name, same, format, version, mac string }{
		{"fanvil.cfg", "fanvil.ini", FanvilText, "2.0000000012", ""},
		{"fanvil.xml", "fanvil.ini", FanvilXML, "2.0000000012", ""},
		{"fanvil-sysconf.xml", "fanvil.ini", FanvilSysConf, "2.0000000012", ""},
		{"grandstream.xml", "grandstream.ini", Grandstream, "1", "000b82112233"},
		{"grandstream-ports.xml", "grandstream-ports.ini", Grandstream, "1", ""},
		{"cisco.xml", "cisco.ini", Cisco, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, ours := read(t, file(t, tt.name)), read(t, file(t, tt.same))
			if f.Format != tt.format || f.Version != tt.version || f.MAC != tt.mac || ours.Format != INI {
				t.Errorf("format %q, version %q, MAC %q, ours %q", f.Format, f.Version, f.MAC, ours.Format)
			}
			got, want := effective(t, f), effective(t, ours)
			for at, value := range want {
				if got[at] != value {
					t.Errorf("[%s] %s = %q, want %q", at[0], at[1], got[at], value)
				}
			}
			for at, value := range got {
				if _, found := want[at]; !found {
					t.Errorf("[%s] %s = %q, want no such section", at[0], at[1], value)
				}
			}
			explicit(t, f, file(t, tt.same))
			if !f.Secrets() || !ours.Secrets() {
				t.Errorf("passwords: Secrets is %v, of our text %v", f.Secrets(), ours.Secrets())
			}
		})
	}
}

// explicit compares what the file sets itself with our text: a key that only happens to
// have its default is not enough.
func explicit(t *testing.T, f File, ours string) {
	t.Helper()
	want := make(map[[2]string]bool)
	for _, s := range iniSettings(ours) {
		want[[2]string{s.Section, s.Key}] = true
	}
	for _, s := range f.Settings {
		if at := [2]string{s.Section, s.Key}; !want[at] {
			t.Errorf("line %d sets [%s] %s = %q, which our text does not", s.Line, s.Section, s.Key, s.Value)
		} else {
			delete(want, at)
		}
	}
	for at := range want {
		if strings.HasPrefix(f.Format, "fanvil") && at == [2]string{"sip2", "display_name"} {
			continue
		}
		t.Errorf("nothing sets [%s] %s", at[0], at[1])
	}
}

// Every line of a file is a setting, part of one, a note, or no item at all.
func TestNothingIsDroppedInSilence(t *testing.T) {
	f := read(t, file(t, "fanvil.cfg"))
	lines := make(map[int]string)
	for _, s := range f.Settings {
		lines[s.Line] = s.Key
	}
	for _, n := range f.Notes {
		lines[n.Line] = n.Why
	}
	part := map[string]string{ // items that only say how another one is meant
		"STUN Port": "STUN Server", "SIP1 Enable OSRTP": "SIP1 Media Crypto", "SIP1 S Timer Expires": "SIP1 Session Timer",
		"SIP1 DNS SRV": "SIP1 DNS Mode", "SIP1 Sip Name": "SIP1 Local Domain", "Flash File Name": "Flash Server IP", "Flash Protocol": "Flash Server IP", "Flash Interval": "Flash Mode",
	}
	for i, line := range strings.Split(file(t, "fanvil.cfg"), "\n") {
		name, _, found := strings.Cut(line, ":")
		name = strings.TrimSpace(name)
		if !found || line[0] == '<' || strings.HasPrefix(line, "--") || strings.HasPrefix(name, "SIP3 ") || part[name] != "" {
			continue
		}
		if lines[i+1] == "" {
			t.Errorf("line %d: %s is neither used nor listed", i+1, name)
		}
	}
}

func TestNotes(t *testing.T) {
	for _, tt := range []struct {
		name string
		at   string // beginning of the line
		text string
		why  string // part of it
	}{
		{"fanvil.cfg", "WAN TYPE", "WAN TYPE", "not known"},
		{"fanvil.cfg", "PPPoE Password", "PPPoE Password", "not known"},
		{"fanvil.cfg", "Select Your Tone", "Select Your Tone = 11", "country"},
		{"fanvil.cfg", "Reg Fail Interval", "Reg Fail Interval = 32", "RFC 5626"},
		{"fanvil.cfg", "SIP1 Ring Type", "SIP1 Ring Type", "not known"},
		{"fanvil.cfg", "SIP1 VoiceCodecMap", "SIP1 VoiceCodecMap = G722,PCMA,G729,PCMU", "not here: G729"},
		{"fanvil.cfg", "SIP1 Local Domain", "SIP1 Local Domain = voice.example", "Sip Name is another"},
		{"fanvil.cfg", "###SIP2 Register Pswd", "SIP2 Register Pswd", "masked in the export"},
		{"fanvil.cfg", "SIP2 Use VPN", "SIP2 Use VPN = 1", "name of a network interface"},
		{"fanvil.cfg", "SIP3 Phone Number", "line 3", "no number and no server; its 7 items"},
		{"fanvil.cfg", "Default Password", "Default Password = ********", "not taken"},
		{"fanvil.xml", "<Register_TTL >", "SIP1 Register_TTL", "stands in line 27 already"},
		{"fanvil.xml", "<Menu_Password>", "Menu_Password", "not known"},
		{"fanvil.xml", "<Value>", "Function_Key/Function_Key_Entry/Value", "not known"},
		{"fanvil-sysconf.xml", "            <AudioCodecSets>", "mm/capability/AudioCodecSets", "not known"},
		{"grandstream.xml", "<P2>", "P2 = ********", "secret of the other device"},
		{"grandstream.xml", "<P64>", "P64 = auto", "time_zone"},
		{"grandstream.xml", "<P28096>", "P28096 = 1", "proxies too"},
		{"grandstream.xml", "<P850>", "P850 = 102", "second and third"},
		{"grandstream.xml", "<P4200>", "P4200 = {", "no telephone has"},
		{"grandstream.xml", "<P57>", "P57 = 9", "18"},
		{"grandstream.xml", "<P743>", "P743 = 0", "accept_from = any"},
		{"grandstream.xml", "<P740>", "P740", "has set it already"},
		{"cisco.xml", "<GPP_SA ", "GPP_SA = ********", "secret"},
		{"cisco.xml", "<SIP_T2 ", "SIP_T2 = 4", "RFC 3261"},
		{"cisco.xml", "<Restrict_Source_IP_1_ ", "Restrict_Source_IP_1_ = No", "accept_from = any"},
		{"cisco.xml", "<Dial_Plan_1_ ", "Dial_Plan_1_ = (", "second dial tone"},
		{"cisco.xml", "<Speed_Dial_2_1_ ", "Speed_Dial_2_1_", "not known"},
		{"cisco.xml", "<SIP_Port_2_ ", "SIP_Port_2_", "has set it already"},
	} {
		line := lineOf(t, tt.name, tt.at)
		found := false
		for _, n := range read(t, file(t, tt.name)).Notes {
			found = found || n.Line == line && strings.HasPrefix(n.Text, tt.text) && strings.Contains(n.Why, tt.why)
		}
		if !found {
			t.Errorf("%s: no note of line %d on %s with %q", tt.name, line, tt.text, tt.why)
		}
	}
}

// lineOf is the first line that begins so.
func lineOf(t *testing.T, name, beginning string) int {
	t.Helper()
	for i, line := range strings.Split(file(t, name), "\n") {
		if strings.HasPrefix(line, beginning) {
			return i + 1
		}
	}
	t.Fatalf("%s: no line begins with %s", name, beginning)
	return 0
}

func TestNotesTellNoSecret(t *testing.T) {
	for _, name := range []string{"fanvil.cfg", "fanvil.xml", "fanvil-sysconf.xml", "grandstream.xml", "grandstream-ports.xml", "cisco.xml"} {
		for _, n := range read(t, file(t, name)).Notes {
			if strings.Contains(n.Text+n.Why, "PLANTED") {
				t.Errorf("%s: %+v", name, n)
			}
		}
	}
}

func TestSettingsKnowTheirLine(t *testing.T) {
	for _, tt := range []struct{ name, section, key, at string }{
		{"fanvil.cfg", "sip1", "register_addr", "SIP1 Register Addr"},
		{"fanvil.cfg", "provisioning", "url", "Flash Server IP"},
		{"fanvil.xml", "sip1", "backup_transport", "<Backup_Transpo>"},
		{"fanvil-sysconf.xml", "sip1", "username", "            <PhoneNumber>2001"},
		{"grandstream.xml", "port1", "dial_plan", "<P4200>"},
		{"cisco.xml", "sip1", "auth_password", "<Password_1_ "},
	} {
		line := lineOf(t, tt.name, tt.at)
		for _, s := range read(t, file(t, tt.name)).Settings {
			if s.Section == tt.section && s.Key == tt.key && s.Line != line {
				t.Errorf("%s: [%s] %s stands in line %d, told as %d", tt.name, tt.section, tt.key, line, s.Line)
			}
		}
	}
}

func TestSecrets(t *testing.T) {
	for _, tt := range []struct {
		text string
		want bool
	}{
		{"[sip1]\nusername = 1001\n", false},
		{"[sip1]\nauth_password = x\n", true},
		{"[sip1]\nauth_password =\n", false},
		{"# auth_password = x\n[sip1]\nusername = 1001\n", false},
		{"[provisioning]\nurl = https://user:x@h/{mac}\n", true},
		{"[provisioning]\nurl = https://h/{mac}\n", false},
		{"<flat-profile><User_ID_1_>1</User_ID_1_></flat-profile>", false},
		{"<flat-profile><Password_1_>1</Password_1_></flat-profile>", true},
	} {
		if f := read(t, tt.text); f.Secrets() != tt.want {
			t.Errorf("%q: Secrets is %v", tt.text, f.Secrets())
		}
	}
}
