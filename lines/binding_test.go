package lines

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/digest"
	"tipring/internal/ua/transport/memnet"
	"tipring/registrar"
)

// asks has a server ask for credentials: REGISTER as a registrar, all else as a proxy.
func (s *fakeServer) asks(realm, password string) {
	v := digest.NewVerifier(realm, func(user string) (string, bool) { return password, user == "1001" })
	for _, method := range []string{sipmsg.REGISTER, sipmsg.INVITE, sipmsg.BYE, sipmsg.SUBSCRIBE, sipmsg.REFER, sipmsg.INFO, sipmsg.UPDATE} {
		role, next := digest.Proxy, s.usual
		if method == sipmsg.REGISTER {
			role = digest.UserAgent
		}
		s.on(method, func(now time.Time, in *ua.Incoming) {
			if _, err := v.Check(now, in.Req, role); err != nil {
				in.RespondWith(now, v.Challenge(now, in.Req, role, false))
				return
			}
			next(now, in)
		})
	}
}

// CSeq of the REGISTERs with one Call-ID grows, with those that answer a challenge too
// (RFC 3261 section 10.2): a registrar refuses what does not.
func TestRegisterCSeqGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := makeWorld(t)
		w.primary.asks("pbx", "secret")
		w.start("register_ttl = 60")
		for range 20 {
			w.after(time.Minute)
			w.line.Register()
			w.after(time.Second)
			w.primary.asks("pbx", "secret") // its nonces are gone: the next one is challenged
		}
		latest := map[string]uint32{}
		for _, m := range w.primary.all(sipmsg.REGISTER) {
			if m.CSeq.Seq <= latest[m.CallID] {
				t.Fatalf("CSeq %d after %d", m.CSeq.Seq, latest[m.CallID])
			}
			latest[m.CallID] = m.CSeq.Seq
		}
		if n := len(latest); n != 1 {
			t.Errorf("%d Call-IDs, want one for the binding", n)
		}
		if s := w.line.Snapshot(); s.State != registrar.Registered || s.Counts.Failovers != 0 {
			t.Errorf("%s", w.why())
		}
	})
}

// The lifetime is what the registrar grants our own Contact; the refresh comes at 80 to
// 90 % of it.
func TestGrantedLifetime(t *testing.T) {
	tests := []struct {
		name  string
		reply func(res, req *sipmsg.Message)
		want  time.Duration
	}{
		{"by our Contact", func(res, req *sipmsg.Message) {
			other := req.Contact[0].Clone()
			other.URI.User = "another"
			other.Params.Set("expires", "30")
			res.Contact = append([]sipmsg.Addr{other}, withExpires(req.Contact[0], "300"))
		}, 300 * time.Second},
		{"ours among two with our user", func(res, req *sipmsg.Message) {
			old := req.Contact[0].Clone()
			old.URI.Host = "10.0.0.99"
			res.Contact = []sipmsg.Addr{withExpires(old, "30"), withExpires(req.Contact[0], "300")}
		}, 300 * time.Second},
		{"rewritten by a NAT helper", func(res, req *sipmsg.Message) {
			old := req.Contact[0].Clone()
			old.URI.Host = "192.0.2.1"
			res.Contact = []sipmsg.Addr{withExpires(old, "240")}
		}, 240 * time.Second},
		{"by Expires", func(res, req *sipmsg.Message) {
			c := req.Contact[0].Clone()
			c.Params = nil
			res.Contact = []sipmsg.Addr{c}
			res.Header.Add("Expires", "120")
		}, 120 * time.Second},
		{"by both", func(res, req *sipmsg.Message) {
			res.Contact = []sipmsg.Addr{withExpires(req.Contact[0], "90")}
			res.Header.Add("Expires", "0")
		}, 90 * time.Second},
		{"not said", func(res, req *sipmsg.Message) {
			c := req.Contact[0].Clone()
			c.Params = nil
			res.Contact = []sipmsg.Addr{c}
		}, 600 * time.Second},
		{"more than was asked for", func(res, req *sipmsg.Message) {
			res.Contact = []sipmsg.Addr{withExpires(req.Contact[0], "4294967295")}
		}, 600 * time.Second},
		{"more than was asked for, by Expires", func(res, _ *sipmsg.Message) {
			res.Contact = nil
			res.Header.Add("Expires", "601")
		}, 600 * time.Second},
		{"no binding listed", func(res, _ *sipmsg.Message) { res.Contact = nil }, 600 * time.Second},
		{"no binding listed, by Expires", func(res, _ *sipmsg.Message) {
			res.Contact = nil
			res.Header.Add("Expires", "130")
		}, 130 * time.Second},
		{"in capitals, by name, with more parameters", func(res, req *sipmsg.Message) {
			c := withExpires(req.Contact[0], "250")
			c.Display = "Somebody"
			c.URI.User = strings.ToUpper(c.URI.User)
			c.URI.Params.Set("Transport", "UDP")
			c.URI.Params.Set("alias", "192.0.2.1~4711~1")
			c.Params.Set("q", "0.5")
			c.Params.Set("received", "sip:192.0.2.1:4711")
			other := withExpires(req.Contact[0], "30")
			other.URI.Port = 4712
			res.Contact = []sipmsg.Addr{other, c}
		}, 250 * time.Second},
		{"the default port left out", func(res, req *sipmsg.Message) {
			c, other := withExpires(req.Contact[0], "260"), withExpires(req.Contact[0], "30")
			c.URI.Port, other.URI.Port = 0, 5062
			res.Contact = []sipmsg.Addr{other, c}
		}, 260 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := makeWorld(t)
				w.primary.on(sipmsg.REGISTER, func(now time.Time, in *ua.Incoming) {
					res := in.Response(200, "")
					tt.reply(res, in.Req)
					in.RespondWith(now, res)
				})
				w.start("register_ttl = 600")
				w.after(time.Second)
				s := w.line.Snapshot()
				if s.Expires != tt.want {
					t.Errorf("granted %v, want %v", s.Expires, tt.want)
				}
				if d := time.Until(s.Refresh) + time.Second; d < tt.want*80/100 || d > tt.want*90/100 {
					t.Errorf("refresh after %v of %v", d, tt.want)
				}
			})
		})
	}
}

// A 200 to a REGISTER that does not bind our Contact is no registration. The line says why,
// does not leave the server for it, and tries again with its back-off.
func TestSuccessWithoutABinding(t *testing.T) {
	for _, tt := range []struct {
		name  string
		reply func(res, req *sipmsg.Message)
		why   string
	}{
		{"Expires: 0 alone", func(res, _ *sipmsg.Message) { res.Header.Add("Expires", "0") }, "for 0 s"},
		{"others'", func(res, req *sipmsg.Message) {
			one, two := withExpires(req.Contact[0], "600"), withExpires(req.Contact[0], "600")
			one.URI.User, two.URI.User = "one", "two"
			res.Contact = []sipmsg.Addr{one, two}
		}, "not among the bindings"},
		{"ours for 0 s", func(res, req *sipmsg.Message) { res.Contact = []sipmsg.Addr{withExpires(req.Contact[0], "0")} }, "for 0 s"},
		{"Expires: 0", func(res, req *sipmsg.Message) {
			c := req.Contact[0].Clone()
			c.Params = nil
			res.Contact = []sipmsg.Addr{c}
			res.Header.Add("Expires", "0")
		}, "for 0 s"},
		{"ours for 0 s, and an old one", func(res, req *sipmsg.Message) {
			old := withExpires(req.Contact[0], "600")
			old.URI.Host = "10.0.0.99"
			res.Contact = []sipmsg.Addr{old, withExpires(req.Contact[0], "0")}
		}, "for 0 s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := makeWorld(t)
				answer := func(now time.Time, in *ua.Incoming) {
					res := in.Response(200, "")
					tt.reply(res, in.Req)
					in.RespondWith(now, res)
				}
				w.primary.on(sipmsg.REGISTER, answer)
				w.start("register_ttl = 600")
				w.after(time.Second)
				s := w.line.Snapshot()
				if s.State != registrar.Failed || s.Server != registrar.None || !strings.Contains(w.why(), tt.why) {
					t.Errorf("%s at %s: %s", s.State, s.Server, w.why())
				}
				if n := w.backup.count(); n != 0 {
					t.Errorf("the backup was asked: %s", w.backup.heard(0))
				}
				w.after(2 * time.Minute)
				if n := len(w.primary.all(sipmsg.REGISTER)); n < 2 || n > 5 {
					t.Errorf("%d REGISTERs in two minutes", n)
				}
				w.primary.on(sipmsg.REGISTER, nil)
				w.after(10 * time.Minute)
				if s := w.line.Snapshot(); s.State != registrar.Registered || s.Expires != 600*time.Second {
					t.Fatalf("%s: %s", s.State, w.why())
				}
				// A refresh that is answered so takes the binding away.
				w.primary.on(sipmsg.REGISTER, answer)
				w.line.Register()
				w.after(time.Second)
				if s := w.line.Snapshot(); s.State != registrar.Failed || !strings.Contains(w.why(), tt.why) {
					t.Errorf("after the refresh %s: %s", s.State, w.why())
				}
			})
		})
	}
}

func withExpires(a sipmsg.Addr, seconds string) sipmsg.Addr {
	a = a.Clone()
	a.Params.Set("expires", seconds)
	return a
}

// What the REGISTER says.
func TestRegisterRequest(t *testing.T) {
	inWorld(t, []string{"display_name = Front Desk", "register_ttl = 600", "username = 1001"}, func(w *world) {
		m := w.primary.last(sipmsg.REGISTER)
		if m.To.Tag() != "" || m.From.Tag() == "" || m.To.Display != "Front Desk" || m.From.URI.String() != "sip:1001@10.0.0.2" {
			t.Errorf("From %v To %v", m.From, m.To)
		}
		c := m.Contact[0]
		if n, _ := c.Expires(); len(m.Contact) != 1 || n != 600 || c.URI.User == "1001" || c.URI.HostPort() != "10.0.0.1:5060" {
			t.Errorf("Contact %v", m.Contact)
		}
		if n, _ := m.Expires(); n != 600 || m.Header.Get("Max-Forwards") != "70" || m.Header.Get("User-Agent") != "tipring/test" {
			t.Errorf("header %v", m.Header)
		}
	})
}

// 423 Interval Too Brief is followed, Retry-After is kept.
func TestRegisterAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := makeWorld(t)
		w.primary.on(sipmsg.REGISTER, func(now time.Time, in *ua.Incoming) {
			if n, _ := in.Req.Contact[0].Expires(); n < 1800 {
				res := in.Response(423, "")
				res.Header.Add("Min-Expires", "1800")
				in.RespondWith(now, res)
				return
			}
			w.primary.bind(now, in)
		})
		w.start("register_ttl = 60")
		w.after(time.Second)
		w.wantServer("primary", w.primary, 0, "REGISTER REGISTER")
		if s := w.line.Snapshot(); s.Expires != 1800*time.Second || s.State != registrar.Registered {
			t.Errorf("%+v", s.Status)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		w := makeWorld(t)
		w.primary.refuses(sipmsg.REGISTER, 503, "Retry-After: 100 (restarting);duration=60")
		w.start("failback_interval = 10")
		w.after(time.Second)
		w.wantServer("backup", w.backup, 0, "REGISTER")
		w.after(98 * time.Second)
		w.wantServer("primary", w.primary, 0, "REGISTER")
		w.primary.fails(0)
		w.after(20 * time.Second)
		w.wantServer("primary", w.primary, 0, "REGISTER REGISTER")
		if w.line.Snapshot().Server != registrar.Primary {
			t.Errorf("not home: %s", w.why())
		}
	})
}

// A wrong password is told, repeated slowly, and moves nothing.
func TestWrongPassword(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := makeWorld(t)
		w.primary.asks("pbx", "other")
		w.start()
		w.after(19 * time.Minute)
		if n := w.primary.count(); n > 3 {
			t.Errorf("%d REGISTERs in 19 minutes", n)
		}
		w.wantServer("backup", w.backup, 0, "")
		s := w.line.Snapshot()
		if s.State != registrar.Failed || s.LastErr == nil || !strings.Contains(s.LastErr.Error(), "wrong user name or password") ||
			!strings.Contains(s.LastErr.Error(), "401") || strings.Contains(s.LastErr.Error(), "secret") {
			t.Errorf("state %v: %v", s.State, s.LastErr)
		}
		w.dial("600") // and a call does not hammer it either
		w.after(time.Second)
		w.wantPhone("started ended")
		if n := w.primary.count(); n > 3 {
			t.Errorf("%d REGISTERs after a call", n)
		}
		w.primary.asks("pbx", "secret")
		w.after(6 * time.Minute)
		if w.line.Snapshot().State != registrar.Registered {
			t.Errorf("the password is right now: %s", w.why())
		}
	})
}

// Credentials are for the configured realm, and for a server that asks for it.
func TestForeignRealm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := makeWorld(t)
		w.primary.asks("evil", "secret")
		w.start("realm = pbx")
		w.after(time.Minute)
		for _, m := range w.primary.all(sipmsg.REGISTER) {
			if _, ok := m.Header.Lookup("Authorization"); ok {
				t.Error("a foreign realm was answered")
			}
		}
		if s := w.line.Snapshot(); s.State != registrar.Failed || !strings.Contains(s.LastErr.Error(), "not the configured realm") {
			t.Errorf("state %v: %v", s.State, s.LastErr)
		}
	})
}

// While on the backup the primary is probed by a REGISTER of its own; its 200 brings the
// line home and the backup's binding is taken away. Probes before the last good one, and
// those during a call, make no binding.
func TestFailbackProbes(t *testing.T) {
	inWorld(t, []string{"failback_interval = 60", "failback_good_probes = 3"}, func(w *world) {
		w.primary.host.Fail(memnet.Silent)
		w.line.Register()
		w.after(span + time.Second)
		w.primary.host.Fail(memnet.Alive)
		n := w.primary.count()
		w.after(2*time.Minute + 5*time.Second)
		w.wantServer("primary", w.primary, n, "REGISTER REGISTER")
		for _, m := range w.primary.all(sipmsg.REGISTER)[n:] {
			if len(m.Contact) != 0 {
				t.Errorf("a probe with Contact %v", m.Contact)
			}
		}
		if w.line.Snapshot().Server != registrar.Backup {
			t.Fatal("home before the third good probe")
		}
		w.after(time.Minute)
		w.wantServer("primary", w.primary, n, "REGISTER REGISTER REGISTER")
		probe := w.primary.last(sipmsg.REGISTER)
		if bound := w.backup.all(sipmsg.REGISTER)[0]; len(probe.Contact) != 1 || probe.CallID == bound.CallID {
			t.Errorf("the probe that counts: Contact %v, Call-ID %s", probe.Contact, probe.CallID)
		}
		if w.line.Snapshot().Server != registrar.Primary {
			t.Fatalf("not home: %s", w.why())
		}
		if e, _ := w.backup.last(sipmsg.REGISTER).Contact[0].Expires(); e != 0 {
			t.Error("the backup's binding stays")
		}
		callID := probe.CallID
		w.line.Register()
		w.after(time.Second)
		if m := w.primary.last(sipmsg.REGISTER); m.CallID != callID || m.CSeq.Seq <= probe.CSeq.Seq {
			t.Errorf("the binding goes on with Call-ID %s CSeq %d after %s %d", m.CallID, m.CSeq.Seq, callID, probe.CSeq.Seq)
		}
	})
}

// The options of failback, seen from a line.
func TestFailbackOptions(t *testing.T) {
	tests := []struct {
		name     string
		settings []string
		calling  bool // a call is up all the time
		want     registrar.Server
	}{
		{"default", nil, false, registrar.Primary},
		{"not under a call", nil, true, registrar.Backup},
		{"failback_in_call", []string{"failback_in_call = 1"}, true, registrar.Primary},
		{"off", []string{"enable_failback = 0"}, false, registrar.Backup},
		{"hold", []string{"failback_hold_s = 3600"}, false, registrar.Backup},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, append(tt.settings, "failback_interval = 60"), func(w *world) {
				w.primary.host.Fail(memnet.Silent)
				w.line.Register()
				w.after(span + time.Second)
				w.primary.host.Fail(memnet.Alive)
				if tt.calling {
					w.talking()
				}
				w.after(10 * time.Minute)
				if got := w.line.Snapshot().Server; got != tt.want {
					t.Fatalf("at the %v: %s", got, w.why())
				}
				if tt.calling {
					w.phone.call().Hangup()
					w.after(2 * time.Minute)
					if got := w.line.Snapshot().Server; got != registrar.Primary {
						t.Errorf("after the call at the %v: %s", got, w.why())
					}
				}
			})
		})
	}
}

// signal_failback: a new call tries the primary first, though it was dead when last heard
// of; its answer brings the line home when the call has ended.
func TestSignalFailback(t *testing.T) {
	inWorld(t, []string{"signal_failback = 1"}, func(w *world) {
		w.primary.host.Fail(memnet.Silent)
		w.line.Register()
		w.after(span + time.Second)
		began := time.Now()
		w.dial("600")
		w.after(span + time.Second)
		if at := w.backup.times(sipmsg.INVITE, began); len(at) != 1 || at[0] != span {
			t.Errorf("INVITE at the backup after %v, want the primary's span first", at)
		}
		w.phone.call().Hangup()
		w.after(time.Second)
		w.primary.host.Fail(memnet.Alive)
		n := w.primary.count()
		w.talking()
		if got := w.primary.heard(n); !strings.HasPrefix(got, "INVITE ") {
			t.Errorf("primary heard %q", got)
		}
		w.phone.call().Hangup()
		w.after(time.Second)
		if w.line.Snapshot().Server != registrar.Primary {
			t.Errorf("not home: %s", w.why())
		}
	})
}

// warm_backup: bound at both, so that a call that meets a dead primary needs no REGISTER.
func TestWarmBackup(t *testing.T) {
	inWorld(t, []string{"warm_backup = 1", "failback_interval = 60"}, func(w *world) {
		w.wantServer("backup", w.backup, 0, "REGISTER")
		w.primary.host.Fail(memnet.Refusing)
		w.dial("600")
		w.after(time.Second)
		w.wantServer("backup", w.backup, 1, "INVITE ACK")
		w.phone.call().Hangup()
		w.primary.host.Fail(memnet.Alive)
		w.after(2 * time.Minute)
		if w.line.Snapshot().Server != registrar.Primary {
			t.Errorf("not home: %s", w.why())
		}
		for _, m := range w.backup.all(sipmsg.REGISTER) {
			if e, _ := m.Contact[0].Expires(); e == 0 {
				t.Error("the warm binding was taken away")
			}
		}
	})
}

// A connection that is lost is made anew soon, and the line is bound over it.
func TestLostConnection(t *testing.T) {
	inWorld(t, []string{"transport = tcp"}, func(w *world) {
		first := w.primary.last(sipmsg.REGISTER).Contact[0].URI.Port
		w.primary.host.Cut()
		w.after(31 * time.Second)
		m := w.primary.last(sipmsg.REGISTER)
		if m.Contact[0].URI.Port == first || w.line.Snapshot().State != registrar.Registered {
			t.Fatalf("still bound by the connection that is gone: %v", m.Contact)
		}
		if len(m.Contact) != 2 || m.Contact[1].URI.Port != first {
			t.Errorf("Contact %v, want the old one to be removed", m.Contact)
		}
		w.wantServer("backup", w.backup, 0, "")
	})
}

// A REGISTER on a connection that turns out to be stale is sent again on a new one.
func TestStaleConnection(t *testing.T) {
	inWorld(t, []string{"transport = tcp"}, func(w *world) {
		cut := false
		w.primary.on(sipmsg.REGISTER, func(now time.Time, in *ua.Incoming) {
			if !cut {
				cut = true
				w.primary.host.Cut()
				return
			}
			w.primary.bind(now, in)
		})
		w.line.Register()
		w.after(time.Second)
		w.wantServer("primary", w.primary, 1, "REGISTER REGISTER")
		w.wantServer("backup", w.backup, 0, "")
	})
}

// A line without register_addr calls through its proxies and is at one of them.
func TestUnregisteredLine(t *testing.T) {
	inWorld(t, []string{"register_addr =", "backup_addr =", "proxy_addr = 10.0.0.2", "backup_proxy_addr = 10.0.0.3",
		"keepalive = options", "failback_interval = 60"}, func(w *world) {
		w.wantServer("primary", w.primary, 0, "")
		c := w.talking()
		w.wantServer("primary", w.primary, 0, "INVITE ACK")
		if s := w.line.Snapshot(); s.State != registrar.Registered || s.ServerAddr != "10.0.0.2:5060" || s.Expires != 0 {
			t.Errorf("%+v", s)
		}
		w.primary.host.Fail(memnet.Silent)
		c.Hangup()
		w.after(span + time.Second)
		w.wantServer("backup", w.backup, 0, "BYE")
		if s := w.line.Snapshot(); s.Server != registrar.Backup {
			t.Errorf("%s", w.why())
		}
		w.primary.host.Fail(memnet.Alive)
		w.after(2 * time.Minute)
		if s := w.line.Snapshot(); s.Server != registrar.Primary {
			t.Errorf("not home: %s", w.why())
		}
		if slices.Contains(strings.Fields(w.primary.heard(0)+" "+w.backup.heard(0)), "REGISTER") {
			t.Error("a line without registrar registers")
		}
	})
}

// dial_without_registered: calls go out although no server has taken a REGISTER.
func TestDialWithoutRegistered(t *testing.T) {
	for _, on := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := makeWorld(t)
			w.primary.refuses(sipmsg.REGISTER, 403)
			w.backup.refuses(sipmsg.REGISTER, 403)
			settings := []string{}
			if on {
				settings = append(settings, "dial_without_registered = 1")
			}
			w.start(settings...)
			w.after(time.Second)
			w.dial("600")
			w.after(time.Second)
			if !on {
				w.wantPhone("started ended")
				if r := w.phone.reason(); !strings.Contains(r.Text, "403") {
					t.Errorf("reason %q does not say why", r.Text)
				}
				return
			}
			w.wantPhone("started ringing pcmu:sendrecv answered")
			w.phone.call().Hangup()
			w.after(time.Second)
			w.phone.news()
			w.primary.host.Fail(memnet.Refusing)
			w.dial("600")
			w.after(time.Second)
			w.wantNews("started ringing pcmu:sendrecv answered")
			w.wantServer("backup", w.backup, 0, "INVITE ACK")
		})
	}
}

// Stop takes the bindings back and hangs up, then it returns.
func TestStop(t *testing.T) {
	inWorld(t, []string{"warm_backup = 1"}, func(w *world) {
		w.talking()
		began := time.Now()
		w.line.Stop(w.ctx)
		if d := time.Since(began); d > time.Second {
			t.Errorf("stopped after %v", d)
		}
		w.wantNews("ended")
		for name, s := range map[string]*fakeServer{"primary": w.primary, "backup": w.backup} {
			if e, _ := s.last(sipmsg.REGISTER).Contact[0].Expires(); e != 0 {
				t.Errorf("%s: still bound", name)
			}
		}
		if w.primary.last(sipmsg.BYE) == nil {
			t.Error("no BYE")
		}
		w.dial("600")
		w.after(time.Second)
		if r := w.phone.reason(); r.Code != 503 {
			t.Errorf("a call on a stopped line: %+v", r)
		}
		c := w.primary.callLine(func(m *sipmsg.Message) { m.RequestURI = w.primary.all(sipmsg.REGISTER)[0].Contact[0].URI })
		w.after(time.Second)
		if got := c.news(); got != "480" {
			t.Errorf("a call to a stopped line: %q", got)
		}
		n := w.primary.count()
		w.after(24 * time.Hour)
		w.wantServer("primary", w.primary, n, "")
	})
}

// With its servers dead a line stops when its owner has no more time.
func TestStopWithoutServers(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.primary.host.Fail(memnet.Silent)
		began := time.Now()
		ctx, cancel := context.WithTimeout(w.ctx, 3*time.Second)
		defer cancel()
		w.line.Stop(ctx)
		if d := time.Since(began); d != 3*time.Second {
			t.Errorf("stopped after %v", d)
		}
	})
}

// The end of the line is the end of its calls, whatever they are at, and of what was
// asked of it in the same moment; nothing is sent any more.
func TestEndOfALine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := makeWorld(t)
		w.primary.refuses(sipmsg.INVITE, 503) // the call moves, and has a binding of its own
		line := w.newLine(lineConfig(t))
		ctx, cancel := context.WithCancel(w.ctx)
		w.phone.line, w.line = line, line
		w.run(func() { line.Run(ctx) })
		w.after(time.Second)
		w.dial("600")
		w.after(time.Second)
		n, m := w.primary.count(), w.backup.count()
		w.phone.news()
		cancel()
		w.dial("601") // in time or too late: it is told its end
		w.after(time.Minute)
		heard := w.phone.news()
		if strings.Count(heard, "ended") != 2 {
			t.Errorf("telephone heard %q, want two ends", heard)
		}
		w.dial("602")
		w.after(time.Second)
		w.wantNews("ended")
		w.wantServer("primary", w.primary, n, "")
		w.wantServer("backup", w.backup, m, "")
		line.Stop(w.ctx) // returns
	})
}

// A line that never ran can be closed, and one that is switched off does nothing.
func TestLinesThatDoNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := makeWorld(t)
		never := w.newLine(lineConfig(t))
		never.Dial(Dial{To: "600", Handler: w.phone})
		never.Close()
		w.wantNews("started ended")
		w.start("enabled = 0")
		w.after(time.Hour)
		w.line.Register()
		w.dial("600")
		w.after(time.Hour)
		w.wantNews("started ended")
		w.wantServer("primary", w.primary, 0, "")
		if s := w.line.Snapshot().Told(); s.State != registrar.Disabled || s.Why != "this line is switched off" {
			t.Errorf("%v: %s", s.State, s.Why)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		w := makeWorld(t)
		w.start("register_addr =", "backup_addr =")
		w.after(time.Hour)
		w.dial("600")
		w.dial("600@10.0.0.2")
		w.after(time.Hour)
		w.wantNews("started ended started ended")
		if s := w.line.Snapshot().Told(); !strings.Contains(s.Why, "no server") {
			t.Errorf("why: %s", s.Why)
		}
	})
}

// A line that waits out its back-off starts as soon as another line of the device hears
// from a server again.
func TestOtherLinesTellOfAServersReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := makeWorld(t)
		w.primary.host.Fail(memnet.Silent)
		w.backup.host.Fail(memnet.Silent)
		w.start()
		w.after(time.Hour)
		w.primary.host.Fail(memnet.Alive)
		if w.line.Snapshot().State != registrar.Failed {
			t.Fatalf("%s", w.why())
		}
		other := w.newLine(lineConfig(t, "username = 1002"))
		w.run(func() { other.Run(w.ctx) })
		w.after(5 * time.Second)
		for _, l := range []*Line{other, w.line} {
			if s := l.Snapshot(); s.State != registrar.Registered {
				t.Errorf("line of %s: %s", s.AOR, s.Told().Why)
			}
		}
	})
}

// Behind a NAT the binding names the public address, from the first moment on, and
// follows it; a NAT that maps each packet anew makes no storm.
func TestBindingBehindANAT(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := makeWorld(t)
		port := 41000
		w.primary.on(sipmsg.REGISTER, func(now time.Time, in *ua.Incoming) {
			res := in.Response(200, "")
			res.Contact = in.Req.Contact
			res.Via[0].Params.Set("received", "192.0.2.1")
			res.Via[0].Params.Set("rport", strconv.Itoa(port))
			in.RespondWith(now, res)
		})
		w.start()
		w.after(time.Second)
		all := w.primary.all(sipmsg.REGISTER)
		if len(all) != 2 || all[0].Contact[0].URI.HostPort() != "10.0.0.1:5060" || all[1].Contact[0].URI.HostPort() != "192.0.2.1:41000" {
			t.Fatalf("%d REGISTERs, the last with %v", len(all), all[len(all)-1].Contact)
		}
		if old := all[1].Contact[1]; old.URI.HostPort() != "10.0.0.1:5060" || old.Params.Clone() == nil {
			t.Errorf("the binding of the private address stays: %v", all[1].Contact)
		} else if e, ok := old.Expires(); !ok || e != 0 {
			t.Errorf("the binding of the private address has %d s", e)
		}
		w.after(time.Minute)
		if n := w.primary.count(); n != 2 {
			t.Errorf("%d REGISTERs although nothing changed", n)
		}
		port = 42000
		w.line.Register() // anything that has an answer shows the new mapping
		w.after(time.Second)
		if m := w.primary.last(sipmsg.REGISTER); m.Contact[0].URI.HostPort() != "192.0.2.1:42000" || len(m.Contact) != 2 {
			t.Errorf("Contact %v", m.Contact)
		}
		w.primary.on(sipmsg.REGISTER, func(now time.Time, in *ua.Incoming) {
			port++
			res := in.Response(200, "")
			res.Contact = in.Req.Contact
			res.Via[0].Params.Set("received", "192.0.2.1")
			res.Via[0].Params.Set("rport", strconv.Itoa(port))
			in.RespondWith(now, res)
		})
		n := w.primary.count()
		w.line.Register()
		w.after(10 * time.Minute)
		if got := w.primary.count() - n; got < 2 || got > 10*60/30+2 {
			t.Errorf("%d REGISTERs in ten minutes behind a NAT that changes its mind", got)
		}
	})
}
