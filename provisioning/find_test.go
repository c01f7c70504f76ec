package provisioning

import (
	"context"
	"errors"
	"slices"
	"testing"

	"tipring/internal/config"
)

// A saying is a source that says one thing.
type saying struct {
	finding Finding
	err     error
}

func (s saying) Find(context.Context, Search) (Finding, error) { return s.finding, s.err }

// What each source came to is told in the order of the search, and who was not reached.
func TestWhatSourcesSaid(t *testing.T) {
	setting := []config.Setting{{Section: "fax", Key: "ecm", Value: "0"}}
	finders := map[string]Finder{
		"radius": saying{Finding{Account: "8005551000", Details: setting}, nil}, "dhcp": saying{},
		"pnp": saying{err: errors.New("nobody there")}, "static": saying{Finding{Offers: []Offer{{URL: "https://p.example/f"}}}, nil}, "given": saying{Finding{Settings: setting}, nil},
	}
	for _, tt := range []struct {
		order []string
		want  []Asked
	}{
		{[]string{"radius", "dhcp", "pnp", "static"}, []Asked{{"radius", Completed, "8005551000"}, {"dhcp", HasNothing, ""}, {"pnp", Unanswered, "nobody there"}, {"static", Named, ""}}},
		{[]string{"given", "static"}, []Asked{{"given", Given, ""}, {"static", NotReached, ""}}},
		{nil, nil},
	} {
		if got := search(t.Context(), tt.order, finders, Search{}).asked; !slices.Equal(got, tt.want) {
			t.Errorf("%q: %v, want %v", tt.order, got, tt.want)
		}
	}
}
