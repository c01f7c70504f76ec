package fax

import (
	"io"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tipring/internal/nat"
	"tipring/internal/offer"
	"tipring/lines"
	"tipring/t38/t30"
)

// every drops one datagram of n that a filter lets through, of those that are UDPTL.
func every(n int) func(from, to netip.AddrPort, b []byte) bool {
	var mu sync.Mutex
	count := 0
	return func(_, _ netip.AddrPort, b []byte) bool {
		if dropUDPTL(netip.AddrPort{}, netip.AddrPort{}, b) {
			return true
		}
		mu.Lock()
		defer mu.Unlock()
		count++
		return count%n != 0
	}
}

// A network that loses one packet of twelve costs a fax nothing, whatever makes up for it.
func TestLossIsHealed(t *testing.T) {
	for _, ec := range []string{"redundancy", "fec"} {
		t.Run(ec, func(t *testing.T) {
			inBubble(t, with(func(s *Settings) { s.EC, s.ECM = ec, false }), func(t *testing.T, r *rig) {
				box := newMailbox(t)
				r.far.sink = box
				r.filter(every(12))
				out := r.send(letter(t, 2), nil).wait()
				in := r.took()
				mustSend(t, out, in, 2, "t38")
				box.mustHold(t, 0, 1)
				if in.PacketsLost == 0 || in.PacketsHealed != in.PacketsLost {
					t.Errorf("%d packets lost, %d healed", in.PacketsLost, in.PacketsHealed)
				}
			})
		})
	}
}

// The number of copies of each packet follows the repairs, and the record says so.
func TestMoreCopiesAreTold(t *testing.T) {
	inBubble(t, usual(), func(t *testing.T, r *rig) {
		box := newMailbox(t)
		r.far.sink = box
		r.filter(gaps(r.near.ip, 2*time.Second, 250*time.Millisecond))
		out := r.send(letter(t, 3), nil).wait()
		mustSend(t, out, r.took(), 3, "t38")
		box.mustHold(t, 0, 2)
		told := ""
		for _, p := range out.Pages {
			told += p.What
		}
		contains(t, told, "each packet of T.38 goes ")
	})
}

// gaps drops all UDPTL of one end for a while, again and again.
func gaps(from netip.Addr, every, long time.Duration) func(from, to netip.AddrPort, b []byte) bool {
	begun := time.Now()
	return func(a, _ netip.AddrPort, b []byte) bool {
		at := time.Since(begun) - 8*time.Second // behind the first training
		return at < 0 || a.Addr() != from || dropUDPTL(a, a, b) || at%every > long
	}
}

// What redundancy cannot heal, ECM repairs, and the record says so page by page.
func TestRepairsAreTold(t *testing.T) {
	inBubble(t, with(func(s *Settings) { s.Image = 0 }), func(t *testing.T, r *rig) {
		box := newMailbox(t)
		r.far.sink = box
		r.filter(gaps(r.near.ip, 3*time.Second, 200*time.Millisecond))
		out := r.send(letter(t, 3), nil).wait()
		in := r.took()
		mustSend(t, out, in, 3, "t38")
		box.mustHold(t, 0, 2)
		repairs := 0
		for i, p := range out.Pages {
			repairs += p.Repairs
			if p.Repairs > 0 {
				contains(t, p.What, "by ECM")
			}
			if p.Repairs != in.Pages[i].Repairs {
				t.Errorf("page %d: %d repairs sent, %d received", p.N, p.Repairs, in.Pages[i].Repairs)
			}
		}
		if repairs == 0 || out.ECMErrors == 0 || in.ECMErrors == 0 || in.PacketsLost == 0 {
			t.Errorf("%d repairs: %+v, received %+v", repairs, out, in)
		}
	})
}

// A page without error correction that comes damaged is rejected and sent again, more slowly.
func TestRejectionIsTold(t *testing.T) {
	inBubble(t, with(func(s *Settings) { s.Image, s.Control, s.ECM = 0, 3, false }), func(t *testing.T, r *rig) {
		box := newMailbox(t)
		r.far.sink = box
		source := &opened{Source: letter(t, 1)}
		r.filter(func(from, to netip.AddrPort, b []byte) bool {
			if n := source.times.Load(); n != 1 || from.Addr() != r.near.ip || dropUDPTL(from, to, b) {
				return true
			}
			return source.passed.Add(1)%4 != 0
		})
		out := r.send(source, nil).wait()
		in := r.took()
		mustSend(t, out, in, 1, "t38")
		box.mustHold(t, 0, 0)
		if out.RTN == 0 || in.RTN != out.RTN || out.Pages[0].Rate >= 14400 {
			t.Errorf("%+v", out)
		}
		contains(t, out.Pages[0].What, "with RTN")
		contains(t, out.Pages[0].What, "slowed down to")
	})
}

// An opened document counts how often a page of it was begun.
type opened struct {
	t30.Source
	times, passed atomic.Int32
}

// Open implements t30.Source.
func (o *opened) Open(n int, f t30.Format) (io.Reader, error) {
	o.times.Add(1)
	return o.Source.Open(n, f)
}

// 7200 bit/s cannot be told in a DIS: a training for more is refused, and the record says so.
func TestSlowingDownIsTold(t *testing.T) {
	inBubble(t, usual(), func(t *testing.T, r *rig) {
		box := newMailbox(t)
		r.far.sink = box
		r.far.settings.T38, r.far.settings.MaxRate = false, 7200
		out := r.send(letter(t, 2), nil).wait()
		mustSend(t, out, r.took(), 2, "audio")
		contains(t, out.Pages[0].What, "failed, slowed down to 7200 bit/s")
		if out.Pages[1].What != "" || out.Rate != 7200 {
			t.Errorf("%+v", out)
		}
	})
}

// What the other machine can do is told as the vendor's mask has it.
func TestCapabilities(t *testing.T) {
	inBubble(t, usual(), func(t *testing.T, r *rig) {
		r.far.sink = newMailbox(t)
		out := r.send(letter(t, 1), nil).wait()
		in := r.took()
		const mr, mmr, fine = 1 | 2, 1 | 2 | 4, 32 | 64 | 128
		if out.Capabilities != mmr|fine {
			t.Errorf("of the called machine: %d, want %d", out.Capabilities, mmr|fine)
		}
		if in.Capabilities != 1|4 {
			t.Errorf("of the calling machine, which sends MMR with ECM: %d", in.Capabilities)
		}
	})
	for want, c := range map[int]t30.Capabilities{
		0: {}, 1: {ECM: true}, 2: {Codings: t30.Codings(t30.MR)}, 4: {Codings: t30.Codings(t30.MMR)}, 8: {JBIG: true}, 16: {JPEG: true},
		32: {Resolutions: t30.Resolutions(t30.Superfine)}, 64: {Resolutions: t30.Resolutions(t30.R300)}, 128: {Resolutions: t30.Resolutions(t30.Ultrafine)},
	} {
		if got := capabilities(c); got != want {
			t.Errorf("%v: %d, want %d", c, got, want)
		}
	}
}

// The sockets are offered as a STUN server sees them.
func TestSTUN(t *testing.T) {
	inBubble(t, with(func(s *Settings) { s.First = true }), func(t *testing.T, r *rig) {
		server := netip.MustParseAddrPort("127.0.0.9:3478")
		asked := 0
		r.filter(func(from, to netip.AddrPort, b []byte) bool {
			if to != server {
				return true
			}
			asked++
			if answer, ok := nat.Respond(b, from); ok {
				r.packets.Send(answer, server, from)
			}
			return false
		})
		box := newMailbox(t)
		r.far.sink = box
		out := r.send(letter(t, 1), func(o *Outgoing) { o.STUN = func() netip.AddrPort { return server } }).wait()
		mustSend(t, out, r.took(), 1, "t38")
		box.mustHold(t, 0, 0)
		if asked != 3 {
			t.Errorf("%d questions, want those of RTP, RTCP and UDPTL", asked)
		}
	})
	inBubble(t, usual(), func(t *testing.T, r *rig) {
		r.far.sink = newMailbox(t)
		server := netip.MustParseAddrPort("127.0.0.9:3478") // nobody is there
		begun := time.Now()
		s := r.send(letter(t, 1), func(o *Outgoing) { o.STUN = func() netip.AddrPort { return server } })
		r.until("the call", func() bool { return r.far.current() != nil })
		if took := time.Since(begun); took > time.Second {
			t.Errorf("the call waited %v for a STUN server", took)
		}
		mustSend(t, s.wait(), r.took(), 1, "t38")
	})
}

// An end behind an address translator comes from elsewhere than it says, and goes by T.38.
func TestBehindNAT(t *testing.T) {
	for _, who := range []string{"near", "far"} {
		t.Run(who, func(t *testing.T) {
			inBubble(t, usual(), func(t *testing.T, r *rig) {
				inside, outside := r.near.ip, netip.MustParseAddr("10.9.9.9")
				if who == "far" {
					inside = r.far.ip
				}
				r.filter(func(from, to netip.AddrPort, b []byte) bool {
					switch {
					case from.Addr() == inside:
						r.packets.Send(b, netip.AddrPortFrom(outside, from.Port()+1000), to)
					case to.Addr() == outside:
						r.packets.Send(b, from, netip.AddrPortFrom(inside, to.Port()-1000))
					}
					return false // nothing gets to its inner address from outside
				})
				box := newMailbox(t)
				r.far.sink = box
				mustSend(t, r.send(letter(t, 1), nil).wait(), r.took(), 1, "t38")
				box.mustHold(t, 0, 0)
			})
		})
	}
}

// Somebody who calls a mailbox and talks is no fax, and the call ends.
func TestVoiceCallsMailbox(t *testing.T) {
	inBubble(t, usual(), func(t *testing.T, r *rig) {
		r.far.sink = newMailbox(t)
		p := &person{r: r, says: talk(60, 1), done: make(chan struct{})}
		pair, err := r.near.lent.Listen(r.near.ip, "")
		if err != nil {
			t.Fatal(err)
		}
		p.open(pair)
		r.near.line.Dial(lines.Dial{To: "sip:far@127.0.0.2", Handler: p, Media: lines.Media{
			RTPPort: pair.RTP.Local().Port(), RTCPPort: pair.RTCP.Local().Port(), Want: offer.Sound,
		}})
		begun := time.Now()
		in := r.took()
		if took := time.Since(begun); took > 50*time.Second || in.OK || in.Begun || !in.Voice || in.ErrorCode != 28025 || in.CalledResult != Unknown {
			t.Errorf("after %v: %+v", took, in)
		}
		<-p.done
	})
}
