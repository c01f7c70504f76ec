// Package fakedisk stands in for a disk in the tests of stores that outlive a power cut: a file
// system in memory that knows what a cut may leave, and whose calls fail when a test says so.
//
// What was written to a file and not synced is lost or torn in sectors of 512 octets, and what
// was done to the names in a directory since that was synced is there or not, each by itself
// (fsync(2): syncing a file does not see its name to the disk).
package fakedisk

import (
	"io/fs"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"tipring/internal/durable"
)

// A Disk is such a file system. It may be used by several goroutines at once.
type Disk struct {
	// Fail is asked before each call, with its name in small letters; nil: nothing fails.
	Fail func(call, path string) error

	mu   sync.Mutex
	base tree // what was durable at the beginning
	live tree // what a running program sees
	ops  []op // what was done, in order
	next int  // number of the next inode
}

// New returns an empty disk.
func New() *Disk {
	t := tree{map[int]map[string]int{0: {}}, map[int][]byte{}}
	return &Disk{base: t, live: t.clone(), next: 1}
}

func (d *Disk) do(o op) {
	if o.kind == "link" {
		if o.isDir {
			d.live.dirs[o.inode] = map[string]int{}
		} else {
			d.live.data[o.inode] = nil
		}
	}
	d.live.apply(o)
	d.ops = append(d.ops, o)
}

// Done is how many changes there were so far.
func (d *Disk) Done() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.ops)
}

// Crash is the disk after a cut behind the first n changes. keep decides about each name and
// each sector that need not have reached it.
func (d *Disk) Crash(n int, keep func() bool) *Disk {
	t := d.base.clone()
	for _, o := range d.ops[:n] { // an inode nobody links to does no harm
		if o.kind == "link" && o.isDir {
			t.dirs[o.inode] = map[string]int{}
		} else if o.kind == "link" {
			t.data[o.inode] = nil
		}
	}
	synced, dirSynced := map[int]int{}, map[int]int{} // by inode, behind which op
	for i, o := range d.ops[:n] {
		switch o.kind {
		case "sync":
			synced[o.inode] = i
		case "syncdir":
			dirSynced[o.dir] = i
		}
	}
	for i, o := range d.ops[:n] {
		durable := i < dirSynced[o.dir]
		if o.kind == "write" {
			durable = i < synced[o.inode]
		}
		switch {
		case durable || o.kind != "write" && keep():
			t.apply(o)
		case o.kind == "write":
			t.tear(o, keep)
		}
	}
	return &Disk{base: t, live: t.clone(), next: d.next}
}

// Settle makes all that was done so far the durable beginning.
func (d *Disk) Settle() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.base, d.ops = d.live.clone(), nil
}

// String is every path with what is in it, to tell one state from another.
func (d *Disk) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.live.list(0, "")
}

// Put is what somebody else does to a file, durably. An empty text removes it.
func (d *Disk) Put(path, text string) {
	fail := d.Fail
	d.Fail = nil
	defer func() { d.Fail = fail }()
	if text == "" {
		_ = d.Remove(path)
	} else {
		f, err := d.Create(path)
		if err != nil {
			panic(err)
		}
		_, _ = f.Write([]byte(text))
	}
	d.Settle()
}

// Damage puts another content in the place of a file's: what a failing disk does.
func (d *Disk) Damage(path string, damage func(data []byte) []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if inode, ok := d.live.find(path); ok {
		d.live.data[inode] = damage(d.live.data[inode])
	}
}

// Text is what is in a file; ok is false when it is not there.
func (d *Disk) Text(path string) (data []byte, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	inode, ok := d.live.find(path)
	return d.live.data[inode], ok
}

// Left are the names that end in one of the suffixes, wherever they are.
func (d *Disk) Left(suffixes ...string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var left []string
	for _, names := range d.live.dirs {
		for name := range names {
			if slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(name, s) }) {
				left = append(left, name)
			}
		}
	}
	return left
}

// Keeps are the ways to decide: nothing (0), everything (1), and by chance.
func Keeps(seed uint64) func() bool {
	switch seed {
	case 0:
		return func() bool { return false }
	case 1:
		return func() bool { return true }
	}
	rng := rand.New(rand.NewPCG(seed, 0))
	share := 1 + rng.IntN(9)
	return func() bool { return rng.IntN(10) < share }
}

func (d *Disk) try(call, path string) error {
	if d.Fail == nil {
		return nil
	}
	if err := d.Fail(call, path); err != nil {
		return &fs.PathError{Op: call, Path: path, Err: err}
	}
	return nil
}

// parent finds the directory of a path.
func (d *Disk) parent(call, path string) (dir int, name string, err error) {
	dir, ok := d.live.find(filepath.Dir(path))
	if _, isDir := d.live.dirs[dir]; !ok || !isDir {
		return 0, "", &fs.PathError{Op: call, Path: path, Err: fs.ErrNotExist}
	}
	return dir, filepath.Base(path), nil
}

// Mkdir makes a directory; made is false when it is there.
func (d *Disk) Mkdir(path string) (made bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	dir, name, err := d.parent("mkdir", path)
	if err != nil {
		return false, err
	}
	if _, there := d.live.dirs[dir][name]; there {
		return false, nil
	}
	if err := d.try("mkdir", path); err != nil {
		return false, err
	}
	d.do(op{kind: "link", dir: dir, name: name, inode: d.inode(), isDir: true})
	return true, nil
}

func (d *Disk) inode() int { d.next++; return d.next - 1 }

// List returns the names in a directory.
func (d *Disk) List(path string) ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.try("list", path); err != nil {
		return nil, err
	}
	dir, ok := d.live.find(path)
	if _, isDir := d.live.dirs[dir]; !ok || !isDir {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return slices.Sorted(maps.Keys(d.live.dirs[dir])), nil
}

// Read reads a file of at most so many octets; [durable.ErrTooLong] for more.
func (d *Disk) Read(path string, limit int) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	inode, err := d.file("read", path)
	if err != nil {
		return nil, err
	}
	if len(d.live.data[inode]) > limit {
		return nil, &fs.PathError{Op: "read", Path: path, Err: durable.ErrTooLong}
	}
	return slices.Clone(d.live.data[inode]), nil
}

// file finds a file.
func (d *Disk) file(call, path string) (inode int, err error) {
	if err := d.try(call, path); err != nil {
		return 0, err
	}
	inode, ok := d.live.find(path)
	if !ok {
		return 0, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return inode, nil
}

// Create makes a file, or a new one under the name of another.
func (d *Disk) Create(path string) (*File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.try("create", path); err != nil {
		return nil, err
	}
	dir, name, err := d.parent("create", path)
	if err != nil {
		return nil, err
	}
	if old, there := d.live.dirs[dir][name]; there {
		d.do(op{kind: "unlink", dir: dir, name: name, inode: old})
	}
	o := op{kind: "link", dir: dir, name: name, inode: d.inode()}
	d.do(o)
	return &File{d, path, o.inode}, nil
}

// Edit opens a file to be written.
func (d *Disk) Edit(path string) (*File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	inode, err := d.file("edit", path)
	if err != nil {
		return nil, err
	}
	return &File{d, path, inode}, nil
}

// Open opens a file to be read.
func (d *Disk) Open(path string) (*File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	inode, err := d.file("open", path)
	if err != nil {
		return nil, err
	}
	return &File{d, path, inode}, nil
}

// Rename gives a name within one directory to what has another.
func (d *Disk) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.try("rename", from); err != nil {
		return err
	}
	dir, name, err := d.parent("rename", from)
	inode, ok := d.live.dirs[dir][name]
	if err != nil || !ok || filepath.Dir(from) != filepath.Dir(to) {
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	}
	if old, there := d.live.dirs[dir][filepath.Base(to)]; there && len(d.live.dirs[old]) > 0 {
		return &fs.PathError{Op: "rename", Path: to, Err: syscall.ENOTEMPTY}
	}
	d.do(op{kind: "rename", dir: dir, name: name, to: filepath.Base(to), inode: inode})
	return nil
}

// Remove takes a name away; no error when it is not there.
func (d *Disk) Remove(path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	dir, name, err := d.parent("remove", path)
	inode, there := d.live.dirs[dir][name]
	if err != nil || !there {
		return nil
	}
	if err := d.try("remove", path); err != nil {
		return err
	}
	if len(d.live.dirs[inode]) > 0 {
		return &fs.PathError{Op: "remove", Path: path, Err: syscall.ENOTEMPTY}
	}
	d.do(op{kind: "unlink", dir: dir, name: name, inode: inode})
	return nil
}

// SyncDir makes the names of a directory durable.
func (d *Disk) SyncDir(path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.try("syncdir", path); err != nil {
		return err
	}
	dir, ok := d.live.find(path)
	if !ok {
		return &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	d.do(op{kind: "syncdir", dir: dir})
	return nil
}
