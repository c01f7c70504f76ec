package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"tipring/webui/api"
)

// maxAnswer bounds what a command reads of an answer.
const maxAnswer = 64 << 20

// ask sends a request to the running agent and returns the body of its answer. body
// is sent as JSON unless it is nil.
func (c *call) ask(method, path string, body any) ([]byte, error) {
	var sent io.Reader
	media := ""
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		sent, media = bytes.NewReader(text), "application/json"
	}
	answer, err := c.open(method, path, sent, media, 2*time.Minute)
	if err != nil {
		return nil, err
	}
	defer answer.Close()
	text, err := io.ReadAll(io.LimitReader(answer, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	return text, nil
}

// open sends a request to the running agent, with a body of that media type unless it is
// nil, and returns the answer's body. All of it may take so long.
func (c *call) open(method, path string, body io.Reader, media string, limit time.Duration) (io.ReadCloser, error) {
	dir, err := c.files.FindStateDir()
	if err != nil {
		return nil, fmt.Errorf("finding the state directory: %w", err)
	}
	socket := filepath.Join(dir, api.SocketName)
	answer, err := roundTrip(socket, method, "/api/v1"+path, body, media, limit)
	if err != nil {
		return nil, fmt.Errorf("%s /api/v1%s at %s: %w", method, path, socket, err)
	}
	return answer, nil
}

func roundTrip(socket, method, path string, body io.Reader, media string, limit time.Duration) (io.ReadCloser, error) {
	req, err := http.NewRequest(method, "http://tipring"+path, body)
	if err != nil {
		return nil, err
	}
	if media != "" {
		req.Header.Set("Content-Type", media)
	}
	client := http.Client{
		Timeout: limit,
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "unix", socket)
			},
		},
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, whyNoAnswer(err)
	}
	if res.StatusCode < 300 {
		return res.Body, nil
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	return nil, refused(res, text)
}

// whyNoAnswer says in a person's words what a dial's error means.
func whyNoAnswer(err error) error {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "dial" {
		return err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("no agent runs here: there is no such socket (another --state-dir?)")
	case errors.Is(err, syscall.ECONNREFUSED):
		return errors.New("no agent answers: the one that made the socket has ended")
	case errors.Is(err, fs.ErrPermission):
		return errors.New("permission denied: the agent runs as another user")
	}
	return op.Err
}

// refused makes an error of a problem document.
func refused(res *http.Response, text []byte) error {
	var p api.Problem
	if json.Unmarshal(text, &p) != nil || p.Detail == "" {
		return errors.New(res.Status)
	}
	return fmt.Errorf("%s: %s", res.Status, printable(strings.TrimSpace(string(p.Detail))))
}

// fetch asks for a resource. With --json the answer is printed as it came, and done
// is true.
func (c *call) fetch(path string, into any) (done bool, err error) {
	text, err := c.ask(http.MethodGet, path, nil)
	if err != nil {
		return true, err
	}
	return c.take(text, into)
}

// post moves something, and treats the answer as fetch does.
func (c *call) post(path string, body, into any) (done bool, err error) {
	text, err := c.ask(http.MethodPost, path, body)
	if err != nil {
		return true, err
	}
	return c.take(text, into)
}

func (c *call) take(text []byte, into any) (done bool, err error) {
	if c.json {
		_, err := c.stdout.Write(text)
		return true, err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return true, fmt.Errorf("the answer is not what was expected: %w", err)
	}
	return false, nil
}
