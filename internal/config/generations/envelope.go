package generations

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrBroken is wrapped by the error for what is on the disk and not as it was written:
// cut, changed or missing.
var ErrBroken = errors.New("not as it was written")

// ErrNewer is wrapped by the error for what a later version of this program wrote.
var ErrNewer = errors.New("written by a later version of this program")

// version is what this program writes and reads.
const version = 1

// seal puts a line before body that names what it is, the version, and the length and
// digest by which unseal knows that it is whole:
//
//	tipring-state 1 312 0f3c…
//
// The digest is over the first two words and the body. That line means the same in every
// version, so that what is newer is told from what is broken.
func seal(what string, version int, body []byte) []byte {
	head := fmt.Sprintf("%s %d", what, version)
	return append(fmt.Appendf(nil, "%s %d %s\n", head, len(body), envelopeDigest(head, body)), body...)
}

func envelopeDigest(head string, body []byte) string {
	h := sha256.New()
	h.Write([]byte(head + "\n"))
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

// unseal returns the body of what seal made.
func unseal(what string, data []byte) ([]byte, error) {
	line, body, _ := bytes.Cut(data, []byte("\n"))
	words := strings.Fields(string(line[:min(len(line), 200)]))
	if len(words) != 4 || words[0] != what {
		return nil, fmt.Errorf("%w: no %s", ErrBroken, what)
	}
	v, err := strconv.Atoi(words[1])
	if err != nil {
		return nil, fmt.Errorf("%w: %s of version %q", ErrBroken, what, words[1])
	}
	if !bytes.Equal(seal(what, v, body), data) {
		return nil, fmt.Errorf("%w: %s of %d octets, wanted %s with digest %s", ErrBroken, what, len(body), words[2], words[3])
	}
	if v != version {
		return nil, fmt.Errorf("%w: version %d of %s, this one reads %d", ErrNewer, v, what, version)
	}
	return body, nil
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// isHex tells n hexadecimal digits in lower case.
func isHex(s string, n int) bool {
	raw, err := hex.DecodeString(s)
	return err == nil && len(s) == n && hex.EncodeToString(raw) == s
}
