// Command screens makes the pictures of docs/screens from those that the tests of the page
// leave in build/screens: the upper part of each, in at most 256 colours, so that the
// repository stays small.
//
//	go run ./tools/screens
//
// With the word demo it draws what the demo prints, instead:
//
//	bin/tipring demo --once --fast | go run ./tools/screens demo > docs/demo.svg
package main

import (
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// chosen are the pictures that the documents show, with how many rows of each; the rest
// is below the fold.
var chosen = []struct {
	name string
	rows int
}{
	{"failover-backup", 900}, {"status-telephone-dark", 844}, {"line-sip-desktop", 1400}, {"line-basic-telephone", 844},
	{"ladder-failover", 1400}, {"fax-desktop", 1050}, {"provisioning-desktop", 900},
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "demo" {
		if err := story(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "screens:", err)
			os.Exit(1)
		}
		return
	}
	for _, c := range chosen {
		if err := convert(filepath.Join("build", "screens", c.name+".png"), filepath.Join("docs", "screens", c.name+".png"), c.rows); err != nil {
			fmt.Fprintln(os.Stderr, "screens:", err)
			os.Exit(1)
		}
	}
}

func convert(from, to string, rows int) error {
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("%w (the tests of the page make it: docs/screens/README.md)", err)
	}
	defer in.Close()
	picture, err := png.Decode(in)
	if err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(out, fewColours(picture, rows)); err != nil {
		return err
	}
	return out.Close()
}

// fewColours is the upper part of a picture in 256 colours: the 128 that it has most of, and
// then those that none of the others is like, so that a small coloured sign keeps its own.
// Each other pixel has the nearest of them.
func fewColours(picture image.Image, rows int) image.Image {
	part := picture.Bounds()
	part.Max.Y = min(part.Max.Y, part.Min.Y+rows)
	count := map[color.RGBA]int{}
	for y := part.Min.Y; y < part.Max.Y; y++ {
		for x := part.Min.X; x < part.Max.X; x++ {
			count[color.RGBAModel.Convert(picture.At(x, y)).(color.RGBA)]++
		}
	}
	order := slices.SortedFunc(maps.Keys(count), func(a, b color.RGBA) int {
		return cmp.Or(count[b]-count[a], int(a.R)-int(b.R), int(a.G)-int(b.G), int(a.B)-int(b.B))
	})
	var palette color.Palette
	near := map[color.RGBA]bool{}
	for i, c := range order {
		cell := color.RGBA{R: c.R >> 4, G: c.G >> 4, B: c.B >> 4}
		if len(palette) < 256 && (i < 128 || !near[cell]) {
			palette, near[cell] = append(palette, c), true
		}
	}
	few := image.NewPaletted(image.Rect(0, 0, part.Dx(), part.Dy()), palette)
	draw.Draw(few, few.Bounds(), picture, part.Min, draw.Src)
	return few
}
