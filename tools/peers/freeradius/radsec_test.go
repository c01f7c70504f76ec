package freeradius

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"tipring/internal/aaa"
	"tipring/tools/peers/certs"
	"tipring/tools/peers/netlab"
)

// A secureLab is a lab whose server speaks RadSec too, and the authorities around it.
type secureLab struct {
	*lab
	ca, other *certs.Authority
}

func newSecureLab(t *testing.T) *secureLab {
	dir := netlab.WorkDir(t)
	l := &secureLab{ca: certs.NewAuthority(t, dir, "ca"), other: certs.NewAuthority(t, dir, "other")}
	pair := l.ca.Server("server", certs.Good, "10.9.0.1")
	l.lab = newLab(t, Options{Requires: true, Signs: true, TLS: &pair})
	return l
}

func (l *secureLab) radsec() aaa.Server { return aaa.Server{Addr: l.Radsec.String(), TLS: true} }

// trusting is a TLS configuration that believes an authority.
func trusting(t *testing.T, a *certs.Authority) *tls.Config {
	t.Helper()
	pem, err := os.ReadFile(a.File)
	roots := x509.NewCertPool()
	if err != nil || !roots.AppendCertsFromPEM(pem) {
		t.Fatal("no authority", err)
	}
	return &tls.Config{RootCAs: roots}
}

// asks has the MAC address looked up, and says what is wrong with the answer.
func asks(t *testing.T, what string, c *aaa.Client, budget time.Duration) {
	t.Helper()
	request := byMAC()
	request.Budget = budget
	r, err := c.Exchange(context.Background(), request)
	if err != nil || !r.Secure || !r.Signed || r.Code != aaa.AccessAccept {
		t.Errorf("%s: %v, %v", what, r, err)
	}
}

// Many questions, one after the other and at once, and a login.
func TestRadsec(t *testing.T) {
	t.Parallel()
	l := newSecureLab(t)
	c := l.client(l.radsec(), aaa.Config{TLS: trusting(t, l.ca)})
	for range 50 {
		asks(t, "in turn", c, 0)
	}
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { asks(t, "at once", c, 0) })
	}
	all.Wait()
	for password, want := range map[string]aaa.Code{"geheim": aaa.AccessAccept, "falsch": aaa.AccessReject} {
		login := ask(1, 1, "account")
		login.Attributes = append(login.Attributes, aaa.Attribute{Type: aaa.UserPassword, Value: []byte(password)})
		if r, err := c.Exchange(context.Background(), login); err != nil || r.Code != want || !r.Signed {
			t.Errorf("%s: %v, %v", password, r, err)
		}
	}
	long := ask(7, 5, "00908F1D37F0")
	for range 14 {
		long.Attributes = append(long.Attributes, aaa.Attribute{Type: aaa.ReplyMessage, Value: []byte(strings.Repeat("x", 253))})
	}
	if r, err := c.Exchange(context.Background(), long); err != nil || r.Code != aaa.AccessAccept {
		t.Errorf("a question of 3.7 KB: %v, %v", r, err)
	}
	if got := c.Counts()[0]; got.Retransmitted != 0 || got.Late != 0 || len(got.Refused) != 0 {
		t.Errorf("%+v", got)
	}
}

// Who is believed, and who believes: certificates of both sides, by both versions of TLS.
func TestRadsecCertificates(t *testing.T) {
	t.Parallel()
	l := newSecureLab(t)
	mine := l.ca.Server("device", certs.Good, "device.example").Load(t)
	foreign := l.other.Server("foreign", certs.Good, "device.example").Load(t)
	server := func(name string, flaw certs.Flaw, by *certs.Authority) *certs.Pair {
		p := by.Server(name, flaw, "10.9.0.1")
		return &p
	}
	for _, tt := range []struct {
		name  string
		tls   *certs.Pair
		wants string // authorities of clients
		shows []tls.Certificate
		err   string
	}{
		{"good", server("good", certs.Good, l.ca), "", nil, ""},
		{"another authority's", server("elsewhere", certs.Good, l.other), "", nil, "unknown authority"},
		{"expired", server("expired", certs.Expired, l.ca), "", nil, "expired"},
		{"not yet valid", server("early", certs.NotYetValid, l.ca), "", nil, "not yet valid"},
		{"another name", server("name", certs.WrongName, l.ca), "", nil, "10.9.0.1"},
		{"self-signed", server("self", certs.SelfSigned, l.ca), "", nil, "unknown authority"},
		{"with the device's", server("both", certs.Good, l.ca), l.ca.File, []tls.Certificate{mine}, ""},
		{"without the device's", server("lacks", certs.Good, l.ca), l.ca.File, nil, "asked for a certificate of this device, which has none for it"},
		{"with another device's", server("foreigner", certs.Good, l.ca), l.ca.File, []tls.Certificate{foreign}, "has none for it"},
	} {
		for _, version := range []string{"1.2", "1.3"} {
			l.Restart(func(o *Options) { o.TLS, o.Clients, o.TLSVersion = tt.tls, tt.wants, version })
			trust := trusting(t, l.ca)
			trust.Certificates = tt.shows
			c := l.client(l.radsec(), aaa.Config{TLS: trust, Tries: 1})
			name := tt.name + " by TLS " + version
			if tt.err == "" {
				asks(t, name, c, 3*time.Second)
			} else if r, err := c.Exchange(context.Background(), byMAC()); !errors.Is(err, aaa.ErrNoAnswer) || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%s: %v, %v", name, r, err)
			}
			_ = c.Close()
		}
	}
}

// A server that does not sign its answers over TLS either is told of at once, and
// believed as a legacy one.
func TestRadsecUnsigned(t *testing.T) {
	t.Parallel()
	l := newSecureLab(t)
	l.Restart(func(o *Options) { o.Signs = false })
	c := l.client(l.radsec(), aaa.Config{TLS: trusting(t, l.ca)})
	began := time.Now()
	r, err := c.Exchange(context.Background(), byMAC())
	if !errors.Is(err, aaa.ErrNoAnswer) || !strings.Contains(err.Error(), "no_message_authenticator") || time.Since(began) > time.Second {
		t.Errorf("%v, %v after %v", r, err, time.Since(began))
	}
	legacy := l.radsec()
	legacy.Legacy = true
	if r, err := l.client(legacy, aaa.Config{TLS: trusting(t, l.ca)}).Exchange(context.Background(), byMAC()); err != nil || !r.Secure || r.Signed {
		t.Errorf("%v, %v", r, err)
	}
}

// What befalls servers and the way to them while a call waits for its 3 s.
func TestRadsecInACall(t *testing.T) {
	t.Parallel()
	l := newSecureLab(t)
	device := netip.MustParseAddr("10.9.0.2")
	const budget = 3 * time.Second
	c := l.client(l.radsec(), aaa.Config{TLS: trusting(t, l.ca)})
	asks(t, "at first", c, budget)

	l.Restart(nil)
	asks(t, "restarted", c, budget)

	// The connection is of before; the server's side of it is gone without a word.
	l.Host.BlackHole(device)
	l.Kill()
	l.Host.Heal()
	l.start()
	asks(t, "after a power cut", c, budget)

	backup := Start(t, l.device, Options{Requires: true, Signs: true, Users: users})
	second := aaa.Server{Addr: backup.Auth.String(), Secret: Secret}
	for _, tt := range []struct {
		name   string
		befall func()
		open   bool // with a connection that is open
		within time.Duration
	}{
		{"nobody listens", func() { l.Host.RefuseTCP(device) }, false, time.Second},
		{"SYNs are lost", func() { l.Host.DropSYN(device) }, false, 2 * time.Second},
		{"connected, then silence", func() { l.Host.AcceptThenSilence(device) }, false, 2 * time.Second},
		{"silence on an open connection", func() { l.Host.BlackHole(device) }, true, 2 * time.Second},
		{"an open connection is reset", func() { l.Host.RefuseTCP(device) }, true, 2 * time.Second},
	} {
		c := l.client(l.radsec(), aaa.Config{TLS: trusting(t, l.ca), Servers: []aaa.Server{l.radsec(), second}})
		if tt.open {
			asks(t, tt.name+": before", c, budget)
		}
		tt.befall()
		got, took, err := inACall(c, budget)
		if err != nil || got.Server != second.Addr || took > tt.within {
			t.Errorf("%s, with a second server: %v, %v after %v", tt.name, got, err, took)
		}
		l.Host.Heal()
		_ = c.Close()
	}
	l.Host.DropSYN(device)
	alone := l.client(l.radsec(), aaa.Config{TLS: trusting(t, l.ca)})
	if got, took, err := inACall(alone, budget); !errors.Is(err, aaa.ErrNoAnswer) || took > budget+200*time.Millisecond {
		t.Errorf("SYNs are lost, and no other server: %v, %v after %v", got, err, took)
	}
}

func inACall(c *aaa.Client, budget time.Duration) (aaa.Response, time.Duration, error) {
	request, began := byMAC(), time.Now()
	request.Budget = budget
	r, err := c.Exchange(context.Background(), request)
	return r, time.Since(began), err
}
