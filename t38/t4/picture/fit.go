package picture

// A Target is the fax page that a picture is to fit.
type Target struct {
	Columns int // pels in a row
	X, Y    int // pels and lines per inch or per metre: the unit is the caller's
	MaxRows int // the longest page; 0: as long as the picture
}

// Fit says where a picture of so many pels stands on a page. With its resolution known (x
// and y, to 50,000, in the target's unit) it keeps its size on paper, and within 5 per cent of the
// page's width it takes that width exactly; if it is wider, or its resolution is 0, it is made as
// wide as the page. A picture longer than MaxRows is made smaller. It stands at the top, in the middle.
func (t Target) Fit(width, height, x, y int) Placement {
	w, h := int64(t.Columns), int64(0)
	squareX, squareY := int64(x), int64(y) // the shape of its pels
	if x <= 0 || y <= 0 {
		squareX, squareY = 1, 1
	} else if own := int64(width) * int64(t.X) / int64(x); own*20 < w*19 {
		w = max(own, 1)
	}
	// The height that keeps the shape: rows per inch over columns per inch.
	tall := func(w int64) int64 {
		num := w * int64(height) * squareX * int64(t.Y)
		den := int64(width) * squareY * int64(t.X)
		return max(1, (num+den/2)/den)
	}
	h = tall(w)
	if t.MaxRows > 0 && h > int64(t.MaxRows) {
		w = max(1, w*int64(t.MaxRows)/h)
		h = int64(t.MaxRows)
	}
	h = min(h, MaxSide)
	return Placement{
		Width: t.Columns, Height: int(h), Left: (t.Columns - int(w)) / 2,
		PictureWidth: int(w), PictureRows: int(h),
	}
}
