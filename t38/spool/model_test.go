package spool

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
)

// model is a file system in memory that knows what a cut of the power may leave: what was
// written to a file and not synced is lost or torn in sectors of 512 octets, and what was
// done to the names in a directory since that was synced is there or not, each by itself.
type model struct {
	mu   sync.Mutex
	base tree // what was durable at the beginning
	live tree // what a running program sees
	ops  []op // what was done, in order
	next int  // number of the next inode
	fail func(call, path string) error
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

// list is every path with what is in it, to tell one state from another.
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

func newModel() *model {
	t := tree{map[int]map[string]int{0: {}}, map[int][]byte{}}
	return &model{base: t, live: t.clone(), next: 1}
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

func (m *model) do(o op) {
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

// done is how many ops there were so far.
func (m *model) done() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.ops)
}

// crash is the file system after a cut behind the first n ops. keep decides about each
// name and each sector that need not have reached the disk.
func (m *model) crash(n int, keep func() bool) *model {
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
	return &model{base: t, live: t.clone(), next: m.next}
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

// keeps are the ways to decide: nothing, everything, and by chance.
func keeps(seed uint64) func() bool {
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

func (m *model) try(call, path string) error {
	if m.fail == nil {
		return nil
	}
	if err := m.fail(call, path); err != nil {
		return &fs.PathError{Op: call, Path: path, Err: err}
	}
	return nil
}

// parent finds the directory of a path.
func (m *model) parent(call, path string) (dir int, name string, err error) {
	dir, ok := m.live.find(filepath.Dir(path))
	if _, isDir := m.live.dirs[dir]; !ok || !isDir {
		return 0, "", &fs.PathError{Op: call, Path: path, Err: fs.ErrNotExist}
	}
	return dir, filepath.Base(path), nil
}

func (m *model) Mkdir(path string) (bool, error) {
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

func (m *model) inode() int { m.next++; return m.next - 1 }

func (m *model) List(path string) ([]string, error) {
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

func (m *model) Read(path string, limit int) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	inode, err := m.file("read", path)
	if err != nil {
		return nil, err
	}
	if len(m.live.data[inode]) > limit {
		return nil, &fs.PathError{Op: "read", Path: path, Err: errTooLong}
	}
	return slices.Clone(m.live.data[inode]), nil
}

// file finds a file.
func (m *model) file(call, path string) (inode int, err error) {
	if err := m.try(call, path); err != nil {
		return 0, err
	}
	inode, ok := m.live.find(path)
	if !ok {
		return 0, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return inode, nil
}

func (m *model) Create(path string) (file, error) {
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
	return &modelFile{m, path, o.inode}, nil
}

func (m *model) Edit(path string) (file, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	inode, err := m.file("edit", path)
	if err != nil {
		return nil, err
	}
	return &modelFile{m, path, inode}, nil
}

func (m *model) Open(path string) (Document, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	inode, err := m.file("open", path)
	if err != nil {
		return nil, err
	}
	return &modelFile{m, path, inode}, nil
}

func (m *model) Rename(from, to string) error {
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

func (m *model) Remove(path string) error {
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

func (m *model) SyncDir(path string) error {
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

type modelFile struct {
	m     *model
	path  string
	inode int
}

func (f *modelFile) Size() int64 {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	return int64(len(f.m.live.data[f.inode]))
}

func (f *modelFile) Write(data []byte) (int, error) {
	return f.WriteAt(data, f.Size())
}

// WriteAt that fails has written half.
func (f *modelFile) WriteAt(data []byte, at int64) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	err := f.m.try("write", f.path)
	if err != nil {
		data = data[:len(data)/2]
	}
	f.m.do(op{kind: "write", inode: f.inode, at: int(at), data: slices.Clone(data)})
	return len(data), err
}

func (f *modelFile) ReadAt(p []byte, at int64) (int, error) {
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

func (f *modelFile) Sync() error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.m.try("sync", f.path); err != nil {
		return err
	}
	f.m.do(op{kind: "sync", inode: f.inode})
	return nil
}

func (f *modelFile) Close() error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	return f.m.try("close", f.path)
}
