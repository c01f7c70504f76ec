package finding

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tipring/provisioning/dhcp"
	"tipring/provisioning/lan"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/tshark"
	"tipring/tools/peers/wire"
)

func TestMain(m *testing.M) { netlab.Main(nil, m.Run) }

// everything is each option that is understood; offered is what it comes to.
var everything = []string{
	"66,http://10.9.0.1/cfg/", `67,"fw.bin;ata.ini"`, "160,https://prov.test/{mac}", "159,prov.test", "150,10.9.0.1,10.9.0.2",
	"43,42:0c:70:72:6f:76:2e:65:78:61:6d:70:6c:65", "120,a.sip.test,b.sip.test", `vi-encap:3561,1,"http://acs.test/"`,
}

var offered = []string{
	"66 http://10.9.0.1/cfg/ata.ini", "160 https://prov.test/{mac}", "159 tftp://prov.test/{mac}.cfg",
	"150 tftp://10.9.0.1/ata.ini", "150 tftp://10.9.0.2/ata.ini", "43 tftp://prov.example/{mac}.cfg", "120 a.sip.test b.sip.test",
}

func offers(o dhcp.Options) (list []string) {
	found, _ := o.Offers()
	for _, x := range found {
		list = append(list, fmt.Sprintf("%d %s%s", x.Option, x.URL, strings.Join(x.SIPServers, " ")))
	}
	return list
}

func inform(t *testing.T, host *netlab.Host, c dhcp.Config) (o dhcp.Options, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	err = host.Do(func() (err error) { o, err = dhcp.Inform(ctx, c); return err })
	return o, err
}

// dnsmasq gives everything to a DHCPINFORM, and nothing that we sent is malformed.
func TestInform(t *testing.T) {
	lan := netlab.New(t)
	device := lan.Host("device", 59)
	capture := tshark.Of(t, wire.Listen(t, lan, netlab.WorkDir(t)))
	server := ServeDHCP(t, lan.Host("dhcp", 1), everything...)
	o, err := inform(t, device, dhcp.Config{Interface: "eth0"})
	if err != nil {
		t.Fatalf("%v\n%s", err, server.Tail(20))
	}
	if got := offers(o); !slices.Equal(got, offered) {
		t.Errorf("offers %q, want %q", got, offered)
	}
	if _, notes := o.Offers(); len(notes) != 1 || !strings.Contains(notes[0], "TR-069") {
		t.Errorf("notes %q", notes)
	}
	if log := server.Tail(100); !strings.Contains(log, "DHCPINFORM(eth0) 10.9.0.59") || !strings.Contains(log, "vendor class: tipring") {
		t.Errorf("dnsmasq saw\n%s", log)
	}
	rows := capture.Fields("dhcp", "ip.src", "ip.dst", "udp.srcport", "dhcp.option.dhcp", "dhcp.ip.client")
	want := [][]string{
		{"10.9.0.59", "255.255.255.255", "68", "8", "10.9.0.59"},
		{"10.9.0.1", "10.9.0.59", "67", "5", "10.9.0.59"},
	}
	if !slices.EqualFunc(rows, want, func(a, b []string) bool { return slices.Equal(a, b) }) {
		t.Errorf("on the wire: %q, want %q", rows, want)
	}
	if bad := capture.Fields("ip.src == 10.9.0.59 && (_ws.malformed || dhcp && _ws.expert)", "frame.number", "_ws.expert.message"); len(bad) > 0 {
		t.Errorf("malformed: %q", bad)
	}
}

// A server with much to say puts it into several parts and fields.
func TestInformLongOptions(t *testing.T) {
	lan := netlab.New(t)
	long := "https://prov.test/" + strings.Repeat("x", 230)
	ServeDHCP(t, lan.Host("dhcp", 1), "66,"+long, "160,"+long+"160", "159,"+long+"159")
	o, err := inform(t, lan.Host("device", 59), dhcp.Config{})
	if want := []string{"66 " + long, "160 " + long + "160", "159 " + long + "159"}; err != nil || !slices.Equal(offers(o), want) {
		t.Errorf("got %q, %v", offers(o), err)
	}
}

// A server that chooses by vendor class hears ours.
func TestInformVendorClass(t *testing.T) {
	lan := netlab.New(t)
	dhcpServer := lan.Host("dhcp", 1)
	ServeDHCP(t, dhcpServer, "vendor:acme,66,prov.test", "tag:none,160,x")
	device := lan.Host("device", 59)
	o, err := inform(t, device, dhcp.Config{Interface: "eth0", VendorClass: "acme"})
	if got := offers(o); err != nil || len(got) != 1 || got[0] != "43 tftp://prov.test/{mac}.cfg" {
		t.Errorf("as acme: %q, %v", got, err)
	}
	if o, err = inform(t, device, dhcp.Config{Interface: "eth0"}); err != nil || len(offers(o)) != 0 {
		t.Errorf("as tipring: %q, %v", offers(o), err)
	}
}

// Of two servers the one that offers something is heard, whichever is first.
func TestInformTwoServers(t *testing.T) {
	lan := netlab.New(t)
	ServeDHCP(t, lan.Host("router", 1))
	ServeDHCP(t, lan.Host("provisioning", 2), "66,prov.test")
	device := lan.Host("device", 59)
	for range 5 {
		if o, err := inform(t, device, dhcp.Config{Interface: "eth0"}); err != nil || !slices.Equal(offers(o), []string{"66 tftp://prov.test/{mac}.cfg"}) {
			t.Errorf("got %q, %v", offers(o), err)
		}
	}
}

// Without a name it is asked through the interface of the default route, not through the
// first that has an address.
func TestDefaultRoute(t *testing.T) {
	n := netlab.New(t)
	device := n.Host("device", 59)
	pick := func(addr netip.Addr) (i lan.Interface) {
		t.Helper()
		if err := device.Do(func() (err error) { i, err = lan.Pick("", addr); return err }); err != nil {
			t.Error(err)
		}
		return i
	}
	if out, err := device.Run("sh", "-c", "ip link add wan type veth peer name modem && ip addr add 198.51.100.7/24 dev wan && ip link set wan up && ip link set modem up"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	first := pick(netip.Addr{})
	for _, via := range []struct{ gateway, name, addr string }{{"10.9.0.1", "eth0", "10.9.0.59"}, {"198.51.100.1", "wan", "198.51.100.7"}} {
		if out, err := device.Run("ip", "route", "replace", "default", "via", via.gateway); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if got := pick(netip.Addr{}); got.Name != via.name || got.Addr.String() != via.addr {
			t.Errorf("default route by %s: %+v", via.gateway, got)
		}
		if got := pick(netip.MustParseAddr(via.addr)); got.Name != via.name {
			t.Errorf("address %s: %+v", via.addr, got)
		}
	}
	if first.Name != "eth0" && first.Name != "wan" {
		t.Errorf("without a route: %+v", first)
	}
}

// Nobody answers: the error says so after 10 s.
func TestInformNobody(t *testing.T) {
	lan := netlab.New(t)
	begun := time.Now()
	_, err := inform(t, lan.Host("device", 59), dhcp.Config{Interface: "eth0"})
	if took := time.Since(begun); err == nil || err.Error() != "DHCPINFORM on eth0 from 10.9.0.59: no server answered within 10s" || took < 9900*time.Millisecond || took > 14*time.Second {
		t.Errorf("after %v: %v", took, err)
	}
}

// Port 68 cannot be had: who has it, or what it takes, is told.
func TestInformPort(t *testing.T) {
	lan := netlab.New(t)
	device := lan.Host("device", 59)
	var holder *net.UDPConn
	if err := device.Do(func() (err error) { holder, err = net.ListenUDP("udp4", &net.UDPAddr{Port: 68}); return err }); err != nil {
		t.Fatal(err)
	}
	_, err := inform(t, device, dhcp.Config{Interface: "eth0"})
	if !errors.Is(err, unix.EADDRINUSE) || !strings.Contains(err.Error(), "the system's DHCP client has UDP port 68 and does not share it") {
		t.Errorf("taken: %v", err)
	}
	_ = holder.Close()
	err = device.Do(func() error {
		return without(unix.CAP_NET_BIND_SERVICE, func() error {
			_, err := dhcp.Inform(t.Context(), dhcp.Config{Interface: "eth0"})
			return err
		})
	})
	if !errors.Is(err, unix.EACCES) || !strings.Contains(err.Error(), "UDP port 68 is for root, or who has CAP_NET_BIND_SERVICE") {
		t.Errorf("not allowed: %v", err)
	}
}

// without runs f on this thread without a capability.
func without(capability uint, f func() error) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var all, fewer [2]unix.CapUserData
	if err := unix.Capget(&header, &all[0]); err != nil {
		return err
	}
	fewer = all
	fewer[0].Effective &^= 1 << capability
	if err := unix.Capset(&header, &fewer[0]); err != nil {
		return err
	}
	defer func() { _ = unix.Capset(&header, &all[0]) }()
	return f()
}

// The leases that real clients write are read; and while each client runs, a DHCPINFORM
// gets its answer beside it.
func TestSystemClients(t *testing.T) {
	script, err := filepath.Abs("../../../etc/udhcpc-tipring.sh")
	if err != nil {
		t.Fatal(err)
	}
	without := func(options ...string) []string {
		return slices.DeleteFunc(slices.Clone(offered), func(s string) bool {
			return slices.ContainsFunc(options, func(o string) bool { return strings.HasPrefix(s, o+" ") })
		})
	}
	for _, tt := range []struct {
		client string
		run    func(host *netlab.Host, root string) *netlab.Process
		want   []string
		lost   []byte
	}{
		{"dhclient", func(h *netlab.Host, root string) *netlab.Process { return Dhclient(t, h, root) }, without("159"), []byte{159}},
		{"dhcpcd", func(h *netlab.Host, root string) *netlab.Process { return Dhcpcd(t, h, root) }, offered, nil},
		{"udhcpc", func(h *netlab.Host, root string) *netlab.Process { return Udhcpc(t, h, root, script) }, without("66"), []byte{66}},
	} {
		t.Run(tt.client, func(t *testing.T) {
			lan := netlab.New(t)
			ServeDHCP(t, lan.Host("dhcp", 1), everything...)
			device, root := lan.Host("device", 59), t.TempDir()
			uptime, err := os.ReadFile("/proc/uptime")
			if err != nil {
				t.Fatal(err)
			}
			client := tt.run(device, root)
			write(t, filepath.Join(root, "proc/uptime"), string(uptime), 0o644)
			found, err := dhcp.Find(root, "eth0", time.Now().Add(2*time.Second))
			if err != nil {
				t.Fatalf("%v\n%s", err, client.Tail(20))
			}
			if found.Client != tt.client || !slices.Equal(offers(found.Options), tt.want) || !slices.Equal(found.Lost, tt.lost) || len(found.Notes) > 0 {
				t.Errorf("found %+v with offers %q, want %q", found, offers(found.Options), tt.want)
			}
			if left := time.Until(found.Expires); left < 50*time.Minute || left > 61*time.Minute {
				t.Errorf("it expires in %v, want an hour", left)
			}
			for _, addr := range addresses(t, device) {
				if o, err := inform(t, device, dhcp.Config{Interface: "eth0", Address: addr}); err != nil || !slices.Equal(offers(o), offered) {
					t.Errorf("DHCPINFORM from %v: %q, %v", addr, offers(o), err)
				}
			}
			client.Stop()
		})
	}
}

// addresses are the IPv4 addresses of eth0.
func addresses(t *testing.T, host *netlab.Host) (list []netip.Addr) {
	t.Helper()
	err := host.Do(func() error {
		eth0, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		all, err := eth0.Addrs()
		for _, a := range all {
			if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() {
				list = append(list, p.Addr())
			}
		}
		return err
	})
	if err != nil || len(list) == 0 {
		t.Fatalf("addresses %v, %v", list, err)
	}
	return list
}

// The script has nothing that shellcheck objects to, and busybox's shell runs it as well.
func TestUdhcpcScript(t *testing.T) {
	const script = "../../../etc/udhcpc-tipring.sh"
	if out, err := exec.Command("shellcheck", script).CombinedOutput(); err != nil {
		t.Errorf("shellcheck: %v\n%s", err, out)
	}
	root := t.TempDir()
	cmd := exec.Command("busybox", "sh", script, "bound")
	cmd.Env = []string{"PATH=/usr/bin:/bin", "TIPRING_RUN_DIR=" + root, "interface=eth0", "lease=60", "tftp=prov.test", "bootfile=a\nb"}
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("busybox sh: %v\n%s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(root, "udhcpc-eth0.lease"))
	if err != nil || !strings.Contains(string(text), "\nlease=60\ntftp=prov.test\nend\n") {
		t.Errorf("it wrote %q, %v", text, err)
	}
}
