package provisioning

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"tipring/internal/config"
)

// mute is a source that nobody answers for.
type mute struct{}

func (mute) Find(context.Context, Search) (Finding, error) {
	return Finding{}, errors.New("no server answered")
}

// Nobody in the network answers: that is nothing for a device which its files set up, and a
// failure for one that waits for its settings, runs what came from somewhere, or was told
// whom to ask.
func TestSilenceOfTheNetwork(t *testing.T) {
	const line = "[sip1]\nusername = 201\nregister_addr = pbx.example\n"
	for _, tt := range []struct {
		name, source, text string
		running            []config.Layer
		fails              bool
	}{
		{"set up by its files", "dhcp", line, nil, false},
		{"no answer to PnP", "pnp", line, nil, false},
		{"a server that it was told to ask", "radius", line, nil, true},
		{"it has no line", "dhcp", "", nil, true},
		{"it runs what was fetched", "dhcp", line, []config.Layer{config.ProvisionedLayer("tftp://h/f", nil)}, true},
	} {
		c, err := config.Load([]config.Layer{config.FileLayer("t.ini", []byte(tt.text))}, config.Checks{})
		if err != nil {
			t.Fatal(err)
		}
		k := &Keeper{finders: map[string]Finder{tt.source: mute{}}, log: slog.New(slog.DiscardHandler)}
		a := &attempt{k: k, search: Search{Config: c}, order: []string{tt.source}, provisioned: tt.running, quiet: true}
		o := a.run(t.Context())
		if (o.err != nil) != tt.fails || !tt.fails && len(o.notes) != 1 || o.key != "" {
			t.Errorf("%s: error %v, notes %v", tt.name, o.err, o.notes)
		}
	}
}
