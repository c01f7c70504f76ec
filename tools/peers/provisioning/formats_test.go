package provisioning

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/fetchers"
	"tipring/tools/peers/kamailio"
)

// exports are files as the makers' devices and servers have them, in every form that is
// read, brought to the registrars of this network: each says user 2001, its password,
// and two servers.
func exports(t *testing.T) map[string]string {
	t.Helper()
	top, err := agent.Top()
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string, change ...string) string {
		text, err := os.ReadFile(filepath.Join(top, "provisioning/format/testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		both := []string{
			"pbx1.example", "10.9.0.1", "pbx2.example", "10.9.0.2", "5070", "5060", "5071", "5060", "dev2001", "2001",
			"PLANTED:one=#1", kamailio.Password("2001"), "PLANTED &amp; one", kamailio.Password("2001"), "PLANTED-one", kamailio.Password("2001"),
			"edge1.example:5080", "", "edge2.example", "", "edge1.example", "", "edge.example:5080", "", "stun.example:3479", "", "stun.example", "",
		}
		return strings.NewReplacer(append(change, both...)...).Replace(string(text))
	}
	return map[string]string{
		"fanvil.cfg": read("fanvil.cfg", "SIP1 Backup Transport   :3", "SIP1 Backup Transport   :1", "SIP2 Enable Reg         :1", "SIP2 Enable Reg         :0"),
		"fanvil.xml": read("fanvil.xml", "<Backup_Transpo>3<", "<Backup_Transpo>1<", "<Transport>0</Transport>\n<Enable_Reg>1<", "<Transport>0</Transport>\n<Enable_Reg>0<"),
		"sysconf.xml": read("fanvil-sysconf.xml", "<BackupTransport>3<", "<BackupTransport>1<",
			"<Transport>0</Transport>\n            <EnableReg>1<", "<Transport>0</Transport>\n            <EnableReg>0<"),
		"grandstream.xml": read("grandstream.xml", "<mac>000b82112233</mac>", "<mac>020000000001</mac>", "<P130>2<", "<P130>1<", "<P401>1<", "<P401>0<", "<P183>1<", "<P183>0<"),
		"cisco.xml":       read("cisco.xml", "<Line_Enable_2_ ua=\"na\">Yes<", "<Line_Enable_2_ ua=\"na\">No<"),
		"own.ini": fmt.Sprintf("[sip]\nudp_port = 5066\n[sip1]\nusername = 2001\nauth_password = %s\nregister_addr = 10.9.0.1\nbackup_addr = 10.9.0.2\n"+
			"transport = tcp\nbackup_transport = tcp\n", kamailio.Password("2001")),
	}
}

// A file of every maker's form makes the same device of a box: registered at the primary
// server over TCP, and at the backup when that is gone. The last one is sealed and comes by
// TFTP.
func TestEveryForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	files := exports(t)
	w.inside(func() { w.tftpd = fetchers.Tftpd(t, w.root) })
	s := newSealer(t, w)
	for name, text := range files {
		w.put(name, text)
	}
	w.put("sealed", s.seal(files["fanvil.cfg"], "020000000001", 1))
	for _, name := range []string{"fanvil.cfg", "fanvil.xml", "sysconf.xml", "grandstream.xml", "cisco.xml", "own.ini", "sealed"} {
		t.Run(name, func(t *testing.T) {
			url := https(name)
			if name == "sealed" {
				url = fmt.Sprintf("tftp://127.0.0.1:%d/%s", fetchers.TFTP, name)
			}
			d := begin(t, w.host, "02:00:00:00:00:01", own(), s.keys(w.factory("static")).Set("provisioning", "url", url))
			p := d.good()
			d.registered("primary", 1)
			if p.Source != "static" || p.URL != url || p.Error != "" {
				t.Errorf("%+v", p)
			}
			if l := d.Line(1); !strings.HasPrefix(l.AOR, "sip:2001@") || l.Transport != "tcp" {
				t.Errorf("%v, AOR %s over %s", l, l.AOR, l.Transport)
			}
			v := d.values()
			for key, want := range map[string]string{
				"sip1.username": "2001", "sip1.register_addr": "10.9.0.1", "sip1.backup_addr": "10.9.0.2", "sip1.auth_password": "********", "sip.udp_port": "5066",
			} {
				if got := v[key]; got[0] != want || !strings.HasPrefix(got[1], url+":") {
					t.Errorf("%s is %q, want %q of %s", key, got, want, url)
				}
			}
			if notes := p.notes(); name != "own.ini" && !strings.Contains(notes, url) {
				t.Errorf("not understood: %s", notes)
			}
			w.pbx.Kill()
			if status, text := d.ask("POST", "/api/v1/lines/1/register", ""); status != 202 {
				t.Errorf("register: %d %s", status, text)
			}
			d.registered("backup", 1)
			d.silent(append(s.secrets, kamailio.Password("2001"), "PLANTED")...)
			d.Stop()
			w.pbx.Restart(nil)
		})
	}
}
