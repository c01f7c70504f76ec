package access

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"tipring/internal/durable"
)

// Bounds of what is kept.
const (
	maxUsers  = 32
	maxTokens = 32
	maxName   = 32 // octets
	maxBook   = 64 << 10
)

const bookVersion = 1

// A book is what is kept of users and tokens. It is not changed: a change is another book.
type book struct {
	deviceKey digest // signs device cookies
	users     []user // by name
	tokens    []token
}

type user struct {
	name    string
	role    Role
	hash    hash
	changed time.Time // its password
}

type token struct {
	id, name string
	role     Role
	made     time.Time
	used     time.Time // zero: never
	digest   digest
}

// The file's own form.
type (
	bookFile struct {
		Version   int         `json:"version"`
		DeviceKey string      `json:"device_key"`
		Users     []userFile  `json:"users"`
		Tokens    []tokenFile `json:"tokens"`
	}
	userFile struct {
		Name    string    `json:"name"`
		Role    Role      `json:"role"`
		Hash    string    `json:"hash"`
		Changed time.Time `json:"changed"`
	}
	tokenFile struct {
		ID     string    `json:"id"`
		Name   string    `json:"name"`
		Role   Role      `json:"role"`
		Made   time.Time `json:"made"`
		Used   time.Time `json:"used"`
		Digest string    `json:"sha256"`
	}
)

func (b *book) text() []byte {
	f := bookFile{Version: bookVersion, DeviceKey: b64.EncodeToString(b.deviceKey[:]), Users: []userFile{}, Tokens: []tokenFile{}}
	for _, u := range b.users {
		f.Users = append(f.Users, userFile{u.name, u.role, u.hash.String(), u.changed.UTC()})
	}
	for _, t := range b.tokens {
		f.Tokens = append(f.Tokens, tokenFile{t.id, t.name, t.role, t.made.UTC(), t.used.UTC(), b64.EncodeToString(t.digest[:])})
	}
	text, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		panic(err) // a year of five digits
	}
	return append(text, '\n')
}

// parseBook reads what text wrote. Nothing in it is passed over: half a book would be one with
// fewer users, and of none the door stands open.
func parseBook(text []byte) (*book, error) {
	var f bookFile
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return nil, err
	}
	if rest := bytes.TrimSpace(text[d.InputOffset():]); len(rest) > 0 {
		return nil, errors.New("something follows its end")
	}
	b := new(book)
	key, ok := parseDigest(f.DeviceKey)
	if b.deviceKey = key; f.Version != bookVersion || !ok || len(f.Users) > maxUsers || len(f.Tokens) > maxTokens {
		return nil, errors.New("its head is not what was written")
	}
	for _, u := range f.Users {
		h, ok := parseHash(u.Hash)
		if !ok || !validName(u.Name) || !u.Role.Valid() || !validTime(u.Changed) || b.user(u.Name) != nil {
			return nil, fmt.Errorf("user %d is not what was written", len(b.users)+1)
		}
		b.users = append(b.users, user{u.Name, u.Role, h, u.Changed})
	}
	for _, t := range f.Tokens {
		digest, ok := parseDigest(t.Digest)
		if !ok || !validName(t.ID) || !keepsTokenName(t.Name) || !t.Role.Valid() || !validTime(t.Made) || !validTime(t.Used) || b.token(t.ID) != nil {
			return nil, fmt.Errorf("token %d is not what was written", len(b.tokens)+1)
		}
		b.tokens = append(b.tokens, token{t.ID, t.Name, t.Role, t.Made, t.Used, digest})
	}
	if len(b.users) > 0 && b.admins() == 0 {
		return nil, errors.New("it has no administrator")
	}
	return b, nil
}

// validTime reports a time that can be written again.
func validTime(t time.Time) bool { return t.Year() >= 0 && t.Year() <= 9999 }

func parseDigest(text string) (d digest, ok bool) {
	raw, err := base64.RawStdEncoding.Strict().DecodeString(text)
	return d, err == nil && len(raw) == len(d) && copy(d[:], raw) == len(d) && b64.EncodeToString(d[:]) == text
}

// validName reports a name that a path, a log line and a person can hold.
func validName(name string) bool {
	return name != "" && len(name) <= maxName && name[0] != '.' && name[0] != '-' && !strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-@", r))
	})
}

func (b *book) user(name string) *user {
	i := slices.IndexFunc(b.users, func(u user) bool { return u.name == name })
	if i < 0 {
		return nil
	}
	return &b.users[i]
}

func (b *book) token(id string) *token {
	i := slices.IndexFunc(b.tokens, func(t token) bool { return t.id == id })
	if i < 0 {
		return nil
	}
	return &b.tokens[i]
}

func (b *book) admins() (n int) {
	for _, u := range b.users {
		if u.role == Admin {
			n++
		}
	}
	return n
}

// copy is a book that may be changed until others see it.
func (b *book) copy() *book {
	c := *b
	c.users, c.tokens = slices.Clone(b.users), slices.Clone(b.tokens)
	return &c
}

// with is the book with a user, who may have been in it before.
func (b *book) with(u user) *book {
	c := b.copy()
	if old := c.user(u.name); old != nil {
		*old = u
		return c
	}
	at, _ := slices.BinarySearchFunc(c.users, u.name, func(u user, name string) int { return strings.Compare(u.name, name) })
	c.users = slices.Insert(c.users, at, u)
	return c
}

func (b *book) without(name string) *book {
	c := b.copy()
	c.users = slices.DeleteFunc(c.users, func(u user) bool { return u.name == name })
	return c
}

// readFile reads a small file; missing is no error, and no text.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return durable.ReadAll(f, path, maxBook)
}

// writeFile replaces a file, which only its owner may read.
func writeFile(path string, text []byte) error {
	return durable.Replace(durable.Disk{}, path, text, durable.Private)
}
