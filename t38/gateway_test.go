package t38

import (
	"bytes"
	"fmt"
	"testing"

	"tipring/t38/ifp"
	"tipring/t38/t30"
)

// A cable joins two gateways without packets: what one tells reaches the other later, each
// thing as one call.
type cable struct {
	delay int64
	now   int64
	queue []told
}

type told struct {
	due int64
	do  func(*Gateway)
}

func (c *cable) put(do func(*Gateway)) { c.queue = append(c.queue, told{c.now + c.delay, do}) }

func (c *cable) deliver(g *Gateway, samples int) {
	c.now += int64(samples)
	for len(c.queue) > 0 && c.queue[0].due <= c.now {
		do := c.queue[0].do
		c.queue = c.queue[1:]
		do(g)
	}
}

func (c *cable) Tone(i ifp.Indicator) { c.put(func(g *Gateway) { (*fromNet)(g).Indicator(i) }) }
func (c *cable) Silence()             { c.put(func(g *Gateway) { (*fromNet)(g).Indicator(ifp.NoSignal) }) }
func (c *cable) Signal(d ifp.DataType, short bool) {
	i, _ := ifp.TrainingFor(d, short)
	c.put(func(g *Gateway) { (*fromNet)(g).Indicator(i) })
}
func (c *cable) Frame(d ifp.DataType, octets []byte, good bool) {
	octets = bytes.Clone(octets)
	c.put(func(g *Gateway) { (*fromNet)(g).Frame(d, octets, good) })
}
func (c *cable) Part(octets []byte) {
	octets = bytes.Clone(octets)
	c.put(func(g *Gateway) { (*fromNet)(g).Part(octets) })
}
func (c *cable) Break() { c.put(func(g *Gateway) { (*fromNet)(g).tell.endFrame(false) }) }
func (c *cable) Octets(d ifp.DataType, octets []byte) {
	octets = bytes.Clone(octets)
	c.put(func(g *Gateway) { (*fromNet)(g).Octets(d, octets) })
}
func (c *cable) End(d ifp.DataType, _ bool) { c.put(func(g *Gateway) { (*fromNet)(g).End(d) }) }

// relay joins two machines by two gateways until both are done.
func relay(t testing.TB, a, b *Machine, delay int64, policy Policy, limit int) float64 {
	t.Helper()
	ab, ba := &cable{delay: delay}, &cable{delay: delay}
	ga, gb := newGateway(ab, DefaultLevel), newGateway(ba, DefaultLevel)
	ga.Policy, gb.Policy = policy, policy
	var toA, toB, fromA, fromB [tick]int16
	a.Start()
	b.Start()
	n := 0
	for ; !a.Done() || !b.Done(); n++ {
		if n*tick > limit*t30.SampleRate {
			t.Fatalf("after %d s: %v and %v", limit, a.T30.State(), b.T30.State())
		}
		a.Exchange(toA[:], fromA[:])
		b.Exchange(toB[:], fromB[:])
		ga.Exchange(fromA[:], toA[:])
		gb.Exchange(fromB[:], toB[:])
		ab.deliver(gb, tick)
		ba.deliver(ga, tick)
	}
	return float64(n*tick) / t30.SampleRate
}

func TestTwoMachinesByGateways(t *testing.T) {
	for _, m := range []t30.Modulation{t30.V27ter2400, t30.V27ter4800, t30.V29At7200, t30.V29At9600, t30.V17At7200, t30.V17At9600, t30.V17At12000, t30.V17At14400} {
		for _, ecm := range []bool{false, true} {
			for _, delayMS := range []int{0, 100, 500} {
				t.Run(fmt.Sprintf("%v ECM %v %d ms", m, ecm, delayMS), func(t *testing.T) {
					t.Parallel()
					doc := leaflet{t, 2, 60}
					got := &tray{t: t}
					allowed := t30.Modulations(m, t30.V27ter2400)
					a := NewMachine(terminal(t, t30.Config{Calling: true, Source: doc, ECM: ecm, Modulations: allowed, Ident: "+1 555 1"}), DefaultLevel)
					b := NewMachine(terminal(t, t30.Config{Sink: got, ECM: ecm, Modulations: allowed, Ident: "+1 555 2"}), DefaultLevel)
					s := relay(t, a, b, int64(delayMS)*t30.SampleRate/1000, Policy{}, 300)
					if r := a.T30.Result(); r.Code != t30.OK || r.Sent != 2 || r.Peer.Ident != "+1 555 2" || r.BitRate != m.BitRate() || r.ECM != ecm || r.Repeats != 0 {
						t.Errorf("sender: %+v", r)
					}
					if r := b.T30.Result(); r.Code != t30.OK || r.Received != 2 || r.Repeats != 0 || r.Repairs != 0 || r.Failures != 0 {
						t.Errorf("receiver: %+v", r)
					}
					got.same(doc)
					t.Logf("%.1f s", s)
				})
			}
		}
	}
}
