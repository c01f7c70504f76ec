package picture

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
)

// MaxPels is what Open takes unless it is told otherwise: a page of A4 at 600 dpi. Pels that take
// more than MaxMemory are fewer.
const MaxPels = 36 << 20

// Open reads a PNG or JPEG picture, whose size in pels has a limit (0 is MaxPels), and in memory
// MaxMemory. A picture that is see-through stands on white.
func Open(in io.ReadSeeker, maxPels int) (Grey, error) {
	var magic [8]byte
	if _, err := io.ReadFull(in, magic[:]); err != nil {
		return nil, fmt.Errorf("picture: %w", early(err))
	}
	decode, config, need := jpeg.Decode, jpeg.DecodeConfig, jpegNeed
	switch {
	case string(magic[:]) == "\x89PNG\r\n\x1a\n":
		decode, config, need = png.Decode, png.DecodeConfig, pngNeed
	case magic[0] != 0xff || magic[1] != 0xd8:
		return nil, errors.New("picture: neither PNG nor JPEG")
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("picture: %w", err)
	}
	c, err := config(in)
	if err != nil {
		return nil, fmt.Errorf("picture: %w", early(err))
	}
	if err := checkSize(c.Width, c.Height); err != nil {
		return nil, err
	}
	if maxPels == 0 {
		maxPels = MaxPels
	}
	if int64(c.Width)*int64(c.Height) > int64(maxPels) {
		return nil, fmt.Errorf("picture: %d x %d pels: more than %d", c.Width, c.Height, maxPels)
	}
	if err := affordable(in, need); err != nil {
		return nil, fmt.Errorf("picture: %w", err)
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("picture: %w", err)
	}
	m, err := decode(in)
	if err != nil {
		return nil, fmt.Errorf("picture: %w", early(err))
	}
	return FromImage(m)
}

// imageRows is an image as grey.
type imageRows struct {
	image image.Image
	next  int
}

// FromImage makes a picture of an image, on white where that is see-through.
func FromImage(m image.Image) (Grey, error) {
	b := m.Bounds()
	if err := checkSize(b.Dx(), b.Dy()); err != nil {
		return nil, err
	}
	return &imageRows{image: m, next: b.Min.Y}, nil
}

func (r *imageRows) Width() int  { return r.image.Bounds().Dx() }
func (r *imageRows) Height() int { return r.image.Bounds().Dy() }

func (r *imageRows) ReadGrey(row []byte) error {
	b := r.image.Bounds()
	if r.next == b.Max.Y {
		return io.EOF
	}
	switch m := r.image.(type) {
	case *image.Gray:
		copy(row, m.Pix[m.PixOffset(b.Min.X, r.next):])
	case *image.YCbCr:
		copy(row, m.Y[m.YOffset(b.Min.X, r.next):])
	case *image.Paletted:
		grey := paletteGrey(m.Palette)
		for x, i := range m.Pix[m.PixOffset(b.Min.X, r.next):][:len(row)] {
			row[x] = grey[i]
		}
	case *image.NRGBA:
		for x := range row {
			p := m.Pix[m.PixOffset(b.Min.X+x, r.next):]
			row[x] = over(luma(uint32(p[0]), uint32(p[1]), uint32(p[2])), uint32(p[3]))
		}
	case *image.RGBA: // of png: nothing is see-through
		for x := range row {
			p := m.Pix[m.PixOffset(b.Min.X+x, r.next):]
			row[x] = byte(luma(uint32(p[0]), uint32(p[1]), uint32(p[2])) + 255 - uint32(p[3]))
		}
	default:
		for x := range row {
			row[x] = greyOf(m.At(b.Min.X+x, r.next))
		}
	}
	r.next++
	return nil
}

// luma is the brightness of a colour: ITU-R BT.601's weights, in 65536ths.
func luma(r, g, b uint32) uint32 { return (19595*r + 38470*g + 7471*b + 1<<15) >> 16 }

// Luma is the brightness of a colour.
func Luma(r, g, b byte) byte { return byte(luma(uint32(r), uint32(g), uint32(b))) }

// over is grey that covers white by alpha 255ths.
func over(grey, alpha uint32) byte { return byte((grey*alpha + 255*(255-alpha) + 127) / 255) }

func greyOf(c color.Color) byte {
	r, g, b, a := c.RGBA() // times alpha, 16 bits
	return byte((luma(r, g, b) + 0xffff - a) >> 8)
}

func paletteGrey(p color.Palette) (grey [256]byte) {
	for i, c := range p {
		grey[i] = greyOf(c)
	}
	return grey
}
