package aaa

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// kinds tells Status-Servers (S) from requests (r) in what a server got.
func (f *fake) kinds() string {
	var b strings.Builder
	for _, r := range f.requests() {
		if Code(r.wire[0]) == StatusServer {
			b.WriteByte('S')
		} else {
			b.WriteByte('r')
		}
	}
	return b.String()
}

// A pair is a primary that was found dead, and a backup that answers.
func pair(t *testing.T, n *network, log *slog.Logger) (c *Client, primary, backup *fake, ask func(wantServer string)) {
	t.Helper()
	primary, backup = n.server("a:1", gone), n.server("b:1", answers)
	c = n.client(t, Config{Dead: time.Minute, Log: log}, "a:1", "b:1")
	ask = func(want string) {
		t.Helper()
		r, err := c.Exchange(context.Background(), lookup("x"))
		if err != nil || r.Server != want {
			t.Fatalf("at %v: %s, %v; want %s", time.Since(n.began), r.Server, err, want)
		}
		synctest.Wait()
	}
	ask("b:1")
	primary.got = nil
	return c, primary, backup, ask
}

func TestDeadServerIsLeftAlone(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		c, primary, _, ask := pair(t, n, nil)
		for range 59 {
			time.Sleep(time.Second)
			ask("b:1")
		}
		if got := primary.kinds(); got != "" || !c.Counts()[0].Dead {
			t.Errorf("the dead server got %q", got)
		}
	})
}

// Since when a server answers, or does not, is told; of one that nobody has asked, nothing.
func TestSinceWhen(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		c, primary, _, ask := pair(t, n, nil)
		died := time.Now()
		if got := c.Counts(); !got[0].Since.Equal(died) || got[0].Took != 0 || !got[1].Since.Equal(died) {
			t.Errorf("%+v", got)
		}
		primary.behave(answers)
		time.Sleep(time.Minute)
		back := time.Now()
		ask("b:1")
		time.Sleep(time.Second)
		ask("a:1")
		if got := c.Counts(); got[0].Dead || !got[0].Since.Equal(back) || !got[1].Since.Equal(died) {
			t.Errorf("%+v", got)
		}
		if got := n.client(t, Config{}, "c:1").Counts(); !got[0].Since.IsZero() {
			t.Errorf("nobody asked: %+v", got)
		}
	})
}

// After the dead time a Status-Server goes out beside the question, once.
func TestStatusServerBringsBack(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		var log bytes.Buffer
		c, primary, _, ask := pair(t, n, slog.New(slog.NewTextHandler(&log, nil)))
		primary.behave(answers)
		time.Sleep(time.Minute + time.Second)
		ask("b:1") // does not wait for the probe
		if got := primary.kinds(); got != "S" || c.Counts()[0].Dead {
			t.Errorf("the half-open server got %q", got)
		}
		if !wellSigned(primary.requests()[0].wire, secret) {
			t.Error("the Status-Server is not signed")
		}
		ask("a:1")
		if strings.Count(log.String(), "answers again") != 1 || strings.Count(log.String(), "does not answer") != 1 {
			t.Error(log.String())
		}
	})
}

// A Status-Server's answer brings no attributes, so it need not hold a
// Message-Authenticator; a wrong answer is none.
func TestStatusServerAnswers(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer func(b []byte) []byte
		back   bool
	}{
		{"signed", func(b []byte) []byte { return good(b) }, true},
		{"unsigned", func(b []byte) []byte { return answerTo(b, AccessAccept).unsigned(b) }, true},
		{"of an accounting server", func(b []byte) []byte { return answerTo(b, AccountingResponse).unsigned(b) }, true},
		{"wrongly signed", func(b []byte) []byte {
			return answerTo(b, AccessAccept, avp(80, make([]byte, 16)...)).unsigned(b)
		}, false},
		{"of another secret", func(b []byte) []byte { p := answerTo(b, AccessAccept); p.secret = "x"; return p.signed(b) }, false},
		{"a Reject", func(b []byte) []byte { return answerTo(b, AccessReject).signed(b) }, false},
	} {
		bubble(t, func(t *testing.T, n *network) {
			c, primary, _, ask := pair(t, n, nil)
			primary.behave(always(tt.answer))
			time.Sleep(2 * time.Minute)
			ask("b:1")
			time.Sleep(3 * time.Second)
			if back := !c.Counts()[0].Dead; back != tt.back {
				t.Errorf("%s: back: %v", tt.name, back)
			}
		})
	}
}

// Where no Status-Server is answered the request itself decides: one transmission.
func TestRequestDecidesWhereStatusServerIsNotAnswered(t *testing.T) {
	requestsOnly := func(n int, w *wire, b []byte) {
		if Code(b[0]) == AccessRequest {
			answers(n, w, b)
		}
	}
	bubble(t, func(t *testing.T, n *network) {
		_, primary, _, ask := pair(t, n, nil)
		primary.behave(requestsOnly)
		time.Sleep(2 * time.Minute)
		ask("b:1")
		ask("b:1") // while the Status-Server is out
		time.Sleep(3 * time.Second)
		ask("a:1")
		if got := primary.kinds(); got != "Sr" {
			t.Errorf("the server got %q", got)
		}
	})
	bubble(t, func(t *testing.T, n *network) {
		c, primary, backup, ask := pair(t, n, nil)
		primary.behave(silence)
		time.Sleep(2 * time.Minute)
		ask("b:1")
		time.Sleep(3 * time.Second)
		began := time.Since(n.began)
		ask("b:1")
		if took := time.Since(n.began) - began; took != 2*time.Second || primary.kinds() != "Sr" {
			t.Errorf("a single transmission took %v; the server got %q", took, primary.kinds())
		}
		backup.got = nil
		for range 50 {
			time.Sleep(time.Second)
			ask("b:1")
		}
		if primary.kinds() != "Sr" || len(backup.times()) != 50 || !c.Counts()[0].Dead {
			t.Errorf("it is not left alone: %q", primary.kinds())
		}
		time.Sleep(time.Minute)
		ask("b:1")
		if primary.kinds() != "SrS" {
			t.Errorf("the next probe is no Status-Server: %q", primary.kinds())
		}
	})
}

// A server that once answered a Status-Server is dead while it answers none: no
// question waits for it.
func TestSilenceAfterAKnownStatusServerIsDeath(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		_, primary, _, ask := pair(t, n, nil)
		primary.behave(answers)
		time.Sleep(2 * time.Minute)
		ask("b:1")
		primary.behave(gone)
		ask("b:1")
		primary.behave(silence)
		primary.got = nil
		for range 10 * 60 {
			time.Sleep(time.Second)
			began := time.Now()
			ask("b:1")
			if time.Since(began) != 0 {
				t.Fatalf("a question waited %v", time.Since(began))
			}
		}
		if got := primary.kinds(); got != strings.Repeat("S", len(got)) || len(got) < 9 || len(got) > 10 {
			t.Errorf("in ten minutes the server got %q", got)
		}
	})
}

// Only one finds out, however many ask.
func TestOneProbeAtATime(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		c, primary, _, _ := pair(t, n, nil)
		primary.behave(silence)
		time.Sleep(2 * time.Minute)
		for range 2 {
			for range 50 {
				go func() {
					if _, err := c.Exchange(context.Background(), lookup("x")); err != nil {
						t.Error(err)
					}
				}()
			}
			time.Sleep(3 * time.Second)
		}
		if got := primary.kinds(); got != "Sr" {
			t.Errorf("a hundred questions put %q to the half-open server", got)
		}
	})
}

func TestAllDeadAreTriedInOrder(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		a, b := n.server("a:1", gone), n.server("b:1", gone)
		c := n.client(t, Config{Dead: time.Hour}, "a:1", "b:1")
		if _, err := c.Exchange(context.Background(), lookup("x")); err == nil {
			t.Fatal("an answer from nobody")
		}
		b.behave(answers)
		a.got, b.got = nil, nil
		r, err := c.Exchange(context.Background(), lookup("x"))
		if err != nil || r.Server != "b:1" || !slices.Equal(a.times(), seconds(0.4, 0.6)) || !slices.Equal(b.times(), seconds(0.6)) {
			t.Errorf("%v %v; asked at %v and %v", r, err, a.times(), b.times())
		}
	})
}

// The last living server fails: those left alone get their turn.
func TestDeadServerIsTheLastResort(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		_, primary, backup, ask := pair(t, n, nil)
		primary.behave(answers)
		backup.behave(gone)
		ask("a:1")
		ask("a:1")
	})
}

func TestDeadZeroSkipsNobody(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		a := n.server("a:1", gone)
		n.server("b:1", answers)
		c := n.client(t, Config{}, "a:1", "b:1")
		for range 3 {
			if _, err := c.Exchange(context.Background(), lookup("x")); err != nil {
				t.Fatal(err)
			}
		}
		if got := a.kinds(); got != "rrrrrr" {
			t.Errorf("the first server got %q", got)
		}
	})
}

// A question whose packets were lost does not kill a server that answers others.
func TestLostPacketsAreNoDeath(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		n.server("a:1", func(count int, w *wire, b []byte) {
			if !bytes.Contains(b, []byte("lost")) {
				answers(count, w, b)
			}
		})
		c := n.client(t, Config{Dead: time.Minute}, "a:1")
		go func() {
			time.Sleep(29 * time.Second)
			_, _ = c.Exchange(context.Background(), lookup("x"))
		}()
		if _, err := c.Exchange(context.Background(), lookup("lost")); err == nil {
			t.Fatal("an answer")
		}
		if got := c.Counts()[0]; got.Dead || got.Timeouts != 1 {
			t.Errorf("%+v", got)
		}
	})
}
