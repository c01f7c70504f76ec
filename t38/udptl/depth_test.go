package udptl

import "testing"

func TestDepth(t *testing.T) {
	clean := Counters{Received: 1000}
	for _, tt := range []struct {
		name           string
		steps          []func(*Depth)
		control, image int
	}{
		{"nothing known", nil, 3, 3},
		{"with ECM", []func(*Depth){ecm}, 3, 1},
		{"with ECM, a clean page", []func(*Depth){ecm, page(0)}, 3, 1},
		{"with ECM, a page repaired once", []func(*Depth){ecm, page(1)}, 5, 2},
		{"with ECM, a page repaired three times", []func(*Depth){ecm, page(3)}, 5, 4},
		{"with ECM, repaired without end", []func(*Depth){ecm, page(9), page(9)}, 5, 5},
		{"with ECM, repaired while under way", []func(*Depth){ecm, repair}, 5, 2},
		{"one clean page after a repair", []func(*Depth){ecm, page(2), page(0)}, 5, 3},
		{"two clean pages after a repair", []func(*Depth){ecm, page(2), page(0), page(0)}, 5, 2},
		{"a repair between clean pages", []func(*Depth){ecm, page(2), page(0), page(1), page(0)}, 5, 4},
		{"many clean pages after repairs", []func(*Depth){ecm, page(2), page(0), page(0), page(0), page(0), page(0), page(0)}, 5, 1},
		{"without ECM, a page refused", []func(*Depth){page(1)}, 5, 4},
		{"without ECM, pages refused", []func(*Depth){page(1), page(1), page(1)}, 5, 5},
		{"ECM after it was raised without", []func(*Depth){page(1), page(1), ecm}, 5, 3},
		{"no loss seen", []func(*Depth){ecm, loss(clean)}, 3, 1},
		{"1.9 % lost", []func(*Depth){ecm, loss(Counters{Received: 981, Lost: 10, Recovered: 9})}, 3, 1},
		{"2 % lost", []func(*Depth){ecm, loss(Counters{Received: 980, Recovered: 20})}, 5, 2},
		{"5 % lost", []func(*Depth){ecm, loss(Counters{Received: 950, Lost: 50})}, 5, 3},
		{"5 % lost, without ECM", []func(*Depth){loss(Counters{Received: 950, Lost: 50})}, 5, 5},
		{"5 % lost, and repairs", []func(*Depth){ecm, loss(Counters{Received: 950, Lost: 50}), page(1)}, 5, 3},
		{"5 % lost, repairs, clean pages", []func(*Depth){ecm, page(1), loss(Counters{Received: 950, Lost: 50}), page(0), page(0)}, 5, 3},
		{"two of twenty lost", []func(*Depth){ecm, loss(Counters{Received: 18, Lost: 2})}, 3, 1},
		{"duplicates are no packets", []func(*Depth){ecm, loss(Counters{Received: 1000, Duplicate: 900, Lost: 2})}, 3, 1},
		{"loss that ended", []func(*Depth){ecm, loss(Counters{Received: 90, Lost: 10}), loss(Counters{Received: 990, Lost: 10})}, 3, 1},
	} {
		var d Depth
		for _, step := range tt.steps {
			step(&d)
		}
		if d.Control() != tt.control || d.Image() != tt.image {
			t.Errorf("%s: control %d, image %d; want %d, %d", tt.name, d.Control(), d.Image(), tt.control, tt.image)
		}
	}
}

func ecm(d *Depth)    { d.SetECM(true) }
func repair(d *Depth) { d.Repair(1) }

func page(repairs int) func(*Depth)  { return func(d *Depth) { d.PageEnded(repairs) } }
func loss(c Counters) func(d *Depth) { return func(d *Depth) { d.LossSeen(c) } }
