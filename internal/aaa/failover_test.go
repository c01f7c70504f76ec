package aaa

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// late answers that long after each request.
func late(d time.Duration) func(int, *wire, []byte) {
	return func(_ int, w *wire, request []byte) {
		time.AfterFunc(d, func() { w.inject(good(request, account)) })
	}
}

// from answers from the n-th transmission on.
func from(n int) func(int, *wire, []byte) {
	return func(count int, w *wire, request []byte) {
		if count >= n {
			answers(count, w, request)
		}
	}
}

func always(what func(request []byte) []byte) func(int, *wire, []byte) {
	return func(_ int, w *wire, request []byte) { w.inject(what(request)) }
}

// gone is a host without a server: ICMP port unreachable each time.
func gone(_ int, w *wire, _ []byte) { w.inject(nil) }

// Goal 22: faults of the first servers, and when who is asked and answers.
func TestFailover(t *testing.T) {
	full := seconds(0, 2, 6, 14) // 2, 4, 8 and 16 s apart; the next server at 30
	shifted := func(by float64, at ...float64) []time.Duration {
		all := seconds(at...)
		for i := range all {
			all[i] += time.Duration(by * float64(time.Second))
		}
		return all
	}
	for _, tt := range []struct {
		name    string
		faults  []func(int, *wire, []byte) // of the servers before the good one
		times   [][]time.Duration          // of their transmissions
		answer  time.Duration
		by      int // which server answers; len(faults): the good one
		refused Refusal
	}{
		{"none", nil, nil, 0, 0, 0},
		{"black hole", []func(int, *wire, []byte){silence}, [][]time.Duration{full}, 30 * time.Second, 1, 0},
		{"two black holes", []func(int, *wire, []byte){silence, silence}, [][]time.Duration{full, shifted(30, 0, 2, 6, 14)}, 60 * time.Second, 2, 0},
		{"ICMP", []func(int, *wire, []byte){gone}, [][]time.Duration{seconds(0, 0.2)}, 200 * time.Millisecond, 1, 0},
		{"ICMP from both", []func(int, *wire, []byte){gone, gone}, [][]time.Duration{seconds(0, 0.2), seconds(0.2, 0.4)}, 400 * time.Millisecond, 2, 0},
		{"one ICMP, forged", []func(int, *wire, []byte){func(n int, w *wire, b []byte) {
			if n == 1 {
				w.inject(nil)
				w.inject(nil)
			} else {
				answers(n, w, b)
			}
		}}, [][]time.Duration{seconds(0, 0.2)}, 200 * time.Millisecond, 0, 0},
		{"ICMP forged beside the answer", []func(int, *wire, []byte){func(n int, w *wire, b []byte) {
			w.inject(nil)
			late(100*time.Millisecond)(n, w, b)
		}}, [][]time.Duration{seconds(0)}, 100 * time.Millisecond, 0, 0},
		{"first transmission lost", []func(int, *wire, []byte){from(2)}, [][]time.Duration{seconds(0, 2)}, 2 * time.Second, 0, 0},
		{"three lost", []func(int, *wire, []byte){from(4)}, [][]time.Duration{full}, 14 * time.Second, 0, 0},
		{"slow, then answers twice", []func(int, *wire, []byte){late(5 * time.Second)}, [][]time.Duration{seconds(0, 2)}, 5 * time.Second, 0, 0},
		{"another secret", []func(int, *wire, []byte){always(func(b []byte) []byte {
			p := answerTo(b, AccessAccept)
			p.secret = "other"
			return p.signed(b)
		})}, [][]time.Duration{full}, 30 * time.Second, 1, BadAuthenticator},
		{"does not sign", []func(int, *wire, []byte){always(func(b []byte) []byte { return answerTo(b, AccessAccept).unsigned(b) })}, [][]time.Duration{full}, 30 * time.Second, 1, Unsigned},
		{"answers with another code", []func(int, *wire, []byte){always(func(b []byte) []byte { return answerTo(b, AccountingResponse).signed(b) })}, [][]time.Duration{full}, 30 * time.Second, 1, BadCode},
		{"noise", []func(int, *wire, []byte){always(func([]byte) []byte { return octets(100, 3) })}, [][]time.Duration{full}, 30 * time.Second, 1, 0},
		{"answers cut short", []func(int, *wire, []byte){always(func(b []byte) []byte { return good(b)[:25] })}, [][]time.Duration{full}, 30 * time.Second, 1, BadLength},
		{"ICMP, then a black hole", []func(int, *wire, []byte){gone, silence}, [][]time.Duration{seconds(0, 0.2), shifted(0.2, 0, 2, 6, 14)}, 30200 * time.Millisecond, 2, 0},
	} {
		bubble(t, func(t *testing.T, n *network) {
			var fakes []*fake
			var addrs []string
			for i, fault := range append(slices.Clone(tt.faults), answers) {
				addrs = append(addrs, fmt.Sprintf("s%d:1812", i))
				fakes = append(fakes, n.server(addrs[i], fault))
			}
			c := n.client(t, Config{Dead: time.Minute}, addrs...)
			r, err := c.Exchange(context.Background(), lookup("x"))
			if took := time.Since(n.began); err != nil || took != tt.answer || r.Server != addrs[tt.by] {
				t.Fatalf("%s: %s after %v, %v; want %s after %v", tt.name, r.Server, took, err, addrs[tt.by], tt.answer)
			}
			for i, want := range tt.times {
				if got := fakes[i].times(); !slices.Equal(got, want) {
					t.Errorf("%s: server %d asked at %v, want %v", tt.name, i, got, want)
				}
			}
			if tt.refused != 0 && c.Counts()[0].Refused[tt.refused] == 0 {
				t.Errorf("%s: %+v, want refusals for %v", tt.name, c.Counts()[0], tt.refused)
			}
			checkRequests(t, tt.name, fakes)
		})
	}
}

// checkRequests holds what the servers got to RFC 2865: a retransmission is the same
// octets, another server gets another authenticator, all is signed.
func checkRequests(t *testing.T, name string, fakes []*fake) {
	t.Helper()
	authenticators := map[string]int{}
	for i, f := range fakes {
		for k, r := range f.requests() {
			if !wellSigned(r.wire, secret) {
				t.Errorf("%s: server %d, transmission %d: not signed in front", name, i, k)
			}
			if k > 0 && !bytes.Equal(r.wire, f.requests()[0].wire) {
				t.Errorf("%s: server %d: transmission %d differs", name, i, k)
			}
			if other, there := authenticators[string(r.wire[4:20])]; there && other != i {
				t.Errorf("%s: servers %d and %d have the same authenticator", name, other, i)
			}
			authenticators[string(r.wire[4:20])] = i
		}
	}
}

func TestPasswordIsHiddenAnewForEachServer(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		a, b := n.server("a:1", gone), n.server("b:1", answers)
		c := n.client(t, Config{Servers: []Server{{Addr: "a:1", Secret: "first"}, {Addr: "b:1", Secret: secret}}})
		if _, err := c.Exchange(context.Background(), Request{Code: AccessRequest, Attributes: Attributes{{UserPassword, []byte("geheim")}}}); err != nil {
			t.Fatal(err)
		}
		first, second := a.requests()[0].wire, b.requests()[0].wire
		if reveal(first[40:], first[4:20], "first") != "geheim" || reveal(second[40:], second[4:20], secret) != "geheim" {
			t.Error("a server cannot read the password")
		}
		if bytes.Equal(first[40:], second[40:]) {
			t.Error("both got the same octets")
		}
	})
}

func TestErrorTellsWhatEachServerDid(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		n.server("a:1", gone)
		n.server("b:1", silence)
		n.server("c:1", always(func(b []byte) []byte { return answerTo(b, AccessAccept).unsigned(b) }))
		c := n.client(t, Config{}, "a:1", "b:1", "c:1", "d:1")
		_, err := c.Exchange(context.Background(), lookup("x"))
		var none *NoAnswerError
		if !errors.Is(err, ErrNoAnswer) || !errors.As(err, &none) || len(none.Servers) != 4 {
			t.Fatal(err)
		}
		for _, want := range []string{
			"Access-Request: no RADIUS server answered: a:1: unreachable:", "connection refused after 2 transmissions and 200ms; ",
			"b:1: no answer after 4 transmissions and 30s; ",
			"c:1: no answer after 4 transmissions and 30s, 4 answers refused (no_message_authenticator); ",
			"d:1: unreachable: ",
		} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q lacks %q", err, want)
			}
		}
	})
}

// The budget inside a call: every server its share of what is left, in tries of at
// most a second.
func TestBudget(t *testing.T) {
	for _, tt := range []struct {
		name   string
		budget time.Duration
		faults []func(int, *wire, []byte)
		times  [][]time.Duration
		end    time.Duration
		ok     bool
	}{
		{"one, silent", 3 * time.Second, []func(int, *wire, []byte){silence}, [][]time.Duration{seconds(0, 1, 2)}, 3 * time.Second, false},
		{"one, two lost", 3 * time.Second, []func(int, *wire, []byte){from(3)}, [][]time.Duration{seconds(0, 1, 2)}, 2 * time.Second, true},
		{"second answers", 3 * time.Second, []func(int, *wire, []byte){silence, answers}, [][]time.Duration{seconds(0, 0.75), seconds(1.5)}, 1500 * time.Millisecond, true},
		{"two silent", 3 * time.Second, []func(int, *wire, []byte){silence, silence}, [][]time.Duration{seconds(0, 0.75), seconds(1.5, 2.25)}, 3 * time.Second, false},
		{"three silent", 3 * time.Second, []func(int, *wire, []byte){silence, silence, silence}, [][]time.Duration{seconds(0), seconds(1), seconds(2)}, 3 * time.Second, false},
		{"ICMP leaves more to the next", 3200 * time.Millisecond, []func(int, *wire, []byte){gone, silence}, [][]time.Duration{seconds(0, 0.2), seconds(0.2, 1.2, 2.2)}, 3200 * time.Millisecond, false},
		{"no server there", 3 * time.Second, []func(int, *wire, []byte){gone, gone}, [][]time.Duration{seconds(0, 0.2), seconds(0.2, 0.4)}, 400 * time.Millisecond, false},
		{"short", 300 * time.Millisecond, []func(int, *wire, []byte){silence, answers}, [][]time.Duration{seconds(0), seconds(0.15)}, 150 * time.Millisecond, true},
	} {
		bubble(t, func(t *testing.T, n *network) {
			var fakes []*fake
			var addrs []string
			for i, fault := range tt.faults {
				addrs = append(addrs, fmt.Sprintf("s%d:1812", i))
				fakes = append(fakes, n.server(addrs[i], fault))
			}
			r := lookup("x")
			r.Budget = tt.budget
			_, err := n.client(t, Config{Dead: time.Minute}, addrs...).Exchange(context.Background(), r)
			if took := time.Since(n.began); (err == nil) != tt.ok || took != tt.end {
				t.Errorf("%s: %v after %v, want after %v", tt.name, err, took, tt.end)
			}
			for i, want := range tt.times {
				if got := fakes[i].times(); !slices.Equal(got, want) {
					t.Errorf("%s: server %d asked at %v, want %v", tt.name, i, got, want)
				}
			}
		})
	}
}

// The jitter is 10 % either way, never lengthens a try inside a call, and takes
// nothing from the budget.
func TestJitter(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		c := n.client(t, Config{}, "s:1")
		c.jitter = jitter
		low, high := time.Hour, time.Duration(0)
		for range 2000 {
			waits := c.waits(5)
			for i, nominal := range seconds(2, 4, 8, 16, 16) {
				if waits[i] < nominal*9/10 || waits[i] > nominal*11/10 {
					t.Fatalf("wait %d is %v", i+1, waits[i])
				}
			}
			low, high = min(low, waits[0]), max(high, waits[0])
			share := 2500 * time.Millisecond
			inCall := c.within(share)
			if total(inCall) != share || inCall[0] < 749*time.Millisecond || slices.Max(inCall[:2]) > time.Second {
				t.Fatalf("waits %v within %v", inCall, share)
			}
		}
		if low > 1820*time.Millisecond || high < 2180*time.Millisecond {
			t.Errorf("first waits from %v to %v: they hardly differ", low, high)
		}
	})
}

func TestEndOfContextSaysNothingOfTheServer(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		n.server("a:1", silence)
		n.server("b:1", answers)
		c := n.client(t, Config{Dead: time.Minute}, "a:1", "b:1")
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		_, err := c.Exchange(ctx, lookup("x"))
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, ErrNoAnswer) || time.Since(n.began) != 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(n.began))
		}
		if got := c.Counts()[0]; got.Dead || got.Timeouts != 0 {
			t.Errorf("%+v", got)
		}
	})
}

func TestCloseEndsExchanges(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		n.server("a:1", silence)
		c := n.client(t, Config{}, "a:1")
		done := make(chan error)
		go func() {
			_, err := c.Exchange(context.Background(), lookup("x"))
			done <- err
		}()
		synctest.Wait()
		_ = c.Close()
		if err := <-done; !errors.Is(err, ErrClosed) {
			t.Errorf("an exchange under way: %v", err)
		}
		if _, err := c.Exchange(context.Background(), lookup("x")); !errors.Is(err, ErrClosed) {
			t.Errorf("a new exchange: %v", err)
		}
		if time.Since(n.began) != 0 {
			t.Errorf("it took %v", time.Since(n.began))
		}
	})
}

// What comes from a server that was given up, and a second answer, are counted and
// change nothing.
func TestLateAnswersAreDropped(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		n.server("a:1", func(count int, w *wire, b []byte) {
			if count == 1 {
				late(31*time.Second)(count, w, b)
			}
		})
		n.server("b:1", late(1500*time.Millisecond))
		c := n.client(t, Config{Dead: time.Minute}, "a:1", "b:1")
		r, err := c.Exchange(context.Background(), lookup("x"))
		if err != nil || r.Server != "b:1" {
			t.Fatal(r, err)
		}
		if got := c.Counts(); got[0].Late != 1 || got[0].Accepted != 0 || got[1].Accepted != 1 {
			t.Errorf("%+v", got)
		}
	})
}

// Many questions at once: no two under way have one identifier on one port.
func TestManyAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		f := n.server("a:1", late(100*time.Millisecond))
		c := n.client(t, Config{}, "a:1")
		var all sync.WaitGroup
		for i := range 1000 {
			all.Go(func() {
				r, err := c.Exchange(context.Background(), lookup(fmt.Sprint(i)))
				if err != nil || r.Code != AccessAccept {
					t.Error(err)
				}
			})
		}
		all.Wait()
		seen := map[*wire]int{}
		for _, r := range f.requests() {
			if seen[r.from]++; seen[r.from] > 1 {
				t.Fatal("two questions from one port")
			}
		}
	})
}

// What the log says of a server that does not sign: once an exchange, and the cure.
func TestLogNamesTheCure(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		var log bytes.Buffer
		unsigned := always(func(b []byte) []byte { return answerTo(b, AccessAccept).unsigned(b) })
		n.server("a:1", unsigned)
		n.server("b:1", unsigned)
		c := n.client(t, Config{
			Log:     slog.New(slog.NewTextHandler(&log, nil)),
			Servers: []Server{{Addr: "a:1", Secret: secret}, {Addr: "b:1", Secret: secret, Legacy: true}},
		})
		for range 3 {
			if r, err := c.Exchange(context.Background(), lookup("x")); err != nil || r.Server != "b:1" || r.Signed {
				t.Fatal(r, err)
			}
		}
		text := log.String()
		for _, want := range []string{"update reply { Message-Authenticator := 0x00 }", "post-auth", "require_message_authenticator", ";legacy", "server=a:1"} {
			if !strings.Contains(text, want) {
				t.Errorf("the log lacks %q:\n%s", want, text)
			}
		}
		if n := strings.Count(text, "answers refused"); n != 3 {
			t.Errorf("%d lines about refused answers, want one an exchange", n)
		}
		if n := strings.Count(text, "insecure (CVE"); n != 1 {
			t.Errorf("%d lines about legacy, want one:\n%s", n, text)
		}
		if strings.Contains(text, secret) {
			t.Error("the log holds the secret")
		}
	})
}
