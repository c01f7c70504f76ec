package aaa

import (
	"crypto/hmac"
	"crypto/md5" // RFC 2865 and RFC 3579 know no other
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"layeh.com/radius"
)

// A query is a Request as one server gets it: with its identifier, authenticator and
// hidden password. Retransmissions are the same octets.
type query struct {
	code      Code
	id        byte
	secret    []byte
	auth      [16]byte // the request's authenticator
	wire      []byte
	legacy    bool     // an answer without Message-Authenticator is believed
	probe     bool     // Status-Server: only whether an answer comes matters
	repeats   []byte   // single-valued attributes that may come several times
	vendors   []uint32 // whose Vendor-Specific attributes must be well formed
	forgeries int      // wrong hashes found since window
	window    time.Time
}

// Where a signed request's Message-Authenticator is: the value of the first attribute.
const (
	header         = 20
	signatureStart = header + 2
	signatureEnd   = signatureStart + md5.Size
)

// signed says whether a request of that code carries a Message-Authenticator, and
// wants one in its answer. An Accounting-Request authenticates itself, and its
// answer, by its authenticators (RFC 2866 sections 3 and 4.2).
func signed(code Code) bool { return code == AccessRequest || code == StatusServer }

func newQuery(r Request, id byte, secret []byte) (*query, error) {
	q := &query{code: r.Code, id: id, secret: secret, probe: r.Code == StatusServer, repeats: r.Repeats}
	if _, err := rand.Read(q.auth[:]); err != nil {
		return nil, err
	}
	p := radius.Packet{Code: radius.Code(r.Code), Identifier: id, Authenticator: q.auth, Secret: secret}
	if signed(r.Code) {
		p.Add(MessageAuthenticator, make([]byte, md5.Size))
	}
	for _, a := range r.Attributes {
		value := radius.Attribute(a.Value)
		if a.Type == UserPassword {
			hidden, err := radius.NewUserPassword(a.Value, secret, q.auth[:])
			if err != nil {
				return nil, fmt.Errorf("User-Password: %w", err)
			}
			value = hidden
		}
		p.Add(radius.Type(a.Type), value)
	}
	wire, err := p.Encode()
	if err != nil {
		return nil, err
	}
	q.wire = wire
	copy(q.auth[:], wire[4:header])
	if signed(r.Code) {
		mac := hmac.New(md5.New, secret)
		mac.Write(wire)
		mac.Sum(wire[signatureStart:signatureStart:signatureEnd])
	}
	return q, nil
}

// check tells what is wrong with a request before any server is asked.
func (r Request) check() error {
	if r.Code != AccessRequest && r.Code != AccountingRequest {
		return fmt.Errorf("%v: not a request that is asked", r.Code)
	}
	for i, a := range r.Attributes {
		switch {
		case a.Type == MessageAuthenticator || a.Type == ProxyState:
			return fmt.Errorf("%v: attribute %d: type %d is not the caller's to set", r.Code, i+1, a.Type)
		case a.Type == UserPassword && r.Code != AccessRequest:
			return fmt.Errorf("%v: attribute %d: a User-Password", r.Code, i+1)
		case len(a.Value) > MaxValue:
			return fmt.Errorf("%v: attribute %d: type %d of %d octets: at most %d", r.Code, i+1, a.Type, len(a.Value), MaxValue)
		}
	}
	if _, err := Walk(r.Attributes, 0); err != nil {
		return fmt.Errorf("%v: %w", r.Code, err)
	}
	if r.Budget < 0 {
		return errors.New("a budget below zero")
	}
	if _, err := newQuery(r, 0, []byte{0}); err != nil {
		return fmt.Errorf("%v: %w", r.Code, err)
	}
	return nil
}
