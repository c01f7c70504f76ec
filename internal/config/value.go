package config

import (
	"net/netip"
	"strconv"
	"strings"
)

// maxTextDefault bounds a text whose key names no bound of its own.
const maxTextDefault = 255

// MaxOctets is the length of the longest text that the key takes.
func (k *Key) MaxOctets() int { return k.maxText() }

func (k *Key) maxText() int {
	if k.Max > 0 {
		return k.Max
	}
	return maxTextDefault
}

// set parses text into the key's field of a section and reports whether it is a
// value of that key. A field that is not set keeps its value.
func (k *Key) set(section any, text string) bool {
	switch p := k.field(section).(type) {
	case *bool:
		return setBool(p, text)
	case *int:
		return k.setInt(p, text)
	case *Transport:
		word, ok := k.choose(text)
		if ok {
			*p = Transport(word[0] - '0')
		}
		return ok
	case *string:
		return k.setString(p, text)
	case *[]string:
		return k.setList(p, text)
	case *netip.Addr:
		return setAddr(p, text)
	case *Networks:
		return k.setNetworks(p, text)
	case *Driver:
		return setDriver(p, text)
	case *[]RadiusServer:
		return setServers(p, text)
	}
	panic("config: no parser for the field of " + k.Name)
}

func setBool(p *bool, text string) bool {
	switch strings.ToLower(text) {
	case "1", "true", "yes", "on":
		*p = true
	case "0", "false", "no", "off":
		*p = false
	default:
		return false
	}
	return true
}

func (k *Key) setInt(p *int, text string) bool {
	switch {
	case k.Optional && text == "":
		*p = 0
		return true
	case k.Auto != "" && text == k.Auto:
		*p = Auto
		return true
	case k.Kind == Enum:
		word, ok := k.choose(text)
		if ok {
			*p, _ = strconv.Atoi(word)
		}
		return ok
	}
	n, ok := parseInt(text)
	if !ok || (n < k.Min || n > k.Max) && !(k.Zero && n == 0) {
		return false
	}
	*p = n
	return true
}

// parseInt takes decimal digits and an optional minus sign, and nothing else that
// strconv would: no plus sign, no underscore.
func parseInt(text string) (int, bool) {
	digits := strings.TrimPrefix(text, "-")
	if digits == "" || len(digits) > 9 || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	return n, err == nil
}

func (k *Key) setString(p *string, text string) bool {
	if k.Kind == Enum {
		word, ok := k.choose(text)
		if ok {
			*p = word
		}
		return ok
	}
	if len(text) > k.maxText() || text != "" && k.valid != nil && !k.valid(text) {
		return false
	}
	if k.clean != nil {
		text = k.clean(text)
	}
	*p = strings.Clone(text)
	return true
}

func (k *Key) setList(p *[]string, text string) bool {
	var list []string
	for item := range items(text) {
		switch {
		case k.Words != "":
			word, ok := k.choose(item)
			if !ok {
				return false
			}
			item = word
		case !k.valid(item):
			return false
		default:
			item = strings.Clone(item)
		}
		for _, earlier := range list {
			if earlier == item {
				return false
			}
		}
		list = append(list, item)
	}
	if len(list) < k.Min {
		return false
	}
	*p = list
	return true
}

// items walks a list separated by commas; blanks around an item do not count. An
// empty text has no items; an empty item of another text is passed on as "".
func items(text string) func(func(string) bool) {
	return func(yield func(string) bool) {
		if text == "" {
			return
		}
		for item := range strings.SplitSeq(text, ",") {
			if !yield(strings.TrimSpace(item)) {
				return
			}
		}
	}
}

func setAddr(p *netip.Addr, text string) bool {
	if text == "" {
		*p = netip.Addr{}
		return true
	}
	a, err := netip.ParseAddr(text)
	if err == nil {
		*p = a
	}
	return err == nil
}

func (k *Key) setNetworks(p *Networks, text string) bool {
	if word, ok := k.choose(text); ok {
		*p = Networks{Word: word}
		return true
	}
	var n Networks
	for item := range items(text) {
		prefix, err := netip.ParsePrefix(item)
		if err != nil {
			a, err := netip.ParseAddr(item)
			if err != nil || a.Zone() != "" {
				return false
			}
			prefix = netip.PrefixFrom(a, a.BitLen())
		}
		n.Prefixes = append(n.Prefixes, prefix.Masked())
	}
	if len(n.Prefixes) == 0 {
		return false
	}
	*p = n
	return true
}

func setDriver(p *Driver, text string) bool {
	name, addr, _ := strings.Cut(text, ":")
	switch name {
	case "sim", "none":
		if text != name {
			return false
		}
	case "unix":
		// sun_path holds 108 octets with the closing NUL (unix(7)).
		if !isPath(addr) || len(addr) > 107 {
			return false
		}
	case "tcp":
		if _, err := netip.ParseAddrPort(addr); err != nil {
			return false
		}
	default:
		return false
	}
	*p = Driver{strings.Clone(name), strings.Clone(addr)}
	return true
}

func setServers(p *[]RadiusServer, text string) bool {
	var list []RadiusServer
	for item := range items(text) {
		var s RadiusServer
		for i, part := range strings.Split(item, ";") {
			switch {
			case i == 0:
				host, port, ok := SplitHostPort(part)
				if !ok {
					return false
				}
				s.Host, s.Port = strings.Clone(host), port
			case part == "legacy":
				s.Legacy = true
			case part == "tls":
				s.TLS = true
			default:
				return false
			}
		}
		list = append(list, s)
	}
	*p = list
	return true
}

// text writes the key's field of a section as this program spells it. An optional
// port that no layer gave is empty.
func (k *Key) text(section any) string {
	switch p := k.field(section).(type) {
	case *bool:
		if *p {
			return "1"
		}
		return "0"
	case *int:
		switch {
		case k.Auto != "" && *p == Auto:
			return k.Auto
		case k.Optional && *p == 0:
			return ""
		}
		return strconv.Itoa(*p)
	case *Transport:
		return strconv.Itoa(int(*p))
	case *string:
		return *p
	case *[]string:
		return strings.Join(*p, ",")
	case *netip.Addr:
		if !p.IsValid() {
			return ""
		}
		return p.String()
	case *Networks:
		return p.String()
	case *Driver:
		return p.String()
	case *[]RadiusServer:
		words := make([]string, len(*p))
		for i, s := range *p {
			words[i] = s.String()
		}
		return strings.Join(words, ",")
	}
	panic("config: no writer for the field of " + k.Name)
}
