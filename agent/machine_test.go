package agent

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tipring/internal/timezone"
	"tipring/webui/access"
	"tipring/webui/api"
)

// systemFiles writes files of a system below a directory.
func systemFiles(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// native is an address as the kernel writes it on this machine.
func native(b ...byte) string {
	text := strconv.FormatUint(uint64(binary.NativeEndian.Uint32(b)), 16)
	for len(text) < 8 {
		text = "0" + text
	}
	return text
}

const routeHead = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"

func TestGateway(t *testing.T) {
	lan := "eth0\t" + native(192, 0, 2, 0) + "\t00000000\t0001\t0\t0\t0\t" + native(255, 255, 255, 0) + "\t0\t0\t0\n"
	way := "eth0\t00000000\t" + native(192, 0, 2, 1) + "\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
	six := "00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe80000000000000000000000000beef 00000400 00000000 00000000 00000003 eth0\n"
	for _, tt := range []struct {
		name, route, six, want string
	}{
		{"both", routeHead + lan + way, six, "192.0.2.1"},
		{"IPv6 alone", routeHead + lan, six, "fe80::beef"},
		{"none", routeHead + lan, "", ""},
		{"a point-to-point line has no gateway", routeHead + "ppp0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n", "", ""},
		{"nonsense", "x\ty\neth0 00000000 zz 3 0 0 0 00000000", "0 0 0", ""},
	} {
		dir := systemFiles(t, map[string]string{"route": tt.route, "ipv6_route": tt.six})
		if got := gateway(dir); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	if got := gateway(t.TempDir()); got != "" {
		t.Errorf("without files: %q", got)
	}
}

func TestReadDNS(t *testing.T) {
	dir := systemFiles(t, map[string]string{"resolv.conf": "# by dhcp\nsearch lan\nnameserver 192.0.2.53\nnameserver\nnameserver nonsense\nnameserver 2001:db8::53 # v6\n"})
	if got := readDNS(filepath.Join(dir, "resolv.conf")); !slices.Equal(got, []string{"192.0.2.53", "2001:db8::53"}) {
		t.Errorf("%q", got)
	}
}

func TestMemoryAndLoad(t *testing.T) {
	dir := systemFiles(t, map[string]string{
		"self/status": "Name:\ttipring\nVmRSS:\t    7432 kB\n", "meminfo": "MemTotal:  123456 kB\nMemFree: 5 kB\nMemAvailable:   65536 kB\n", "loadavg": "0.42 0.30 0.20 1/99 1234\n", "bad": "much\n",
	})
	m := memoryNow(dir)
	if m.RSSBytes != 7432<<10 || m.TotalBytes != 123456<<10 || m.FreeBytes != 65536<<10 || m.HeapBytes <= 0 {
		t.Errorf("%+v", m)
	}
	if got := readLoad(filepath.Join(dir, "loadavg")); got == nil || *got != 0.42 {
		t.Errorf("load %v", got)
	}
	if got := readLoad(filepath.Join(dir, "bad")); got != nil {
		t.Errorf("load of nonsense: %v", *got)
	}
}

func TestClockShown(t *testing.T) {
	c := new(clock)
	floor := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	c.NotBefore(floor)
	if got := c.show(floor.Add(time.Hour)); got != (api.Clock{Set: true, Source: "system", Floor: got.Floor}) || !got.Floor.Equal(floor) {
		t.Errorf("a clock that goes: %+v", got)
	}
	if got := c.show(time.Unix(0, 0)); got.Set || got.Source != "floor" {
		t.Errorf("a clock that was never set: %+v", got)
	}
	if got := zoneName(floor, time.FixedZone("Europe/Berlin", 3600)); got != "Europe/Berlin" {
		t.Errorf("zone %s", got)
	}
	if got := zoneName(floor, zoneOf(t, "CET-1CEST,M3.5.0,M10.5.0/3")); got != "CET" {
		t.Errorf("a rule is called %s", got)
	}
}

// Times that people read are in the zone that the device is said to be in.
func TestZoneOfTheDevice(t *testing.T) {
	r := start(t, "[device]\ntime_zone = IST-5:30\n"+base+"[web]\nlisten = 127.0.0.1:0\n")
	if name, offset := time.Now().In(r.zone()).Zone(); offset != 5*3600+1800 {
		t.Errorf("zone %s, %d s east", name, offset)
	}
	if m := r.machine(); m.Zone != "IST" {
		t.Errorf("called %s", m.Zone)
	}
	v := r.visit()
	v.base = r.pageURL()
	v.with.Set("Authorization", "Bearer "+v.file(access.TokenName))
	if text := v.get("/", "200"); !strings.Contains(text, `+05:30"`) {
		t.Errorf("the page is in another zone: %.500s", text)
	}
}

// The device that this runs on has a disk and memory.
func TestMachine(t *testing.T) {
	r := start(t, base)
	m := r.machine()
	if m.Disk.TotalBytes <= 0 || m.Disk.Path != r.dir || m.Memory.RSSBytes <= 0 || m.Version != "test" || !m.Clock.Set || m.Load == nil {
		t.Errorf("%+v", m)
	}
}

// What the system's files hold is not ours: nothing in them may be more than not understood.
func FuzzSystemFiles(f *testing.F) {
	f.Add(routeHead + "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n")
	f.Add("00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe80000000000000000000000000beef 0 0 0 3 eth0\n")
	f.Add("nameserver 192.0.2.53\nVmRSS:\t7432 kB\nMemTotal: -1 kB\n0.42 0.30")
	f.Fuzz(func(t *testing.T, text string) {
		dir := systemFiles(t, map[string]string{"route": text, "ipv6_route": text, "x": text, "meminfo": text, "self/status": text})
		gateway(dir)
		if n := readDNS(filepath.Join(dir, "x")); len(n) > 8 {
			t.Errorf("%d servers", len(n))
		}
		if m := memoryNow(dir); m.RSSBytes < 0 || m.TotalBytes < 0 {
			t.Errorf("%+v", m)
		}
		readLoad(filepath.Join(dir, "x"))
	})
}

func zoneOf(t *testing.T, rule string) *time.Location {
	t.Helper()
	zone, ok := timezone.Find(rule)
	if !ok {
		t.Fatalf("no zone %s", rule)
	}
	return zone
}
