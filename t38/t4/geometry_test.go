package t4

import "testing"

func TestPagesOfT30(t *testing.T) {
	for _, tt := range []struct {
		p             Paper
		r             Resolution
		columns, rows int
	}{
		{A4, Standard, 1728, 1143}, {A4, Fine, 1728, 2287}, {A4, Superfine, 1728, 4574}, {A4, DPI300, 2592, 3508}, {A4, R16, 3456, 4574},
		{B4, Standard, 2048, 1359}, {B4, DPI300, 3072, 4169}, {B4, R16, 4096, 5436},
		{A3, Fine, 2432, 3234}, {A3, DPI300, 3648, 4961}, {A3, R16, 4864, 6468},
		{Letter, Standard, 1728, 1076}, {Letter, Fine, 1728, 2151}, {Legal, Fine, 1728, 2738},
		{0, Fine, 0, 0}, {A4, 0, 0, 0}, {9, 9, 0, 0},
	} {
		if c, r := tt.p.Columns(tt.r), tt.p.Rows(tt.r); c != tt.columns || r != tt.rows {
			t.Errorf("%v %v: %d x %d, want %d x %d", tt.p, tt.r, c, r, tt.columns, tt.rows)
		}
	}
}

func TestResolutionsOfFiles(t *testing.T) {
	for _, tt := range []struct {
		x, y int
		want Resolution
	}{
		{204, 98, Standard}, {204, 196, Fine}, {204, 391, Superfine}, {300, 300, DPI300}, {408, 391, R16},
		{200, 100, Standard}, {200, 200, Fine}, {203, 98, Standard}, {200, 400, Superfine}, {400, 400, R16},
		{0, 0, 0}, {72, 72, 0}, {600, 600, 0}, {204, 150, 0},
	} {
		if got, ok := ResolutionNear(tt.x, tt.y); got != tt.want || ok != (tt.want != 0) {
			t.Errorf("%d x %d: %v, want %v", tt.x, tt.y, got, tt.want)
		}
	}
}

func TestNamesReadBack(t *testing.T) {
	for r := Standard; r.known(); r++ {
		if got, err := ParseResolution(r.String()); got != r || err != nil {
			t.Errorf("%v: %v, %v", r, got, err)
		}
	}
	for p := A4; p.known(); p++ {
		if got, err := ParsePaper(p.String()); got != p || err != nil {
			t.Errorf("%v: %v, %v", p, got, err)
		}
	}
	if _, err := ParseResolution("coarse"); err == nil {
		t.Error("coarse taken")
	}
	if _, err := ParsePaper("a5"); err == nil {
		t.Error("a5 taken")
	}
	for _, p := range []Paper{A4, B4, A3} {
		if got, ok := PaperOfColumns(p.Columns(DPI300), DPI300); got != p || !ok {
			t.Errorf("%v at 300: %v", p, got)
		}
	}
}
