package api

import (
	"testing"

	"tipring/webui/words"
)

// A page that was drawn in another language hears its sentences in it; the log, and what is no
// sentence, stay as they are.
func TestEventsInALanguage(t *testing.T) {
	german := &words.Catalogue{Tag: "de", Sentences: map[string]string{"no server: %v": "kein Server: %v", "no answer": "keine Antwort", "failed": "fehlgeschlagen", "Check it.": "Prüfen."}}
	for _, tt := range []struct{ event, want string }{
		{"event: line\ndata: {\"line\":3,\"state\":\"failed\",\"why\":\"no server: no answer\",\"last_error\":null}\n\n", "event: line\ndata: {\"last_error\":null,\"line\":3,\"state\":\"failed\",\"why\":\"kein Server: keine Antwort\"}\n\n"},
		{"event: warning\ndata: [{\"id\":\"x\",\"todo\":\"Check it.\"}]\n\n", "event: warning\ndata: [{\"id\":\"x\",\"todo\":\"Prüfen.\"}]\n\n"},
		{"event: log\ndata: {\"message\":\"no answer\",\"text\":\"no answer\"}\n\n", "event: log\ndata: {\"message\":\"no answer\",\"text\":\"no answer\"}\n\n"},
		{"event: message\ndata: [{\"text\":\"no answer\"}]\n\n", "event: message\ndata: [{\"text\":\"no answer\"}]\n\n"},
		{"event: x\ndata: {\n\n", "event: x\ndata: {\n\n"},
	} {
		if got := string(inLanguage(german, [][]byte{[]byte(tt.event)})[0]); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
		if got := string(inLanguage(nil, [][]byte{[]byte(tt.event)})[0]); got != tt.event {
			t.Errorf("in English: %q", got)
		}
	}
}
