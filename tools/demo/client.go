package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// A client asks the agent: over its control socket, as any program on the device may, or at
// its page.
type client struct {
	base string // of addresses
	http http.Client
}

// A lineStatus is what the story wants to know of /lines/{n}.
type lineStatus struct {
	State  string
	Server string
	Why    string
	Calls  int
}

// A provisioningStatus is what it wants to know of provisioning in /status.
type provisioningStatus struct {
	State      string
	Finished   int
	Source     string
	URL        string
	Error      string
	Generation int
}

// A callStatus is what it wants to know of /calls/{id}.
type callStatus struct {
	ID        string
	Line      int
	Direction string
	State     string
	Server    string
	Codec     string
}

func newClient(socket string) *client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}
	return &client{"http://agent", http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}, Timeout: 10 * time.Second}}
}

// do sends body as JSON, unless it is nil, and reads the answer into into, unless that
// is nil.
func (c *client) do(ctx context.Context, method, path string, body, into any) error {
	var text []byte
	kind := ""
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
		kind = "application/json"
	}
	answer, err := c.ask(ctx, method, path, kind, text)
	if err != nil || into == nil {
		return err
	}
	return json.Unmarshal(answer, into)
}

// longestAnswer is that of a document, in octets.
const longestAnswer = 16 << 20

// ask sends a body of a kind, unless that is empty, and returns the answer.
func (c *client) ask(ctx context.Context, method, path, kind string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, errors.Unwrap(err))
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, longestAnswer))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if res.StatusCode >= 300 {
		return nil, fmt.Errorf("%s %s: %s: %s", method, path, res.Status, bytes.TrimSpace(answer))
	}
	return answer, nil
}

func (c *client) line(ctx context.Context, n int) (l lineStatus, err error) {
	err = c.do(ctx, http.MethodGet, fmt.Sprintf("/api/v1/lines/%d", n), nil, &l)
	return l, err
}

func (c *client) provisioning(ctx context.Context) (provisioningStatus, error) {
	var all struct{ Provisioning provisioningStatus }
	err := c.do(ctx, http.MethodGet, "/api/v1/status", nil, &all)
	return all.Provisioning, err
}

// setting is the value of a key, and where it comes from.
func (c *client) setting(ctx context.Context, section, key string) (value, source string, err error) {
	var all []struct{ Section, Key, Value, Source string }
	if err := c.do(ctx, http.MethodGet, "/api/v1/config/explain", nil, &all); err != nil {
		return "", "", err
	}
	for _, s := range all {
		if s.Section == section && s.Key == key {
			return s.Value, s.Source, nil
		}
	}
	return "", "", fmt.Errorf("the agent knows no [%s] %s", section, key)
}

// running finds the call of a line that is up.
func (c *client) running(ctx context.Context, line int) (callStatus, error) {
	var all []callStatus
	if err := c.do(ctx, http.MethodGet, "/api/v1/calls", nil, &all); err != nil {
		return callStatus{}, err
	}
	for _, call := range all {
		if call.Line == line && call.State == "connected" {
			return call, nil
		}
	}
	return callStatus{}, fmt.Errorf("line %d has no call that is up", line)
}

// idle says what a port is still at, or what is at it.
func (c *client) idle(ctx context.Context, port int) error {
	var p struct{ Hook, State string }
	if err := c.do(ctx, http.MethodGet, fmt.Sprintf("/api/v1/ports/%d", port), nil, &p); err != nil {
		return err
	}
	if p.Hook != "on" || p.State != "idle" {
		return fmt.Errorf("port %d is %s, its hook %s", port, p.State, p.Hook)
	}
	return nil
}

// drain has new calls refused, or taken again.
func (c *client) drain(ctx context.Context, resume bool) error {
	return c.do(ctx, http.MethodPost, "/api/v1/drain", map[string]bool{"resume": resume}, nil)
}

// healthy reports that the agent answers.
func (c *client) healthy(ctx context.Context) error {
	return c.do(ctx, http.MethodGet, "/healthz", nil, nil)
}
