package config

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// A MAC is the 48-bit address that names the device.
type MAC [6]byte

// String is the twelve lower-case hex digits of {mac}.
func (m MAC) String() string { return hex.EncodeToString(m[:]) }

// Upper is the twelve upper-case hex digits of {MAC} and of RADIUS.
func (m MAC) Upper() string { return strings.ToUpper(m.String()) }

// ParseMAC takes twelve hex digits with any usual separators: colons, hyphens,
// points, blanks, or none.
func ParseMAC(s string) (MAC, bool) {
	var m MAC
	digits := strings.Map(func(r rune) rune {
		if strings.ContainsRune(":-. ", r) {
			return -1
		}
		return r
	}, s)
	if len(digits) != 2*len(m) {
		return m, false
	}
	_, err := hex.Decode(m[:], []byte(digits))
	return m, err == nil
}

// cleanMAC spells a MAC that isMAC accepted.
func cleanMAC(s string) string {
	if m, ok := ParseMAC(s); ok {
		return m.String()
	}
	return s
}

// Identity is what the device calls itself.
type Identity struct {
	MAC          MAC
	MACSource    string // configured, or the network interface
	Serial       string
	SerialSource string // configured, device tree, DMI or MAC
}

// DetectIdentity resolves mac and serial of [device]. root is where /sys and /proc
// are found: / on a device. Its error says why a MAC address could not be found; a
// serial number may stand in the result all the same.
func (d *Device) DetectIdentity(root string) (Identity, error) {
	var id Identity
	var err error
	if m, ok := ParseMAC(d.MAC); ok {
		id.MAC, id.MACSource = m, "configured"
	} else if id.MAC, id.MACSource, err = detectMAC(filepath.Join(root, "sys/class/net")); err != nil {
		err = fmt.Errorf("MAC address: %w", err)
	}
	switch {
	case d.Serial != "auto" && d.Serial != "":
		id.Serial, id.SerialSource = d.Serial, "configured"
	default:
		id.Serial, id.SerialSource = detectSerial(root)
		if id.Serial == "" && err == nil {
			id.Serial, id.SerialSource = id.MAC.Upper(), "MAC"
		}
	}
	return id, err
}

// An iface is a network interface as /sys/class/net tells it.
type iface struct {
	name   string
	index  int
	mac    MAC
	device bool // a bus device, not a bridge, tunnel or VLAN
}

// universal reports whether the manufacturer gave the address: the U/L and I/G bits
// (IEEE 802) are zero.
func (i iface) universal() bool { return i.mac[0]&3 == 0 }

// detectMAC takes the lowest-index interface that is a device and has a universal
// address, else the first that is not loopback.
func detectMAC(dir string) (MAC, string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return MAC{}, "", err
	}
	var all []iface
	for _, e := range entries {
		if i, ok := readIface(filepath.Join(dir, e.Name())); ok {
			all = append(all, i)
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].index < all[j].index })
	if n := slices.IndexFunc(all, func(i iface) bool { return i.device && i.universal() }); n >= 0 {
		return all[n].mac, all[n].name, nil
	}
	if len(all) > 0 {
		return all[0].mac, all[0].name, nil
	}
	return MAC{}, "", errors.New("no network interface but loopback has one: set mac in [device]")
}

// readIface reads an interface with a 48-bit address that is not loopback.
func readIface(dir string) (iface, bool) {
	const etherOrWiFi = "1" // ARPHRD_ETHER, also of wireless interfaces
	i := iface{name: filepath.Base(dir)}
	mac, ok := ParseMAC(readWord(dir, "address"))
	if !ok || mac == (MAC{}) || readWord(dir, "type") != etherOrWiFi {
		return i, false
	}
	i.mac = mac
	index, err := strconv.Atoi(readWord(dir, "ifindex"))
	if err != nil {
		return i, false
	}
	i.index = index
	_, err = os.Stat(filepath.Join(dir, "device"))
	i.device = err == nil
	return i, true
}

func detectSerial(root string) (serial, source string) {
	for _, at := range []struct{ file, source string }{
		{"proc/device-tree/serial-number", "device tree"},
		{"sys/firmware/devicetree/base/serial-number", "device tree"},
		{"sys/class/dmi/id/product_serial", "DMI"},
		{"sys/class/dmi/id/board_serial", "DMI"},
	} {
		if s := readWord(root, at.file); isSerial(s) {
			return s, at.source
		}
	}
	return "", ""
}

// isSerial refuses what makers leave where a serial number should be.
func isSerial(s string) bool {
	if s == "" || len(s) > 64 || strings.Trim(s, "0") == "" || strings.Trim(s, "Ff") == "" {
		return false
	}
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' {
			return false // "To be filled by O.E.M.", "Default string", "Not Specified"
		}
	}
	switch strings.ToLower(s) {
	case "none", "n/a", "na", "unknown", "default", "oem", "0123456789", "123456789", "1234567890", "xxxxxxxx":
		return false
	}
	return true
}

// readWord reads a small file of the kernel's, without the NUL that the device tree
// ends it with.
func readWord(dir, name string) string {
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return ""
	}
	return strings.Trim(string(data), " \t\r\n\x00")
}
