package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tipring/tools/lab"
)

// A page is the agent's page, as the story opens it: over the network, with no more rights
// than the password that it sets.
type page struct {
	addr     string // 127.0.0.1:PORT
	password string
	browser  *client
}

// newPage finds a free port for the page and makes up a password.
func newPage() (*page, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	if err := l.Close(); err != nil {
		return nil, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	addr := l.Addr().String()
	browser := &client{base: "http://" + addr, http: http.Client{Jar: jar, Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}}
	return &page{addr: addr, password: rand.Text(), browser: browser}, nil
}

// pageLocked is the page before there is a password: it shows nothing but where to set one.
func (s *story) pageLocked(ctx context.Context) (string, error) {
	_, err := s.page.browser.ask(ctx, http.MethodGet, "/api/v1/status", "", nil)
	if err == nil || !strings.Contains(err.Error(), "401") {
		return "", fmt.Errorf("without a password it told its status: %v", err)
	}
	return "Nobody has set a password: the page shows nothing but where to set one.", nil
}

// pageOpens sets the first password, with the code that only who has the device can read, and
// logs in.
func (s *story) pageOpens(ctx context.Context) (string, error) {
	code, err := os.ReadFile(filepath.Join(s.stateDir(), "claim-code"))
	if err != nil {
		return "", err
	}
	first := map[string]string{"claim": strings.TrimSpace(string(code)), "new": s.page.password}
	if err := s.page.browser.do(ctx, http.MethodPut, "/api/v1/password", first, nil); err != nil {
		return "", err
	}
	login := map[string]string{"user": "admin", "password": s.page.password}
	if err := s.page.browser.do(ctx, http.MethodPost, "/api/v1/session", login, nil); err != nil {
		return "", err
	}
	return "With the claim code that the device logged, it takes a password: admin, " + s.page.password + ".", nil
}

// pageTells reads the story on the page.
func (s *story) pageTells(ctx context.Context) (string, error) {
	for _, look := range []struct {
		path  string
		words []string
	}{
		{"/", []string{users[0].number, "registered at the primary server"}},
		{"/line/1/sip", []string{"SIP Server 1", "SIP Server 2", "Apply"}},
		{"/calls", []string{lab.FarUser}},
		{"/fax", []string{lab.FaxUser}},
		{"/provisioning", []string{s.lab.Files.URL("tftp", "/")}},
	} {
		text, err := s.page.browser.ask(ctx, http.MethodGet, look.path, "", nil)
		if err != nil {
			return "", err
		}
		for _, want := range look.words {
			if !strings.Contains(string(text), want) {
				return "", fmt.Errorf("the page %s does not tell of %q", look.path, want)
			}
		}
	}
	calls, err := s.ladders(ctx)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("It shows the lines at the primary and why, the %d calls of this story with their SIP messages, the pages of the faxes, and where each setting came from.", calls), nil
}

// ladders counts the calls whose messages the page has.
func (s *story) ladders(ctx context.Context) (n int, err error) {
	var calls []callStatus
	if err := s.page.browser.do(ctx, http.MethodGet, "/api/v1/calls", nil, &calls); err != nil {
		return 0, err
	}
	for _, c := range calls {
		var ladder struct{ Messages []struct{ Summary string } }
		if err := s.page.browser.do(ctx, http.MethodGet, "/api/v1/calls/"+c.ID+"/ladder", nil, &ladder); err != nil {
			return 0, err
		}
		if len(ladder.Messages) > 0 {
			n++
		}
	}
	if n == 0 {
		return 0, errors.New("no call has its messages")
	}
	return n, nil
}
