// Package journal gets a device's accounting to the RADIUS servers (RFC 2866). Records that
// must not be lost are on the disk before Append returns, and are sent, the oldest first,
// until a server has acknowledged them, however often the device restarts meanwhile. The
// others are offered once.
//
// What a record's attributes mean is internal/faxback's; how a packet gets to a server is
// internal/aaa's. A record may reach a server twice, when the power fails between its answer
// and our removal of the file: Acct-Session-Id and Acct-Status-Type are the same, and servers
// know such twins by them (RFC 2866 section 2).
package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"time"

	"tipring/internal/aaa"
)

// Bounds of a journal on a device with little flash, where no server has answered for weeks.
const (
	MaxRecords = 4096 // on disk
	maxOffered = 64   // in memory
)

// How long to wait after nobody answered.
const (
	firstWait = 15 * time.Second
	lastWait  = 10 * time.Minute
)

// ErrFull refuses a record when MaxRecords wait.
var ErrFull = fmt.Errorf("%d accounting records wait for a server", MaxRecords)

// A Config is what a journal works with.
type Config struct {
	Dir string // made if need be
	// Exchange sends an Accounting-Request: all servers, with all their tries. An error means
	// that nobody answered.
	Exchange func(context.Context, aaa.Request) (aaa.Response, error)
	Log      *slog.Logger // nil: none
}

// A Journal keeps accounting records until they are acknowledged. Its methods may be called
// from any goroutine, and none of them waits for a server.
type Journal struct {
	cfg  Config
	news chan struct{} // holds one token while there is something new

	mu      sync.Mutex
	kept    []uint64 // numbers of the files, the oldest first
	offered []entry  // after what is kept
	next    uint64
	lost    int
}

// An entry is a record on its way.
type entry struct {
	at         time.Time // when it was made
	attributes aaa.Attributes
}

// Open opens the journal of a folder. Files that hold no record are set aside and told of.
func Open(cfg Config) (*Journal, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("accounting: %w", err)
	}
	j := &Journal{cfg: cfg, news: make(chan struct{}, 1), next: 1}
	if err := j.find(); err != nil {
		return nil, fmt.Errorf("accounting: %w", err)
	}
	return j, nil
}

// Append keeps a record. When it returns nil the record survives a power cut.
func (j *Journal) Append(a aaa.Attributes) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.kept) >= MaxRecords {
		j.lost++
		return ErrFull
	}
	n := j.next
	if err := writeRecord(j.path(n), entry{time.Now(), a}); err != nil {
		j.lost++
		return fmt.Errorf("accounting: %w", err)
	}
	j.next++
	j.kept = append(j.kept, n)
	j.tell()
	return nil
}

// Offer has a record sent once, if a server answers; otherwise nobody misses it.
func (j *Journal) Offer(a aaa.Attributes) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.offered) == maxOffered {
		j.offered = slices.Delete(j.offered, 0, 1)
	}
	j.offered = append(j.offered, entry{time.Now(), a})
	j.tell()
}

func (j *Journal) tell() {
	select {
	case j.news <- struct{}{}:
	default:
	}
}

// Waiting is how many records wait on the disk.
func (j *Journal) Waiting() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.kept)
}

// Lost is how many records could not be kept since the start.
func (j *Journal) Lost() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.lost
}

// Retry has the journal try again now: the servers are others.
func (j *Journal) Retry() { j.tell() }

// Run sends records until ctx is done.
func (j *Journal) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	wait := time.Duration(0)
	for {
		if timer.Stop(); wait > 0 {
			timer.Reset(wait + rand.N(wait/5+1))
		}
		select {
		case <-ctx.Done():
			return
		case <-j.news:
		case <-timer.C:
		}
		switch err := j.send(ctx); {
		case err == nil:
			wait = 0
		case ctx.Err() != nil:
			return
		default:
			wait = min(max(firstWait, wait*2), lastWait)
			j.cfg.Log.Warn("accounting servers do not answer", "records", j.Waiting(), "again_in", wait, "err", err)
		}
	}
}

// send sends what there is, in the order in which it was made. An error: nobody answers.
func (j *Journal) send(ctx context.Context) error {
	for {
		e, n, ok := j.oldest()
		if !ok {
			return nil
		}
		err := j.exchange(ctx, e)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil || n == 0 {
			j.done(n)
		}
		if err != nil {
			return err
		}
	}
}

// oldest is the record to be sent next, and the number of its file: 0 for one that was only
// offered.
func (j *Journal) oldest() (e entry, n uint64, ok bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for {
		at, number := time.Time{}, uint64(0)
		if len(j.kept) > 0 {
			number = j.kept[0]
			var err error
			if e, err = readRecord(j.path(number)); err != nil {
				j.setAside(number, err)
				continue
			}
			at = e.at
		}
		if len(j.offered) > 0 && (number == 0 || j.offered[0].at.Before(at)) {
			return j.offered[0], 0, true
		}
		return e, number, number != 0
	}
}

// exchange sends a record. What is sent late says so (RFC 2866 section 5.2).
func (j *Journal) exchange(ctx context.Context, e entry) error {
	a := slices.Clone(e.attributes)
	if late := time.Since(e.at) / time.Second; late > 0 {
		seconds := uint32(min(late, 1<<31-1))
		a = append(a, aaa.Attribute{Type: aaa.AcctDelayTime, Value: []byte{byte(seconds >> 24), byte(seconds >> 16), byte(seconds >> 8), byte(seconds)}})
	}
	answer, err := j.cfg.Exchange(ctx, aaa.Request{Code: aaa.AccountingRequest, Attributes: a})
	if err == nil && answer.Code != aaa.AccountingResponse {
		err = fmt.Errorf("%s answers an Accounting-Request with code %d", answer.Server, answer.Code)
	}
	return err
}

// done forgets a record that was sent, or offered in vain.
func (j *Journal) done(n uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if n == 0 {
		j.offered = slices.Delete(j.offered, 0, 1)
		return
	}
	j.kept = slices.Delete(j.kept, 0, 1)
	if err := os.Remove(j.path(n)); err != nil && !errors.Is(err, os.ErrNotExist) {
		j.cfg.Log.Warn("acknowledged accounting record not removed: it will be sent again", "err", err)
	}
}
