package faxradius

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"tipring/tools/peers/faxend"
	"tipring/tools/peers/freeradius"
)

// TestKnownNumbersOnly has a fax told of with the dictionary that the product carries: what has no
// number there is not sent, under no other number either, and tipring radius lists it.
func TestKnownNumbersOnly(t *testing.T) {
	t.Parallel()
	l := newLab(t, "", believes, func(string, int) faxend.Script { return faxend.Script{Status: 486} })
	l.port(1, "ani", "2001")
	l.run(1)
	l.refused(l.phone(t, 1), "6001*4711#")
	_, s := only(t, l.waitStops(t, settle, "6001", 1))
	want := []string{
		"FB-CDR-Type", "FB-Client-Account-Id", "FB-Connection-Server", "FB-Description", "FB-Dial-Number", "FB-Fax-Capabilities", "FB-Is-Send", "FB-Local-CSID",
		"FB-Msg-Type", "FB-Page-Count", "FB-Per-Fax-CDR-Info", "FB-Port-Server", "FB-SIP-Call-Id", "FB-Start-Time", "FB-Total-Seconds",
	}
	if got := s.stops[0].Of(); !slices.Equal(got, want) {
		t.Errorf("the Stop has %q, want %q", got, want)
	}
	for _, r := range slices.Concat(freeradius.Records(l.accounts.Accounted()), freeradius.Records(l.asked.Asked())) {
		for name := range maps.Keys(r) {
			if strings.HasPrefix(name, "Attr-") {
				t.Errorf("freeradius does not know %s of %v", name, r)
			}
		}
	}
	listed, _ := l.agent.Plain("radius", "dictionary", "-c", l.agent.File(), "--json")
	_, missing, _ := strings.Cut(listed, `"not_numbered":`)
	for a := range strings.SplitSeq(unknown, ",") {
		name, _, _ := strings.Cut(strings.TrimSpace(a), " ")
		if !strings.Contains(missing, `"`+name+`"`) {
			t.Errorf("tipring radius dictionary does not list %s: %s", name, listed)
		}
	}
}
