package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"tipring/agent/fax/provider"
	"tipring/internal/aaa"
	"tipring/internal/aaa/journal"
	"tipring/internal/config"
	"tipring/internal/faxback"
)

// An accounting is the device's accounts of its faxes, on their way to the accounting servers.
type accounting struct {
	journal *journal.Journal // nil: the disk takes nothing

	mu     sync.Mutex
	made   config.Radius // what client was made of, with files
	files  content
	client *aaa.Client
}

// accountingDir is where it is kept, in the state directory.
const accountingDir = "accounting"

// openAccounting opens what no server has acknowledged yet.
func (a *Agent) openAccounting() {
	var err error
	if a.accounts.journal, err = journal.Open(journal.Config{Dir: filepath.Join(a.dir, accountingDir), Exchange: a.account1, Log: a.log}); err != nil {
		a.log.Error("no accounts are kept", "err", err)
	}
}

// runAccounting gets accounts to the servers until the agent ends.
func (a *Agent) runAccounting() {
	if j := a.accounts.journal; j != nil {
		a.goWork(func() { j.Run(a.ctx) })
	}
}

var errNoAccounting = errors.New("[radius] has no acct_servers")

// account1 sends one Accounting-Request to the servers as they are configured now.
func (a *Agent) account1(ctx context.Context, r aaa.Request) (aaa.Response, error) {
	client, err := a.accountingClient()
	if err != nil {
		return aaa.Response{}, err
	}
	return client.Exchange(ctx, r)
}

// accountingClient is that of the accounting servers.
func (a *Agent) accountingClient() (*aaa.Client, error) {
	c := a.config()
	if len(c.Radius.AcctServers) == 0 {
		return nil, errNoAccounting
	}
	k := &a.accounts
	k.mu.Lock()
	defer k.mu.Unlock()
	files := *a.radius.named.Load()
	if k.client != nil && reflect.DeepEqual(k.made, c.Radius) && k.files == files {
		return k.client, nil
	}
	dict, err := dictionary(c.Radius.Dictionary)
	if err != nil {
		return nil, err
	}
	client, err := NewAccounting(c, dict, a.clock.Now, aaa.Config{Log: a.log})
	if err != nil {
		return nil, err
	}
	if old := k.client; old != nil {
		a.goWork(func() { a.outlive(old) })
	}
	k.client, k.made, k.files = client, c.Radius, files
	return client, nil
}

// closeAccounting ends the client; what waits is sent by the next start.
func (a *Agent) closeAccounting() {
	a.accounts.mu.Lock()
	defer a.accounts.mu.Unlock()
	if a.accounts.client != nil {
		a.closed(a.accounts.client.Close())
	}
}

// closeJournal waits until all that is to be told of faxes is on the disk.
func (a *Agent) closeJournal() {
	if a.accounts.journal != nil {
		a.accounts.journal.Close()
	}
}

// newClerk makes who asks the provider about faxes and keeps its account of them.
func (a *Agent) newClerk() *provider.Clerk {
	return provider.New(provider.Config{
		Directory: func() *faxback.Directory {
			d, _, err := a.servers()
			if err != nil {
				a.log.Warn("the provider is not asked about faxes", "err", err)
			}
			return d
		},
		Account: a.account,
		Called: func(line int) string {
			if l := a.config().Line(line); l != nil {
				return l.Username
			}
			return ""
		},
		Profile: func() (faxback.QueueProfile, bool) {
			if p := a.keeper.Status().Profile; p != nil {
				return *p, true
			}
			return faxback.QueueProfile{}, false
		},
		Journal: func() (provider.Journal, *faxback.Dictionary) {
			c := a.config()
			dict, err := dictionary(c.Radius.Dictionary)
			if a.accounts.journal == nil || len(c.Radius.AcctServers) == 0 || err != nil {
				return nil, nil
			}
			return a.accounts.journal, dict
		},
		Ahead:  a.accountAhead,
		Budget: func() time.Duration { return time.Duration(a.config().Radius.CallBudgetMS) * time.Millisecond },
		Device: func() string {
			n := a.names()
			return fmt.Sprintf("tipring %s", cmp.Or(string(n.MAC), string(n.Serial)))
		},
		Log: a.log, Now: a.clock.Now,
	})
}

// account is who is billed: the configured one, or what RADIUS has told of this device.
func (a *Agent) account() string {
	return cmp.Or(a.config().Radius.Account, a.keeper.Status().Account)
}

// accountAhead is the call-ahead mode that makes it needless to ask for each number: the port's
// own, or, for a port that does not say, the account's.
func (a *Agent) accountAhead(port int) *uint32 {
	c := a.config()
	if p := c.Port(port); p != nil && p.CallAhead != "dynamic" {
		mode := map[string]uint32{"never": 0, "always": 2}[p.CallAhead]
		return &mode
	}
	if source, _, ok := c.Source(fmt.Sprintf("port%d", port), "call_ahead"); ok && source != "built-in" {
		return nil
	}
	if mode := a.login.ahead.Load(); mode != nil && *mode != 1 {
		return mode
	}
	return nil
}

// A login is what the provider said when the device logged in.
type login struct {
	ahead atomic.Pointer[uint32] // nil: it did not say

	mu   sync.Mutex
	who  [2]string // account and password that were logged in, or are being
	stop context.CancelFunc
}

// The waits between logins that nobody answers.
const (
	loginWait    = time.Minute
	loginMaxWait = time.Hour
)

// logIn tells the provider that the device is there, and learns the account's call-ahead mode
// (Account-Login), when [radius] has an account that is not logged in yet.
func (a *Agent) logIn() {
	r := a.config().Radius
	who := [2]string{r.Account, r.Password}
	l := &a.login
	l.mu.Lock()
	defer l.mu.Unlock()
	if who == l.who {
		return
	}
	if l.stop != nil {
		l.stop()
		l.stop = nil
	}
	l.who = who
	l.ahead.Store(nil)
	if r.Account == "" || len(r.Servers) == 0 {
		return
	}
	var ctx context.Context
	ctx, l.stop = context.WithCancel(a.ctx)
	a.goWork(func() {
		a.keepLoggingIn(ctx, faxback.LoginRequest{Account: r.Account, Password: r.Password, ClientInfo: a.clientInfo()})
	})
}

func (a *Agent) clientInfo() string { return faxback.ClientInfo(a.opts.Version, string(a.names().MAC)) }

// keepLoggingIn asks until a server answers.
func (a *Agent) keepLoggingIn(ctx context.Context, r faxback.LoginRequest) {
	for wait := loginWait; ; wait = min(2*wait, loginMaxWait) {
		if a.tryLogin(ctx, r) {
			return
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// tryLogin asks once, and reports that it need not be asked again.
func (a *Agent) tryLogin(ctx context.Context, r faxback.LoginRequest) bool {
	d, _, err := a.servers()
	if d == nil || err != nil {
		return err == nil // without servers there is nobody to ask
	}
	got, err := d.Login(ctx, r)
	switch {
	case ctx.Err() != nil:
		return true
	case errors.Is(err, faxback.ErrRejected):
		a.log.Error("the provider does not know this account, or not this password", "account", r.Account, "err", err)
		return true
	case err != nil && !errors.Is(err, faxback.ErrUnknownFlag):
		a.log.Warn("not logged in at the provider", "account", r.Account, "err", err)
		return false
	}
	a.log.Info("logged in at the provider", "account", r.Account, "type", got.Type, "call_ahead", got.CallAhead)
	a.login.ahead.Store(&got.CallAhead)
	return true
}
