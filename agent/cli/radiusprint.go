package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"tipring/internal/faxback"
)

// A radiusAnswer is a finding as --json prints it. Integers are their digits; what may be
// a secret is masked; without an answer code and server are null.
type radiusAnswer struct {
	Code        *string           `json:"code"`
	Server      *string           `json:"server"`
	Attributes  []radiusAttribute `json:"attributes"`
	NotNumbered []string          `json:"not_numbered"`
}

type radiusAttribute struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func (c *call) printFinding(f finding) error {
	if c.json {
		return c.printFindingJSON(f.reply)
	}
	if f.reply.Answered {
		if err := c.printReply(f.reply); err != nil {
			return err
		}
	}
	if f.says != "" {
		fmt.Fprintln(c.stdout, printable(f.says))
	}
	if f.reply.Answered && len(f.reply.NotNumbered) > 0 {
		fmt.Fprintf(c.stdout, "without a number in the dictionary, and so never read: %s\n", strings.Join(f.reply.NotNumbered, ", "))
	}
	return nil
}

func (c *call) printFindingJSON(r faxback.Reply) error {
	answer := radiusAnswer{Attributes: []radiusAttribute{}, NotNumbered: append([]string{}, r.NotNumbered...)}
	if r.Answered {
		code := r.Code.String()
		answer.Code, answer.Server = &code, &r.Server
	}
	for _, v := range r.Values {
		answer.Attributes = append(answer.Attributes, radiusAttribute{v.Name, v.Text})
	}
	return json.NewEncoder(c.stdout).Encode(answer)
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
