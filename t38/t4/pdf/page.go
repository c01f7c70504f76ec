package pdf

import (
	"errors"
	"fmt"
	"math"
)

// errOther is for what this package does not read, but a full renderer does.
var errOther = errors.New("pdf: not a page of one image of a kind that is read here")

// Other reports whether Page refused a page because it is more than an image, or an
// image of another kind: it may be drawn by Poppler.
func Other(err error) bool { return errors.Is(err, errOther) }

// A pageNode is a page with what it inherits from the nodes above it.
type pageNode struct {
	number    int // of its object
	inherited dict
}

// Pages returns the number of pages, at least 1.
func (f *File) Pages() int { return len(f.pages) }

// findPages walks the tree of pages.
func (f *File) findPages() error {
	root, err := f.dict(f.trailer["Root"])
	if err != nil {
		return fmt.Errorf("catalog: %w", err)
	}
	seen := map[int]bool{}
	if err := f.walk(root["Pages"], nil, seen, 0); err != nil {
		return fmt.Errorf("pages: %w", err)
	}
	if len(f.pages) == 0 {
		return errors.New("no page")
	}
	return nil
}

// dict resolves an object that is to be a dictionary.
func (f *File) dict(o any) (dict, error) {
	o, err := f.resolve(o)
	if err != nil {
		return nil, err
	}
	switch d := o.(type) {
	case dict:
		return d, nil
	case *stream:
		return d.dict, nil
	}
	return nil, errors.New("no dictionary")
}

var inheritable = []name{"Resources", "MediaBox", "CropBox", "Rotate"}

func (f *File) walk(o any, inherited dict, seen map[int]bool, depth int) error {
	r, ok := o.(ref)
	switch {
	case !ok:
		return errors.New("a page that is no object of its own")
	case seen[r.number]:
		return errors.New("they go round in a circle")
	case depth > maxDepth:
		return fmt.Errorf("more than %d deep", maxDepth)
	}
	seen[r.number] = true
	d, err := f.dict(o)
	if err != nil {
		return fmt.Errorf("object %d: %w", r.number, err)
	}
	own := dict{}
	for _, k := range inheritable {
		if own[k] = inherited[k]; d[k] != nil {
			own[k] = d[k]
		}
	}
	kids, err := f.resolve(d["Kids"])
	if err != nil {
		return err
	}
	list, ok := kids.(array)
	if !ok {
		if len(f.pages) == MaxPages {
			return fmt.Errorf("more than %d", MaxPages)
		}
		f.pages = append(f.pages, pageNode{r.number, own})
		return nil
	}
	for _, kid := range list {
		if err := f.walk(kid, own, seen, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// A Box is a rectangle on paper in thousandths of a point (of 1/72 inch), its origin on top at the left.
type Box struct{ Left, Top, Width, Height int }

// Page opens the image that page n is, the first is 0. An error that Other reports means
// that the page is something else.
func (f *File) Page(n int) (*Image, error) {
	m, err := f.page(n)
	if err != nil {
		if errors.Is(err, errOther) {
			return nil, fmt.Errorf("page %d: %w", n+1, errOther)
		}
		return nil, fmt.Errorf("pdf: page %d: %w", n+1, err)
	}
	return m, nil
}

func (f *File) page(n int) (*Image, error) {
	node := f.pages[n]
	d, err := f.dict(ref{number: node.number})
	if err != nil {
		return nil, err
	}
	if f.number(node.inherited, "Rotate", 0) != 0 || f.number(d, "UserUnit", 1) != 1 || d["Annots"] != nil {
		return nil, errOther
	}
	paper, err := f.paper(node.inherited)
	if err != nil {
		return nil, err
	}
	content, err := f.content(d["Contents"])
	if err != nil {
		return nil, err
	}
	used, err := readContent(content)
	if err != nil {
		return nil, err
	}
	resources, err := f.dict(node.inherited["Resources"])
	if err != nil {
		return nil, errOther
	}
	objects, err := f.dict(resources["XObject"])
	if err != nil {
		return nil, errOther
	}
	o, err := f.resolve(objects[used.object])
	if err != nil {
		return nil, err
	}
	s, ok := o.(*stream)
	if !ok || s.dict["Subtype"] != name("Image") {
		return nil, errOther
	}
	m, err := f.image(s, used.coloured)
	if err != nil {
		return nil, err
	}
	m.Paper = Box{Width: thousandths(paper[2] - paper[0]), Height: thousandths(paper[3] - paper[1])}
	m.Place = Box{
		Left: thousandths(used.at.e - paper[0]), Top: thousandths(paper[3] - used.at.f - used.at.d),
		Width: thousandths(used.at.a), Height: thousandths(used.at.d),
	}
	return m, nil
}

func thousandths(points float64) int { return int(math.Round(points * 1000)) }

const mostPoints = 14400 // of a page's side: ISO 32000-1 annex C

// paper returns the visible part of the page: left, bottom, right, top.
func (f *File) paper(d dict) (box [4]float64, err error) {
	o, err := f.resolve(d["CropBox"])
	if err == nil && o == nil {
		o, err = f.resolve(d["MediaBox"])
	}
	if err != nil {
		return box, err
	}
	a, _ := o.(array)
	if len(a) != 4 {
		return box, errors.New("no size")
	}
	for i, e := range a {
		e, err := f.resolve(e)
		if err != nil {
			return box, err
		}
		v, ok := e.(float64)
		if !ok || math.Abs(v) > mostPoints {
			return box, fmt.Errorf("a size of %v", e)
		}
		box[i] = v
	}
	box = [4]float64{min(box[0], box[2]), min(box[1], box[3]), max(box[0], box[2]), max(box[1], box[3])}
	if box[2]-box[0] < 1 || box[3]-box[1] < 1 {
		return box, errors.New("a page without size")
	}
	return box, nil
}
