package fakedisk

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

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

// list is every path with what is in it.
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
