// Package pages joins documents to the procedures of facsimile: a Source hands the pages of a
// file to a t30.Terminal, coded as the call has settled (T.4, T.6), and a Sink makes a TIFF
// file of those that it receives.
//
// Both work row by row, and hold a few rows of a page however long it is. They belong to
// the goroutine of their Terminal. A page that has to be drawn or decoded first (PDF, JPEG)
// takes its time when it is opened, which on a line with a clock is missed: make a TIFF file
// of such a document before the call.
package pages

import (
	"tipring/t38/t30"
	"tipring/t38/t4"
)

var (
	codings     = [...]t4.Coding{t30.MH: t4.MH, t30.MR: t4.MR, t30.MMR: t4.MMR}
	resolutions = [...]t4.Resolution{
		t30.Standard: t4.Standard, t30.Fine: t4.Fine, t30.Superfine: t4.Superfine,
		t30.R300: t4.DPI300, t30.Ultrafine: t4.R16,
	}
	widths = [...]t30.Width{
		t4.A4: t30.A4Width, t4.Letter: t30.A4Width, t4.Legal: t30.A4Width, t4.B4: t30.B4Width, t4.A3: t30.A3Width,
	}
)

// Lengths of paper in tenths of a millimetre (T.30 table 2).
const (
	lengthA4 = 2970
	lengthB4 = 3640
)

// resolution is T.4's name of one of T.30's.
func resolution(r t30.Resolution) t4.Resolution {
	if int(r) >= len(resolutions) {
		return 0
	}
	return resolutions[r]
}

// thirtyResolution is T.30's name of one of T.4's.
func thirtyResolution(r t4.Resolution) t30.Resolution {
	for i, x := range resolutions {
		if x == r {
			return t30.Resolution(i)
		}
	}
	return t30.Fine
}

// lengthOf is the paper that holds so many rows. Files have pages of A4 with 4 % more: 297 mm
// with 8 lines each.
func lengthOf(rows int, r t4.Resolution) t30.Length {
	switch {
	case rows*100 <= r.Rows(lengthA4)*105:
		return t30.A4Length
	case rows*100 <= r.Rows(lengthB4)*105:
		return t30.B4Length
	default:
		return t30.Unlimited
	}
}

// rowsOf is how many rows a paper of that length has; 0: no limit.
func rowsOf(l t30.Length, r t4.Resolution) int {
	switch l {
	case t30.A4Length:
		return r.Rows(lengthA4)
	case t30.B4Length:
		return r.Rows(lengthB4)
	default:
		return 0
	}
}

// rowsToK is how many rows of MR have one that is coded by itself (T.4 clause 4.2.1.1).
func rowsToK(r t30.Resolution) int {
	if r == t30.Standard {
		return 2
	}
	return 4
}
