// Package site is where calls are tried: a device with telephones and lines at one kamailio, a
// host for the other ends, and a watch on the switch between them.
package site

import (
	"fmt"
	"net/netip"
	"time"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/certs"
	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/phone"
	"tipring/tools/peers/tshark"
	"tipring/tools/peers/wire"
)

// Patience bounds every wait.
const Patience = 20 * time.Second

// A Site is a device with lines and telephones at one kamailio.
type Site struct {
	T      netlab.T
	Lan    *netlab.Lan
	Host   *netlab.Host // of the device
	Server *netlab.Host
	Far    *netlab.Host // of the numbers that begin with 6
	K      *kamailio.Server
	Watch  *wire.Watch
	Config agent.Ini // settings are made before Run
	Agent  *agent.Agent
	Phones []*phone.Phone // by port, from 1
	TLS    bool
}

// Options say how the device is at the server. All of them have a usual value.
type Options struct {
	Transport string // udp tcp tls
	Port      int    // of the server
	Algorithm string // of digests; empty: everybody is believed
	Relayed   bool   // media through rtpengine
	Codecs    string // of the lines
	Address   string // of the server, if not its IPv4 address
	Lines     int    // each with a telephone: port n is line n, user 100n; 2 unless set

	Kamailio func(*kamailio.Options) // other settings of the server
}

// New makes a site; nothing runs on it yet but the server.
func New(t netlab.T, o Options) *Site {
	t.Helper()
	o = o.filled()
	lan := netlab.New(t)
	s := &Site{
		T: t, Lan: lan, Host: lan.Host("agent", 10), Server: lan.Host("server", 1), Far: lan.Host("far", 20), TLS: o.Transport == "tls",
		Phones: make([]*phone.Phone, o.Lines+1),
	}
	s.Watch = wire.Listen(t, lan, netlab.WorkDir(t))
	ca := certs.NewAuthority(t, netlab.WorkDir(t), "ca")
	pair := ca.Server("server", certs.Good, s.Server.Addr.String(), s.Server.Addr6.String())
	k := kamailio.Options{TLS: &pair, Algorithm: o.Algorithm, Far: netip.AddrPortFrom(s.Far.Addr, 5060)}
	if o.Relayed {
		k.RTPEngine = kamailio.RTPEngine(t, s.Server)
	}
	if o.Kamailio != nil {
		o.Kamailio(&k)
	}
	s.K = kamailio.Start(t, s.Server, k)
	if o.Address == "" {
		o.Address = s.Server.Addr.String()
	}
	s.Config = agent.Base(500).Set("sip", "tls_ca_file", ca.File)
	for n := 1; n <= o.Lines; n++ {
		line, port, user := fmt.Sprintf("sip%d", n), fmt.Sprintf("port%d", n), fmt.Sprintf("100%d", n)
		s.Config.
			Set(line, "username", user).
			Set(line, "auth_password", kamailio.Password(user)).
			Set(line, "register_addr", o.Address).
			Set(line, "register_port", o.Port).
			Set(line, "transport", o.Transport).
			Set(line, "codecs", o.Codecs).
			Set(port, "line", n).
			Set(port, "driver", fmt.Sprintf("unix:p%d", n))
	}
	return s
}

func (o Options) filled() Options {
	if o.Transport == "" {
		o.Transport = "udp"
	}
	if o.Port == 0 {
		o.Port = 5060
	}
	if o.Codecs == "" {
		o.Codecs = "pcmu"
	}
	if o.Lines == 0 {
		o.Lines = 2
	}
	return o
}

// Run starts the agent, registers the lines and connects the telephones.
func (s *Site) Run() {
	s.T.Helper()
	s.Agent = agent.Start(s.T, s.Host, s.Config)
	for n := 1; n < len(s.Phones); n++ {
		s.Agent.WaitRegistered(Patience, n, "primary")
		s.Phones[n] = s.Agent.Phone(fmt.Sprintf("p%d", n))
	}
}

// Dial lifts the receiver of a telephone, waits for dial tone and dials.
func (s *Site) Dial(n int, number string) {
	s.T.Helper()
	s.Phones[n].OffHook()
	s.Phones[n].WaitTone(Patience, phone.DialTone...)
	s.Phones[n].Dial(number + "#")
}

// Crossed waits until so many messages have passed the switch.
func (s *Site) Crossed(n int, what string, match func(wire.Event) bool) {
	s.T.Helper()
	if !netlab.Until(Patience, func() bool { return len(s.Watch.Events(match)) >= n }) {
		s.T.Errorf("%d %s, want %d", len(s.Watch.Events(match)), what, n)
	}
}

// WellFormed has tshark look at everything that the agent sent.
func (s *Site) WellFormed() {
	s.T.Helper()
	for _, bad := range tshark.Of(s.T, s.Watch).Malformed(s.Host.Addr.String()) {
		s.T.Errorf("tshark about what the agent sent: %s", bad)
	}
	s.Unbroken()
}

// Unbroken has a look at the log alone: tshark takes SRTCP that was agreed beside plain RTP for
// malformed RTCP, and sees nothing of SIP by TLS.
func (s *Site) Unbroken() {
	s.T.Helper()
	for _, word := range []string{"panic", "goroutine "} {
		if lines := s.Agent.LogLines(word); len(lines) > 0 {
			s.T.Errorf("the agent's log: %s", lines[0])
		}
	}
}
