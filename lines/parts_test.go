package lines

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"tipring/internal/offer"
	"tipring/internal/sipmsg"
	"tipring/internal/ua"
)

// multipart is a body of those parts, whose lines end in CRLF.
func multipart(kind string, parts ...string) func(m *sipmsg.Message) {
	return func(m *sipmsg.Message) {
		m.SetBody("multipart/"+kind+`; boundary="b 1"`, []byte(joined("b 1", parts...)))
	}
}

func joined(boundary string, parts ...string) string {
	var b strings.Builder
	b.WriteString("for who cannot read it\r\n")
	for _, p := range parts {
		b.WriteString("--" + boundary + " \r\n" + strings.ReplaceAll(p, "\n", "\r\n") + "\r\n")
	}
	return b.String() + "--" + boundary + "--\r\nno more"
}

// Parts, as they are before joined gives them their line ends.
const (
	sdpPart     = "Content-Type: application/sdp\n\nv=0\no=- 1 1 IN IP4 10.0.0.9\ns=-\nc=IN IP4 10.0.0.9\nt=0 0\nm=audio 4000 RTP/AVP 0\n"
	sessionPart = "Content-Disposition: session\n" + sdpPart
	earlyPart   = "Content-Disposition: early-session\n" + sdpPart
	opusPart    = "content-type: APPLICATION/sdp; charset=utf-8\nX: y\n z\n\nv=0\no=- 1 1 IN IP4 10.0.0.9\ns=-\nc=IN IP4 10.0.0.9\nt=0 0\nm=audio 4000 RTP/AVP 8\n"
	isupPart    = "Content-Type: application/ISUP;version=nxv3\nContent-Disposition: signal;handling=required\n\n\x01\x00\x49\n\n--b\n"
	optISUPPart = "Content-Type: application/ISUP\nContent-Disposition: signal ; Handling=OPTIONAL\n\n\x01\x00\x49"
	textPart    = "\nhello"
	base64Part  = "Content-Transfer-Encoding: base64\n" + sdpPart
	gzipPart    = "Content-Encoding: gzip\n" + sdpPart
)

func nested(kind string, parts ...string) string {
	return "Content-Type: multipart/" + kind + ";boundary=inner\n\n" + strings.ReplaceAll(joined("inner", parts...), "\r", "")
}

// multipartOffers are INVITEs with several bodies, and what comes of them: the codec of the
// description that was taken, none, or the refusal.
var multipartOffers = []struct {
	name   string
	change func(m *sipmsg.Message)
	codec  string // pcmu, pcma; none: an offer was asked for
	code   string
	header string
}{
	{"one part", multipart("mixed", sdpPart), "pcmu", "", ""},
	{"said to be the session", multipart("mixed", sessionPart), "pcmu", "", ""},
	{"what may be ignored is", multipart("mixed", optISUPPart, sdpPart), "pcmu", "", ""},
	{"behind it too", multipart("mixed", sdpPart, optISUPPart), "pcmu", "", ""},
	{"what may not be ignored is refused (RFC 5621 section 5.3)", multipart("mixed", sdpPart, isupPart), "", "415", acceptSDP},
	{"required is the default", multipart("mixed", textPart, sdpPart), "", "415", acceptSDP},
	{"nothing but what may be ignored", multipart("mixed", optISUPPart), "none", "", ""},
	{"the last alternative that is understood", multipart("alternative", sdpPart, opusPart, isupPart), "pcma", "", ""},
	{"an alternative in a mixed one", multipart("mixed", optISUPPart, nested("alternative", textPart, sdpPart)), "pcmu", "", ""},
	{"a mixed one as an alternative", multipart("alternative", sdpPart, nested("mixed", opusPart, optISUPPart)), "pcma", "", ""},
	{"a mixed alternative that is not understood", multipart("alternative", sdpPart, nested("mixed", opusPart, isupPart)), "pcmu", "", ""},
	{"no alternative is understood", multipart("alternative", textPart, isupPart), "", "415", acceptSDP},
	{"an unknown multipart is a mixed one (RFC 2046 section 5.1.7)", multipart("related", sdpPart), "pcmu", "", ""},
	{"an early session is not the session", multipart("mixed", earlyPart), "", "415", acceptSDP},
	{"base64 is not read", multipart("mixed", base64Part), "", "415", acceptSDP},
	{"nor gzip", multipart("mixed", gzipPart), "", "415", "Accept-Encoding: identity"},
	{"two descriptions", multipart("mixed", sdpPart, opusPart), "", "400", ""},
	{"a bad description", multipart("mixed", "Content-Type: application/sdp\n\nhello"), "", "400", ""},
	{"three in one another", multipart("mixed", nested("mixed", strings.ReplaceAll(nested("mixed", sdpPart), "inner", "innermost"))), "pcmu", "", ""},
	{"too many parts", multipart("mixed", append(repeatedPart(maxParts, optISUPPart), sdpPart)...), "", "400", ""},
	{"as many as may be", multipart("mixed", append(repeatedPart(maxParts-1, optISUPPart), sdpPart)...), "pcmu", "", ""},
	{"a part with a long header", multipart("mixed", strings.Repeat("X: y\n", maxPartHeader)+sdpPart), "", "400", ""},
	{"a part that begins with words", multipart("mixed", "hello\n\n"), "", "400", ""},
	{"no boundary", func(m *sipmsg.Message) { m.SetBody("multipart/mixed", []byte("--\r\n")) }, "", "400", ""},
	{"no end", func(m *sipmsg.Message) { m.SetBody("multipart/mixed;boundary=x", []byte("--x\r\n\r\n--x\r\n")) }, "", "400", ""},
	{"lines that end in LF", func(m *sipmsg.Message) {
		m.SetBody("multipart/mixed;boundary=x", []byte("--x\n"+sdpPart+"\n--x--"))
	}, "pcmu", "", ""},
	{"optional as a whole", func(m *sipmsg.Message) {
		multipart("mixed", isupPart)(m)
		m.Header.Add("Content-Disposition", "signal;handling=optional")
	}, "none", "", ""},
}

func repeatedPart(n int, part string) (parts []string) {
	for range n {
		parts = append(parts, part)
	}
	return parts
}

func TestCallsWithMultipartBodies(t *testing.T) {
	for _, tt := range multipartOffers {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, []string{"codecs = pcmu,pcma"}, func(w *world) {
				far := w.primary.callLine(tt.change)
				w.after(time.Second)
				if tt.code != "" {
					if got := far.news(); got != tt.code {
						t.Errorf("caller hears %q, want %s", got, tt.code)
					}
					checkHeader(t, far.got(), tt.header)
					w.wantNews("")
					w.wantIdle()
					return
				}
				c := w.phone.call()
				if c == nil {
					t.Fatalf("no call; caller hears %q", far.news())
				}
				c.Answer(media, 1)
				w.after(time.Second)
				want := "started " + tt.codec + ":sendrecv answered"
				if tt.codec == "none" { // the answer to our offer is in the ACK
					want = "started silence answered pcmu:sendrecv"
				}
				w.wantNews(want)
			})
		})
	}
}

// A response cannot be refused: what is not understood in it is passed over.
func TestMultipartAnswers(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(res *sipmsg.Message)
		heard  string
	}{
		{"with a part that is required", multipart("mixed", isupPart, sdpPart), "started pcmu:sendrecv answered"},
		{"alternatives", multipart("alternative", textPart, sdpPart), "started pcmu:sendrecv answered"},
		{"without a description", multipart("mixed", isupPart), "started ended"},
		{"cut short", func(res *sipmsg.Message) { res.SetBody("multipart/mixed;boundary=x", []byte("--x\r\n"+sdpPart)) }, "started ended"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				w.primary.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) { w.primary.takeWith(now, in, tt.change) })
				w.dial("600")
				w.after(time.Second)
				w.wantPhone(tt.heard)
			})
		})
	}
}

// Offers in a call come in parts as well, and so do the digits of an INFO.
func TestMultipartInACall(t *testing.T) {
	bothWays(t, nil, func(w *world, far *farCall, c *Call) {
		for _, method := range []string{sipmsg.INVITE, sipmsg.UPDATE} {
			far.send(method, multipart("mixed", sdpPart+"a=sendonly\n", optISUPPart))
			w.after(time.Second)
			w.wantFar(far, method+":200")
			w.wantNews("pcmu:recvonly")
			far.send(method, multipart("mixed", sdpPart, isupPart))
			w.after(time.Second)
			w.wantFar(far, method+":415")
			far.send(method, far.offering(offer.SendRecv))
			w.after(time.Second)
			far.news()
			w.wantNews("pcmu:sendrecv")
		}
		far.send(sipmsg.INFO, multipart("mixed", optISUPPart, "Content-Type: application/dtmf-relay\n\nSignal=5"))
		w.after(time.Second)
		w.wantFar(far, "INFO:200")
		w.wantNews("digit:5")
		far.send(sipmsg.BYE, multipart("mixed", isupPart))
		w.after(time.Second)
		w.wantFar(far, "BYE:200")
		w.wantNews("ended")
	})
}

func FuzzMultipart(f *testing.F) {
	for _, tt := range multipartOffers {
		var m sipmsg.Message
		tt.change(&m)
		f.Add(m.Header.Get("Content-Type"), m.Header.Get("Content-Disposition"), m.Body)
	}
	f.Fuzz(func(t *testing.T, kind, disposition string, body []byte) {
		m := &sipmsg.Message{Method: sipmsg.INVITE, Body: body}
		m.Header.Add("Content-Type", kind)
		m.Header.Add("Content-Disposition", disposition)
		strict, refused := bodyOf(m)
		if strict != nil && strict != m && len(strict.Body) > 0 {
			if !bytes.Contains(body, strict.Body) {
				t.Errorf("%q is not in the body", strict.Body)
			}
			if got, _ := strict.ContentType(); got != sdpType {
				t.Errorf("took a part of type %q", got)
			}
		}
		_, _ = answerIn(m)
		want := bodyReader{want: []string{sdpType}}
		if part, err := want.read(m, 0); err == nil && part != nil {
			want.lax = true
			if part, err = want.read(m, 0); err != nil || part == nil {
				t.Errorf("a response with it is not understood (%v), refused: %v", err, refused)
			}
		}
	})
}
