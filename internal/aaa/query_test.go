package aaa

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"strings"
	"testing"
)

func TestAccessRequestIsSignedFirst(t *testing.T) {
	for _, password := range []string{"", "x", "sixteen octets..", "seventeen octets.", strings.Repeat("p", 128)} {
		r := lookup("00908F1D37F0")
		r.Attributes = append(r.Attributes, Attribute{UserPassword, []byte(password)})
		q := mustQuery(t, r)
		if !wellSigned(q.wire, secret) {
			t.Fatalf("password of %d octets: %x: no right Message-Authenticator in front", len(password), q.wire)
		}
		rest := q.wire[38:]
		i := bytes.Index(rest, []byte("00908F1D37F0")) + 12
		hidden := rest[i:]
		if hidden[0] != UserPassword || int(hidden[1]) != len(hidden) {
			t.Fatalf("%x: the User-Password is not last", q.wire)
		}
		if got := reveal(hidden[2:], q.wire[4:20], secret); got != password {
			t.Errorf("User-Password reveals %q, want %q", got, password)
		}
	}
}

// The attributes of faxback.md's request by MAC follow the Message-Authenticator.
func TestAttributesStandInOrder(t *testing.T) {
	r := lookup("00908F1D37F0")
	r.Attributes = append(r.Attributes, VSA(FaxBack, SubAttribute{Type: 66, Value: []byte{0, 0, 0, 0}}))
	want := "1a12000077e6010600000007020600000005010e3030393038463144333746301a0c000077e6420600000000"
	if got := hex.EncodeToString(mustQuery(t, r).wire[38:]); got != want {
		t.Errorf("attributes\n%s, want\n%s", got, want)
	}
}

func TestAccountingRequestAuthenticatesItself(t *testing.T) {
	q := mustQuery(t, Request{Code: AccountingRequest, Attributes: Attributes{{AcctStatusType, []byte{0, 0, 0, 1}}, {AcctSessionID, []byte("s")}}})
	b := bytes.Clone(q.wire)
	clear(b[4:20])
	sum := md5.Sum(append(b, secret...)) // RFC 2866 section 3
	if !bytes.Equal(q.wire[4:20], sum[:]) {
		t.Errorf("authenticator %x, want %x", q.wire[4:20], sum)
	}
	if q.auth != sum {
		t.Error("the answer would be checked against another authenticator")
	}
}

func TestRequestsThatAreNotSent(t *testing.T) {
	name := Attribute{UserName, []byte("a")}
	var many Attributes
	for range 17 {
		many = append(many, Attribute{ReplyMessage, make([]byte, 253)})
	}
	for _, tt := range []struct {
		name string
		r    Request
		want string
	}{
		{"an answer", Request{Code: AccessAccept}, "Access-Accept"},
		{"a probe", Request{Code: StatusServer}, "Status-Server"},
		{"own signature", Request{Code: AccessRequest, Attributes: Attributes{name, {MessageAuthenticator, make([]byte, 16)}}}, "type 80"},
		{"own Proxy-State", Request{Code: AccessRequest, Attributes: Attributes{{ProxyState, []byte("x")}}}, "type 33"},
		{"long value", Request{Code: AccessRequest, Attributes: Attributes{{UserName, make([]byte, 254)}}}, "254 octets"},
		{"long VSA", Request{Code: AccessRequest, Attributes: Attributes{VSA(FaxBack, SubAttribute{Type: 1, Value: make([]byte, 248)})}}, "254 octets"},
		{"VSA without vendor", Request{Code: AccessRequest, Attributes: Attributes{{VendorSpecific, []byte{1}}}}, "too few"},
		{"long password", Request{Code: AccessRequest, Attributes: Attributes{{UserPassword, make([]byte, 129)}}}, "User-Password"},
		{"password in accounting", Request{Code: AccountingRequest, Attributes: Attributes{{UserPassword, []byte("x")}}}, "User-Password"},
		{"more than 4096 octets", Request{Code: AccessRequest, Attributes: many}, "too large"},
		{"negative budget", Request{Code: AccessRequest, Budget: -1}, "budget"},
	} {
		err := tt.r.check()
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want an error with %q", tt.name, err, tt.want)
		}
	}
	largest := VSA(FaxBack, SubAttribute{Type: 1, Value: make([]byte, MaxVendorSub)})
	if err := (Request{Code: AccessRequest, Attributes: Attributes{name, largest}}).check(); err != nil {
		t.Errorf("a sub-attribute of %d octets: %v", MaxVendorSub, err)
	}
}
