package dhcp

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"tipring/provisioning/lan"
)

func TestOffers(t *testing.T) {
	for _, tt := range []struct {
		name  string
		o     Options
		want  []string // option and URL or servers
		notes []string // a part of each
	}{
		{name: "nothing", o: Options{}},

		// Option 66, leniently.
		{"host", text66("prov.example"), []string{"66 tftp://prov.example/{mac}.cfg"}, nil},
		{"host with a zero octet and blanks", text66("  prov.example \x00\x00"), []string{"66 tftp://prov.example/{mac}.cfg"}, nil},
		{"host and port", text66("prov.example:6969"), []string{"66 tftp://prov.example:6969/{mac}.cfg"}, nil},
		{"address", text66("192.0.2.7"), []string{"66 tftp://192.0.2.7/{mac}.cfg"}, nil},
		{"IPv6 address", text66("2001:db8::7"), []string{"66 tftp://[2001:db8::7]/{mac}.cfg"}, nil},
		{"IPv6 address in brackets, with port", text66("[2001:db8::7]:69"), []string{"66 tftp://[2001:db8::7]:69/{mac}.cfg"}, nil},
		{"host and file", text66("192.0.2.7/a/{MAC}.xml"), []string{"66 tftp://192.0.2.7/a/{MAC}.xml"}, nil},
		{"host and directory", text66("192.0.2.7/a/"), []string{"66 tftp://192.0.2.7/a/{mac}.cfg"}, nil},
		{"URL", text66("https://prov.example/Fanvil/$mac.cfg"), []string{"66 https://prov.example/Fanvil/$mac.cfg"}, nil},
		{"URL of a host", text66("HTTP://prov.example"), []string{"66 http://prov.example/{mac}.cfg"}, nil},
		{"URL of a directory", text66("http://prov.example:8080/t/"), []string{"66 http://prov.example:8080/t/{mac}.cfg"}, nil},
		{"URL with a query", text66("https://prov.example/?m={mac}"), []string{"66 https://prov.example/?m={mac}"}, nil},
		{"URL with Cisco's macros", text66("https://prov.example/$PN/$MA.xml?sn=$SN"), []string{"66 https://prov.example/$PN/$MA.xml?sn=$SN"}, nil},

		// Option 67 names the file.
		{"66 and 67", with67("192.0.2.7", "ata.ini"), []string{"66 tftp://192.0.2.7/ata.ini"}, nil},
		{"67 with a leading slash and a zero octet", with67("192.0.2.7", "/a/ata.ini\x00"), []string{"66 tftp://192.0.2.7/a/ata.ini"}, nil},
		{"67 is a directory", with67("192.0.2.7", "a/"), []string{"66 tftp://192.0.2.7/a/{mac}.cfg"}, nil},
		{"AudioCodes: image;config", with67("192.0.2.7", "fw.cmp;ata.ini"), []string{"66 tftp://192.0.2.7/ata.ini"}, nil},
		{"AudioCodes: image alone", with67("192.0.2.7", "fw.cmp;"), []string{"66 tftp://192.0.2.7/{mac}.cfg"}, []string{`67: names the image "fw.cmp"`}},
		{"a file in 66 wins", with67("http://prov.example/a.cfg", "b.cfg"), []string{"66 http://prov.example/a.cfg"}, nil},
		{"67 completes a URL", with67("http://prov.example/a/", "b.cfg"), []string{"66 http://prov.example/a/b.cfg"}, nil},
		{"67 is a URL, 66 a host", with67("192.0.2.7", "https://prov.example/b.cfg"), []string{"67 https://prov.example/b.cfg"}, nil},
		{"67 is a URL alone", Options{67: []byte("https://prov.example/")}, []string{"67 https://prov.example/{mac}.cfg"}, nil},
		{"67 is a file alone", Options{67: []byte("pxelinux.0")}, nil, nil},
		{"67 of Windows", with67("192.0.2.7", `boot\x64\wdsnbp.com`), []string{"66 tftp://192.0.2.7/{mac}.cfg"}, []string{"67: "}},
		{"67 is a URL of another scheme, 66 a host", with67("192.0.2.7", "nfs://prov.example/b"), []string{"66 tftp://192.0.2.7/{mac}.cfg"}, []string{"67: "}},

		// Refused, with a note.
		{"empty", text66(" \x00"), nil, []string{"66: empty"}},
		{"control character", text66("http://a/\r\nX: y"), nil, []string{"control character"}},
		{"zero octet inside", text66("http://a\x00.b/"), nil, []string{"control character"}},
		{"blank inside", text66("[--key $A] http://a/"), nil, []string{"blank inside"}},
		{"no ASCII", text66("http://pröv.example/"), nil, []string{"not ASCII"}},
		{"user before the host", text66("http://prov.example@evil.example/x"), nil, []string{"a user name"}},
		{"user and password", text66("https://u:secret@prov.example/x"), nil, []string{`"…@prov.example/x"`}},
		{"FTP", text66("ftp://prov.example/x"), nil, []string{"neither tftp nor http nor https"}},
		{"file", text66("file:///etc/passwd"), nil, []string{"neither tftp nor"}},
		{"scheme alone", text66("mailto:a"), nil, []string{"is not used"}},
		{"macro in the host", text66("http://{mac}.example/x"), nil, []string{"host"}},
		{"Cisco's macro in the host", text66("http://$MA.example/x"), nil, []string{"host"}},
		{"port 0", text66("192.0.2.7:0"), nil, []string{"port"}},
		{"port beyond", text66("http://192.0.2.7:65536/"), nil, []string{"port"}},
		{"no host", text66("http:///x"), nil, []string{"no host"}},
		{"zone", text66("http://[fe80::1%25eth0]/x"), nil, []string{"host"}},
		{"multicast", text66("224.0.0.1"), nil, []string{"host"}},
		{"too long", text66("http://a/" + strings.Repeat("x", lan.MaxURL)), nil, []string{"longer"}},

		// 160 and 159.
		{"160", Options{160: []byte("https://prov.example/a\x00")}, []string{"160 https://prov.example/a"}, nil},
		{"160 is a server, and not 67's", Options{160: []byte("prov.example"), 67: []byte("b")}, []string{"160 tftp://prov.example/{mac}.cfg"}, nil},
		{"159", Options{159: []byte("http://prov.example")}, []string{"159 http://prov.example/{mac}.cfg"}, nil},

		// 150.
		{"150", Options{150: {192, 0, 2, 7, 192, 0, 2, 8}}, []string{"150 tftp://192.0.2.7/{mac}.cfg", "150 tftp://192.0.2.8/{mac}.cfg"}, nil},
		{"150 and 67", Options{150: {192, 0, 2, 7}, 67: []byte("a.cfg")}, []string{"150 tftp://192.0.2.7/a.cfg"}, nil},
		{"150 as text", Options{150: []byte("192.0.2.71")}, []string{"150 tftp://192.0.2.71/{mac}.cfg"}, nil},
		{"150 as text of 8 octets", Options{150: []byte("10.0.0.1")}, []string{"150 tftp://10.0.0.1/{mac}.cfg"}, nil},
		{"150 of 5 octets", Options{150: {192, 0, 2, 7, 1}}, nil, []string{"150: 5 octets are no list"}},
		{"150 of nothing", Options{150: {}}, nil, []string{"150: 0 octets"}},
		{"150: no host's address", Options{150: {0, 0, 0, 0, 192, 0, 2, 7, 255, 255, 255, 255}}, []string{"150 tftp://192.0.2.7/{mac}.cfg"}, []string{"host", "host"}},
		{"150: many", Options{150: manyAddresses(9)}, eight("150 tftp://192.0.2.%d/{mac}.cfg"), []string{"more than 8"}},

		// 43.
		{"43 is a URL", Options{43: []byte("http://prov.example/$mac.cfg")}, []string{"43 http://prov.example/$mac.cfg"}, nil},
		{"43: sub-option 66", Options{43: []byte("\x42\x0cprov.example\xff")}, []string{"43 tftp://prov.example/{mac}.cfg"}, nil},
		{"43: sub-options 66 and 67", Options{43: []byte("\x43\x05a.cfg\x42\x0cprov.example")}, []string{"43 tftp://prov.example/a.cfg"}, nil},
		{"43: sub-option 67 is a URL", Options{43: []byte("\x43\x08http://a\x00\x00")}, []string{"43 http://a/{mac}.cfg"}, nil},
		{"43: 66 within is refused", Options{43: []byte("\x42\x07ftp://a")}, nil, []string{"option 43: sub-option 66: "}},
		{"43: TR-069", Options{43: []byte("\x01\x0bhttp://acs/\x02\x01x")}, nil, []string{`sub-option 1 is a TR-069 server's URL by custom ("http://acs/")`, "sub-option 2 is not understood"}},
		{"43: a blob", Options{43: {1, 200, 3}}, nil, []string{"43: neither a URL nor sub-options"}},
		{"43: Eltex's text", Options{43: []byte("1|2|prov.example")}, nil, []string{"43: neither"}},
		{"43: octets after the end", Options{43: []byte("\x42\x01a\xffx")}, nil, []string{"after the end"}},
		{"43: empty", Options{43: {0, 255}}, nil, []string{"empty"}},

		// 125.
		{"125: TR-069", Options{125: []byte("\x00\x00\x0d\xe9\x0d\x01\x0bhttp://acs/")}, nil, []string{`125: names a TR-069 server ("http://acs/")`}},
		{"125: another's", Options{125: []byte("\x00\x00\x00\x09\x03\x01\x01x")}, nil, []string{"125: enterprise 9 is not understood"}},
		{"125: two", Options{125: []byte("\x00\x00\x00\x09\x03\x01\x01x\x00\x00\x00\x0a\x02\x01\x01")}, nil, []string{"enterprise 9 is", "enterprise 10: no sub-options"}},
		{"125: cut", Options{125: []byte("\x00\x00\x0d\xe9\x0d\x01")}, nil, []string{"125: cut short"}},

		// 120 (RFC 3361 section 3).
		{"120: names", Options{120: []byte("\x00\x03sip\x07example\x03com\x00\x01b\x00")}, []string{"120 sip.example.com b"}, nil},
		{"120: addresses", Options{120: {1, 192, 0, 2, 7, 192, 0, 2, 8}}, []string{"120 192.0.2.7 192.0.2.8"}, nil},
		{"120: no host", Options{120: {1, 0, 0, 0, 0, 192, 0, 2, 8}}, []string{"120 192.0.2.8"}, []string{`"0.0.0.0" is no server`}},
		{"120: encoding 2", Options{120: {2, 1}}, nil, []string{"encoding 2"}},
		{"120: empty", Options{120: {}}, nil, []string{"120: empty"}},
		{"120: no name", Options{120: {0}}, nil, []string{"120: empty"}},
		{"120: addresses cut", Options{120: {1, 192, 0, 2}}, nil, []string{"3 octets are no list"}},
		{"120: compressed, as dnsmasq does it", Options{120: []byte("\x00\x01a\x03sip\x04test\x00\x01b\xc0\x02\x01c\xc0\x06")}, []string{"120 a.sip.test b.sip.test c.test"}, nil},
		{"120: a pointer to a pointer", Options{120: []byte("\x00\x01a\x00\x01b\xc0\x00\xc0\x03")}, []string{"120 a b.a b.a"}, nil},
		{"120: a pointer to itself", Options{120: {0, 0xc0, 0}}, nil, []string{"points forward"}},
		{"120: a pointer round in a circle", Options{120: []byte("\x00\x01a\xc0\x00")}, nil, []string{"points forward"}},
		{"120: a pointer cut", Options{120: []byte("\x00\x01a\xc0")}, nil, []string{"beyond"}},
		{"120: a label of no kind", Options{120: {0, 0x80, 1}}, nil, []string{"damaged"}},
		{"120: beyond", Options{120: []byte("\x00\x05sip")}, nil, []string{"beyond"}},
		{"120: not ended", Options{120: []byte("\x00\x03sip")}, nil, []string{"not ended"}},
		{"120: no host name", Options{120: []byte("\x00\x03s p\x00")}, nil, []string{"no host name"}},

		{"the order, and no offer twice", Options{
			120: []byte("\x00\x01s\x00"), 43: []byte("http://f/x"), 150: {192, 0, 2, 7}, 159: []byte("http://b/x"),
			160: []byte("http://c/x"), 66: []byte("http://b/x"), 67: []byte("y"),
		}, []string{"66 http://b/x", "160 http://c/x", "150 tftp://192.0.2.7/y", "43 http://f/x", "120 s"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			offers, notes := tt.o.Offers()
			var got []string
			for _, o := range offers {
				got = append(got, fmt.Sprintf("%d %s%s", o.Option, o.URL, strings.Join(o.SIPServers, " ")))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if len(notes) != len(tt.notes) {
				t.Fatalf("notes %q, want %d", notes, len(tt.notes))
			}
			for i, part := range tt.notes {
				if !strings.Contains(notes[i], part) || strings.Contains(notes[i], "secret") {
					t.Errorf("note %q, want one with %q", notes[i], part)
				}
			}
			checkOffers(t, tt.o)
		})
	}
}

func text66(s string) Options         { return Options{66: []byte(s)} }
func with67(server, f string) Options { return Options{66: []byte(server), 67: []byte(f)} }
func manyAddresses(n int) (v []byte) {
	for i := range n {
		v = append(v, 192, 0, 2, byte(i+1))
	}
	return v
}

func eight(format string) (list []string) {
	for i := range 8 {
		list = append(list, fmt.Sprintf(format, i+1))
	}
	return list
}

func TestWanted(t *testing.T) {
	if got, want := Wanted(), []byte{66, 67, 160, 159, 150, 43, 125, 120}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// checkOffers holds of whatever anybody sends.
func checkOffers(t *testing.T, o Options) {
	t.Helper()
	offers, notes := o.Offers()
	for _, x := range offers {
		if x.Option == 120 {
			if x.URL != "" || len(x.SIPServers) == 0 || len(x.SIPServers) > maxServers || slices.ContainsFunc(x.SIPServers, func(s string) bool { return !lan.IsHost(s) }) {
				t.Errorf("offer %+v", x)
			}
			continue
		}
		if u, err := lan.URL(x.URL); err != nil || u != x.URL || x.SIPServers != nil {
			t.Errorf("offer %+v: %v", x, err)
		}
	}
	if len(notes) > maxNotes {
		t.Errorf("%d notes", len(notes))
	}
	for _, n := range notes {
		if len(n) > 1000 || strings.ContainsFunc(n, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Errorf("note %q", n)
		}
	}
}

func FuzzOffers(f *testing.F) {
	f.Add(byte(66), []byte("http://prov.example/$mac.cfg\x00"), []byte("fw;cfg"))
	f.Add(byte(43), []byte("\x01\x0bhttp://acs/\x02\x01x"), []byte{})
	f.Add(byte(43), []byte("\x43\x05a.cfg\x42\x0cprov.example"), []byte("https://a"))
	f.Add(byte(120), []byte("\x00\x03sip\x07example\x03com\x00"), []byte{})
	f.Add(byte(120), []byte("\x00\x01a\x03sip\x04test\x00\x01b\xc0\x02"), []byte{})
	f.Add(byte(125), []byte("\x00\x00\x0d\xe9\x0d\x01\x0bhttp://acs/"), []byte("/"))
	f.Add(byte(150), []byte{192, 0, 2, 7, 192, 0, 2, 8}, []byte("a"))
	f.Fuzz(func(t *testing.T, code byte, v, file []byte) {
		checkOffers(t, Options{code: v, 67: file})
	})
}
