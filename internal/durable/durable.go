// Package durable is what stores that outlive a power cut do with the operating system's files:
// those calls alone whose effect a store can count on once it has synced, and a file that takes
// another one's place whole or not at all (rename(2), fsync(2)).
//
// Each store says which calls it needs by an interface of its own, so that its tests can put a
// model of a disk in their place that forgets what was not synced.
package durable

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Disk is the file system of the operating system.
type Disk struct{}

// Mkdir makes a directory, 0700. made is false, and nothing wrong, when it is there.
func (Disk) Mkdir(dir string) (made bool, err error) {
	err = os.Mkdir(dir, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	return err == nil, err
}

// List returns the names in a directory.
func (Disk) List(dir string) ([]string, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Readdirnames(-1)
}

// Rename gives a file another name within one directory.
func (Disk) Rename(from, to string) error { return os.Rename(from, to) }

// Remove removes a file or an empty directory. That it is not there is no error.
func (Disk) Remove(name string) error {
	if err := os.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// SyncDir sees to it that the names in a directory are on the disk. It takes EINVAL for a file
// system whose directories need no syncing.
func (Disk) SyncDir(dir string) error {
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

// ErrTooLong is wrapped by the error of ReadAll for a file that is longer than it may be.
var ErrTooLong = errors.New("longer than it may be")

// ReadAll reads a file of at most so many octets. name is for the error.
func ReadAll(f io.Reader, name string, limit int) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err != nil {
		return nil, err
	}
	if len(data) > limit {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fmt.Errorf("%w: %d octets", ErrTooLong, limit)}
	}
	return data, nil
}

// A File is one that is being written.
type File interface {
	io.WriteCloser
	Sync() error
}

// Write writes a new file and sees it to the disk, but not yet its name.
func Write(f File, data []byte) error {
	_, err := f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// A Place is where a file takes another one's place: a Disk, or its model.
type Place interface {
	Rename(from, to string) error
	Remove(name string) error
	SyncDir(dir string) error
}

// Suffix is that of a file which is being made under another name than its own.
const Suffix = ".new"

// Replace puts data in the place of a file: the name stands for the old or the new one at any
// moment, and for the new one durably once Replace returns nil. create makes the file under the
// name that it is given.
func Replace[F File](d Place, name string, data []byte, create func(name string) (F, error)) error {
	temporary := name + Suffix
	f, err := create(temporary)
	if err == nil {
		err = Write(f, data)
	}
	if err == nil {
		err = d.Rename(temporary, name)
	}
	if err != nil {
		_ = d.Remove(temporary) // who opens the store does it otherwise
		return err
	}
	return d.SyncDir(filepath.Dir(name))
}

// Private makes, for Replace, a file that only its owner may read.
func Private(name string) (*os.File, error) {
	_ = os.Remove(name) // that of a writer who was killed may have another mode
	return os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
}
