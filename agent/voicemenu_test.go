package agent

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"tipring/agent/menu"
	"tipring/lines/fxs"
)

// A telephone dials the voice menu and asks for its number: it hears what the menu says, sample
// by sample.
func TestTelephoneHearsItsNumber(t *testing.T) {
	r := telephoned(t, "", "")
	want := menu.New(voiceMenu{r.Agent, 1})
	want.Key('4')
	var says []int16
	for frame := make([]int16, 160); len(says) < 8000*3; says = append(says, frame...) {
		want.Read(frame)
	}
	says = spoken(says)

	r.step("off-hook", r.phone.OffHook())
	r.step("dial tone", r.phone.WaitTone(fxs.DialTone, 5*time.Second))
	r.step("the code", r.phone.Dial("***"))
	r.step("somebody speaks", r.phone.WaitSound(-30, 5*time.Second))
	r.phone.Record()
	r.step("the choice", r.phone.Dial("4"))
	r.step("listening", r.phone.Pass(4*time.Second))
	if heard := r.phone.Recording(); !contains(heard, says) {
		t.Errorf("in %d samples the number is not said\n%s", len(heard), r.log)
	}
	r.step("hang up", r.phone.HangUp())
}

// What the menu is told of the device.
func TestVoiceMenuFacts(t *testing.T) {
	r := telephoned(t, "\n", "ani = 5550100\n")
	m := voiceMenu{r.Agent, 1}
	if n, state, server := m.Line(); n != 1 || state != "registered" || server != "primary" {
		t.Errorf("line %d is %s at %s", n, state, server)
	}
	if m.Number() != "5550100" {
		t.Errorf("number %q", m.Number())
	}
	if code := m.ClaimCode(); len(code) != 8 || code != r.page.desk.ClaimCode() {
		t.Errorf("claim code %q", code)
	}
	if n, _, _ := (voiceMenu{r.Agent, 7}).Line(); n != 0 {
		t.Errorf("a port that is none has line %d", n)
	}
}

// A telephone that may erases all settings; the page's users go with them.
func TestTelephoneResets(t *testing.T) {
	for setting, allowed := range map[string]bool{"": true, "[device]\nkeypad_reset = 0\n": false} {
		r := telephoned(t, "", setting)
		r.restarts.Store(mayRestart)
		if took := (voiceMenu{r.Agent, 1}).Reset(); took != allowed {
			t.Errorf("%q: done %v", setting, took)
		}
		if allowed {
			r.until("a restart", func() bool { return r.restarts.Load() == restarting })
			if _, err := os.Stat(filepath.Join(r.dir, resettingFile)); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestSpokenAddressIsTheOneOfThePage(t *testing.T) {
	for host, want := range map[string]string{"192.0.2.9": "192.0.2.9", "2001:db8::1": "2001:db8::1"} {
		if got := spokenAddress(host).String(); got != want {
			t.Errorf("%s: %s", host, got)
		}
	}
	for _, host := range []string{"", "0.0.0.0", "::"} {
		if ip := spokenAddress(host); ip.IsLoopback() || ip.IsUnspecified() {
			t.Errorf("%q: %v", host, ip)
		}
	}
}

func (r *telephoneRig) step(what string, err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatalf("%s: %v\n%s", what, err, r.log)
	}
}

// spoken leaves out the silence around what was said.
func spoken(pcm []int16) []int16 {
	loud := func(s int16) bool { return s != 0 }
	from := slices.IndexFunc(pcm, loud)
	to := len(pcm)
	for to > from && pcm[to-1] == 0 {
		to--
	}
	return pcm[from:to]
}

func contains(all, part []int16) bool {
	for at := range len(all) - len(part) + 1 {
		if slices.Equal(all[at:at+len(part)], part) {
			return true
		}
	}
	return false
}
