package cli

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"

	"tipring/internal/config"
	"tipring/internal/faxback"
)

var radiusCommand = command{
	name:    "radius",
	args:    "account (--mac M or --serial S) | call-ahead NUMBER | dids ACCOUNT | did NUMBER | login",
	summary: "ask the RADIUS servers of the configuration, without an agent",
	nargs:   2, fewer: true,
	flags: (*call).radiusFlags,
	run:   (*call).radius,
}

func (c *call) radiusFlags(set *flag.FlagSet) {
	set.StringVar(&c.mac, "mac", "", "account: MAC `ADDRESS` of the device")
	set.StringVar(&c.serial, "serial", "", "account: serial `NUMBER` of the device")
	set.BoolVar(&c.json, "json", false, "print the answer as JSON")
}

// A lookup is one question of tipring radius.
type lookup func(context.Context, *faxback.Directory, config.Radius) finding

// A finding is what became of it. says is the answer in a sentence, empty without one.
type finding struct {
	reply faxback.Reply
	says  string
	err   error
}

func (c *call) radius() error {
	ask, err := c.lookup()
	if err != nil {
		return usageError{err.Error()}
	}
	cfg, err := c.load()
	if err != nil {
		return err
	}
	directory, done, err := c.directory(cfg)
	if err != nil {
		return err
	}
	defer done()
	f := ask(context.Background(), directory, cfg.Radius)
	if errors.As(f.err, new(*faxback.BoundError)) && !f.reply.Answered && c.args[0] != "login" {
		return usageError{f.err.Error()}
	}
	if err := c.printFinding(f); err != nil {
		return err
	}
	return f.err
}

// lookup is the question that the arguments name.
func (c *call) lookup() (lookup, error) {
	if len(c.args) == 0 {
		return nil, errors.New("what is to be asked?")
	}
	what, about := c.args[0], ""
	if len(c.args) > 1 {
		about = c.args[1]
	}
	takes, known := map[string]bool{"account": false, "login": false, "call-ahead": true, "dids": true, "did": true}[what]
	switch {
	case !known:
		return nil, fmt.Errorf("there is no %q to ask for", what)
	case takes && about == "":
		return nil, errors.New(what + " of what?")
	case !takes && len(c.args) > 1:
		return nil, fmt.Errorf("what is %q for?", about)
	case what == "account" && (c.mac == "") == (c.serial == ""):
		return nil, errors.New("account: --mac or --serial is wanted")
	case what != "account" && c.mac+c.serial != "":
		return nil, errors.New("--mac and --serial go with account")
	}
	switch what {
	case "account":
		return c.askAccount, nil
	case "login":
		return c.askLogin, nil
	case "call-ahead":
		return askCallAhead(about), nil
	case "dids":
		return askDIDs(about), nil
	}
	return askDID(about), nil
}

func (c *call) askAccount(ctx context.Context, d *faxback.Directory, _ config.Radius) finding {
	ask, key := d.AccountByMAC, c.mac
	if c.serial != "" {
		ask, key = d.AccountBySerial, c.serial
	}
	a, err := ask(ctx, key)
	f := finding{reply: a.Reply, err: err}
	if a.Name != "" {
		f.says = "account " + a.Name
	}
	return f
}

func askCallAhead(number string) lookup {
	return func(ctx context.Context, d *faxback.Directory, _ config.Radius) finding {
		a, err := d.CallAhead(ctx, number, newSession())
		f := finding{reply: a.Reply, err: err, says: "the number is called before a fax is taken for it"}
		switch {
		case !a.Wanted():
			f.says = "a fax is taken at once"
		case err == nil && !a.Said:
			f.says += ", because the answer does not say"
			f.err = fmt.Errorf("%w: without FB-Call-Ahead-Mode", faxback.ErrEmpty)
		}
		return f
	}
}

func askDIDs(account string) lookup {
	return func(ctx context.Context, d *faxback.Directory, _ config.Radius) finding {
		reply, err := d.Ask(ctx, faxback.DIDsRequest{Account: account})
		f := finding{reply: reply, err: err}
		switch n := len(reply.DIDs()); {
		case err != nil:
		case n == 0:
			f.err = fmt.Errorf("%w: without FB-DID", faxback.ErrEmpty)
		default:
			f.says = count(n, "number")
		}
		return f
	}
}

func askDID(number string) lookup {
	return func(ctx context.Context, d *faxback.Directory, _ config.Radius) finding {
		a, err := d.DID(ctx, number)
		f := finding{reply: a.Reply, err: err}
		switch {
		case err != nil && !errors.Is(err, faxback.ErrUnknownFlag):
		case !a.Found():
			f.err = fmt.Errorf("%w: nothing is known of this number", faxback.ErrEmpty)
		default:
			f.says = "account " + dash(a.Account)
			if a.Line != faxback.Unsaid {
				f.says += fmt.Sprintf(", line %d", a.Line)
			}
		}
		return f
	}
}

// askLogin is a login with the account of the configuration.
func (c *call) askLogin(ctx context.Context, d *faxback.Directory, r config.Radius) finding {
	if r.Account == "" {
		return finding{err: errors.New("login: [radius] has no account")}
	}
	machine, _ := os.Hostname()
	a, err := d.Login(ctx, faxback.LoginRequest{Account: r.Account, Password: r.Password, ClientInfo: faxback.ClientInfo(c.hooks.Version, machine)})
	f := finding{reply: a.Reply, err: err}
	if err == nil {
		f.says = "account " + r.Account + " may log in"
	}
	return f
}

// newSession is an Acct-Session-Id for a single question: 32 hex digits.
func newSession() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// load reads the configuration that an agent would start with.
func (c *call) load() (*config.Config, error) {
	layers, err := c.files.Layers()
	if err != nil {
		return nil, err
	}
	return config.Load(layers, c.hooks.Checks)
}

// directory makes what is asked, and what ends it.
func (c *call) directory(cfg *config.Config) (*faxback.Directory, func(), error) {
	if len(cfg.Radius.Servers) == 0 {
		return nil, nil, errors.New("[radius] has no servers")
	}
	dictionary, err := readDictionary(cfg.Radius)
	if err != nil {
		return nil, nil, err
	}
	log := slog.New(slog.NewTextHandler(c.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	client, err := c.hooks.Radius(cfg, log)
	if err != nil {
		return nil, nil, err
	}
	return &faxback.Directory{Asker: client, Dictionary: dictionary, FaxATAType: uint32(cfg.Radius.FaxATAType)}, func() { _ = client.Close() }, nil
}

func readDictionary(r config.Radius) (*faxback.Dictionary, error) {
	if r.Dictionary == "" {
		return faxback.Default(), nil
	}
	file, err := config.OpenRegular(r.Dictionary)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, faxback.MaxDictionary+1))
	if err != nil {
		return nil, err
	}
	return faxback.ParseDictionary(r.Dictionary, text)
}
