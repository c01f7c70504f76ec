package socket

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode/utf8"
)

// Protocol is the version of the line-card protocol.
const Protocol = 1

const maxName = 64 // characters

// CardHello is what a line card says first.
type CardHello struct {
	Protocol int    `json:"protocol"`
	Name     string `json:"name"`
	Token    string `json:"token,omitempty"` // on tcp
}

// AgentHello is what the agent answers.
type AgentHello struct {
	Protocol int    `json:"protocol"`
	Name     string `json:"name"`
	Port     int    `json:"port"`
	Kind     string `json:"kind"` // phone or fax
}

var (
	errToken   = errors.New("wrong token")
	errNoHello = errors.New("no HELLO in time")
)

// readHello takes the card's first frame and returns the card's name.
func readHello(r *Reader, token string) (name string, err error) {
	t, payload, err := r.Next()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return "", errNoHello
	}
	if err != nil {
		return "", err
	}
	if t != Hello {
		return "", fmt.Errorf("first frame is %v: want HELLO", t)
	}
	if name := memberTwice(payload); name != "" {
		return "", fmt.Errorf("HELLO with %q twice", shorten(name, maxName))
	}
	var h CardHello
	if err := json.Unmarshal(payload, &h); err != nil {
		return "", fmt.Errorf("HELLO: %v", err)
	}
	if h.Protocol != Protocol {
		return "", fmt.Errorf("HELLO for protocol %d: want %d", h.Protocol, Protocol)
	}
	if !sameSecret(h.Token, token) {
		return "", errToken
	}
	return shorten(h.Name, maxName), nil
}

// memberTwice names a member that an object has twice, in whatever case: which of the two
// counts would be left to the reader. It is empty if there is none, or no object.
func memberTwice(object []byte) string {
	d := json.NewDecoder(bytes.NewReader(object))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return ""
	}
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		name, ok := t.(string)
		var value json.RawMessage
		if err != nil || !ok || d.Decode(&value) != nil {
			return ""
		}
		name = strings.ToLower(name)
		if seen[name] {
			return name
		}
		seen[name] = true
	}
	return ""
}

// sameSecret compares in a time that tells nothing about either. No token is asked for
// where none is set.
func sameSecret(got, want string) bool {
	a, b := sha256.Sum256([]byte(got)), sha256.Sum256([]byte(want))
	return want == "" || subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

func shorten(s string, runes int) string {
	for i := range s {
		if runes == 0 {
			return s[:i]
		}
		runes--
	}
	if !utf8.ValidString(s) {
		return ""
	}
	return s
}
