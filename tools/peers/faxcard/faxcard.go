// Package faxcard is spandsp's fax machine on a port of the agent: the program sp-card
// of tools/spandsp, which speaks the card's side of the line-card socket in real time.
package faxcard

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"sync"
	"time"

	"tipring/tools/peers/netlab"
	"tipring/tools/peers/spandsp"
)

// A Job is one thing that the machine does; Options of sp-card follow it.
type Job []string

// Send has the machine call a number and send a TIFF file.
func Send(file, number string, options ...string) Job {
	return append(Job{"--send", file, "--dial", number}, options...)
}

// Receive has it answer the next call and receive into a TIFF file.
func Receive(file string, options ...string) Job {
	return append(Job{"--recv", file}, options...)
}

// Idle has it do nothing, on-hook.
func Idle(d time.Duration) Job { return Job{"--idle", seconds(d)} }

// OffHook has it be in use.
func OffHook(d time.Duration) Job { return Job{"--off-hook", seconds(d)} }

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }

// A Result is how a job ended.
type Result struct {
	spandsp.Result
	End      string  `json:"end"`       // done, or why the machine gave the call up
	Rings    int     `json:"rings"`     // since the card was connected
	Line     float64 `json:"line_s"`    // seconds since then
	CEDAfter int     `json:"ced_after"` // samples from the last digit to CED; -1: none was heard
	Heard    []Heard `json:"heard"`
}

// Heard is a stretch of sound: dial, ringback, busy, reorder, cng, ced or sound. Times are
// samples since the last digit or the answer.
type Heard struct {
	What  string `json:"what"`
	From  int    `json:"from"`
	Until int    `json:"until"`
}

// Has says whether so many stretches of that sound were heard, from a moment on.
func (r Result) Has(what string, n, from int) bool {
	for _, h := range r.Heard {
		if h.What == what && h.From >= from {
			n--
		}
	}
	return n <= 0
}

// A Card is a running fax machine.
type Card struct {
	t      netlab.T
	cmd    *exec.Cmd
	ended  chan struct{}
	killed sync.Once

	mu      sync.Mutex
	results []Result
	said    bytes.Buffer
	news    chan struct{}
	err     error
}

// Start connects a machine to a port's driver address (unix:/path or tcp:host:port) and has
// it do the jobs, one after the other. It is pulled out when the test ends.
func Start(t netlab.T, address string, jobs ...Job) *Card {
	t.Helper()
	return StartWith(t, []string{"--card", address}, jobs...)
}

// StartWith is Start with options of the whole program, the address among them.
func StartWith(t netlab.T, options []string, jobs ...Job) *Card {
	t.Helper()
	return start(t, func(begin func() error) error { return begin() }, options, jobs)
}

// StartOn is StartWith in the network of a host, for a driver address there.
func StartOn(t netlab.T, host *netlab.Host, options []string, jobs ...Job) *Card {
	t.Helper()
	return start(t, host.Do, options, jobs)
}

func start(t netlab.T, where func(func() error) error, options []string, jobs []Job) *Card {
	t.Helper()
	path, err := spandsp.Card()
	if err != nil {
		t.Fatalf("faxcard: %v", err)
	}
	args := append([]string(nil), options...)
	for i, j := range jobs {
		if i > 0 {
			args = append(args, "--then", "1")
		}
		args = append(args, j...)
	}
	c := &Card{t: t, cmd: exec.Command(path, args...), ended: make(chan struct{}), news: make(chan struct{})}
	stderr, err := c.cmd.StderrPipe()
	if err == nil {
		err = where(c.cmd.Start)
	}
	if err != nil {
		t.Fatalf("faxcard: %v", err)
	}
	go c.read(stderr)
	t.Cleanup(c.Kill)
	return c
}

func (c *Card) read(stderr io.Reader) {
	lines := bufio.NewScanner(stderr)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Bytes()
		c.mu.Lock()
		var r Result
		if bytes.HasPrefix(line, []byte("{")) && json.Unmarshal(line, &r) == nil {
			c.results = append(c.results, r)
		} else {
			c.said.Write(append(line, '\n'))
		}
		c.tell()
		c.mu.Unlock()
	}
	err := c.cmd.Wait()
	c.mu.Lock()
	c.err = err
	c.tell()
	c.mu.Unlock()
	close(c.ended)
}

func (c *Card) tell() {
	close(c.news)
	c.news = make(chan struct{})
}

// Kill pulls the card out, as a power cut of the machine does.
func (c *Card) Kill() {
	c.killed.Do(func() { _ = c.cmd.Process.Kill() })
	<-c.ended
}

// Log is what the program wrote: with --log 1 the frames.
func (c *Card) Log() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.said.String()
}

// Result waits for the end of the n-th job, counted from 1.
func (c *Card) Result(limit time.Duration, n int) (Result, error) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	over := false
	for {
		c.mu.Lock()
		results, news := c.results, c.news
		c.mu.Unlock()
		if len(results) >= n {
			return results[n-1], nil
		}
		if over {
			return Result{}, fmt.Errorf("the fax machine ended without a result: %s", c.Log())
		}
		select {
		case <-news:
		case <-c.ended:
			over = true
		case <-timer.C:
			return Result{}, fmt.Errorf("job %d of the fax machine has not ended after %v: %s", n, limit, c.Log())
		}
	}
}

// Wait is Result, or the test's end.
func (c *Card) Wait(limit time.Duration, n int) Result {
	c.t.Helper()
	r, err := c.Result(limit, n)
	if err != nil {
		c.t.Fatalf("faxcard: %v", err)
	}
	return r
}
