package cli

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"tipring/webui/access"
)

// passwdCommand is the way back in of an owner who has forgotten his password: whoever may open
// the control socket may set one.
var passwdCommand = command{
	name: "passwd", args: "[USER]", nargs: 1, fewer: true, client: true, run: (*call).passwd,
	summary: "set a password of the page (of admin, or USER), read from standard input",
}

func (c *call) passwd() error {
	user := access.Owner
	if len(c.args) > 0 {
		user = c.args[0]
	}
	if c.stdin == nil {
		c.stdin = os.Stdin
	}
	password, err := c.newPassword(user)
	if err != nil {
		return err
	}
	answer, err := c.ask(http.MethodPut, "/password", map[string]string{"user": user, "new": password})
	if err != nil {
		return err
	}
	if c.json {
		_, err = c.stdout.Write(answer)
		return err
	}
	_, err = fmt.Fprintf(c.stdout, "the password of %s is set\n", user)
	return err
}

// newPassword asks a person twice and shows nothing of it; a program sends one line.
func (c *call) newPassword(user string) (string, error) {
	if !isTerminal(c.stdin) {
		return readLine(c.stdin)
	}
	first, err := c.secretly("New password of " + user + ": ")
	if err != nil {
		return "", err
	}
	again, err := c.secretly("Again: ")
	if err == nil && again != first {
		err = errors.New("the two passwords are not the same")
	}
	return first, err
}

// secretly asks for a line without showing it.
func (c *call) secretly(prompt string) (string, error) {
	fmt.Fprint(c.stderr, prompt)
	defer fmt.Fprintln(c.stderr)
	show, err := hideInput(c.stdin)
	if err != nil {
		return "", err
	}
	defer show()
	return readLine(c.stdin)
}

// readLine reads one line, octet by octet: the rest is for whoever reads next.
func readLine(r io.Reader) (string, error) {
	var line []byte
	one := make([]byte, 1)
	for len(line) < 1024 {
		n, err := r.Read(one)
		if n > 0 && one[0] == '\n' || errors.Is(err, io.EOF) && len(line) > 0 {
			return strings.TrimSuffix(string(line), "\r"), nil
		}
		if err != nil {
			return "", fmt.Errorf("reading the new password from standard input: %w", err)
		}
		line = append(line, one[:n]...)
	}
	return "", errors.New("the new password is too long")
}
