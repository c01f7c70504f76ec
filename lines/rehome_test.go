package lines

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tipring/internal/offer"
	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/transport/memnet"
	"tipring/registrar"
)

// The primary dies in mid-fax. The session is refreshed by way of the backup, before it
// expires, and the fax goes on; so does what is asked for meanwhile.
func TestServerDiesInAFax(t *testing.T) {
	for _, f := range []struct {
		name     string
		strike   memnet.Fault
		settings []string
	}{
		{"silent", memnet.Silent, nil}, {"mute", memnet.Mute, nil}, {"refusing", memnet.Refusing, nil}, {"unreachable", memnet.Unreachable, nil},
		{"silent, pinged", memnet.Silent, []string{"keepalive = options", "keepalive_interval_s = 20"}},
		{"silent, bound at both", memnet.Silent, []string{"warm_backup = 1"}},
		{"TCP silent", memnet.Silent, []string{"transport = tcp", "backup_transport = tcp"}},
		{"TCP refusing", memnet.Refusing, []string{"transport = tcp", "backup_transport = tcp"}},
		{"TLS silent", memnet.Silent, []string{"transport = tls", "backup_transport = tls", "register_port = 5060", "backup_port = 5060"}},
	} {
		for _, update := range []bool{true, false} {
			t.Run(fmt.Sprint(f.name, " UPDATE ", update), func(t *testing.T) {
				inWorld(t, append(f.settings, "session_expires_s = 90"), func(w *world) {
					_, c, refresh := shortSession(w, update)
					for _, s := range []*fakeServer{w.primary, w.backup} {
						s.on(sipmsg.INVITE, refresh)
						s.on(sipmsg.UPDATE, refresh)
					}
					c.Switch(offer.Fax)
					w.after(10 * time.Second)
					w.phone.news()
					w.primary.host.Fail(f.strike)
					w.after(20 * time.Minute)
					w.wantNews("")
					if i := c.Info(); i.State != Connected || i.Codec != "t38" || i.Server != registrar.Backup {
						t.Fatalf("call %+v: %s", i, w.phone.reason().Text)
					}
					c.Switch(offer.Sound)
					w.after(time.Second)
					w.wantNews("no-fax pcmu:sendrecv")
					c.Hangup()
					w.after(time.Second)
					if n := len(w.backup.all(sipmsg.BYE)); n != 1 {
						t.Errorf("%d BYEs by the backup", n)
					}
					w.after(time.Minute)
					w.wantIdle()
				})
			})
		}
	}
}

// A switch that the dead server swallows goes by the other one.
func TestServerDiesBeforeTheSwitch(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.line.Dial(Dial{To: "600", Port: 1, Media: faxMedia(), Handler: faxMachine{w.phone}})
		w.after(time.Second)
		far := w.primary.call()
		w.backup.on(sipmsg.INVITE, far.request)
		w.phone.news()
		w.primary.host.Fail(memnet.Silent)
		c := w.phone.call()
		c.Switch(offer.Fax)
		w.after(span + time.Second)
		w.wantNews("fax:10.0.0.9:40000 silence")
		// What the primary answers late, if it comes back, is acknowledged and no more.
		w.primary.host.Fail(memnet.Alive)
		w.after(time.Minute)
		if i := c.Info(); i.Codec != "t38" || i.State != Connected {
			t.Errorf("call %+v", i)
		}
		c.Hangup()
		w.after(time.Minute)
		w.wantIdle()
	})
}

// The same where the far end called and knows no session timers: this side refreshes.
func TestServerDiesInAFaxOfTheirs(t *testing.T) {
	inWorld(t, []string{"session_expires_s = 90"}, func(w *world) {
		w.phone.incoming = func(*Call) (Handler, int) { return faxMachine{w.phone}, 0 }
		far := w.primary.callLine()
		w.after(time.Second)
		c := w.phone.call()
		c.Answer(faxMedia(), 1)
		w.after(10 * time.Millisecond)
		far.send(sipmsg.INVITE, far.offeringMode(offer.Fax))
		w.after(time.Second)
		w.wantPhone("started pcmu:sendrecv answered fax:10.0.0.9:40000 silence")
		w.backup.on(sipmsg.UPDATE, func(now time.Time, in *ua.Incoming) {
			res := in.Response(200, "")
			res.Header.Add("Session-Expires", "90;refresher=uac")
			in.RespondWith(now, res)
		})
		w.primary.host.Fail(memnet.Silent)
		w.phone.news()
		w.after(20 * time.Minute)
		w.wantNews("")
		if i := c.Info(); i.State != Connected || i.Codec != "t38" || i.Server != registrar.Backup {
			t.Fatalf("call %+v: %s", i, w.phone.reason().Text)
		}
		if u := w.backup.last(sipmsg.UPDATE); u.CallID != far.d.CallID || len(u.Route) != 1 || u.Route[0].URI.Host != "10.0.0.3" {
			t.Errorf("refreshed by %v", u.Route)
		}
		c.Hangup()
		w.after(time.Minute)
		w.wantIdle()
	})
}

// A far end that is gone, behind servers that live: one try by the other server, and no more.
func TestFarEndDiesInAFax(t *testing.T) {
	inFax(t, nil, func(w *world, far *farCall, c *Call) {
		for _, s := range []*fakeServer{w.primary, w.backup} {
			for _, method := range []string{sipmsg.INVITE, sipmsg.BYE} {
				path := w.net.Path(w.agent, s.host)
				path.Drop(func(p memnet.Packet) bool { return strings.HasPrefix(string(p.Wire), sipmsg.INVITE) })
				s.on(method, func(time.Time, *ua.Incoming) {})
			}
		}
		began := time.Now()
		c.Switch(offer.Sound)
		w.after(5 * time.Minute)
		w.wantNews("refused:408")
		for _, s := range []*fakeServer{w.primary, w.backup} {
			if n := len(w.sent(s, sipmsg.INVITE, began)); n != 4 {
				w.t.Errorf("%d INVITEs, want one and three retransmissions by each server", n)
			}
		}
		if i := c.Info(); i.State != Connected || i.Codec != "t38" {
			w.t.Errorf("call %+v", i)
		}
	})
}

// A server's other address comes before the other server.
func TestServerAddressDiesInAFax(t *testing.T) {
	for _, both := range []bool{false, true} {
		named(t, func(w *world, second *fakeServer) {
			w.line.Dial(Dial{To: "600", Port: 1, Media: faxMedia(), Handler: faxMachine{w.phone}})
			w.after(time.Second)
			far := w.primary.call()
			for _, s := range []*fakeServer{second, w.backup} {
				s.on(sipmsg.INVITE, far.request)
			}
			w.phone.news()
			w.primary.host.Fail(memnet.Silent)
			want, by, wait := second, registrar.Primary, span
			if both {
				second.host.Fail(memnet.Silent)
				want, by, wait = w.backup, registrar.Backup, 2*span
			}
			w.phone.call().Switch(offer.Fax)
			w.after(wait + time.Second)
			w.wantNews("fax:10.0.0.9:40000 silence")
			if n := len(want.all(sipmsg.INVITE)); n != 1 || w.phone.call().Info().Server != by {
				t.Errorf("%d INVITEs; call %+v", n, w.phone.call().Info())
			}
			w.phone.call().Hangup()
			w.after(time.Minute)
			w.wantIdle()
		})
	}
}
