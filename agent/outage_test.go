package agent

import (
	"context"
	"testing"
	"time"

	"tipring/internal/aaa"
)

// silent is a RADIUS client whose servers answer nothing while they are down. It tells the
// budget of each request.
type silent struct {
	down    bool
	budgets []time.Duration
}

func (s *silent) Exchange(_ context.Context, r aaa.Request) (aaa.Response, error) {
	s.budgets = append(s.budgets, r.Budget)
	if s.down {
		return aaa.Response{}, &aaa.NoAnswerError{Code: r.Code}
	}
	return aaa.Response{Code: aaa.AccessAccept, At: time.Now(), Server: "192.0.2.1:1812"}, nil
}

// In an outage the first lookup of a look waits for the servers, and the others take what
// was answered last.
func TestOutageIsWaitedForOnce(t *testing.T) {
	dir := t.TempDir()
	key, err := aaa.LocalKey(dir + "/key")
	if err != nil {
		t.Fatal(err)
	}
	cache, err := aaa.NewCache(dir, key)
	if err != nil {
		t.Fatal(err)
	}
	servers := new(silent)
	requests := []aaa.Request{}
	for _, name := range []string{"device", "account", "1001", "1002"} {
		requests = append(requests, aaa.Request{Code: aaa.AccessRequest, Attributes: aaa.Attributes{{Type: aaa.UserName, Value: []byte(name)}}})
	}
	look := func(down bool, want ...time.Duration) {
		t.Helper()
		servers.down, servers.budgets = down, nil
		o := &outage{Cached: aaa.Cached{Client: servers, Cache: cache}}
		for i, r := range requests {
			answer, err := o.Exchange(t.Context(), r)
			if err != nil || answer.Stored != down {
				t.Errorf("lookup %d: %+v, %v", i, answer, err)
			}
			if servers.budgets[i] != want[i] {
				t.Errorf("lookup %d had %v, want %v", i, servers.budgets[i], want[i])
			}
		}
	}
	look(false, 0, 0, 0, 0)
	look(true, 0, outageBudget, outageBudget, outageBudget)
	look(false, 0, 0, 0, 0)
}
