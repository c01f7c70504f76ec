package spandsp

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
)

// A Page is a page's pixels: rows of (Width+7)/8 octets, the leftmost pixel in the most
// significant bit, black 1.
type Page struct {
	Width, Rows int
	X, Y        int // pixels an inch across and down
	Pixels      []byte
}

// Equal says whether the two have the same pixels.
func (p Page) Equal(q Page) bool {
	return p.Width == q.Width && p.Rows == q.Rows && bytes.Equal(p.Pixels, q.Pixels)
}

// WriteTIFF makes a TIFF file with libtiff; coding is none, mh, mr or mmr. All pages get
// the first one's resolution.
func WriteTIFF(file, coding string, pages ...Page) error {
	var pbm bytes.Buffer
	for _, p := range pages {
		fmt.Fprintf(&pbm, "P4\n%d %d\n", p.Width, p.Rows)
		pbm.Write(p.Pixels)
	}
	path, err := program("sp-tiff")
	if err != nil {
		return err
	}
	cmd := exec.Command(path, "make", "--coding", coding, "--x", strconv.Itoa(pages[0].X), "--y", strconv.Itoa(pages[0].Y), file)
	cmd.Stdin = &pbm
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", file, err, text)
	}
	return nil
}

// ReadTIFF reads a bilevel TIFF file's pages with libtiff.
func ReadTIFF(file string) ([]Page, error) {
	path, err := program("sp-tiff")
	if err != nil {
		return nil, err
	}
	pbm, err := exec.Command(path, "cat", file).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return nil, fmt.Errorf("%s: %w: %s", file, err, exit.Stderr)
		}
		return nil, err
	}
	var pages []Page
	for len(pbm) > 0 {
		var p Page
		if pbm, err = p.read(pbm); err != nil {
			return nil, fmt.Errorf("%s: page %d: %w", file, len(pages)+1, err)
		}
		pages = append(pages, p)
	}
	return pages, nil
}

// read takes a page off the front of what sp-tiff cat writes.
func (p *Page) read(pbm []byte) (rest []byte, err error) {
	lines := bytes.SplitN(pbm, []byte("\n"), 4)
	if len(lines) < 4 {
		return nil, errors.New("no header")
	}
	head := fmt.Sprintf("%s %s %s", lines[0], lines[1], lines[2])
	if _, err := fmt.Sscanf(head, "P4 # %d %d %d %d", &p.X, &p.Y, &p.Width, &p.Rows); err != nil {
		return nil, err
	}
	n := (p.Width + 7) / 8 * p.Rows
	if len(lines[3]) < n {
		return nil, errors.New("cut short")
	}
	p.Pixels = lines[3][:n]
	return lines[3][n:], nil
}
