package outage

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write README.md anew")

const intro = `# The outage table

What befalls the primary server, over which transport, at which moment, and what
must come of it. Written by ` + "`go test -run TestTable -update`" + ` from outage.go; every cell
with an outcome is a test in a network of its own. In each the next call that is
dialled completes, through the server that the cell names.

`

func TestTable(t *testing.T) {
	want := intro + Table()
	if *update {
		if err := os.WriteFile("README.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("README.md")
	if err != nil || string(got) != want {
		t.Errorf("README.md is not what outage.go says (%v); run go test -run TestTable -update", err)
	}
	cells, applicable := 0, 0
	for _, c := range Cases() {
		cells++
		if c.Outcome != None {
			applicable++
		} else if c.Why == "" {
			t.Errorf("%s is left out without a reason", c.Name())
		}
	}
	t.Logf("%d cells, %d applicable\n%s", cells, applicable, strings.TrimSpace(Table()))
}
