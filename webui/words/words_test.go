package words

import (
	"context"
	"testing"
)

func TestT(t *testing.T) {
	german := With(context.Background(), &Catalogue{"de", map[string]string{"Line %d": "Leitung %d"}})
	for _, tt := range []struct {
		ctx  context.Context
		say  string
		args []any
		want string
	}{
		{context.Background(), "Line %d", []any{2}, "Line 2"},
		{german, "Line %d", []any{2}, "Leitung 2"},
		{german, "not in the catalogue: 100%", nil, "not in the catalogue: 100%"},
	} {
		if got := T(tt.ctx, tt.say, tt.args...); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.say, got, tt.want)
		}
	}
	if Tag(context.Background()) != "en" || Tag(german) != "de" {
		t.Error("tags")
	}
}
