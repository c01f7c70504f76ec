package wav

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func written(t *testing.T, pcm []int16) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, pcm); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	for _, pcm := range [][]int16{nil, {1}, {-32768, 32767, 0}, make([]int16, 10000)} {
		got, err := Read(bytes.NewReader(written(t, pcm)))
		if err != nil || !slices.Equal(got, pcm) {
			t.Errorf("%d samples: read %d, %v", len(pcm), len(got), err)
		}
	}
}

// The header as the format's description has it.
func TestHeader(t *testing.T) {
	want := "RIFF\x28\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data\x04\x00\x00\x00\x01\x00\xff\xff"
	if got := written(t, []int16{1, -1}); string(got) != want {
		t.Errorf("%q\nwant %q", got, want)
	}
}

// changed returns a file of three samples with octets overwritten at a place.
func changed(t *testing.T, at int, with ...byte) []byte {
	b := written(t, []int16{1, 2, 3})
	copy(b[at:], with)
	return b
}

func TestReadTakesWhatOthersWrite(t *testing.T) {
	plain := written(t, []int16{1, 2, 3})
	list := slices.Concat(plain[:36], []byte("LIST\x03\x00\x00\x00abc\x00"), plain[36:])
	extensible := slices.Concat(plain[:16], []byte{40, 0, 0, 0, 0xfe, 0xff}, plain[22:36],
		[]byte{22, 0, 16, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71}, plain[36:])
	for _, tt := range []struct {
		name string
		file []byte
		want int
	}{
		{"another chunk of odd length", list, 3},
		{"extensible format", extensible, 3},
		{"a stream without length", changed(t, 40, 0xff, 0xff, 0xff, 0xff), 3},
		{"a stream with length 0", changed(t, 40, 0, 0, 0, 0), 3},
		{"cut short within a sample", plain[:len(plain)-1], 2},
		{"something after the data", append(plain, "LIST"...), 3},
		{"a length that is odd", changed(t, 40, 5), 2},
	} {
		got, err := Read(bytes.NewReader(tt.file))
		if err != nil || !slices.Equal(got, []int16{1, 2, 3}[:tt.want]) {
			t.Errorf("%s: %v, %v", tt.name, got, err)
		}
	}
}

func TestReadRefusesOtherFormats(t *testing.T) {
	plain := written(t, []int16{1, 2, 3})
	for name, file := range map[string][]byte{
		"empty": nil, "text": []byte("RIFF are four letters"), "no data": plain[:36], "a lying chunk": changed(t, 36, 'j', 'u', 'n', 'k', 0xff, 0xff, 0xff, 0xff),
		"data before format": slices.Concat(plain[:12], plain[36:]),
		"16 kHz":             changed(t, 24, 0x80, 0x3e), "stereo": changed(t, 22, 2), "8 bit": changed(t, 34, 8), "A-law": changed(t, 20, 6),
		"a format too short": changed(t, 16, 8), "a format too long": changed(t, 16, 0xff, 0xff, 0xff, 0xff), "a format cut short": plain[:30],
	} {
		if pcm, err := Read(bytes.NewReader(file)); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %d samples, %v", name, len(pcm), err)
		}
	}
}

func TestFiles(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.wav")
	if err := WriteFile(name, []int16{5, 6}); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadFile(name); err != nil || !slices.Equal(got, []int16{5, 6}) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := ReadFile(name + "x"); !os.IsNotExist(err) {
		t.Errorf("a file that is not there: %v", err)
	}
	if err := WriteFile(name+"/x", nil); err == nil {
		t.Error("wrote into a file as a folder")
	}
	if err := Write(nil, make([]int16, MaxSamples+1)); err == nil {
		t.Error("wrote a recording that is too long")
	}
}

func FuzzRead(f *testing.F) {
	var b bytes.Buffer
	Write(&b, []int16{1, 2, 3})
	f.Add(b.Bytes())
	f.Add(binary.LittleEndian.AppendUint32([]byte("RIFF\x00\x00\x00\x00WAVEfmt "), 0xffffffff))
	f.Fuzz(func(t *testing.T, file []byte) {
		pcm, err := Read(bytes.NewReader(file))
		if err == nil && len(pcm) > len(file)/2 {
			t.Errorf("%d samples of %d octets", len(pcm), len(file))
		}
	})
}
