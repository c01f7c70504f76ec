package registrar

import (
	"errors"
	"strings"
	"testing"
	"unicode"

	"tipring/webui/words/sentences"
)

// Whatever a line says of itself is a sentence that a catalogue can translate.
func TestWhyCanBeSaid(t *testing.T) {
	all, err := sentences.All("../webui")
	if err != nil {
		t.Fatal(err)
	}
	c := sentences.Pseudo(all)
	boom := errors.New("503")
	for _, st := range []Status{
		{State: Disabled}, {State: Registering, tale: tale{asks: Primary}}, {State: Registering, tale: tale{asks: Backup}, LastErr: boom},
		{State: Failed}, {State: Failed, LastErr: boom},
		{State: Registered, Server: Primary, tale: tale{register: true}}, {State: Registered, Server: Primary}, {State: Registered, Server: Primary, tale: tale{asks: Primary}},
		{State: Registered, Server: Backup, tale: tale{register: true, moved: boom}}, {State: Registered, Server: Backup, tale: tale{moved: boom, failback: true, probing: true}},
		{State: Registered, Server: Backup, tale: tale{failback: true, homesick: true}}, {State: Registered, Server: Backup, tale: tale{failback: true, probed: boom, asks: Primary}},
	} {
		why := st.Told().Why
		depth, rest := 0, ""
		for _, r := range c.Told(why) {
			switch {
			case r == '⟦':
				depth++
			case r == '⟧':
				depth--
			case depth == 0:
				rest += string(r)
			}
		}
		if strings.ContainsFunc(rest, unicode.IsLetter) {
			t.Errorf("no sentence of the catalogues has %q of %q", rest, why)
		}
	}
}
