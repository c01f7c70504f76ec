package provisioning

import (
	"fmt"
	"strings"
	"testing"

	"tipring/tools/peers/fetchers"
	"tipring/tools/peers/finding"
	"tipring/tools/peers/kamailio"
)

// everywhere is the order of a device that nobody told one.
const everywhere = "radius,dhcp,pnp,static"

// A device whose DHCP server names a TFTP server and a file gets its sealed file, and asks
// nobody else.
func TestDHCPToTFTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := newSealer(t, w)
	w.put("020000000001.sealed", s.seal(w.line(1, "1001"), "020000000001", 1))
	w.put("static.ini", w.line(1, "1002"))
	w.inside(func() { fetchers.Dnsmasq(t, w.root) })
	dhcp := finding.ServeDHCP(t, w.lan.Host("dhcp", 3), "66,127.0.0.2", `67,"$mac.sealed"`)
	d := begin(t, w.host, "02:00:00:00:00:01", own(), s.keys(w.factory(everywhere)).Set("provisioning", "url", https("static.ini")))
	d.registered("primary", 1)
	if p := d.good(); p.Source != "dhcp:66" || p.URL != "tftp://127.0.0.2/020000000001.sealed" {
		t.Errorf("%+v", p)
	}
	d.wants(map[string][2]string{"sip1.username": {"1001", "tftp://127.0.0.2/020000000001.sealed:2"}})
	if log := dhcp.Tail(100); !strings.Contains(log, "DHCPINFORM") {
		t.Errorf("dnsmasq saw\n%s", log)
	}
	if got := w.accesses("static.ini"); got != nil {
		t.Errorf("the static URL was asked for too: %s", got)
	}
	d.silent(append(s.secrets, kamailio.Password("1001"))...)

	// A file without a seal, and with passwords, is another matter.
	w.put("020000000001.sealed", w.line(1, "1002"))
	if p := d.look(); p.State != "failed" || !strings.Contains(p.Error, "allow_clear_secrets") {
		t.Errorf("%+v", p)
	}
	d.registered("primary", 1)
}

// Option 160 names a URL with macros.
func TestDHCPToHTTPS(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("020000000001-S-1.ini", w.line(1, "1001"))
	finding.ServeDHCP(t, w.lan.Host("dhcp", 3), "160,"+https("{mac}-{serial}.ini"))
	d := begin(t, w.host, "02:00:00:00:00:01", own().Set("device", "serial", "S-1"), w.factory(everywhere))
	d.registered("primary", 1)
	if p := d.good(); p.Source != "dhcp:160" || p.URL != https("020000000001-S-1.ini") {
		t.Errorf("%+v", p)
	}
}

// SIP plug and play names a URL to a device without a line; one that has a line does not
// ask, so that nobody on its network can tell it another.
func TestPnP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("1001.ini", w.line(1, "1001"))
	server := finding.ServePnP(t, w.lan.Host("pnp", 4), "serve", "200 OK", https("1001.ini"))
	c := w.factory("pnp,static").Set("provisioning", "url", https("1001.ini"))
	d := begin(t, w.host, "02:00:00:00:00:01", own().Set("sip", "udp_port", 5080), c)
	d.registered("primary", 1)
	if p := d.good(); p.Source != "pnp:10.9.0.4" || p.URL != https("1001.ini") {
		t.Errorf("%+v", p)
	}
	server.Passed(patience)

	intruder := finding.ServePnP(t, w.lan.Host("intruder", 5), "serve", "200 OK", https("other.ini"))
	w.put("other.ini", w.line(1, "1002"))
	if p := d.look(); p.Source != "static" || p.State != "good" || p.Error != "" {
		t.Errorf("%+v", p)
	}
	d.wants(map[string][2]string{"sip1.username": {"1001", https("1001.ini") + ":2"}})
	select {
	case <-intruder.Done():
		t.Error("the intruder was asked")
	default:
	}
}

// What RADIUS says of a device's numbers is put in force too when no other source has
// anything, or answers at all: the rest is the factory's.
func TestNumbersAlone(t *testing.T) {
	t.Parallel()
	w := newProvider(t, signing)
	c := w.factory().Set("provisioning", "order", "radius,dhcp,static").Set("provisioning", "pnp", "off")
	for n, user := range []string{"1002", "1001"} {
		section := fmt.Sprint("sip", n+1)
		c.Set(section, "register_addr", w.pbx.Host.Addr).Set(section, "auth_password", kamailio.Password(user))
	}
	d := begin(t, w.host, "02:00:00:00:00:E3", own(), c)
	d.registered("primary", 1, 2)
	p := d.until("looked", func(p provisioned) bool { return p.Finished > 0 && p.State == "good" })
	if p.Source != "radius:10.9.0.3:1812" || p.Error != "" {
		t.Errorf("%+v", p)
	}
	d.wants(map[string][2]string{"sip2.username": {"1001", "radius:10.9.0.3:1812"}, "sip2.display_name": {"Front desk", "radius:10.9.0.3:1812"}})
}
