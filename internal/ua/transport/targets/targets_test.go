package targets

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/dns/dnsmessage"

	"tipring/internal/ua/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A server is a name server of a test, on UDP and TCP. It answers from its zone, and as
// reply says where that is set.
type server struct {
	t    testing.TB
	addr netip.AddrPort
	udp  *net.UDPConn
	tcp  net.Listener
	wg   sync.WaitGroup

	mu    sync.Mutex
	zone  map[question][]dnsmessage.Resource
	reply func(q question, msg *dnsmessage.Message, overTCP bool) bool // false: no answer
	asked []string
}

func newServer(t testing.TB) *server {
	t.Helper()
	s := &server{t: t, zone: make(map[question][]dnsmessage.Resource)}
	var err error
	if s.tcp, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	s.addr = s.tcp.Addr().(*net.TCPAddr).AddrPort()
	if s.udp, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(s.addr)); err != nil {
		t.Fatal(err)
	}
	s.wg.Go(s.serveUDP)
	s.wg.Go(s.serveTCP)
	t.Cleanup(func() { _ = s.udp.Close(); _ = s.tcp.Close(); s.wg.Wait() })
	return s
}

func (s *server) serveUDP() {
	buf := make([]byte, 4096)
	for {
		n, from, err := s.udp.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		if answer := s.answer(buf[:n], false); answer != nil {
			_, _ = s.udp.WriteToUDPAddrPort(answer, from)
		}
	}
}

func (s *server) serveTCP() {
	for {
		conn, err := s.tcp.Accept()
		if err != nil {
			return
		}
		var length [2]byte
		_, _ = io.ReadFull(conn, length[:])
		query := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(conn, query); err == nil {
			if answer := s.answer(query, true); answer != nil {
				_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...))
			}
		}
		_ = conn.Close()
	}
}

func (s *server) answer(query []byte, overTCP bool) []byte {
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil || len(m.Questions) != 1 {
		return nil
	}
	q := question{text(m.Questions[0].Name), m.Questions[0].Type}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, strings.TrimPrefix(q.typ.String(), "Type")+" "+q.name)
	m.Response, m.RecursionAvailable = true, true
	edns := len(m.Additionals) > 0
	m.Additionals = nil
	m.Answers = s.zone[q]
	if len(m.Answers) == 0 && !s.exists(q.name) {
		m.RCode = dnsmessage.RCodeNameError
	}
	if s.reply != nil {
		if edns { // so that reply can tell
			m.Additionals = []dnsmessage.Resource{{}}
		}
		ok := s.reply(q, &m, overTCP)
		m.Additionals = nil
		if !ok {
			return nil
		}
	}
	answer, err := m.Pack()
	if err != nil {
		s.t.Errorf("name server: %v", err)
	}
	return answer
}

func (s *server) exists(name string) bool {
	for q := range s.zone {
		if q.name == name {
			return true
		}
	}
	return false
}

func (s *server) questions() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	return asked
}

func (s *server) setReply(reply func(q question, m *dnsmessage.Message, overTCP bool) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reply = reply
}

func name(n string) dnsmessage.Name { return dnsmessage.MustNewName(n + ".") }

func header(n string, typ dnsmessage.Type, ttl uint32) dnsmessage.ResourceHeader {
	return dnsmessage.ResourceHeader{Name: name(n), Type: typ, Class: dnsmessage.ClassINET, TTL: ttl}
}

func (s *server) add(n string, typ dnsmessage.Type, ttl uint32, body dnsmessage.ResourceBody) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := question{n, typ}
	s.zone[q] = append(s.zone[q], dnsmessage.Resource{Header: header(n, typ, ttl), Body: body})
}

func (s *server) a(n string, ttl uint32, addrs ...string) {
	for _, a := range addrs {
		if ip := netip.MustParseAddr(a); ip.Is4() {
			s.add(n, typeA, ttl, &dnsmessage.AResource{A: ip.As4()})
		} else {
			s.add(n, typeAAAA, ttl, &dnsmessage.AAAAResource{AAAA: ip.As16()})
		}
	}
}

func (s *server) srv(n string, ttl uint32, priority, weight, port uint16, target string) {
	to := dnsmessage.MustNewName(".")
	if target != "" {
		to = name(target)
	}
	s.add(n, typeSRV, ttl, &dnsmessage.SRVResource{Priority: priority, Weight: weight, Port: port, Target: to})
}

func (s *server) naptr(n string, ttl uint32, order, preference uint16, flags, service, regexp, replacement string) {
	s.add(n, typeNAPTR, ttl, &dnsmessage.UnknownResource{Type: typeNAPTR, Data: naptrData(order, preference, flags, service, regexp, replacement)})
}

func naptrData(order, preference uint16, flags, service, regexp, replacement string) []byte {
	b := binary.BigEndian.AppendUint16(nil, order)
	b = binary.BigEndian.AppendUint16(b, preference)
	for _, s := range []string{flags, service, regexp} {
		b = append(append(b, byte(len(s))), s...)
	}
	for label := range strings.SplitSeq(replacement, ".") {
		if label != "" {
			b = append(append(b, byte(len(label))), label...)
		}
	}
	return append(b, 0)
}

// resolver asks these servers; /etc/hosts and resolv.conf are the test's own.
func resolver(t testing.TB, servers ...*server) *Resolver {
	t.Helper()
	cfg := Config{ResolvConf: filepath.Join(t.TempDir(), "resolv.conf"), Hosts: filepath.Join(t.TempDir(), "hosts"),
		Timeout: 100 * time.Millisecond, Seed: 1}
	for _, s := range servers {
		cfg.Servers = append(cfg.Servers, s.addr)
	}
	r := New(cfg)
	r.ipv6 = func() bool { return true }
	r.source = func(netip.Addr) (netip.Addr, bool) { return netip.Addr{}, false } // no route: no preference
	return r
}

// lookup writes the targets as "addr addr".
func lookup(r *Resolver, q transport.Query) (string, time.Duration, error) {
	got, ttl, err := r.Lookup(context.Background(), q)
	var s []string
	for _, t := range got {
		s = append(s, t.Addr.String())
	}
	return strings.Join(s, " "), ttl, err
}

func TestLookupByMode(t *testing.T) {
	s := newServer(t)
	s.a("plain.example", 300, "192.0.2.1", "192.0.2.2")
	s.a("one.example", 300, "192.0.2.11")
	s.a("two.example", 300, "192.0.2.12")
	s.naptr("full.example", 300, 20, 1, "s", "SIP+D2U", "", "_sip._udp.second.example")
	s.naptr("full.example", 300, 10, 2, "S", "sip+d2u", "", "_sip._udp.first.example")
	s.naptr("full.example", 300, 10, 1, "s", "SIPS+D2T", "", "_sips._tcp.secure.example")
	s.naptr("full.example", 300, 1, 1, "u", "SIP+D2U", "!^.*$!sip:x@y!", "")
	s.naptr("full.example", 300, 1, 1, "", "SIP+D2U", "", "nonterminal.example")
	s.srv("_sip._udp.first.example", 300, 1, 1, 5070, "one.example")
	s.srv("_sip._udp.second.example", 300, 1, 1, 5071, "two.example")
	s.srv("_sips._tcp.secure.example", 300, 1, 1, 5081, "one.example")
	s.a("full.example", 300, "192.0.2.99")
	s.srv("_sip._udp.srvonly.example", 300, 20, 1, 5060, "two.example")
	s.srv("_sip._udp.srvonly.example", 300, 10, 1, 5062, "one.example")
	s.srv("_sip._tcp.srvonly.example", 300, 10, 1, 5063, "one.example")
	s.srv("_sip._udp.partly.example", 300, 10, 1, 5060, "absent.example")
	s.srv("_sip._udp.partly.example", 300, 20, 1, 5060, "two.example")
	s.srv("_sip._udp.none.example", 300, 0, 0, 0, "")
	s.a("none.example", 300, "192.0.2.99")
	const udp, tcp, tls = transport.UDP, transport.TCP, transport.TLS
	const auto, modeA, modeSRV, modeNAPTR = transport.DNSAuto, transport.DNSA, transport.DNSSRV, transport.DNSNAPTR
	for _, c := range []struct {
		host  string
		port  int
		proto transport.Proto
		mode  transport.DNSMode
		want  string
		fault transport.LookupFault
	}{
		{"plain.example", 0, udp, auto, "192.0.2.1:5060 192.0.2.2:5060", 0},
		{"plain.example", 0, tls, auto, "192.0.2.1:5061 192.0.2.2:5061", 0},
		{"PLAIN.example.", 5080, udp, auto, "192.0.2.1:5080 192.0.2.2:5080", 0},
		{"full.example", 0, udp, auto, "192.0.2.11:5070 192.0.2.12:5071", 0},
		{"full.example", 0, tls, auto, "192.0.2.11:5081", 0},
		{"full.example", 0, tcp, auto, "192.0.2.99:5060", 0}, // nothing for TCP: never another protocol
		{"full.example", 5090, udp, auto, "192.0.2.99:5090", 0},
		{"full.example", 0, udp, modeA, "192.0.2.99:5060", 0},
		{"full.example", 0, udp, modeSRV, "192.0.2.99:5060", 0}, // has no SRV records of its own
		{"full.example", 5090, udp, modeNAPTR, "192.0.2.11:5070 192.0.2.12:5071", 0},
		{"srvonly.example", 0, udp, auto, "192.0.2.11:5062 192.0.2.12:5060", 0},
		{"srvonly.example", 5090, udp, modeSRV, "192.0.2.11:5062 192.0.2.12:5060", 0},
		{"srvonly.example", 0, tcp, auto, "192.0.2.11:5063", 0},
		{"srvonly.example", 0, tls, auto, "", transport.NotFound},
		{"partly.example", 0, udp, auto, "192.0.2.12:5060", 0},
		{"none.example", 0, udp, auto, "", transport.NoService}, // RFC 2782: "."
		{"absent.example", 0, udp, auto, "", transport.NotFound},
		{"absent.example", 5060, tcp, auto, "", transport.NotFound},
		{"not a name", 0, udp, auto, "", transport.NotFound},
		{"büro.example", 0, udp, auto, "", transport.NotFound},
		{"a..example", 0, udp, auto, "", transport.NotFound},
		{"192.0.2.7", 0, udp, auto, "192.0.2.7:5060", 0},
		{"192.0.2.7", 0, tls, modeNAPTR, "192.0.2.7:5061", 0},
		{"192.0.2.7", 5090, tcp, auto, "192.0.2.7:5090", 0},
		{"2001:db8::7", 5090, udp, auto, "[2001:db8::7]:5090", 0},
		{"[2001:db8::7]", 0, udp, auto, "[2001:db8::7]:5060", 0},
	} {
		r := resolver(t, s)
		got, _, err := lookup(r, transport.Query{Host: c.host, Port: c.port, Proto: c.proto, Mode: c.mode})
		if got != c.want || faultOf(err) != c.fault {
			t.Errorf("%s port %d %s mode %d: got %q, %v; want %q, fault %v", c.host, c.port, c.proto, c.mode, got, err, c.want, c.fault)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "lookup "+strings.TrimSuffix(c.host, ".")+": ") {
			t.Errorf("%q does not name the host %s", err, c.host)
		}
	}
}

func TestTargetsCarryNameAndDevice(t *testing.T) {
	s := newServer(t)
	s.srv("_sips._tcp.pbx.example", 300, 1, 1, 5071, "host.example")
	s.a("host.example", 300, "192.0.2.1")
	r := resolver(t, s)
	for proto, want := range map[transport.Proto]transport.Target{
		// The certificate has to be for the name the user gave, not for what DNS made of it (RFC 5922 section 4).
		transport.TLS: {Proto: transport.TLS, Addr: netip.MustParseAddrPort("192.0.2.1:5071"), Name: "pbx.example", Device: "tun0"},
	} {
		got, _, err := r.Lookup(context.Background(), transport.Query{Host: "pbx.example.", Proto: proto, Device: "tun0"})
		if err != nil || len(got) != 1 || got[0] != want {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
	}
}

func TestAnswersAreKeptForTheirTTL(t *testing.T) {
	s := newServer(t)
	s.srv("_sip._udp.pbx.example", 100, 1, 1, 5060, "host.example")
	s.a("host.example", 30, "192.0.2.1")
	r := resolver(t, s)
	now := time.Now()
	r.now = func() time.Time { return now }
	q := transport.Query{Host: "pbx.example", Mode: transport.DNSSRV}
	check := func(step string, wantTTL time.Duration, wantAsked ...string) {
		t.Helper()
		got, ttl, err := lookup(r, q)
		if err != nil || got != "192.0.2.1:5060" || ttl != wantTTL {
			t.Errorf("%s: got %q for %v, %v; want it for %v", step, got, ttl, err, wantTTL)
		}
		asked := s.questions()
		slices.Sort(asked)
		if !slices.Equal(asked, wantAsked) {
			t.Errorf("%s: asked %q, want %q", step, asked, wantAsked)
		}
	}
	check("first", 30*time.Second, "A host.example", "AAAA host.example", "SRV _sip._udp.pbx.example")
	now = now.Add(4 * time.Second)
	check("again", 26*time.Second)
	now = now.Add(27 * time.Second)
	check("addresses ran out", 30*time.Second, "A host.example", "AAAA host.example")
	now = now.Add(70 * time.Second)
	check("all ran out", 30*time.Second, "A host.example", "AAAA host.example", "SRV _sip._udp.pbx.example")
}

func TestAbsenceIsKeptShortly(t *testing.T) {
	s := newServer(t)
	s.setReply(func(q question, m *dnsmessage.Message, _ bool) bool {
		m.RCode = dnsmessage.RCodeNameError
		m.Authorities = []dnsmessage.Resource{{Header: header("example", dnsmessage.TypeSOA, 86400), Body: &dnsmessage.SOAResource{
			NS: name("ns.example"), MBox: name("root.example"), MinTTL: 86400}}}
		return true
	})
	r := resolver(t, s)
	now := time.Now()
	r.now = func() time.Time { return now }
	q := transport.Query{Host: "absent.example", Mode: transport.DNSA}
	for _, c := range []struct {
		after time.Duration
		asked int
	}{{0, 2}, {59 * time.Second, 0}, {2 * time.Second, 2}} {
		now = now.Add(c.after)
		if _, _, err := lookup(r, q); faultOf(err) != transport.NotFound {
			t.Errorf("got %v, want no such name", err)
		}
		if n := len(s.questions()); n != c.asked {
			t.Errorf("%v later: %d questions, want %d", c.after, n, c.asked)
		}
	}
}

func TestFailuresDiffer(t *testing.T) {
	silent := func(question, *dnsmessage.Message, bool) bool { return false }
	code := func(c dnsmessage.RCode) func(question, *dnsmessage.Message, bool) bool {
		return func(_ question, m *dnsmessage.Message, _ bool) bool { m.RCode, m.Answers = c, nil; return true }
	}
	for _, c := range []struct {
		name  string
		reply func(question, *dnsmessage.Message, bool) bool
		fault transport.LookupFault
		text  string
	}{
		{"SERVFAIL", code(dnsmessage.RCodeServerFailure), transport.ServerFailure, "SERVFAIL"},
		{"REFUSED", code(dnsmessage.RCodeRefused), transport.ServerFailure, "REFUSED"},
		{"NXDOMAIN", code(dnsmessage.RCodeNameError), transport.NotFound, "no such name"},
		{"no records", code(dnsmessage.RCodeSuccess), transport.NoAddress, "no address"},
		{"silence", silent, transport.Timeout, "no answer in time"},
		{"lame", func(_ question, m *dnsmessage.Message, _ bool) bool {
			m.Answers, m.RCode, m.RecursionAvailable = nil, 0, false
			return true
		}, transport.ServerFailure, "knows nothing"},
		{"aliases in a circle", func(q question, m *dnsmessage.Message, _ bool) bool {
			m.Answers = []dnsmessage.Resource{
				{Header: header(q.name, dnsmessage.TypeCNAME, 60), Body: &dnsmessage.CNAMEResource{CNAME: name("b.example")}},
				{Header: header("b.example", dnsmessage.TypeCNAME, 60), Body: &dnsmessage.CNAMEResource{CNAME: name(q.name)}}}
			return true
		}, transport.ServerFailure, "circle"},
		{"aliases without end", func(q question, m *dnsmessage.Message, _ bool) bool {
			m.RCode = 0
			m.Answers = []dnsmessage.Resource{{Header: header(q.name, dnsmessage.TypeCNAME, 60), Body: &dnsmessage.CNAMEResource{CNAME: name("x." + q.name)}}}
			return true
		}, transport.ServerFailure, "too many aliases"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			s.a("pbx.example", 60, "192.0.2.1")
			s.setReply(c.reply)
			r := resolver(t, s)
			_, _, err := lookup(r, transport.Query{Host: "pbx.example", Mode: transport.DNSA})
			if faultOf(err) != c.fault || !strings.Contains(err.Error(), c.text) || !strings.HasPrefix(err.Error(), "lookup pbx.example: ") {
				t.Errorf("got %v, want fault %q with %q", err, c.fault, c.text)
			}
			s.questions()
			if _, _, again := lookup(r, transport.Query{Host: "pbx.example", Mode: transport.DNSA}); faultOf(again) != c.fault || len(s.questions()) != 0 {
				t.Errorf("at once again: %v, want the same without a question", again)
			}
		})
	}
	t.Run("closed port", func(t *testing.T) {
		s := newServer(t)
		_ = s.udp.Close()
		begin := time.Now()
		r := resolver(t, s)
		r.cfg.Timeout = 5 * time.Second
		_, _, err := lookup(r, transport.Query{Host: "pbx.example", Mode: transport.DNSA})
		if faultOf(err) != transport.Timeout || !strings.Contains(err.Error(), "connection refused") || time.Since(begin) > 2*time.Second {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
	})
}

// A home router may know A records only.
func TestServersThatKnowOnlyAddresses(t *testing.T) {
	for _, c := range []dnsmessage.RCode{dnsmessage.RCodeNotImplemented, dnsmessage.RCodeServerFailure, dnsmessage.RCodeFormatError, 99} {
		s := newServer(t)
		s.a("pbx.example", 60, "192.0.2.1")
		s.setReply(func(q question, m *dnsmessage.Message, _ bool) bool {
			if q.typ != typeA && c != 99 {
				m.RCode = c
			}
			return q.typ == typeA || c != 99 // 99: it is silent
		})
		if got, _, err := lookup(resolver(t, s), transport.Query{Host: "pbx.example"}); got != "192.0.2.1:5060" {
			t.Errorf("rcode %d: got %q, %v", c, got, err)
		}
	}
}

// Some answer no question about IPv6 at all.
func TestIPv6IsNotWaitedForLong(t *testing.T) {
	s := newServer(t)
	s.a("pbx.example", 60, "192.0.2.1")
	s.setReply(func(q question, _ *dnsmessage.Message, _ bool) bool { return q.typ == typeA })
	r := resolver(t, s)
	r.cfg.Timeout = 10 * time.Second
	begin := time.Now()
	got, _, err := lookup(r, transport.Query{Host: "pbx.example", Mode: transport.DNSA})
	if d := time.Since(begin); got != "192.0.2.1:5060" || d > 5*time.Second {
		t.Errorf("got %q, %v after %v", got, err, d)
	}
}

func TestServerWithoutEDNS(t *testing.T) {
	s := newServer(t)
	s.a("pbx.example", 60, "192.0.2.1")
	s.setReply(func(q question, m *dnsmessage.Message, _ bool) bool {
		if len(m.Additionals) > 0 {
			m.RCode, m.Answers = dnsmessage.RCodeFormatError, nil
		}
		return true
	})
	if got, _, err := lookup(resolver(t, s), transport.Query{Host: "pbx.example", Mode: transport.DNSA}); got != "192.0.2.1:5060" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestTruncatedAnswerComesOverTCP(t *testing.T) {
	s := newServer(t)
	for i := range 20 {
		s.a("pbx.example", 60, netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}).String())
	}
	s.setReply(func(q question, m *dnsmessage.Message, overTCP bool) bool {
		if !overTCP {
			m.Truncated, m.Answers = true, m.Answers[:min(1, len(m.Answers))]
		}
		return true
	})
	r := resolver(t, s)
	got, _, err := lookup(r, transport.Query{Host: "pbx.example", Mode: transport.DNSA})
	if len(strings.Fields(got)) != 20 {
		t.Errorf("got %q, %v, want 20 addresses", got, err)
	}
	_ = s.tcp.Close() // then what the datagram held has to do
	r = resolver(t, s)
	if got, _, err = lookup(r, transport.Query{Host: "pbx.example", Mode: transport.DNSA}); got != "192.0.2.1:5060" {
		t.Errorf("without TCP: got %q, %v, want the first address", got, err)
	}
}

func TestAliases(t *testing.T) {
	s := newServer(t)
	s.a("c.example", 60, "192.0.2.1")
	alias := func(from, to string) dnsmessage.Resource {
		return dnsmessage.Resource{Header: header(from, dnsmessage.TypeCNAME, 20), Body: &dnsmessage.CNAMEResource{CNAME: name(to)}}
	}
	s.setReply(func(q question, m *dnsmessage.Message, _ bool) bool {
		switch q.name {
		case "whole.example": // the chain and its end
			m.RCode = 0
			m.Answers = append([]dnsmessage.Resource{alias("b.example", "c.example"), alias("whole.example", "b.example")}, s.zone[question{"c.example", q.typ}]...)
		case "part.example": // the alias only
			m.RCode = 0
			m.Answers = []dnsmessage.Resource{alias("part.example", "c.example")}
		case "foreign.example": // an address of another name
			m.RCode = 0
			m.Answers = s.zone[question{"c.example", q.typ}]
		}
		return true
	})
	for host, want := range map[string]string{"whole.example": "192.0.2.1:5060", "part.example": "192.0.2.1:5060", "foreign.example": ""} {
		got, ttl, err := lookup(resolver(t, s), transport.Query{Host: host, Mode: transport.DNSA})
		if got != want || want != "" && ttl.Round(time.Second) != 20*time.Second {
			t.Errorf("%s: got %q for %v, %v; want %q for 20 s, the shortest on the way", host, got, ttl, err, want)
		}
	}
}

func TestSecondServerAnswersForASilentOne(t *testing.T) {
	dead, live := newServer(t), newServer(t)
	dead.setReply(func(question, *dnsmessage.Message, bool) bool { return false })
	for _, n := range []string{"a.example", "b.example"} {
		live.a(n, 60, "192.0.2.1")
	}
	r := resolver(t, dead, live)
	if got, _, err := lookup(r, transport.Query{Host: "a.example", Mode: transport.DNSA}); got != "192.0.2.1:5060" {
		t.Errorf("got %q, %v", got, err)
	}
	dead.questions()
	if got, _, err := lookup(r, transport.Query{Host: "b.example", Mode: transport.DNSA}); got != "192.0.2.1:5060" {
		t.Errorf("got %q, %v", got, err)
	}
	if asked := dead.questions(); len(asked) != 0 {
		t.Errorf("the silent server was asked first again: %q", asked)
	}
}

// RFC 8767: lines stay up when DNS does not.
func TestOldAnswerWhileNobodyAnswers(t *testing.T) {
	s := newServer(t)
	s.a("pbx.example", 60, "192.0.2.1")
	r := resolver(t, s)
	now := time.Now()
	r.now = func() time.Time { return now }
	q := transport.Query{Host: "pbx.example", Mode: transport.DNSA}
	if _, _, err := lookup(r, q); err != nil {
		t.Fatal(err)
	}
	now = now.Add(10 * time.Hour)
	s.setReply(func(question, *dnsmessage.Message, bool) bool { return false })
	if got, ttl, err := lookup(r, q); got != "192.0.2.1:5060" || ttl != staleTTL {
		t.Errorf("got %q for %v, %v; want the old answer for %v", got, ttl, err, staleTTL)
	}
	now = now.Add(time.Minute)
	s.setReply(func(_ question, m *dnsmessage.Message, _ bool) bool {
		m.RCode, m.Answers = dnsmessage.RCodeServerFailure, nil
		return true
	})
	if got, _, err := lookup(r, q); got != "192.0.2.1:5060" {
		t.Errorf("SERVFAIL: got %q, %v; want the old answer", got, err)
	}
	now = now.Add(time.Minute)
	s.setReply(func(_ question, m *dnsmessage.Message, _ bool) bool {
		m.RCode, m.Answers = dnsmessage.RCodeNameError, nil
		return true
	})
	if _, _, err := lookup(r, q); faultOf(err) != transport.NotFound {
		t.Errorf("NXDOMAIN: got %v; want it believed", err)
	}
	s.setReply(func(question, *dnsmessage.Message, bool) bool { return false })
	now = now.Add(time.Minute)
	if _, _, err := lookup(r, q); faultOf(err) != transport.Timeout {
		t.Errorf("after that: got %v; want the old answer forgotten", err)
	}
}

func TestForgeriesArePassedOver(t *testing.T) {
	udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = udp.Close() }()
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 512)
		n, from, err := udp.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(buf[:n]) != nil {
			return
		}
		m.Additionals, m.Response = nil, true
		send := func(addr byte, change func(*dnsmessage.Message)) {
			f := m
			f.Questions = slices.Clone(m.Questions)
			f.Answers = []dnsmessage.Resource{{Header: header("pbx.example", typeA, 60), Body: &dnsmessage.AResource{A: [4]byte{192, 0, 2, addr}}}}
			change(&f)
			b, _ := f.Pack()
			_, _ = udp.WriteToUDPAddrPort(b, from)
		}
		_, _ = udp.WriteToUDPAddrPort([]byte("x"), from)
		send(66, func(f *dnsmessage.Message) { f.ID++ })
		send(66, func(f *dnsmessage.Message) { f.Questions[0].Name = name("other.example") })
		send(66, func(f *dnsmessage.Message) { f.Questions[0].Type = typeSRV })
		send(66, func(f *dnsmessage.Message) { f.Questions = nil })
		send(66, func(f *dnsmessage.Message) { f.Response = false })
		send(1, func(*dnsmessage.Message) {})
	}()
	r := resolver(t)
	r.cfg.Servers = []netip.AddrPort{udp.LocalAddr().(*net.UDPAddr).AddrPort()}
	r.cfg.Timeout = 5 * time.Second
	r.ipv6 = func() bool { return false }
	if got, _, err := lookup(r, transport.Query{Host: "pbx.example", Mode: transport.DNSA}); got != "192.0.2.1:5060" {
		t.Errorf("got %q, %v", got, err)
	}
	<-done
}

func TestOneQuestionForManyWhoAsk(t *testing.T) {
	s := newServer(t)
	s.a("pbx.example", 60, "192.0.2.1")
	arrived, release := make(chan struct{}, 10), make(chan struct{})
	s.setReply(func(question, *dnsmessage.Message, bool) bool { arrived <- struct{}{}; <-release; return true })
	r := resolver(t, s)
	r.cfg.Timeout = 5 * time.Second
	r.ipv6 = func() bool { return false }
	ctx, cancel := context.WithCancel(context.Background())
	q := transport.Query{Host: "pbx.example", Mode: transport.DNSA}
	var wg sync.WaitGroup
	first := make(chan error, 1)
	go func() { _, _, err := r.Lookup(ctx, q); first <- err }()
	<-arrived
	results := make([]string, 20)
	for i := range results {
		wg.Go(func() { results[i], _, _ = lookup(r, q) })
	}
	cancel() // the first gives up: another one asks in its place
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("the first got %v", err)
	}
	close(release)
	wg.Wait()
	for i, got := range results {
		if got != "192.0.2.1:5060" {
			t.Errorf("number %d got %q", i, got)
		}
	}
	if n := len(s.questions()); n > 2 {
		t.Errorf("%d questions, want the one called off and one more", n)
	}
}

func TestHostsFile(t *testing.T) {
	s := newServer(t)
	s.a("pbx.example", 60, "192.0.2.99")
	s.srv("_sip._udp.pbx.example", 60, 1, 1, 5080, "inside.example")
	r := resolver(t, s)
	_ = os.WriteFile(r.cfg.Hosts, []byte("# comment\n192.0.2.1 other PBX.example # more\n192.0.2.2\tpbx.example\nnonsense pbx.example\n192.0.2.3 inside.example\n"), 0o600)
	for _, c := range []struct {
		host string
		mode transport.DNSMode
		want string
	}{
		{"pbx.example", transport.DNSAuto, "192.0.2.1:5060 192.0.2.2:5060"}, // goes before DNS, records and all
		{"pbx.example", transport.DNSSRV, "192.0.2.3:5080"},
		{"inside.example", transport.DNSA, "192.0.2.3:5060"},
		{"localhost", transport.DNSAuto, "127.0.0.1:5060 [::1]:5060"},
	} {
		got, _, err := lookup(r, transport.Query{Host: c.host, Mode: c.mode})
		if got != c.want {
			t.Errorf("%s mode %d: got %q, %v, want %q", c.host, c.mode, got, err, c.want)
		}
	}
}

func TestResolvConf(t *testing.T) {
	r := resolver(t)
	r.cfg.Timeout = 0
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(r.cfg.ResolvConf, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		r.refresh()
	}
	r.refresh()
	if got := r.servers.addrs; !slices.Equal(got, []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:53")}) {
		t.Errorf("without a file: %v", got)
	}
	write("# c\nnameserver 192.0.2.53\nnameserver fe80::1%eth0 ; c\nnameserver x\nnameserver 192.0.2.54\nnameserver 192.0.2.55\n" +
		"search Office.Example. bad_ok.example -\noptions ndots:2 timeout:3 attempts:9 rotate timeout:x\n")
	l := r.servers
	if got := l.addrs; len(got) != 3 || got[0].String() != "192.0.2.53:53" || got[1].String() != "[fe80::1%eth0]:53" || got[2].String() != "192.0.2.54:53" {
		t.Errorf("servers %v", got)
	}
	if l.ndots != 2 || l.timeout != 3*time.Second || l.attempts != 5 {
		t.Errorf("options: ndots %d, timeout %v, attempts %d", l.ndots, l.timeout, l.attempts)
	}
	for host, want := range map[string][]string{
		"pbx":           {"pbx.office.example", "pbx.bad_ok.example", "pbx.-", "pbx"},
		"pbx.a":         {"pbx.a.office.example", "pbx.a.bad_ok.example", "pbx.a.-", "pbx.a"},
		"pbx.a.example": {"pbx.a.example"},
	} {
		if got := r.candidates(host); !slices.Equal(got, want) {
			t.Errorf("%s: candidates %v, want %v", host, got, want)
		}
	}
	r.cache[question{"a.example", typeA}] = &entry{}
	r.refresh()
	if len(r.cache) != 1 {
		t.Error("the cache was emptied though nothing has changed")
	}
	write("nameserver 198.51.100.1\n")
	if len(r.servers.addrs) != 1 || len(r.cache) != 0 {
		t.Errorf("after a change: servers %v, %d answers kept; want the new one and none", r.servers.addrs, len(r.cache))
	}
}

func TestSearchList(t *testing.T) {
	s := newServer(t)
	s.a("pbx.office.example", 60, "192.0.2.1")
	r := resolver(t, s)
	_ = os.WriteFile(r.cfg.ResolvConf, []byte("search home.example office.example\n"), 0o600)
	got, _, err := r.Lookup(context.Background(), transport.Query{Host: "pbx", Proto: transport.TLS})
	if err != nil || len(got) != 1 || got[0].Name != "pbx" || got[0].Addr.String() != "192.0.2.1:5061" {
		t.Errorf("got %v, %v, want the server in office.example under the name given", got, err)
	}
	s.questions()
	if _, _, err := lookup(r, transport.Query{Host: "pbx.away"}); faultOf(err) != transport.NotFound {
		t.Errorf("got %v", err)
	}
	for _, q := range s.questions() {
		if strings.HasSuffix(q, "example") {
			t.Errorf("a name with a dot was looked for in the search list: %s", q)
		}
	}
}

func TestCacheIsBounded(t *testing.T) {
	s := newServer(t)
	r := resolver(t, s)
	r.ipv6 = func() bool { return false }
	for i := range maxCache + 50 {
		n := "h" + string(rune('a'+i%26)) + string(rune('a'+i/26)) + ".example"
		s.a(n, 60, "192.0.2.1")
		if _, _, err := lookup(r, transport.Query{Host: n, Mode: transport.DNSA}); err != nil {
			t.Fatal(err)
		}
	}
	if len(r.cache) != maxCache {
		t.Errorf("%d answers kept, want %d", len(r.cache), maxCache)
	}
}

func TestAnswersAreCapped(t *testing.T) {
	s := newServer(t)
	for i := range 60 {
		s.a("many.example", 60, netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}).String())
		s.srv("_sip._udp.many.example", 60, uint16(i), 0, 5060, "h"+string(rune('a'+i/10))+string(rune('a'+i%10))+".example")
	}
	got, _, _ := lookup(resolver(t, s), transport.Query{Host: "many.example", Mode: transport.DNSA})
	if n := len(strings.Fields(got)); n > maxRecords {
		t.Errorf("%d addresses", n)
	}
	s.questions()
	_, _, _ = lookup(resolver(t, s), transport.Query{Host: "many.example", Mode: transport.DNSSRV})
	n := 0
	for _, q := range s.questions() {
		if strings.HasPrefix(q, "A h") {
			n++
		}
	}
	if n != maxSRV {
		t.Errorf("%d servers' addresses were asked for, want %d", n, maxSRV)
	}
}

func TestBindAsksForItsFamilyOnly(t *testing.T) {
	s := newServer(t)
	s.a("pbx.example", 60, "192.0.2.1", "2001:db8::1")
	for bind, want := range map[string]string{"192.0.2.9": "192.0.2.1:5060", "2001:db8::9": "[2001:db8::1]:5060"} {
		r := resolver(t, s)
		r.cfg.Bind = netip.MustParseAddr(bind)
		got, _, err := lookup(r, transport.Query{Host: "pbx.example", Mode: transport.DNSA})
		if got != want || len(s.questions()) != 1 {
			t.Errorf("bound to %s: got %q, %v, want %q by one question", bind, got, err, want)
		}
	}
}
