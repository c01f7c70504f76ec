package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"text/tabwriter"
	"time"

	"tipring/webui/api"
)

// An attempt asks up to four silent sources and fetches a file; then it has ended. What is
// waited for here is longer than that.
const (
	attemptWait = 5 * time.Minute
	attemptLook = 250 * time.Millisecond // between two looks whether it has ended
)

var provisionCommand = command{
	name: "provision", summary: "look for settings and put them in force now", client: true,
	flags: (*call).provisionFlags, run: (*call).provision,
}

func (c *call) provisionFlags(set *flag.FlagSet) {
	set.BoolVar(&c.dry, "dry-run", false, "only tell what would be changed")
	set.BoolVar(&c.explain, "explain", false, "print each setting, its value (secrets masked) and where it comes from")
}

func (c *call) provision() error {
	switch {
	case c.dry && c.explain:
		return usageError{"--dry-run and --explain are not for one command"}
	case c.explain:
		return c.explainSettings()
	case c.dry:
		return c.tryProvision()
	}
	var begun struct {
		Attempt int `json:"attempt"`
	}
	text, err := c.ask(http.MethodPost, "/provision", nil)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &begun); err != nil {
		return fmt.Errorf("the answer is not what was expected: %w", err)
	}
	p, err := c.awaitAttempt(begun.Attempt)
	if err != nil {
		return err
	}
	return c.tellAttempt(p)
}

// awaitAttempt looks until an attempt has ended.
func (c *call) awaitAttempt(n int) (api.Provisioning, error) {
	for end := time.Now().Add(attemptWait); ; time.Sleep(attemptLook) {
		text, err := c.ask(http.MethodGet, "/status", nil)
		if err != nil {
			return api.Provisioning{}, err
		}
		var s api.Status
		if err := json.Unmarshal(text, &s); err != nil {
			return api.Provisioning{}, fmt.Errorf("the answer is not what was expected: %w", err)
		}
		if s.Provisioning.Finished >= n {
			return s.Provisioning, nil
		}
		if time.Now().After(end) {
			return s.Provisioning, fmt.Errorf("attempt %d has not ended in %v; it is %s", n, attemptWait, s.Provisioning.State)
		}
	}
}

func (c *call) tellAttempt(p api.Provisioning) error {
	if c.json {
		text, err := json.Marshal(p)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.stdout, "%s\n", text)
		return errors.Join(err, failed(p))
	}
	if err := failed(p); err != nil {
		return err
	}
	fmt.Fprintln(c.stdout, attemptText(p))
	for _, n := range p.NotUnderstood {
		fmt.Fprintf(c.stderr, "not understood: %s\n", place(n))
	}
	return nil
}

// failed is the error of an attempt that came to nothing.
func failed(p api.Provisioning) error {
	if p.Error == "" {
		return nil
	}
	return errors.New(printable(string(p.Error)))
}

// attemptText says in a sentence how an attempt ended.
func attemptText(p api.Provisioning) string {
	source := printable(string(cmp.Or(p.URL, p.Source)))
	switch {
	case p.State == "idle":
		return "nobody has settings for this device"
	case p.State == "applying":
		return "settings of " + source + " wait for the end of running calls"
	case p.Trial != nil && p.Generation != nil:
		return fmt.Sprintf("settings of %s are in force as generation %d, %s", source, *p.Generation, trialText(p.Trial))
	case p.Generation != nil:
		return fmt.Sprintf("settings of %s are in force: generation %d, %s", source, *p.Generation, p.State)
	}
	return p.State
}

func trialText(t *api.Trial) string {
	if t.Until.IsZero() {
		return t.State + ": waiting for a server to answer"
	}
	return t.State + " until " + t.Until.Local().Format(time.TimeOnly)
}

func place(n api.NotUnderstood) string {
	if n.Line == nil {
		return printable(n.Source + ": " + n.Text)
	}
	return printable(n.Source + ":" + strconv.Itoa(*n.Line) + ": " + n.Text)
}

func (c *call) tryProvision() error {
	var p api.Proposal
	if done, err := c.post("/provision", map[string]bool{"dry_run": true}, &p); done {
		return err
	}
	if p.Source == "" && p.Changes == nil {
		_, err := fmt.Fprintln(c.stdout, "nobody has settings for this device")
		return err
	}
	fmt.Fprintf(c.stdout, "source %s\n", printable(string(cmp.Or(p.URL, p.Source))))
	for _, ch := range p.Changes {
		fmt.Fprintf(c.stdout, "[%s] %s %s\n", ch.Section, ch.Kind, keysText(ch.Keys))
	}
	for _, n := range p.NotUnderstood {
		fmt.Fprintf(c.stderr, "not understood: %s\n", place(n))
	}
	for _, f := range p.Faults {
		fmt.Fprintln(c.stdout, printable(f.Text))
	}
	if len(p.Faults) > 0 {
		return errors.New(count(len(p.Faults), "fault"))
	}
	if len(p.Changes) == 0 {
		_, err := fmt.Fprintln(c.stdout, "nothing would change")
		return err
	}
	return nil
}

func keysText(keys []string) string {
	if len(keys) == 0 {
		return ""
	}
	text := keys[0]
	for _, k := range keys[1:] {
		text += ", " + k
	}
	return text
}

func (c *call) explainSettings() error {
	var list []api.Setting
	if done, err := c.fetch("/config/explain", &list); done {
		return err
	}
	return printSettings(c.stdout, list)
}

// printSettings is a table by section.
func printSettings(w io.Writer, list []api.Setting) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	section := ""
	for _, s := range list {
		if s.Section != section {
			section = s.Section
			fmt.Fprintf(t, "[%s]\n", section)
		}
		from := s.Source
		if s.Line != nil {
			from += ":" + strconv.Itoa(*s.Line)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", s.Key, dash(printable(s.Value)), printable(from))
	}
	return t.Flush()
}
