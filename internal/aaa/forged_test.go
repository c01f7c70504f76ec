package aaa

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// A forger makes the n-th bad answer of its kind to a request. earlier is a good
// answer to an earlier request.
type forger struct {
	name  string
	forge func(n int, request, earlier []byte) []byte
	why   Refusal // 0: differs from one to the next
}

var account = text(UserName, "account")

// resigned makes the answer's attributes right in every hash, whatever they are.
func resigned(request []byte, attrs ...[]byte) []byte {
	return answerTo(request, AccessAccept, attrs...).signed(request)
}

func octets(n int, seed uint64) []byte {
	r := rand.New(rand.NewPCG(uint64(n), seed))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

var badCodes = []byte{0, 1, 4, 5, 12, 13, 40, 41, 42, 255}

// forgers are the kinds of reliability section 3.1 and goal 20, and some more.
var forgers = []forger{
	{"no Message-Authenticator", func(n int, request, _ []byte) []byte {
		return answerTo(request, []Code{AccessAccept, AccessReject, AccessChallenge}[n%3], account).unsigned(request)
	}, Unsigned},
	{"a zero Message-Authenticator", func(_ int, request, _ []byte) []byte {
		return answerTo(request, AccessAccept, avp(80, make([]byte, 16)...), account).unsigned(request)
	}, BadSignature},
	{"a random Message-Authenticator", func(n int, request, _ []byte) []byte {
		return answerTo(request, AccessAccept, account, avp(80, octets(16, uint64(n))...)).unsigned(request)
	}, BadSignature},
	{"one bit of the Message-Authenticator wrong", func(n int, request, _ []byte) []byte {
		b := good(request, account)
		b[22+n/8%16] ^= 1 << (n % 8)
		authenticate(b, request, secret)
		return b
	}, BadSignature},
	{"a Message-Authenticator of another secret", func(n int, request, _ []byte) []byte {
		b := good(request, account)
		sign(b, request, 22, fmt.Sprint("guess", n))
		authenticate(b, request, secret)
		return b
	}, BadSignature},
	{"a short or long Message-Authenticator", func(n int, request, _ []byte) []byte {
		return answerTo(request, AccessAccept, avp(80, make([]byte, []int{0, 1, 15, 17, 32, 253}[n%6])...), account).unsigned(request)
	}, BadSignature},
	{"a right and a zero Message-Authenticator", func(n int, request, _ []byte) []byte {
		attrs := [][]byte{avp(80, make([]byte, 16)...), avp(80, make([]byte, 16)...)}
		b := answerTo(request, AccessAccept, attrs...).unsigned(request)
		sign(b, request, []int{22, 40}[n%2], secret)
		return b
	}, BadSignature},
	{"two Message-Authenticators, each right by itself", func(_ int, request, _ []byte) []byte {
		b := resigned(request, account)
		mac := bytes.Clone(b[20:38])
		b = append(b, mac...)
		binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
		authenticate(b, request, secret)
		return b
	}, BadSignature},
	{"another secret throughout", func(n int, request, _ []byte) []byte {
		p := answerTo(request, AccessAccept, account)
		p.secret = []string{"", "secret", "Testing123", "testing123 "}[n%4]
		return p.signed(request)
	}, BadAuthenticator},
	{"a random Response Authenticator", func(n int, request, _ []byte) []byte {
		b := good(request, account)
		copy(b[4:20], octets(16, uint64(n)))
		return b
	}, BadAuthenticator},
	{"the request's authenticator", func(_ int, request, _ []byte) []byte {
		b := good(request, account)
		copy(b[4:20], request[4:20])
		return b
	}, BadAuthenticator},
	{"any one bit wrong", func(n int, request, _ []byte) []byte {
		b := good(request, account, octets8())
		b[n/8%len(b)] ^= 1 << (n % 8)
		return b
	}, 0},
	{"another identifier", func(n int, request, _ []byte) []byte {
		p := answerTo(request, AccessAccept, account)
		p.id += byte(1 + n%255)
		return p.signed(request)
	}, BadIdentifier},
	{"another code", func(n int, request, _ []byte) []byte {
		return answerTo(request, Code(badCodes[n%len(badCodes)]), account).signed(request)
	}, BadCode},
	{"a Reject made an Accept", func(_ int, request, _ []byte) []byte {
		b := answerTo(request, AccessReject).signed(request)
		b[0] = byte(AccessAccept)
		return b
	}, BadAuthenticator},
	{"an earlier answer again", func(_ int, _, earlier []byte) []byte { return earlier }, 0},
	{"an earlier answer with this identifier", func(_ int, request, earlier []byte) []byte {
		b := bytes.Clone(earlier)
		b[1] = request[1]
		return b
	}, BadAuthenticator},
	{"the request itself", func(_ int, request, _ []byte) []byte { return request }, BadCode},
	{"a Proxy-State", func(n int, request, _ []byte) []byte {
		state := avp(ProxyState, octets(n%254, uint64(n))...)
		return resigned(request, [][]byte{state, account}[n%2], [][]byte{state, account}[1-n%2])
	}, HasProxyState},
	{"a Proxy-State, unsigned", func(n int, request, _ []byte) []byte { // the shape of CVE-2024-3596
		return answerTo(request, AccessAccept, account, avp(ProxyState, octets(200, uint64(n))...)).unsigned(request)
	}, HasProxyState},
	{"cut short", func(n int, request, _ []byte) []byte {
		b := good(request, account)
		return b[:n%len(b)]
	}, BadLength},
	{"cut short, and the Length says so", func(n int, request, _ []byte) []byte {
		b := good(request, account)
		b = b[:20+n%(len(b)-20)]
		binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
		return b
	}, BadAuthenticator},
	{"Length past the end", func(n int, request, _ []byte) []byte {
		b := good(request, account)
		binary.BigEndian.PutUint16(b[2:], uint16(len(b)+1+n*150%60000))
		authenticate(b, request, secret)
		return b
	}, BadLength},
	{"Length below a header", func(n int, request, _ []byte) []byte {
		b := good(request, account)
		binary.BigEndian.PutUint16(b[2:], uint16(n%20))
		authenticate(b, request, secret)
		return b
	}, BadLength},
	{"Length above 4096", func(n int, request, _ []byte) []byte {
		b := append(good(request, account), make([]byte, 4200)...)
		binary.BigEndian.PutUint16(b[2:], uint16(4097+n%100))
		authenticate(b, request, secret)
		return b
	}, BadLength},
	{"padding that the hash covers", func(n int, request, _ []byte) []byte {
		b := append(good(request, account), make([]byte, 1+n%64)...)
		authenticate(b, request, secret)
		return b
	}, BadAuthenticator},
	{"attributes in the padding, covered by both hashes", func(n int, request, _ []byte) []byte {
		b := good(request, account)
		b = append(b, text(ReplyMessage, "more")...)
		sign(b, request, 22, secret) // the Length still ends before them
		return b
	}, BadAuthenticator},
	{"the Message-Authenticator in the padding", func(n int, request, _ []byte) []byte {
		b := answerTo(request, AccessAccept, account).unsigned(request)
		return append(b, avp(80, make([]byte, 16)...)...)
	}, Unsigned},
	{"an attribute of length 0 or 1", func(n int, request, _ []byte) []byte {
		return resigned(request, account, []byte{ReplyMessage, byte(n % 2)})
	}, BadAttribute},
	{"an attribute past the end", func(n int, request, _ []byte) []byte {
		return resigned(request, account, []byte{ReplyMessage, byte(4 + n%252), 'x'})
	}, BadAttribute},
	{"half an attribute header", func(_ int, request, _ []byte) []byte {
		return resigned(request, account, []byte{ReplyMessage})
	}, BadAttribute},
	{"a VSA length that lies", func(n int, request, _ []byte) []byte {
		return resigned(request, account, avp(26, 0, 0, 0x77, 0xe6, 57, []byte{0, 1, 5, 100, 255}[n%5], 'x'))
	}, BadVendor},
	{"a VSA whose second sub-attribute lies", func(n int, request, _ []byte) []byte {
		return resigned(request, avp(26, 0, 0, 0x77, 0xe6, 11, 2, 57, []byte{0, 1, 4, 77}[n%4], 'x'), account)
	}, BadVendor},
	{"a VSA with an octet too many", func(_ int, request, _ []byte) []byte {
		return resigned(request, account, avp(26, 0, 0, 0x77, 0xe6, 57, 3, 'x', 1))
	}, BadVendor},
	{"a VSA too short for a vendor", func(n int, request, _ []byte) []byte {
		return resigned(request, account, avp(26, make([]byte, n%4)...))
	}, BadVendor},
	{"two User-Names", func(_ int, request, _ []byte) []byte {
		return resigned(request, account, text(UserName, "another"))
	}, Duplicate},
	{"any single-valued attribute twice", func(n int, request, _ []byte) []byte {
		t := []byte{1, 6, 7, 8, 9, 10, 12, 15, 16, 19, 20, 23, 24, 27, 28, 29, 34, 35, 36, 37, 39, 62, 63, 85, 88}[n%25]
		return resigned(request, avp(t, 0, 0, 0, 1), account[:0], avp(t, 0, 0, 0, 1))
	}, Duplicate},
	{"noise", func(n int, _, _ []byte) []byte { return octets(n*37%4097, uint64(n)) }, 0},
	{"noise after a right header", func(n int, request, _ []byte) []byte {
		b := append([]byte{2, request[1], 0, 0}, octets(16+n%500, uint64(n))...)
		binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
		return b
	}, BadAuthenticator},
	{"nothing", func(int, []byte, []byte) []byte { return []byte{} }, BadLength},
}

func octets8() []byte { return avp(ReplyMessage, octets(8, 8)...) }

// Each kind comes in bursts of 50 before the good answer: none is believed, and the
// good one after each burst is, without a retransmission.
func TestForgedAnswersAreRefused(t *testing.T) {
	const bursts, burst = 8, 50
	forged := 0
	for _, kind := range forgers {
		bubble(t, func(t *testing.T, n *network) {
			earlier := good(mustQuery(t, lookup("earlier")).wire, text(UserName, "earlier"))
			count := 0
			n.server("s:1", func(_ int, w *wire, request []byte) {
				for range burst {
					b := kind.forge(count, request, earlier)
					if q := (&query{code: AccessRequest, id: request[1], secret: []byte(secret), auth: [16]byte(request[4:20]), vendors: []uint32{FaxBack}}); kind.why != 0 {
						if _, why := q.answer(b, time.Now()); why != kind.why {
							t.Errorf("%s %d: refused for %v, want %v", kind.name, count, why, kind.why)
						}
					}
					w.inject(b)
					count++
				}
				w.inject(good(request, account, text(ReplyMessage, "genuine")))
			})
			c := n.client(t, Config{}, "s:1")
			for range bursts {
				r, err := c.Exchange(context.Background(), lookup("x"))
				if err != nil {
					t.Fatalf("%s: %v", kind.name, err)
				}
				if message, _ := r.Attributes.Lookup(ReplyMessage); string(message) != "genuine" || !r.Signed || r.Code != AccessAccept {
					t.Fatalf("%s: believed %v", kind.name, r)
				}
			}
			forged += count
			got := c.Counts()[0]
			var refused int64
			for _, n := range got.Refused {
				refused += n
			}
			if refused != bursts*burst || got.Accepted != bursts || got.Retransmitted != 0 {
				t.Errorf("%s: counted %+v, want %d refused and %d accepted", kind.name, got, bursts*burst, bursts)
			}
		})
	}
	t.Logf("%d forged answers of %d kinds, none believed", forged, len(forgers))
	if forged < 10000 {
		t.Errorf("only %d forged answers", forged)
	}
}

// A legacy server's answers may lack the signature; everything else stays as it is.
func TestLegacyRefusesWrongSignatures(t *testing.T) {
	for _, kind := range forgers {
		if kind.why == Unsigned {
			continue // what legacy is for
		}
		bubble(t, func(t *testing.T, n *network) {
			earlier := good(mustQuery(t, lookup("earlier")).wire, text(UserName, "earlier"))
			count := 0
			n.server("s:1", func(_ int, w *wire, request []byte) {
				for range 20 {
					w.inject(kind.forge(count, request, earlier))
					count++
				}
				w.inject(answerTo(request, AccessAccept, text(ReplyMessage, "genuine")).unsigned(request))
			})
			c := n.client(t, Config{Servers: []Server{{Addr: "s:1", Secret: secret, Legacy: true}}})
			r, err := c.Exchange(context.Background(), lookup("x"))
			message, _ := r.Attributes.Lookup(ReplyMessage)
			if err != nil || string(message) != "genuine" || r.Signed {
				t.Errorf("%s: %v, %v", kind.name, r, err)
			}
		})
	}
}

// Octets after the Length are padding (RFC 2865 section 3), also where the datagram
// is longer than any packet.
func TestLegalAnswersAreBelieved(t *testing.T) {
	request := mustQuery(t, lookup("x")).wire
	largest := resigned(request, bytes.Repeat(avp(ReplyMessage, make([]byte, 252)...), 15), avp(ReplyMessage, make([]byte, 4096-38-15*254-2)...))
	if len(largest) != 4096 {
		t.Fatalf("the largest packet has %d octets", len(largest))
	}
	signature := func(code Code, at int, attrs ...[]byte) []byte {
		b := answerTo(request, code, attrs...).unsigned(request)
		sign(b, request, at, secret)
		return b
	}
	for _, tt := range []struct {
		name string
		b    []byte
	}{
		{"an Accept", good(request, account)},
		{"an empty Accept", good(request)},
		{"a Reject", answerTo(request, AccessReject).signed(request)},
		{"a Challenge", answerTo(request, AccessChallenge, text(24, "state")).signed(request)},
		{"zero padding", append(good(request, account), make([]byte, 40)...)},
		{"padding of anything", append(good(request, account), octets(333, 1)...)},
		{"padding that looks like attributes", append(good(request, account), text(ProxyState, "x")...)},
		{"the largest packet", largest},
		{"the signature last", signature(AccessAccept, 31, account, avp(80, make([]byte, 16)...))},
		{"empty attributes", good(request, avp(ReplyMessage), avp(ReplyMessage))},
		{"several Reply-Messages and Classes", good(request, text(18, "a"), text(18, "b"), text(25, "a"), text(25, "b"))},
		{"other vendors' layouts", good(request, avp(26, 0, 0, 1, 0xad, 1, 2, 3), account)},
		{"empty and packed sub-attributes", good(request, avp(26, 0, 0, 0x77, 0xe6, 11, 2, 57, 3, 'x', 11, 2))},
	} {
		q := mustQuery(t, lookup("x"))
		copy(q.auth[:], request[4:20])
		if r, why := q.answer(tt.b, time.Now()); why != 0 || !r.Signed {
			t.Errorf("%s: refused: %v", tt.name, why)
		}
	}
	q := mustQuery(t, Request{Code: AccessRequest, Repeats: []byte{UserName}})
	copy(q.auth[:], request[4:20])
	if _, why := q.answer(good(request, account, account), time.Now()); why != 0 {
		t.Errorf("two User-Names where they may be: refused: %v", why)
	}
}

func TestAccountingAnswers(t *testing.T) {
	start := Request{Code: AccountingRequest, Attributes: Attributes{{AcctStatusType, []byte{0, 0, 0, 1}}}}
	q := mustQuery(t, start)
	for _, tt := range []struct {
		name string
		b    []byte
		why  Refusal
	}{
		{"without signature", answerTo(q.wire, AccountingResponse).unsigned(q.wire), 0},
		{"with a right one", answerTo(q.wire, AccountingResponse).signed(q.wire), 0},
		{"with a wrong one", answerTo(q.wire, AccountingResponse, avp(80, make([]byte, 16)...)).unsigned(q.wire), BadSignature},
		{"an Accept", answerTo(q.wire, AccessAccept).signed(q.wire), BadCode},
		{"a Proxy-State", answerTo(q.wire, AccountingResponse, avp(ProxyState)).unsigned(q.wire), HasProxyState},
		{"another secret", answerPart{code: 5, id: q.id, secret: "x"}.unsigned(q.wire), BadAuthenticator},
	} {
		if _, why := q.answer(tt.b, time.Now()); why != tt.why {
			t.Errorf("%s: %v, want %v", tt.name, why, tt.why)
		}
	}
}

// A flood ends no exchange: what comes too fast is not looked at, and the good answer
// to a retransmission is believed.
func TestFloodEndsNoExchange(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		f := n.server("s:1", func(count int, w *wire, request []byte) {
			if count == 1 {
				b := good(request, account)
				b[4] ^= 1
				for range 20000 {
					w.inject(b)
				}
			}
			w.inject(good(request, account))
		})
		c := n.client(t, Config{}, "s:1")
		if _, err := c.Exchange(context.Background(), lookup("x")); err != nil {
			t.Fatal(err)
		}
		got := c.Counts()[0]
		if got.Refused[BadAuthenticator] != maxForgeries || got.Refused[Flood] < 20000-maxForgeries || len(f.times()) != 2 {
			t.Errorf("%+v after transmissions at %v", got, f.times())
		}
	})
}

func FuzzAnswer(f *testing.F) {
	request := mustQuery(f, lookup("x")).wire
	f.Add(good(request, account), true)
	f.Add(good(request, avp(26, 0, 0, 0x77, 0xe6, 11, 2, 57, 3, 'x', 11, 2)), true)
	f.Add(resigned(request, avp(26, 0, 0, 0x77, 0xe6, 11, 1)), true)
	f.Add(answerTo(request, AccessReject, avp(ProxyState)).unsigned(request), false)
	f.Add([]byte{2, 7, 0, 20}, false)
	f.Fuzz(func(t *testing.T, b []byte, sealed bool) {
		q := mustQuery(t, lookup("x"))
		copy(q.auth[:], request[4:20])
		b = bytes.Clone(b)
		if sealed && len(b) >= 38 && len(b) <= MaxPacket && b[20] == 80 && b[21] == 18 {
			// A server that knows the secret may send anything.
			binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
			sign(b, request, 22, secret)
		}
		r, why := q.answer(b, time.Now())
		if why != 0 {
			return
		}
		if !r.Signed || r.Attributes.count(ProxyState)+r.Attributes.count(MessageAuthenticator) != 0 {
			t.Errorf("believed %+v", r)
		}
		if _, err := Walk(r.Attributes, FaxBack); err != nil {
			t.Errorf("believed with %v", err)
		}
	})
}
