package aaa

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"encoding/binary"
	"testing"
)

// What a server does with octets, written anew here: it shares no code with what is
// tested.

const secret = "testing123"

// avp writes one attribute.
func avp(t byte, value ...byte) []byte { return append([]byte{t, byte(2 + len(value))}, value...) }

func text(t byte, value string) []byte { return avp(t, []byte(value)...) }

// An answerPart says how an answer is made; the zero value is no good answer.
type answerPart struct {
	code   byte
	id     byte
	secret string
	attrs  []byte
}

// answerTo starts a good answer to a request.
func answerTo(request []byte, code Code, attrs ...[]byte) answerPart {
	return answerPart{code: byte(code), id: request[1], secret: secret, attrs: bytes.Join(attrs, nil)}
}

// unsigned writes the answer without a Message-Authenticator.
func (p answerPart) unsigned(request []byte) []byte {
	b := []byte{p.code, p.id, 0, 0}
	b = append(b, request[4:20]...)
	b = append(b, p.attrs...)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	authenticate(b, request, p.secret)
	return b
}

// signed writes it with one, in front.
func (p answerPart) signed(request []byte) []byte {
	p.attrs = append(avp(80, make([]byte, 16)...), p.attrs...)
	b := p.unsigned(request)
	sign(b, request, 22, p.secret)
	return b
}

// sign computes the Message-Authenticator whose value is at an offset, and then the
// Response Authenticator.
func sign(b, request []byte, at int, secret string) {
	copy(b[4:20], request[4:20])
	clear(b[at : at+16])
	mac := hmac.New(md5.New, []byte(secret))
	mac.Write(b)
	copy(b[at:], mac.Sum(nil))
	authenticate(b, request, secret)
}

// authenticate computes the Response Authenticator over all octets there are.
func authenticate(b, request []byte, secret string) {
	copy(b[4:20], request[4:20])
	sum := md5.Sum(append(bytes.Clone(b), secret...))
	copy(b[4:20], sum[:])
}

func good(request []byte, attrs ...[]byte) []byte {
	code := AccessAccept
	if Code(request[0]) == AccountingRequest {
		code = AccountingResponse
	}
	return answerTo(request, code, attrs...).signed(request)
}

// wellSigned says whether a request's first attribute is a right Message-Authenticator
// and there is no other.
func wellSigned(request []byte, secret string) bool {
	if len(request) < 38 || request[20] != 80 || request[21] != 18 || int(binary.BigEndian.Uint16(request[2:])) != len(request) {
		return false
	}
	for rest := request[38:]; len(rest) > 0; rest = rest[rest[1]:] {
		if rest[0] == 80 {
			return false
		}
	}
	b := bytes.Clone(request)
	clear(b[22:38])
	mac := hmac.New(md5.New, []byte(secret))
	mac.Write(b)
	return hmac.Equal(mac.Sum(nil), request[22:38])
}

// reveal undoes the hiding of a User-Password (RFC 2865 section 5.2).
func reveal(hidden, authenticator []byte, secret string) string {
	var clear []byte
	last := authenticator
	for ; len(hidden) > 0; hidden = hidden[16:] {
		pad := md5.Sum(append([]byte(secret), last...))
		for i := range pad {
			clear = append(clear, hidden[i]^pad[i])
		}
		last = hidden[:16]
	}
	return string(bytes.TrimRight(clear, "\x00"))
}

func lookup(name string) Request {
	return Request{Code: AccessRequest, Attributes: Attributes{
		VSA(FaxBack, SubAttribute{Type: 1, Value: []byte{0, 0, 0, 7}}, SubAttribute{Type: 2, Value: []byte{0, 0, 0, 5}}),
		{UserName, []byte(name)},
	}}
}

func mustQuery(t testing.TB, r Request) *query {
	t.Helper()
	q, err := newQuery(r, 7, []byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	q.vendors = []uint32{FaxBack}
	return q
}
