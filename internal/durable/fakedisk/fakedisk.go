// Package fakedisk stands in for a disk in the tests of stores that outlive a power cut: a file
// system in memory that knows what a cut may leave, and whose calls fail when a test says so.
//
// What was written to a file and not synced is lost or torn in sectors of 512 octets, and what
// was done to the names in a directory since that was synced is there or not, each by itself
// (fsync(2): syncing a file does not see its name to the disk).
package fakedisk

import (
	"crypto/sha256"
	"fmt"
	"io"
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

const sector = 512

// tree is files and directories by inode; 0 is the root.
type tree struct {
	dirs map[int]map[string]int
	data map[int][]byte
}

func (t tree) clone() tree {
	c := tree{make(map[int]map[string]int, len(t.dirs)), make(map[int][]byte, len(t.data))}
	for n, names := range t.dirs {
		c.dirs[n] = maps.Clone(names)
	}
	for n, data := range t.data {
		c.data[n] = slices.Clone(data)
	}
	return c
}

// find returns the inode of a path.
func (t tree) find(path string) (inode int, ok bool) {
	for part := range strings.SplitSeq(strings.Trim(filepath.Clean(path), "/"), "/") {
		if part == "" {
			continue
		}
		if inode, ok = t.dirs[inode][part]; !ok {
			return 0, false
		}
	}
	return inode, true
}

// String is every path with what is in it, to tell one state from another.
func (m *Disk) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.live.list(0, "")
}

func (t tree) list(inode int, prefix string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(t.dirs[inode])) {
		child := t.dirs[inode][name]
		if _, isDir := t.dirs[child]; isDir {
			b.WriteString(prefix + name + "/\n" + t.list(child, prefix+name+"/"))
			continue
		}
		fmt.Fprintf(&b, "%s%s %d %x\n", prefix, name, len(t.data[child]), sha256.Sum256(t.data[child]))
	}
	return b.String()
}

// op is one change; inode is the file's, or that of what the name stands for.
type op struct {
	kind  string // write sync link rename unlink syncdir
	dir   int
	name  string
	to    string
	inode int
	at    int
	data  []byte
	isDir bool
}

// New returns an empty disk.
func New() *Disk {
	t := tree{map[int]map[string]int{0: {}}, map[int][]byte{}}
	return &Disk{base: t, live: t.clone(), next: 1}
}

// apply does one op to a tree.
func (t tree) apply(o op) {
	switch o.kind {
	case "write":
		d := t.data[o.inode]
		if need := o.at + len(o.data); len(d) < need {
			d = append(d, make([]byte, need-len(d))...)
		}
		copy(d[o.at:], o.data)
		t.data[o.inode] = d
	case "link":
		t.dirs[o.dir][o.name] = o.inode
	case "rename":
		if t.dirs[o.dir][o.name] == o.inode {
			delete(t.dirs[o.dir], o.name)
		}
		t.dirs[o.dir][o.to] = o.inode
	case "unlink":
		if t.dirs[o.dir][o.name] == o.inode {
			delete(t.dirs[o.dir], o.name)
		}
	}
}

func (m *Disk) do(o op) {
	if o.kind == "link" {
		if o.isDir {
			m.live.dirs[o.inode] = map[string]int{}
		} else {
			m.live.data[o.inode] = nil
		}
	}
	m.live.apply(o)
	m.ops = append(m.ops, o)
}

// Done is how many changes there were so far.
func (m *Disk) Done() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.ops)
}

// Crash is the disk after a cut behind the first n changes. keep decides about each name and
// each sector that need not have reached it.
func (m *Disk) Crash(n int, keep func() bool) *Disk {
	t := m.base.clone()
	for _, o := range m.ops[:n] { // an inode nobody links to does no harm
		if o.kind == "link" && o.isDir {
			t.dirs[o.inode] = map[string]int{}
		} else if o.kind == "link" {
			t.data[o.inode] = nil
		}
	}
	synced, dirSynced := map[int]int{}, map[int]int{} // by inode, behind which op
	for i, o := range m.ops[:n] {
		switch o.kind {
		case "sync":
			synced[o.inode] = i
		case "syncdir":
			dirSynced[o.dir] = i
		}
	}
	for i, o := range m.ops[:n] {
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
	return &Disk{base: t, live: t.clone(), next: m.next}
}

// tear writes some sectors of what was not synced. Where the file grew, the length may have
// come through without the data.
func (t tree) tear(o op, keep func() bool) {
	for at, end := 0, 0; at < len(o.data); at = end {
		end = min(len(o.data), at+sector-(o.at+at)%sector)
		if keep() {
			t.apply(op{kind: "write", inode: o.inode, at: o.at + at, data: o.data[at:end]})
		} else if keep() && o.at+end > len(t.data[o.inode]) {
			t.data[o.inode] = append(t.data[o.inode], make([]byte, o.at+end-len(t.data[o.inode]))...)
		}
	}
}

// Settle makes all that was done so far the durable beginning.
func (m *Disk) Settle() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.base, m.ops = m.live.clone(), nil
}

// Put is what somebody else does to a file, durably. An empty text removes it.
func (m *Disk) Put(path, text string) {
	fail := m.Fail
	m.Fail = nil
	defer func() { m.Fail = fail }()
	if text == "" {
		_ = m.Remove(path)
	} else {
		f, err := m.Create(path)
		if err != nil {
			panic(err)
		}
		_, _ = f.Write([]byte(text))
	}
	m.Settle()
}

// Damage puts another content in the place of a file's: what a failing disk does.
func (m *Disk) Damage(path string, damage func(data []byte) []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if inode, ok := m.live.find(path); ok {
		m.live.data[inode] = damage(m.live.data[inode])
	}
}

// Text is what is in a file; ok is false when it is not there.
func (m *Disk) Text(path string) (data []byte, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	inode, ok := m.live.find(path)
	return m.live.data[inode], ok
}

// Left are the names that end in one of the suffixes, wherever they are.
func (m *Disk) Left(suffixes ...string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var left []string
	for _, names := range m.live.dirs {
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

func (m *Disk) try(call, path string) error {
	if m.Fail == nil {
		return nil
	}
	if err := m.Fail(call, path); err != nil {
		return &fs.PathError{Op: call, Path: path, Err: err}
	}
	return nil
}

// parent finds the directory of a path.
func (m *Disk) parent(call, path string) (dir int, name string, err error) {
	dir, ok := m.live.find(filepath.Dir(path))
	if _, isDir := m.live.dirs[dir]; !ok || !isDir {
		return 0, "", &fs.PathError{Op: call, Path: path, Err: fs.ErrNotExist}
	}
	return dir, filepath.Base(path), nil
}

// Mkdir makes a directory; made is false when it is there.
func (m *Disk) Mkdir(path string) (made bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, name, err := m.parent("mkdir", path)
	if err != nil {
		return false, err
	}
	if _, there := m.live.dirs[dir][name]; there {
		return false, nil
	}
	if err := m.try("mkdir", path); err != nil {
		return false, err
	}
	m.do(op{kind: "link", dir: dir, name: name, inode: m.inode(), isDir: true})
	return true, nil
}

func (m *Disk) inode() int { m.next++; return m.next - 1 }

// List returns the names in a directory.
func (m *Disk) List(path string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.try("list", path); err != nil {
		return nil, err
	}
	dir, ok := m.live.find(path)
	if _, isDir := m.live.dirs[dir]; !ok || !isDir {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return slices.Sorted(maps.Keys(m.live.dirs[dir])), nil
}

// Read reads a file of at most so many octets; [durable.ErrTooLong] for more.
func (m *Disk) Read(path string, limit int) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	inode, err := m.file("read", path)
	if err != nil {
		return nil, err
	}
	if len(m.live.data[inode]) > limit {
		return nil, &fs.PathError{Op: "read", Path: path, Err: durable.ErrTooLong}
	}
	return slices.Clone(m.live.data[inode]), nil
}

// file finds a file.
func (m *Disk) file(call, path string) (inode int, err error) {
	if err := m.try(call, path); err != nil {
		return 0, err
	}
	inode, ok := m.live.find(path)
	if !ok {
		return 0, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return inode, nil
}

// Create makes a file, or a new one under the name of another.
func (m *Disk) Create(path string) (*File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.try("create", path); err != nil {
		return nil, err
	}
	dir, name, err := m.parent("create", path)
	if err != nil {
		return nil, err
	}
	if old, there := m.live.dirs[dir][name]; there {
		m.do(op{kind: "unlink", dir: dir, name: name, inode: old})
	}
	o := op{kind: "link", dir: dir, name: name, inode: m.inode()}
	m.do(o)
	return &File{m, path, o.inode}, nil
}

// Edit opens a file to be written.
func (m *Disk) Edit(path string) (*File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	inode, err := m.file("edit", path)
	if err != nil {
		return nil, err
	}
	return &File{m, path, inode}, nil
}

// Open opens a file to be read.
func (m *Disk) Open(path string) (*File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	inode, err := m.file("open", path)
	if err != nil {
		return nil, err
	}
	return &File{m, path, inode}, nil
}

// Rename gives a name within one directory to what has another.
func (m *Disk) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.try("rename", from); err != nil {
		return err
	}
	dir, name, err := m.parent("rename", from)
	inode, ok := m.live.dirs[dir][name]
	if err != nil || !ok || filepath.Dir(from) != filepath.Dir(to) {
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	}
	if old, there := m.live.dirs[dir][filepath.Base(to)]; there && len(m.live.dirs[old]) > 0 {
		return &fs.PathError{Op: "rename", Path: to, Err: syscall.ENOTEMPTY}
	}
	m.do(op{kind: "rename", dir: dir, name: name, to: filepath.Base(to), inode: inode})
	return nil
}

// Remove takes a name away; no error when it is not there.
func (m *Disk) Remove(path string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, name, err := m.parent("remove", path)
	inode, there := m.live.dirs[dir][name]
	if err != nil || !there {
		return nil
	}
	if err := m.try("remove", path); err != nil {
		return err
	}
	if len(m.live.dirs[inode]) > 0 {
		return &fs.PathError{Op: "remove", Path: path, Err: syscall.ENOTEMPTY}
	}
	m.do(op{kind: "unlink", dir: dir, name: name, inode: inode})
	return nil
}

// SyncDir makes the names of a directory durable.
func (m *Disk) SyncDir(path string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.try("syncdir", path); err != nil {
		return err
	}
	dir, ok := m.live.find(path)
	if !ok {
		return &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	m.do(op{kind: "syncdir", dir: dir})
	return nil
}

// A File is an open one of a Disk.
type File struct {
	m     *Disk
	path  string
	inode int
}

// Size is its length.
func (f *File) Size() int64 {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	return int64(len(f.m.live.data[f.inode]))
}

// Write appends.
func (f *File) Write(data []byte) (int, error) {
	return f.WriteAt(data, f.Size())
}

// WriteAt that fails has written half.
func (f *File) WriteAt(data []byte, at int64) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	err := f.m.try("write", f.path)
	if err != nil {
		data = data[:len(data)/2]
	}
	f.m.do(op{kind: "write", inode: f.inode, at: int(at), data: slices.Clone(data)})
	return len(data), err
}

// ReadAt is that of io.ReaderAt.
func (f *File) ReadAt(p []byte, at int64) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.m.try("read", f.path); err != nil {
		return 0, err
	}
	data := f.m.live.data[f.inode]
	if at > int64(len(data)) {
		return 0, io.EOF
	}
	n := copy(p, data[at:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Sync makes what was written durable.
func (f *File) Sync() error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.m.try("sync", f.path); err != nil {
		return err
	}
	f.m.do(op{kind: "sync", inode: f.inode})
	return nil
}

// Close may fail as a call does, and does nothing else.
func (f *File) Close() error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	return f.m.try("close", f.path)
}
