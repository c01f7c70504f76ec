package faxport

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tipring/tools/peers/faxcard"
	"tipring/tools/peers/faxend"
	"tipring/tools/peers/faxlab"
	"tipring/tools/peers/netlab"
)

// TestCardOverTCP has line cards come by tcp: one that says a wrong token, or none, is refused,
// which the log tells without the token; with the right one a fax arrives.
func TestCardOverTCP(t *testing.T) {
	t.Parallel()
	const right, wrong = "the-right-token-c2a7", "a-wrong-token-91f4"
	dir := t.TempDir()
	l := faxlab.New(t, 2, func(number string, nth int) faxend.Script {
		return faxend.Script{Switch: faxend.AtOnce, Recv: filepath.Join(dir, "far-"+number)}
	})
	at := []string{"tcp:127.0.0.1:7001", "tcp:127.0.0.1:7002"}
	l.Port(1, "driver", at[0], "driver_token", right)
	l.Port(2, "driver", at[1], "driver_token", right)
	l.Run(2)
	d := faxlab.NewDocument(t, 1, 500, 1)
	// The ports have a refusal each, since the log counts a port's further ones once a minute.
	for i, token := range [][]string{{"--token", wrong}, nil} {
		c := faxcard.StartOn(t, l.Host, append([]string{"--card", at[i]}, token...), faxcard.Send(d.File, "601#"))
		if r, err := c.Result(10*time.Second, 1); err == nil {
			t.Errorf("port %d, a card with token %q: %+v, want that it is refused", i+1, token, r)
		}
		if l.Agent.Port(i + 1).Card {
			t.Errorf("port %d has a card", i+1)
		}
		if !netlab.Until(5*time.Second, func() bool {
			return len(l.Agent.LogLines("line card refused", "wrong token", "port="+[]string{"1", "2"}[i])) > 0
		}) {
			t.Errorf("port %d: the log does not tell of the refusal: %q", i+1, l.Agent.LogLines("line card"))
		}
	}
	m := faxlab.Mode{ECM: true, Rate: 14400}
	c := faxcard.StartOn(t, l.Host, []string{"--card", at[0], "--token", right}, faxcard.Send(d.File, "601#", m.Options("--log", "1")...))
	l.Arrived(t, m, "t38", c.Wait(faxlab.Patience, 1), l.Far.WaitFax(time.Second, "601", 1), d)
	for _, secret := range []string{right, wrong} {
		if told := l.Agent.LogLines(secret); len(told) > 0 {
			t.Errorf("the log shows a token: %s", strings.TrimSpace(told[0]))
		}
	}
	l.WellFormed()
}
