package dhcp

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"tipring/provisioning/lan"
)

// sipServers reads option 120 (RFC 3361 section 3): encoding 0 is names, 1 addresses.
func (r *reading) sipServers(v []byte) {
	if len(v) == 0 {
		r.note("empty")
		return
	}
	var list []string
	var err error
	switch v[0] {
	case 0:
		list, err = names(v[1:])
	case 1:
		list, err = addresses(v[1:])
	default:
		err = fmt.Errorf("encoding %d is neither names (0) nor addresses (1)", v[0])
	}
	if err != nil {
		r.note("%v", err)
	}
	list = slices.DeleteFunc(list, func(s string) bool {
		if lan.IsHost(s) {
			return false
		}
		r.note("%s is no server", lan.Show(s))
		return true
	})
	if len(list) > 0 {
		r.offers = append(r.offers, Offer{Option: optSIP, SIPServers: list})
	}
}

// names reads domain names (RFC 3361 section 3.1, RFC 1035 section 3.1): labels, each
// name ended by an empty one, never compressed.
func names(v []byte) ([]string, error) {
	var list, labels []string
	for i := 0; i < len(v); {
		n := int(v[i])
		i++
		switch {
		case n > 63:
			return nil, errors.New("a compressed or damaged name")
		case n > len(v)-i:
			return nil, errors.New("a name goes beyond the end")
		case n > 0:
			labels = append(labels, string(v[i:i+n]))
			i += n
			continue
		}
		name := strings.Join(labels, ".")
		if !lan.IsName(name) {
			return nil, fmt.Errorf("%s is no host name", lan.Show(name))
		}
		if len(list) == maxServers {
			return list, fmt.Errorf("more than %d names; the rest is not used", maxServers)
		}
		list, labels = append(list, name), nil
	}
	if labels != nil {
		return nil, errors.New("a name is not ended")
	}
	if list == nil {
		return nil, errors.New("empty")
	}
	return list, nil
}
