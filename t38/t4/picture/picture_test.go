package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"math/bits"
	"strings"
	"testing"

	"tipring/t38/t4"
)

// ramp goes from black at the left to white at the right, and is darker below.
func ramp(width, height int) *image.Gray {
	m := image.NewGray(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			m.SetGray(x, y, color.Gray{byte(x * 255 / max(1, width-1) * (2*height - y) / (2 * height))})
		}
	}
	return m
}

func grey(t testing.TB, m image.Image) Grey {
	t.Helper()
	g, err := FromImage(m)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func readAll(t testing.TB, g Grey) [][]byte {
	t.Helper()
	var rows [][]byte
	for {
		row := make([]byte, g.Width())
		err := g.ReadGrey(row)
		if errors.Is(err, io.EOF) && len(rows) == g.Height() {
			return rows
		}
		if err != nil {
			t.Fatalf("row %d of %d: %v", len(rows), g.Height(), err)
		}
		rows = append(rows, row)
	}
}

func mean(rows [][]byte) float64 {
	sum, n := 0, 0
	for _, row := range rows {
		for _, v := range row {
			sum += int(v)
			n++
		}
	}
	return float64(sum) / float64(n)
}

func TestScaleKeepsTheMean(t *testing.T) {
	for _, from := range [][2]int{{100, 80}, {1728, 99}, {3, 500}, {1, 1}} {
		want := mean(readAll(t, grey(t, ramp(from[0], from[1]))))
		for _, to := range [][2]int{{100, 80}, {50, 40}, {200, 160}, {33, 77}, {101, 79}, {1728, 1}, {1, 1}} {
			g, err := Scale(grey(t, ramp(from[0], from[1])), to[0], to[1])
			if err != nil {
				t.Fatal(err)
			}
			rows := readAll(t, g)
			if len(rows) != to[1] || len(rows[0]) != to[0] {
				t.Fatalf("%v to %v: %d x %d", from, to, len(rows[0]), len(rows))
			}
			if got := mean(rows); got < want-1 || got > want+1 {
				t.Errorf("%v to %v: mean %.1f, want %.1f", from, to, got, want)
			}
		}
	}
}

func TestScaleByHalvesAndDoubles(t *testing.T) {
	m := &image.Gray{Pix: []byte{0, 100, 200, 40, 20, 80, 0, 240}, Stride: 4, Rect: image.Rect(0, 0, 4, 2)}
	half, err := Scale(grey(t, m), 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	if got := readAll(t, half); !bytes.Equal(got[0], []byte{50, 120}) {
		t.Errorf("half: %v", got)
	}
	double, err := Scale(grey(t, m), 8, 4)
	if err != nil {
		t.Fatal(err)
	}
	got := readAll(t, double)
	if !bytes.Equal(got[1], []byte{0, 0, 100, 100, 200, 200, 40, 40}) || !bytes.Equal(got[2], []byte{20, 20, 80, 80, 0, 0, 240, 240}) {
		t.Errorf("double: %v", got)
	}
}

// blackShare is how much of a page is black.
func blackShare(t testing.TB, r t4.RowReader, columns int) float64 {
	t.Helper()
	row := make([]byte, t4.RowOctets(columns))
	black, rows := 0, 0
	for r.ReadRow(row) == nil {
		for _, octet := range row {
			black += bits.OnesCount8(octet)
		}
		rows++
	}
	return float64(black) / float64(rows*columns)
}

func TestDiffusionKeepsEachTone(t *testing.T) {
	for v := 0; v <= 255; v += 5 {
		m := image.NewGray(image.Rect(0, 0, 203, 100))
		for i := range m.Pix {
			m.Pix[i] = byte(v)
		}
		want := 1 - float64(v)/255
		got := blackShare(t, Diffuse(grey(t, m)), 203)
		if got < want-0.012 || got > want+0.012 {
			t.Errorf("grey %d: %.3f black, want %.3f", v, got, want)
		}
	}
}

// From fine to standard two rows become one: a line of one row stays, and a blank page is blank.
func TestThresholdKeepsThinLines(t *testing.T) {
	m := image.NewGray(image.Rect(0, 0, 16, 8))
	for i := range m.Pix {
		m.Pix[i] = 255
	}
	for x := range 16 {
		m.SetGray(x, 3, color.Gray{0})
	}
	g, err := Scale(grey(t, m), 16, 4)
	if err != nil {
		t.Fatal(err)
	}
	if got := blackShare(t, Threshold(g), 16); got != 0.25 {
		t.Errorf("%.2f of the page is black, want one row of four", got)
	}
}

func TestRowsThereAndBack(t *testing.T) {
	rows := [][]byte{{0xa5, 0x80}, {0xff, 0xc0}, {0, 0}}
	for name, back := range map[string]func(Grey) t4.RowReader{"threshold": Threshold, "diffuse": Diffuse} {
		r := &memory{rows: rows}
		g, err := FromRows(r, 10, 3)
		if err != nil {
			t.Fatal(err)
		}
		b := back(g)
		for i, want := range rows {
			got := make([]byte, 2)
			if err := b.ReadRow(got); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: row %d is %x, %v", name, i, got, err)
			}
		}
	}
}

type memory struct{ rows [][]byte }

func (m *memory) ReadRow(row []byte) error {
	if len(m.rows) == 0 {
		return io.EOF
	}
	copy(row, m.rows[0])
	m.rows = m.rows[1:]
	return nil
}

func TestPlaceOnWhite(t *testing.T) {
	black := image.NewGray(image.Rect(0, 0, 2, 2))
	g, err := Place(grey(t, black), Placement{Width: 6, Height: 5, Left: 1, Top: 2, PictureWidth: 4, PictureRows: 2})
	if err != nil {
		t.Fatal(err)
	}
	for y, row := range readAll(t, g) {
		for x, v := range row {
			if inside := x >= 1 && x < 5 && y >= 2 && y < 4; (v == 0) != inside || v != 0 && v != 255 {
				t.Errorf("pel %d of row %d is %d", x, y, v)
			}
		}
	}
	for _, p := range []Placement{
		{}, {Width: 6, Height: 5, Left: 3, PictureWidth: 4, PictureRows: 2}, {Width: 6, Height: 5, Top: -1, PictureWidth: 4, PictureRows: 2},
		{Width: 6, Height: 5, PictureWidth: 0, PictureRows: 2}, {Width: MaxSide + 1, Height: 5, PictureWidth: 1, PictureRows: 2},
	} {
		if _, err := Place(grey(t, black), p); err == nil {
			t.Errorf("%+v: taken", p)
		}
	}
}

func TestFit(t *testing.T) {
	fine := Target{Columns: 1728, X: 204, Y: 196}
	a4 := Target{Columns: 1728, X: 204, Y: 196, MaxRows: 2287}
	for _, tt := range []struct {
		name          string
		target        Target
		w, h, xd, yd  int
		width, height int
	}{
		{"its own resolution", fine, 1728, 2200, 204, 196, 1728, 2200},
		{"standard to fine", fine, 1728, 1100, 204, 98, 1728, 2200},
		{"letter at 300", fine, 2550, 3300, 300, 300, 1728, 2149},
		{"A4 at 600", fine, 4960, 7016, 600, 600, 1728, 2348},
		{"half a page wide", fine, 1275, 3300, 300, 300, 867, 2156},
		{"B4 line onto A4", fine, 2048, 2800, 204, 196, 1728, 2363},
		{"photograph", fine, 3000, 2000, 0, 0, 1728, 1107},
		{"tall photograph", a4, 1000, 3000, 0, 0, 793, 2287},
		{"one pel", fine, 1, 1, 0, 0, 1728, 1660},
		{"hair", fine, 1, MaxSide, 0, 0, 1728, MaxSide},
		{"thread", fine, MaxSide, 1, 0, 0, 1728, 1},
	} {
		p := tt.target.Fit(tt.w, tt.h, tt.xd, tt.yd)
		if p.PictureWidth != tt.width || p.PictureRows != tt.height || p.Width != 1728 || p.Height != tt.height || p.Left != (1728-tt.width)/2 {
			t.Errorf("%s: %+v, want %d x %d", tt.name, p, tt.width, tt.height)
		}
		if _, err := Place(grey(t, ramp(2, 2)), p); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// formats are one picture, half of it black, in what programs write.
func formats(t testing.TB) map[string][]byte {
	t.Helper()
	rect := image.Rect(0, 0, 40, 20)
	palette := color.Palette{color.White, color.Black}
	all := map[string]draw{
		"gray": image.NewGray(rect), "gray16": image.NewGray16(rect), "rgba": image.NewRGBA(rect), "nrgba": image.NewNRGBA(rect),
		"nrgba64": image.NewNRGBA64(rect), "palette": image.NewPaletted(rect, palette), "cut": image.NewGray(image.Rect(5, 5, 45, 25)),
	}
	out := map[string][]byte{}
	for name, m := range all {
		b := m.Bounds()
		for y := b.Min.Y; y < b.Max.Y; y++ {
			for x := b.Min.X; x < b.Max.X; x++ {
				m.Set(x, y, palette[btoi(x-b.Min.X < 20)])
			}
		}
		var buf bytes.Buffer
		if err := png.Encode(&buf, m); err != nil {
			t.Fatal(err)
		}
		out["png "+name] = bytes.Clone(buf.Bytes())
		buf.Reset()
		if err := jpeg.Encode(&buf, m, &jpeg.Options{Quality: 95}); err != nil {
			t.Fatal(err)
		}
		out["jpeg "+name] = buf.Bytes()
	}
	clear := image.NewNRGBA(rect) // see-through on the right, which is black underneath
	for y := range 20 {
		for x := range 20 {
			clear.Set(x, y, color.Black)
		}
	}
	var buf bytes.Buffer
	if err := png.Encode(&buf, clear); err != nil {
		t.Fatal(err)
	}
	out["png see-through"] = buf.Bytes()
	return out
}

type draw interface {
	image.Image
	Set(x, y int, c color.Color)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestFormatsOpen(t *testing.T) {
	for name, octets := range formats(t) {
		g, err := Open(bytes.NewReader(octets), 0)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		rows := readAll(t, g)
		if len(rows) != 20 || len(rows[0]) != 40 {
			t.Errorf("%s: %d x %d", name, len(rows[0]), len(rows))
		}
		for _, row := range rows {
			if row[2] > 8 || row[15] > 8 || row[24] < 247 || row[38] < 247 {
				t.Errorf("%s: %v", name, row)
				break
			}
		}
	}
}

// A PNG that says how large it is and is not: refused before anything is reserved for it.
func TestHugeAndDamagedPicturesAreRefused(t *testing.T) {
	good := formats(t)["png gray"]
	claim := func(w, h uint32) []byte {
		o := bytes.Clone(good)
		binary.BigEndian.PutUint32(o[16:], w)
		binary.BigEndian.PutUint32(o[20:], h)
		binary.BigEndian.PutUint32(o[29:], crc32.ChecksumIEEE(o[12:29]))
		return o
	}
	for name, tt := range map[string]struct {
		octets []byte
		want   string
	}{
		"nothing":          {nil, "unexpected EOF"},
		"a letter":         {[]byte("Dear Sir or Madam"), "neither PNG nor JPEG"},
		"as wide as it is": {claim(1<<31-1, 1), "picture: "},
		"10000 x 10000":    {claim(10000, 10000), "more than"},
		"no width":         {claim(0, 10), "picture: "},
		"cut":              {good[:len(good)-30], "picture: png: "},
		"half a JPEG":      {formats(t)["jpeg gray"][:300], "unexpected EOF"},
		"only the start":   {[]byte("\xff\xd8\xff\xd8\xff\xd8\xff\xd8"), "picture: "},
	} {
		if _, err := Open(bytes.NewReader(tt.octets), 0); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	if _, err := Open(bytes.NewReader(good), 799); err == nil {
		t.Error("800 pels were taken with a limit of 799")
	}
}

func FuzzOpen(f *testing.F) {
	for _, octets := range formats(f) {
		f.Add(octets)
	}
	f.Fuzz(func(t *testing.T, octets []byte) {
		g, err := Open(bytes.NewReader(octets), 1<<16)
		if err != nil {
			return
		}
		small, err := Scale(g, 7, 5)
		if err != nil {
			t.Fatal(err)
		}
		readAll(t, small)
	})
}

// One op is a row of 1728 pels made of a picture of 2550 x 3300.
func BenchmarkScaleAndDiffuse(b *testing.B) {
	m := ramp(2550, 3300)
	var r t4.RowReader
	row := make([]byte, 216)
	b.ReportAllocs()
	for b.Loop() {
		if r == nil || r.ReadRow(row) != nil {
			g, _ := Scale(grey(b, m), 1728, 2149)
			r = Diffuse(g)
		}
	}
}
