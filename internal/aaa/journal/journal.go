// Package journal gets a device's accounting to the RADIUS servers (RFC 2866). Every session
// has a record on the disk from its beginning: what is to be told of it should the device not
// live to see its end. Its end replaces that, and is sent, the oldest first, until a server has
// acknowledged it, however often the device restarts meanwhile. Other records are offered once.
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

// A Config is what a journal works with.
type Config struct {
	Dir string // made if need be
	// Exchange sends an Accounting-Request: all servers, with all their tries. An error means
	// that nobody answered.
	Exchange func(context.Context, aaa.Request) (aaa.Response, error)
	Log      *slog.Logger // nil: none
}

// A Journal keeps accounting records until they are acknowledged. Its methods may be called
// from any goroutine, and none but Close waits for a server or for the disk.
type Journal struct {
	cfg  Config
	news chan struct{} // holds one token while there is something new

	mu      sync.Mutex
	jobs    []func()      // of the disk, and what is to follow them, one after the other
	writing chan struct{} // closed when they are done; nil: there are none
	kept    []uint64      // numbers of the files to be sent, the oldest first
	begun   int           // files of sessions that are not over
	offered []entry
	next    uint64
	lost    int
}

// An entry is a record on its way.
type entry struct {
	n          uint64    // in the order of making, which clocks do not tell before they are set; of a file, its name
	at         time.Time // when it was made
	attributes aaa.Attributes
}

// session is the record's Acct-Session-Id, for the log.
func (e entry) session() string {
	id, _ := e.attributes.Lookup(aaa.AcctSessionID)
	return string(id)
}

// Open opens the journal of a folder. What sessions have left that a restart has ended is sent
// like the rest. Files that hold no record are set aside and told of.
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

// Begin keeps what is to be told of a session that the device does not live to see the end of.
// The function that it returns takes, once, what is to be told instead.
func (j *Journal) Begin(unended aaa.Attributes) (end func(aaa.Attributes)) {
	s := &session{journal: j}
	j.job(s.begin, unended)
	return func(a aaa.Attributes) { j.job(s.end, a) }
}

// job has the disk do something with a new record, after what it was given before.
func (j *Journal) job(do func(entry), a aaa.Attributes) {
	j.mu.Lock()
	defer j.mu.Unlock()
	e := j.entry(a)
	j.jobs = append(j.jobs, func() { do(e) })
	if j.writing == nil {
		j.writing = make(chan struct{})
		go j.write(j.writing)
	}
}

// entry is a new record. The lock is held.
func (j *Journal) entry(a aaa.Attributes) entry {
	j.next++
	return entry{j.next - 1, time.Now(), a}
}

// write does what the disk has to do.
func (j *Journal) write(done chan struct{}) {
	defer close(done)
	for do := j.nextJob(); do != nil; do = j.nextJob() {
		do()
	}
}

func (j *Journal) nextJob() (do func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.jobs) == 0 {
		j.jobs, j.writing = nil, nil
		return nil
	}
	do = j.jobs[0]
	j.jobs = slices.Delete(j.jobs, 0, 1)
	return do
}

// Close waits until all that has begun or ended is on the disk.
func (j *Journal) Close() {
	for {
		j.mu.Lock()
		writing := j.writing
		j.mu.Unlock()
		if writing == nil {
			return
		}
		<-writing
	}
}

// Offer has a record sent once, if a server answers; otherwise nobody misses it. It follows what
// is on the disk: no server learns that a session began before it is certain to learn of its end.
func (j *Journal) Offer(a aaa.Attributes) { j.job(j.offer, a) }

func (j *Journal) offer(e entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.offered) == maxOffered {
		j.offered = slices.Delete(j.offered, 0, 1)
	}
	j.offered = append(j.offered, e)
	j.tell()
}

func (j *Journal) tell() {
	select {
	case j.news <- struct{}{}:
	default:
	}
}

// Waiting is how many records of ended sessions wait on the disk.
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

// send sends what there is, in the order in which it was made. An error: nobody answers, or
// the disk does not.
func (j *Journal) send(ctx context.Context) error {
	for {
		e, kept, err := j.oldest()
		switch {
		case err != nil:
			return err
		case e.attributes == nil:
			return nil
		}
		err = j.exchange(ctx, e)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return err
		}
		if kept {
			j.done(e.n)
		}
	}
}

// oldest is the record to be sent next, if there is one, and whether it has a file. One that
// was only offered has none, and is taken out.
func (j *Journal) oldest() (e entry, kept bool, err error) {
	for n := j.first(); n != 0; n = j.first() {
		if e, err = readRecord(j.path(n, over)); err == nil {
			e.n, kept = n, true
			break
		}
		if !errors.Is(err, errNoRecord) {
			return e, false, err
		}
		j.setAside(n, err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.offered) > 0 && (!kept || j.offered[0].n < e.n) {
		e, kept = j.offered[0], false
		j.offered = slices.Delete(j.offered, 0, 1)
	}
	return e, kept, nil
}

// first is the number of the oldest file; 0: there is none.
func (j *Journal) first() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.kept) == 0 {
		return 0
	}
	return j.kept[0]
}

// maxDelay bounds what a record says of how late it comes: what is more was made before the
// device had learnt the time.
const maxDelay = 366 * 24 * time.Hour

// exchange sends a record. What is sent late says so (RFC 2866 section 5.2).
func (j *Journal) exchange(ctx context.Context, e entry) error {
	a := slices.Clone(e.attributes)
	if late := time.Since(e.at); late >= time.Second && late < maxDelay {
		seconds := uint32(late / time.Second)
		a = append(a, aaa.Attribute{Type: aaa.AcctDelayTime, Value: []byte{byte(seconds >> 24), byte(seconds >> 16), byte(seconds >> 8), byte(seconds)}})
	}
	answer, err := j.cfg.Exchange(ctx, aaa.Request{Code: aaa.AccountingRequest, Attributes: a})
	if err == nil && answer.Code != aaa.AccountingResponse {
		err = fmt.Errorf("%s answers an Accounting-Request with code %d", answer.Server, answer.Code)
	}
	return err
}

// done forgets a record that a server has.
func (j *Journal) done(n uint64) {
	j.forget(n)
	if err := os.Remove(j.path(n, over)); err != nil && !errors.Is(err, os.ErrNotExist) {
		j.cfg.Log.Warn("acknowledged accounting record not removed: it will be sent again", "err", err)
	}
}

// forget takes the oldest file off the list.
func (j *Journal) forget(n uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.kept) > 0 && j.kept[0] == n {
		j.kept = slices.Delete(j.kept, 0, 1)
	}
}
