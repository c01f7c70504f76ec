package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/browser"
	"tipring/tools/peers/netlab"
)

// The device is killed, twenty times, while users and tokens come and go. Whoever was told that
// there is one finds it after the next start, and whoever was told that there is none any more finds none:
// what is half done is one or the other, and never a file that is half written.
func TestUsersAndTokensSurviveAKill(t *testing.T) {
	t.Parallel()
	s := besiege(t, nil)
	k := &killed{s: s, bearer: "Bearer " + s.stateFile("api-token"), begun: make(chan struct{}), there: map[string]string{}, gone: map[string]string{}}
	for round := range 20 {
		stop := make(chan bool)
		var done sync.WaitGroup
		done.Go(func() { k.change(round, stop) })
		for range round%4 + 2 { // so many requests later it is in the midst of one
			select {
			case <-k.begun:
			case <-time.After(browser.Patience):
				t.Fatalf("round %d: no request is made", round)
			}
		}
		s.agent.Kill()
		close(stop)
		done.Wait()
		s.agent.Run()
		if !netlab.Until(browser.Patience, func() bool { return s.agent.Get("/readyz", nil) == nil || isAnswer(s.agent.Get("/readyz", nil)) }) {
			t.Fatalf("it does not start any more: %s", s.agent.Tail(20))
		}
		if !netlab.Until(browser.Patience, func() bool { _, _, ok := k.ask("GET", "/api/v1/status", nil); return ok }) {
			t.Fatalf("its page does not open any more: %s", s.agent.Tail(20))
		}
		k.judge(round)
	}
	if k.changes < 20 {
		t.Errorf("only %d changes were made", k.changes)
	}
	t.Logf("%d changes, %d users and tokens at the end", k.changes, len(k.there))
	s.visitor(s.people).logIn("admin", masterWord)
	// What a kill leaves of a file that was not in its place yet (.new) is written over by the next change.
	if damaged, _ := filepath.Glob(filepath.Join(s.agent.Dir, "state", "access.json.damaged*")); len(damaged) > 0 || len(s.agent.LogLines("access.json", "damaged")) > 0 {
		t.Errorf("%v; %v", damaged, s.agent.LogLines("access.json"))
	}
	if s.stateFile("api-token") != strings.TrimPrefix(k.bearer, "Bearer ") {
		t.Error("the token of the file is another one")
	}
}

func isAnswer(err error) bool { _, ok := err.(*agent.HTTPError); return ok }

// A killed is a device with what its owner was told of its users and tokens: by their routes, a
// token's secret.
type killed struct {
	s           *besieged
	bearer      string
	begun       chan struct{} // a request is on its way; told to whoever waits for it
	changes     int
	there, gone map[string]string
	open        string // the route of what nobody was told how it ended
}

// ask sends a request to the control socket; without an answer ok is false.
func (k *killed) ask(method, path string, body any) (status int, answer []byte, ok bool) {
	text, err := json.Marshal(body)
	if err != nil {
		k.s.t.Error(err)
		return 0, nil, false
	}
	r, err := http.NewRequest(method, "http://"+k.s.host()+path, bytes.NewReader(text))
	if err != nil {
		k.s.t.Error(err)
		return 0, nil, false
	}
	r.Header.Set("Authorization", k.bearer)
	r.Header.Set("Content-Type", "application/json")
	select {
	case k.begun <- struct{}{}:
	default:
	}
	res, err := k.s.visitor(k.s.people).http.Do(r)
	if err != nil {
		return 0, nil, false
	}
	defer func() { _ = res.Body.Close() }()
	var b bytes.Buffer
	if _, err := b.ReadFrom(res.Body); err != nil {
		return 0, nil, false
	}
	return res.StatusCode, b.Bytes(), true
}

// change makes tokens and users, and removes the ones before, until it is stopped.
func (k *killed) change(round int, stop <-chan bool) {
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		default:
		}
		name := fmt.Sprintf("n%dx%d", round, n)
		made := k.user(name, n)
		if made == "" {
			return
		}
		for old := range k.there {
			if old != made && len(k.there) > 6 {
				k.open = old
				if _, _, ok := k.ask("DELETE", old, nil); !ok {
					return
				}
				delete(k.there, old)
				k.gone[old], k.open = "", ""
				k.changes++
				break
			}
		}
	}
}

// user makes a token, or each fourth time a user, and returns its route; empty: nobody has answered.
func (k *killed) user(name string, n int) string {
	k.open = "name " + name
	path, body := "/api/v1/tokens", map[string]string{"name": name, "role": "user"}
	if n%4 == 3 {
		path, body["password"] = "/api/v1/users", "the word of "+name
	}
	status, answer, ok := k.ask("POST", path, body)
	if !ok {
		return ""
	}
	var made struct{ ID, Name, Secret string }
	if err := json.Unmarshal(answer, &made); err != nil || status != 201 {
		k.s.t.Errorf("%s: %d %s", path, status, answer)
		return ""
	}
	id := made.ID
	if id == "" {
		id = name
	}
	k.there[path+"/"+id], k.open = made.Secret, ""
	k.changes++
	return path + "/" + id
}

// judge compares what there is after a start with what was told.
func (k *killed) judge(round int) {
	k.s.t.Helper()
	var users, tokens []struct{ ID, Name string }
	if err := k.s.agent.Get("/api/v1/users", &users); err != nil {
		k.s.t.Fatalf("round %d: %v", round, err)
	}
	if err := k.s.agent.Get("/api/v1/tokens", &tokens); err != nil {
		k.s.t.Fatalf("round %d: %v", round, err)
	}
	is, names := map[string]bool{}, map[string]string{}
	for _, u := range users {
		is["/api/v1/users/"+u.Name], names[u.Name] = true, "/api/v1/users/"+u.Name
	}
	for _, x := range tokens {
		is["/api/v1/tokens/"+x.ID], names[x.Name] = true, "/api/v1/tokens/"+x.ID
	}
	for path := range k.there {
		if !is[path] && path != k.open {
			k.s.t.Errorf("round %d: %s was there, and is not", round, path)
		}
		if !is[path] {
			delete(k.there, path)
		}
	}
	for path := range k.gone {
		if is[path] {
			k.s.t.Errorf("round %d: %s was removed, and is there", round, path)
		}
	}
	if name, ok := strings.CutPrefix(k.open, "name "); ok && names[name] != "" {
		k.there[names[name]] = ""
	}
	k.open = ""
	for path, secret := range k.there {
		if secret == "" || !strings.Contains(path, "token") {
			continue
		}
		if got := k.s.visitor(k.s.people).send("GET", "/api/v1/status", "", nil, "Authorization", "Bearer "+secret); got.status != 200 {
			k.s.t.Errorf("round %d: the token %s: %d", round, path, got.status)
		}
	}
	if info, err := os.Stat(filepath.Join(k.s.agent.Dir, "state", "access.json")); err != nil || info.Mode().Perm() != 0o600 {
		k.s.t.Errorf("round %d: %v %v", round, info, err)
	}
}
