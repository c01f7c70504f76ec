package dhcp

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	now     = time.Date(2026, 11, 22, 6, 30, 0, 0, time.UTC)
	halfAgo = now.Add(-30 * time.Minute)

	dhclientEnd = time.Date(2026, 11, 22, 7, 13, 36, 0, time.UTC) // of testdata/dhclient.leases
)

// A disk is a root directory for Find.
type disk struct {
	t    *testing.T
	root string
}

// newDisk makes one of a machine with eth0 (2), br (3) and br-lan (4) that runs for 5000 s.
func newDisk(t *testing.T) disk {
	d := disk{t, t.TempDir()}
	for i, name := range []string{"eth0", "br", "br-lan"} {
		d.write("sys/class/net/"+name+"/ifindex", fmt.Sprintln(i+2), now)
	}
	d.write("proc/uptime", "5000.12 9000.00\n", now)
	return d
}

func (d disk) write(path, text string, mod time.Time) {
	d.t.Helper()
	path = filepath.Join(d.root, path)
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, []byte(text), 0o644)
	}
	if err == nil {
		err = os.Chtimes(path, mod, mod)
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

const networkd = `# This is private data. Do not parse.
ADDRESS=10.9.0.59
NETMASK=255.255.255.0
ROUTER=10.9.0.1
SERVER_ADDRESS=10.9.0.1
LIFETIME=3600
SIP=10.9.0.1 10.9.0.2
CLIENTID=ff
VENDOR_SPECIFIC=687474703a2f2f612f62
OPTION_224=61
`

// Each client's file, as the client writes it, gives what it keeps.
func TestFindReadsEachClient(t *testing.T) {
	const id = "8a0ae0c6-4dd0-3b6e-9b8d-2c6d6a9b2f11"
	dhclient, dhcpcd := string(golden(t, "dhclient.leases")), string(golden(t, "dhcpcd.lease"))
	udhcpc := "# kept\ninterface=eth0\nuptime=4000\nlease=3600\ntftp=prov.example\nbootfile=a.cfg\nboot_file=b\nopt160=687474703a2f2f612f62\nsipsrv=sip.example.com\nend\n"
	full := []string{"66 http://10.9.0.1/cfg/cfg.ini", "160 http://a/b;c", "150 tftp://10.9.0.1/cfg.ini", "150 tftp://10.9.0.2/cfg.ini", "120 sip.example.com"}
	for _, tt := range []struct {
		client, path, text string
		want               []string
		obtained, expires  time.Time
	}{
		{"systemd-networkd", "run/systemd/netif/leases/2", networkd, []string{"43 http://a/b", "120 10.9.0.1 10.9.0.2"}, halfAgo, halfAgo.Add(time.Hour)},
		{"NetworkManager", "var/lib/NetworkManager/internal-" + id + "-eth0.lease", networkd, []string{"43 http://a/b", "120 10.9.0.1 10.9.0.2"}, halfAgo, halfAgo.Add(time.Hour)},
		{"NetworkManager", "run/NetworkManager/devices/2", "[device]\nmanaged=1\nnext-server=10.9.0.1\ndhcp-bootfile=http://a/b\n", []string{"67 http://a/b"}, halfAgo, time.Time{}},
		{"dhclient", "var/lib/dhcp/dhclient.eth0.leases", dhclient, full, dhclientEnd.Add(-time.Hour), dhclientEnd},
		{"dhclient", "var/lib/dhclient/dhclient--eth0.lease", dhclient, full, dhclientEnd.Add(-time.Hour), dhclientEnd},
		{"dhclient", "run/dhclient.eth0.leases", dhclient, full, dhclientEnd.Add(-time.Hour), dhclientEnd},
		{"dhclient", "var/lib/NetworkManager/dhclient-" + id + "-eth0.lease", dhclient, full, dhclientEnd.Add(-time.Hour), dhclientEnd},
		{"dhcpcd", "var/lib/dhcpcd/eth0.lease", dhcpcd, append(slices.Insert(slices.Clone(full[:2]), 2, "159 http://a/b"), full[2:]...), halfAgo, halfAgo.Add(time.Hour)},
		{"dhcpcd", "var/lib/dhcpcd5/dhcpcd-eth0.lease", dhcpcd, append(slices.Insert(slices.Clone(full[:2]), 2, "159 http://a/b"), full[2:]...), halfAgo, halfAgo.Add(time.Hour)},
		{"udhcpc", "var/run/tipring/udhcpc-eth0.lease", udhcpc, []string{"66 tftp://prov.example/a.cfg", "160 http://a/b", "120 sip.example.com"}, now.Add(-1000 * time.Second), now.Add(2600 * time.Second)},
	} {
		t.Run(tt.path, func(t *testing.T) {
			d := newDisk(t)
			d.write(tt.path, tt.text, halfAgo)
			for _, iface := range []string{"eth0", ""} {
				f, err := Find(d.root, iface, now)
				if err != nil {
					t.Fatal(err)
				}
				if f.Client != tt.client || f.File != "/"+tt.path || len(f.Notes) > 0 {
					t.Errorf("found %+v", f)
				}
				if !f.Obtained.Equal(tt.obtained) || !f.Expires.Equal(tt.expires) {
					t.Errorf("from %v to %v, want %v to %v", f.Obtained, f.Expires, tt.obtained, tt.expires)
				}
				if got := offered(f.Options); !slices.Equal(got, tt.want) {
					t.Errorf("offers %q, want %q", got, tt.want)
				}
			}
			if f, err := Find(d.root, "br", now); !errors.Is(err, ErrNoLease) {
				t.Errorf("of another interface: %+v, %v", f, err)
			}
		})
	}
}

func offered(o Options) (list []string) {
	offers, _ := o.Offers()
	for _, o := range offers {
		list = append(list, fmt.Sprintf("%d %s%s", o.Option, o.URL, strings.Join(o.SIPServers, " ")))
	}
	return list
}

// The newest that has not expired wins, whichever client's it is; one that says nothing
// of ours comes last.
func TestFindTakesTheNewest(t *testing.T) {
	lease := func(value string) string {
		return "ADDRESS=10.9.0.59\nLIFETIME=3600\nOPTION_160=" + hex.EncodeToString([]byte(value)) + "\n"
	}
	const nm = "var/lib/NetworkManager/internal-8a0ae0c6-4dd0-3b6e-9b8d-2c6d6a9b2f11-eth0.lease"
	d := newDisk(t)
	d.write("run/systemd/netif/leases/2", lease("http://networkd/x"), halfAgo)
	d.write(nm, lease("http://nm/x"), halfAgo.Add(time.Minute))
	d.write("var/lib/NetworkManager/internal-9a0ae0c6-4dd0-3b6e-9b8d-2c6d6a9b2f11-eth0.lease", "ADDRESS=10.9.0.59\n", now)
	for _, tt := range []struct {
		at   time.Time
		want string
	}{
		{now, "160 http://nm/x"},
		{halfAgo.Add(time.Hour), "160 http://nm/x"},
	} {
		f, err := Find(d.root, "eth0", tt.at)
		if got := offered(f.Options); err != nil || len(got) != 1 || got[0] != tt.want {
			t.Errorf("at %v: %q, %v; want %q", tt.at, got, err, tt.want)
		}
	}
	f, err := Find(d.root, "eth0", now.Add(time.Hour))
	if err != nil || len(f.Options) > 0 || len(f.Notes) != 2 || !strings.Contains(f.Notes[0], "/run/systemd/netif/leases/2: its lease has expired") {
		t.Errorf("when all that say something have expired: %+v, %v", f, err)
	}
}

// An interface's lease is not another's of a longer name.
func TestFindTellsInterfacesApart(t *testing.T) {
	d := newDisk(t)
	d.write("var/lib/dhcpcd/br-lan.lease", string(golden(t, "dhcpcd.lease")), halfAgo)
	if f, err := Find(d.root, "br", now); !errors.Is(err, ErrNoLease) {
		t.Errorf("br has %+v, %v", f, err)
	}
	d.write("var/lib/dhcpcd/br-ssid.lease", string(golden(t, "dhcpcd.lease")), halfAgo)
	if f, err := Find(d.root, "br", now); err != nil || f.File != "/var/lib/dhcpcd/br-ssid.lease" {
		t.Errorf("br has %+v, %v", f, err)
	}
	for _, name := range []string{"../etc", "a/b", "*", "..", "e[t]h0"} {
		if _, err := Find(d.root, name, now); err == nil || errors.Is(err, ErrNoLease) {
			t.Errorf("interface %q: %v", name, err)
		}
	}
}

// Options that a client spoils are told, so that the servers can be asked instead.
func TestFindTellsWhatIsLost(t *testing.T) {
	d := newDisk(t)
	d.write("var/lib/dhcp/dhclient.leases", string(golden(t, "dhclient.leases")), halfAgo)
	if f, err := Find(d.root, "eth0", now); err != nil || !slices.Equal(f.Lost, []byte{159}) || f.Options[159] != nil {
		t.Errorf("dhclient: %+v, %v", f, err)
	}
	d = newDisk(t)
	d.write("run/tipring/udhcpc-eth0.lease", "uptime=4000\nlease=3600\ntftp=bad\nend\n", halfAgo)
	if f, err := Find(d.root, "eth0", now); err != nil || !slices.Equal(f.Lost, []byte{66}) || f.Options[66] != nil {
		t.Errorf("udhcpc: %+v, %v", f, err)
	}
}

// Damaged files are passed over with a note, and the good one beside them is found.
func TestFindPassesOverDamage(t *testing.T) {
	dhcpcd := string(golden(t, "dhcpcd.lease"))
	dhclient := string(golden(t, "dhclient.leases"))
	for _, tt := range []struct{ name, path, text, note string }{
		{"no address", "run/systemd/netif/leases/2", "LIFETIME=3600\n", "no address"},
		{"no setting", "run/systemd/netif/leases/2", "ADDRESS=10.9.0.59\nLIFETI", "line 2"},
		{"lifetime", "run/systemd/netif/leases/2", "ADDRESS=10.9.0.59\nLIFETIME=x\n", "LIFETIME"},
		{"hex digits", "run/systemd/netif/leases/2", "ADDRESS=10.9.0.59\nVENDOR_SPECIFIC=6\n", "VENDOR_SPECIFIC: no hex"},
		{"option number", "run/systemd/netif/leases/2", "ADDRESS=10.9.0.59\nOPTION_255=61\n", "option's number"},
		{"zeros after a power cut", "run/systemd/netif/leases/2", strings.Repeat("\x00", 200), "zero octet"},
		{"too long", "run/systemd/netif/leases/2", strings.Repeat("ADDRESS=10.9.0.59\n", 20000), "too long"},
		{"message cut", "var/lib/dhcpcd/eth0.lease", dhcpcd[:300], "goes beyond the options field"},
		{"no reply", "var/lib/dhcpcd/eth0.lease", "\x01" + dhcpcd[1:], "no reply"},
		{"empty", "var/lib/dhcpcd/eth0.lease", "", "cut short"},
		{"text cut", "var/lib/dhcp/dhclient.eth0.leases", dhclient[:len(dhclient)/2], "damaged"},
		{"string not ended", "var/lib/dhcp/dhclient.eth0.leases", `lease { filename "a; }`, "a string has no end"},
		{"date", "var/lib/dhcp/dhclient.eth0.leases", `lease { expire 1 x; }`, "a date"},
		{"value", "var/lib/dhcp/dhclient.eth0.leases", `lease { option unknown-160 zz; }`, "option unknown-160"},
		{"block in a lease", "var/lib/dhcp/dhclient.eth0.leases", `lease { x { } }`, "a lease has no end"},
		{"udhcpc cut", "run/tipring/udhcpc-eth0.lease", "uptime=1\nlease=3", "cut short"},
		{"udhcpc of before the start", "run/tipring/udhcpc-eth0.lease", "uptime=5001\nend\n", "before the system was last started"},
		{"udhcpc without age", "run/tipring/udhcpc-eth0.lease", "lease=10\nend\n", "age"},
		{"udhcpc lease", "run/tipring/udhcpc-eth0.lease", "uptime=1\nlease=x\nend\n", "lease"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDisk(t)
			d.write(tt.path, tt.text, now)
			_, err := Find(d.root, "eth0", now)
			if !errors.Is(err, ErrNoLease) || !strings.Contains(err.Error(), "/"+tt.path+": ") || !strings.Contains(err.Error(), tt.note) {
				t.Errorf("alone: %v, want a note with %q", err, tt.note)
			}
			d.write("var/db/dhcpcd/eth0.lease", dhcpcd, halfAgo)
			f, err := Find(d.root, "eth0", now)
			if err != nil || f.Client != "dhcpcd" || len(f.Notes) != 1 || !strings.Contains(f.Notes[0], tt.note) {
				t.Errorf("beside a good one: %+v, %v", f, err)
			}
		})
	}
}

// A pipe or a directory in a file's place does not hold the search up.
func TestFindOpensFilesOnly(t *testing.T) {
	d := newDisk(t)
	if err := os.MkdirAll(filepath.Join(d.root, "var/lib/dhcpcd/eth0.lease"), 0o755); err != nil {
		t.Fatal(err)
	}
	makePipe(t, filepath.Join(d.root, "var/lib/dhcpcd/eth0-a.lease"))
	f, err := Find(d.root, "eth0", now)
	if !errors.Is(err, ErrNoLease) || len(f.Notes) != 2 || !strings.Contains(f.Notes[1], "no regular file") {
		t.Errorf("got %+v, %v", f, err)
	}
}

// dhclient's log grows: the end of it counts, and the last lease that is whole.
func TestDhclientLog(t *testing.T) {
	lease := func(iface, url, expire string) string {
		return fmt.Sprintf("lease {\n  interface \"%s\";\n  option unknown-160 \"%s\";\n  option dhcp-lease-time 3600;\n  expire %s;\n}\n", iface, url, expire)
	}
	old := lease("eth0", "http://old/x", "0 2026/11/22 06:40:00")
	for _, tt := range []struct{ name, text, want string }{
		{"the last is the newest", old + lease("eth0", "http://new/x", "0 2026/11/22 07:00:00"), "http://new/x"},
		{"another interface's does not count", old + lease("br", "http://new/x", "0 2026/11/22 07:00:00"), "http://old/x"},
		{"an expired one does not count", old + lease("eth0", "http://new/x", "0 2026/11/22 06:30:00"), "http://old/x"},
		{"epoch", lease("eth0", "http://new/x", "epoch 1795330000; # Sun Nov 22 06:46:40 2026\n#"), "http://new/x"},
		{"never", lease("eth0", "http://new/x", "never"), "http://new/x"},
		{"a log of years", strings.Repeat(lease("eth0", "http://gone/x", "0 2026/11/21 06:30:00"), 3000) + old, "http://old/x"},
		{"a cut last block", old + "lease {\n  interface \"eth", "http://old/x"},
		{"other statements", "default-duid \"\\000\\001;}\\\"\";\nlease6 { ia-na 1 { x y; } }\n" + old, "http://old/x"},
		{"escapes", strings.ReplaceAll(old, "old/x", `old/\170`), "http://old/x"},
		{"hex octets", strings.ReplaceAll(old, `"http://old/x"`, "68:74:74:70:3a:2f:2f:6f:6c:64:2f:78"), "http://old/x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDisk(t)
			d.write("var/lib/dhcp/dhclient.leases", tt.text, halfAgo)
			f, err := Find(d.root, "eth0", now)
			if got := string(f.Options[160]); err != nil || got != tt.want {
				t.Errorf("option 160 is %q, %v; want %q (%v)", got, err, tt.want, f.Notes)
			}
		})
	}
}

// Lease is Find at this moment.
func TestLease(t *testing.T) {
	d := newDisk(t)
	d.write("var/lib/dhcpcd/eth0.lease", string(golden(t, "dhcpcd.lease")), time.Now())
	if o, err := Lease(d.root, "eth0"); err != nil || string(text([]byte(o[66]))) != "http://10.9.0.1/cfg/" {
		t.Errorf("got %q, %v", o, err)
	}
	if _, err := Lease(t.TempDir(), "eth0"); !errors.Is(err, ErrNoLease) {
		t.Errorf("on an empty disk: %v", err)
	}
}

func FuzzLeaseFiles(f *testing.F) {
	f.Add(golden(f, "dhclient.leases"))
	f.Add(golden(f, "dhcpcd.lease"))
	f.Add([]byte(networkd))
	f.Add([]byte("interface=eth0\nuptime=4000\nlease=3600\ntftp=bad\nsipsrv=192.0.2.1\nopt43=0102\nend\n"))
	f.Add([]byte("[device]\ndhcp-bootfile=x\n"))
	f.Add([]byte("lease { option unknown-160 1:2; expire epoch 5; } x { y { ; } }"))
	root := f.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "proc"), 0o755); err != nil {
		f.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "proc/uptime"), []byte("5000.12 1"), 0o644); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, c := range clients {
			found, _ := c.read(file{data: slices.Clone(data), cut: len(data)%7 == 0, mod: halfAgo, now: now, root: root})
			for _, l := range found {
				checkOffers(t, l.Options)
			}
		}
	})
}
