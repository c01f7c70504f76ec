package provisioning

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tipring/internal/config"
	"tipring/internal/config/generations"
)

// A fleet is many devices with one server, all started in the same moment.
type fleet struct {
	began time.Time
	mu    sync.Mutex
	at    map[int]int // fetches by second
	all   int
	down  bool // refuses
	wrong bool // what it has has a fault, so that nothing is written a thousand times
}

func (f *fleet) Fetch(_ context.Context, r Request, s Search) (File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at[int(time.Since(f.began)/time.Second)]++
	f.all++
	if f.down {
		return File{URL: r.URL}, fmt.Errorf("connection refused")
	}
	if f.wrong {
		return File{URL: r.URL, Data: []byte("[sip1]\nregister_ttl = soon\n"), Secure: true}, nil
	}
	return File{URL: r.URL, Data: []byte("[sip1]\ndisplay_name = " + s.Identity.Serial + "\n"), Secure: true}, nil
}

// A member is one device of a fleet. It has no line.
type member struct {
	n int
	c *config.Config
}

func (m member) Identity() config.Identity {
	mac := config.MAC{0x00, 0x90, 0x8f, byte(m.n >> 16), byte(m.n >> 8), byte(m.n)}
	return config.Identity{MAC: mac, Serial: fmt.Sprint("S", m.n)}
}
func (m member) Config() *config.Config { return m.c }
func (m member) Reload() error          { return nil }
func (m member) Lines() Lines           { return Lines{} }
func (m member) Line(int) (int, bool)   { return 0, false }
func (m member) Check(provisioned []config.Layer, _ []byte) (*config.Config, error) {
	return config.Load(provisioned, config.Checks{})
}

// startFleet starts the devices and lets d pass.
func startFleet(t *testing.T, f *fleet, size int, settings string, d time.Duration) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		text := "[provisioning]\norder = static\nurl = https://p.example/{mac}.ini\n" + settings
		c, err := config.Load([]config.Layer{config.FileLayer("t.ini", []byte(text))}, config.Checks{})
		if err != nil {
			t.Fatal(err)
		}
		f.began, f.at = time.Now(), map[int]int{}
		ctx, cancel := context.WithCancel(context.Background())
		var work sync.WaitGroup
		for n := range size {
			store, _, err := generations.Open(filepath.Join(dir, fmt.Sprint(n)), generations.Options{})
			if err != nil {
				t.Fatal(err)
			}
			k := New(Options{
				Device: member{n, c}, Store: store, Finders: map[string]Finder{"static": Static{}}, Fetcher: f,
				Log: slog.New(slog.DiscardHandler),
			})
			work.Go(func() {
				k.Run(ctx)
				store.Close()
			})
		}
		time.Sleep(d)
		cancel()
		work.Wait()
	})
}

// busiest is the most fetches in one second.
func (f *fleet) busiest() (n int) {
	for _, count := range f.at {
		n = max(n, count)
	}
	return n
}

// A thousand devices come back after a power cut: in the busiest second 5 % of them at most
// fetch, and after the boot delay all have.
func TestFleetAfterAPowerCut(t *testing.T) {
	const size = 1000
	f := fleet{wrong: true}
	startFleet(t, &f, size, "", 30*time.Second)
	if f.all < size || f.busiest() > size*5/100 {
		t.Errorf("%d fetches of %d devices, %d in the busiest second", f.all, size, f.busiest())
	}
	t.Logf("busiest second: %d of %d", f.busiest(), size)
}

// The same while the server is down: their further tries come hardly closer together,
// though chance spreads them and no longer their addresses.
func TestFleetWithoutItsServer(t *testing.T) {
	const size = 1000
	f := fleet{down: true}
	startFleet(t, &f, size, "", 30*time.Minute)
	if f.busiest() > size*7/100 {
		t.Errorf("%d of %d devices in the busiest second", f.busiest(), size)
	}
	if f.all < 4*size || f.all > 5*size {
		t.Errorf("%d fetches of %d devices in half an hour", f.all, size)
	}
	t.Logf("busiest second: %d of %d; %d fetches", f.busiest(), size, f.all)
}

// Devices that share an interval drift apart instead of meeting every day.
func TestFleetFromDayToDay(t *testing.T) {
	const size = 100
	var f fleet
	startFleet(t, &f, size, "interval_s = 86400\nboot_delay_s = 0\n", 60*time.Hour)
	f.mu.Lock()
	delete(f.at, 0) // all at once at the start, as boot_delay_s = 0 says
	f.mu.Unlock()
	if f.busiest() > size*5/100 {
		t.Errorf("%d of %d devices in the busiest second", f.busiest(), size)
	}
}
