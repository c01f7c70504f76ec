package spool

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// teller is a disk that says before each change what it does.
type teller struct{ files }

func say(format string, args ...any) { fmt.Printf(format+"\n", args...) }

func (d teller) Create(name string) (file, error) {
	say("op create")
	f, err := d.files.Create(name)
	return tellerFile{f}, err
}

func (d teller) Rename(from, to string) error { say("op rename"); return d.files.Rename(from, to) }
func (d teller) Remove(name string) error     { say("op remove"); return d.files.Remove(name) }
func (d teller) SyncDir(dir string) error     { say("op syncdir"); return d.files.SyncDir(dir) }
func (d teller) Mkdir(dir string) (bool, error) {
	say("op mkdir")
	return d.files.Mkdir(dir)
}

type tellerFile struct{ file }

func (f tellerFile) Sync() error { say("op sync"); return f.file.Sync() }
func (f tellerFile) WriteAt(p []byte, at int64) (int, error) {
	say("op write")
	return f.file.WriteAt(p, at)
}

// TestChild is the program that TestKill kills: it takes two faxes from a machine, and
// delivers them.
func TestChild(t *testing.T) {
	dir := os.Getenv("SPOOL_KILLED_AT")
	if dir == "" {
		return // it is no test by itself
	}
	s, _, err := open(teller{disk{}}, dir, Config{})
	must(t, err)
	q := NewQueue(QueueConfig{Store: s, Deliver: func(_ context.Context, j *Job) Result {
		j.Page(Page{N: 1, Result: Confirmed})
		say("marking %s", j.ID())
		j.LastPageSent()
		say("marked %s", j.ID())
		return Result{OK: true}
	}})
	for n := range 2 {
		in, err := s.Begin(Meta{Kind: Machine, Port: 1, Peer: "1"})
		must(t, err)
		for k := range 2 {
			give(t, in, k, small(2*n+k), true)
			must(t, in.Keep(k == 1))
			in.wait()
			must(t, in.Err())
		}
		say("accepted %s", in.ID())
		_, err = in.Commit(Result{OK: true})
		must(t, err)
	}
	for _, r := range s.List() {
		q.running[r.ID] = &running{}
		q.try(context.Background(), r.ID)
		say("settled %s", r.ID)
	}
	must(t, s.Close())
	say("end")
}

// A real process is killed at all moments of its work on a real disk: what it had promised
// until then is there, and uncertain only in the window.
func TestKill(t *testing.T) {
	t.Parallel()
	total := 0
	for kill := 1; total == 0 || kill <= total; kill += max(1, total/25) {
		dir := t.TempDir()
		said, ops := runChild(t, dir, kill)
		if said["end"] != nil {
			total = ops
			break
		}
		checkKilled(t, dir, kill, said)
		if kill == 1 {
			_, total = runChild(t, t.TempDir(), 1<<30)
		}
	}
	if total < 60 {
		t.Errorf("%d changes in the whole: too few to be true", total)
	}
}

// runChild runs the child until its n-th change, and returns what it had said of each fax.
func runChild(t *testing.T, dir string, n int) (said map[string]map[string]bool, ops int) {
	t.Helper()
	c := exec.Command(os.Args[0], "-test.run=^TestChild$")
	c.Env = append(os.Environ(), "SPOOL_KILLED_AT="+dir)
	var complaint bytes.Buffer
	c.Stderr = &complaint
	out, err := c.StdoutPipe()
	must(t, err)
	must(t, c.Start())
	said = map[string]map[string]bool{}
	for in := bufio.NewScanner(out); in.Scan(); {
		what, id, _ := strings.Cut(in.Text(), " ")
		switch what {
		case "op":
			if ops++; ops == n {
				must(t, c.Process.Kill())
			}
		case "accepted", "marking", "marked", "settled", "end":
			if said[what] == nil {
				said[what] = map[string]bool{}
			}
			said[what][id] = true
		}
	}
	if err := c.Wait(); err != nil && ops < n {
		t.Fatalf("child: %v\n%s", err, complaint.String())
	}
	return said, ops
}

func checkKilled(t *testing.T, dir string, kill int, said map[string]map[string]bool) {
	t.Helper()
	s, r, err := Open(dir, Config{})
	must(t, err)
	defer s.Close()
	if len(r.Damaged)+len(r.Unread)+len(r.Unwritten) > 0 {
		t.Errorf("killed at change %d: %q", kill, r.Lines())
	}
	for id := range said["accepted"] {
		r, err := s.Get(id)
		if err != nil {
			t.Errorf("killed at change %d: lost: %v", kill, err)
			continue
		}
		good := r.State == Queued && !r.Uncertain // before the window
		switch {
		case said["settled"][id]:
			good = r.State == Sent && !r.Uncertain
		case said["marked"][id]:
			good = r.State == Queued && r.Uncertain || r.State == Sent && !r.Uncertain
		case said["marking"][id]:
			good = r.State == Queued
		}
		if !good || r.PageCount != 2 {
			t.Errorf("killed at change %d: %v\n%+v", kill, said, r)
		}
	}
}
