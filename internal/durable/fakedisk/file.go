package fakedisk

import (
	"io"
	"slices"
)

// A File is an open one of a Disk.
type File struct {
	disk  *Disk
	path  string
	inode int
}

// Size is its length.
func (f *File) Size() int64 {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return int64(len(f.disk.live.data[f.inode]))
}

// Write appends.
func (f *File) Write(data []byte) (int, error) {
	return f.WriteAt(data, f.Size())
}

// WriteAt that fails has written half.
func (f *File) WriteAt(data []byte, at int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	err := f.disk.try("write", f.path)
	if err != nil {
		data = data[:len(data)/2]
	}
	f.disk.do(op{kind: "write", inode: f.inode, at: int(at), data: slices.Clone(data)})
	return len(data), err
}

// ReadAt is that of io.ReaderAt.
func (f *File) ReadAt(p []byte, at int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.try("read", f.path); err != nil {
		return 0, err
	}
	data := f.disk.live.data[f.inode]
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
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.try("sync", f.path); err != nil {
		return err
	}
	f.disk.do(op{kind: "sync", inode: f.inode})
	return nil
}

// Close may fail as a call does, and does nothing else.
func (f *File) Close() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return f.disk.try("close", f.path)
}
