package cli

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

	"tipring/internal/faxback/lookup"
)

// radiusDictionary tells which of FaxBack's attributes the dictionary of the configuration numbers.
// Nobody is asked.
func (c *call) radiusDictionary() error {
	switch {
	case len(c.args) > 1:
		return usageError{fmt.Sprintf("what is %q for?", c.args[1])}
	case c.mac+c.serial != "":
		return usageError{"--mac and --serial go with account"}
	}
	cfg, err := c.load()
	if err != nil {
		return err
	}
	d, err := readDictionary(cfg.Radius)
	if err != nil {
		return err
	}
	a := lookup.Answer{Attributes: []lookup.Attribute{}, NotNumbered: []string{}}
	for _, name := range d.Names() {
		if n, ok := d.Number(name); ok {
			a.Attributes = append(a.Attributes, lookup.Attribute{Name: name, Value: strconv.Itoa(int(n))})
		} else {
			a.NotNumbered = append(a.NotNumbered, name)
		}
	}
	if c.json {
		return json.NewEncoder(c.stdout).Encode(a)
	}
	w := tabwriter.NewWriter(c.stdout, 0, 8, 2, ' ', 0)
	for _, v := range a.Attributes {
		fmt.Fprintf(w, "  %s\t%s\n", v.Name, v.Value)
	}
	if len(a.NotNumbered) > 0 {
		fmt.Fprintf(w, "without a number, and so neither sent nor read: %s\n", strings.Join(a.NotNumbered, ", "))
	}
	return w.Flush()
}
