package aaa

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/google/renameio/v2"
)

// A Cache keeps last good answers on disk, one file each. A file is authenticated
// with a key of this device's, so that nobody who can write there, and no bad block,
// makes an answer; one that is not genuine is removed.
type Cache struct {
	dir             string
	naming, signing []byte // keys
	mu              sync.Mutex
}

// Bounds of a cache on a device with little flash.
const (
	maxAnswers    = 256             // files
	maxAnswerFile = MaxPacket + 512 // octets
	refreshAfter  = 24 * time.Hour  // an answer that has not changed is written no sooner again
	answerSuffix  = ".answer"       // after 32 hex digits
	answerVersion = 1               // first octet of a file
	nameLength    = 32              // hex digits of a file's name: half a digest
)

// LocalKey returns the random key in a file and makes the file (0600) if it is not
// there or holds no key. A new key makes what was kept under the old one worthless.
func LocalKey(path string) ([]byte, error) {
	key, err := os.ReadFile(path)
	if err == nil && len(key) == 32 {
		return key, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("local key: %w", err)
	}
	key = make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("local key: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("local key: %w", err)
	}
	if err := write(path, key); err != nil {
		return nil, fmt.Errorf("local key: %w", err)
	}
	return key, nil
}

// NewCache opens the cache in a folder, which it makes if need be. key is random
// and stays on this device (LocalKey).
func NewCache(dir string, key []byte) (*Cache, error) {
	if len(key) < 16 {
		return nil, fmt.Errorf("RADIUS cache %s: a key of %d octets: want at least 16", dir, len(key))
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("RADIUS cache: %w", err)
	}
	// What a power cut left of a write.
	left, _ := filepath.Glob(filepath.Join(dir, ".*"+answerSuffix+"*"))
	for _, path := range left {
		_ = os.Remove(path)
	}
	return &Cache{dir: dir, naming: derive(key, "radius-cache name"), signing: derive(key, "radius-cache content")}, nil
}

func derive(key []byte, purpose string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(purpose))
	return mac.Sum(nil)
}

// digest names a question: its attributes without what differs each time it is
// asked. It is keyed, so that a file's name does not tell who was asked for.
func (c *Cache) digest(r Request) []byte {
	mac := hmac.New(sha256.New, c.naming)
	mac.Write([]byte{byte(r.Code)})
	for _, a := range r.Attributes {
		if a.Type != UserPassword && a.Type != AcctSessionID {
			mac.Write([]byte{a.Type, byte(len(a.Value))})
			mac.Write(a.Value)
		}
	}
	return mac.Sum(nil)
}

func (c *Cache) path(digest []byte) string {
	return filepath.Join(c.dir, hex.EncodeToString(digest)[:nameLength]+answerSuffix)
}

// Load returns the answer kept for a question, with Stored set and At as it was.
func (c *Cache) Load(r Request) (Response, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.load(c.digest(r))
}

func (c *Cache) load(digest []byte) (Response, bool) {
	path := c.path(digest)
	info, err := os.Stat(path)
	if err != nil {
		return Response{}, false
	}
	var data []byte
	if info.Size() <= maxAnswerFile {
		data, err = os.ReadFile(path)
	}
	if err == nil {
		if answer, ok := c.decode(digest, data); ok {
			return answer, true
		}
	}
	_ = os.RemoveAll(path)
	return Response{}, false
}

// Store keeps an answer; when it returns nil the answer survives a power cut. The
// oldest answers make room. A User-Password is never written.
func (c *Cache) Store(r Request, answer Response) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	digest := c.digest(r)
	data := c.encode(digest, answer)
	if len(data) > maxAnswerFile {
		return fmt.Errorf("RADIUS cache: an answer of %d octets", len(data))
	}
	if kept, ok := c.load(digest); ok && same(kept, answer) && answer.At.Sub(kept.At).Abs() < refreshAfter {
		return nil
	}
	path := c.path(digest)
	c.makeRoom(path)
	if err := write(path, data); err != nil {
		return fmt.Errorf("RADIUS cache: %w", err)
	}
	return nil
}

func same(a, b Response) bool {
	return a.Code == b.Code && a.Server == b.Server && a.Secure == b.Secure && a.Signed == b.Signed &&
		slices.EqualFunc(a.Attributes, b.Attributes, func(x, y Attribute) bool { return x.Type == y.Type && bytes.Equal(x.Value, y.Value) })
}

// Remove forgets the answer to a question.
func (c *Cache) Remove(r Request) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := os.RemoveAll(c.path(c.digest(r)))
	if err == nil {
		err = syncDir(c.dir)
	}
	if err != nil {
		return fmt.Errorf("RADIUS cache: %w", err)
	}
	return nil
}

// makeRoom removes the oldest answers until one more has room, unless path is there.
func (c *Cache) makeRoom(path string) {
	type kept struct {
		path string
		at   time.Time
	}
	entries, _ := os.ReadDir(c.dir)
	var all []kept
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && strings.HasSuffix(e.Name(), answerSuffix) && e.Name() != filepath.Base(path) {
			all = append(all, kept{filepath.Join(c.dir, e.Name()), info.ModTime()})
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].at.Before(all[j].at) })
	for len(all) >= maxAnswers {
		_ = os.RemoveAll(all[0].path)
		all = all[1:]
	}
}

// A file: version, code, flags, time (Unix nanoseconds), length and text of the
// server's address, attributes as on the wire; then HMAC-SHA-256 over the question's
// digest and all of that.
func (c *Cache) encode(digest []byte, r Response) []byte {
	var flags byte
	if r.Secure {
		flags |= 1
	}
	if r.Signed {
		flags |= 2
	}
	server := r.Server[:min(len(r.Server), 255)]
	b := []byte{answerVersion, byte(r.Code), flags}
	b = binary.BigEndian.AppendUint64(b, uint64(r.At.UnixNano()))
	b = append(append(b, byte(len(server))), server...)
	for _, a := range r.Attributes {
		if a.Type != UserPassword && len(a.Value) <= MaxValue {
			b = append(append(b, a.Type, byte(2+len(a.Value))), a.Value...)
		}
	}
	return append(b, c.sum(digest, b)...)
}

func (c *Cache) sum(digest, content []byte) []byte {
	mac := hmac.New(sha256.New, c.signing)
	mac.Write(digest)
	mac.Write(content)
	return mac.Sum(nil)
}

func (c *Cache) decode(digest, data []byte) (Response, bool) {
	n := len(data) - sha256.Size
	if n < 12 || !hmac.Equal(c.sum(digest, data[:n]), data[n:]) || data[0] != answerVersion {
		return Response{}, false
	}
	r := Response{
		Code: Code(data[1]), Secure: data[2]&1 != 0, Signed: data[2]&2 != 0,
		At: time.Unix(0, int64(binary.BigEndian.Uint64(data[3:]))), Stored: true,
	}
	end := 12 + int(data[11])
	if end > n {
		return Response{}, false
	}
	r.Server = string(data[12:end])
	for b := data[end:n]; len(b) > 0; b = b[b[1]:] {
		if len(b) < 2 || b[1] < 2 || int(b[1]) > len(b) {
			return Response{}, false
		}
		r.Attributes = append(r.Attributes, Attribute{b[0], b[2:b[1]:b[1]]})
	}
	return r, true
}

// write replaces a file: at any moment it is the old or the new one, and when write
// returns nil the new one survives a power cut.
func write(path string, data []byte) error {
	dir := filepath.Dir(path)
	if err := renameio.WriteFile(path, data, 0o600, renameio.WithTempDir(dir), renameio.IgnoreUmask()); err != nil {
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	return d.Sync()
}
