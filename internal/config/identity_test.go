package config

import (
	"path/filepath"
	"testing"
)

// A fakeIface is what a test puts below /sys/class/net.
type fakeIface struct {
	name, index, address, kind string
	device                     bool
}

func fakeRoot(t *testing.T, ifaces []fakeIface, files map[string]string) string {
	root := t.TempDir()
	for _, i := range ifaces {
		dir := filepath.Join(root, "sys/class/net", i.name)
		write(t, filepath.Join(dir, "ifindex"), i.index+"\n")
		write(t, filepath.Join(dir, "address"), i.address+"\n")
		write(t, filepath.Join(dir, "type"), i.kind+"\n")
		if i.device {
			write(t, filepath.Join(dir, "device/uevent"), "")
		}
	}
	for name, text := range files {
		write(t, filepath.Join(root, name), text)
	}
	return root
}

func TestMACOfTheDevice(t *testing.T) {
	lo := fakeIface{"lo", "1", "00:00:00:00:00:00", "772", false}
	for _, tt := range []struct {
		name   string
		set    string
		ifaces []fakeIface
		want   string
		source string
	}{
		{"configured", "0C-38-3E-00-00-01", nil, "0C383E000001", "configured"},
		{"lowest index, not first name", "auto", []fakeIface{lo,
			{"eth0", "3", "0c:38:3e:00:00:03", "1", true}, {"wlan0", "2", "0c:38:3e:00:00:02", "1", true}}, "0C383E000002", "wlan0"},
		{"index 10 is after 9", "auto", []fakeIface{
			{"a", "10", "0c:38:3e:00:00:10", "1", true}, {"b", "9", "0c:38:3e:00:00:09", "1", true}}, "0C383E000009", "b"},
		{"a bridge is no device", "auto", []fakeIface{lo,
			{"br0", "2", "0c:38:3e:00:00:02", "1", false}, {"eth0", "3", "0c:38:3e:00:00:03", "1", true}}, "0C383E000003", "eth0"},
		{"a locally administered address is not universal", "auto", []fakeIface{lo,
			{"usb0", "2", "0e:38:3e:00:00:02", "1", true}, {"eth0", "3", "0c:38:3e:00:00:03", "1", true}}, "0C383E000003", "eth0"},
		{"else the first that is not loopback", "auto", []fakeIface{lo,
			{"veth1", "5", "02:42:ac:11:00:05", "1", false}, {"veth0", "4", "02:42:ac:11:00:04", "1", false}}, "0242AC110004", "veth0"},
		{"a tunnel has no address", "auto", []fakeIface{lo,
			{"tun0", "2", "", "65534", false}, {"ppp0", "3", "0c:38:3e:00:00:03", "512", false}, {"eth0", "4", "0c:38:3e:00:00:04", "1", false}}, "0C383E000004", "eth0"},
	} {
		d := Device{MAC: tt.set, Serial: "auto"}
		id, err := d.DetectIdentity(fakeRoot(t, tt.ifaces, map[string]string{"sys/class/net/bonding_masters": ""}))
		if err != nil || id.MAC.Upper() != tt.want || id.MACSource != tt.source {
			t.Errorf("%s: %s from %s, %v; want %s from %s", tt.name, id.MAC.Upper(), id.MACSource, err, tt.want, tt.source)
		}
		if id.Serial != tt.want || id.SerialSource != "MAC" {
			t.Errorf("%s: serial %q from %s", tt.name, id.Serial, id.SerialSource)
		}
	}
}

func TestNoMACIsAnErrorAndTheSerialStands(t *testing.T) {
	root := fakeRoot(t, []fakeIface{{"lo", "1", "00:00:00:00:00:00", "772", false}},
		map[string]string{"proc/device-tree/serial-number": "S77\x00"})
	id, err := (&Device{MAC: "auto", Serial: "auto"}).DetectIdentity(root)
	if err == nil || err.Error() != "MAC address: no network interface but loopback has one: set mac in [device]" || id.Serial != "S77" {
		t.Errorf("%+v, %v", id, err)
	}
}

func TestSerialOfTheDevice(t *testing.T) {
	const dmi, board, tree = "sys/class/dmi/id/product_serial", "sys/class/dmi/id/board_serial", "proc/device-tree/serial-number"
	for _, tt := range []struct {
		name, set    string
		files        map[string]string
		want, source string
	}{
		{"configured", "42", map[string]string{tree: "7\x00"}, "42", "configured"},
		{"device tree, with its NUL", "auto", map[string]string{tree: "10000000abcd\x00", dmi: "D1\n"}, "10000000abcd", "device tree"},
		{"DMI", "auto", map[string]string{dmi: "D1\n"}, "D1", "DMI"},
		{"what makers leave there", "auto", map[string]string{tree: "0000000000000000\x00", dmi: "To be filled by O.E.M.\n", board: "BSS-0123456789\n"}, "BSS-0123456789", "DMI"},
		{"nothing of use", "auto", map[string]string{dmi: "None\n", board: "Default string\n"}, "0C383E000001", "MAC"},
	} {
		d := Device{MAC: "0c383e000001", Serial: tt.set}
		id, err := d.DetectIdentity(fakeRoot(t, nil, tt.files))
		if err != nil || id.Serial != tt.want || id.SerialSource != tt.source {
			t.Errorf("%s: %q from %s, %v", tt.name, id.Serial, id.SerialSource, err)
		}
	}
}
