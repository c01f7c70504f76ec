package dhcp

import (
	"bytes"
	"encoding/binary"
	"maps"
	"os"
	"strings"
	"testing"
)

// reply builds a server's message: the options field, then what the file and sname fields hold.
func reply(options, file, sname string) []byte {
	b := make([]byte, atOption)
	b[0], b[1], b[2] = opReply, 1, 6
	copy(b[atSName:atFile], sname)
	copy(b[atFile:atCookie], file)
	binary.BigEndian.PutUint32(b[atCookie:], cookie)
	return append(b, options...)
}

func TestParse(t *testing.T) {
	long := strings.Repeat("a", 255) + "bc"
	for _, tt := range []struct {
		name                 string
		options, file, sname string
		want                 Options
		fault                string
	}{
		{name: "one option", options: "\x42\x03abc\xff", want: Options{66: []byte("abc")}},
		{name: "pad before and between", options: "\x00\x42\x01a\x00\x43\x01b\xff\x00\x07", want: Options{66: []byte("a"), 67: []byte("b")}},
		{name: "empty value", options: "\x42\x00\xff", want: Options{66: {}}},
		{name: "RFC 3396: parts are joined", options: "\x42\xff" + long[:255] + "\x35\x01\x05\x42\x02bc\xff", want: Options{66: []byte(long), 53: {5}}},
		{name: "sname and file stand for 66 and 67", options: "\xff", file: "x.cfg\x00rest", sname: "tftp.example",
			want: Options{66: []byte("tftp.example"), 67: []byte("x.cfg")}},
		{name: "but not against them", options: "\x42\x01a\xff", sname: "b", want: Options{66: []byte("a")}},
		{name: "option 52: options go on in file", options: "\x34\x01\x01\x42\x01a\xff", file: "\x42\x01b\xff",
			want: Options{52: {1}, 66: []byte("ab")}},
		{name: "option 52: in sname", options: "\x34\x01\x02\xff", file: "x.cfg", sname: "\x42\x01b\xff",
			want: Options{52: {2}, 66: []byte("b"), 67: []byte("x.cfg")}},
		{name: "option 52: file before sname", options: "\x42\x01a\x34\x01\x03\xff", file: "\x42\x01b\xff", sname: "\x42\x01c\xff",
			want: Options{52: {3}, 66: []byte("abc")}},
		{name: "option 52 of no known meaning", options: "\x34\x01\x04\xff", fault: "option 52"},
		{name: "an option goes beyond the field", options: "\x42\x05abc", fault: "option 66 goes beyond the options field"},
		{name: "a code without length", options: "\x42", fault: "option 66 goes beyond"},
		{name: "no end", options: "\x42\x01a", fault: "the options field has no end"},
		{name: "no end in file", options: "\x34\x01\x01\xff", file: strings.Repeat("\x00", 128), fault: "the file field has no end"},
		{name: "beyond file", options: "\x34\x01\x01\xff", file: "\x42\x80", fault: "option 66 goes beyond the file field"},
		{name: "a value of more than 4096 octets", options: strings.Repeat("\x42\xff"+strings.Repeat("a", 255), 17) + "\xff", fault: "longer than 4096"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Parse(reply(tt.options, tt.file, tt.sname))
			if tt.fault != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fault) {
					t.Fatalf("got %q, %v; want an error with %q", got, err, tt.fault)
				}
				return
			}
			if err != nil || !maps.EqualFunc(got, tt.want, bytes.Equal) {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

func TestParseRefusesWhatIsNoMessage(t *testing.T) {
	good := reply("\x42\x01a\xff", "", "")
	badCookie := bytes.Clone(good)
	badCookie[atCookie] = 0
	longAddress := bytes.Clone(good)
	longAddress[2] = 17
	for name, data := range map[string][]byte{
		"empty": nil, "cut short": good[:atOption-1], "no cookie": badCookie, "hardware address": longAddress,
		"too long": append(bytes.Clone(good), make([]byte, maxMessage)...),
	} {
		if o, err := Parse(data); err == nil {
			t.Errorf("%s: got %v", name, o)
		}
	}
}

// What dnsmasq sent to dhcpcd, every octet cut away in turn: never half of it.
func TestParseCutAnywhere(t *testing.T) {
	data := golden(t, "dhcpcd.lease")
	want, err := Parse(data)
	if err != nil || len(want) < 10 {
		t.Fatalf("whole: %v, %v", want, err)
	}
	for n := range data {
		if o, err := Parse(data[:n]); err == nil {
			t.Fatalf("cut to %d octets: %v", n, o)
		}
	}
}

// What is written is read again, in parts where it is long.
func TestAppendOption(t *testing.T) {
	for _, n := range []int{0, 1, 255, 256, 510, 511, 1000} {
		v := bytes.Repeat([]byte{7}, n)
		o, err := Parse(reply(string(append(appendOption(nil, 43, v), optEnd)), "", ""))
		if err != nil || !bytes.Equal(o[43], v) || o[43] == nil {
			t.Errorf("%d octets: %v, %v", n, o, err)
		}
	}
}

func golden(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func FuzzParse(f *testing.F) {
	f.Add(golden(f, "dhcpcd.lease"))
	f.Add(reply("\x42\x01a\x34\x01\x03\xff", "\x42\x01b\xff", "\x42\x01c\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := Parse(data)
		if err != nil && o != nil {
			t.Fatalf("options %v along with %v", o, err)
		}
		for code, v := range o {
			if v == nil || len(v) > maxValue || code == optPad || code == optEnd {
				t.Fatalf("option %d: %q", code, v)
			}
		}
		checkOffers(t, o)
	})
}
