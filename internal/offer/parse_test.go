package offer

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

// sdp joins lines with CRLF, as they are on the wire.
func sdp(lines ...string) []byte { return []byte(strings.Join(lines, "\r\n") + "\r\n") }

func mustParse(t *testing.T, data []byte) *Description {
	t.Helper()
	d, err := Parse(data)
	if err != nil {
		t.Fatalf("Parse(%q): %v", data, err)
	}
	return d
}

func TestParseKeepsEveryLineOfMedia(t *testing.T) {
	d := mustParse(t, sdp(
		"v=0", "o=alice 2890844526 18446744073709551617 IN IP4 host.example", "s=two words", "i=about",
		"c=IN IP4 192.0.2.1", "b=AS:64", "t=0 0", "a=sendonly", "a=group:BUNDLE a b",
		"m=audio 49170/2 RTP/AVP 0 97", "c=IN IP6 2001:db8::1", "b=TIAS:1", "a=rtpmap:97 PCMA/8000", "a=x-unknown: kept ", "a=recvonly",
		"m=image 49180 udptl t38", "a=T38FaxVersion:0", "a=T38FaxTranscodingJBIG",
		"m=video 0 RTP/SAVP 31", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc", "a=crypto:2 x"))
	if got, want := d.Origin, (Origin{"alice", "2890844526", "18446744073709551617", Address{"IN", "IP4", "host.example"}}); got != want {
		t.Errorf("origin %+v, want %+v", got, want)
	}
	if d.Name != "two words" || len(d.Bandwidth) != 1 || len(d.Media) != 3 {
		t.Fatalf("name %q, bandwidth %q, %d media", d.Name, d.Bandwidth, len(d.Media))
	}
	audio, image, video := d.Media[0], d.Media[1], d.Media[2]
	if audio.Port != 49170 || audio.Ports != 2 || !reflect.DeepEqual(audio.Formats, []string{"0", "97"}) {
		t.Errorf("audio %+v", audio)
	}
	if v, _ := audio.Attributes.Get("x-unknown"); v != " kept" {
		t.Errorf("unknown attribute %q", v)
	}
	if got := d.Direction(0); got != RecvOnly {
		t.Errorf("media direction %v, want recvonly", got)
	}
	if got := d.Direction(1); got != SendOnly {
		t.Errorf("session direction %v, want sendonly", got)
	}
	if got := d.Address(0).Host + " " + d.Address(1).Host; got != "2001:db8::1 192.0.2.1" {
		t.Errorf("addresses %s", got)
	}
	if image.Kind != "image" || image.Proto != "udptl" || image.Formats[0] != "t38" {
		t.Errorf("image %+v", image)
	}
	if v, ok := image.Attributes.Get("t38faxversion"); v != "0" || !ok {
		t.Errorf("T38FaxVersion %q", v)
	}
	if _, ok := image.Attributes.Get("T38FaxTranscodingJBIG"); !ok {
		t.Error("flag attribute lost")
	}
	if got := video.Attributes.Values("crypto"); len(got) != 2 || video.Port != 0 {
		t.Errorf("video %+v", video)
	}
}

func TestParseTakesWhatIsOnTheWire(t *testing.T) {
	const head, c, m = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n", "c=IN IP4 192.0.2.1\r\n", "m=audio 4000 RTP/AVP 0"
	for _, tt := range []struct{ name, in string }{
		{"LF line ends", "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n" + m + "\n"},
		{"CR line ends", "v=0\ro=- 1 1 IN IP4 192.0.2.1\rs=-\rc=IN IP4 192.0.2.1\r" + m + "\r"},
		{"no last line end", head + c + m},
		{"trailing blanks", "v=0  \r\no=- 1 1 IN IP4 192.0.2.1 \r\ns=- \r\nc=IN IP4 192.0.2.1 \t\r\n" + m + "  \r\n"},
		{"empty lines", "\r\n\r\n" + head + "\r\n" + c + m + "\r\n\r\n"},
		{"no t=", head + c + m + "\r\n"},
		{"empty s=", "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=\r\n" + c + m + "\r\n"},
		{"s= before o=", "v=0\r\ns=-\r\no=- 1 1 IN IP4 192.0.2.1\r\n" + c + m + "\r\n"},
		{"a user name of two words", "v=0\r\no=Some Phone 1 1 IN IP4 192.0.2.1\r\ns=-\r\n" + c + m + "\r\n"},
		{"last attribute cut short", head + c + m + "\r\na=rtpm"},
		{"a type unknown", head + "x=1\r\n" + c + m + "\r\ny=\r\n"},
		{"c= in the media alone", head + m + "\r\n" + c},
		{"c= for the stream in use alone", head + "m=video 0 RTP/AVP 31\r\n" + m + "\r\n" + c},
		{"blanks around fields", head + "c= IN  IP4   192.0.2.1\r\nm= audio  4000 RTP/AVP   0\r\n"},
		{"letters of another case", head + "c=in ip4 192.0.2.1\r\nm=AUDIO 4000 rtp/avp 0\r\na=RTPMAP:0 pcmu/8000\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := mustParse(t, []byte(tt.in))
			i := len(d.Media) - 1
			if i < 0 {
				t.Fatal("no media")
			}
			line, err := readAudio(d, i)
			if err != nil {
				t.Fatal(err)
			}
			if got := line.remote.String(); got != "192.0.2.1:4000" {
				t.Errorf("remote %s", got)
			}
			if len(line.formats) != 1 || line.formats[0] != (Format{0, PCMU}) {
				t.Errorf("formats %v", line.formats)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	const head, c, m = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n", "c=IN IP4 192.0.2.1\r\n", "m=audio 4000 RTP/AVP 0\r\n"
	for _, tt := range []struct {
		name, in string
		want     error
	}{
		{"nothing", "", ErrSyntax},
		{"only line ends", "\r\n\r\n", ErrSyntax},
		{"words", "hello world\r\n", ErrSyntax},
		{"no v=", head[5:] + c + m, ErrSyntax},
		{"v= too late", "o=- 1 1 IN IP4 192.0.2.1\r\nv=0\r\ns=-\r\n" + c + m, ErrSyntax},
		{"another version", "v=1\r\n" + head[5:] + c + m, ErrSyntax},
		{"no o=", "v=0\r\ns=-\r\n" + c + m, ErrSyntax},
		{"no s=", "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n" + c + m, ErrSyntax},
		{"no c= for a stream in use", head + m, ErrSyntax},
		{"c= for another stream", head + "m=image 4002 udptl t38\r\n" + c + m, ErrSyntax},
		{"c= without an address", head + "c=IN IP4\r\n" + m, ErrSyntax},
		{"a line of words", head + "junk\r\n" + c + m, ErrSyntax},
		{"a line without a type", head + "=\r\n" + c + m, ErrSyntax},
		{"a type of two letters", head + "ab=1\r\n" + c + m, ErrSyntax},
		{"a blank before =", head + "a =1\r\n" + c + m, ErrSyntax},
		{"last line cut to its letter", head + c + m + "a", ErrSyntax},
		{"NUL", head + "a=x\x00y\r\n" + c + m, ErrSyntax},
		{"m= cut short", head + c + "m=audio 40", ErrSyntax},
		{"port too high", head + c + "m=audio 65536 RTP/AVP 0", ErrSyntax},
		{"port negative", head + c + "m=audio -1 RTP/AVP 0", ErrSyntax},
		{"port of many digits", head + c + "m=audio " + strings.Repeat("9", 40) + " RTP/AVP 0", ErrSyntax},
		{"port count missing", head + c + "m=audio 4000/ RTP/AVP 0", ErrSyntax},
		{"no format", head + c + "m=audio 4000 RTP/AVP", ErrSyntax},
		{"empty m=", head + c + "m=", ErrSyntax},
		{"too many octets", head + strings.Repeat("a=x\r\n", MaxSize/5), ErrTooBig},
		{"too many lines", head + strings.Repeat("a=\n", MaxLines), ErrTooBig},
		{"too many media", head + strings.Repeat("m=audio 0 RTP/AVP 0\n", MaxMedia+1), ErrTooBig},
		{"too many formats", head + "m=audio 0 RTP/AVP" + strings.Repeat(" 0", MaxFormats+1), ErrTooBig},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if d, err := Parse([]byte(tt.in)); !errors.Is(err, tt.want) {
				t.Errorf("got %+v, %v; want %v", d, err, tt.want)
			}
		})
	}
}

func TestAddressIP(t *testing.T) {
	for _, tt := range []struct {
		in, want string // want "" for none
	}{
		{"IN IP4 192.0.2.1", "192.0.2.1"},
		{"in ip4 192.0.2.1", "192.0.2.1"},
		{"IN IP6 2001:db8::9:1", "2001:db8::9:1"},
		{"IN IP6 ::ffff:192.0.2.1", "192.0.2.1"},
		{"IN IP4 2001:db8::1", ""},
		{"IN IP6 192.0.2.1", ""},
		{"IN IP6 fe80::1%eth0", ""},
		{"IN IP4 224.2.36.42/127", ""},
		{"IN IP4 host.example", ""},
		{"IN IP9 192.0.2.1", ""},
		{"ATM NSAP 47.0005", ""},
		{"", ""},
	} {
		ip, ok := parseAddress(tt.in).IP()
		if ok != (tt.want != "") || ok && ip.String() != tt.want {
			t.Errorf("%q: got %v %v, want %q", tt.in, ip, ok, tt.want)
		}
	}
}

func TestBytesCannotBeBrokenIntoLines(t *testing.T) {
	d := mustParse(t, sdp("v=0", "o=- 0 0 IN IP4 0.0.0.0", "s=-"))
	d.Name = "x\r\nm=audio 1 RTP/AVP 0"
	d.Attributes.Add("a\nb", "c\rd\x00e")
	got := string(d.Bytes())
	want := "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=x  m=audio 1 RTP/AVP 0\r\nt=0 0\r\na=a b:c d e\r\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestParseTakesLinearTime(t *testing.T) {
	worst := []string{
		"v=0\no=\ns=\n" + strings.Repeat("a=\n", MaxLines-3),
		"v=0\no=\ns=\nc=IN IP4 192.0.2.1\nm=audio 1 RTP/AVP" + strings.Repeat(" 0", MaxFormats) + "\n" + strings.Repeat("a=rtpmap:1 x\n", MaxLines-5),
		"v=0\no=\ns=\n" + strings.Repeat(" ", MaxSize-20),
	}
	for _, in := range worst {
		start := time.Now()
		d, err := Parse([]byte(in))
		if err != nil {
			t.Fatal(err)
		}
		for i := range d.Media {
			_, _ = readAudio(d, i)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("%.20q… of %d octets took %v", in, len(in), took)
		}
	}
}
