package dns

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"tipring/tools/peers/netlab"
)

func TestMain(m *testing.M) { netlab.Main(nil, m.Run) }

func TestRecords(t *testing.T) {
	lan := netlab.New(t)
	s := Start(t, lan.Host("dns", 53), Records{
		A("a.test", "10.9.0.1"), A("b.test", "10.9.0.2"),
		SRV("_sip._udp.pbx.test", "a.test", 5060, 10), SRV("_sip._udp.pbx.test", "b.test", 5070, 20),
		NAPTR("pbx.test", 10, "SIP+D2U", "_sip._udp.pbx.test"),
	})
	client := lan.Host("client", 10)
	resolver := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (c net.Conn, err error) {
		err = client.Do(func() error { c, err = net.Dial("udp", "10.9.0.53:53"); return err })
		return c, err
	}}
	if addrs, err := resolver.LookupHost(t.Context(), "a.test"); err != nil || strings.Join(addrs, " ") != "10.9.0.1" {
		t.Errorf("a.test is %v, %v", addrs, err)
	}
	_, srv, err := resolver.LookupSRV(t.Context(), "sip", "udp", "pbx.test")
	if err != nil || len(srv) != 2 || srv[0].Target != "a.test." || srv[1].Port != 5070 {
		t.Errorf("SRV records %v, %v", srv, err)
	}
	_, err = resolver.LookupHost(t.Context(), "none.test")
	var none *net.DNSError
	if !errors.As(err, &none) || !none.IsNotFound {
		t.Errorf("none.test: %v, want that it does not exist", err)
	}
	s.Serve(Records{A("none.test", "10.9.0.9")})
	if _, err := resolver.LookupHost(t.Context(), "none.test"); err != nil {
		t.Errorf("after the change: %v", err)
	}
}
