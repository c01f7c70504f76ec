package lines

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/transport/memnet"
	"tipring/registrar"
)

// span is what a server gets with three retransmissions, lastSpan what the last one gets.
const (
	span     = 7500 * time.Millisecond
	lastSpan = 32 * time.Second
)

// A fault is a way for a server to be unavailable.
type fault struct {
	name   string
	strike func(s *fakeServer)
	// leave is when the server is left, by whether it is told at once: on UDP, when a
	// connection is made, and on a connection that stands.
	udp, connecting, connected time.Duration
}

// never: the fault does not exist there.
const never = -1

var faults = []fault{
	{"silent", func(s *fakeServer) { s.host.Fail(memnet.Silent) }, span, span, span},
	{"mute", func(s *fakeServer) { s.host.Fail(memnet.Mute) }, span, span, span},
	{"refusing", func(s *fakeServer) { s.host.Fail(memnet.Refusing) }, 0, 0, 0},
	// An ICMP error is a hint that TCP keeps to itself on an open connection (RFC 1122
	// section 4.2.3.9).
	{"unreachable", func(s *fakeServer) { s.host.Fail(memnet.Unreachable) }, 0, 0, span},
	{"cut", func(s *fakeServer) { s.cuts() }, never, 0, 0},
	{"500", func(s *fakeServer) { s.fails(500) }, 0, 0, 0},
	{"503", func(s *fakeServer) { s.fails(503) }, 0, 0, 0},
	{"503 with Retry-After", func(s *fakeServer) { s.fails(503, "Retry-After: 60") }, 0, 0, 0},
}

// cuts has the server cut every connection that brings it something.
func (s *fakeServer) cuts() {
	for _, method := range everything {
		s.on(method, func(time.Time, *ua.Incoming) { s.host.CutShort() })
	}
}

// Every cause of unavailability, over every transport, at every moment: the backup is
// asked when it should be, in the order of the document, and serves.
func TestOutages(t *testing.T) {
	moments := []struct {
		name  string
		heard string // by the backup, in the end
		key   string // the request whose time counts
		run   func(w *world, strike func())
	}{
		{"start", "REGISTER", sipmsg.REGISTER, nil},
		{"REGISTER", "REGISTER", sipmsg.REGISTER, func(w *world, strike func()) {
			strike()
			w.line.Register()
		}},
		{"INVITE", "REGISTER INVITE ACK", sipmsg.REGISTER, func(w *world, strike func()) {
			strike()
			w.dial("600")
		}},
		{"BYE", "REGISTER BYE", sipmsg.BYE, func(w *world, strike func()) {
			w.talking()
			strike()
			w.phone.call().Hangup()
		}},
	}
	for _, transport := range []string{"udp", "tcp", "tls"} {
		for _, f := range faults {
			for _, m := range moments {
				leave := f.connected
				switch {
				case transport == "udp":
					leave = f.udp
				case m.run == nil:
					leave = f.connecting
				}
				if leave == never {
					continue
				}
				t.Run(fmt.Sprintf("%s/%s/%s", transport, f.name, m.name), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						w := makeWorld(t)
						settings := []string{"transport = " + transport, "backup_transport = " + transport, "register_port = 5060", "backup_port = 5060"}
						var began time.Time
						strike := func() {
							f.strike(w.primary)
							began = time.Now()
						}
						if m.run == nil {
							strike()
							w.start(settings...)
						} else {
							w.start(settings...)
							w.after(time.Second)
							m.run(w, strike)
						}
						w.after(leave + time.Second)
						w.wantServer("backup", w.backup, 0, m.heard)
						if at := w.backup.times(m.key, began); len(at) != 1 || at[0] != leave {
							t.Errorf("%s at the backup after %v, want %v", m.key, at, leave)
						}
						w.after(span + time.Second)
						if s := w.line.Snapshot(); s.Server != registrar.Backup || s.State != registrar.Registered {
							t.Errorf("the line is not at the backup: %s", w.why())
						}
						if m.name == "INVITE" {
							w.wantPhone("started ringing pcmu:sendrecv answered")
						}
						if want := 4; transport == "udp" && leave == span && m.name != "BYE" {
							method := m.name
							if m.run == nil {
								method = sipmsg.REGISTER
							}
							if at := w.sent(w.primary, method, began); len(at) != want {
								t.Errorf("%d %s to the primary at %v, want 1 and 3 retransmissions", len(at), method, at)
							}
						}
					})
				})
			}
		}
	}
}

// The retransmission count is the configuration's.
func TestSignalRetryCounts(t *testing.T) {
	for count, want := range map[int]time.Duration{0: 500 * time.Millisecond, 1: 1500 * time.Millisecond, 5: 31500 * time.Millisecond, 10: lastSpan} {
		inWorld(t, []string{fmt.Sprintf("signal_retry_counts = %d", count)}, func(w *world) {
			w.primary.host.Fail(memnet.Silent)
			began := time.Now()
			w.dial("600")
			w.after(want + time.Second)
			if at := w.backup.times(sipmsg.INVITE, began); len(at) != 1 || at[0] != want {
				t.Errorf("signal_retry_counts = %d: INVITE at the backup after %v, want %v", count, at, want)
			}
		})
	}
}

// All down: every server in order with its span, the last with 64*T1; then the call fails,
// the status says why, and the line goes on looking.
func TestAllDown(t *testing.T) {
	for _, transport := range []string{"udp", "tcp", "tls"} {
		for _, f := range []memnet.Fault{memnet.Silent, memnet.Mute} {
			inWorld(t, []string{"transport = " + transport, "backup_transport = " + transport, "register_port = 5060", "backup_port = 5060"}, func(w *world) {
				w.primary.host.Fail(f)
				w.backup.host.Fail(f)
				began := time.Now()
				w.dial("600")
				w.after(span + lastSpan - time.Millisecond)
				w.wantPhone("started")
				w.after(2 * time.Millisecond)
				w.wantPhone("started ended")
				if r := w.phone.reason(); r.Code != 503 || r.Text == "" {
					t.Errorf("reason %+v", r)
				}
				if n := len(w.sent(w.primary, sipmsg.REGISTER, began)); n != 0 {
					t.Errorf("%d REGISTERs to the primary that had just failed an INVITE", n)
				}
				if s := w.line.Snapshot().Told(); s.State != registrar.Failed || s.Retry.IsZero() || s.Why == "" {
					t.Errorf("snapshot %v, next try %v: %s", s.State, s.Retry, s.Why)
				}
				w.wantIdle()
				w.backup.host.Fail(memnet.Alive)
				w.after(2 * time.Minute)
				if w.line.Snapshot().Server != registrar.Backup {
					t.Errorf("did not find the backup: %s", w.why())
				}
			})
		}
	}
}

// A line without a backup: the only server is the last one. Its call fails when its time
// is over, not when the registration has failed too.
func TestOneServer(t *testing.T) {
	inWorld(t, []string{"backup_addr ="}, func(w *world) {
		w.primary.host.Fail(memnet.Silent)
		w.dial("600")
		w.after(lastSpan - time.Millisecond)
		w.wantPhone("started")
		w.after(2 * time.Millisecond)
		w.wantPhone("started ended")
		w.dial("600") // while the line looks for its server the call waits with it
		w.after(lastSpan)
		w.wantPhone("started ended started ended")
		w.primary.host.Fail(memnet.Alive)
		w.after(2 * time.Minute)
		w.dial("600")
		w.after(time.Second)
		w.wantPhone("started ended started ended started ringing pcmu:sendrecv answered")
	})
}

// A dialled call does not wait for a server that is known to be dead, also in the moment
// in which the line is still making sure of it.
func TestCallWhileTheLineMakesSure(t *testing.T) {
	inWorld(t, []string{"keepalive = options", "keepalive_interval_s = 10"}, func(w *world) {
		w.primary.host.Fail(memnet.Silent)
		// OPTIONS within 11 s, its span; then the REGISTER is under way.
		for w.line.Snapshot().Server == registrar.Primary && !w.asking() {
			w.after(100 * time.Millisecond)
		}
		began := time.Now()
		w.dial("600")
		w.after(100 * time.Millisecond)
		w.wantPhone("started ringing pcmu:sendrecv answered")
		if n := len(w.sent(w.primary, sipmsg.INVITE, began)); n != 0 {
			t.Errorf("%d INVITEs to a server known to be dead", n)
		}
	})
}

// asking reports that the line asks a server for a registration.
func (w *world) asking() bool { return w.line.snapshot.Load().hunting }

// A refused or moved call leaves no binding behind that nobody needs.
func Test503MovesTheCallAndNotTheLine(t *testing.T) {
	for _, code := range []int{500, 503} {
		for _, warm := range []string{"0", "1"} {
			inWorld(t, []string{"warm_backup = " + warm}, func(w *world) {
				n := w.backup.count()
				w.primary.refuses(sipmsg.INVITE, code, "Retry-After: 5")
				w.dial("600")
				w.after(time.Second)
				want := "REGISTER INVITE ACK"
				if warm == "1" {
					want = "INVITE ACK"
				}
				w.wantServer("backup", w.backup, n, want)
				if s := w.line.Snapshot(); s.Server != registrar.Primary || s.Counts.Failovers != 0 {
					t.Errorf("the line moved: %s", w.why())
				}
				n = w.backup.count()
				w.phone.call().Hangup()
				w.after(time.Second)
				want = "BYE REGISTER" // the second one takes the binding back
				if warm == "1" {
					want = "BYE"
				}
				w.wantServer("backup", w.backup, n, want)
			})
		}
	}
}

// Both servers refuse the call: it fails with a reason, the line stays.
func TestBothServersRefuseTheCall(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.primary.refuses(sipmsg.INVITE, 503)
		w.backup.refuses(sipmsg.INVITE, 503)
		w.dial("600")
		w.after(time.Minute)
		w.wantPhone("started ended")
		w.wantServer("primary", w.primary, 1, "INVITE REGISTER")
		w.wantServer("backup", w.backup, 0, "REGISTER INVITE REGISTER")
		if s := w.line.Snapshot(); s.Server != registrar.Primary {
			t.Errorf("the line moved: %s", w.why())
		}
		w.wantIdle()
	})
}

// A 500 or 503 after a 1xx above 100 is the call's end: it is not sent again.
func Test503AfterRinging(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.primary.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
			w.primary.ring(now, in)
			in.Respond(now, 503, "")
		})
		w.dial("600")
		w.after(time.Minute)
		w.wantPhone("started ringing ended")
		w.wantServer("backup", w.backup, 0, "")
	})
}

// Silence to a BYE may be the far end's: the BYE goes by the backup, and the line stays
// where a REGISTER is answered.
func TestUnansweredByeIsNoDeadServer(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.talking()
		w.primary.on(sipmsg.BYE, func(time.Time, *ua.Incoming) {})
		w.phone.call().Hangup()
		w.after(span)
		w.wantServer("backup", w.backup, 0, "REGISTER BYE REGISTER")
		w.wantServer("primary", w.primary, 3, "BYE REGISTER")
		if s := w.line.Snapshot(); s.Server != registrar.Primary || s.Counts.Failovers != 0 {
			t.Errorf("the line moved: %s", w.why())
		}
		w.talking() // the primary is trusted again
		w.wantServer("primary", w.primary, 5, "INVITE ACK")
	})
}

// Until that REGISTER has told, a call avoids the server.
func TestCallAfterAnUnansweredBye(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.talking()
		w.primary.host.Fail(memnet.Silent)
		began := time.Now()
		w.phone.call().Hangup()
		w.after(span + 100*time.Millisecond)
		w.phone.news()
		w.dial("600")
		w.after(100 * time.Millisecond)
		w.wantNews("started ringing pcmu:sendrecv answered")
		if n := len(w.sent(w.primary, sipmsg.INVITE, began)); n != 0 {
			t.Errorf("%d INVITEs to the server that left a BYE unanswered", n)
		}
		if s := w.line.Snapshot(); s.Server != registrar.Backup || s.Counts.Failovers != 1 {
			t.Errorf("not at the backup: %s", w.why())
		}
	})
}

// The far end's own address is none of the line's servers: what fails there fails over
// nowhere.
func TestByeToAFarEndWithoutAServerBetween(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.primary.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
			w.primary.takeWith(now, in, func(res *sipmsg.Message) { res.RecordRoute = nil })
		})
		w.talking()
		w.phone.call().Hangup()
		w.after(time.Minute)
		w.wantServer("backup", w.backup, 0, "")
		w.wantIdle()
	})
}

// An OPTIONS or a CANCEL without an answer sends the line looking for a server.
func TestUnansweredCancel(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.primary.on(sipmsg.INVITE, w.primary.ring)
		w.dial("600")
		w.after(time.Second)
		w.primary.host.Fail(memnet.Silent)
		w.phone.call().Hangup()
		w.after(span + span + time.Second)
		w.wantServer("backup", w.backup, 0, "REGISTER")
		w.wantPhone("started ringing ended")
		w.after(time.Minute)
		w.wantIdle()
	})
}
