package dhcp

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// An assignment is a line NAME=value.
type assignment struct {
	section, name, value string
}

// assignments reads a file of such lines, with comments and [sections].
func assignments(f file) ([]assignment, error) {
	const most = 1000 // lines
	if f.cut {
		return nil, errors.New("too long")
	}
	if strings.IndexByte(string(f.data), 0) >= 0 {
		return nil, errors.New("damaged: a zero octet")
	}
	var list []assignment
	section := ""
	for line := range strings.Lines(string(f.data)) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
			continue
		case line[0] == '[' && line[len(line)-1] == ']':
			section = line[1 : len(line)-1]
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok || name == "" || len(list) == most {
			return nil, fmt.Errorf("damaged: line %d of its settings is none", len(list)+1)
		}
		list = append(list, assignment{section, name, value})
	}
	return list, nil
}

// readNetworkd reads a lease of systemd-networkd, whose form NetworkManager's own client
// shares. It keeps the SIP servers, the vendor's option and the options 224 to 254, of
// which ours has none, but not options 66, 67 and their like. It says how long
// the lease is, but not since when: the file is written anew when it is renewed.
func readNetworkd(f file) ([]Found, error) {
	list, err := assignments(f)
	if err != nil {
		return nil, err
	}
	l := Found{Options: Options{}, Obtained: f.mod}
	var addr netip.Addr
	for _, a := range list {
		switch a.name {
		case "ADDRESS":
			addr, _ = netip.ParseAddr(a.value)
		case "LIFETIME":
			n, err := strconv.ParseUint(a.value, 10, 32)
			if err != nil {
				return nil, errors.New("damaged: LIFETIME is no number")
			}
			l.Expires = expiry(f.mod, uint32(n))
		case "SIP":
			if v := sipAddresses(strings.Fields(a.value)); v != nil {
				l.Options[optSIP] = v
			}
		case "VENDOR_SPECIFIC":
			err = l.Options.setHex(optVendor, a.value)
		default:
			if n, ok := strings.CutPrefix(a.name, "OPTION_"); ok {
				err = l.Options.setNumbered(n, a.value)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("damaged: %s: %w", a.name, err)
		}
	}
	if !addr.Is4() {
		return nil, errors.New("damaged: it has no address")
	}
	return []Found{l}, nil
}

// readNetworkManager reads what NetworkManager keeps of a device: of DHCP the boot file
// alone. What it tells has no end; its own lease file, where it has one, tells more.
func readNetworkManager(f file) ([]Found, error) {
	list, err := assignments(f)
	if err != nil {
		return nil, err
	}
	l := Found{Options: Options{}, Obtained: f.mod}
	for _, a := range list {
		if a.section == "device" && a.name == "dhcp-bootfile" && a.value != "" {
			l.Options[optBootFile] = []byte(a.value)
		}
	}
	if len(l.Options) == 0 {
		return nil, nil
	}
	return []Found{l}, nil
}

// sipAddresses is option 120 of addresses (RFC 3361 section 3.2); nil if one is none.
func sipAddresses(list []string) []byte {
	if len(list) == 0 {
		return nil
	}
	v := []byte{1}
	for _, s := range list {
		a, err := netip.ParseAddr(s)
		if err != nil || !a.Is4() {
			return nil
		}
		b := a.As4()
		v = append(v, b[:]...)
	}
	return v
}

// setNumbered sets the option of that decimal number to a value in hex digits.
func (o Options) setNumbered(number, value string) error {
	n, err := strconv.ParseUint(number, 10, 8)
	if err != nil || n == optPad || n == optEnd {
		return fmt.Errorf("%.10q is no option's number", number)
	}
	return o.setHex(byte(n), value)
}

func (o Options) setHex(code byte, value string) error {
	if len(value) > 2*maxValue {
		return errors.New("too long")
	}
	v, err := hex.DecodeString(value)
	if err != nil {
		return errors.New("no hex digits")
	}
	o[code] = v
	return nil
}
