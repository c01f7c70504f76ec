package aaa

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var localKey = bytes.Repeat([]byte{7}, 32)

func newCache(t testing.TB, dir string) *Cache {
	t.Helper()
	c, err := NewCache(dir, localKey)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var kept = Response{
	Code: AccessAccept, Server: "192.0.2.1:1812", Secure: true, Signed: true, At: time.Unix(1800000000, 5),
	Attributes: Attributes{{UserName, []byte("account")}, {ReplyMessage, nil}, VSA(FaxBack, SubAttribute{Type: 67, Value: []byte("arg")})},
}

func files(t testing.TB, dir string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestCacheKeepsAnswers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "radius-cache")
	if err := newCache(t, dir).Store(lookup("x"), kept); err != nil {
		t.Fatal(err)
	}
	c := newCache(t, dir) // after a restart
	got, ok := c.Load(lookup("x"))
	if !ok || !same(got, kept) || !got.Stored || !got.At.Equal(kept.At) {
		t.Errorf("%+v, %v", got, ok)
	}
	if _, ok := c.Load(lookup("y")); ok {
		t.Error("another question has its answer")
	}
	if _, ok := c.Load(Request{Code: AccountingRequest, Attributes: lookup("x").Attributes}); ok {
		t.Error("another code has its answer")
	}
	session := lookup("x")
	session.Attributes = append(session.Attributes, Attribute{AcctSessionID, []byte("0815")})
	if _, ok := c.Load(session); !ok {
		t.Error("the same question in another session has no answer")
	}
	other, err := NewCache(dir, bytes.Repeat([]byte{8}, 32))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := other.Load(lookup("x")); ok {
		t.Error("another device's key finds the answer")
	}
	if err := c.Remove(lookup("x")); err != nil {
		t.Error(err)
	}
	if _, ok := c.Load(lookup("x")); ok || len(files(t, dir)) != 0 {
		t.Error("a removed answer is there")
	}
	if err := c.Remove(lookup("x")); err != nil {
		t.Errorf("removing what is not there: %v", err)
	}
}

func TestCacheFilesArePrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "radius-cache")
	c := newCache(t, dir)
	answer := kept
	answer.Attributes = append(answer.Attributes[:3:3], Attribute{UserPassword, []byte("geheim")})
	if err := c.Store(lookup("00908F1D37F0"), answer); err != nil {
		t.Fatal(err)
	}
	for path, mode := range map[string]os.FileMode{dir: 0o700, files(t, dir)[0]: 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	data, err := os.ReadFile(files(t, dir)[0])
	if err != nil || bytes.Contains(data, []byte("geheim")) || bytes.Contains(data, []byte("00908F1D37F0")) {
		t.Errorf("%q, %v", data, err)
	}
}

// Every octet changed, every length cut, and things that are no file: no answer, no
// fault, and a good answer can be stored after it.
func TestCacheSurvivesGarbage(t *testing.T) {
	dir := t.TempDir()
	c := newCache(t, dir)
	store := func() string {
		t.Helper()
		if err := c.Store(lookup("x"), kept); err != nil {
			t.Fatal(err)
		}
		return files(t, dir)[0]
	}
	path := store()
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	try := func(what string, content []byte) {
		t.Helper()
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, ok := c.Load(lookup("x")); ok {
			t.Errorf("%s: %+v", what, got)
		}
		if len(files(t, dir)) != 0 {
			t.Errorf("%s: it stays", what)
		}
	}
	for i := range good {
		b := bytes.Clone(good)
		b[i] ^= 0x55
		try(fmt.Sprintf("octet %d", i), b)
		try(fmt.Sprintf("cut at %d", i), good[:i])
	}
	try("an octet more", append(bytes.Clone(good), 0))
	try("far too long", bytes.Repeat(good, 1000))
	if err := os.MkdirAll(filepath.Join(path, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, ok := c.Load(lookup("x")); ok {
		t.Error("a folder is an answer")
	}
	store()
	// The answer to another question, under this one's name.
	if err := c.Store(lookup("y"), kept); err != nil {
		t.Fatal(err)
	}
	y, err := os.ReadFile(c.path(c.digest(lookup("y"))))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, y, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, ok := c.Load(lookup("x")); ok {
		t.Error("the answer to another question, renamed, is believed")
	}
	left := filepath.Join(dir, "."+filepath.Base(path)+"1234")
	if err := os.WriteFile(left, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	newCache(t, dir)
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Error("what a power cut left of a write is there still")
	}
}

func TestCacheIsBounded(t *testing.T) {
	dir := t.TempDir()
	c := newCache(t, dir)
	for i := range maxAnswers + 20 {
		if err := c.Store(lookup(fmt.Sprint(i)), kept); err != nil {
			t.Fatal(err)
		}
		at := time.Unix(int64(i), 0)
		if err := os.Chtimes(c.path(c.digest(lookup(fmt.Sprint(i)))), at, at); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(files(t, dir)); n != maxAnswers {
		t.Errorf("%d files", n)
	}
	_, first := c.Load(lookup("19"))
	_, second := c.Load(lookup("20"))
	if first || !second {
		t.Error("not the oldest made room")
	}
	big := kept
	for range 20 {
		big.Attributes = append(big.Attributes, Attribute{ReplyMessage, make([]byte, 253)})
	}
	if c.Store(lookup("big"), big) == nil {
		t.Error("an answer larger than a packet is kept")
	}
}

// Flash is written when an answer changes, and once a day while it does not.
func TestCacheSparesTheFlash(t *testing.T) {
	dir := t.TempDir()
	c := newCache(t, dir)
	at := func() time.Time {
		r, _ := c.Load(lookup("x"))
		return r.At
	}
	answer := kept
	for _, tt := range []struct {
		after  time.Duration
		name   string
		stored bool
	}{{0, "a", true}, {time.Hour, "a", false}, {2 * time.Hour, "b", true}, {25 * time.Hour, "b", false}, {26 * time.Hour, "b", true}, {-time.Hour, "b", true}} {
		answer.At = kept.At.Add(tt.after)
		answer.Attributes = Attributes{{UserName, []byte(tt.name)}}
		if err := c.Store(lookup("x"), answer); err != nil {
			t.Fatal(err)
		}
		if at().Equal(answer.At) != tt.stored {
			t.Errorf("%s after %v: stored with %v", tt.name, tt.after, at())
		}
	}
}

func TestLocalKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "radius-key")
	first, err := LocalKey(path)
	if err != nil || len(first) != 32 {
		t.Fatal(first, err)
	}
	if again, err := LocalKey(path); err != nil || !bytes.Equal(first, again) {
		t.Error("the key does not stay", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
	if err := os.WriteFile(path, []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	if fresh, err := LocalKey(path); err != nil || len(fresh) != 32 || bytes.Equal(fresh, first) {
		t.Error("no new key for a torn one", err)
	}
	if _, err := LocalKey(t.TempDir()); err == nil {
		t.Error("a folder is a key")
	}
	if _, err := NewCache(t.TempDir(), []byte("short")); err == nil {
		t.Error("a short key is taken")
	}
}

// A script answers exchanges one by one.
type script struct {
	asked  int
	answer Response
	err    error
}

func (s *script) Exchange(context.Context, Request) (Response, error) {
	s.asked++
	return s.answer, s.err
}

func TestCached(t *testing.T) {
	none := &NoAnswerError{Code: AccessRequest}
	login := lookup("x")
	login.Attributes = append(login.Attributes, Attribute{UserPassword, []byte("geheim")})
	dir := t.TempDir()
	s := &script{}
	c := Cached{Client: s, Cache: newCache(t, dir)}
	accept, reject, challenge := kept, Response{Code: AccessReject}, Response{Code: AccessChallenge}
	for _, step := range []struct {
		name   string
		r      Request
		answer Response
		err    error
		stored bool // the answer is the one from disk
		files  int  // afterwards
	}{
		{"nothing kept yet", lookup("x"), Response{}, none, false, 0},
		{"an Accept", lookup("x"), accept, nil, false, 1},
		{"no answer", lookup("x"), Response{}, none, true, 1},
		{"another question", lookup("y"), Response{}, none, false, 1},
		{"cancelled", lookup("x"), Response{}, &NoAnswerError{Servers: []error{context.Canceled}}, false, 1},
		{"out of time", lookup("x"), Response{}, &NoAnswerError{Servers: []error{context.DeadlineExceeded}}, true, 1},
		{"another fault", lookup("x"), Response{}, ErrClosed, false, 1},
		{"a Challenge", lookup("x"), challenge, nil, false, 1},
		{"a Reject", lookup("x"), reject, nil, false, 0},
		{"no answer after it", lookup("x"), Response{}, none, false, 0},
		{"a login", login, accept, nil, false, 0},
		{"accounting", Request{Code: AccountingRequest}, Response{Code: AccountingResponse}, nil, false, 0},
	} {
		s.answer, s.err = step.answer, step.err
		got, err := c.Exchange(context.Background(), step.r)
		if got.Stored != step.stored || (err == nil) != (step.err == nil || step.stored) || len(files(t, dir)) != step.files {
			t.Errorf("%s: %+v, %v; %d files", step.name, got, err, len(files(t, dir)))
		}
		if step.stored && (!same(got, accept) || !got.At.Equal(accept.At)) {
			t.Errorf("%s: %+v", step.name, got)
		}
	}
	// A kept answer lets no password in.
	s.answer, s.err = accept, nil
	_, _ = c.Exchange(context.Background(), lookup("x"))
	s.answer, s.err = Response{}, none
	if got, err := c.Exchange(context.Background(), login); err == nil {
		t.Errorf("a login without a server: %+v", got)
	}
}

func FuzzCacheFile(f *testing.F) {
	c := &Cache{signing: derive(localKey, "x")}
	digest := make([]byte, 32)
	f.Add(c.encode(digest, kept), true)
	f.Add([]byte{1, 2, 3}, false)
	f.Fuzz(func(t *testing.T, data []byte, genuine bool) {
		if genuine && len(data) >= 32 {
			n := len(data) - 32
			data = append(data[:n:n], c.sum(digest, data[:n])...)
		}
		if r, ok := c.decode(digest, data); ok && !bytes.Equal(c.encode(digest, r), data) && r.Attributes.count(UserPassword) == 0 && data[2] <= 3 {
			t.Errorf("%x is read as %+v", data, r)
		}
	})
}
