// Command bench measures the agent beside baresip, in one run and on one
// machine, and prints each figure with what is required and aimed at. It asserts
// nothing: tests do that.
package main

import (
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"regexp"
	"runtime"
	"sort"
	"strings"
	"sync"
	"time"

	"tipring/tools/peers/netlab"
)

var (
	binary = flag.String("tipring", "../../bin/tipring", "the program to measure")
	runs   = flag.Int("runs", 20, "runs of each failover")
	fifo   = flag.Int("fifo", 0, "run the programs under test, ours and theirs, under SCHED_FIFO with this priority, 1 to 99 (chrt -f), in the groups registration, call setup, media and delay; 0: not")
	only   = flag.String("only", "", "measure only the rows whose group matches this regular expression")
)

func main() {
	flag.Parse()
	netlab.Main(prepare, run)
}

// prepare makes paths absolute and measures what needs the Go tool chain,
// before the sandbox closes.
func prepare() error {
	if _, err := os.Stat(*binary); err != nil {
		return err
	}
	if err := os.Setenv("TIPRING_BINARY", absolute(*binary)); err != nil {
		return err
	}
	if err := netlab.SetFIFO(*fifo); err != nil {
		return fmt.Errorf("-fifo: %w", err)
	}
	if !regexp.MustCompile(*only).MatchString("size") || notMeasured(false, netlab.RealTime()) != "" {
		return nil // building for another board takes minutes
	}
	return sizes()
}

// A row is one line of the table.
type row struct{ figure, tipring, baresip, required, aim string }

// groups are the rows that are measured together. timing marks those in which one or two
// programs are watched to the millisecond: only they run with -fifo, or under a chrt of the
// bench itself. Twenty devices and their servers that all go before anything else would keep
// each other waiting.
var groups = []struct {
	name    string
	measure func(netlab.T) []row
	timing  bool
}{
	{"size", sizeRows, false},
	{"registration", registrationRows, true},
	{"idle", idleRows, false},
	{"call setup", setupRows, true},
	{"media", lateRows, true},
	{"delay", delayRows, true},
	{"voice", voiceRows, false},
	{"talk-off", talkOffRows, false},
	{"many calls", callRows, false},
	{"failover", failoverRows, false},
	{"visit", visitRows, false},
	{"pages", pageRows, false},
	{"1000 lines", thousandRows, false},
}

func run() int {
	flag.Parse()
	want := regexp.MustCompile(*only)
	status := 0
	if err := netlab.TryFIFO(); err != nil { // in the sandbox more may be forbidden
		fmt.Fprintf(os.Stderr, "bench: -fifo: %v\n", err)
		return 1
	}
	fmt.Printf("%d processors, %s, %s\n\n", runtime.NumCPU(), scheduling(netlab.FIFO(), netlab.RealTime()), time.Now().UTC().Format(time.RFC3339))
	fmt.Printf("%-60s | %-34s | %-28s | %-18s | %s\n%s\n", "figure", "tipring", "baresip (Debian)", "required", "aim", strings.Repeat("-", 165))
	for _, g := range groups {
		if !want.MatchString(g.name) {
			continue
		}
		if why := notMeasured(g.timing, netlab.RealTime()); why != "" {
			fmt.Printf("%-60s | %s\n", g.name, why)
			continue
		}
		priority := *fifo
		if !g.timing {
			priority = 0
		}
		if err := netlab.SetFIFO(priority); err != nil {
			fmt.Fprintf(os.Stderr, "bench: -fifo: %v\n", err)
			return 1
		}
		rows, err := measure(g.name, g.measure)
		for _, r := range rows {
			fmt.Printf("%-60s | %-34s | %-28s | %-18s | %s\n", r.figure, r.tipring, r.baresip, r.required, r.aim)
		}
		if err != nil {
			status = 1
			fmt.Printf("%-60s | FAILED: %v\n", g.name, err)
		}
	}
	return status
}

// notMeasured says why a group is left out; empty: it is not. What is not watched to the
// millisecond would be of a machine that runs nothing else: the servers and the far end have
// the bench's own real-time priority, whatever the programs under test have.
func notMeasured(timing bool, own int) string {
	if timing || own == 0 {
		return ""
	}
	return "not measured: the bench itself is under chrt"
}

// scheduling says how the programs under test are run, and the bench with the servers and the
// far end, which it starts.
func scheduling(fifo, own int) string {
	switch {
	case own != 0 && fifo != 0:
		return fmt.Sprintf("all in real time: programs under test with chrt -f %d, the others with %d", fifo, own)
	case own != 0:
		return fmt.Sprintf("all but the programs under test in real time, with %d", own)
	case fifo != 0:
		return fmt.Sprintf("programs under test with chrt -f %d", fifo)
	}
	return "programs under test like all others"
}

// A bench is the netlab.T of one group of rows.
type bench struct {
	name string
	ctx  context.Context

	mu       sync.Mutex
	cleanups []func()
	failed   bool
}

type failure struct{ error }

func measure(name string, f func(netlab.T) []row) (rows []row, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	b := &bench{name: name, ctx: ctx}
	defer cancel()
	defer b.clean()
	defer func() {
		if r := recover(); r != nil {
			f, ok := r.(failure)
			if !ok {
				panic(r)
			}
			err = f.error
		}
	}()
	return f(b), nil
}

func (b *bench) clean() {
	for i := len(b.cleanups) - 1; i >= 0; i-- {
		b.cleanups[i]()
	}
}

func (b *bench) Helper()                         {}
func (b *bench) Name() string                    { return "bench-" + strings.ReplaceAll(b.name, " ", "-") }
func (b *bench) Logf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
func (b *bench) Failed() bool                    { return b.failed }
func (b *bench) Context() context.Context        { return b.ctx }
func (b *bench) Errorf(format string, args ...any) {
	b.failed = true
	b.Logf(format, args...)
}

func (b *bench) Fatalf(format string, args ...any) {
	b.failed = true
	panic(failure{fmt.Errorf(format, args...)})
}

func (b *bench) Cleanup(f func()) {
	b.mu.Lock()
	b.cleanups = append(b.cleanups, f)
	b.mu.Unlock()
}

func (b *bench) TempDir() string {
	dir, err := os.MkdirTemp("", "tb")
	if err != nil {
		b.Fatalf("%v", err)
	}
	b.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// sub measures with a lab of its own, cleaned up at once. It may run beside others.
func sub(t netlab.T, f func(netlab.T)) error {
	_, err := measure(strings.TrimPrefix(t.Name(), "bench-"), func(t netlab.T) []row { f(t); return nil })
	return err
}

// side runs f n times, width at a time, and returns what it measured.
func side(t netlab.T, n, width int, f func(netlab.T) float64) []float64 {
	t.Helper()
	var (
		mu     sync.Mutex
		values []float64
		first  error
		wg     sync.WaitGroup
		turn   = make(chan struct{}, width)
	)
	for range n {
		turn <- struct{}{}
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer func() { <-turn }()
			var v float64
			err := sub(t, func(t netlab.T) { v = f(t) })
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				if first == nil {
					first = err
				}
				return
			}
			values = append(values, v)
		}()
	}
	wg.Wait()
	if first != nil {
		t.Fatalf("%d of %d runs failed, first: %v", n-len(values), n, first)
	}
	return values
}

// quantile of a sample, q from 0 to 1.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	s := append([]float64(nil), values...)
	sort.Float64s(s)
	return s[min(len(s)-1, int(math.Ceil(q*float64(len(s))))-1+boolInt(q == 0))]
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func ms(v float64) string { return fmt.Sprintf("%.2f ms", v) }

func seconds(v float64) string { return fmt.Sprintf("%.3f s", v) }
