package dhcp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"tipring/provisioning/lan"
)

// An Offer is one thing that the options offer: where a configuration is, or the SIP
// servers of option 120.
type Offer struct {
	Option     int      // the option it stands in: 66, 67, 160, 159, 150, 43 or 120
	URL        string   // tftp, http or https, with macros; empty of option 120
	SIPServers []string // names or addresses, in the server's order; of option 120 alone
}

// DefaultFile is the name asked for where nobody names a file.
const DefaultFile = "{mac}.cfg"

const (
	maxServers = 8  // of one option
	maxNotes   = 16 // of all
)

// sources are the options that are looked at, in the order in which they are preferred.
var sources = []struct {
	code byte
	read func(r *reading, v []byte)
}{
	{optServer, (*reading).server},
	{optURL160, (*reading).url},
	{optURL159, (*reading).url},
	{optTFTP, (*reading).tftpServers},
	{optVendor, (*reading).vendor},
	{optIdentified, (*reading).identified},
	{optSIP, (*reading).sipServers},
}

// Wanted are the options that a DHCP client has to ask for so that Offers can see them, in
// the order in which they are preferred (RFC 2132 section 9.8).
func Wanted() []byte {
	var codes []byte
	for _, s := range sources {
		if codes = append(codes, s.code); s.code == optServer {
			codes = append(codes, optBootFile)
		}
	}
	return codes
}

// Offers reads the options that the package comment lists, in its order. The notes say
// what was there and is not used, and why; they are safe to show and to log.
func (o Options) Offers() (offers []Offer, notes []string) {
	r := reading{file: DefaultFile}
	if v, ok := o[optBootFile]; ok {
		r.bootFile(v)
	}
	for _, s := range sources {
		if v, ok := o[s.code]; ok {
			r.code = s.code
			s.read(&r, v)
		}
		if s.code == optServer {
			r.wholeAlone()
		}
	}
	return r.offers, r.notes
}

// wholeAlone offers the URL that option 67 is, where option 66 offered nothing.
func (r *reading) wholeAlone() {
	if len(r.offers) == 0 && r.whole != "" {
		r.offer(optBootFile, r.whole)
	}
}

// A reading is one pass over the options.
type reading struct {
	code   byte   // the option being read
	file   string // that completes a server or a directory
	whole  string // the URL that option 67 is, instead
	offers []Offer
	notes  []string
}

func (r *reading) note(format string, args ...any) { r.noteOf(r.code, format, args...) }

func (r *reading) noteOf(code byte, format string, args ...any) {
	if len(r.notes) < maxNotes {
		r.notes = append(r.notes, fmt.Sprintf("option %d: ", code)+fmt.Sprintf(format, args...))
	}
}

// offer adds a URL unless an option before named the same.
func (r *reading) offer(code byte, url string) {
	if !slices.ContainsFunc(r.offers, func(o Offer) bool { return o.URL == url }) {
		r.offers = append(r.offers, Offer{Option: int(code), URL: url})
	}
}

// text is a value without the zero octets and blanks round it that some servers send.
func text(v []byte) string { return strings.TrimLeft(strings.TrimRight(string(v), " \x00"), " ") }

// bootFile reads option 67: a file name, image;config as AudioCodes has it, or a URL.
func (r *reading) bootFile(v []byte) {
	name := text(v)
	if image, config, ok := strings.Cut(name, ";"); ok {
		if name = strings.TrimSpace(config); name == "" {
			r.noteOf(optBootFile, "names the image %s and no configuration", lan.Show(image))
		}
	}
	if name == "" {
		return
	}
	if strings.Contains(name, "://") {
		url, err := complete(name, r.file)
		if err != nil {
			r.noteOf(optBootFile, "%s is not used: %v", lan.Show(name), err)
			return
		}
		r.whole = url
		return
	}
	name = strings.TrimLeft(name, "/")
	if _, err := lan.URL("tftp://host/" + name); err != nil {
		r.noteOf(optBootFile, "%s is not used: %v", lan.Show(name), err)
		return
	}
	if name != "" && !strings.HasSuffix(name, "/") {
		r.file = name
	} else {
		r.file = name + DefaultFile
	}
}

// server reads option 66.
func (r *reading) server(v []byte) { r.fromText(text(v), r.file, r.whole) }

// url reads options 159 and 160, which option 67 has no part in.
func (r *reading) url(v []byte) { r.fromText(text(v), DefaultFile, "") }

// fromText offers a URL, or a server that file completes, or the URL instead where the
// server is named alone.
func (r *reading) fromText(s, file, instead string) {
	if s == "" {
		r.note("empty")
		return
	}
	if !strings.Contains(s, "://") {
		if instead != "" && !strings.Contains(s, "/") {
			r.offer(optBootFile, instead)
			return
		}
		s = "tftp://" + bracketed(s)
	}
	url, err := complete(s, file)
	if err != nil {
		r.note("%s is not used: %v", lan.Show(s), err)
		return
	}
	r.offer(r.code, url)
}

// bracketed puts the brackets round an IPv6 address that a URL needs (RFC 3986 section 3.2.2).
func bracketed(s string) string {
	host, path, _ := strings.Cut(s, "/")
	if a, err := netip.ParseAddr(host); err == nil && a.Is6() {
		return "[" + host + "]" + s[len(s)-len(path):]
	}
	return s
}

// complete checks a URL and adds file to one that ends in its host or in a slash.
func complete(s, file string) (string, error) {
	url, err := lan.URL(s)
	if err != nil || strings.Contains(url, "?") {
		return url, err
	}
	_, rest, _ := strings.Cut(url, "://")
	switch {
	case !strings.Contains(rest, "/"):
		url += "/" + file
	case strings.HasSuffix(rest, "/"):
		url += file
	}
	return lan.URL(url)
}

// tftpServers reads option 150: addresses (RFC 5859 section 3). Some servers are set up to
// send text in it, which is read as option 66 is.
func (r *reading) tftpServers(v []byte) {
	if s := text(v); strings.Contains(s, "://") || isAddr(s) {
		r.fromText(s, r.file, r.whole)
		return
	}
	addrs, err := addresses(v)
	if err != nil {
		r.note("%v", err)
	}
	for _, a := range addrs {
		r.fromText(a, r.file, r.whole)
	}
}

func isAddr(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

// addresses reads a list of IPv4 addresses.
func addresses(v []byte) ([]string, error) {
	if len(v) == 0 || len(v)%4 != 0 {
		return nil, fmt.Errorf("%d octets are no list of IPv4 addresses", len(v))
	}
	var list []string
	for ; len(v) > 0; v = v[4:] {
		if len(list) == maxServers {
			return list, fmt.Errorf("more than %d addresses; the rest is not used", maxServers)
		}
		list = append(list, netip.AddrFrom4([4]byte(v)).String())
	}
	return list, nil
}

// vendor reads option 43, whose content is the vendor's to define (RFC 2132 section 8.4).
func (r *reading) vendor(v []byte) {
	s := text(v)
	switch scheme, _, _ := strings.Cut(s, "://"); strings.ToLower(scheme) {
	case "tftp", "http", "https": // not whatever has :// in it: a sub-option may
		r.fromText(s, DefaultFile, "")
		return
	}
	subs, err := encapsulated(v)
	if err != nil {
		r.note("neither a URL nor sub-options: %v", err)
		return
	}
	nested := reading{code: optServer, file: DefaultFile}
	if v, ok := subs[optBootFile]; ok {
		nested.bootFile(v)
	}
	if v, ok := subs[optServer]; ok {
		nested.server(v)
	}
	nested.wholeAlone()
	for _, o := range nested.offers {
		r.offer(optVendor, o.URL)
	}
	for _, n := range nested.notes {
		r.note("sub-%s", n)
	}
	r.others(subs)
}

// others tells of the sub-options of option 43 that are not ours.
func (r *reading) others(subs Options) {
	for code := 1; code < optEnd; code++ {
		v, ok := subs[byte(code)]
		switch {
		case !ok || code == optServer || code == optBootFile:
		case code == 1:
			r.note("sub-option 1 is a TR-069 server's URL by custom (%s), and TR-069 is not spoken here", lan.Show(text(v)))
		default:
			r.note("sub-option %d is not understood", code)
		}
	}
}

// encapsulated reads sub-options that fill a value exactly: after an end there is
// nothing but padding.
func encapsulated(v []byte) (Options, error) {
	subs := Options{}
	for i := 0; i < len(v); {
		code := v[i]
		i++
		switch code {
		case optPad:
			continue
		case optEnd:
			if slices.ContainsFunc(v[i:], func(b byte) bool { return b != optPad && b != optEnd }) {
				return nil, errors.New("octets after the end")
			}
			i = len(v)
			continue
		}
		if i == len(v) || int(v[i]) > len(v)-i-1 {
			return nil, fmt.Errorf("sub-option %d goes beyond the end", code)
		}
		n := int(v[i])
		if subs[code] == nil {
			subs[code] = []byte{}
		}
		subs[code] = append(subs[code], v[i+1:i+1+n]...)
		i += 1 + n
	}
	if len(subs) == 0 {
		return nil, errors.New("empty")
	}
	return subs, nil
}

// identified reads option 125 (RFC 3925 section 4): there is no enterprise number of ours,
// so it only tells what was there.
func (r *reading) identified(v []byte) {
	const broadbandForum = 3561
	for len(v) > 0 {
		if len(v) < 5 || int(v[4]) > len(v)-5 {
			r.note("cut short")
			return
		}
		enterprise, data := binary.BigEndian.Uint32(v), v[5:5+int(v[4])]
		v = v[5+len(data):]
		subs, err := encapsulated(data)
		switch {
		case err != nil:
			r.note("enterprise %d: no sub-options: %v", enterprise, err)
		case enterprise == broadbandForum && subs[1] != nil:
			r.note("names a TR-069 server (%s), and TR-069 is not spoken here", lan.Show(text(subs[1])))
		default:
			r.note("enterprise %d is not understood", enterprise)
		}
	}
}
