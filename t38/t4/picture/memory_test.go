package picture

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"runtime"
	"strings"
	"testing"
)

// What a picture is said to take is what its decoder takes.
func TestNeedIsWhatDecodersTake(t *testing.T) {
	const w, h = 1000, 600
	rect := image.Rect(0, 0, w, h)
	see := image.NewNRGBA(rect)
	see.Set(1, 1, color.NRGBA{1, 2, 3, 4})
	deep := image.NewNRGBA64(rect)
	deep.Set(1, 1, color.NRGBA64{1, 2, 3, 4})
	files := map[string][]byte{"jpeg progressive": jpegOf(w, h, sof2, 3, false), "jpeg CMYK": jpegOf(w, h, sof0, 4, true), "jpeg progressive CMYK": jpegOf(w, h, sof2, 4, true), "jpeg RGB": jpegOf(w, h, sof0, 3, true)}
	for name, m := range map[string]image.Image{
		"gray": image.NewGray(rect), "gray16": image.NewGray16(rect), "rgb": image.NewRGBA(rect), "rgba": see, "rgba64": deep, "palette": image.NewPaletted(rect, color.Palette{color.White, color.Black}),
	} {
		var p, j bytes.Buffer
		if err := png.Encode(&p, m); err != nil {
			t.Fatal(err)
		}
		if err := jpeg.Encode(&j, m, nil); err != nil {
			t.Fatal(err)
		}
		files["png "+name], files["jpeg "+name] = p.Bytes(), j.Bytes()
	}
	files["png gray, one of them clear"] = withChunk(files["png gray"], "tRNS", []byte{0, 7})
	files["png interlaced"] = pngHead(func(h []byte) { h[12] = 1 }, bytes.Clone(files["png rgb"]))
	for name, file := range files {
		decode, need := jpeg.Decode, jpegNeed
		if strings.HasPrefix(name, "png") {
			decode, need = png.Decode, pngNeed
		}
		said, err := need(bytes.NewReader(file))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err = decode(bytes.NewReader(file))
		runtime.ReadMemStats(&after)
		if err != nil && name != "png interlaced" { // whose pels have another order
			t.Errorf("%s: %v", name, err)
		}
		if took := int64(after.TotalAlloc - before.TotalAlloc); said < took*6/10 || said > took*12/10 && name != "png interlaced" {
			t.Errorf("%s: %d octets a pel of ten, it takes %d", name, said*10/w/h, took*10/w/h)
		}
	}
}

// A picture is refused for what it would take, before it takes it.
func TestPicturesThatTakeTooMuch(t *testing.T) {
	for _, tt := range []struct {
		name string
		file []byte
		good bool
	}{
		{"A4 at 600 dpi, grey", jpegOf(4960, 7016, sof0, 1, false), true},
		{"A4 at 300 dpi, colour", jpegOf(2480, 3508, sof0, 3, false), true},
		{"36 million pels of four colours, progressive", jpegOf(6000, 6000, sof2, 4, true), false},
		{"36 million pels of RGB, which their end tells", append(jpegOf(6000, 6000, sof0, 3, false), adobe()...), false},
		{"36 million pels, see-through, of 16 bits", pngHead(func(h []byte) {
			binary.BigEndian.PutUint32(h, 6000)
			binary.BigEndian.PutUint32(h[4:], 6000)
			h[8], h[9] = 16, 6
		}, formats(t)["png gray"]), false},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Open(bytes.NewReader(tt.file), 0)
		runtime.ReadMemStats(&after)
		if (err == nil) != tt.good || err != nil && !strings.Contains(err.Error(), "make it smaller") {
			t.Errorf("%s: %v", tt.name, err)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > MaxMemory*5/4 || !tt.good && took > 1<<20 {
			t.Errorf("%s took %d KiB", tt.name, took>>10)
		}
	}
}

// Whatever comes: no panic, no end of it, and no need below nothing.
func FuzzNeed(f *testing.F) {
	for _, octets := range formats(f) {
		f.Add(octets)
	}
	f.Add(jpegOf(16, 16, sof2, 4, true))
	f.Fuzz(func(t *testing.T, octets []byte) {
		for _, need := range []func(io.Reader) (int64, error){pngNeed, jpegNeed} {
			if n, err := need(bytes.NewReader(octets)); n < 0 || err != nil && n != 0 {
				t.Fatalf("%d, %v", n, err)
			}
		}
	})
}

// pngHead is a PNG whose IHDR says something else.
func pngHead(change func(ihdr []byte), file []byte) []byte {
	change(file[16:])
	binary.BigEndian.PutUint32(file[29:], crc32.ChecksumIEEE(file[12:29]))
	return file
}

// withChunk is a PNG with one more chunk behind its IHDR.
func withChunk(file []byte, kind string, data []byte) []byte {
	chunk := append([]byte(kind), data...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk))
	chunk = append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), chunk...)
	return append(append(bytes.Clone(file[:33]), chunk...), file[33:]...)
}

// adobe says that colours are RGB or CMYK.
func adobe() []byte {
	return append([]byte{0xff, app14, 0, 14}, "Adobe\x00\x64\x00\x00\x00\x00\x00"...)
}

// jpegOf is a grey field: each of its coefficients is one bit.
func jpegOf(width, height uint16, kind byte, components int, plain bool) []byte {
	b := []byte{0xff, soi}
	segment := func(marker byte, data []byte) {
		b = append(binary.BigEndian.AppendUint16(append(b, 0xff, marker), uint16(len(data)+2)), data...)
	}
	if plain {
		b = append(b, adobe()...)
	}
	segment(0xdb, append([]byte{0}, bytes.Repeat([]byte{1}, 64)...))
	frame := []byte{8, byte(height >> 8), byte(height), byte(width >> 8), byte(width), byte(components)}
	scan := []byte{byte(components)}
	for n := range components {
		frame, scan = append(frame, byte(n+1), 0x11, 0), append(scan, byte(n+1), 0)
	}
	segment(kind, frame)
	for _, class := range []byte{0x00, 0x10} {
		segment(0xc4, append(append([]byte{class, 1}, make([]byte, 15)...), 0))
	}
	last, bits := byte(63), 2 // the end of a block is one, too
	if kind == sof2 {
		last, bits = 0, 1
	}
	segment(0xda, append(scan, 0, last, 0))
	blocks := (int(width) + 7) / 8 * ((int(height) + 7) / 8) * components
	return append(append(b, make([]byte, (blocks*bits+7)/8)...), 0xff, eoi)
}
