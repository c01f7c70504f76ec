package faxback

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits on a dictionary file.
const (
	MaxDictionary     = 256 << 10 // octets
	maxDictionaryLine = 1024      // octets
	maxDictionaryName = 128       // octets
	maxValues         = 4096
	maxVendors        = 256
	maxTold           = 20 // faults told of one file
)

// vendorName is how a dictionary calls the vendor whose attributes are read.
const vendorName = "FaxBack"

// A dictionaryParser reads the lines of a file in FreeRADIUS's dictionary(5) syntax.
type dictionaryParser struct {
	file   string
	line   int
	faults []error

	dictionary *Dictionary
	vendors    map[string]uint32 // by lower-case name
	block      string            // vendor of BEGIN-VENDOR, lower case
	began      int               // its line
	values     []pendingValue
}

// A pendingValue may stand before its attribute.
type pendingValue struct {
	line      int
	attribute string
	namedValue
}

// ParseDictionary reads a file in FreeRADIUS's dictionary syntax: VENDOR, BEGIN-VENDOR,
// END-VENDOR, ATTRIBUTE and VALUE, numbers in decimal or behind 0x. The attributes of
// FaxBack's vendor are kept; others are checked and passed over. $INCLUDE is refused:
// the file is whole. Its error tells every fault as FILE:LINE, up to a limit.
func ParseDictionary(file string, data []byte) (*Dictionary, error) {
	p := dictionaryParser{
		file:       file,
		dictionary: &Dictionary{numbers: make(map[string]byte), values: make(map[string][]namedValue)},
		vendors:    make(map[string]uint32),
	}
	switch {
	case len(data) > MaxDictionary:
		return nil, fmt.Errorf("%s: %d octets; a dictionary has at most %d", file, len(data), MaxDictionary)
	case !utf8.Valid(data):
		return nil, fmt.Errorf("%s: text that is not UTF-8", file)
	}
	for raw := range strings.Lines(string(data)) {
		p.line++
		if len(raw) > maxDictionaryLine {
			p.fault("a line of %d octets; at most %d", len(raw), maxDictionaryLine)
		} else {
			text, _, _ := strings.Cut(raw, "#")
			p.words(strings.Fields(text))
		}
		if len(p.faults) >= maxTold {
			p.fault("and maybe more; reading stopped here")
			break
		}
	}
	p.finish()
	if len(p.faults) > 0 {
		return nil, errors.Join(p.faults...)
	}
	return p.dictionary, nil
}

func (p *dictionaryParser) fault(format string, args ...any) { p.faultAt(p.line, format, args...) }

func (p *dictionaryParser) faultAt(line int, format string, args ...any) {
	p.faults = append(p.faults, fmt.Errorf("%s:%d: %s", p.file, line, fmt.Sprintf(format, args...)))
}

func (p *dictionaryParser) words(w []string) {
	if len(w) == 0 {
		return
	}
	for _, word := range w[1:] {
		if len(word) > maxDictionaryName {
			p.fault("a word of %d octets; at most %d", len(word), maxDictionaryName)
			return
		}
	}
	switch strings.ToUpper(w[0]) {
	case "VENDOR":
		p.vendor(w[1:])
	case "BEGIN-VENDOR":
		p.begin(w[1:])
	case "END-VENDOR":
		p.end(w[1:])
	case "ATTRIBUTE":
		p.attribute(w[1:])
	case "VALUE":
		p.value(w[1:])
	case "$INCLUDE", "$INCLUDE-":
		p.fault("$INCLUDE is not followed: put everything into this file")
	default:
		p.fault("%.40q is not understood; wanted VENDOR, BEGIN-VENDOR, END-VENDOR, ATTRIBUTE or VALUE", w[0])
	}
}

func (p *dictionaryParser) vendor(w []string) {
	if len(w) == 3 && strings.HasPrefix(w[2], "format=") {
		if w[2] != "format=1,1" && strings.EqualFold(w[0], vendorName) {
			p.fault("VENDOR %s: %s; types and lengths of %s are one octet each", w[0], w[2], vendorName)
			return
		}
		w = w[:2]
	}
	if len(w) != 2 {
		p.fault("VENDOR: wanted a name and a number")
		return
	}
	n, ok := parseNumber(w[1], 1<<24-1)
	name := strings.ToLower(w[0])
	earlier, again := p.vendors[name]
	switch {
	case !ok || n == 0:
		p.fault("VENDOR %s: %.40q; wanted a number from 1 to 16777215", w[0], w[1])
	case again && earlier != n:
		p.fault("VENDOR %s is %d already", w[0], earlier)
	case len(p.vendors) >= maxVendors && !again:
		p.fault("VENDOR %s: at most %d vendors", w[0], maxVendors)
	default:
		p.vendors[name] = n
	}
}

func (p *dictionaryParser) begin(w []string) {
	switch name, ok := p.named(w, "BEGIN-VENDOR"); {
	case !ok:
	case p.block != "":
		p.fault("BEGIN-VENDOR %s inside the block that began in line %d", w[0], p.began)
	default:
		p.block, p.began = name, p.line
	}
}

func (p *dictionaryParser) end(w []string) {
	switch name, ok := p.named(w, "END-VENDOR"); {
	case !ok:
	case p.block != name:
		p.fault("END-VENDOR %s without its BEGIN-VENDOR", w[0])
	default:
		p.block = ""
	}
}

// named takes the name of a vendor that a line before has told.
func (p *dictionaryParser) named(w []string, keyword string) (name string, ok bool) {
	if len(w) != 1 {
		p.fault("%s: wanted the name of a vendor", keyword)
		return "", false
	}
	name = strings.ToLower(w[0])
	if _, ok := p.vendors[name]; !ok {
		p.fault("%s %s: there is no line VENDOR %s before it", keyword, w[0], w[0])
		return "", false
	}
	return name, true
}

func (p *dictionaryParser) attribute(w []string) {
	vendor := p.block
	if len(w) == 4 { // the old style names the vendor in each line
		vendor = strings.ToLower(w[3])
		if _, ok := p.vendors[vendor]; !ok {
			p.fault("ATTRIBUTE %s: %q is no vendor of a line before it; flags are not understood", w[0], w[3])
			return
		}
		w = w[:3]
	}
	if len(w) != 3 {
		p.fault("ATTRIBUTE: wanted a name, a number and a type")
		return
	}
	if vendor != strings.ToLower(vendorName) {
		return
	}
	n, ok := parseNumber(w[1], 255)
	if !ok || n == 0 {
		p.fault("ATTRIBUTE %s: %.40q; wanted a number from 1 to 255", w[0], w[1])
		return
	}
	p.add(spelled(w[0]), byte(n), strings.ToLower(w[2]))
}

func (p *dictionaryParser) add(name string, n byte, typ string) {
	d := p.dictionary
	earlier, again := d.Number(name)
	switch {
	case !slices.Contains([]string{"string", "text", "octets", "integer", "uint32", "date", "time_delta", "ipaddr"}, typ):
		p.fault("ATTRIBUTE %s: type %.40q; wanted string, octets, integer, date or ipaddr", name, typ)
		return
	case again && earlier != n:
		p.fault("ATTRIBUTE %s is number %d already", name, earlier)
		return
	case d.entries[n] != nil && d.entries[n].name != name:
		p.fault("ATTRIBUTE %s: number %d is %s already", name, n, d.entries[n].name)
		return
	}
	switch typ {
	case "text":
		typ = "string"
	case "uint32", "time_delta":
		typ = "integer"
	}
	if a := attributeNamed(name); a != nil && a.kind.isNumber() != (typ == "integer" || typ == "date") {
		wanted := "string"
		if a.kind.isNumber() {
			wanted = "integer"
		}
		p.fault("ATTRIBUTE %s: type %s; %s is wanted", name, typ, wanted)
		return
	}
	d.numbers[strings.ToLower(name)] = n
	d.entries[n] = &entry{name, typ}
}

func (p *dictionaryParser) value(w []string) {
	if len(w) != 3 {
		p.fault("VALUE: wanted an attribute, a name and a number")
		return
	}
	n, ok := parseNumber(w[2], 1<<32-1)
	switch {
	case !ok:
		p.fault("VALUE %s %s: %.40q; wanted a number from 0 to 4294967295", w[0], w[1], w[2])
	case len(p.values) >= maxValues:
		p.fault("VALUE %s %s: at most %d values", w[0], w[1], maxValues)
	case p.block == strings.ToLower(vendorName) || p.block == "":
		p.values = append(p.values, pendingValue{p.line, w[0], namedValue{strings.Clone(w[1]), n}})
	}
}

// finish does what needs the whole file.
func (p *dictionaryParser) finish() {
	if p.block != "" {
		p.faultAt(p.began, "BEGIN-VENDOR without its END-VENDOR")
	}
	for _, v := range p.values {
		p.name(v)
	}
	vendor, ok := p.vendors[strings.ToLower(vendorName)]
	if !ok && len(p.faults) == 0 {
		p.faults = append(p.faults, fmt.Errorf("%s: there is no line VENDOR %s", p.file, vendorName))
	}
	p.dictionary.Vendor = vendor
}

// name adds a value's name. Outside FaxBack's block it may be another vendor's.
func (p *dictionaryParser) name(v pendingValue) {
	key := strings.ToLower(v.attribute)
	n, ok := p.dictionary.numbers[key]
	if !ok {
		if strings.HasPrefix(key, "fb-") && len(p.faults) < maxTold {
			p.faultAt(v.line, "VALUE %s %s: there is no ATTRIBUTE %s", v.attribute, v.namedValue.name, v.attribute)
		}
		return
	}
	if typ := p.dictionary.entries[n].typ; typ != "integer" && len(p.faults) < maxTold {
		p.faultAt(v.line, "VALUE %s %s: the attribute is of type %s", v.attribute, v.namedValue.name, typ)
		return
	}
	for _, earlier := range p.dictionary.values[key] {
		if strings.EqualFold(earlier.name, v.namedValue.name) && earlier.value != v.value && len(p.faults) < maxTold {
			p.faultAt(v.line, "VALUE %s %s is %d already", v.attribute, v.namedValue.name, earlier.value)
			return
		}
	}
	p.dictionary.values[key] = append(p.dictionary.values[key], v.namedValue)
}

// parseNumber takes decimal digits, or hexadecimal ones behind 0x.
func parseNumber(s string, most uint32) (uint32, bool) {
	base := 10
	if rest, hex := strings.CutPrefix(s, "0x"); hex {
		s, base = rest, 16
	}
	if s == "" || strings.Trim(s, "0123456789abcdefABCDEF") != "" {
		return 0, false
	}
	n, err := strconv.ParseUint(s, base, 32)
	return uint32(n), err == nil && uint32(n) <= most
}
