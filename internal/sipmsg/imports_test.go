package sipmsg

import (
	"os/exec"
	"strings"
	"testing"
)

// gosip's sip package is used here and nowhere else; its dialog, rtp and dsp packages
// build on amd64 alone and must not come in at all.
func TestImportsOfGosip(t *testing.T) {
	const gosip, here = "github.com/jart/gosip/", "tipring/internal/sipmsg"
	out, err := exec.Command("go", "list", "-e", "-deps", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "tipring/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	needed := map[string]bool{gosip + "sip": true, gosip + "sdp": true, gosip + "util": true}
	found := false
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		pkg, imports := fields[0], fields[1:]
		if strings.HasPrefix(pkg, gosip) && !needed[pkg] {
			t.Errorf("%s is part of the program", pkg)
		}
		for _, imported := range imports {
			switch {
			case !strings.HasPrefix(imported, gosip) || strings.HasPrefix(pkg, gosip):
			case pkg == here && imported == gosip+"sip":
				found = true
			default:
				t.Errorf("%s imports %s", pkg, imported)
			}
		}
	}
	if !found {
		t.Errorf("%s does not import %ssip", here, gosip)
	}
}
