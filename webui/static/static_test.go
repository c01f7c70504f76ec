package static

import (
	"bytes"
	"compress/gzip"
	"testing"
)

// The pages open at once on a slow link: the files that every page needs are small.
func TestSizes(t *testing.T) {
	all := 0
	for name, most := range map[string]int{"style.css": 40 << 10, "app.js": 14 << 10, "icon.svg": 1 << 10} {
		text, err := Files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > most {
			t.Errorf("%s has %d octets, more than %d", name, len(text), most)
		}
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write(text)
		z.Close()
		all += b.Len()
	}
	if t.Logf("%d octets packed", all); all > 40<<10 {
		t.Errorf("the files have %d octets packed, more than 40 KiB", all)
	}
}

// What would make a script of data has no place here.
func TestScriptIsPlain(t *testing.T) {
	text, err := Files.ReadFile("app.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, no := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "http:", "https:", ".style"} {
		if bytes.Contains(text, []byte(no)) {
			t.Errorf("app.js has %s", no)
		}
	}
}
