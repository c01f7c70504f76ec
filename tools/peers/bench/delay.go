package main

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/audio"
	"tipring/tools/peers/baresip"
	"tipring/tools/peers/farend"
	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/phone"
	"tipring/tools/peers/wire"
)

// lateRows: from the write of the AUDIO frame that completes a packet to that
// packet on the wire; and how regular the packets of both programs are.
func lateRows(t netlab.T) []row {
	const d = 30 * time.Second
	var latency, ours, theirs []float64
	if err := sub(t, func(t netlab.T) {
		host, w, a, _ := deviceAndFar(t)
		var mu sync.Mutex
		var sent []time.Time
		p := a.PhoneWith("p1", func(p *phone.Phone) {
			p.Sent = func(_ int, at time.Time) { mu.Lock(); sent = append(sent, at); mu.Unlock() }
		})
		p.OffHook()
		if err := a.Post("/api/v1/ports/1/call", map[string]string{"to": "600"}); err != nil {
			t.Fatalf("call: %v", err)
		}
		a.WaitPort(10*time.Second, 1, "talking")
		p.Say(700, -12)
		time.Sleep(time.Second)
		w.KeepRTP()
		time.Sleep(d)
		events := w.Events(func(e wire.Event) bool { return e.Kind == wire.RTP && e.Src.Addr() == host.Addr })
		mu.Lock()
		defer mu.Unlock()
		next := 0
		for _, e := range events {
			for next < len(sent) && !sent[next].After(e.At) {
				next++
			}
			if next > 0 {
				latency = append(latency, e.At.Sub(sent[next-1]).Seconds()*1000)
			}
		}
		ours = lateness(events)
	}); err != nil {
		t.Fatalf("%v", err)
	}
	if err := sub(t, func(t netlab.T) {
		host, w, b, _ := baresipAndFar(t, baresip.Options{Freq: 400})
		b.Command("dial", "600")
		b.Wait(10*time.Second, "CALL_ESTABLISHED", 1)
		time.Sleep(time.Second)
		w.KeepRTP()
		time.Sleep(d)
		theirs = lateness(w.Events(func(e wire.Event) bool { return e.Kind == wire.RTP && e.Src.Addr() == host.Addr }))
	}); err != nil {
		t.Fatalf("%v", err)
	}
	return []row{
		{fmt.Sprintf("send lateness: AUDIO frame to RTP on the wire, %d packets", len(latency)), show(latency), "-", "p99 0.5, max 5 ms", "p99 0.1 ms"},
		{"RTP lateness against its own clock", show(ours) + " (*)", show(theirs), "-", "-"},
		{"  (*) our card is paced by this program's timer", "", "", "", ""},
	}
}

func show(v []float64) string {
	return fmt.Sprintf("p50 %.2f p99 %.2f max %.2f ms", quantile(v, 0.5), quantile(v, 0.99), quantile(v, 1))
}

// delayRows: how long a sound is on its way through the device, from the first of 160 samples
// to the first of them again. Eight calls stand at eight places of the packets' and frames' time.
func delayRows(t netlab.T) []row {
	const calls, settle = 8, 20 * time.Second
	lan := netlab.New(t)
	server, host := lan.Host("server", 1), lan.Host("device", 10)
	far := farend.New(t, lan.Host("far", 20), nil)
	kamailio.Start(t, server, kamailio.Options{Far: far.Addr})
	w := wire.Listen(t, lan, t.TempDir())
	a := agent.Start(t, host, withPorts(calls))
	var toCard, toWire []float64
	cards := make([]*knocks, calls)
	for i := range cards {
		k := new(knocks)
		cards[i] = k
		a.WaitRegistered(20*time.Second, i+1, "")
		k.phone = a.PhoneWith(fmt.Sprintf("p%d", i+1), func(p *phone.Phone) { p.Sent, p.Got = k.sent, k.got })
		k.phone.OffHook()
		if err := a.Post(fmt.Sprintf("/api/v1/ports/%d/call", i+1), map[string]string{"to": "600"}); err != nil {
			t.Fatalf("call: %v", err)
		}
		k.far = far.WaitCall(10*time.Second, i+1).Media
		k.far.Say(1000, -200)
		a.WaitPort(10*time.Second, i+1, "talking")
	}
	time.Sleep(settle) // the jitter buffer finds that it need not wait for anything
	w.KeepRTP()
	for n := range 20 {
		for _, k := range cards {
			k.knock(n%2 == 0)
		}
		time.Sleep(500 * time.Millisecond)
	}
	for _, k := range cards {
		card, net := k.delays(w)
		toCard, toWire = append(toCard, card...), append(toWire, net...)
	}
	return []row{
		{fmt.Sprintf("RTP to card, no network jitter, %d sounds", len(toCard)), show(toCard), "-", "40 ms", "-"},
		{fmt.Sprintf("card to RTP, %d sounds", len(toWire)), show(toWire), "-", "21 ms", "-"},
	}
}

// knocks are short sounds in one call, which is silent otherwise.
type knocks struct {
	phone *phone.Phone
	far   *farend.Media

	mu    sync.Mutex
	said  []time.Time // a frame of the telephone's went to the agent
	heard onsets      // of sound that came from the agent
}

// knock makes a sound as long as a packet and a frame: at the far end, or at the telephone.
func (k *knocks) knock(far bool) {
	if pcm := audio.Sine(1000, -6, packetSize); far {
		k.far.Play(pcm)
	} else {
		k.phone.Play(pcm)
	}
}

func (k *knocks) sent(_ int, at time.Time) {
	k.mu.Lock()
	k.said = append(k.said, at)
	k.mu.Unlock()
}

func (k *knocks) got(pcm []int16, at time.Time) {
	k.mu.Lock()
	k.heard.add(pcm, at)
	k.mu.Unlock()
}

// delays returns, in milliseconds, how long sounds took to the card, and from it.
func (k *knocks) delays(w *wire.Watch) (toCard, toWire []float64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var in, out onsets
	for _, e := range w.Events(func(e wire.Event) bool { return e.Kind == wire.RTP }) {
		switch pcm := audio.FromULaw(e.RTP.Payload); k.far.Addr {
		case e.Src:
			in.add(pcm, e.At)
		case e.Dst:
			out.add(pcm, e.At)
		}
	}
	for _, at := range in {
		if heard, ok := next(k.heard, at); ok {
			toCard = append(toCard, heard.Sub(at).Seconds()*1000)
		}
	}
	for _, at := range out {
		if said, ok := last(k.said, at); ok {
			toWire = append(toWire, at.Sub(said).Seconds()*1000+packetSize/8)
		}
	}
	return toCard, toWire
}

// onsets are the moments at which the first sample of a sound was there, in pieces of which
// each is whole at a moment.
type onsets []time.Time

func (o *onsets) add(pcm []int16, at time.Time) {
	for i, v := range pcm {
		if begins := at.Add(time.Duration(i) * time.Second / audio.Rate); v > 1000 && (len(*o) == 0 || begins.Sub((*o)[len(*o)-1]) > 200*time.Millisecond) {
			*o = append(*o, begins)
		}
	}
}

// next is the first of those times that is not before at.
func next(times []time.Time, at time.Time) (t time.Time, ok bool) {
	i, _ := slices.BinarySearchFunc(times, at, time.Time.Compare)
	if i == len(times) {
		return t, false
	}
	return times[i], true
}

// last is the last of those times that is before at.
func last(times []time.Time, at time.Time) (t time.Time, ok bool) {
	i, _ := slices.BinarySearchFunc(times, at, time.Time.Compare)
	if i == 0 {
		return t, false
	}
	return times[i-1], true
}

// lateness of packets against the timestamps that they carry, in milliseconds:
// 0 for the earliest.
func lateness(events []wire.Event) []float64 {
	var v []float64
	least := math.Inf(1)
	for _, e := range events {
		d := float64(e.At.Sub(events[0].At).Microseconds())/1000 - float64(int32(e.RTP.Timestamp-events[0].RTP.Timestamp))/8
		v = append(v, d)
		least = min(least, d)
	}
	for i := range v {
		v[i] -= least
	}
	return v
}
