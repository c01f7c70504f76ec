package words

import (
	"context"
	"testing"
)

func TestT(t *testing.T) {
	german := With(context.Background(), &Catalogue{Tag: "de", Sentences: map[string]string{"Line %d": "Leitung %d"}})
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

// What the device told in English is translated by the catalogue's sentences, in whole or in parts.
func TestTold(t *testing.T) {
	german := &Catalogue{Tag: "de", Sentences: map[string]string{
		"registered at the %s server, because the primary failed: %v": "beim %sserver, weil der erste ausfiel: %v",
		"backup":                    "Ersatz",
		"failback is off":           "die Rückkehr ist aus",
		"no answer":                 "keine Antwort",
		"Line %d has no server%s":   "Leitung %d hat keinen Server%s",
		"%d of %d pairs are free":   "von %[2]d Paaren sind %[1]d frei",
		"%s: %w":                    "%s: %w",
		"The disk is full.":         "Die Platte ist voll.",
		"Delete what nobody needs.": "Löschen Sie, was niemand braucht.",
		"100 %% of %s are used":     "100 %% von %s sind belegt",
	}}
	for _, tt := range []struct{ english, want string }{
		{"registered at the backup server, because the primary failed: no answer; failback is off", "beim Ersatzserver, weil der erste ausfiel: keine Antwort; die Rückkehr ist aus"},
		{"registered at the backup server, because the primary failed: 503 Service Unavailable", "beim Ersatzserver, weil der erste ausfiel: 503 Service Unavailable"},
		{"Line 3 has no server: no answer.", "Leitung 3 hat keinen Server: keine Antwort."},
		{"Line 3 has no server.", "Leitung 3 hat keinen Server."},
		{"2 of 10 pairs are free", "von 10 Paaren sind 2 frei"},
		{"REGISTER sip:2@pbx.example: no answer", "REGISTER sip:2@pbx.example: keine Antwort"},
		{"The disk is full. Delete what nobody needs.", "Die Platte ist voll. Löschen Sie, was niemand braucht."},
		{"100 % of /var are used", "100 % von /var sind belegt"},
		{"what nobody knows: at all", "what nobody knows: at all"},
		{"", ""},
	} {
		if got := Told(With(context.Background(), german), tt.english); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.english, got, tt.want)
		}
		if got := Told(context.Background(), tt.english); got != tt.english {
			t.Errorf("in English: %q became %q", tt.english, got)
		}
	}
}
