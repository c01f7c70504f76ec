package faxlab

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/netlab"
)

// A Fax is what /faxes tells.
type Fax struct {
	ID        string  `json:"id"`
	Direction string  `json:"direction"`
	Kind      string  `json:"kind"`
	Port      *int    `json:"port"`
	Peer      *string `json:"peer"`
	State     string  `json:"state"`
	Tries     int     `json:"tries"`
	Pages     []struct {
		N      int    `json:"n"`
		Result string `json:"result"`
	} `json:"pages"`
	Rate      *int    `json:"rate"`
	ECM       *bool   `json:"ecm"`
	Transport *string `json:"transport"`
	RemoteID  *string `json:"remote_id"`
	Error     *string `json:"error"`
	Called    *string `json:"called_number_result"`
	Uncertain bool    `json:"uncertain"`
}

func (f Fax) String() string {
	text := fmt.Sprintf("fax %s %s %s, %s after %d tries, %d pages", f.ID, f.Kind, f.Direction, f.State, f.Tries, len(f.Pages))
	for _, s := range []*string{f.Transport, f.Error, f.Called} {
		if s != nil {
			text += ", " + *s
		}
	}
	return text
}

// Faxes are those of an agent that match likes.
func Faxes(a *agent.Agent, match func(Fax) bool) []Fax {
	var all, found []Fax
	_ = a.Get("/api/v1/faxes", &all)
	for _, f := range all {
		if match(f) {
			found = append(found, f)
		}
	}
	return found
}

// OnPort picks faxes of a port and a direction, in or out.
func OnPort(n int, direction string) func(Fax) bool {
	return func(f Fax) bool { return f.Port != nil && *f.Port == n && f.Direction == direction }
}

// WaitFax waits until a fax that match likes is in one of the states.
func WaitFax(t *testing.T, a *agent.Agent, limit time.Duration, match func(Fax) bool, states ...string) Fax {
	t.Helper()
	var found Fax
	in := func(f Fax) bool { return match(f) && strings.Contains(strings.Join(states, " "), f.State) }
	if !netlab.Until(limit, func() bool {
		for _, f := range Faxes(a, in) {
			found = f
		}
		return found.ID != ""
	}) {
		t.Errorf("no fax is %v within %v: %v", states, limit, Faxes(a, func(Fax) bool { return true }))
	}
	return found
}

// Save keeps a fax's pages in a file.
func Save(t *testing.T, a *agent.Agent, id string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "fax.tiff")
	if out, status := a.Command("fax", "save", id, file); status != 0 {
		t.Errorf("tipring fax save %s: %s", id, out)
	}
	return file
}

// SendDocument hands a document to an agent's port, and returns the fax's id.
func SendDocument(t *testing.T, a *agent.Agent, port int, number, file string) string {
	t.Helper()
	out, status := a.Command("fax", "--json", "--port", fmt.Sprint(port), "--to", number, "send", file)
	var taken struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal([]byte(out), &taken); status != 0 || err != nil || taken.ID == "" {
		t.Fatalf("tipring fax send: status %d, %v: %s", status, err, out)
	}
	return taken.ID
}
