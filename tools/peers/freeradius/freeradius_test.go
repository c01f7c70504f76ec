package freeradius

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"tipring/internal/aaa"
	"tipring/tools/peers/netlab"
)

func TestMain(m *testing.M) { netlab.Main(nil, m.Run) }

const users = `
00908F1D37F0	FB-Command == Get-Account-From-MAC-Address, FB-Context == For-External-Module, Auth-Type := Accept
	User-Name := "account",
	FB-Queue-Profile := "<QPXml />",
	FB-Provisioning-Arg := "http://conf.example/a.ini"

5551231234	FB-Command == Get-DID, FB-Context == For-External-Module, Auth-Type := Accept
	User-Name := "account",
	FB-CDR-Info := "a customer",
	FB-Snd-ANI := "5551119999"

account	Cleartext-Password := "geheim"
	FB-Account-Type := Queue-Private-Send-Receive

empty	Auth-Type := Accept
`

// A lab is a server, and a host whose client asks it.
type lab struct {
	*Server
	t      *testing.T
	device *netlab.Host
	log    bytes.Buffer
}

func newLab(t *testing.T, o Options) *lab {
	lan := netlab.New(t)
	o.Users = users
	return &lab{Server: Start(t, lan.Host("radius", 1), o), t: t, device: lan.Host("device", 2)}
}

func (l *lab) client(server aaa.Server, cfg aaa.Config) *aaa.Client {
	l.t.Helper()
	if cfg.Servers == nil {
		cfg.Servers = []aaa.Server{server}
	}
	cfg.Log = slog.New(slog.NewTextHandler(&l.log, nil))
	cfg.Dial = func(ctx context.Context, network, addr string) (c net.Conn, err error) {
		err = l.device.Do(func() error {
			c, err = (&net.Dialer{}).DialContext(ctx, network, addr)
			return err
		})
		return c, err
	}
	c, err := aaa.New(cfg)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = c.Close() })
	return c
}

func (l *lab) server() aaa.Server { return aaa.Server{Addr: l.Auth.String(), Secret: Secret} }

func ask(command, context byte, name string) aaa.Request {
	return aaa.Request{Code: aaa.AccessRequest, Attributes: aaa.Attributes{
		aaa.VSA(aaa.FaxBack, aaa.SubAttribute{Type: 1, Value: []byte{0, 0, 0, command}}, aaa.SubAttribute{Type: 2, Value: []byte{0, 0, 0, context}}),
		{Type: aaa.UserName, Value: []byte(name)},
	}}
}

func byMAC() aaa.Request { return ask(7, 5, "00908F1D37F0") }

// Goal 21: a server that requires signed requests and signs its answers.
func TestSigned(t *testing.T) {
	l := newLab(t, Options{Requires: true, Signs: true})
	c := l.client(l.server(), aaa.Config{})
	accepted := 0
	for range 100 {
		r, err := c.Exchange(context.Background(), byMAC())
		if err != nil {
			t.Fatal(err)
		}
		subs, err := aaa.Walk(r.Attributes, aaa.FaxBack)
		name, _ := r.Attributes.Lookup(aaa.UserName)
		if err == nil && r.Code == aaa.AccessAccept && r.Signed && string(name) == "account" && len(subs) == 2 && string(subs[1].Value) == "http://conf.example/a.ini" {
			accepted++
		}
	}
	if got := c.Counts()[0]; accepted != 100 || got.Sent != 100 || got.Accepted != 100 || len(got.Refused) != 0 {
		t.Errorf("%d of 100 lookups accepted; %+v", accepted, got)
	}

	login := ask(1, 1, "account")
	login.Attributes = append(login.Attributes, aaa.Attribute{Type: aaa.UserPassword, Value: []byte("geheim")})
	wrong := ask(1, 1, "account")
	wrong.Attributes = append(wrong.Attributes, aaa.Attribute{Type: aaa.UserPassword, Value: []byte("falsch")})
	for _, tt := range []struct {
		name string
		r    aaa.Request
		code aaa.Code
		subs string
	}{
		{"a DID", ask(8, 5, "5551231234"), aaa.AccessAccept, `11="a customer" 19="5551119999" `},
		{"a login", login, aaa.AccessAccept, `10="\x00\x00\x00\x04" `},
		{"a wrong password", wrong, aaa.AccessReject, `10="\x00\x00\x00\x04" `},
		{"an empty Accept", ask(8, 3, "empty"), aaa.AccessAccept, ""},
		{"nobody", ask(7, 5, "000000000000"), aaa.AccessReject, ""},
	} {
		r, err := c.Exchange(context.Background(), tt.r)
		subs, _ := aaa.Walk(r.Attributes, aaa.FaxBack)
		var got strings.Builder
		for _, s := range subs {
			fmt.Fprintf(&got, "%d=%q ", s.Type, s.Value)
		}
		if err != nil || r.Code != tt.code || !r.Signed || got.String() != tt.subs {
			t.Errorf("%s: %v %s, %v", tt.name, r.Code, got.String(), err)
		}
	}
}

// A server that does not sign: no answer is believed, and the log names the cure,
// which works. As a legacy server it is believed, which the log calls insecure.
func TestUnsigned(t *testing.T) {
	l := newLab(t, Options{Requires: true})
	c := l.client(l.server(), aaa.Config{Tries: 1})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			r, err := c.Exchange(context.Background(), byMAC())
			if !errors.Is(err, aaa.ErrNoAnswer) || !strings.Contains(err.Error(), "no_message_authenticator") {
				t.Errorf("%v, %v", r, err)
			}
		})
	}
	all.Wait()
	if got := c.Counts()[0]; got.Accepted != 0 || got.Refused[aaa.Unsigned] != 20 {
		t.Errorf("%+v", got)
	}
	for _, want := range []string{"cure=", "update reply { Message-Authenticator := 0x00 }", "post-auth"} {
		if !strings.Contains(l.log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, l.log.String())
		}
	}

	l.log.Reset()
	server := l.server()
	server.Legacy = true
	legacy := l.client(server, aaa.Config{})
	for range 20 {
		if r, err := legacy.Exchange(context.Background(), byMAC()); err != nil || r.Signed {
			t.Fatalf("%v, %v", r, err)
		}
	}
	if n := strings.Count(l.log.String(), "this is insecure"); n != 1 {
		t.Errorf("the log calls it insecure %d times:\n%s", n, l.log.String())
	}

	l.Restart(func(o *Options) { o.Signs = true })
	if r, err := c.Exchange(context.Background(), byMAC()); err != nil || !r.Signed {
		t.Errorf("after the cure: %v, %v", r, err)
	}
	reject, err := c.Exchange(context.Background(), ask(7, 5, "000000000000"))
	if err != nil || reject.Code != aaa.AccessReject || !reject.Signed {
		t.Errorf("a Reject after the cure: %v, %v", reject, err)
	}
}

// A server that was away is found again: by a Status-Server where it answers them, by
// a request where it does not.
func TestComesBack(t *testing.T) {
	for _, noStatus := range []bool{false, true} {
		l := newLab(t, Options{Requires: true, Signs: true, NoStatus: noStatus})
		first := l.server()
		backup := Start(t, l.device, Options{Requires: true, Signs: true, Users: users})
		second := aaa.Server{Addr: backup.Auth.String(), Secret: Secret}
		c := l.pair(first, second)
		l.Kill()
		answeredBy := func() string {
			r, err := c.Exchange(context.Background(), byMAC())
			if err != nil {
				t.Fatal(err)
			}
			return r.Server
		}
		if by := answeredBy(); by != second.Addr {
			t.Fatalf("%s answered, which is gone", by)
		}
		l.start()
		if !netlab.Until(10*time.Second, func() bool { return answeredBy() == first.Addr }) {
			t.Errorf("status_server off %v: it is not found again: %+v\n%s", noStatus, c.Counts(), l.log.String())
		}
	}
}

func (l *lab) pair(first, second aaa.Server) *aaa.Client {
	l.t.Helper()
	c, err := aaa.New(aaa.Config{
		Servers: []aaa.Server{first, second}, Timeout: 200 * time.Millisecond, Dead: 300 * time.Millisecond,
		Log: slog.New(slog.NewTextHandler(&l.log, nil)),
		Dial: func(ctx context.Context, network, addr string) (c net.Conn, err error) {
			err = l.device.Do(func() error {
				c, err = (&net.Dialer{}).DialContext(ctx, network, addr)
				return err
			})
			return c, err
		},
	})
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestAccounting(t *testing.T) {
	l := newLab(t, Options{Requires: true, Signs: true})
	c := l.client(aaa.Server{Addr: l.Acct.String(), Secret: Secret}, aaa.Config{})
	r, err := c.Exchange(context.Background(), aaa.Request{Code: aaa.AccountingRequest, Attributes: aaa.Attributes{
		{Type: aaa.UserName, Value: []byte("account")},
		{Type: aaa.AcctStatusType, Value: []byte{0, 0, 0, 2}},
		{Type: aaa.AcctSessionID, Value: []byte("03bb96b4af2d41f0")},
		aaa.VSA(aaa.FaxBack, aaa.SubAttribute{Type: 41, Value: []byte{0, 0, 0, 3}}),
	}})
	if err != nil || r.Code != aaa.AccountingResponse {
		t.Fatal(r, err)
	}
	for _, want := range []string{"Acct-Status-Type = Stop", `Acct-Session-Id = "03bb96b4af2d41f0"`, "FB-Page-Count = 3"} {
		if !strings.Contains(l.Accounted(), want) {
			t.Errorf("the record lacks %q:\n%s", want, l.Accounted())
		}
	}
}
