package sipmsg

import (
	"strconv"
	"strings"
	"testing"
)

const sdp = "v=0\r\no=- 3912 3912 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\n" +
	"m=audio 16384 RTP/AVP 0 8 9 101\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"

var benchmarks = []struct{ name, text string }{
	{"INVITE", "INVITE sip:600@pbx.example SIP/2.0\r\n" +
		"Via: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK74bf9aa1;rport\r\n" +
		"Max-Forwards: 70\r\n" +
		"Route: <sip:pbx.example;lr>\r\n" +
		"From: \"Ann B\" <sip:1001@pbx.example>;tag=9fxced76sl\r\n" +
		"To: <sip:600@pbx.example>\r\n" +
		"Call-ID: 3848276298220188511@192.0.2.7\r\n" +
		"CSeq: 102 INVITE\r\n" +
		"Contact: <sip:1001@192.0.2.7:5060;transport=udp>\r\n" +
		"Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY\r\n" +
		"Supported: timer, 100rel, replaces\r\n" +
		"User-Agent: tipring/1\r\n" +
		"Content-Type: application/sdp\r\n" +
		"Content-Length: " + strconv.Itoa(len(sdp)) + "\r\n\r\n" + sdp},
	{"401", "SIP/2.0 401 Unauthorized\r\n" +
		"Via: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK74bf9aa1;rport=5060;received=192.0.2.7\r\n" +
		"From: <sip:1001@pbx.example>;tag=9fxced76sl\r\n" +
		"To: <sip:1001@pbx.example>;tag=as7c1d\r\n" +
		"Call-ID: 3848276298220188511@192.0.2.7\r\n" +
		"CSeq: 102 REGISTER\r\n" +
		"WWW-Authenticate: Digest realm=\"pbx.example\", nonce=\"84a4cc6f3082121f32b42a2187831a9e\", algorithm=MD5, qop=\"auth\"\r\n" +
		"Server: pbx\r\n" +
		"Content-Length: 0\r\n\r\n"},
	{"REGISTER", "REGISTER sip:pbx.example SIP/2.0\r\n" +
		"Via: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK74bf9aa1;rport\r\n" +
		"Max-Forwards: 70\r\n" +
		"From: <sip:1001@pbx.example>;tag=9fxced76sl\r\n" +
		"To: <sip:1001@pbx.example>\r\n" +
		"Call-ID: 3848276298220188511@192.0.2.7\r\n" +
		"CSeq: 102 REGISTER\r\n" +
		"Contact: <sip:1001@192.0.2.7:5060;transport=udp>;expires=3600\r\n" +
		"Authorization: Digest username=\"1001\", realm=\"pbx.example\", nonce=\"84a4cc6f3082121f32b42a2187831a9e\", uri=\"sip:pbx.example\", response=\"7587245234b3434cc3412213e5f113a5\", algorithm=MD5, cnonce=\"0a4f113b\", qop=auth, nc=00000001\r\n" +
		"Expires: 3600\r\n" +
		"Content-Length: 0\r\n\r\n"},
}

func BenchmarkParse(b *testing.B) {
	for _, bb := range benchmarks {
		b.Run(bb.name, func(b *testing.B) {
			data := []byte(bb.text)
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := Parse(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, bb := range benchmarks {
		b.Run(bb.name, func(b *testing.B) {
			m, err := Parse([]byte(bb.text))
			if err != nil {
				b.Fatal(err)
			}
			buf := make([]byte, 0, 2048)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.Append(buf); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkFramer(b *testing.B) {
	data := []byte(strings.Repeat(benchmarks[0].text, 10))
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		var f Framer
		f.Feed(data)
		for {
			m, _, err := f.Next()
			if err != nil {
				b.Fatal(err)
			}
			if m == nil {
				break
			}
		}
	}
}

// Writing a message into a buffer that is large enough costs no allocation.
func TestAppendDoesNotAllocate(t *testing.T) {
	for _, bb := range benchmarks {
		m, err := Parse([]byte(bb.text))
		if err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 0, 2048)
		if n := testing.AllocsPerRun(100, func() { m.Append(buf) }); n != 0 {
			t.Errorf("%s: %v allocations", bb.name, n)
		}
	}
}
