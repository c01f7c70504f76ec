package spool

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// files is what the store needs of a file system. The tests put a model in its place that
// forgets, as a power cut does, what was not synced.
type files interface {
	Mkdir(dir string) (made bool, err error) // 0700; no error when it is there
	List(dir string) ([]string, error)       // the names in it
	Read(name string, limit int) ([]byte, error)
	Create(name string) (file, error) // 0600; empties what is there
	Edit(name string) (file, error)   // an existing one
	Open(name string) (Document, error)
	Rename(from, to string) error // within one directory
	Remove(name string) error     // a file or an empty directory; no error when it is not there
	SyncDir(dir string) error
}

// file is a file being written.
type file interface {
	io.Writer
	io.WriterAt
	io.ReaderAt
	io.Closer
	Sync() error
}

var errTooLong = errors.New("longer than it may be")

// disk is the file system of the operating system.
type disk struct{}

func (disk) Mkdir(dir string) (bool, error) {
	err := os.Mkdir(dir, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	return err == nil, err
}

func (disk) List(dir string) ([]string, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Readdirnames(-1)
}

func (disk) Read(name string, limit int) ([]byte, error) {
	f, err := openRegular(name, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err == nil && len(data) > limit {
		err = &fs.PathError{Op: "read", Path: name, Err: fmt.Errorf("%w: %d octets", errTooLong, limit)}
	}
	return data, err
}

// openRegular neither follows a link nor waits for a pipe's other end.
func openRegular(name string, flags int) (*os.File, error) {
	f, err := os.OpenFile(name, flags|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		_ = f.Close()
		return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("not a regular file")}
	}
	return f, nil
}

func (disk) Create(name string) (file, error) {
	f, err := openRegular(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return nil, err // not f: a nil *os.File would be no nil file
	}
	return f, nil
}

func (disk) Edit(name string) (file, error) {
	f, err := openRegular(name, os.O_RDWR)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// reading is a file being read.
type reading struct {
	*os.File
	size int64
}

func (r reading) Size() int64 { return r.size }

func (disk) Open(name string) (Document, error) {
	f, err := openRegular(name, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return reading{f, info.Size()}, nil
}

func (disk) Rename(from, to string) error { return os.Rename(from, to) }

func (disk) Remove(name string) error {
	if err := os.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// SyncDir takes EINVAL for a file system whose directories need no syncing.
func (disk) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil
}

// create writes a file and sees it to the disk, but not yet its name.
func create(d files, name string, data []byte) error {
	f, err := d.Create(name)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// replace puts a file in the place of another: the name stands for the old or the new
// one at any moment, and for the new one durably once replace returns nil.
func replace(d files, name string, data []byte) error {
	temporary := name + newSuffix
	err := create(d, temporary, data)
	if err == nil {
		err = d.Rename(temporary, name)
	}
	if err != nil {
		_ = d.Remove(temporary) // Open does it otherwise
		return err
	}
	return d.SyncDir(filepath.Dir(name))
}
