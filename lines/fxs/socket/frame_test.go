package socket

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/iotest"
)

func TestReaderTakesFramesHoweverTheStreamIsCut(t *testing.T) {
	pcm := make([]int16, MaxSamples)
	for i := range pcm {
		pcm[i] = int16(i * 41)
	}
	stream := Append(nil, Hello, []byte(`{"protocol":1}`)...)
	stream = AppendAudio(stream, pcm[:80])
	stream = Append(stream, Hook, 1)
	stream = Append(stream, 0x77, make([]byte, 65535)...) // from a later protocol
	stream = AppendAudio(stream, pcm)
	stream = Append(stream, 0x09)
	stream = Append(stream, Pulse, 7)

	for name, cut := range map[string]func(io.Reader) io.Reader{
		"whole": func(r io.Reader) io.Reader { return r }, "halves": iotest.HalfReader, "octets": iotest.OneByteReader,
	} {
		r := NewReader(cut(bytes.NewReader(stream)))
		var got []Type
		for {
			typ, payload, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got = append(got, typ)
			if typ == Audio {
				if s := Samples(nil, payload); !slices.Equal(s, pcm[:len(s)]) {
					t.Errorf("%s: other samples", name)
				}
			}
		}
		if want := []Type{Hello, Audio, Hook, Audio, Pulse}; !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

func TestReaderRefusesLengthsThatCannotBe(t *testing.T) {
	for _, tt := range []struct {
		typ    Type
		length int
		want   string
	}{
		{Audio, 158, "AUDIO frame of 158 octets: want an even number from 160 to 3200"},
		{Audio, 161, "AUDIO frame of 161 octets: want an even number from 160 to 3200"},
		{Audio, 3202, "AUDIO frame of 3202 octets: want an even number from 160 to 3200"},
		{Audio, 0, "AUDIO frame of 0 octets: want an even number from 160 to 3200"},
		{Hook, 0, "HOOK frame of 0 octets: want 1"},
		{Pulse, 2, "PULSE frame of 2 octets: want 1"},
		{Hello, 1025, "HELLO frame of 1025 octets: want 1 to 1024"},
	} {
		_, _, err := NewReader(bytes.NewReader(Append(nil, tt.typ, make([]byte, tt.length)...))).Next()
		var le *LengthError
		if !errors.As(err, &le) || err.Error() != tt.want {
			t.Errorf("%v of %d: %v, want %s", tt.typ, tt.length, err, tt.want)
		}
	}
}

func TestReaderTellsACutStreamFromAnEndedOne(t *testing.T) {
	whole := Append(AppendAudio(nil, make([]int16, 80)), 0x99, make([]byte, 3000)...)
	for _, n := range []int{0, 163} {
		r := NewReader(bytes.NewReader(whole[:n]))
		if n > 0 {
			r.Next()
		}
		if _, _, err := r.Next(); err != io.EOF {
			t.Errorf("after %d octets: %v, want EOF", n, err)
		}
	}
	for _, n := range []int{1, 2, 3, 100, 162, 164, 166, 167, 3000} {
		r := NewReader(bytes.NewReader(whole[:n]))
		if n > 163 {
			r.Next()
		}
		if _, _, err := r.Next(); err != io.ErrUnexpectedEOF {
			t.Errorf("after %d octets: %v, want an unexpected EOF", n, err)
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add(AppendAudio(Append(nil, Hello, '{', '}'), make([]int16, 160)))
	f.Add([]byte{0x99, 0xff, 0xff, 0x01, 0x00, 0x01, 0x00})
	f.Add(Append(Append(nil, Hook, 2), Pulse, 9))
	f.Fuzz(func(t *testing.T, stream []byte) {
		r := NewReader(bytes.NewReader(stream))
		taken := 0
		for {
			typ, payload, err := r.Next()
			if err != nil {
				break
			}
			if known, err := checkLength(typ, len(payload)); !known || err != nil {
				t.Fatalf("%v of %d octets got through", typ, len(payload))
			}
			taken += headerSize + len(payload)
		}
		if taken > len(stream) || len(r.buf) > headerSize+maxPayload {
			t.Fatalf("took %d of %d octets, keeps %d", taken, len(stream), len(r.buf))
		}
	})
}

func FuzzHello(f *testing.F) {
	for _, s := range []string{`{"protocol":1,"name":"slic"}`, `{"protocol":1,"name":"x","token":"secret"}`, `{`, `[]`, `{"protocol":1e999}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, hello []byte) {
		name, err := readHello(NewReader(bytes.NewReader(Append(nil, Hello, hello...))), "secret")
		if err == nil && (!bytes.Contains(hello, []byte("secret")) && !bytes.Contains(hello, []byte(`\u`)) || len([]rune(name)) > maxName) {
			t.Errorf("let in: %q", hello)
		}
	})
}

func BenchmarkAudioFrame(b *testing.B) {
	pcm := make([]int16, 160)
	stream := AppendAudio(nil, pcm)
	src := bytes.NewReader(stream)
	r := NewReader(src)
	out := make([]byte, 0, len(stream))
	b.ReportAllocs()
	for b.Loop() {
		src.Reset(stream)
		_, payload, err := r.Next()
		if err != nil {
			b.Fatal(err)
		}
		pcm = Samples(pcm, payload)
		out = AppendAudio(out[:0], pcm)
	}
}
