package capture

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

func lf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

// What stands between ‹ and › is overwritten, and nothing else.
func TestRedact(t *testing.T) {
	const invite = "INVITE sip:600@pbx.example SIP/2.0\n"
	for _, tt := range []struct{ name, text string }{
		{"digest", invite + `Authorization: Digest username="1001", realm="pbx", nonce="abc", uri="sip:600@pbx", response="‹0123456789abcdef›", cnonce="‹c0ffee›", nc=00000001, qop=auth, algorithm=MD5, opaque="o"` + "\nCSeq: 1 INVITE\n\n"},
		{"digest, lower case, blanks, no quotes", invite + "proxy-authorization \t:  digest response = ‹0123›, qop=auth\n\n"},
		{"parameters nobody knows", invite + "Proxy-Authorization: Digest username=\"u\", secret=\"‹s3cret›\", token=‹t0ken›\n\n"},
		{"response behind a quoted comma", invite + `Authorization: Digest realm="a, response=\"b\"", response="‹cd›"` + "\n\n"},
		{"folded", invite + "Authorization: Digest username=\"u\",\n response=\"‹0123›\",\n\tcnonce=\"‹4567›\"\nCSeq: 1 INVITE\n\n"},
		{"basic", invite + "Authorization: Basic‹ dXNlcjpwYXNz›\n\n"},
		{"bearer", invite + "Authorization: Bearer‹ abc.def›\n\n"},
		{"a quote that is not closed", invite + "Authorization: Digest realm=\"pbx\", response=‹\"0123, cnonce=ab›\n\n"},
		{"more behind a quote", invite + "Authorization: Digest response=\"‹01›\"‹23 4›\n\n"},
		{"challenge", "SIP/2.0 401 Unauthorized\nWWW-Authenticate: Digest realm=\"pbx\", nonce=\"n\", qop=\"auth,auth-int\", algorithm=SHA-256\n\n"},
		{"the server's proof", "SIP/2.0 200 OK\nAuthentication-Info: qop=auth, rspauth=\"‹0123›\", cnonce=\"‹4›\", nc=00000001, nextnonce=\"n\"\n\n"},
		{"URI password", "INVITE sip:600:‹hunter2›@pbx.example SIP/2.0\nContact: <sips:1001:‹pw,$=+›@192.0.2.1:5061;transport=tls>\nFrom: sip:a@b;tag=1\n\n"},
		{"ports are no passwords", "INVITE sip:pbx.example:5060 SIP/2.0\nRoute: <sip:192.0.2.1:5060;lr>,<sip:1001@h:5062;lr>\nVia: SIP/2.0/UDP [2001:db8::1]:5060\n\n"},
		{"URL password", invite + "Call-Info: <http://user:‹pw›@host/p:1?a@b>\n\n"},
		{"credentials that a URI brings", invite + "Refer-To: <sip:1@h?Proxy-Authorization=‹Digest%20response%3D%22ab%22›&Subject=s>\n\n"},
		{"SRTP keys", invite + "Content-Type: application/sdp\n\nv=0\no=- 1 1 IN IP4 192.0.2.1\nc=IN IP4 192.0.2.1\nm=audio 16384 RTP/SAVP 0 101\na=rtpmap:101 telephone-event/8000\n" +
			"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:‹PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR›|2^20|1:32\n" +
			"a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:‹d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj›;inline:‹abcd›|2^31 KDR=1\n" +
			"a=crypto:3 AES_CM_128_HMAC_SHA1_32 ‹other:›\n"},
		{"another key method", invite + "\na=crypto:3 SUITE ‹other:key›\n"},
		{"keys of SDP", invite + "\nk=clear:‹letmein›\nk=‹prompt›\na=key-mgmt:‹mikey AQAFgM0X›\na=ice-pwd:‹asd88fgpdd777uzjYhagZg›\na=fmtp:101 0-15\n"},
		{"INFO of a digit", "INFO sip:600@pbx SIP/2.0\nCSeq: 2 INFO\nContent-Type: application/dtmf-relay\n\nSignal=‹5›\nDuration=160\n"},
		{"INFO with blanks", "INFO sip:600@pbx SIP/2.0\nc: application/dtmf-relay\nCSeq: 2 INFO\n\nsignal =‹ 11›\nDuration = 160\n"},
		{"INFO of a digit alone", "INFO sip:600@pbx SIP/2.0\nContent-Type: application/dtmf\nCSeq: 2 INFO\n\n‹9›"},
		{"INFO of a type that nobody knows", "INFO sip:600@pbx SIP/2.0\nContent-Type: text/x-keys\nCSeq: 2 INFO\n\n‹press 1 2 3 4›\n"},
		{"INFO that asks for a picture", "INFO sip:600@pbx SIP/2.0\nContent-Type: application/media_control+xml\nCSeq: 2 INFO\n\n<media_control/>\n"},
		{"KPML", "NOTIFY sip:600@pbx SIP/2.0\nContent-Type: application/kpml-response+xml\nCSeq: 2 NOTIFY\n\n<kpml-response code=\"200\" digits=\"‹1234#›\" tag=\"dtmf\"/>\n"},
		{"in another part of a body", invite + "Content-Type: multipart/mixed;boundary=b\n\n--b\nAuthorization: Digest response=\"‹ab›\"\n\n--b--\n"},
		{"behind a lone CR", invite + "Subject: x\rAuthorization: Digest response=\"‹0123›\"\n\n"},
		{"line feeds alone", "INVITE sip:a@b SIP/2.0\x01Authorization: Digest response=\"‹0123›\"\x01\x01a=crypto:1 S inline:‹k›\x01"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := lf(tt.text)
			text = strings.ReplaceAll(text, "\x01", "\n")
			plain := strings.NewReplacer("‹", "", "›", "").Replace(text)
			var want strings.Builder
			hidden := false
			for _, r := range text {
				switch {
				case r == '‹' || r == '›':
					hidden = r == '‹'
				case hidden && r != '\r' && r != '\n':
					want.WriteByte('x')
				default:
					want.WriteRune(r)
				}
			}
			got := []byte(plain)
			Redact(got, false)
			if string(got) != want.String() {
				t.Errorf("got\n%q\nwant\n%q", got, want.String())
			}
		})
	}
}

// An administrator may want the digits, but no more.
func TestDigitsThatAreWanted(t *testing.T) {
	text := lf("INFO sip:600:pw@pbx SIP/2.0\nContent-Type: application/dtmf-relay\nCSeq: 2 INFO\n\nSignal=5\nDuration=160\n")
	b := []byte(text)
	Redact(b, true)
	if got, want := string(b), strings.Replace(text, ":pw@", ":xx@", 1); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A message of nothing but what has to be looked at takes no time that grows with its square.
func TestRedactIsQuick(t *testing.T) {
	for _, word := range []string{"\r", "\n ", "sip:", "\rauthorization:", "=", "\ra=key:", "\rk=", "http://", "authorization=", "\"", "sip:a:b@"} {
		b := []byte("INFO " + strings.Repeat(word, (64<<10)/len(word)))
		begun := time.Now()
		if Redact(b, false); time.Since(begun) > 3*time.Second {
			t.Errorf("64 KiB of %q take %v", word, time.Since(begun))
		}
	}
}

// plants are messages with a place for a secret.
var plants = []string{
	"INVITE sip:600@h SIP/2.0\r\n%sAuthorization: Digest username=\"u\", response=\"%s\"\r\n\r\n",
	"INVITE sip:600@h SIP/2.0\r\n%sProxy-Authorization: Basic %s\r\n\r\n",
	"INVITE sip:600@h SIP/2.0\r\n%sContact: <sip:u:%s@h>\r\n\r\n",
	"INVITE sip:600@h SIP/2.0\r\n%s\r\n\r\na=crypto:1 S inline:%s|2^20\r\n",
	"INVITE sip:600@h SIP/2.0\r\n%s\r\n\r\nk=clear:%s\r\n",
	"INFO sip:600@h SIP/2.0\r\n%sX: y\r\nContent-Type: application/dtmf-relay\r\n\r\nSignal=%s\r\n",
	"INFO sip:600@h SIP/2.0\r\n%sX: y\r\nContent-Type: application/dtmf\r\n\r\n%s",
}

// Whatever stands around a secret, it goes; whatever the octets, their number stays, and lines
// end where they did.
func FuzzRedact(f *testing.F) {
	f.Add([]byte("Subject: a\r\n"), []byte("INVITE sip:u:p@h SIP/2.0\r\n\r\n"))
	f.Add([]byte("Authorization: Digest realm=\"a\r\n\", response=x\r\n"), []byte("a=crypto:1 S inline:k;inline:\r\n"))
	f.Add([]byte("\r\n"), []byte("\rauthorization:\n \"=,"))
	f.Fuzz(func(t *testing.T, around, data []byte) {
		b := bytes.Clone(data)
		Redact(b, false)
		if len(b) != len(data) {
			t.Fatalf("%d octets of %d", len(b), len(data))
		}
		for i := range data {
			if b[i] != data[i] && (b[i] != mask || data[i] == '\r' || data[i] == '\n') {
				t.Fatalf("octet %d is %q, was %q", i, b[i], data[i])
			}
		}
		// What stands around is whole lines of a head, without the secret.
		const secret = "7h3s3cr3t"
		if bytes.Contains(around, []byte(secret)) || bytes.Contains(around, []byte("\n\n")) || bytes.Contains(around, []byte("\n\r\n")) ||
			len(around) > 0 && !bytes.HasSuffix(around, []byte("\r\n")) || bytes.HasPrefix(around, []byte("\r\n")) || bytes.HasPrefix(around, []byte("\n")) ||
			containsFold(around, "content-type") || containsFold(around, "\nc") || hasFold(around, "c") || containsFold(around, "cseq") {
			return
		}
		for _, p := range plants {
			m := []byte(fmt.Sprintf(p, around, secret))
			Redact(m, false)
			if bytes.Contains(m, []byte(secret)) {
				t.Fatalf("a secret is left in %q", m)
			}
		}
	})
}

func BenchmarkRedact(b *testing.B) {
	text := []byte(lf("INVITE sip:600@pbx.example SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK74bf9.1;rport\nMax-Forwards: 70\nFrom: <sip:1001@pbx.example>;tag=9fxced76sl\nTo: <sip:600@pbx.example>\n" +
		"Call-ID: 3848276298220188511@192.0.2.7\nCSeq: 2 INVITE\nContact: <sip:f81d4fae@192.0.2.1:5060>\nAllow: INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY\n" +
		"Authorization: Digest username=\"1001\", realm=\"pbx\", nonce=\"abc\", uri=\"sip:600@pbx\", response=\"0123456789abcdef\"\nContent-Type: application/sdp\nContent-Length: 200\n\n" +
		"v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\nm=audio 16384 RTP/AVP 0 8 9 101\na=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15\na=ptime:20\na=sendrecv\n"))
	buf := make([]byte, len(text))
	b.ReportAllocs()
	for b.Loop() {
		copy(buf, text)
		Redact(buf, false)
	}
}
