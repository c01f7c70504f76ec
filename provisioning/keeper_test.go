package provisioning

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"tipring/internal/config"
	"tipring/internal/config/generations"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A house is a device with one line, its SIP server, and a source of settings, under the
// simulated clock. The line registers a second after its settings say the password that
// the server knows, while the server is up.
type house struct {
	t     *testing.T
	dir   string
	store *generations.Store
	k     *Keeper

	mu       sync.Mutex
	config   *config.Config
	password string // that the server knows
	down     bool   // the server
	register time.Time
	refusals int
	refused  time.Time
	busy     bool
	waiting  bool
	reloads  int
	changes  int    // of the lines
	setUp    [3]int // by line: the change that it was set up with
	ending   bool
	slow     time.Duration // the source
	moved    time.Time     // when something happened last
	kick     chan struct{} // wakes the line

	file    string // of the source; empty: it has nothing
	finding *Finding
	err     error // of the source
	fetches int
	etag    bool // the source says that a file was not modified

	cancel context.CancelFunc
	ended  chan struct{}
}

const installed = "[sip1]\nusername = 201\nregister_addr = pbx.example\n[provisioning]\norder = static\nboot_delay_s = 0\n"

// inHouse runs a test in a bubble, with a device that has just started.
func inHouse(t *testing.T, test func(h *house)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		h := &house{t: t, dir: dir, password: "right"}
		h.start()
		defer h.stop()
		test(h)
	})
}

// start is the start of the program.
func (h *house) start() {
	h.t.Helper()
	var err error
	if h.store, _, err = generations.Open(h.dir, generations.Options{}); err != nil {
		h.t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	if testing.Verbose() {
		log = slog.New(slog.NewTextHandler(h.t.Output(), nil))
	}
	if err := Started(h.store, log); err != nil {
		h.t.Fatal(err)
	}
	if err := h.Reload(); err != nil {
		h.t.Fatal(err)
	}
	h.k = New(Options{Device: h, Store: h.store, Finders: map[string]Finder{"static": h}, Fetcher: h, Log: log})
	ctx, cancel := context.WithCancel(context.Background())
	h.cancel, h.ended = cancel, make(chan struct{})
	go func() {
		defer close(h.ended)
		h.k.Run(ctx)
	}()
	kick := make(chan struct{}, 1)
	h.set(func() { h.kick = kick })
	go func() { // the line: it tells of changes
		for ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-kick:
			case <-time.After(h.pace()):
				h.k.Stir()
			}
		}
	}()
	synctest.Wait()
}

// stop is the end of the program.
func (h *house) stop() {
	h.cancel()
	<-h.ended
	if err := h.store.Close(); err != nil {
		h.t.Error(err)
	}
	synctest.Wait()
}

func (h *house) after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (h *house) set(change func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.moved = time.Now()
	change()
	select {
	case h.kick <- struct{}{}:
	default:
	}
}

// order has others be asked. A configuration that somebody may read is not changed.
func (h *house) order(words []string) {
	h.set(func() {
		c := *h.config
		c.Provisioning.Order = words
		h.config = &c
	})
}

// pace is how often the line looks at itself: often after something has happened.
func (h *house) pace() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Since(h.moved) < 10*time.Minute {
		return time.Second
	}
	return time.Minute
}

func (h *house) Identity() config.Identity {
	return config.Identity{MAC: config.MAC{0x0c, 0x38, 0x3e, 0, 0, 1}, Serial: "S1"}
}

func (h *house) Config() *config.Config {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.config
}

func (h *house) Check(provisioned []config.Layer, local []byte) (*config.Config, error) {
	layers := append([]config.Layer{config.FileLayer("tipring.ini", []byte(installed))}, provisioned...)
	return config.Load(append(layers, config.LocalLayer("local.ini", local)), config.Checks{})
}

func (h *house) Reload() error {
	g, _ := h.store.Current()
	c, err := h.Check(g.Provisioned, g.Local)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ending {
		return ErrEnded
	}
	of := func(section string) bool {
		return h.config == nil || slices.ContainsFunc(config.Diff(h.config, c), func(ch config.Change) bool { return ch.Section == section })
	}
	if of("sip1") {
		h.register = time.Now().Add(time.Second)
		h.refused = time.Time{}
		h.changes++
		h.setUp[1] = h.changes
	}
	if of("sip2") {
		h.changes++
		h.setUp[2] = h.changes
	}
	h.config, h.moved = c, time.Now()
	h.reloads++
	select {
	case h.kick <- struct{}{}:
	default:
	}
	return nil
}

// second reports that there is a line 2, which is registered whenever a server is up.
func (h *house) second() bool { return h.config.Line(2) != nil && !h.down }

func (h *house) Line(n int) (change int, registered bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch line := h.config.Line(n); {
	case line == nil || !line.Enabled || line.RegisterAddr == "":
		return 0, false
	case n == 2:
		return h.setUp[2], h.second()
	}
	return h.setUp[1], !h.down && !time.Now().Before(h.register) && h.config.Line(1).AuthPassword == h.password
}

func (h *house) Lines() Lines {
	h.mu.Lock()
	defer h.mu.Unlock()
	line := h.config.Line(1)
	l := Lines{Registering: line.Enabled && line.RegisterAddr != "", Busy: h.busy, Waiting: h.waiting, Refusals: h.refusals, Changes: h.changes, Registered: h.second()}
	if h.down || time.Now().Before(h.register) || !l.Registering {
		return l
	}
	if h.config.Line(1).AuthPassword == h.password {
		l.Registered = true
		return l
	}
	if h.refused.IsZero() || time.Since(h.refused) >= time.Minute {
		h.refused = time.Now()
		h.refusals++
		l.Refusals++
	}
	return l
}

func (h *house) Find(context.Context, Search) (Finding, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.finding != nil:
		return *h.finding, h.err
	case h.err != nil || h.file == "":
		return Finding{}, h.err
	}
	return Finding{Source: "static", Offers: []Offer{{Source: "static", URL: "https://p.example/f"}}}, nil
}

func (h *house) Fetch(ctx context.Context, r Request, _ Search) (File, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	data, slow := []byte(h.file), h.slow
	h.fetches++
	if h.etag && r.ETag == "one" {
		return File{URL: r.URL, NotModified: true}, nil
	}
	h.mu.Unlock()
	select {
	case <-time.After(slow):
	case <-ctx.Done():
	}
	h.mu.Lock()
	return File{URL: r.URL, Data: data, ETag: "one", Secure: strings.HasPrefix(r.URL, "https")}, nil
}

// withPassword is a file of the source.
func withPassword(p string) string { return "[sip1]\nauth_password = " + p + "\n" }

// offer has the source have a file, and the device look.
func (h *house) offer(file string) {
	h.t.Helper()
	h.set(func() { h.file = file })
	h.ask()
}

func (h *house) ask() {
	h.t.Helper()
	if _, err := h.k.Ask(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	synctest.Wait()
}

// setLocal is a person who changes the local layer on the page.
func (h *house) setLocal(text string) (int, error) {
	return h.k.SetLocal(h.t.Context(), func(generations.Generation) ([]byte, error) { return []byte(text), nil })
}

// want compares the state, and the password that is in force.
func (h *house) want(state State, password string) {
	h.t.Helper()
	s := h.k.Status()
	if got := h.Config().Line(1).AuthPassword; s.State != state || got != password {
		h.t.Fatalf("state %v with password %q, want %v with %q (%+v)", s.State, got, state, password, s)
	}
}

// settled has the good file of the source in force, as generation 2 after that of nothing.
func (h *house) settled() {
	h.t.Helper()
	h.offer(withPassword("right"))
	h.want(OnProbation, "right")
	h.after(5 * time.Second)
	h.want(Good, "right")
}

func TestGoodSettingsAreKept(t *testing.T) {
	inHouse(t, func(h *house) {
		h.settled()
		if s := h.k.Status(); s.Generation != 2 || s.Trial != nil || s.Err != "" || s.Source != "static" || s.URL != "https://p.example/f" || s.Last.IsZero() || s.Finished != s.Attempt {
			t.Errorf("status %+v", s)
		}
		if source, line, _ := h.Config().Source("sip1", "auth_password"); source != "https://p.example/f" || line != 2 {
			t.Errorf("the password came from %s line %d", source, line)
		}
	})
}

// The same content is not applied again, whether the server sends it or says that it has
// not changed.
func TestSameSettingsAreNotAppliedAgain(t *testing.T) {
	for _, etag := range []bool{false, true} {
		inHouse(t, func(h *house) {
			h.settled()
			h.set(func() { h.etag = etag })
			reloads, generation := h.reloads, h.k.Status().Generation
			for range 5 {
				h.ask()
				h.after(time.Minute)
			}
			if h.reloads != reloads || h.k.Status().Generation != generation {
				t.Errorf("etag %v: %d reloads, generation %d", etag, h.reloads-reloads, h.k.Status().Generation)
			}
			h.want(Good, "right")
		})
	}
}

// A file that a server calls not modified is the one that runs only when it is of the same
// URL: two files may have the same ETag.
func TestNotModifiedElsewhere(t *testing.T) {
	inHouse(t, func(h *house) {
		h.settled()
		h.set(func() {
			h.etag, h.file = true, withPassword("right")+"display_name = Other\n"
			h.finding = &Finding{Source: "static", Offers: []Offer{{Source: "static", URL: "https://p.example/other"}}}
		})
		h.ask()
		if name := h.Config().Line(1).DisplayName; name != "Other" {
			t.Errorf("display name %q", name)
		}
	})
}

// After a rollback the server still has what was bad. That it has not modified it is no
// reason to call that good.
func TestNotModifiedAfterRollback(t *testing.T) {
	inHouse(t, func(h *house) {
		h.settled()
		h.set(func() { h.etag = false })
		h.offer(withPassword("wrong"))
		h.after(TrialTime + 10*time.Second)
		h.want(RolledBack, "right")
		h.set(func() { h.etag = true })
		h.ask()
		h.want(RolledBack, "right")
	})
}

// Settings that parse and cannot register come back by themselves, 20 of 20, and are left
// alone from then on.
func TestBadSettingsComeBack(t *testing.T) {
	for i := range 20 {
		inHouse(t, func(h *house) {
			h.settled()
			h.after(time.Duration(i) * 7 * time.Minute)
			bad := fmt.Sprintf("wrong%d", i)
			h.offer(withPassword(bad))
			h.want(OnProbation, bad)
			h.after(TrialTime - time.Second)
			h.want(OnProbation, bad)
			h.after(time.Second)
			h.want(RollingBack, "right")
			h.after(5 * time.Second)
			h.want(RolledBack, "right")
			if s := h.k.Status(); s.Generation != 2 || s.Trial != nil || s.Err == "" {
				t.Errorf("status %+v", s)
			}
			reloads := h.reloads
			h.after(72 * time.Hour) // it looks again and again
			if h.reloads != reloads {
				t.Errorf("the bad settings were tried again: %d reloads", h.reloads-reloads)
			}
			h.want(RolledBack, "right")
			h.set(func() { h.password = "better" })
			h.offer(withPassword("better"))
			h.after(5 * time.Second)
			h.want(Good, "better")
		})
	}
}

// Good settings that come during an outage stay, 20 of 20, however long it takes.
func TestGoodSettingsSurviveAnOutage(t *testing.T) {
	for i := range 20 {
		inHouse(t, func(h *house) {
			h.settled()
			h.set(func() { h.down, h.password = true, "new" })
			h.offer(withPassword("new"))
			h.after(TrialTime + time.Second)
			h.want(RollingBack, "right")
			h.after(BackTime + time.Second)
			h.want(Unproven, "new")
			h.after(time.Duration(1+i*i) * time.Minute)
			h.want(Unproven, "new")
			h.set(func() { h.down = false })
			h.after(5 * time.Second)
			h.want(Good, "new")
			if v := h.store.List(); v[len(v)-1].Verdict != generations.Good {
				t.Errorf("verdicts %+v", v)
			}
		})
	}
}

// Settings that came during an outage and are wrong are found out when the server is back.
func TestBadSettingsDuringAnOutage(t *testing.T) {
	inHouse(t, func(h *house) {
		h.settled()
		h.set(func() { h.down = true })
		h.offer(withPassword("wrong"))
		h.after(TrialTime + BackTime + time.Hour)
		h.want(Unproven, "wrong")
		h.set(func() { h.down = false })
		h.after(2 * time.Minute)
		h.want(OnProbation, "wrong")
		h.after(TrialTime)
		h.want(RolledBack, "right")
	})
}

// A line that is as it was proves nothing about what another one was changed to. One that was not
// registered before has nothing to lose.
func TestAnotherLineProvesNothing(t *testing.T) {
	const second = "[sip2]\nusername = 202\nregister_addr = pbx.example\n"
	for _, tt := range []struct {
		name, file string
		after      time.Duration
		state      State
		password   string
	}{
		{"the changed one is lost", withPassword("wrong") + second, TrialTime - time.Second, OnProbation, "wrong"},
		{"and comes back", withPassword("wrong") + second, TrialTime + 5*time.Second, RolledBack, "right"},
		{"the changed one registers", withPassword("right") + "display_name = Desk\n" + second, 5 * time.Second, Good, "right"},
		{"the other is changed, too, and registers", withPassword("wrong") + second + "display_name = Desk\n", 5 * time.Second, Good, "wrong"},
		{"the other is taken away", withPassword("right"), 5 * time.Second, Good, "right"},
		{"a change after the one that lost a line", "", TrialTime + 10*time.Second, RolledBack, "right"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inHouse(t, func(h *house) {
				h.settled()
				h.offer(withPassword("right") + second)
				h.after(10 * time.Second)
				h.want(Good, "right")
				if tt.file != "" {
					h.offer(tt.file)
				} else {
					h.offer(withPassword("wrong") + second)
					h.after(5 * time.Second)
					h.offer(withPassword("wrong") + second + "[web]\nlisten = 127.0.0.1:8080\n")
				}
				h.after(tt.after)
				h.want(tt.state, tt.password)
			})
		})
	}
}

// A line that registers with neither the new settings nor those before is no reason to go back,
// nor to doubt the new ones when another line is registered.
func TestALineThatIsLostAnyway(t *testing.T) {
	inHouse(t, func(h *house) {
		h.settled()
		h.offer(withPassword("right") + "[sip2]\nusername = 202\nregister_addr = pbx.example\n")
		h.after(10 * time.Second)
		h.set(func() { h.password = "nobody knows" })
		h.offer(withPassword("new") + "[sip2]\nusername = 202\nregister_addr = pbx.example\n")
		h.after(TrialTime + BackTime + 10*time.Second)
		h.want(Good, "new")
	})
}

// The program may end at any moment of a judgement: it goes on with it.
func TestJudgementSurvivesRestarts(t *testing.T) {
	for _, tt := range []struct {
		name  string
		down  bool
		file  string
		end   State
		final string
	}{
		{"good", false, "new", Good, "new"},
		{"bad", false, "wrong", RolledBack, "right"},
		{"good in an outage", true, "new", Unproven, "new"},
	} {
		for s := 0; s <= 240; s += 20 {
			t.Run(fmt.Sprintf("%s/%d s", tt.name, s), func(t *testing.T) {
				inHouse(t, func(h *house) {
					h.settled()
					if tt.file == "new" {
						h.set(func() { h.password = "new" })
					}
					h.set(func() { h.down = tt.down })
					h.offer(withPassword(tt.file))
					h.after(time.Duration(s) * time.Second)
					h.stop()
					h.start()
					h.after(TrialTime + BackTime + 10*time.Second)
					if s := h.k.Status(); s.State == Good && tt.end == RolledBack {
						t.Fatalf("state %+v", s)
					}
					if got := h.Config().Line(1).AuthPassword; got != tt.final {
						t.Errorf("password %q, want %q: %+v", got, tt.final, h.k.Status())
					}
				})
			})
		}
	}
}

// Settings with which the program ends again and again are bad.
func TestSettingsThatEndTheProgram(t *testing.T) {
	inHouse(t, func(h *house) {
		h.settled()
		h.offer(withPassword("wrong"))
		for range mostStarts {
			h.after(time.Second)
			h.stop()
			h.start()
			h.want(OnProbation, "wrong")
		}
		h.stop()
		h.start()
		h.after(5 * time.Second)
		h.want(RolledBack, "right")
	})
}

// Also when it ends before anything else has been begun.
func TestSettingsThatEndTheProgramAtOnce(t *testing.T) {
	inHouse(t, func(h *house) {
		h.settled()
		h.offer(withPassword("wrong"))
		h.stop()
		for range mostStarts {
			store, _, err := generations.Open(h.dir, generations.Options{})
			if err == nil {
				err = errors.Join(Started(store, slog.New(slog.DiscardHandler)), store.Close())
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		h.start()
		h.want(RollingBack, "right")
		h.after(5 * time.Second)
		h.want(RolledBack, "right")
	})
}

func TestSettingsWaitForIdleLines(t *testing.T) {
	inHouse(t, func(h *house) {
		h.settled()
		h.set(func() { h.busy, h.password = true, "new" })
		h.offer(withPassword("new"))
		h.after(time.Hour)
		h.want(Applying, "right")
		h.set(func() { h.busy = false })
		h.after(3 * time.Second)
		h.want(Good, "new")
	})
	inHouse(t, func(h *house) { // but not for ever
		h.settled()
		h.set(func() { h.busy, h.password = true, "new" })
		h.offer(withPassword("new"))
		h.after(IdleWait + 5*time.Second)
		h.want(Good, "new")
	})
}

// A trial does not run out while its settings wait for a call to end.
func TestTrialWaitsForSettingsThatWait(t *testing.T) {
	inHouse(t, func(h *house) {
		h.settled()
		h.set(func() { h.waiting, h.password = true, "new" })
		h.offer(withPassword("new"))
		h.after(time.Hour)
		if s := h.k.Status(); s.State != OnProbation || s.Trial == nil || s.Trial.Generation != 3 || s.Generation != 3 {
			t.Errorf("status %+v", s)
		}
		h.set(func() { h.waiting = false })
		h.after(3 * time.Second)
		h.want(Good, "new")
	})
}

func TestWhatIsNotApplied(t *testing.T) {
	for _, tt := range []struct{ name, file, why string }{
		{"a fault", "[sip1]\nauth_password = right\nregister_port = 99999\n", "register_port"},
		{"no file of ours", "<html>please log in</html>", "HTML"},
		{"nothing", "   \n", ""},
		{"another device's", `<?xml version="1.0"?><gs_provision version="1"><mac>000b82112233</mac><config version="1"><P35>201</P35></config></gs_provision>`, "it is for the device 000b82112233"},
	} {
		inHouse(t, func(h *house) {
			h.settled()
			generation := h.k.Status().Generation
			h.offer(tt.file)
			s := h.k.Status()
			if s.State != Failed || !strings.Contains(s.Err, tt.why) || s.Generation != generation {
				t.Errorf("%s: %+v", tt.name, s)
			}
			h.want(Failed, "right")
			h.offer(withPassword("right"))
			h.want(Good, "right")
		})
	}
}

// Secrets that others could have read are refused, unless the device allows them.
func TestSecretsInClear(t *testing.T) {
	for _, allow := range []bool{false, true} {
		inHouse(t, func(h *house) {
			f := Finding{Source: "static", Offers: []Offer{{Source: "static", URL: "tftp://p.example/f"}}}
			if allow {
				if _, err := h.setLocal("[provisioning]\nallow_clear_secrets = 1\n"); err != nil {
					t.Fatal(err)
				}
			}
			h.set(func() { h.finding, h.file = &f, withPassword("right") })
			h.ask()
			h.after(5 * time.Second)
			if s := h.k.Status(); (s.State == Good) != allow || !allow && !strings.Contains(s.Err, "allow_clear_secrets") {
				t.Errorf("allowed %v: %+v", allow, s)
			}
		})
	}
}

// Settings that lose a line which was registered come back; those that switch every line
// off are what somebody wants.
func TestSettingsWithoutLines(t *testing.T) {
	inHouse(t, func(h *house) {
		h.settled()
		h.offer("[sip1]\nregister_addr =\nauth_password = right\n")
		h.want(OnProbation, "right")
		h.after(TrialTime + 5*time.Second)
		h.want(RolledBack, "right")
		if !h.Lines().Registered {
			t.Error("the line is not registered again")
		}
		h.offer("[sip1]\nenabled = 0\nauth_password = right\n")
		h.want(Good, "right")
		if h.Lines().Registering {
			t.Error("the line is not switched off")
		}
	})
}

// A file that any host of the network may have named sets what is harmless, and does not
// take the device over; one that somebody the device trusts vouches for may.
func TestFilesOfStrangers(t *testing.T) {
	const file = "[sip1]\nregister_addr = evil.example\naccept_from = any\ndisplay_name = Desk\nbackup_addr = evil.example\n[provisioning]\nurl = tftp://evil.example/f\n"
	for _, tt := range []struct {
		name  string
		offer Offer
		local string
		want  string // register_addr backup_addr accept_from url
		notes int
	}{
		{"by DHCP", Offer{Source: "dhcp:66", URL: "tftp://192.0.2.1/f"}, "", "pbx.example evil.example servers ", 3},
		{"by PnP, over HTTPS that anybody can have", Offer{Source: "pnp:192.0.2.1", URL: "https://192.0.2.1/f"}, "", "pbx.example evil.example servers ", 3},
		{"with a digest from RADIUS", Offer{Source: "radius:192.0.2.1", URL: "tftp://192.0.2.1/f", SHA256: "00"}, "", "evil.example evil.example any tftp://evil.example/f", 0},
		{"by the device's own URL", Offer{Source: "static", URL: "https://192.0.2.1/f"}, "", "evil.example evil.example any tftp://evil.example/f", 0},
		{"by DHCP, for a backup that is the device's own", Offer{Source: "dhcp:66", URL: "tftp://192.0.2.1/f"}, "[sip1]\nbackup_addr = own.example\nauth_password = right\n", "pbx.example own.example servers ", 4},
	} {
		inHouse(t, func(h *house) {
			if tt.local != "" {
				if _, err := h.setLocal(tt.local); err != nil {
					t.Fatal(err)
				}
			}
			h.set(func() { h.finding, h.file = &Finding{Source: tt.offer.Source, Offers: []Offer{tt.offer}}, file })
			h.ask()
			l, s := h.Config().Line(1), h.k.Status()
			if got := fmt.Sprint(l.RegisterAddr, " ", l.BackupAddr, " ", l.AcceptFrom, " ", h.Config().Provisioning.URL); got != tt.want || len(s.Notes) != tt.notes || l.DisplayName != "Desk" {
				t.Errorf("%s: %s, want %s; %+v", tt.name, got, tt.want, s)
			}
		})
	}
}

func TestNobodyHasSettings(t *testing.T) {
	inHouse(t, func(h *house) {
		h.after(time.Second)
		if s := h.k.Status(); s.State != Idle || s.Err != "" || s.Finished != 1 || s.Generation != 0 {
			t.Errorf("status %+v", s)
		}
		h.set(func() { h.err = errors.New("Access-Reject") })
		h.ask()
		if s := h.k.Status(); s.State != Failed || s.Err != "static: Access-Reject" {
			t.Errorf("status %+v", s)
		}
	})
}

// Where nobody is to be asked there is no next look to wait for; a change of that shows at once.
func TestNobodyIsToBeAsked(t *testing.T) {
	inHouse(t, func(h *house) {
		h.after(time.Minute)
		order := func(words ...string) Status {
			h.order(words)
			if err := h.k.Reconfigured(context.Background()); err != nil {
				t.Fatal(err)
			}
			return h.k.Status()
		}
		looks := h.k.Status().Attempt
		if s := order(); !s.Next.IsZero() {
			t.Errorf("the next look is told to be at %v", s.Next)
		}
		if s := order("static"); s.Next.IsZero() {
			t.Error("no next look is told")
		}
		order()
		h.after(30 * 24 * time.Hour)
		if s := h.k.Status(); s.Attempt != looks {
			t.Errorf("it has looked %d times", s.Attempt-looks)
		}
		order("static")
		h.after(time.Minute)
		if s := h.k.Status(); s.Attempt != looks+1 {
			t.Errorf("it has looked %d times once there was somebody to ask", s.Attempt-looks)
		}
	})
}

// What one source says of a device's numbers is put in force though the next one is silent:
// most networks have no DHCP server that answers. But a source is not taken to have lost
// what it gave before, and one that stands before those that answer is waited for.
func TestSilenceTakesNothingAway(t *testing.T) {
	numbers := Finding{Source: "radius:r", Details: []config.Setting{{Section: "sip1", Key: "auth_password", Value: "right"}}}
	silence := errors.New("no server answered")
	inHouse(t, func(h *house) {
		h.k.finders["radius"] = finds{numbers, nil}
		h.set(func() { h.finding, h.err = &Finding{}, silence })
		order := func(words string) {
			h.order(strings.Split(words, ","))
			h.ask()
			h.after(5 * time.Second)
		}
		order("static,radius")
		h.want(Failed, "")
		order("radius,static")
		h.want(Good, "right")
		if s := h.k.Status(); s.Source != "radius:r" || s.Err != "" || len(s.Notes) != 1 || !strings.Contains(s.Notes[0].Text, "no server answered") || time.Until(s.Next) > time.Hour {
			t.Errorf("%+v", s)
		}
		h.set(func() { h.err, h.finding, h.file = nil, nil, "[sip1]\ndisplay_name = Desk\n" })
		order("radius,static")
		h.set(func() { h.finding, h.err = &Finding{}, silence })
		order("radius,static")
		h.want(Failed, "right")
		if name := h.Config().Line(1).DisplayName; name != "Desk" {
			t.Errorf("what a silent source gave is lost: %q", name)
		}
	})
}

// finds is a source that always has the same.
type finds struct {
	finding Finding
	err     error
}

func (f finds) Find(context.Context, Search) (Finding, error) { return f.finding, f.err }

// A failure is tried again by the list, and the fourth time with the same cause later.
func TestFailuresAreTriedAgain(t *testing.T) {
	inHouse(t, func(h *house) {
		h.set(func() { h.err = errors.New("503") })
		h.ask()
		began := time.Now()
		var at []time.Duration
		for attempt := h.k.Status().Attempt; len(at) < 5; {
			h.after(time.Second)
			if s := h.k.Status(); s.Attempt != attempt {
				attempt = s.Attempt
				at = append(at, time.Since(began).Round(time.Second))
			}
		}
		low := []time.Duration{30 * time.Second, 90 * time.Second, 210 * time.Second, 33 * time.Minute, 93 * time.Minute}
		high := []time.Duration{37 * time.Second, 110 * time.Second, 255 * time.Second, 41 * time.Minute, 114 * time.Minute}
		for i, d := range at {
			if d < low[i] || d > high[i] {
				t.Errorf("try %d after %v, want %v to %v", i+1, d, low[i], high[i])
			}
		}
	})
}

func TestLocalLayerAndRollback(t *testing.T) {
	inHouse(t, func(h *house) {
		h.settled()
		n, err := h.setLocal("[sip1]\nauth_password = wrong\n")
		if err != nil || n != 3 {
			t.Fatal(n, err)
		}
		h.want(OnProbation, "wrong")
		if _, err := h.setLocal("[sip1]\nnonsense = 1\n"); err == nil {
			t.Error("a fault was taken")
		}
		h.after(TrialTime + 10*time.Second)
		h.want(RolledBack, "right")

		h.set(func() { h.password = "other" })
		if _, err := h.setLocal("[sip1]\nauth_password = other\n"); err != nil {
			t.Fatal(err)
		}
		h.after(5 * time.Second)
		h.want(Good, "other")
		if _, err := h.k.Rollback(h.t.Context(), 3, 0); !errors.Is(err, ErrMovedOn) {
			t.Errorf("back from a generation that does not run: %v", err)
		}
		h.want(Good, "other")
		if n, err := h.k.Rollback(h.t.Context(), 4, 0); err != nil || n != 2 {
			t.Fatal(n, err)
		}
		h.want(RolledBack, "right")
		if _, err := h.k.Rollback(h.t.Context(), 0, 77); !errors.Is(err, ErrNoGeneration) {
			t.Errorf("back to generation 77: %v", err)
		}
		if _, err := h.setLocal("[sip1]\nauth_password = other\n"); err != nil {
			t.Fatal(err)
		}
		h.damage(2)
		if _, err := h.k.Rollback(h.t.Context(), 0, 2); errors.Is(err, ErrNoGeneration) || !errors.Is(err, generations.ErrBroken) {
			t.Errorf("back to what cannot be read: %v", err)
		}
	})
}

// A change that leaves the line as it is has nothing to prove and does not wait, in an outage as
// well; unless what it changes has not proved anything itself, or waits for a call to end.
func TestAChangeThatDisturbsNoLine(t *testing.T) {
	const harmless = "[device]\ndrain_s = 7\n"
	for _, tt := range []struct {
		name    string
		prepare func(h *house)
		waits   bool
	}{
		{"in good times", func(*house) {}, false},
		{"in an outage", func(h *house) { h.set(func() { h.down = true }); h.after(time.Minute) }, false},
		{"after one that is on trial", func(h *house) {
			h.set(func() { h.down = true })
			_, _ = h.setLocal("[sip1]\ndisplay_name = x\n")
		}, true},
		{"beside a call", func(h *house) { h.set(func() { h.waiting = true }) }, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inHouse(t, func(h *house) {
				h.settled()
				tt.prepare(h)
				n, err := h.setLocal(harmless)
				if s := h.k.Status(); err != nil || (s.Trial != nil) != tt.waits || (s.State == OnProbation) != tt.waits {
					t.Errorf("%v, %+v", err, s)
				}
				h.set(func() { h.down, h.waiting = false, false })
				h.after(5 * time.Second)
				if g, err := h.store.Load(n); err != nil || g.Verdict != generations.Good {
					t.Errorf("%+v, %v", g.Verdict, err)
				}
			})
		})
	}
}

// A device that has started again knows where what it runs came from before anybody says so
// again; of what a person went back to it does not.
func TestSourceIsKnownAfterAStart(t *testing.T) {
	inHouse(t, func(h *house) {
		again := func(what, source, url string) {
			t.Helper()
			h.stop()
			h.start()
			if s := h.k.Status(); s.Source != source || s.URL != url || s.Finished != 0 && h.file != "" {
				t.Errorf("%s: from %q, %q, want %q, %q (%+v)", what, s.Source, s.URL, source, url, s)
			}
		}
		h.set(func() { h.slow = time.Second })
		again("a new device", "", "")
		h.set(func() { h.slow = 0 })
		h.settled()
		h.set(func() { h.slow = time.Second })
		again("fetched", "static", "https://p.example/f")
		h.after(time.Minute)
		if _, err := h.setLocal("[sip1]\ndisplay_name = x\n"); err != nil {
			t.Fatal(err)
		}
		h.after(time.Minute)
		again("with a change on the page", "static", "https://p.example/f")
		h.after(time.Minute)
		h.set(func() { h.password, h.slow = "new", 0 })
		h.offer(withPassword("new"))
		h.after(5 * time.Second)
		h.want(Good, "new")
		if _, err := h.k.Rollback(h.t.Context(), 0, 0); err != nil {
			t.Fatal(err)
		}
		h.set(func() { h.slow = time.Second })
		again("gone back", "", "")
	})
}

// Whatever happens in whatever order, once the server has been up for a while and the
// source has had good settings, the line is registered with them.
func TestItAlwaysEndsWell(t *testing.T) {
	for seed := range uint64(12) {
		inHouse(t, func(h *house) {
			r := rand.New(rand.NewPCG(seed, 1))
			for range 40 {
				switch r.IntN(9) {
				case 0:
					h.set(func() { h.down = !h.down })
				case 1:
					h.offer(withPassword("right"))
				case 2:
					h.offer(withPassword(fmt.Sprint("wrong", r.IntN(3))))
				case 3:
					h.offer("<html>")
				case 4:
					h.stop()
					h.start()
				case 5:
					h.set(func() { h.busy = !h.busy })
				case 6:
					_, _ = h.k.Rollback(h.t.Context(), 0, 0) // there may be none
				case 7:
					text := fmt.Sprintf("[sip1]\nauth_password = %s\n", []string{"right", "wrong"}[r.IntN(2)])
					if _, err := h.setLocal(text); err != nil {
						t.Fatalf("seed %d: %v", seed, err)
					}
				}
				h.after(time.Duration(r.IntN(300)) * time.Second)
			}
			h.set(func() { h.down, h.busy = false, false })
			h.after(12 * time.Hour)
			if _, err := h.setLocal(""); err != nil {
				t.Fatal(err)
			}
			h.offer("# anew " + fmt.Sprint(seed) + "\n" + withPassword("right"))
			h.after(5 * time.Minute)
			if l := h.Lines(); !l.Registered {
				t.Errorf("seed %d: not registered in the end: %+v", seed, h.k.Status())
			}
		})
	}
}
