package t4

import "fmt"

// Resolution is one of T.30's resolutions of a page.
type Resolution uint8

// The resolutions of T.4 clauses 2 and 3, in pels and lines per inch as TIFF-F rounds them (RFC 2301
// clause 3.3); the R8 and R16 ones are metric: 8 and 16 pels, 3.85, 7.7 and 15.4 lines a millimetre.
const (
	Standard  Resolution = iota + 1 // R8 x 3.85: 204 x 98
	Fine                            // R8 x 7.7: 204 x 196
	Superfine                       // R8 x 15.4: 204 x 391
	DPI300                          // 300 x 300
	R16                             // R16 x 15.4: 408 x 391
)

var resolutions = [...]struct {
	name      string
	x, y      int
	linesPerM int
	columns   [3]int // for A4, B4 and A3
}{
	Standard:  {"standard", 204, 98, 3850, [3]int{1728, 2048, 2432}},
	Fine:      {"fine", 204, 196, 7700, [3]int{1728, 2048, 2432}},
	Superfine: {"superfine", 204, 391, 15400, [3]int{1728, 2048, 2432}},
	DPI300:    {"300", 300, 300, 11811, [3]int{2592, 3072, 3648}},
	R16:       {"r16", 408, 391, 15400, [3]int{3456, 4096, 4864}},
}

func (r Resolution) known() bool { return r >= Standard && r <= R16 }

// String returns the resolution's name: "standard", "fine", "superfine", "300" or "r16".
func (r Resolution) String() string {
	if !r.known() {
		return fmt.Sprintf("Resolution(%d)", uint8(r))
	}
	return resolutions[r].name
}

// ParseResolution is the inverse of String.
func ParseResolution(s string) (Resolution, error) {
	for r := Standard; r.known(); r++ {
		if resolutions[r].name == s {
			return r, nil
		}
	}
	return 0, fmt.Errorf("resolution %q: want standard, fine, superfine, 300 or r16", s)
}

// DPI returns the resolution in pels and lines per inch.
func (r Resolution) DPI() (x, y int) {
	if !r.known() {
		return 0, 0
	}
	return resolutions[r].x, resolutions[r].y
}

// PerMetre returns the resolution in pels and lines per metre, where the R8 and R16 ones
// are each a half or a double of another: 1728 pels are 215 mm.
func (r Resolution) PerMetre() (x, y int) {
	if !r.known() {
		return 0, 0
	}
	return (resolutions[r].columns[0]*1000 + 107) / 215, resolutions[r].linesPerM
}

// Rows returns the number of rows in so many tenths of a millimetre.
func (r Resolution) Rows(tenthMM int) int {
	if !r.known() {
		return 0
	}
	return (tenthMM*resolutions[r].linesPerM/1000 + 5) / 10
}

// ResolutionNear returns the resolution that a file's pels and lines per inch mean. Files
// round them each in its way: 200 x 100 is the standard one.
func ResolutionNear(x, y int) (Resolution, bool) {
	for r := Standard; r.known(); r++ {
		if near(x, resolutions[r].x) && near(y, resolutions[r].y) {
			return r, true
		}
	}
	return 0, false
}

// near allows 5 per cent.
func near(got, want int) bool { return got*100 >= want*95 && got*100 <= want*105 }

// Paper is a size of page that T.30 negotiates by its width.
type Paper uint8

// The sizes of T.4 clause 2 and of North America, whose width on the line is A4's.
const (
	A4 Paper = iota + 1
	B4
	A3
	Letter
	Legal
)

var papers = [...]struct {
	name          string
	width         int // index in columns
	lengthTenthMM int
}{
	A4:     {"a4", 0, 2970},
	B4:     {"b4", 1, 3530}, // ISO B4; T.30's B4 lines hold both it and the Japanese one
	A3:     {"a3", 2, 4200},
	Letter: {"letter", 0, 2794},
	Legal:  {"legal", 0, 3556},
}

func (p Paper) known() bool { return p >= A4 && p <= Legal }

// String returns the paper's name: "a4", "b4", "a3", "letter" or "legal".
func (p Paper) String() string {
	if !p.known() {
		return fmt.Sprintf("Paper(%d)", uint8(p))
	}
	return papers[p].name
}

// ParsePaper is the inverse of String.
func ParsePaper(s string) (Paper, error) {
	for p := A4; p.known(); p++ {
		if papers[p].name == s {
			return p, nil
		}
	}
	return 0, fmt.Errorf("paper %q: want a4, b4, a3, letter or legal", s)
}

// Columns returns the pels of a row on the line: 1728, 2048 or 2432 at R8, and the
// multiples of 1.5 and 2 at 300 and R16.
func (p Paper) Columns(r Resolution) int {
	if !p.known() || !r.known() {
		return 0
	}
	return resolutions[r].columns[papers[p].width]
}

// Rows returns the rows of a whole page.
func (p Paper) Rows(r Resolution) int { return r.Rows(p.LengthTenthMM()) }

// LengthTenthMM returns the length of a page in tenths of a millimetre.
func (p Paper) LengthTenthMM() int {
	if !p.known() {
		return 0
	}
	return papers[p].lengthTenthMM
}

// PaperOfColumns returns the size, of A4, B4 and A3, that has rows of so many pels.
func PaperOfColumns(columns int, r Resolution) (Paper, bool) {
	for p := A4; p <= A3; p++ {
		if columns > 0 && p.Columns(r) == columns {
			return p, true
		}
	}
	return 0, false
}
