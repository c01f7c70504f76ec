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

// names reads domain names (RFC 3361 section 3.1): labels (RFC 1035 section 3.1), each name
// ended by an empty one, or by a pointer to the end of a name before it (section 4.1.4).
func names(v []byte) ([]string, error) {
	var list []string
	for at := 0; at < len(v); {
		labels, next, err := labelsAt(v, at)
		if err != nil {
			return nil, err
		}
		name := strings.Join(labels, ".")
		if !lan.IsName(name) {
			return nil, fmt.Errorf("%s is no host name", lan.Show(name))
		}
		if len(list) == maxServers {
			return list, fmt.Errorf("more than %d names; the rest is not used", maxServers)
		}
		list, at = append(list, name), next
	}
	if list == nil {
		return nil, errors.New("empty")
	}
	return list, nil
}

// labelsAt reads one name, and returns where the next begins. Pointers count from the
// first name and lead backwards, so there is an end to them.
func labelsAt(v []byte, at int) (labels []string, next int, err error) {
	const pointer, most = 0xc0, 127 // labels of a name
	limit := at
	for i := at; i < len(v) && len(labels) <= most; {
		n := int(v[i])
		i++
		switch {
		case n == 0:
			return labels, max(next, i), nil
		case n&pointer == pointer:
			if i == len(v) {
				return nil, 0, errors.New("a name goes beyond the end")
			}
			to := n&^pointer<<8 | int(v[i])
			if to >= limit {
				return nil, 0, errors.New("a name points forward")
			}
			next, limit, i = max(next, i+1), to, to
		case n > 63:
			return nil, 0, errors.New("a damaged name")
		case n > len(v)-i:
			return nil, 0, errors.New("a name goes beyond the end")
		default:
			labels = append(labels, string(v[i:i+n]))
			i += n
		}
	}
	return nil, 0, errors.New("a name is not ended")
}
