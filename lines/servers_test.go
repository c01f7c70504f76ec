package lines

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua/transport"
	"tipring/internal/ua/transport/memnet"
	"tipring/registrar"
)

// named makes a world whose servers have names: the primary leads to .2 and .4, the
// backup to .3.
func named(t *testing.T, test func(w *world, second *fakeServer), settings ...string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := makeWorld(t)
		second := w.newServer("10.0.0.4:5060")
		w.names.Set("sip.example", time.Minute, "10.0.0.2:0", "10.0.0.4:0")
		w.names.Set("backup.example", time.Minute, "10.0.0.3:0")
		w.start(append(settings, "register_addr = sip.example", "backup_addr = backup.example")...)
		w.after(time.Second)
		test(w, second)
	})
}

// A server's addresses are tried in the order of their records, each with its span, and
// only then is the server left.
func TestSeveralTargets(t *testing.T) {
	named(t, func(w *world, second *fakeServer) {
		w.wantServer("first", w.primary, 0, "REGISTER")
		w.primary.host.Fail(memnet.Silent)
		began := time.Now()
		w.dial("600")
		w.after(span + time.Second)
		if at := second.times(sipmsg.INVITE, began); len(at) != 1 || at[0] != span {
			t.Errorf("INVITE at the second address after %v", at)
		}
		w.wantPhone("started ringing pcmu:sendrecv answered")
		w.phone.call().Hangup()
		w.after(time.Second)
		w.wantServer("second", second, 0, "INVITE REGISTER ACK BYE") // the line comes along
		w.wantServer("backup", w.backup, 0, "")

		second.host.Fail(memnet.Silent)
		began = time.Now()
		w.dial("600")
		w.after(span + time.Second) // the first is known to be dead
		w.wantServer("backup", w.backup, 0, "REGISTER INVITE ACK")
		if at := w.backup.times(sipmsg.INVITE, began); at[0] != span {
			t.Errorf("INVITE at the backup after %v", at)
		}
	})
}

// A BYE goes by the server's other address, before it goes by the other server.
func TestByeBetweenTargets(t *testing.T) {
	named(t, func(w *world, second *fakeServer) {
		w.talking()
		w.primary.host.Fail(memnet.Silent)
		w.phone.call().Hangup()
		w.after(span + time.Second)
		bye := second.last(sipmsg.BYE)
		if bye == nil || routes(bye) != "<sip:10.0.0.4:5060;lr>" || bye.CSeq.Seq != 3 {
			t.Fatalf("BYE at the second address: %v", bye)
		}
		w.wantServer("backup", w.backup, 0, "")
		w.wantIdle()
	})
	named(t, func(w *world, second *fakeServer) {
		w.talking()
		w.primary.host.Fail(memnet.Silent)
		second.host.Fail(memnet.Silent)
		w.phone.call().Hangup()
		w.after(span + span + time.Second)
		if bye := w.backup.last(sipmsg.BYE); bye == nil || routes(bye) != "<sip:backup.example;lr>" || bye.CSeq.Seq != 4 {
			t.Fatalf("BYE at the backup: %v %s", bye, routes(bye))
		}
	})
}

// The last address of the last server gets 64*T1, the others their span.
func TestLastTargetOfTheLastServer(t *testing.T) {
	named(t, func(w *world, second *fakeServer) {
		w.primary.host.Fail(memnet.Silent)
		second.host.Fail(memnet.Silent)
		began := time.Now()
		w.dial("600")
		w.after(span + lastSpan - time.Millisecond)
		w.wantPhone("started")
		w.after(2 * time.Millisecond)
		w.wantPhone("started ended")
		if n := len(w.sent(w.primary, sipmsg.INVITE, began)); n != 4 {
			t.Errorf("%d INVITEs to the first address, want 4", n)
		}
		if n := len(w.sent(second, sipmsg.INVITE, began)); n != 7 {
			t.Errorf("%d INVITEs to the second address, want the 7 of 64*T1", n)
		}
	}, "backup_addr =")
}

// A dead first record: the line starts at the second at once after the span, stays with
// it, and comes back to the first in a failback interval, though nobody probes it.
func TestDeadFirstRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := makeWorld(t)
		second := w.newServer("10.0.0.4:5060")
		w.names.Set("sip.example", time.Minute, "10.0.0.2:0", "10.0.0.4:0")
		w.primary.host.Fail(memnet.Silent)
		w.start("register_addr = sip.example", "backup_addr =", "register_ttl = 600", "failback_interval = 1800")
		w.after(span + time.Second)
		w.wantServer("second", second, 0, "REGISTER")
		began := time.Now()
		w.dial("600")
		w.after(time.Second)
		w.wantServer("second", second, 1, "INVITE ACK")
		w.phone.call().Hangup()
		w.after(20 * time.Minute)
		if n := len(w.sent(w.primary, sipmsg.REGISTER, began)); n != 0 {
			t.Errorf("%d REGISTERs to the dead address before the interval was over", n)
		}
		w.primary.host.Fail(memnet.Alive)
		w.after(20 * time.Minute)
		if s := w.line.Snapshot(); s.ServerAddr != "10.0.0.2:5060" {
			t.Errorf("at %s, want the first address back", s.ServerAddr)
		}
		n := w.primary.count()
		w.dial("600")
		w.after(time.Second)
		w.wantServer("first", w.primary, n, "INVITE ACK")
	})
}

// With keep-alives the return of the first address is seen, and the next refresh goes
// there.
func TestFirstRecordReturns(t *testing.T) {
	named(t, func(w *world, second *fakeServer) {
		w.primary.host.Fail(memnet.Refusing)
		w.after(15 * time.Minute)
		if s := w.line.Snapshot(); s.ServerAddr != "10.0.0.4:5060" || s.Server != registrar.Primary {
			t.Fatalf("at %s: %s", s.ServerAddr, w.why())
		}
		w.primary.host.Fail(memnet.Alive)
		w.after(15 * time.Minute)
		if s := w.line.Snapshot(); s.ServerAddr != "10.0.0.2:5060" {
			t.Errorf("at %s, want the first address back", s.ServerAddr)
		}
		w.wantServer("backup", w.backup, 0, "")
	}, "keepalive = options", "register_ttl = 600")
}

// SRV records of one priority come shuffled with each lookup: that moves nothing.
func TestShuffledRecordsMoveNothing(t *testing.T) {
	named(t, func(w *world, second *fakeServer) {
		for range 5 {
			w.names.Set("sip.example", time.Minute, "10.0.0.4:0", "10.0.0.2:0")
			w.after(2 * time.Minute)
			w.line.Register()
			w.after(time.Second)
			w.talking()
			w.phone.call().Hangup()
			w.after(time.Second)
		}
		if second.count() != 0 {
			t.Errorf("the second address heard %s", second.heard(0))
		}
	})
}

// The record's time counts: when the name leads elsewhere, the line follows, and hears its
// new server.
func TestNameLeadsElsewhere(t *testing.T) {
	named(t, func(w *world, second *fakeServer) {
		asked := w.names.Asked()
		w.talking()
		w.phone.call().Hangup()
		w.after(time.Second)
		if w.names.Asked() != asked {
			t.Error("asked again within the record's time")
		}
		third := w.newServer("10.0.0.5:5060")
		w.names.Set("sip.example", time.Minute, "10.0.0.5:0")
		w.after(time.Minute)
		w.line.Register()
		w.after(time.Second)
		w.wantServer("new address", third, 0, "REGISTER")
		if s := w.line.Snapshot(); s.ServerAddr != "10.0.0.5:5060" || s.Server != registrar.Primary {
			t.Errorf("at %s", s.ServerAddr)
		}
		c := third.callLine()
		w.after(time.Second)
		if got := c.news(); got != "100" {
			t.Errorf("a call from the new address: %q", got)
		}
		c = w.primary.callLine()
		w.after(time.Second)
		if got := c.news(); got != "" {
			t.Errorf("a call from the old address: %q", got)
		}
	})
}

// Name servers that are down: the addresses of before serve, without a delay that a caller
// would hear twice.
func TestNameServersDown(t *testing.T) {
	for _, fault := range []transport.LookupFault{transport.NotFound, transport.ServerFailure, transport.Timeout} {
		named(t, func(w *world, second *fakeServer) {
			w.names.Fail("sip.example", fault, 8*time.Second) // a resolver takes its time to give up
			w.after(2 * time.Minute)
			began := time.Now()
			w.dial("600")
			w.after(3 * time.Second)
			w.wantNews("started ringing pcmu:sendrecv answered")
			if at := w.primary.times(sipmsg.INVITE, began); at[0] > staleTimeout {
				t.Errorf("INVITE after %v", at[0])
			}
			w.phone.call().Hangup()
			w.after(time.Second)
			began = time.Now()
			w.dial("600")
			w.after(time.Second)
			if at := w.primary.times(sipmsg.INVITE, began); len(at) != 1 || at[0] != 0 {
				t.Errorf("the next INVITE after %v, want at once", at)
			}
		})
	}
}

// An unknown host is an unavailable server: the backup serves, and the line says why.
func TestUnknownHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := makeWorld(t)
		w.start("register_addr = nowhere.example")
		w.after(time.Second)
		w.wantServer("backup", w.backup, 0, "REGISTER")
		if why := w.why(); !strings.Contains(why, "nowhere.example: no such name") {
			t.Errorf("why: %s", why)
		}
		w.talking()
		w.wantServer("backup", w.backup, 1, "INVITE ACK")
		w.names.Set("nowhere.example", time.Minute, "10.0.0.2:0")
		w.phone.call().Hangup()
		w.after(31 * time.Minute)
		if w.line.Snapshot().Server != registrar.Primary {
			t.Errorf("not home: %s", w.why())
		}
	})
	synctest.Test(t, func(t *testing.T) {
		w := makeWorld(t)
		w.start("register_addr = nowhere.example", "backup_addr =")
		w.after(time.Second)
		w.dial("600")
		w.after(time.Minute)
		w.wantPhone("started ended")
		if s := w.line.Snapshot(); s.State != registrar.Failed || s.LastErr == nil {
			t.Errorf("state %v, %v", s.State, s.LastErr)
		}
	})
}

// The certificate must be the server's: one for another name is a dead server.
func TestWrongCertificate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := makeWorld(t)
		w.primary.host.Certificate("other.example")
		w.backup.host.Certificate("backup.example")
		w.names.Set("sip.example", time.Minute, "10.0.0.2:5060")
		w.names.Set("backup.example", time.Minute, "10.0.0.3:5060")
		w.start("register_addr = sip.example", "backup_addr = backup.example", "transport = tls", "backup_transport = tls")
		w.after(time.Second)
		w.wantServer("primary", w.primary, 0, "")
		w.wantServer("backup", w.backup, 0, "REGISTER")
		if why := w.why(); !strings.Contains(why, "certificate") {
			t.Errorf("why: %s", why)
		}
	})
}

// Proxies: requests go by way of them with a Route, and to the registrar's domain; a
// backup proxy alone is a second way to the same registrar.
func TestProxies(t *testing.T) {
	tests := []struct {
		name          string
		settings      []string
		uri, route    string // of the REGISTER
		number        string // Request-URI of a call
		backup, bural string // Request-URI and Route of the REGISTER at the backup
	}{
		{"none", nil, "sip:10.0.0.2", "", "sip:600@10.0.0.2", "sip:10.0.0.3", ""},
		{"a proxy each", []string{"register_addr = pbx.example", "backup_addr = pbx2.example", "proxy_addr = 10.0.0.2", "backup_proxy_addr = 10.0.0.3"},
			"sip:pbx.example", "<sip:10.0.0.2;lr>", "sip:600@pbx.example", "sip:pbx2.example", "<sip:10.0.0.3;lr>"},
		{"two proxies, one registrar", []string{"register_addr = pbx.example", "backup_addr =", "proxy_addr = 10.0.0.2", "backup_proxy_addr = 10.0.0.3"},
			"sip:pbx.example", "<sip:10.0.0.2;lr>", "sip:600@pbx.example", "sip:pbx.example", "<sip:10.0.0.3;lr>"},
		{"server_name", []string{"server_name = voip.example"},
			"sip:voip.example", "", "sip:600@voip.example", "sip:voip.example", ""},
		{"usual port", []string{"register_port = 5060"},
			"sip:10.0.0.2", "", "sip:600@10.0.0.2", "sip:10.0.0.3", ""},
		{"unusual port behind a proxy", []string{"register_addr = pbx.example", "register_port = 5080", "proxy_addr = 10.0.0.2"},
			"sip:pbx.example:5080", "<sip:10.0.0.2;lr>", "sip:600@pbx.example:5080", "sip:10.0.0.3", ""},
		{"unusual port, request_with_port = 0", []string{"register_addr = pbx.example", "register_port = 5080", "proxy_addr = 10.0.0.2", "request_with_port = 0"},
			"sip:pbx.example", "<sip:10.0.0.2;lr>", "sip:600@pbx.example", "sip:10.0.0.3", ""},
		{"TCP", []string{"proxy_addr = 10.0.0.2", "transport = tcp", "register_addr = pbx.example"},
			"sip:pbx.example", "<sip:10.0.0.2;transport=tcp;lr>", "sip:600@pbx.example", "sip:10.0.0.3", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, tt.settings, func(w *world) {
				register := w.primary.last(sipmsg.REGISTER)
				check := func(what, got, want string) {
					t.Helper()
					if got != want {
						t.Errorf("%s %q, want %q", what, got, want)
					}
				}
				check("Request-URI of REGISTER", register.RequestURI.String(), tt.uri)
				check("Route of REGISTER", routes(register), tt.route)
				check("To of REGISTER", register.To.URI.String(), strings.Replace(tt.uri, "sip:", "sip:1001@", 1))
				w.talking()
				invite := w.primary.last(sipmsg.INVITE)
				check("Request-URI of INVITE", invite.RequestURI.String(), tt.number)
				check("Route of INVITE", routes(invite), tt.route)
				check("To of INVITE", invite.To.URI.String(), tt.number)
				check("From of INVITE", invite.From.URI.String(), register.To.URI.String())
				w.phone.call().Hangup()
				w.after(time.Second)
				w.primary.host.Fail(memnet.Refusing)
				w.line.Register()
				w.after(time.Second)
				moved := w.backup.last(sipmsg.REGISTER)
				check("Request-URI at the backup", moved.RequestURI.String(), tt.backup)
				check("Route at the backup", routes(moved), tt.bural)
			})
		})
	}
}

func routes(m *sipmsg.Message) string {
	var list []string
	for _, r := range m.Route {
		list = append(list, r.String())
	}
	return strings.Join(list, ",")
}

// The BYE of a call that was made through a proxy names the other proxy when the first is
// dead.
func TestByeFailoverBetweenProxies(t *testing.T) {
	inWorld(t, []string{"register_addr = pbx.example", "backup_addr =", "proxy_addr = 10.0.0.2", "backup_proxy_addr = 10.0.0.3"}, func(w *world) {
		w.talking()
		w.primary.host.Fail(memnet.Silent)
		w.phone.call().Hangup()
		w.after(span + time.Second)
		if bye := w.backup.last(sipmsg.BYE); bye == nil || routes(bye) != "<sip:10.0.0.3;lr>" {
			t.Errorf("BYE at the backup: %v", bye)
		}
	})
}

// Two servers on one address are told apart by their ports.
func TestTwoServersOnOneAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := makeWorld(t)
		second := w.newServer("10.0.0.2:5070")
		w.start("backup_addr = 10.0.0.2", "backup_port = 5070")
		w.after(time.Second)
		w.primary.on(sipmsg.INVITE, nil)
		w.talking()
		w.primary.host.Fail(memnet.Silent)
		w.phone.call().Hangup()
		w.after(span + time.Second)
		w.wantServer("backup", second, 0, "REGISTER BYE")
		if bye := second.last(sipmsg.BYE); routes(bye) != "<sip:10.0.0.2:5070;lr>" {
			t.Errorf("Route %s", routes(bye))
		}
		w.after(span + time.Second)
		w.phone.news()
		c := second.callLine()
		w.after(time.Second)
		w.wantNews("started")
		if got := w.phone.call().Info().Server; got != registrar.Backup {
			t.Errorf("a call from %s came from the %s", second.host.Addr(), got)
		}
		c.cancel()
		w.after(time.Second)
	})
}

// Who may call.
func TestAcceptFrom(t *testing.T) {
	tests := []struct {
		setting string
		from    map[string]bool // by address, whether a call rings
	}{
		{"servers", map[string]bool{"10.0.0.2": true, "10.0.0.3": true, "10.0.0.66": false}},
		{"any", map[string]bool{"10.0.0.2": true, "10.0.0.66": true}},
		{"10.0.0.64/26", map[string]bool{"10.0.0.2": true, "10.0.0.66": true, "10.0.0.4": false}},
	}
	for _, tt := range tests {
		for from, want := range tt.from {
			t.Run(fmt.Sprintf("%s %s", tt.setting, from), func(t *testing.T) {
				inWorld(t, []string{"accept_from = " + tt.setting}, func(w *world) {
					server := w.primary
					switch from {
					case "10.0.0.3":
						server = w.backup
					case "10.0.0.66", "10.0.0.4":
						server = w.newServer(from + ":5060")
					}
					server.note(sipmsg.REGISTER, w.primary.last(sipmsg.REGISTER))
					c := server.callLine()
					w.after(time.Second)
					if got := c.news(); (got == "100") != want || !want && got != "" {
						t.Errorf("the caller hears %q", got)
					}
					if n := w.stack.Counts.ForeignRequests.Load(); want == (n > 0) {
						t.Errorf("%d requests counted as foreign", n)
					}
					c.cancel()
					w.after(time.Second)
				})
			})
		}
	}
}
