package agent

import (
	"strings"
	"sync"
	"testing"
	"unicode"

	"tipring/webui/words"
	"tipring/webui/words/sentences"
)

// pseudo is a language in which every sentence that a catalogue can have is in brackets.
var pseudo = sync.OnceValues(func() (*words.Catalogue, error) {
	all, err := sentences.All("../webui")
	return sentences.Pseudo(all), err
})

// canBeSaid reports a text that the device tells and that no catalogue could translate: words of it
// stand outside of every sentence that there is.
func canBeSaid(t *testing.T, text string) {
	t.Helper()
	c, err := pseudo()
	if err != nil {
		t.Fatal(err)
	}
	depth, rest := 0, strings.Builder{}
	for _, r := range c.Told(text) {
		switch {
		case r == '⟦':
			depth++
		case r == '⟧':
			depth--
		case depth == 0:
			rest.WriteRune(r)
		}
	}
	if strings.ContainsFunc(rest.String(), unicode.IsLetter) {
		t.Errorf("no sentence of the catalogues has %q of %q", strings.TrimSpace(rest.String()), text)
	}
}

// The sentences that say why what is set here does not hold, and what a change disturbs nothing.
func TestLocksCanBeSaid(t *testing.T) {
	for _, text := range locks {
		if text != "" {
			canBeSaid(t, string(text))
		}
	}
	canBeSaid(t, nothing)
}
