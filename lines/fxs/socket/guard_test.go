package socket

import (
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestGuessesAreSlowedDown(t *testing.T) {
	var g guard
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	for i, away := range []time.Duration{0, 0, 2, 4, 8, 16, 32, 60, 60} {
		away *= time.Second
		g.wrong(a, now)
		if away > 0 && !g.refuses(a, now.Add(away-1)) || g.refuses(a, now.Add(away)) {
			t.Errorf("guess %d: want %v away", i+1, away)
		}
		if g.refuses(b, now) {
			t.Errorf("guess %d: another address is turned away", i+1)
		}
		now = now.Add(away)
	}
	now = now.Add(guessTime + 1)
	if g.wrong(a, now); g.refuses(a, now) {
		t.Error("turned away at the first wrong token after a quiet minute")
	}
}

func TestGuessesOfManyAreSlowedDown(t *testing.T) {
	var g guard
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	card, other := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	g.right(card)
	from := netip.MustParseAddr("198.51.100.1")
	for range 10 * maxGuessers {
		from = from.Next()
		g.wrong(from, now)
	}
	if !g.refuses(other, now) || g.refuses(card, now) {
		t.Error("want everybody turned away but who knew the token")
	}
	if len(g.by) > maxGuessers {
		t.Errorf("%d addresses are remembered", len(g.by))
	}
}

// Who guesses is turned away before he is heard, also with the right token at last; the log
// has the first guess alone until the minute is over.
func TestGuesserIsTurnedAway(t *testing.T) {
	r := newRig(t, Config{Address: "tcp:127.0.0.1:0", Token: "right"}, time.Minute)
	for range guesses {
		p := r.dial()
		p.send(Append(nil, Hello, []byte(`{"protocol":1,"name":"x","token":"wrong"}`)...))
		p.isClosed()
	}
	p := r.dial()
	if _, err := p.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("not turned away unheard: %v", err)
	}
	if n := strings.Count(r.book.String(), "refused"); n != 1 {
		t.Errorf("%d lines of log:\n%s", n, r.book)
	}
	r.tellRefused()
	if book := r.book.String(); !strings.Contains(book, `msg="line cards refused" port=3 reason="wrong token" times=3`) {
		t.Errorf("not told how many:\n%s", book)
	}
}

func TestHelloWithAMemberTwice(t *testing.T) {
	for _, hello := range []string{
		`{"protocol":1,"name":"x","token":"a","token":"right"}`,
		`{"protocol":1,"Token":"right","name":"x","token":"right"}`,
		`{"protocol":2,"name":"x","token":"right","protocol":1}`,
	} {
		_, err := readHello(NewReader(strings.NewReader(string(Append(nil, Hello, []byte(hello)...)))), "right")
		if err == nil || !strings.Contains(err.Error(), "twice") {
			t.Errorf("%s: %v", hello, err)
		}
	}
}
