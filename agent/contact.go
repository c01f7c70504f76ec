package agent

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"tipring/internal/config"
)

// contactKeyName is the file in the state directory that holds the contactKey, as hex
// digits.
const contactKeyName = "contact-key"

// A contactKey makes the user parts of the lines' Contacts: nobody who does not know it
// guesses one, and a line has the same after a power cut. Its REGISTER then prolongs the
// binding of before, where one under another name would stand beside it until that ran
// out: calls would go to both, and a registrar that grants one binding would refuse the
// second (RFC 3261 section 10.3).
type contactKey []byte

const contactKeySize = 32

// contactKey reads the key, or makes one. Without a file that can be written it holds
// until the end of the process.
func (a *Agent) contactKey() contactKey {
	path := filepath.Join(a.dir, contactKeyName)
	text, err := os.ReadFile(path)
	if key, bad := hex.DecodeString(string(text)); err == nil && bad == nil && len(key) == contactKeySize {
		return key
	}
	key := make(contactKey, contactKeySize)
	_, _ = rand.Read(key) // never fails
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		a.log.Warn("contacts of the lines are new ones", "err", err)
		return key
	}
	if err := renameio.WriteFile(path, []byte(hex.EncodeToString(key)), 0o600); err != nil {
		a.log.Warn("contacts of the lines will be others after a restart", "err", err)
	}
	return key
}

// user is the user part of a line's Contact. Another account has another one.
func (k contactKey) user(c *config.Line) string {
	h := hmac.New(sha256.New, k)
	fmt.Fprintf(h, "%d\n%s\n%s", c.N, c.Username, c.RegisterAddr)
	return hex.EncodeToString(h.Sum(nil)[:8])
}
