package finding

import (
	"context"
	"strings"
	"testing"
	"time"

	"tipring/internal/config"
	"tipring/provisioning/pnp"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/tshark"
	"tipring/tools/peers/wire"
)

const url = "https://prov.test/{mac}.cfg"

func ask(t *testing.T, host *netlab.Host) (o pnp.Offer, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	err = host.Do(func() (err error) {
		o, err = pnp.Ask(ctx, pnp.Config{MAC: config.MAC{0, 0xa8, 0x59, 1, 2, 3}, Vendor: "tipring", Model: "ATA", Version: "1.0", Interface: "eth0"})
		return err
	})
	return o, err
}

// sipp at the multicast group gives the URL; nothing that we sent is malformed, and the
// question does not leave the network.
func TestPnP(t *testing.T) {
	for _, tt := range []struct{ scenario, status string }{
		{"serve", "200 OK"}, {"serve", "202 Accepted"}, {"early", ""},
	} {
		t.Run(tt.scenario+tt.status, func(t *testing.T) {
			lan := netlab.New(t)
			device := lan.Host("device", 59)
			server := ServePnP(t, lan.Host("pnp", 1), tt.scenario, tt.status, url)
			capture := tshark.Of(t, wire.Listen(t, lan, netlab.WorkDir(t)))
			o, err := ask(t, device)
			if err != nil || o.URL != url || o.Server != "10.9.0.1" || o.Refused != 0 {
				t.Fatalf("got %+v, %v", o, err)
			}
			server.Passed(5 * time.Second)
			if bad := capture.Malformed("10.9.0.59"); len(bad) > 0 {
				t.Errorf("malformed: %q", bad)
			}
			rows := capture.Fields("sip.Method == SUBSCRIBE", "ip.dst", "udp.dstport", "ip.ttl", "sip.Request-Line", "sip.Event")
			if want := `224.0.1.75 5060 1 SUBSCRIBE sip:MAC%3a00a859010203@224.0.1.75 SIP/2.0 ua-profile;profile-type="device";vendor="tipring";model="ATA";version="1.0"`; len(rows) == 0 || strings.Join(rows[0], " ") != want {
				t.Errorf("asked %q, want %q", rows, want)
			}
		})
	}
}

// Another host that sends a NOTIFY while the server has the subscription gets a 481.
func TestPnPIntruder(t *testing.T) {
	lan := netlab.New(t)
	device := lan.Host("device", 59)
	intruder := ServePnP(t, lan.Host("intruder", 66), "intrude", "", "http://evil.test/")
	server := ServePnP(t, lan.Host("pnp", 1), "serve", "200 OK", url)
	o, err := ask(t, device)
	if err != nil || o.URL != url || o.Server != "10.9.0.1" || o.Refused != 1 {
		t.Errorf("got %+v, %v", o, err)
	}
	server.Passed(5 * time.Second)
	intruder.Passed(5 * time.Second)
}

// A server that refuses, and one that names something else than a configuration.
func TestPnPWithoutURL(t *testing.T) {
	for _, tt := range []struct {
		status, url, want string
		refused           int
	}{
		{"404 Not Found", url, `nobody accepted the subscription (10.9.0.1: 404 "Not Found"; 10.9.0.1: a NOTIFY of no subscription`, 1},
		{"200 OK", "file:///etc/passwd", "10.9.0.1 accepted the subscription and sent no URL (10.9.0.1: a NOTIFY with \"file:///etc/passwd\", which is not used: ", 0},
	} {
		lan := netlab.New(t)
		device := lan.Host("device", 59)
		ServePnP(t, lan.Host("pnp", 1), "serve", tt.status, tt.url)
		o, err := ask(t, device)
		if err == nil || o.URL != "" || !strings.Contains(err.Error(), tt.want) || o.Refused < tt.refused {
			t.Errorf("%s: got %+v, %v; want %s", tt.status, o, err, tt.want)
		}
	}
}

// Nobody answers: 5 s.
func TestPnPNobody(t *testing.T) {
	lan := netlab.New(t)
	begun := time.Now()
	_, err := ask(t, lan.Host("device", 59))
	if took := time.Since(begun); err == nil || !strings.HasSuffix(err.Error(), "nobody answered") || took < 4900*time.Millisecond || took > 9*time.Second {
		t.Errorf("after %v: %v", took, err)
	}
}
