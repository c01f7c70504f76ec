package ifp

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// A golden is one line of testdata/golden.txt.
type golden struct {
	line    string
	codings []Coding
	octets  []byte
	says    string
}

func goldens(t testing.TB) (list []golden) {
	t.Helper()
	text, err := os.ReadFile("testdata/golden.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			continue
		}
		column := strings.Split(line, "\t")
		octets, err := hex.DecodeString(column[1])
		if err != nil || len(column) != 3 {
			t.Fatalf("golden.txt: %q: %v", line, err)
		}
		codings := map[string][]Coding{"both": {Original, Corrected}, "original": {Original}, "corrected": {Corrected}}[column[0]]
		list = append(list, golden{line, codings, octets, column[2]})
	}
	return list
}

// says writes a packet in the words of golden.txt.
func says(p *Packet) string {
	if !p.IsData {
		return p.Indicator.String()
	}
	words := []string{p.Data.String()}
	for _, f := range p.Fields {
		word := f.Type.String()
		if len(f.Data) > 0 {
			word += "=" + hex.EncodeToString(f.Data)
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

func TestGolden(t *testing.T) {
	list := goldens(t)
	if len(list) < 60 {
		t.Fatalf("%d lines in golden.txt", len(list))
	}
	for _, g := range list {
		for _, c := range g.codings {
			var p Packet
			n, err := p.Decode(g.octets, c)
			if err != nil || n != len(g.octets) || says(&p) != g.says {
				t.Errorf("%s, coding %d: took %d octets, %v, as %s", g.line, c, n, err, says(&p))
				continue
			}
			again, err := p.Append([]byte("before"), c)
			if err != nil || !bytes.Equal(again, append([]byte("before"), g.octets...)) {
				t.Errorf("%s, coding %d: written as %x, %v", g.line, c, again, err)
			}
		}
	}
}
