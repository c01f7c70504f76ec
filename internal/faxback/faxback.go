// Package faxback asks a FaxBack RADIUS directory ("Port Server RADIUS Support" 1.0):
// which account a device has, its numbers, whether a fax may be sent, and whether a
// number is called ahead of a fax. Nine commands in five contexts make fifteen pairs,
// each with a request type and a method of Directory.
//
// Attribute numbers come from a dictionary file alone. An attribute without one is
// neither sent nor read, and Reply.NotNumbered tells of it. What an answer leaves out
// has the default that FaxBack's server assumes.
//
// The package opens no socket and starts no goroutine: the exchange is an Asker's,
// such as internal/aaa's client.
package faxback

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tipring/internal/aaa"
)

// An Asker carries a request to the servers.
type Asker interface {
	Exchange(context.Context, aaa.Request) (aaa.Response, error)
}

// How an answer may be no plain yes. With ErrUnknownFlag and ErrDisabled the answer
// that a method returns is complete all the same.
var (
	ErrRejected    = errors.New("rejected")                                      // Access-Reject: unknown, or not allowed
	ErrEmpty       = errors.New("empty Accept")                                  // Access-Accept without what was asked for
	ErrUnknownFlag = errors.New("a value that is not known")                     // *FlagError
	ErrDisabled    = errors.New("known, but switched off")                       // a flag is explicitly 0
	ErrMalformed   = errors.New("malformed answer")                              // lengths that lie, doubled integers, bounds
	ErrNotNumbered = errors.New("the dictionary has no number for an attribute") // of a request
)

// A Directory asks for accounts and numbers. Its fields are not changed while it is in
// use; its methods may be called at once from several goroutines.
type Directory struct {
	Asker      Asker
	Dictionary *Dictionary

	FaxATAType uint32 // FB-Fax-ATA-Type of lookups by MAC and serial; only 0 has been seen

	// ShortNames holds account names in requests to 16 octets, the bound of a server
	// whose UUID mode is off, instead of 64 characters.
	ShortNames bool

	// UUIDs is the form in which a request carries an account's UUID. Answers are read
	// in every form.
	UUIDs UUIDForm

	// Budget is the time for all servers together, of questions inside a call; 0: as
	// the client is configured.
	Budget time.Duration
}

// Ask sends a request and returns the decoded answer. Its error is one of a bad request
// (*BoundError, ErrNotNumbered), of the exchange, ErrRejected, or ErrMalformed; with the
// last two the Reply is what came. What an answer lacks is told by the methods that know
// what they asked for.
func (d *Directory) Ask(ctx context.Context, r Request) (Reply, error) {
	q := r.question(d)
	reply := Reply{NotNumbered: d.Dictionary.missing(q.pair.answer), pair: q.pair}
	attributes, err := q.encode(d.Dictionary)
	if err != nil {
		return reply, fmt.Errorf("%v: %w", q.pair, err)
	}
	sent := aaa.Request{Code: aaa.AccessRequest, Attributes: attributes, Budget: d.Budget}
	if q.pair.repeats {
		sent.Repeats = []byte{aaa.UserName}
	}
	answer, err := d.Asker.Exchange(ctx, sent)
	if err != nil {
		return reply, fmt.Errorf("%v: %w", q.pair, err)
	}
	reply.Answered, reply.Code, reply.Server = true, answer.Code, answer.Server
	reply.Secure, reply.Signed, reply.Stored, reply.At = answer.Secure, answer.Signed, answer.Stored, answer.At
	reply.Values, err = decode(d.Dictionary, answer.Attributes, q.pair)
	switch {
	case answer.Code == aaa.AccessReject: // final, however badly it says why
		err = rejection(reply)
	case answer.Code != aaa.AccessAccept:
		err = fmt.Errorf("%w: %v, which this program cannot take further", ErrMalformed, answer.Code)
	}
	if err != nil {
		return reply, fmt.Errorf("%v at %s: %w", q.pair, answer.Server, err)
	}
	return reply, nil
}

// rejection repeats what the server says about it.
func rejection(r Reply) error {
	if text := r.text("Reply-Message"); text != "" {
		return fmt.Errorf("%w: %q", ErrRejected, text)
	}
	return ErrRejected
}
