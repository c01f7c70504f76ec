package lines

import (
	"testing"
	"testing/synctest"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/transport/memnet"
	"tipring/registrar"
)

func TestRegisterAndCall(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.wantServer("primary", w.primary, 0, "REGISTER")
		if st := w.line.Snapshot(); st.State != registrar.Registered || st.Server != registrar.Primary || st.ServerAddr != "10.0.0.2:5060" {
			t.Fatalf("snapshot %+v", st)
		}
		w.dial("600")
		w.after(time.Second)
		w.wantPhone("started ringing pcmu:sendrecv answered")
		w.wantServer("primary", w.primary, 1, "INVITE ACK")
		w.phone.call().Hangup()
		w.after(time.Second)
		w.wantServer("primary", w.primary, 3, "BYE")
		if got := w.primary.last(sipmsg.BYE).RequestURI.String(); got != "sip:far@10.0.0.9" {
			t.Errorf("BYE to %s, want the far end's Contact", got)
		}
		if n := w.line.Snapshot().Calls; n != 0 {
			t.Errorf("%d calls are left", n)
		}
	})
}

func TestKeepaliveHasSeenItSoTheCallIsNotDelayed(t *testing.T) {
	inWorld(t, []string{"keepalive = options"}, func(w *world) {
		w.primary.host.Fail(memnet.Silent)
		w.after(time.Minute)
		if w.line.Snapshot().Server != registrar.Backup {
			t.Fatalf("not moved: %s", w.why())
		}
		began := time.Now()
		w.dial("600")
		w.after(10 * time.Millisecond)
		if at := w.backup.times(sipmsg.INVITE, began); len(at) != 1 || at[0] != 0 {
			t.Errorf("INVITE at the backup after %v, want at once", at)
		}
	})
}

func TestRingingCallIsNotSentAgain(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.primary.on(sipmsg.INVITE, w.primary.ring)
		w.dial("600")
		w.after(time.Second)
		w.primary.host.Fail(memnet.Silent)
		w.after(time.Minute)
		w.wantServer("backup", w.backup, 0, "")
		w.wantPhone("started ringing")
	})
}

func TestHundredThenSilence(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.primary.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) { in.Respond(now, 100, "") })
		w.dial("600")
		w.after(14900 * time.Millisecond)
		w.wantServer("backup", w.backup, 0, "")
		w.after(200 * time.Millisecond)
		w.wantServer("primary", w.primary, 1, "INVITE")
		w.wantServer("backup", w.backup, 0, "REGISTER INVITE ACK")
	})
}

func TestLateAnswerOfTheAbandonedServer(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		var held *ua.Incoming
		w.primary.on(sipmsg.INVITE, func(_ time.Time, in *ua.Incoming) { held = in })
		path := w.net.Path(w.primary.host, w.agent)
		path.Drop(memnet.All) // the 100 that the server sends by itself
		w.dial("600")
		w.after(9 * time.Second)
		w.wantPhone("started ringing pcmu:sendrecv answered")
		path.Drop(nil)
		w.primary.post(func(now time.Time) { w.primary.take(now, held) })
		w.after(time.Second)
		w.wantServer("primary", w.primary, 1, "INVITE ACK BYE")
		w.wantPhone("started ringing pcmu:sendrecv answered")
	})
}

func TestLateProvisionalOfTheAbandonedServerIsCancelled(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		var held *ua.Incoming
		cancelled := false
		w.primary.on(sipmsg.INVITE, func(_ time.Time, in *ua.Incoming) {
			held = in
			in.OnCancel = func(now time.Time) { cancelled = true; in.Respond(now, 487, "") }
		})
		path := w.net.Path(w.primary.host, w.agent)
		path.Drop(memnet.All)
		w.dial("600")
		w.after(9 * time.Second)
		path.Drop(nil)
		w.primary.post(func(now time.Time) { w.primary.ring(now, held) })
		w.after(time.Second)
		if !cancelled {
			t.Error("the abandoned server rings on")
		}
	})
}

func TestRefusalsDoNotFailOver(t *testing.T) {
	for _, code := range []int{403, 404, 486, 408, 480, 502, 600} {
		inWorld(t, nil, func(w *world) {
			w.primary.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) { in.Respond(now, code, "") })
			w.dial("600")
			w.after(time.Minute)
			w.wantServer("backup", w.backup, 0, "")
			if got := w.phone.reason().Code; got != code {
				t.Errorf("reason %d, want %d", got, code)
			}
		})
	}
}

func TestByeFailover(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.dial("600")
		w.after(time.Second)
		invite := w.primary.last(sipmsg.INVITE)
		w.primary.host.Fail(memnet.Silent)
		w.phone.call().Hangup()
		w.wantPhoneSoon("ended")
		w.after(9 * time.Second)
		w.wantServer("backup", w.backup, 0, "REGISTER BYE")
		bye := w.backup.last(sipmsg.BYE)
		if bye.CallID != invite.CallID || bye.From.Tag() != invite.From.Tag() || bye.To.Tag() == "" {
			t.Errorf("BYE of another dialog: %v", bye)
		}
		if bye.RequestURI.String() != "sip:far@10.0.0.9" {
			t.Errorf("Request-URI %s changed", bye.RequestURI)
		}
		if bye.CSeq.Seq != invite.CSeq.Seq+2 {
			t.Errorf("CSeq %d after INVITE %d and a BYE to the primary", bye.CSeq.Seq, invite.CSeq.Seq)
		}
		if len(bye.Route) != 1 || bye.Route[0].URI.Host != "10.0.0.3" {
			t.Errorf("Route %v, want the backup with lr", bye.Route)
		}
		if _, lr := bye.Route[0].URI.Params.Get("lr"); !lr {
			t.Error("Route without lr")
		}
	})
}

func TestFailbackComesByItself(t *testing.T) {
	inWorld(t, []string{"failback_interval = 60", "keepalive = options"}, func(w *world) {
		w.primary.host.Fail(memnet.Silent)
		w.after(time.Minute)
		w.primary.host.Fail(memnet.Alive)
		w.dial("600")
		w.after(2 * time.Minute)
		if w.line.Snapshot().Server != registrar.Backup {
			t.Fatal("moved under a call")
		}
		main := w.backup.last(sipmsg.REGISTER).CallID
		w.phone.call().Hangup()
		w.after(time.Second)
		if s := w.line.Snapshot(); s.Server != registrar.Primary {
			t.Fatalf("not home: %s", w.why())
		}
		if probe := w.primary.last(sipmsg.REGISTER); probe.CallID == main {
			t.Error("the probe is not a REGISTER of its own Call-ID")
		}
		last := w.backup.last(sipmsg.REGISTER)
		if e, _ := last.Contact[0].Params.Get("expires"); e != "0" {
			t.Errorf("the backup's binding was not removed: expires %q", e)
		}
	})
}

// Challenges are answered, and a nonce that still serves is used again.
func TestDigest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := makeWorld(t)
		w.primary.asks("pbx", "secret")
		w.start()
		w.after(time.Second)
		w.wantServer("primary", w.primary, 0, "REGISTER REGISTER")
		w.talking()
		n := w.primary.count()
		w.line.Register()
		w.after(time.Second)
		w.wantServer("primary", w.primary, n, "REGISTER")
	})
}

// wantPhoneSoon waits until the last thing the telephone heard is what.
func (w *world) wantPhoneSoon(what string) {
	w.t.Helper()
	for range 100 {
		w.phone.mu.Lock()
		n := len(w.phone.log)
		ok := n > 0 && w.phone.log[n-1] == what
		w.phone.mu.Unlock()
		if ok {
			return
		}
		w.after(10 * time.Millisecond)
	}
	w.t.Fatalf("telephone heard %q, not %q", w.phone.heard(), what)
}
