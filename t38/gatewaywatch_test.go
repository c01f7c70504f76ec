package t38

import (
	"fmt"
	"testing"

	"tipring/t38/ifp"
	"tipring/t38/t30"
)

// records returns what the two gateways of a call have on record.
func (f *faxTest) records() (sender, receiver Record) {
	return f.a.Watch.Record(), f.b.Watch.Record()
}

// Both gateways know of a call what its machines know.
func TestGatewayRecord(t *testing.T) {
	for _, n := range delays {
		for _, ecm := range []bool{true, false} {
			for _, repairs := range []int{0, 2} {
				if repairs > 0 && !ecm {
					continue
				}
				t.Run(fmt.Sprintf("ECM %v, %d repairs, delay %d", ecm, repairs, n.Delay), func(t *testing.T) {
					t.Parallel()
					f := newFaxTest(t, 3, ecm)
					f.net = n
					f.doc.rows = 400
					f.sends.Source = f.doc
					f.open(t)
					if repairs > 0 {
						f.spoilPages(repairs)
					}
					_, r := f.well(t)
					a, b := f.records()
					for i, rec := range []Record{a, b} {
						sends, takes := &rec.Local, &rec.Remote
						if i == 1 {
							sends, takes = takes, sends
						}
						if sends.Ident != "1" || takes.Ident != "2" || !takes.Offered || takes.Offer.ECM != ecm || !sends.Left || takes.Left {
							t.Errorf("gateway %d: sender %+v, receiver %+v", i, *sends, *takes)
						}
						if rec.FromLocal != (i == 0) || !rec.OK() || rec.Good != 3 || rec.Passed != 3 || rec.Trainings != 1 || rec.Failures != 0 ||
							rec.Repairs != repairs || rec.FramesAgain != r.Frames || rec.String() != "all pages confirmed" {
							t.Errorf("gateway %d: %+v", i, rec)
						}
						for _, p := range rec.Pages {
							if p.BitRate != 14400 || p.ECM != ecm || p.Result != PageConfirmed {
								t.Errorf("gateway %d: %v", i, p)
							}
						}
						if ecm && (sends.ImageFrames == 0 || takes.ImageFrames != 0) {
							t.Errorf("gateway %d: %d and %d frames of images", i, sends.ImageFrames, takes.ImageFrames)
						}
					}
					if repairs > 0 && a.Local.BadImageFrames == 0 {
						t.Error("noise over a page spoiled no frame")
					}
				})
			}
		}
	}
}

// A page without ECM that is rejected by the far machine is on record, and that it came again.
func TestGatewayRecordOfRejection(t *testing.T) {
	f := newFaxTest(t, 2, false)
	refused := false
	f.takes.Judge = func(t30.Format, t30.Copy) t30.Verdict {
		if refused {
			return t30.Accept
		}
		refused = true
		return t30.Reject
	}
	f.open(t)
	f.well(t)
	a, b := f.records()
	for i, r := range []Record{a, b} {
		if r.Passed != 3 || r.Good != 2 || r.Rejected != 1 || r.Pages[0].Result != PageRejected || !r.OK() {
			t.Errorf("gateway %d: %v %v", i, r.String(), r.Pages)
		}
	}
}

// Machines that both have JBIG agree on it: a coding that only they know passes like any other.
func TestGatewayPassesOtherCodings(t *testing.T) {
	var p plan
	b := t30.Command{Modulation: t30.V17At12000, ECM: true, Coding: t30.MH}.Bits()
	b.Set(t30.BitJBIG)
	p.fromNet(t30.Frame{FCF: t30.DCS, Final: true, Info: b}.Append(nil))
	if want := modes[t30.V17At12000]; p.mode != want || !p.ecm || p.fromLine || !p.check {
		t.Errorf("%+v, want %v and ECM", p, want)
	}
	g := NewGateway(adaptive, DefaultLevel)
	(*fromNet)(g).Frame(ifp.V21Data, t30.Frame{FCF: t30.DCS, Final: true, Info: b}.Append(nil), true)
	if r := g.Watch.Record(); r.Form != "JBIG" || r.Command.Modulation != t30.V17At12000 {
		t.Errorf("%+v", r)
	}
}
