package lines

import (
	"testing"
	"time"

	"tipring/internal/offer"
	"tipring/internal/sipmsg"
)

// A faxMachine handles calls like fakePhone, and takes T.38.
type faxMachine struct{ *fakePhone }

func (f faxMachine) Image(_ *Call, i *offer.Image) {
	if i == nil {
		f.note("no-fax")
		return
	}
	f.note("fax:%v", i.Remote)
}
func (f faxMachine) SwitchRefused(_ *Call, code int) { f.note("refused:%d", code) }

// relay is what a fax machine's port does by T.38.
var relay = &offer.T38{Version: 0, MaxBitRate: 14400, MaxDatagram: 400, EC: offer.Redundancy}

// faxMedia is what a fax machine's port opened for a call.
func faxMedia() Media {
	m := media
	m.T38 = relay
	return m
}

// takesFax has the far end do T.38.
func (c *farCall) takesFax() {
	c.s.post(func(time.Time) {
		c.offer.SetCapabilities(offer.Capabilities{Codecs: []offer.Codec{offer.PCMU}, PtimeMS: 20, T38: relay})
	})
}

// faxing runs a test with a call of a fax machine's that the line made, and with one that it was
// given. The far end knows T.38.
func faxing(t *testing.T, settings []string, test func(w *world, far *farCall, c *Call)) {
	t.Helper()
	t.Run("outgoing", func(t *testing.T) {
		inWorld(t, settings, func(w *world) {
			w.t = t
			w.line.Dial(Dial{To: "600", Port: 1, Media: faxMedia(), Handler: faxMachine{w.phone}})
			w.after(time.Second)
			w.phone.news()
			far := w.primary.call()
			far.takesFax()
			test(w, far, w.phone.call())
		})
	})
	t.Run("incoming", func(t *testing.T) {
		inWorld(t, settings, func(w *world) {
			w.t = t
			w.phone.incoming = func(*Call) (Handler, int) { return faxMachine{w.phone}, 0 }
			far := w.primary.callLine(with("Supported", "timer"))
			w.after(time.Second)
			w.phone.call().Answer(faxMedia(), 1)
			w.after(time.Second)
			w.phone.news()
			far.news()
			far.takesFax()
			test(w, far, w.phone.call())
		})
	})
}

// offeringMode gives a request the far end's offer of sound or T.38.
func (c *farCall) offeringMode(mode offer.Mode) func(m *sipmsg.Message) {
	return func(m *sipmsg.Message) {
		c.offer.SetMode(mode)
		m.SetBody("application/sdp", c.propose(offer.SendRecv))
	}
}

// To T.38 and back, from here and from there, by re-INVITE and UPDATE.
func TestSwitch(t *testing.T) {
	faxing(t, nil, func(w *world, far *farCall, c *Call) {
		fax := func() {
			w.t.Helper()
			w.wantNews("fax:10.0.0.9:40000 silence")
			if i := c.Info(); i.Codec != "t38" || i.State != Connected || i.Remote.String() != "10.0.0.9:40000" {
				w.t.Errorf("call %+v", i)
			}
		}
		sound := func() {
			w.t.Helper()
			w.wantNews("no-fax pcmu:sendrecv")
			if i := c.Info(); i.Codec != "pcmu" || i.State != Connected {
				w.t.Errorf("call %+v", i)
			}
		}
		for range 2 {
			c.Switch(offer.Fax)
			w.after(time.Second)
			w.wantFar(far, "<INVITE")
			fax()
			c.Switch(offer.Fax) // it is so
			w.after(time.Second)
			w.wantFar(far, "")
			c.Switch(offer.Sound)
			w.after(time.Second)
			w.wantFar(far, "<INVITE")
			sound()
		}
		for _, method := range []string{sipmsg.INVITE, sipmsg.UPDATE} {
			far.send(method, far.offeringMode(offer.Fax))
			w.after(time.Second)
			w.wantFar(far, method+":200")
			fax()
			far.send(method, far.offeringMode(offer.Sound))
			w.after(time.Second)
			w.wantFar(far, method+":200")
			sound()
		}
		c.Hangup()
		w.after(time.Second)
		w.wantIdle()
	})
}
