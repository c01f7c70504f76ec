package spool

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"

	"tipring/internal/durable"
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

// errTooLong is wrapped by the error of Read for a file that is longer than it may be.
var errTooLong = durable.ErrTooLong

// disk is the file system of the operating system.
type disk struct{ durable.Disk }

func (disk) Read(name string, limit int) ([]byte, error) {
	f, err := openRegular(name, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return durable.ReadAll(f, name, limit)
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

// create writes a file and sees it to the disk, but not yet its name.
func create(d files, name string, data []byte) error {
	f, err := d.Create(name)
	if err != nil {
		return err
	}
	return durable.Write(f, data)
}

// replace puts a file in the place of another, whole or not at all.
func replace(d files, name string, data []byte) error {
	return durable.Replace(d, name, data, d.Create)
}
