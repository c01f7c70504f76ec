package web

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/netlab"
)

// most is what the pages may take of a device's flash, in octets.
const most = 250_000

// noPages is what stands in the place of all pages, their components, words, style and script.
const noPages = `package pages

import "tipring/webui/api"

// Add adds none, whatever else it is given.
func Add(*api.API, ...any) {}

// Place is none of theirs.
func Place(string, int, string) string { return "" }
`

// What the pages take of the flash of a small board: the program as it is shipped, packed as flash is,
// less the same program without any page. The HTTP interface and the gate are in both.
func TestSizeOfThePages(t *testing.T) {
	t.Parallel()
	top, err := agent.Top()
	if err != nil {
		t.Fatal(err)
	}
	dir := netlab.WorkDir(t)
	empty, overlay := filepath.Join(dir, "_pages.go"), filepath.Join(dir, "overlay.json")
	text, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(top, "webui", "pages", "pages.go"): empty}})
	if err == nil {
		err = os.WriteFile(overlay, text, 0o600)
	}
	if err == nil {
		err = os.WriteFile(empty, []byte(noPages), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	with, without := flash(t, top, dir, "with", ""), flash(t, top, dir, "without", "-overlay="+overlay)
	t.Logf("%d octets of flash with the pages, %d without: they take %d", with, without, with-without)
	if took := with - without; took > most || took < most/10 {
		t.Errorf("the pages take %d octets of flash: at most %d", took, most)
	}
}

// flash builds the program for a MIPS router, and returns what it takes in squashfs with xz, in the
// blocks of 1 MiB that boards with little flash have.
func flash(t *testing.T, top, dir, name, flags string) int {
	t.Helper()
	root := filepath.Join(dir, name)
	build := exec.Command(filepath.Join(top, "tools", "setup", "build.sh"), filepath.Join(root, "tipring"))
	build.Env = append(os.Environ(), "GOARCH=mipsle", "GOMIPS=softfloat", "LDFLAGS=-s -w", "TAGS=nodemo", "GOFLAGS="+flags)
	for _, c := range []*exec.Cmd{exec.Command("mkdir", root), build, exec.Command("mksquashfs", root, root+".squashfs", "-comp", "xz", "-b", "1M", "-no-progress", "-quiet", "-nopad")} {
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", c.Args, err, out)
		}
	}
	info, err := os.Stat(root + ".squashfs")
	if err != nil {
		t.Fatal(err)
	}
	return int(info.Size())
}
