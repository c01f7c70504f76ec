// Package finding runs what tells devices where their configuration is, for the tests of
// provisioning/dhcp and provisioning/pnp: dnsmasq as DHCP server, ISC dhclient, dhcpcd
// and busybox's udhcpc as DHCP clients, and sipp as SIP PnP server.
package finding

import (
	"bytes"
	"embed"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"tipring/tools/peers/netlab"
)

// A DHCP is a running dnsmasq that leases 10.9.0.100 to 10.9.0.120 for an hour.
type DHCP struct {
	*netlab.Process
}

// ServeDHCP runs a DHCP server that sends the options, which are in dnsmasq's words after
// dhcp-option-force=, asked for or not.
func ServeDHCP(t netlab.T, host *netlab.Host, options ...string) DHCP {
	t.Helper()
	dir := netlab.WorkDir(t)
	text := fmt.Sprintf("port=0\nno-daemon\nbind-interfaces\nuser=root\nlog-dhcp\ndhcp-authoritative\nno-ping\nlisten-address=%s\n"+
		"dhcp-range=10.9.0.100,10.9.0.120,1h\ndhcp-leasefile=%s\npid-file=%s\n", host.Addr, filepath.Join(dir, "leases"), filepath.Join(dir, "pid"))
	for _, o := range options {
		text += "dhcp-option-force=" + o + "\n"
	}
	conf := filepath.Join(dir, "dnsmasq.conf")
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatalf("dhcp: %v", err)
	}
	p := host.Start(dir, "dnsmasq", "-C", conf)
	if !netlab.Until(10*time.Second, func() bool { return bound(host, 67) }) {
		t.Fatalf("dnsmasq does not serve DHCP:\n%s", p.Tail(10))
	}
	return DHCP{p}
}

// bound reports whether somebody has a UDP port of the host.
func bound(h *netlab.Host, port int) bool {
	found := false
	_ = h.Do(func() error {
		text, err := os.ReadFile("/proc/thread-self/net/udp")
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(text)) {
			f := strings.Fields(line)
			found = found || len(f) > 1 && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", port))
		}
		return nil
	})
	return found
}

// Dhclient has ISC dhclient get a lease of eth0 and keep it, configuring nothing. It
// writes below root as it would below /.
func Dhclient(t netlab.T, host *netlab.Host, root string) *netlab.Process {
	t.Helper()
	dir := netlab.WorkDir(t)
	write(t, filepath.Join(dir, "conf"), "request subnet-mask, routers, tftp-server-name, bootfile-name, vendor-encapsulated-options, vivso, tftp-server-address;\n", 0o644)
	write(t, filepath.Join(dir, "hook"), "#!/bin/sh\nexit 0\n", 0o755)
	lease := filepath.Join(root, "var/lib/dhcp/dhclient.eth0.leases")
	write(t, lease, "", 0o644)
	p := host.Start(dir, "dhclient", "-d", "-v", "-cf", filepath.Join(dir, "conf"), "-sf", filepath.Join(dir, "hook"), "-lf", lease, "-pf", filepath.Join(dir, "pid"), "eth0")
	appears(t, p, lease, "expire")
	return p
}

// Dhcpcd has dhcpcd get a lease of eth0, configure it and keep it. It writes to
// /var/lib/dhcpcd, which is this sandbox's own; the lease is copied below root.
func Dhcpcd(t netlab.T, host *netlab.Host, root string) *netlab.Process {
	t.Helper()
	dir := netlab.WorkDir(t)
	const state = "/var/lib/dhcpcd"
	if err := unix.Mount("dhcpcd", state, "tmpfs", 0, "mode=0777"); err != nil {
		t.Fatalf("dhcpcd: mount %s: %v", state, err)
	}
	t.Cleanup(func() { _ = unix.Unmount(state, unix.MNT_DETACH) })
	write(t, filepath.Join(dir, "conf"), "ipv4only\nnoipv4ll\nnoarp\nscript /bin/true\noption tftp_server_name, bootfile_name\n", 0o644)
	p := host.Start(dir, "dhcpcd", "-f", filepath.Join(dir, "conf"), "-B", "-4", "-d", "eth0")
	appears(t, p, state+"/eth0.lease", "\x63\x82\x53\x63")
	text, err := os.ReadFile(state + "/eth0.lease")
	if err != nil {
		t.Fatalf("dhcpcd: %v", err)
	}
	write(t, filepath.Join(root, "var/lib/dhcpcd/eth0.lease"), string(text), 0o640)
	return p
}

// Udhcpc has busybox's udhcpc get a lease of eth0 and keep it, with a script as its hook,
// which writes below root.
func Udhcpc(t netlab.T, host *netlab.Host, root, script string) *netlab.Process {
	t.Helper()
	run := filepath.Join(root, "run/tipring")
	write(t, filepath.Join(root, "run/made"), "", 0o644)
	args := []string{"-i", "eth0", "-f", "-s", script}
	for _, option := range []string{"66", "67", "43", "120", "125", "150", "159", "160"} {
		args = append(args, "-O", option)
	}
	p := host.StartEnv(netlab.WorkDir(t), []string{"TIPRING_RUN_DIR=" + run}, "udhcpc", args...)
	appears(t, p, filepath.Join(run, "udhcpc-eth0.lease"), "\nend\n")
	return p
}

func write(t netlab.T, path, text string, mode os.FileMode) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, []byte(text), mode)
	}
	if err != nil {
		t.Fatalf("%v", err)
	}
}

// appears waits until a file has that text in it.
func appears(t netlab.T, p *netlab.Process, path, text string) {
	t.Helper()
	if !netlab.Until(20*time.Second, func() bool {
		data, err := os.ReadFile(path)
		return err == nil && bytes.Contains(data, []byte(text))
	}) {
		t.Fatalf("no lease in %s:\n%s", path, p.Tail(20))
	}
}

//go:embed scenarios
var scenarios embed.FS

// A PnP is a sipp that answers one SUBSCRIBE to the multicast group.
type PnP struct {
	*netlab.Process
	t   netlab.T
	dir string
}

// ServePnP runs a scenario on the host: serve (which answers the SUBSCRIBE with status and
// then sends the URL), early or intrude.
func ServePnP(t netlab.T, host *netlab.Host, scenario, status, url string) PnP {
	t.Helper()
	join(t, host)
	s := PnP{t: t, dir: netlab.WorkDir(t)}
	text, err := scenarios.ReadFile("scenarios/" + scenario + ".xml")
	if err != nil {
		t.Fatalf("pnp: %v", err)
	}
	// It listens at every address, or it would not hear the group; so it does not know its own.
	file := filepath.Join(s.dir, scenario+".xml")
	write(t, file, strings.NewReplacer("[status]", status, "[url]", url, "[local_ip]", host.Addr.String()).Replace(string(text)), 0o600)
	s.Process = host.Start(s.dir, "sipp", "-sf", file, "-i", "0.0.0.0", "-p", "5060", "-m", "1", "-nostdin", "-nd",
		"-trace_err", "-error_file", filepath.Join(s.dir, "errors.log"), "-recv_timeout", "20000")
	if !netlab.Until(10*time.Second, func() bool { return bound(host, 5060) }) {
		t.Fatalf("sipp %s does not listen:\n%s", scenario, s.Tail(20))
	}
	return s
}

// join makes the host a member of the group: sipp itself joins none, but gets what the host gets.
func join(t netlab.T, host *netlab.Host) {
	t.Helper()
	err := host.Do(func() error {
		eth0, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		c, err := net.ListenMulticastUDP("udp4", eth0, &net.UDPAddr{IP: net.IPv4(224, 0, 1, 75), Port: 9})
		if err == nil {
			t.Cleanup(func() { _ = c.Close() })
		}
		return err
	})
	if err != nil {
		t.Fatalf("pnp: join the group: %v", err)
	}
}

// Passed waits until the scenario has run its course, and fails the test when it did not
// go as written.
func (s PnP) Passed(limit time.Duration) {
	s.t.Helper()
	if code, err := s.Wait(limit); code != 0 || err != nil {
		problems, _ := os.ReadFile(filepath.Join(s.dir, "errors.log"))
		s.t.Fatalf("sipp ended with status %d (%v):\n%.3000s\n%s", code, err, problems, s.Tail(20))
	}
}
