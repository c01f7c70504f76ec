package call

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v3"

	"tipring/internal/media"
	"tipring/internal/offer"
	"tipring/lines/fxs"
)

// A stunServer tells everybody that they are at 203.0.113.5, where the ports are one
// thousand higher.
type stunServer struct {
	pair   *media.Pair
	asked  int
	first  time.Time                       // when it was asked first
	silent func(asked netip.AddrPort) bool // asked from there, it says nothing; nil: it answers all
}

func (s *stunServer) work() {
	if s == nil {
		return
	}
	var buf [512]byte
	for {
		d, ok := s.pair.RTP.Read(buf[:])
		if !ok {
			return
		}
		if s.asked++; s.asked == 1 {
			s.first = time.Now()
		}
		if s.silent != nil && s.silent(d.From) {
			continue
		}
		question := stun.Message{Raw: append([]byte(nil), buf[:d.N]...)}
		if question.Decode() != nil {
			continue
		}
		answer, err := stun.Build(stun.NewTransactionIDSetter(question.TransactionID), stun.BindingSuccess,
			&stun.XORMappedAddress{IP: []byte{203, 0, 113, 5}, Port: int(d.From.Port()) + 1000})
		if err == nil {
			err = s.pair.RTP.Write(answer.Raw, d.From)
		}
		if err != nil {
			panic(err)
		}
	}
}

// close ends the server; from then on nobody is answered.
func (s *stunServer) close() {
	if s != nil {
		_ = s.pair.Close() // of sockets on loopback, perhaps a second time
	}
}

// stunned is a port that asks a STUN server.
func stunned(r **stunServer, s settings) settings {
	more := s.config
	s.config = func(c *Config) {
		if more != nil {
			more(c)
		}
		c.STUN = func() netip.AddrPort {
			if *r == nil {
				return netip.AddrPort{}
			}
			return (*r).pair.RTP.Local()
		}
	}
	return s
}

// inSTUNRig is inRig with a STUN server.
func inSTUNRig(t *testing.T, s settings, test func(r *rig, server *stunServer)) {
	t.Helper()
	var server *stunServer
	inRig(t, stunned(&server, s), func(r *rig) {
		pair, err := r.far.rtp.Listen(netip.MustParseAddr("127.0.0.1"), "")
		if err != nil {
			t.Fatal(err)
		}
		server = &stunServer{pair: pair}
		r.far.stun = server
		test(r, server)
	})
}

// offered is where the line's INVITE wants RTP and RTCP sent to.
func (c *farCall) offered() (addr string, port int, rtcp string) {
	d, err := offer.Parse(c.invite.Body)
	if err != nil {
		c.f.r.t.Fatalf("%v", err)
	}
	rtcp, _ = d.Media[0].Attributes.Get("rtcp")
	return d.Address(0).Host, d.Media[0].Port, rtcp
}

func TestOffersTheOutsideAddress(t *testing.T) {
	even := func(from netip.AddrPort) bool { return from.Port()%2 == 0 }
	odd := func(from netip.AddrPort) bool { return from.Port()%2 == 1 }
	for _, tt := range []struct {
		name   string
		silent func(netip.AddrPort) bool
		addr   string
		later  int // added to the port
		waits  time.Duration
	}{
		{"both told", nil, "203.0.113.5", 1000, 0},
		{"neither told", func(netip.AddrPort) bool { return true }, "127.0.0.1", 0, 740 * time.Millisecond},
		{"only RTP told", odd, "203.0.113.5", 1000, 740 * time.Millisecond},
		{"only RTCP told", even, "127.0.0.1", 0, 740 * time.Millisecond},
	} {
		inSTUNRig(t, settings{}, func(r *rig, server *stunServer) {
			server.silent = tt.silent
			ph := r.phone()
			ph.dial("600")
			r.until("the call comes", func() bool { return len(r.far.calls) > 0 })
			if waited := r.far.last().at.Sub(server.first); waited < tt.waits || waited > tt.waits+100*time.Millisecond {
				t.Errorf("%s: called after %v", tt.name, waited)
			}
			far := r.far.last()
			addr, port, rtcp := far.offered()
			if local := int(ph.port.now.pair.RTP.Local().Port()); addr != tt.addr || port != local+tt.later || rtcp != "" {
				t.Errorf("%s: offers %s:%d for port %d, rtcp %q", tt.name, addr, port, local, rtcp)
			}
		})
	}
}

func TestAnswersWithTheOutsideAddress(t *testing.T) {
	inSTUNRig(t, settings{}, func(r *rig, _ *stunServer) {
		far := r.far.call()
		r.run(100 * time.Millisecond)
		r.phone().lift()
		r.run(100 * time.Millisecond)
		if far.status() != 200 || far.o.Audio().Remote.Addr().String() != "203.0.113.5" {
			t.Errorf("%v, %+v", far.statuses, far.o.Audio())
		}
	})
}

// Whatever happens while the answer of the STUN server is waited for, nothing of the
// call is left, and nobody is called any more.
func TestEndsWhileTheAddressIsAskedFor(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(ph *telephone)
		rest fxs.State
	}{
		{"hung up", (*telephone).hangUp, fxs.Idle},
		{"unplugged", (*telephone).unplug, fxs.Idle},
		{"hung up and lifted again", func(ph *telephone) { ph.hangUp(); ph.lift() }, fxs.Dialling},
	} {
		inSTUNRig(t, settings{}, func(r *rig, server *stunServer) {
			server.silent = func(netip.AddrPort) bool { return true }
			ph := r.phone()
			ph.dial("600")
			r.run(100 * time.Millisecond)
			if server.asked == 0 || len(r.far.calls) != 0 || ph.port.Snapshot().State != fxs.Calling {
				t.Fatalf("%s: asked %d times, %d calls", tt.name, server.asked, len(r.far.calls))
			}
			tt.end(ph)
			r.run(2 * time.Second)
			if s := ph.port.Snapshot(); len(r.far.calls) != 0 || s.State != tt.rest || r.rtp.InUse() != 0 {
				t.Errorf("%s: %d calls, %+v, %d RTP ports", tt.name, len(r.far.calls), s, r.rtp.InUse())
			}
		})
	}
}

func TestCallerGivesUpWhileTheAddressIsAskedFor(t *testing.T) {
	inSTUNRig(t, settings{}, func(r *rig, server *stunServer) {
		server.silent = func(netip.AddrPort) bool { return true }
		far := r.far.call()
		r.run(100 * time.Millisecond)
		ph := r.phone()
		ph.lift()
		r.run(100 * time.Millisecond)
		far.giveUp()
		r.run(100 * time.Millisecond)
		ph.want(fxs.Parked, reorderTone)
		if r.rtp.InUse() != 0 {
			t.Errorf("%d RTP ports", r.rtp.InUse())
		}
		// The question that is not wanted any more does not meddle with the next call.
		ph.hangUp()
		server.silent = nil
		ph.dial("600")
		r.run(500 * time.Millisecond)
		ph.want(fxs.Talking, nothing)
	})
}

// The handset goes down between the lift and the answer: the caller is refused.
func TestHungUpBeforeTheAnswerIsSent(t *testing.T) {
	inSTUNRig(t, settings{}, func(r *rig, server *stunServer) {
		server.silent = func(netip.AddrPort) bool { return true }
		far := r.far.call()
		r.run(100 * time.Millisecond)
		r.phone().lift()
		r.phone().flash() // too early to hold anybody
		r.phone().hangUp()
		if far.status() != 480 || r.rtp.InUse() != 0 {
			t.Errorf("far end has %v, %d RTP ports", far.statuses, r.rtp.InUse())
		}
	})
}

func TestDialIsHungUpWhileTheAddressIsAskedFor(t *testing.T) {
	inSTUNRig(t, settings{}, func(r *rig, server *stunServer) {
		server.silent = func(netip.AddrPort) bool { return true }
		ph := r.phone()
		w := ph.ask(context.Background(), "600")
		r.run(100 * time.Millisecond)
		ph.lift()
		ph.hangUp()
		if !errors.Is(w.err, errHungUp) || ph.port.Snapshot().State != fxs.Idle {
			t.Errorf("%+v, %+v", w, ph.port.Snapshot())
		}
	})
}

func TestReferredWithSTUN(t *testing.T) {
	inSTUNRig(t, settings{}, func(r *rig, server *stunServer) {
		ph := r.phone()
		ph.dial("600")
		r.run(500 * time.Millisecond)
		far := r.far.last()
		server.silent = func(netip.AddrPort) bool { return true }
		far.refer("700")
		r.run(100 * time.Millisecond)
		far.hangUp() // who referred has gone before the new call begins
		r.run(time.Second)
		ph.want(fxs.Talking, nothing)
		if to := r.far.last().invite.RequestURI.User; to != "700" || r.rtp.InUse() != 1 {
			t.Errorf("called %s, %d RTP ports", to, r.rtp.InUse())
		}
	})
}
