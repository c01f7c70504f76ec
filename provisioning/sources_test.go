package provisioning

import (
	"testing"

	"tipring/internal/config"
	"tipring/provisioning/pnp"
)

// Any host of the network may answer plug and play: by default only a device without a
// line that has a server asks. One that asks here has no interface to ask through.
func TestWhoAsksByPnP(t *testing.T) {
	const line, off = "[sip1]\nusername = 201\nregister_addr = pbx.example\n", "enabled = 0\n"
	for _, tt := range []struct {
		text string
		asks bool
	}{
		{"", true},
		{line, false},
		{line + off, true},
		{"[sip1]\nusername = 201\n", true},
		{"[provisioning]\npnp = unconfigured\n" + line, false},
		{"[provisioning]\npnp = on\n" + line, true},
		{"[provisioning]\npnp = off\n", false},
		{"[provisioning]\npnp = off\n" + line, false},
	} {
		c, err := config.Load([]config.Layer{config.FileLayer("t.ini", []byte(tt.text))}, config.Checks{})
		if err != nil {
			t.Fatal(err)
		}
		f, err := PnP{Config: pnp.Config{Interface: "tipring-none"}}.Find(t.Context(), Search{Config: c})
		if (err != nil) != tt.asks || f.ends() {
			t.Errorf("%q: asked %v, want %v (%v)", tt.text, err != nil, tt.asks, err)
		}
	}
}
