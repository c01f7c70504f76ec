package call

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tipring/agent/fax"
	"tipring/internal/offer"
)

// A wireTap counts what goes out by T.38 (ITU-T T.38 clause 9.1, annex A).
type wireTap struct {
	control int         // the most secondaries beside a packet of V.21
	images  map[int]int // packets of image data, by their secondaries
	parity  int         // datagrams with parity in place of secondaries
	longest int         // octets of a datagram
}

// image is how many secondaries image data has as a rule: the first packets of a signal go beside
// those of the one before.
func (w *wireTap) image() (copies int) {
	for n, packets := range w.images {
		if packets > w.images[copies] {
			copies = n
		}
	}
	return copies
}

const rtpLength = 12 + 160 // of G.711 for 20 ms

// take reads a datagram: its number, the packet behind its length, and what makes good for loss.
// Sound that was on its way when T.38 was agreed is none.
func (w *wireTap) take(d []byte) {
	if len(d) == rtpLength && d[0] == 0x80 {
		return
	}
	w.longest = max(w.longest, len(d))
	at, length := 3, int(d[2])
	if length >= 0x80 {
		at, length = 4, length&0x3F<<8|int(d[3])
	}
	packet, rest := d[at:at+length], d[at+length:]
	if rest[0]&0x80 != 0 {
		if rest[0] == 0x80 && len(rest) > 3 {
			w.parity++
		}
		return
	}
	copies := int(rest[1])
	switch kind := packet[0]; {
	case kind&0x40 == 0: // an indicator
	case kind&0x3E == 0: // data of V.21
		w.control = max(w.control, copies)
	default:
		w.images[copies]++
	}
}

// tapped has a fax sent to a server that speaks T.38, with what the port sends looked at.
func tapped(t *testing.T, change func(*fax.Settings), far func(*offer.T38), check func(w *wireTap, theirs offer.T38, o fax.Outcome)) {
	t.Helper()
	relayTest(t, faxCall{server: true, rows: 400, settings: change}, func(f *faxRig) {
		w := wireTap{images: map[int]int{}}
		var theirs offer.T38
		if far != nil {
			far(f.rig.far.t38)
		}
		was := f.rig.far.onCall
		f.rig.far.onCall = func(c *farCall) {
			was(c)
			c.fax.reads = func(d []byte) {
				w.take(d)
				theirs = c.o.Image().Theirs
			}
		}
		f.begin()
		f.pass(4 * time.Minute)
		check(&w, theirs, f.well())
	})
}

// Each key of [fax] about T.38 changes what goes out, in the offer or in the packets.
func TestFaxKeysReachTheWire(t *testing.T) {
	type seen = struct {
		rate        int // bit/s of the page
		ecm         bool
		maxRate     int
		maxDatagram int
		ec          offer.ErrorCorrection
		control     int
		image       int
		parity      bool
	}
	usual := seen{14400, true, 14400, 400, offer.Redundancy, 5, 1, false}
	but := func(change func(*seen)) seen {
		s := usual
		change(&s)
		return s
	}
	for _, tt := range []struct {
		key  string
		set  func(*fax.Settings)
		far  func(*offer.T38)
		want seen
	}{
		{"nothing is set", nil, nil, usual},
		{"max_rate = 9600", func(s *fax.Settings) { s.MaxRate = 9600 }, nil, but(func(s *seen) { s.rate, s.maxRate = 9600, 9600 })},
		{"max_rate = 4800", func(s *fax.Settings) { s.MaxRate = 4800 }, nil, but(func(s *seen) { s.rate, s.maxRate = 4800, 4800 })},
		{"ecm = 0", func(s *fax.Settings) { s.ECM = false }, nil, but(func(s *seen) { s.ecm, s.image = false, 3 })},
		{"redundancy_control = 2", func(s *fax.Settings) { s.Control = 2 }, nil, but(func(s *seen) { s.control = 2 })},
		{"redundancy_control = 0", func(s *fax.Settings) { s.Control = 0 }, nil, but(func(s *seen) { s.control = 0 })},
		{"redundancy_image = 4", func(s *fax.Settings) { s.Image = 4 }, nil, but(func(s *seen) { s.image = 4 })},
		{"redundancy_image = 0", func(s *fax.Settings) { s.Image = 0 }, nil, but(func(s *seen) { s.image = 0 })},
		// The Recommendation has no word for none: it is not said, and the far end goes on as it likes.
		{"t38_ec = none", func(s *fax.Settings) { s.EC = "none" }, nil, but(func(s *seen) { s.control, s.image = 0, 0 })},
		{ // secondaries while there are too few packets for parity over three
			"t38_ec = fec", func(s *fax.Settings) { s.EC = "fec" }, func(x *offer.T38) { x.EC = offer.FEC },
			but(func(s *seen) { s.ec, s.control, s.image, s.parity = offer.FEC, 2, 0, true }),
		},
		{"t38_max_datagram = 72", func(s *fax.Settings) { s.MaxDatagram = 72 }, nil, but(func(s *seen) { s.maxDatagram = 72 })},
		{"t38_max_datagram = 1400", func(s *fax.Settings) { s.MaxDatagram = 1400 }, nil, but(func(s *seen) { s.maxDatagram = 1400 })},
	} {
		t.Run(tt.key, func(t *testing.T) {
			tapped(t, tt.set, tt.far, func(w *wireTap, theirs offer.T38, o fax.Outcome) {
				got := seen{o.Rate, o.ECM, theirs.MaxBitRate, theirs.MaxDatagram, theirs.EC, w.control, w.image(), w.parity > 0}
				if got != tt.want || o.Transport != "t38" {
					t.Errorf("got %+v\nwant %+v\n%+v", got, tt.want, *w)
				}
			})
		})
	}
}

// What the far end takes in a datagram bounds what it is sent.
func TestFarEndsDatagramsAreNotExceeded(t *testing.T) {
	for _, most := range []int{180, 260, 1400} {
		tapped(t, func(s *fax.Settings) { s.Image, s.ECM = 7, false }, func(x *offer.T38) { x.MaxDatagram = most },
			func(w *wireTap, _ offer.T38, _ fax.Outcome) {
				if w.longest > most || w.longest <= most/2 && most < 300 {
					t.Errorf("datagrams of %d octets, where %d are taken", w.longest, most)
				}
			})
	}
}

// The signs of a fax that are not listened for change nothing; those that are make the call data,
// and have T.38 asked for.
func TestFaxIsKnownByWhatIsDetected(t *testing.T) {
	for _, tt := range []struct {
		cng, ced, preamble bool
		reinvite           string
		receives           bool
		transport          string // empty: the call stays one of voice
	}{
		{true, true, true, "callee", true, "t38"},
		{false, false, true, "callee", true, "t38"},
		{true, true, false, "callee", true, "t38"}, // by the answer tone
		{true, false, false, "callee", true, ""},
		{false, false, false, "callee", true, ""},
		{true, true, true, "caller", false, "t38"},
		{true, false, false, "caller", false, "t38"},
		{false, true, true, "caller", false, "audio"},
		{true, true, true, "detector", false, "t38"},
		{true, false, false, "detector", false, ""},
		{true, true, true, "never", true, "audio"},
		{false, false, false, "never", true, ""},
	} {
		x := faxCall{receives: tt.receives, settings: func(s *fax.Settings) {
			s.CNG, s.CED, s.Preamble, s.Reinvite = tt.cng, tt.ced, tt.preamble, tt.reinvite
		}}
		t.Run(fmt.Sprintf("%+v", tt), func(t *testing.T) {
			relayTest(t, x, func(f *faxRig) {
				f.begin()
				f.pass(3 * time.Minute)
				want := map[string]int{"t38": 1}[tt.transport]
				if n := f.rig.far.last().reinvites(); n != want {
					t.Errorf("%d re-INVITEs, want %d", n, want)
				}
				if o := f.outcome(); o.Transport != tt.transport {
					t.Errorf("by %q, want %q: %+v", o.Transport, tt.transport, o)
				}
			})
		})
	}
}

// Without T.38 a far end that asks for it is refused, and the fax goes in sound.
func TestFaxWithoutT38(t *testing.T) {
	relayTest(t, faxCall{settings: func(s *fax.Settings) { s.T38 = false }}, func(f *faxRig) {
		f.rig.far.asks = 4 * time.Second
		f.begin()
		f.pass(3 * time.Minute)
		if o := f.well(); o.Transport != "audio" {
			t.Errorf("%+v", o)
		}
		c := f.rig.far.last()
		if !strings.Contains(fmt.Sprint(c.statuses), "488") {
			t.Errorf("the far end was told %v", c.statuses)
		}
	})
}

// A line that prefers G.722 has G.711 for fax machines, as caller and called, and in a call ahead.
func TestFaxPortsSpeakG711(t *testing.T) {
	wide := settings{line: []string{"codecs = g722,pcma,pcmu"}}
	both := []offer.Codec{offer.G722, offer.PCMA}
	for _, receives := range []bool{false, true} {
		relayTest(t, faxCall{receives: receives, rig: wide, settings: func(s *fax.Settings) { s.T38 = false }}, func(f *faxRig) {
			f.rig.far.codecs = both
			f.begin()
			f.pass(3 * time.Minute)
			if o := f.well(); o.Transport != "audio" {
				t.Errorf("%+v", o)
			}
			if c := f.rig.far.last().o.Audio().Send.Codec; c != offer.PCMA {
				t.Errorf("called %v: the far end sends %v", receives, c)
			}
		})
	}
	inSpoolRigWith(t, wide, FaxPort{CallAhead: "always"}, func(r *spoolRig) {
		r.far.codecs = both
		r.send("600#", leaflet{1})
		r.await("the number is called ahead", func() bool { return len(r.far.calls) == 1 })
		if sdp := string(r.far.last().invite.Body); strings.Contains(sdp, "G722") || !strings.Contains(sdp, "PCMA") {
			t.Errorf("the call ahead offers\n%s", sdp)
		}
	})
}

// What a machine hands in is taken at no more than max_rate, and with ECM as ecm says.
func TestStoredFaxKeepsToItsKeys(t *testing.T) {
	for _, ecm := range []bool{true, false} {
		inSpoolRig(t, FaxPort{CallAhead: "never"}, func(r *spoolRig) {
			r.port.cfg.Fax().Settings.MaxRate, r.port.cfg.Fax().Settings.ECM = 7200, ecm
			r.send("600#", leaflet{1})
			r.await("the fax is in", func() bool { return r.desk.committed() == 1 })
			if o := r.desk.done[0]; o.Rate != 7200 || o.ECM != ecm {
				t.Errorf("%+v", o)
			}
		})
	}
}
