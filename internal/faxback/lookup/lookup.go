// Package lookup asks a FaxBack directory one question that a person has, and puts what
// came of it into words, and into JSON: for tipring radius and POST /radius/lookup.
package lookup

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"

	"tipring/internal/faxback"
)

// A Question is what is to be asked: a Command, and what it is asked about.
type Question struct {
	Command string // account, call-ahead, dids, did or login
	MAC     string // account: of the device; or Serial
	Serial  string
	Number  string // call-ahead, did
	Account string // dids
}

// Known tells the commands.
func Known(command string) bool {
	switch command {
	case "account", "call-ahead", "dids", "did", "login":
		return true
	}
	return false
}

// Self is who asks, as a login tells it.
type Self struct{ Account, Password, Version string }

// ErrNoAccount refuses a login on a device whose configuration names no account.
var ErrNoAccount = errors.New("login: [radius] has no account")

// A Finding is what became of a question. Says is the answer in a sentence, empty without
// one.
type Finding struct {
	Reply faxback.Reply
	Says  string
	Err   error
}

// Asked reports whether the question went out at all: a value that cannot be sent is the
// fault of who gave it.
func (f Finding) Asked() bool {
	return f.Reply.Answered || !errors.As(f.Err, new(*faxback.BoundError))
}

// Ask asks a question, whose Command is known.
func Ask(ctx context.Context, d *faxback.Directory, q Question, self Self) Finding {
	switch q.Command {
	case "account":
		return account(ctx, d, q)
	case "call-ahead":
		return callAhead(ctx, d, q.Number)
	case "dids":
		return dids(ctx, d, q.Account)
	case "did":
		return did(ctx, d, q.Number)
	}
	return login(ctx, d, self)
}

func account(ctx context.Context, d *faxback.Directory, q Question) Finding {
	ask, key := d.AccountByMAC, q.MAC
	if q.Serial != "" {
		ask, key = d.AccountBySerial, q.Serial
	}
	a, err := ask(ctx, key)
	f := Finding{Reply: a.Reply, Err: err}
	if a.Name != "" {
		f.Says = "account " + a.Name
	}
	return f
}

func callAhead(ctx context.Context, d *faxback.Directory, number string) Finding {
	a, err := d.CallAhead(ctx, number, newSession())
	f := Finding{Reply: a.Reply, Err: err, Says: "the number is called before a fax is taken for it"}
	switch {
	case !a.Wanted():
		f.Says = "a fax is taken at once"
	case err == nil && !a.Said:
		f.Says += ", because the answer does not say"
		f.Err = fmt.Errorf("%w: without FB-Call-Ahead-Mode", faxback.ErrEmpty)
	}
	return f
}

func dids(ctx context.Context, d *faxback.Directory, account string) Finding {
	reply, err := d.Ask(ctx, faxback.DIDsRequest{Account: account})
	f := Finding{Reply: reply, Err: err}
	switch n := len(reply.DIDs()); {
	case err != nil:
	case n == 0:
		f.Err = fmt.Errorf("%w: without FB-DID", faxback.ErrEmpty)
	case n == 1:
		f.Says = "1 number"
	default:
		f.Says = fmt.Sprintf("%d numbers", n)
	}
	return f
}

func did(ctx context.Context, d *faxback.Directory, number string) Finding {
	a, err := d.DID(ctx, number)
	f := Finding{Reply: a.Reply, Err: err}
	switch {
	case err != nil && !errors.Is(err, faxback.ErrUnknownFlag):
	case !a.Found():
		f.Err = fmt.Errorf("%w: nothing is known of this number", faxback.ErrEmpty)
	default:
		f.Says = "account " + orDash(a.Account)
		if a.Line != faxback.Unsaid {
			f.Says += fmt.Sprintf(", line %d", a.Line)
		}
	}
	return f
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func login(ctx context.Context, d *faxback.Directory, self Self) Finding {
	if self.Account == "" {
		return Finding{Err: ErrNoAccount}
	}
	machine, _ := os.Hostname()
	a, err := d.Login(ctx, faxback.LoginRequest{Account: self.Account, Password: self.Password, ClientInfo: faxback.ClientInfo(self.Version, machine)})
	f := Finding{Reply: a.Reply, Err: err}
	if err == nil {
		f.Says = "account " + self.Account + " may log in"
	}
	return f
}

// newSession is an Acct-Session-Id for a single question: 32 hex digits.
func newSession() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// An Answer is a Finding as JSON. Integers are their digits; what may be a secret is
// masked; without an answer code and server are null.
type Answer struct {
	Code        *string     `json:"code"`
	Server      *string     `json:"server"`
	Attributes  []Attribute `json:"attributes"`
	NotNumbered []string    `json:"not_numbered"` // what the dictionary has no number for, and so is never read
}

// An Attribute is one of an answer's.
type Attribute struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Answer is what came.
func (f Finding) Answer() Answer {
	r := f.Reply
	a := Answer{Attributes: []Attribute{}, NotNumbered: append([]string{}, r.NotNumbered...)}
	if r.Answered {
		code := r.Code.String()
		a.Code, a.Server = &code, &r.Server
	}
	for _, v := range r.Values {
		a.Attributes = append(a.Attributes, Attribute{v.Name, v.Text})
	}
	return a
}
