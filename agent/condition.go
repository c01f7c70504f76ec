package agent

import (
	"crypto/x509"
	"encoding/pem"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"tipring/internal/config"
	"tipring/webui/api"
)

// A warningBook remembers since when something is wrong.
type warningBook struct {
	mu    sync.Mutex
	since map[string]time.Time
}

// date tells of each warning since when there is one of its kind, and forgets the others.
func (b *warningBook) date(list []api.Warning, now time.Time) []api.Warning {
	b.mu.Lock()
	defer b.mu.Unlock()
	since := make(map[string]time.Time, len(list))
	for i := range list {
		w := &list[i]
		at, ok := b.since[w.ID]
		if !ok {
			at = now
		}
		since[w.ID] = at
		if w.Since.IsZero() {
			w.Since = api.At(at)
		}
	}
	b.since = since
	return list
}

// warnings tells what is wrong with the device now.
func (a *Agent) warnings() []api.Warning {
	now := time.Now()
	return a.warned.date(warningsOf(a.condition(now)), now)
}

// condition looks at all of the device that can be wrong.
func (a *Agent) condition(now time.Time) condition {
	d, cfg := device{a}, a.config()
	c := condition{
		now: now, rescued: a.rescued.Load(), lines: d.Lines(), ports: d.Ports(),
		draining: a.draining.Load(), ending: a.ending.Load(), provisioning: a.showProvisioning(),
		rtpPairs: (cfg.SIP.RTPPortMax - cfg.SIP.RTPPortMin + 1) / 2, rtpLent: a.rtp.Load().InUse(),
		clock: a.clock.show(now), disk: diskOf(a.dir), page: a.pageState(), refused: a.guard.Refusals(now),
	}
	if c.provisioning.State == "rolled_back" {
		c.own = api.TakenBack(settings{a}.Generations())
	}
	if f := a.faults.Load(); f != nil {
		c.faults = *f
	}
	if w := a.waiting.Load(); w != nil {
		c.waiting = *w
	}
	for _, w := range cfg.Warnings {
		if w.Later != "" {
			c.later = append(c.later, keyName(w.Section, w.Key))
		}
	}
	for _, u := range *a.lineList.Load() {
		if u.line.Snapshot().Rewritten {
			c.rewritten = append(c.rewritten, u.cfg.N)
		}
		if keysInClear(u.cfg) {
			c.audible = append(c.audible, u.cfg.N)
		}
	}
	if from := a.clear.Load(); from != nil {
		c.clear = *from
	}
	if j := a.accounts.journal; j != nil {
		c.journal = journalState{j.Waiting(), j.Lost(), len(cfg.Radius.AcctServers) > 0}
	}
	return c
}

// keysInClear reports a line that sends keys of SRTP where they can be read.
func keysInClear(l *config.Line) bool {
	clear := l.Transport != config.TLS || l.BackupAddr != "" && l.BackupTransport != config.TLS
	return l.Enabled && l.SRTP != "off" && l.SRTPOverClear && clear
}

// noteClear remembers secretsInClear for warnings: layers are long.
func (a *Agent) noteClear(layers []config.Layer) {
	from := secretsInClear(a.config(), layers)
	a.clear.Store(&from)
}

// secretsInClear is where the first layer of settings came from that holds secrets which others
// could read on their way; empty: none.
func secretsInClear(c *config.Config, layers []config.Layer) string {
	if c.Provisioning.SealKey != "" {
		return "" // what came by this way was sealed
	}
	for _, l := range layers {
		if clear := strings.HasPrefix(l.Source, "http:") || strings.HasPrefix(l.Source, "tftp:"); clear && l.Rank == config.Provisioned && config.HasSecrets(l) {
			return l.Source
		}
	}
	return ""
}

// pageState is what the page is open to.
func (a *Agent) pageState() pageState {
	w := a.config().Web
	return pageState{
		claimed: a.claimed(), plainToAny: w.Listen != "" && !strings.HasPrefix(w.Listen, "127.") && w.Allow.Word == "any",
		certificate: certificateEnd(w.TLSCert),
	}
}

// maxCertificate bounds what is read of a certificate's file.
const maxCertificate = 64 << 10

// certificateEnd is when the first certificate of a PEM file ends; zero: there is none.
func certificateEnd(path string) (end time.Time) {
	if path == "" {
		return end
	}
	f, err := os.Open(path)
	if err != nil {
		return end
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxCertificate))
	if err != nil {
		return end
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return end
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return end
	}
	return cert.NotAfter
}

// claimed reports that somebody has set a password.
func (a *Agent) claimed() bool { return a.page.desk == nil || a.page.desk.Claimed() }
