package media

import (
	"bytes"
	"math"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

func TestReportsSurviveTheWire(t *testing.T) {
	info := senderInfo{ntp: 0x0102030405060708, ts: 9, packets: 10, octets: 11}
	block := reportBlock{ssrc: 7, fraction: 200, lost: -3, highest: 0x10002, jitter: 4, lastSR: 5, delay: 6}
	b := appendReport(nil, 42, &info, &block)
	b = appendCNAME(b, 42, "0123456789abcdef")
	b = appendBYE(b, 42)
	r, ok := parseRTCP(b, 7)
	if !ok || r.ssrc != 42 || !r.isSR || r.info != info || !r.has || r.block != block || !r.bye {
		t.Errorf("%v %+v", ok, r)
	}
	if r, ok := parseRTCP(b, 8); !ok || r.has {
		t.Errorf("a block about another: %v %+v", ok, r)
	}
	want := []byte{0x80, 201, 0, 1, 0, 0, 0, 42, 0x81, 202, 0, 3, 0, 0, 0, 42, 1, 1, 'x', 0, 0x81, 203, 0, 1, 0, 0, 0, 42}
	want[11] = 2 // SSRC, CNAME of one octet, end
	if got := appendBYE(appendCNAME(appendReport(nil, 42, nil, nil), 42, "x"), 42); !bytes.Equal(got, want) {
		t.Errorf("got  % x\nwant % x", got, want)
	}
}

func TestMalformedRTCP(t *testing.T) {
	sr := appendReport(nil, 1, &senderInfo{}, &reportBlock{ssrc: 2})
	bye := appendBYE(nil, 1)
	reason := append(append([]byte{0x81, 203, 0, 2, 0, 0, 0, 1}, 3), "end"...)
	padded := append(append([]byte(nil), bye...), 0, 0, 0, 4)
	padded[0] |= 0x20
	padded[3] = 2
	change := func(b []byte, at int, v byte) []byte {
		b = bytes.Clone(b)
		b[at] = v
		return b
	}
	for _, tt := range []struct {
		name string
		b    []byte
		ok   bool
	}{
		{"SR", sr, true}, {"BYE", bye, true}, {"BYE with a reason", reason, true}, {"padded", padded, true},
		{"of a kind not known", []byte{0x80, 206, 0, 1, 0, 0, 0, 1}, true},
		{"nothing", nil, false}, {"three octets", sr[:3], false}, {"version 1", change(sr, 0, 0x41), false},
		{"cut short", sr[:len(sr)-1], false}, {"length too great", change(sr, 2, 1), false},
		{"more blocks than there are", change(sr, 0, 0x9f), false}, {"an SR as short as an RR", change(appendReport(nil, 1, nil, nil), 1, 200), false},
		{"BYE of more sources than there are", change(bye, 0, 0x82), false},
		{"a reason longer than the packet", change(reason, 8, 4), false},
		{"padding of nothing", change(padded, 11, 0), false}, {"more padding than packet", change(padded, 11, 9), false},
		{"padding in the middle", append(bytes.Clone(padded), bye...), false},
		{"padding without content", []byte{0xa0, 203, 0, 0}, false},
		{"junk at the end", append(bytes.Clone(sr), 1), false},
		{"too many packets", bytes.Repeat(bye, maxRTCPParts+1), false},
	} {
		if _, ok := parseRTCP(tt.b, 2); ok != tt.ok {
			t.Errorf("%s: %v, want %v", tt.name, ok, tt.ok)
		}
	}
}

func TestNTP(t *testing.T) {
	// RFC 3550 section 4 counts from 1900; 1970 is 2208988800 s later.
	if got := ntp(time.Unix(1, 500_000_000)); got != 2208988801<<32|1<<31 {
		t.Errorf("%x", got)
	}
}

func TestReportInterval(t *testing.T) {
	b := newBench(t, Config{}, ulaw20)
	var times []int
	for ms := 0; ms < 300_000; ms += 20 {
		b.run(20, nil)
		b.got()
		if _, raw, n := b.gotRTCP(0); n > 0 {
			times = append(times, ms)
			if raw[1] != rtcpSR {
				t.Fatalf("report % x of one who sends", raw)
			}
		}
	}
	if times[0] < 1000 || times[0] > 3100 {
		t.Errorf("first report after %d ms", times[0])
	}
	different := map[int]bool{}
	for i := range times[1:] {
		gap := times[i+1] - times[i]
		different[gap] = true
		if gap < 2030 || gap > 6180 {
			t.Errorf("%d ms between reports", gap)
		}
	}
	if n := len(times); n < 60 || n > 90 || len(different) < 20 {
		t.Errorf("%d reports in 300 s, %d different gaps", n, len(different))
	}
}

func TestReportTellsWhatWasHeard(t *testing.T) {
	b := newBench(t, Config{}, ulaw20)
	b.nextReport = 1 << 40 // the reports are this test's
	for i := range 100 {
		if i%10 != 5 { // a tenth is lost
			b.network.Send(rtpPacket(0, uint16(65500+i), uint32(i)*160, 77, tone20()), peers, ours)
		}
		b.run(20, nil)
	}
	b.report(false)
	r, raw, _ := b.gotRTCP(77)
	if !r.has || r.block.lost != 10 || r.block.fraction != 25 || r.block.highest != 65500+99 || r.block.lastSR != 0 || r.block.jitter > 1 {
		t.Errorf("%+v", r.block)
	}
	if !r.isSR || r.info.packets != 100 || r.info.octets != 16000 || r.info.ts != b.ts || r.ssrc != b.ssrc {
		t.Errorf("%+v", r)
	}
	if !bytes.Contains(raw, append([]byte{1, 16}, b.cname...)) {
		t.Errorf("no CNAME in % x", raw)
	}
	b.report(false) // nothing more was lost since
	if r, _, _ := b.gotRTCP(77); r.block.fraction != 0 || r.block.lost != 10 {
		t.Errorf("%+v", r.block)
	}
	b.report(false)
	b.report(false)
	if r, _, _ := b.gotRTCP(77); r.isSR {
		t.Error("a sender report of one who sent nothing for two reports")
	}
}

// A peer that leaves silence out still reports, and is not gone.
func TestReportsAreSignsOfLife(t *testing.T) {
	b := newBench(t, Config{}, ulaw20)
	b.run(1000, nil)
	if b.Came() || b.Quiet() != 8000 {
		t.Errorf("at first: came %v, quiet for %d", b.Came(), b.Quiet())
	}
	rtcp := func(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr(), a.Port()+1) }
	for _, send := range []func(){
		func() { b.network.Send(rtpPacket(0, 1, 160, 77, tone20()), peers, ours) },
		func() { b.network.Send(appendReport(nil, 77, nil, nil), rtcp(peers), rtcp(ours)) },
	} {
		send()
		b.run(1000, nil)
		if q := b.Quiet(); !b.Came() || q < 7500 || q > 8000 {
			t.Errorf("came %v, quiet for %d", b.Came(), q)
		}
	}
}

func TestByeAtTheEnd(t *testing.T) {
	b := newBench(t, Config{}, ulaw20)
	b.run(100, nil)
	ssrc := b.ssrc
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if r, _, n := b.gotRTCP(0); n != 1 || !r.bye || r.ssrc != ssrc {
		t.Errorf("%d packets, %+v", n, r)
	}
}

// TestRoundTripAndJitter lets two sessions talk over a network with 30 ms each way, on the
// wall's time.
func TestRoundTripAndJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &Network{Clock: time.Now}
		var transit []time.Duration
		n.Filter = func(from, to netip.AddrPort, b []byte) bool {
			raw := bytes.Clone(b)
			delay := 30 * time.Millisecond
			if b[1] < 192 && len(transit) > 0 {
				delay += transit[0]
				transit = append(transit[1:], transit[0])
			}
			time.AfterFunc(delay, func() { n.Send(raw, from, to) })
			return false
		}
		open := func(local, peer netip.AddrPort) *Session {
			pair, err := n.Listen(local)
			if err != nil {
				t.Fatal(err)
			}
			s := New(pair, Config{})
			if err := s.Update(ulaw20.to(peer)); err != nil {
				t.Fatal(err)
			}
			return s
		}
		a, b := open(ours, peers), open(peers, ours)
		frame := make([]int16, 160)
		run := func(seconds int) {
			for range seconds * 50 {
				time.Sleep(20 * time.Millisecond)
				a.Exchange(frame, make([]int16, 160))
				b.Exchange(frame, make([]int16, 160))
			}
		}
		run(30)
		if st := a.Stats(); math.Abs(st.RTTMS-60) > 1 || st.JitterMS > 0.2 || st.RemoteLossPct != 0 || st.RemoteJitterMS > 0.2 || st.Lost > 0 {
			t.Errorf("%+v", st)
		}
		if mos := a.Stats().MOS(); mos < 4.2 || mos > 4.45 {
			t.Errorf("MOS %.2f of a good call", mos)
		}
		transit = []time.Duration{0, 0, 8 * time.Millisecond, 8 * time.Millisecond} // both ways take turns: 0, 8, 0, 8 ms each
		run(30)
		if st := a.Stats(); st.JitterMS < 7 || st.JitterMS > 9 || math.Abs(st.RTTMS-60) > 1 {
			t.Errorf("%+v", st)
		}
		_, _ = a.Close(), b.Close()
		time.Sleep(time.Second) // what is on its way arrives
	})
}

func TestRTCPFromStrangers(t *testing.T) {
	b := newBench(t, Config{}, ulaw20)
	b.talk(peers, 1, 1, 50)
	bye := appendBYE(appendReport(nil, 1, &senderInfo{ntp: 1 << 40}, nil), 1)
	b.network.Send(bye, netip.MustParseAddrPort("10.0.0.3:5001"), netip.AddrPortFrom(ours.Addr(), 4001))
	b.network.Send(bye, netip.MustParseAddrPort("10.0.0.3:5000"), ours)
	b.network.Send([]byte{0x80, 200}, peers, netip.AddrPortFrom(ours.Addr(), 4001))
	b.run(200, nil)
	if st := b.count(); b.left || b.lastSR != 0 || st.Foreign != 2 || st.Malformed != 1 {
		t.Errorf("left %v, last SR %x, %+v", b.left, b.lastSR, st)
	}
	b.network.Send(bye, peers, ours) // RFC 5761: on the RTP port
	b.run(20, nil)
	if !b.left || b.lastSR != 1<<24 {
		t.Errorf("left %v, last SR %x", b.left, b.lastSR)
	}
}

func TestImpossibleRoundTrip(t *testing.T) {
	b := newBench(t, Config{}, ulaw20)
	block := reportBlock{ssrc: b.ssrc, lastSR: 1, delay: math.MaxUint32}
	b.network.Send(appendReport(nil, 1, nil, &block), peers, ours)
	b.run(20, nil)
	if st := b.count(); st.RTTMS != -1 || st.RemoteLossPct != 0 {
		t.Errorf("%+v", st)
	}
}

func TestMOSFallsWithLoss(t *testing.T) {
	last := 5.0
	for _, lost := range []uint32{0, 1, 5, 20, 100} {
		st := Stats{PacketsReceived: 100, Lost: lost, DelayMS: 40, RTTMS: -1}
		if mos := st.MOS(); mos >= last || mos < 1 {
			t.Errorf("%d lost: %.2f after %.2f", lost, mos, last)
		} else {
			last = mos
		}
	}
	if mos := (Stats{}).MOS(); mos != 0 {
		t.Errorf("no call: %.2f", mos)
	}
}
