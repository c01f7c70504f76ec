package agent

import (
	"cmp"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"net"
	"path/filepath"
	"reflect"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"tipring/internal/aaa"
	"tipring/internal/config"
	"tipring/internal/faxback"
	"tipring/provisioning"
)

// A radius is the device's RADIUS client. It lives as long as [radius], and what is in the
// files that it names, stay what they are, so that it knows which servers are dead.
type radius struct {
	mu     sync.Mutex
	made   config.Radius // what client was made of, with files
	files  content
	named  atomic.Pointer[content] // as of the latest reload
	client *aaa.Client
	dict   *faxback.Dictionary
}

// A content is a digest of what is in the files that a client is made of.
type content [sha256.Size]byte

// contentOf reads the files of [radius] and of its TLS. One that cannot be read has an error
// for its content.
func contentOf(c *config.Config) (sum content) {
	h := sha256.New()
	for _, file := range []string{c.Radius.Dictionary, c.Provisioning.TLSCAFile, c.Provisioning.TLSCert, c.Provisioning.TLSKey} {
		var text []byte
		var err error
		if file != "" {
			text, err = readNamedFile(file)
		}
		fmt.Fprintf(h, "%d %v\n%s", len(text), err, text)
	}
	h.Sum(sum[:0])
	return sum
}

// readRadiusFiles has the next question asked with what is in the files now.
func (a *Agent) readRadiusFiles() {
	sum := contentOf(a.config())
	a.radius.named.Store(&sum)
}

// The ports of RADIUS (RFC 2865, RFC 6614).
const (
	radiusPort     = 1812
	accountingPort = 1813 // RFC 2866
	radsecPort     = 2083
)

// directory is whom to ask about accounts, with what servers answered last where none does;
// nil when [radius] names no server.
func (a *Agent) directory() (*faxback.Directory, error) {
	d, client, err := a.servers()
	if d == nil || err != nil {
		return nil, err
	}
	cache, err := a.radiusCache()
	if err != nil {
		a.log.Warn("RADIUS answers are not kept", "err", err)
		return d, nil
	}
	d.Asker = aaa.Cached{Client: client, Cache: cache, Log: a.log}
	return d, nil
}

// servers is the directory as the servers have it now; nil when [radius] names none.
func (a *Agent) servers() (*faxback.Directory, *aaa.Client, error) {
	c := a.config()
	if len(c.Radius.Servers) == 0 {
		return nil, nil, nil
	}
	r := &a.radius
	r.mu.Lock()
	defer r.mu.Unlock()
	if files := *r.named.Load(); r.client == nil || !reflect.DeepEqual(r.made, c.Radius) || r.files != files {
		if err := a.makeRadius(c); err != nil {
			return nil, nil, err
		}
		r.made, r.files = c.Radius, files
	}
	return &faxback.Directory{Asker: r.client, Dictionary: r.dict, FaxATAType: uint32(c.Radius.FaxATAType)}, r.client, nil
}

// makeRadius makes the client anew. Its lock is held.
func (a *Agent) makeRadius(c *config.Config) error {
	r := &a.radius
	dict, err := dictionary(c.Radius.Dictionary)
	if err != nil {
		return err
	}
	client, err := NewRadius(c, dict, a.clock.Now, aaa.Config{Log: a.log})
	if err != nil {
		return err
	}
	if old := r.client; old != nil {
		a.goWork(func() { a.outlive(old) })
	}
	r.client, r.dict = client, dict
	return nil
}

// outlive closes a client when who still has it has asked all that he wanted.
func (a *Agent) outlive(old *aaa.Client) {
	timer := time.NewTimer(provisioning.AttemptTime)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-a.ctx.Done():
	}
	a.closed(old.Close())
}

// NewRadius makes a client for the Access servers of [radius], out of what base says more. The
// vendor whose attributes must be well formed is the dictionary's.
func NewRadius(c *config.Config, dict *faxback.Dictionary, now func() time.Time, base aaa.Config) (*aaa.Client, error) {
	return newClient(c, c.Radius.Servers, radiusPort, dict, now, base)
}

// NewAccounting is NewRadius for the accounting servers.
func NewAccounting(c *config.Config, dict *faxback.Dictionary, now func() time.Time, base aaa.Config) (*aaa.Client, error) {
	return newClient(c, c.Radius.AcctServers, accountingPort, dict, now, base)
}

func newClient(c *config.Config, servers []config.RadiusServer, udp int, dict *faxback.Dictionary, now func() time.Time, base aaa.Config) (*aaa.Client, error) {
	roots, certificate, err := trustOf(c.Provisioning)
	if err != nil {
		return nil, err
	}
	base.TLS = &tls.Config{RootCAs: roots, Time: now}
	if certificate != nil {
		base.TLS.Certificates = []tls.Certificate{*certificate}
	}
	for _, s := range servers {
		secret := c.Radius.Secret
		if s.TLS {
			secret = "" // the RFC's own: it is TLS that proves who is there
		}
		base.Servers = append(base.Servers, aaa.Server{Addr: addressOf(s, udp), Secret: secret, Legacy: s.Legacy, TLS: s.TLS})
	}
	base.Vendors = []uint32{dict.Vendor}
	base.Timeout = time.Duration(c.Radius.TimeoutMS) * time.Millisecond
	base.Tries = c.Radius.Tries
	base.Dead = time.Duration(c.Radius.DeadS) * time.Second
	return aaa.New(base)
}

// addressOf is where a server is asked; udp is the port of one without TLS that names none.
func addressOf(s config.RadiusServer, udp int) string {
	if s.TLS {
		udp = radsecPort
	}
	return net.JoinHostPort(s.Host, strconv.Itoa(cmp.Or(s.Port, udp)))
}

// dictionary reads the vendor's attribute numbers.
func dictionary(file string) (*faxback.Dictionary, error) {
	if file == "" {
		return faxback.Default(), nil
	}
	text, err := readNamedFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return faxback.ParseDictionary(file, text)
}

// radiusCacheDir is where they are, in the state directory.
const radiusCacheDir = "radius-cache"

// radiusCache opens what servers answered last.
func (a *Agent) radiusCache() (*aaa.Cache, error) {
	dir := filepath.Join(a.dir, radiusCacheDir)
	key, err := aaa.LocalKey(filepath.Join(dir, "key"))
	if err != nil {
		return nil, err
	}
	return aaa.NewCache(dir, key)
}

// closed tells of a client that did not end in good order.
func (a *Agent) closed(err error) {
	if err != nil {
		a.log.Warn("RADIUS client not closed in good order", "err", err)
	}
}

// closeRadius ends the client.
func (a *Agent) closeRadius() {
	a.radius.mu.Lock()
	defer a.radius.mu.Unlock()
	if a.radius.client != nil {
		a.closed(a.radius.client.Close())
	}
}

// radiusCounts tells what happened with each server since [radius] is what it is.
func (a *Agent) radiusCounts() []aaa.Count {
	a.radius.mu.Lock()
	defer a.radius.mu.Unlock()
	if a.radius.client == nil {
		return nil
	}
	return a.radius.client.Counts()
}
