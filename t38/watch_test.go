package t38

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"tipring/t38/t30"
)

// said are frames as words: "> DCS 14400 ECM" is the local machine's.
type said struct {
	t *testing.T
	w Watch
}

// words are the frames of the tests. The bits of DIS and DCS are those of T.30 table 2.
func (s *said) frame(word string) []byte {
	name, rest, _ := strings.Cut(word, " ")
	f := t30.Frame{Final: true}
	switch name {
	case "DIS":
		c := t30.Capabilities{Receives: true, Modulations: t30.SetAll, ECM: true, Codings: t30.Codings(t30.MR, t30.MMR),
			Resolutions: t30.Resolutions(t30.Fine, t30.R300), JBIG: strings.Contains(rest, "JBIG"), JPEG: strings.Contains(rest, "JPEG")}
		f.FCF, f.Info = t30.DIS, c.Bits()
	case "DCS":
		c := t30.Command{Modulation: t30.V17At14400, Coding: t30.MH}
		c.Form.Resolution = t30.Fine
		if strings.Contains(rest, "ECM") {
			c.ECM, c.Coding = true, t30.MMR
		}
		if strings.Contains(rest, "9600") {
			c.Modulation = t30.V29At9600
		}
		b := c.Bits()
		if strings.Contains(rest, "JBIG") {
			b.Clear(t30.BitMMR)
			b.Set(t30.BitJBIG)
		}
		f.FCF, f.Info = t30.DCS, b
	case "CTC":
		f.FCF, f.Info = t30.CTC, t30.Command{Modulation: t30.V17At7200}.Bits()[:2]
	case "CSI", "TSI":
		f.FCF, f.Final = map[string]t30.FCF{"CSI": t30.CSI, "TSI": t30.TSI}[name], false
		for i := len(rest); i > 0; i-- {
			f.Info = append(f.Info, rest[i-1])
		}
	case "PPS-NULL", "PPS-MPS", "PPS-EOP", "EOR-EOP", "EOR-NULL":
		var page, block, frames byte
		if _, err := fmt.Sscan(rest+" 0 0 0", &page, &block, &frames); err != nil {
			s.t.Fatal(err)
		}
		first, second, _ := strings.Cut(name, "-")
		f.FCF = fcfs[first]
		f.Info = []byte{byte(fcfs[second]), page, block, frames}
		if first == "EOR" {
			f.Info = f.Info[:1]
		}
	case "PPR":
		f.FCF, f.Info = t30.PPR, bytes.Repeat([]byte{0xff}, 32)
	default:
		fcf, ok := fcfs[name]
		if !ok {
			s.t.Fatalf("%q is no frame", word)
		}
		f.FCF = fcf
	}
	return f.Append(nil)
}

var fcfs = map[string]t30.FCF{"NULL": t30.NULL, "MPS": t30.MPS, "EOP": t30.EOP, "EOM": t30.EOM, "PPS": t30.PPS, "EOR": t30.EOR,
	"CFR": t30.CFR, "FTT": t30.FTT, "MCF": t30.MCF, "RTN": t30.RTN, "RTP": t30.RTP, "PIN": t30.PIN, "RNR": t30.RNR, "RR": t30.RR,
	"ERR": t30.ERR, "CTR": t30.CTR, "DCN": t30.DCN, "CRP": t30.CRP}

// play gives the watch lines such as "> DIS" (the local machine's), "< DCS", "> image" and
// "< bad" (a frame with a wrong FCS).
func (s *said) play(script string) {
	for _, line := range strings.Split(script, ";") {
		side, word, ok := strings.Cut(strings.TrimSpace(line), " ")
		local := side == ">"
		switch {
		case !ok:
			s.t.Fatalf("%q", line)
		case word == "image":
			s.w.Image(local)
		case word == "bad":
			s.w.Frame(local, []byte{0xff, 0x13, 0x80}, false)
		case word == "bad image":
			s.w.ImageFrame(local, false)
		default:
			s.w.Frame(local, s.frame(word), true)
		}
	}
}

func TestWatchPages(t *testing.T) {
	const begins = "< CSI 222; < DIS; > TSI 111; > DCS; < CFR; "
	const beginsECM = "< DIS; > DCS ECM; < CFR; "
	tests := []struct {
		name, script string
		pages        []string
		text         string
	}{
		{"two pages", begins + "> image; > MPS; < MCF; > image; > EOP; < MCF; > DCN",
			[]string{"page 1: confirmed, 14400 bit/s, MH fine", "page 2: confirmed, 14400 bit/s, MH fine"}, "all pages confirmed"},
		{"told of frames only", begins + "> MPS; < MCF; > EOP; < MCF; > DCN",
			[]string{"page 1: confirmed, 14400 bit/s, MH fine", "page 2: confirmed, 14400 bit/s, MH fine"}, "all pages confirmed"},
		{"a page from the other side", "> DIS; < DCS 9600; > CFR; < image; < EOP; > MCF; < DCN",
			[]string{"page 1: confirmed, 9600 bit/s, MH fine"}, "all pages confirmed"},
		{"an answer that was lost on the line, and the command repeated", begins + "> image; > MPS; < MCF; > MPS; < MCF; > image; > EOP; < MCF; > EOP; < MCF; > DCN",
			[]string{"page 1: confirmed, 14400 bit/s, MH fine", "page 2: confirmed, 14400 bit/s, MH fine"}, "all pages confirmed"},
		{"rejected, trained anew at a lower rate and sent again", begins + "> image; > EOP; < RTN; > DCS 9600; < CFR; > image; > EOP; < MCF; > DCN",
			[]string{"page 1: rejected, 14400 bit/s, MH fine", "page 2: confirmed, 9600 bit/s, MH fine"}, "1 of 2 pages confirmed"},
		{"accepted, with a new training", begins + "> image; > EOP; < RTP; > DCN",
			[]string{"page 1: confirmed, with a new training, 14400 bit/s, MH fine"}, "all pages confirmed"},
		{"an operator is called for and the page refused", begins + "> image; > EOP; < PIN",
			[]string{"page 1: rejected, 14400 bit/s, MH fine"}, "0 of 1 pages confirmed"},
		{"hung up within a page", begins + "> image; > MPS; < MCF; > image",
			[]string{"page 1: confirmed, 14400 bit/s, MH fine", "page 2: under way, 14400 bit/s, MH fine"}, "1 of 1 pages confirmed"},
		{"disconnected within a page", begins + "> image; < DCN",
			[]string{"page 1: broken off, 14400 bit/s, MH fine"}, "0 of 1 pages confirmed"},
		{"no answer to a page", begins + "> image; > EOP; > EOP; > EOP; > DCN",
			[]string{"page 1: not answered, 14400 bit/s, MH fine"}, "0 of 1 pages confirmed"},
		{"the answer was not heard here, but there", begins + "> image; > MPS; < bad; > image; > EOP; < MCF; > DCN",
			[]string{"page 1: not answered, 14400 bit/s, MH fine", "page 2: confirmed, 14400 bit/s, MH fine"}, "1 of 2 pages confirmed"},
		{"ECM, repaired twice", beginsECM + "> image; > PPS-EOP 0 0 9; < PPR; > image; > PPS-EOP 0 0 9; < PPR; > image; > PPS-EOP 0 0 9; < MCF; > DCN",
			[]string{"page 1: confirmed, 14400 bit/s, MMR fine, ECM with 2 repairs of 20 frames"}, "all pages confirmed"},
		{"a PPR that was said twice since the question was", beginsECM + "> image; > PPS-EOP 0 0 0; < PPR; > PPS-EOP 0 0 0; < PPR; > image; > PPS-EOP 0 0 0; < MCF",
			[]string{"page 1: confirmed, 14400 bit/s, MMR fine, ECM with 1 repairs of 1 frames"}, "all pages confirmed"},
		{"a page of two parts, and another", beginsECM + "> image; > PPS-NULL 0 0 255; < MCF; > image; > PPS-MPS 0 1 3; < MCF; > image; > PPS-EOP 1 0 255; < RNR; > RR; < MCF",
			[]string{"page 1: confirmed, 14400 bit/s, MMR fine, ECM", "page 2: confirmed, 14400 bit/s, MMR fine, ECM"}, "all pages confirmed"},
		{"the same, the answer to a page not heard here", beginsECM + "> image; > PPS-MPS 0 0 255; < bad; > image; > PPS-EOP 1 0 3; < MCF",
			[]string{"page 1: not answered, 14400 bit/s, MMR fine, ECM", "page 2: confirmed, 14400 bit/s, MMR fine, ECM"}, "1 of 2 pages confirmed"},
		{"a question with ECM repeated, told of frames only", beginsECM + "> PPS-MPS 0 0 9; < MCF; > PPS-MPS 0 0 9; < MCF; > PPS-EOP 1 0 9; < MCF; > PPS-EOP 1 0 9; < MCF; > DCN",
			[]string{"page 1: confirmed, 14400 bit/s, MMR fine, ECM", "page 2: confirmed, 14400 bit/s, MMR fine, ECM"}, "all pages confirmed"},
		{"continued at a lower rate", beginsECM + "> image; > PPS-EOP 0 0 255; < PPR; > CTC; < CTR; > image; > PPS-EOP 0 0 255; < MCF",
			[]string{"page 1: confirmed, 7200 bit/s, MMR fine, ECM with 1 repairs of 256 frames"}, "all pages confirmed"},
		{"repairs given up", beginsECM + "> image; > PPS-NULL 0 0 255; < PPR; > EOR-NULL; < ERR; > image; > PPS-EOP 0 1 3; < MCF; > DCN",
			[]string{"page 1: sent with frames missing, 14400 bit/s, MMR fine, ECM with 1 repairs of 256 frames"}, "0 of 1 pages confirmed"},
		{"JBIG", "< DIS JBIG JPEG; > DCS ECM JBIG; < CFR; > image; > PPS-EOP 0 0 9; < MCF; > DCN",
			[]string{"page 1: confirmed, 14400 bit/s, JBIG fine, ECM"}, "all pages confirmed"},
		{"the beginning was not heard", "> image; > EOP; < MCF; > DCN", []string{"page 1: confirmed"}, "all pages confirmed"},
		{"no page", beginsECM + "> DCN", nil, "training was confirmed, but no page followed"},
		{"no training", "< DIS; > DCS; < FTT; > DCS; < FTT; > DCN", nil, "training failed 2 times"},
		{"no answer", "< DIS; > DCS; > DCS; > DCN", nil, "no answer to the training"},
		{"no command", "< DIS; < DIS; < DCN", nil, "no command followed the identification"},
		{"not a word", "< bad", nil, "nothing was heard without error"},
	}
	for _, tt := range tests {
		s := said{t: t}
		s.play(tt.script)
		r := s.w.Record()
		var got []string
		for _, p := range r.Pages {
			got = append(got, p.String())
		}
		if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", tt.pages) || r.String() != tt.text {
			t.Errorf("%s: %q, %s\nwant %q, %s", tt.name, got, r.String(), tt.pages, tt.text)
		}
		if want := tt.text == "all pages confirmed"; r.OK() != want && !strings.Contains(tt.name, "again") && !strings.Contains(tt.name, "not heard here") {
			t.Errorf("%s: OK is %v", tt.name, r.OK())
		}
	}
	if r := (&Watch{}).Record(); r.String() != "nothing of a fax was heard" || r.OK() || r.Over() {
		t.Errorf("without a frame: %v", r.String())
	}
}

func TestWatchSides(t *testing.T) {
	s := said{t: t}
	s.play("> CSI 222; > bad; > DIS JBIG; < TSI 111; < DCS ECM; > FTT; < DCS 9600; > CFR; < bad image; < DCN")
	r := s.w.Record()
	if r.Local.Ident != "222" || r.Remote.Ident != "111" || r.Local.BadFrames != 1 || r.Remote.BadImageFrames != 1 || r.Local.Frames != 4 {
		t.Errorf("%+v", r)
	}
	o := r.Local.Offer
	if !r.Local.Offered || !o.ECM || !o.Codings.Has(t30.MR) || !o.Codings.Has(t30.MMR) || !o.JBIG || o.JPEG ||
		o.Resolutions.Has(t30.Superfine) || !o.Resolutions.Has(t30.R300) || o.Resolutions.Has(t30.Ultrafine) || r.Remote.Offered {
		t.Errorf("%+v", o)
	}
	if r.FromLocal || !r.Agreed || r.Command.Modulation != t30.V29At9600 || r.Trainings != 2 || r.Failures != 1 || !r.Confirmed {
		t.Errorf("%+v", r)
	}
	if r.Local.Left || !r.Remote.Left || !r.Over() {
		t.Errorf("left: %v, %v", r.Local.Left, r.Remote.Left)
	}
}

// A call without end, or a peer that makes pages up, does not fill the memory, and a record is
// not changed by what comes later.
func TestWatchIsBounded(t *testing.T) {
	s := said{t: t}
	s.play("< DIS; > DCS; < CFR; > MPS; < MCF")
	early := s.w.Record()
	for range 2 * pagesListed {
		s.play("> MPS; < RTN")
	}
	r := s.w.Record()
	if len(r.Pages) != pagesListed || r.Passed != 2*pagesListed+1 || r.Rejected != 2*pagesListed {
		t.Errorf("%d pages listed, %d passed, %d rejected", len(r.Pages), r.Passed, r.Rejected)
	}
	if len(early.Pages) != 1 || early.Passed != 1 || early.Pages[0].Result != PageConfirmed {
		t.Errorf("%+v", early)
	}
}

// Whatever is said, nothing is read that is not there.
func FuzzWatch(f *testing.F) {
	s := said{}
	var all []byte
	for _, word := range []string{"DIS JBIG", "CSI 1", "DCS ECM", "CTC", "PPS-MPS 0 0 9", "PPR", "EOR-EOP", "MCF", "DCN"} {
		o := s.frame(word)
		f.Add(append([]byte{byte(len(o))}, o...))
		all = append(append(all, byte(len(o))), o...)
	}
	f.Add(all)
	f.Fuzz(func(t *testing.T, data []byte) {
		var w Watch
		for len(data) > 1 {
			n := min(int(data[0]&0x7f), len(data)-1)
			if data[0] == 0x80 {
				w.Image(data[1]&1 != 0)
			}
			w.Frame(data[0]&0x80 != 0, data[1:1+n], true)
			data = data[1+n:]
		}
		r := w.Record()
		if len(r.Pages) > r.Passed+1 || r.Good > r.Passed {
			t.Errorf("%+v", r)
		}
		for _, p := range r.Pages {
			_ = p.String()
		}
		_ = r.String()
	})
}
