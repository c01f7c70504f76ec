package wire

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tipring/t38/ifp"
)

var (
	// line is one of t38dump about a packet: direction, number, words.
	line = regexp.MustCompile(`^ *[0-9.]+ ([<>]) +(\d+)  (.*)`)
	// octets are what t38dump shows of a field's data.
	octets = regexp.MustCompile(`\[[^]]*\]`)

	// number is what tshark says of a packet before its names.
	number = regexp.MustCompile(`Seq=0*(\d+) `)
	// comment is what it says after putting frames or pages together.
	comment = regexp.MustCompile(`\((HDLC|t4-data) [^)]*\)`)
	name    = regexp.MustCompile(`(?:t30ind: |data:)([a-zA-Z0-9-]+)|(hdlc-[a-zA-Z-]+|t4-non-ecm-[a-z-]+|cm-message)`)
	frame   = regexp.MustCompile(`HDLC Reassembled: ([A-Z-]+) - `)
)

// T38dump says of every packet in its captures what tshark says, but for strays and a
// malformed one, and of every frame.
func TestDump(t *testing.T) {
	dump := filepath.Join(t.TempDir(), "t38dump")
	build := exec.Command("go", "build", "-o", dump, "./tools/t38dump")
	build.Dir = module
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, tt := range []struct {
		name    string
		coding  ifp.Coding
		first   string // who sends first
		packets int
		dropped []string
	}{
		{"noecm", ifp.Original, "192.0.2.1", 161, []string{"> 32 no-signal", "< 0 ", "> 95 cng"}},
		{"ecm", ifp.Corrected, "192.0.2.2", 75, nil},
	} {
		capture := filepath.Join(module, "tools/t38dump/testdata", tt.name+".cap")
		out, err := exec.Command(dump, "-all", capture).Output()
		if err != nil {
			t.Fatal(err)
		}
		ours := map[string]bool{}
		for l := range strings.Lines(string(out)) {
			if m := line.FindStringSubmatch(strings.TrimRight(l, "\n")); m != nil {
				ours[m[1]+" "+m[2]+" "+octets.ReplaceAllString(m[3], "")] = true
			}
		}
		compared := 0
		var missing []string
		for _, r := range tshark(t, capture, tt.coding, "ip.src", "_ws.col.Info") {
			m := number.FindStringSubmatch(r[1])
			if m == nil {
				continue
			}
			compared++
			if said := direction(r[0] == tt.first) + " " + m[1] + " " + names(r[1]); !ours[said] {
				missing = append(missing, said)
			}
			for _, f := range frame.FindAllStringSubmatch(r[1], -1) {
				if image := f[1] == "FCD" || f[1] == "RCP"; !image && !strings.Contains(string(out), " v21 "+f[1]) {
					t.Errorf("%s: t38dump does not say %s", tt.name, f[1])
				}
			}
		}
		if compared != tt.packets || !slices.Equal(missing, tt.dropped) {
			t.Errorf("%s: of %d packets, want %d, t38dump does not say %q", tt.name, compared, tt.packets, missing)
		}
	}
}

func direction(first bool) string {
	if first {
		return ">"
	}
	return "<"
}

// names returns the names in what tshark says of a packet.
func names(info string) string {
	var list []string
	for _, m := range name.FindAllStringSubmatch(comment.ReplaceAllString(info, ""), -1) {
		list = append(list, m[1]+m[2])
	}
	return strings.Join(list, " ")
}
