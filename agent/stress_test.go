package agent

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tipring/internal/ua/transaction"
	"tipring/internal/ua/transport"
	"tipring/lines"
	"tipring/tools/lab"
	"tipring/webui/api"
)

// edits are what an operator may do to a file, good and bad.
var edits = []struct {
	change string
	bad    bool
}{
	{"[sip1]\ndisplay_name = x", false},
	{"[sip1]\ndtmf_type = info\nsignal_retry_counts = 2", false},
	{"[sip2]\nregister_ttl = 60", false},
	{"[sip2]\ncodecs = pcma", false},
	{"[port1]\ncsid = 5", false},
	{"[port1]\ndial_plan = (600|xxx)", false},
	{"[port2]\nkind = fax", false},
	{"[device]\ncountry = gb", false},
	{"[device]\nlog_level = debug", false},
	{"[sip]\nrtp_port_min = 30000\nrtp_port_max = 30099", false},
	{"[sip]\nt1_ms = 21", false},
	{"[fax]\necm = 0", false},
	{"[sip1]\ntransport = 9", true},
	{"[sip1]\nregister_addr = sip:a:b@c", true},
	{"[port1]\ndial_plan = (E:911!)", true},
	{"[port2]\nline = 7", true},
	{"[sip]\ntls_ca_file = /none", true},
	{"[device]\nnonsense", true},
}

// Two hundred reloads with random edits, while telephones call all the time: no call is
// lost, a bad file leaves the last good one in force, and in the end nothing is left over.
func TestReloadsWhileTelephonesCall(t *testing.T) {
	far, err := lab.Start(lab.Config{Users: map[string]string{"201": "a", "202": "b", "203": "c"}, Timers: transaction.WithT1(20 * time.Millisecond)})
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	far.Far.RingFor(0)
	text := "[device]\ndrain_s = 1\n[sip]\nbind = 127.0.0.1\nudp_port = 0\ntcp_port = 0\ntls_port = 0\nt1_ms = 20\n[fax]\n"
	for n, password := range []string{"a", "b"} {
		text += fmt.Sprintf("[sip%d]\nusername = 20%[1]d\nauth_password = %s\nregister_addr = 127.0.0.1\nregister_port = %d\n[port%[1]d]\nline = %[1]d\ndriver = sim\n",
			n+1, password, far.Primary.Addr(transport.UDP).Port())
	}
	r := start(t, text)
	steady := func() bool {
		return r.waits() == "[]" && r.registered(1) && r.registered(2) && r.calls.count() == 0 &&
			r.port(1).show().State == "idle" && r.port(2).show().State == "idle"
	}
	r.until("both lines registered", func() bool { return r.registered(1) && r.registered(2) })
	r.until("steady", steady)
	goroutines, files := runtime.NumGoroutine(), openFiles(t)

	var callers sync.WaitGroup
	var over atomic.Bool
	var made, turnedAway atomic.Int32
	for n := 1; n <= 2; n++ {
		callers.Add(1)
		go func() {
			defer callers.Done()
			for !over.Load() {
				made.Add(r.callAndHangUp(n, &turnedAway))
			}
		}()
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		edited, bad := text, false
		sections := map[string]bool{}
		for range random.IntN(3) {
			e := edits[random.IntN(len(edits))]
			section, _, _ := strings.Cut(e.change, "\n")
			if sections[section] {
				continue // one edit must not undo another
			}
			sections[section] = true
			edited, bad = edit(edited, e.change), bad || e.bad
		}
		before := r.config()
		r.write(edited)
		err := r.Reload()
		switch {
		case (err != nil) != bad:
			t.Errorf("%s\nreloaded: %v", edited, err)
		case err != nil && r.config() != before:
			t.Errorf("%s\na refused file changed what is in force", edited)
		}
		for range random.IntN(6) {
			r.pause()
		}
	}
	r.reload(text)
	over.Store(true)
	callers.Wait()
	r.until("steady again", steady)
	r.until("goroutines and files as before", func() bool { return runtime.NumGoroutine() <= goroutines && openFiles(t) <= files })
	t.Logf("%d calls, %d not begun because a line or port was being set up", made.Load(), turnedAway.Load())
	if made.Load() < 5 {
		t.Errorf("only %d calls", made.Load())
	}
}

// edit puts settings into sections of an ini text, in place of those of the same name.
func edit(text, change string) string {
	section := ""
	for l := range strings.Lines(change + "\n") {
		if strings.HasPrefix(l, "[") {
			section = strings.TrimSpace(l)
			continue
		}
		key, _, _ := strings.Cut(l, " =")
		var out []string
		in := false
		for old := range strings.Lines(text) {
			if strings.HasPrefix(old, "[") {
				in = strings.TrimSpace(old) == section
			}
			if in && strings.HasPrefix(old, key+" =") {
				continue
			}
			out = append(out, old)
			if strings.TrimSpace(old) == section {
				out = append(out, l)
			}
		}
		text = strings.Join(out, "")
	}
	return text
}

// callAndHangUp calls the far telephone and hangs up after a while. Until then the call
// must last.
func (r *rig) callAndHangUp(port int, turnedAway *atomic.Int32) (made int32) {
	d := device{r.Agent}
	id, err := d.Call(context.Background(), port, "600")
	if err != nil {
		if !errors.Is(err, api.ErrUnavailable) && !errors.Is(err, api.ErrConflict) && !errors.Is(err, api.ErrNotFound) {
			r.t.Errorf("port %d: %v", port, err)
		}
		turnedAway.Add(1)
		r.pause()
		return 0
	}
	call := r.calls.find(id)
	for call != nil && call.Info().State != lines.Connected && call.Info().State != lines.Ended {
		r.pause()
	}
	for range 20 {
		r.pause()
		if call == nil || call.Info().State != lines.Connected {
			r.t.Errorf("port %d lost its call: %+v\n%s", port, r.info(id), r.log)
			return 0
		}
	}
	if err := d.HangUp(context.Background(), id); err != nil {
		r.t.Errorf("port %d: %v", port, err)
	}
	r.until("hung up", func() bool { u := r.port(port); return u != nil && u.show().State == "idle" })
	return 1
}

// info is what is known of a call that may have ended.
func (r *rig) info(id string) lines.Info {
	for _, i := range r.calls.all() {
		if i.ID == id {
			return i
		}
	}
	return lines.Info{}
}

// pause waits for what happens outside of the test, on real sockets.
func (r *rig) pause() {
	timer := time.NewTimer(5 * time.Millisecond)
	<-timer.C
}

func openFiles(t *testing.T) int {
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}
