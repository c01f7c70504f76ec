package cli

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tipring/webui/access"
	"tipring/webui/api"
)

// typed runs tipring passwd with a line on its standard input.
func typed(t *testing.T, dir, line string, args ...string) (status int, out, errs string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "stdin")
	if err := os.WriteFile(name, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	before := os.Stdin
	os.Stdin = in
	defer func() { os.Stdin = before }()
	var stdout, stderr bytes.Buffer
	status = Main(append([]string{"passwd", "--state-dir", dir}, args...), &stdout, &stderr, Hooks{})
	return status, stdout.String(), stderr.String()
}

// The owner who has forgotten his password sets one at the device; it is never an argument.
func TestPasswd(t *testing.T) {
	dir := t.TempDir()
	log := slog.New(slog.DiscardHandler)
	desk := access.Open(access.Options{Dir: dir, Log: log})
	routes := api.New(nil, nil, log)
	routes.HandleAccess(desk)
	socket, err := api.ServeSocket(nil, dir, routes.Behind(api.Open{}), log)
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close(t.Context())
	const word = "correct horse battery"
	for _, tt := range []struct {
		line   string
		args   []string
		status int
		want   string
	}{
		{word + "\n", nil, 0, "the password of admin is set\n"},
		{word + "\r\nmore\n", []string{"admin"}, 0, "the password of admin is set\n"},
		{word, nil, 0, "the password of admin is set\n"},
		{word + "\n", []string{"anna"}, 1, "there is no user anna"},
		{"short\n", nil, 1, "at least 10 characters"},
		{"", nil, 1, "standard input: EOF"},
		{strings.Repeat("x", 2000) + "\n", nil, 1, "too long"},
		{word + "\n", []string{"admin", word}, 2, "what is"},
	} {
		status, out, errs := typed(t, dir, tt.line, tt.args...)
		if status != tt.status || !strings.Contains(out+errs, tt.want) || len(tt.args) < 2 && strings.Contains(out+errs, word) {
			t.Errorf("%q %q: %d\n%s%s", tt.line, tt.args, status, out, errs)
		}
	}
	if _, err := desk.LogIn(t.Context(), access.Try{}, access.Owner, word); err != nil {
		t.Error(err)
	}
}
