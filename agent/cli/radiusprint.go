package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"tipring/internal/faxback"
	"tipring/internal/faxback/lookup"
)

func (c *call) printFinding(f lookup.Finding) error {
	if c.json {
		return json.NewEncoder(c.stdout).Encode(f.Answer())
	}
	if f.Reply.Answered {
		if err := c.printReply(f.Reply); err != nil {
			return err
		}
	}
	if f.Says != "" {
		fmt.Fprintln(c.stdout, printable(f.Says))
	}
	if f.Reply.Answered && len(f.Reply.NotNumbered) > 0 {
		fmt.Fprintf(c.stdout, "without a number in the dictionary, and so never read: %s\n", strings.Join(f.Reply.NotNumbered, ", "))
	}
	return nil
}

// printReply prints each attribute with what its value means.
func (c *call) printReply(r faxback.Reply) error {
	fmt.Fprintf(c.stdout, "%v from %s, %s\n", r.Code, r.Server, howItCame(r))
	w := tabwriter.NewWriter(c.stdout, 0, 8, 2, ' ', 0)
	for _, v := range r.Values {
		value := dash(printable(v.Text))
		if v.Meaning != "" {
			value += " (" + printable(v.Meaning) + ")"
		}
		fmt.Fprintf(w, "  %s\t%s\n", printable(v.Name), value)
	}
	return w.Flush()
}

func howItCame(r faxback.Reply) string {
	switch {
	case r.Stored:
		return "stored " + r.At.Local().Format(time.DateTime)
	case r.Secure:
		return "over TLS"
	case r.Signed:
		return "signed"
	}
	return "not signed: believed because the server is marked legacy"
}
