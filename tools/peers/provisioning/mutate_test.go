package provisioning

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
)

// A mutator makes of good files such as must be refused. It is seeded: the same ones each
// time.
type mutator struct {
	*rand.Rand
	files map[string]string // good ones, by name
}

// A hostile file and what it is.
type hostile struct{ what, text string }

// of makes n files of each good one, or of those whose names end so.
func (m *mutator) of(n int, what, names string, change func(name, text string) string) (all []hostile) {
	for _, name := range []string{"fanvil.cfg", "fanvil.xml", "sysconf.xml", "grandstream.xml", "cisco.xml", "own.ini"} {
		for i := range n {
			if strings.HasSuffix(name, names) {
				all = append(all, hostile{fmt.Sprintf("%s %d of %s", what, i, name), change(name, m.files[name])})
			}
		}
	}
	return all
}

// used are items of each form that this program takes, with their values.
var used = map[string]*regexp.Regexp{
	"fanvil.cfg":      regexp.MustCompile(`(?m)^(SIP1 (?:Phone Number|Register Addr|Register Port|Register TTL|Register User|Backup Addr|Backup Port)\s*:)(.+)$`),
	"fanvil.xml":      regexp.MustCompile(`(<(?:Phone_Number|Register_Addr|Register_Port|Register_User|Backup_Addr|Backup_Port)>)(\d[^<]+)(</\w+>)`),
	"sysconf.xml":     regexp.MustCompile(`(<(?:PhoneNumber|RegisterAddr|RegisterPort|RegisterUser|BackupAddr|BackupPort)>)(\d[^<]+)(</\w+>)`),
	"grandstream.xml": regexp.MustCompile(`(<P(?:47|35|36|967|32)>)(\d[^<]+)(</\w+>)`),
	"cisco.xml":       regexp.MustCompile(`(<(?:Proxy_1_|User_ID_1_|Auth_ID_1_|Register_Expires_1_|Alternate_Proxy_1_) ua="na">)(\d[^<]+)(</\w+>)`),
	"own.ini":         regexp.MustCompile(`(?m)^((?:username|register_addr|backup_addr|transport|udp_port) = )(.+)$`),
}

// ports are items that hold a port, which has bounds.
var ports = map[string]*regexp.Regexp{
	"fanvil.cfg":      regexp.MustCompile(`(?m)^(SIP1 Register Port\s*:)(.+)$`),
	"fanvil.xml":      regexp.MustCompile(`(<Register_Port>)(5060)(</Register_Port>)`),
	"sysconf.xml":     regexp.MustCompile(`(<RegisterPort>)(5060)(</RegisterPort>)`),
	"grandstream.xml": regexp.MustCompile(`(<P47>10.9.0.1:)(5060)(</P47>)`),
	"cisco.xml":       regexp.MustCompile(`(<Proxy_1_ ua="na">10.9.0.1:)(5060)(</Proxy_1_>)`),
	"own.ini":         regexp.MustCompile(`(?m)^(udp_port = )(5066)$`),
}

// item picks an item of a file: where it begins and ends, and its parts.
func (m *mutator) item(of map[string]*regexp.Regexp, name, text string) []int {
	all := of[name].FindAllStringSubmatchIndex(text, -1)
	if all == nil {
		panic("no item in " + name)
	}
	return all[m.IntN(len(all))]
}

// doubled has an item stand twice, with two values.
func (m *mutator) doubled(name, text string) string {
	at := m.item(used, name, text)
	again := text[at[2]:at[3]] + "1" + text[at[4]:at[5]]
	if len(at) > 6 {
		again += text[at[6]:at[7]]
	}
	return text[:at[1]] + "\n" + again + text[at[1]:]
}

// badValue puts a value where it cannot be.
func (m *mutator) badValue(name, text string) string {
	values := []string{"99999", "65536", "-5", "5060x", "0x13c4", "5060 5061", "１２３", "1e3", "99999999999999999999"}
	at := m.item(ports, name, text)
	return text[:at[4]] + values[m.IntN(len(values))] + text[at[5]:]
}

// cut ends a file before its end mark is there in full.
func (m *mutator) cut(name, text string) string {
	text = strings.TrimRight(text, "\r\n ")
	return text[:1+m.IntN(len(text)-1)]
}

// insert puts something in at any place.
func (m *mutator) insert(text, what string) string {
	at := m.IntN(len(text))
	return text[:at] + what + text[at:]
}

// control puts in a character that no such file has.
func (m *mutator) control(_, text string) string {
	return m.insert(text, string(rune([]byte{0, 1, 7, 8, 11, 0x1b}[m.IntN(6)])))
}

// encoding breaks UTF-8.
func (m *mutator) encoding(_, text string) string {
	return m.insert(text, []string{"\xff", "\xc0\x80", "\xed\xa0\x80", "\xfe"}[m.IntN(4)])
}

// entity defines one, which a parser might read a file of the device for, or blow up with.
func (m *mutator) entity(_, text string) string {
	root := strings.LastIndex(text[:strings.Index(text, ">\n<")+2], "\n") + 1
	return text[:root] + []string{
		`<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/shadow">]>`,
		`<!DOCTYPE a [<!ENTITY x "aaaa"><!ENTITY y "&x;&x;&x;&x;">]>`,
		`<!DOCTYPE a SYSTEM "http://10.9.0.1/a.dtd">`,
	}[m.IntN(3)] + "\n" + text[root:]
}

// long makes a line or value longer than any may be.
func (m *mutator) long(name, text string) string {
	at := m.item(used, name, text)
	return text[:at[4]] + strings.Repeat("9", 8193+m.IntN(1<<17)) + text[at[5]:]
}

// flip changes one bit.
func (m *mutator) flip(text string) string {
	b := []byte(text)
	b[m.IntN(len(b))] ^= 1 << m.IntN(8)
	return string(b)
}

// garbage is no file at all.
func (m *mutator) garbage() string {
	b := make([]byte, 1+m.IntN(5000))
	for i := range b {
		b[i] = byte(m.Uint32())
	}
	return string(b)
}

// files makes all mutations of the good files.
func (m *mutator) all() (list []hostile) {
	add := func(h []hostile) { list = append(list, h...) }
	add(m.of(16, "cut", ".cfg", m.cut))
	add(m.of(12, "cut", ".xml", m.cut))
	add(m.of(10, "doubled item", "", m.doubled))
	add(m.of(8, "bad value", "", m.badValue))
	add(m.of(7, "control character", "", m.control))
	add(m.of(4, "encoding", "", m.encoding))
	add(m.of(3, "entity", ".xml", m.entity))
	add(m.of(3, "long value", "", m.long))
	for i := range 45 {
		list = append(list, hostile{fmt.Sprint("garbage ", i), m.garbage()})
	}
	return list
}
