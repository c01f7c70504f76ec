package generations

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"

	"tipring/internal/config"
	"tipring/internal/durable"
)

// files is what the store needs of a file system. Its errors name the call and the
// path. The tests put a model in its place that forgets, as a power cut does, what was
// not synced.
type files interface {
	Mkdir(dir string) (made bool, err error) // 0700; no error when it is there
	List(dir string) ([]string, error)       // the names in it; none when it is not there
	Read(name string, limit int) ([]byte, error)
	Create(name string) (file, error) // 0600, to write; takes the place of what a cut left there
	Rename(from, to string) error     // within one directory
	Remove(name string) error         // a file or an empty directory; no error when it is not there
	SyncDir(dir string) error
	Lock(name string) (io.Closer, error)
}

type file = durable.File

// errTooLong is wrapped by the error of Read for a file that is longer than it may be.
var errTooLong = durable.ErrTooLong

// disk is the file system of the operating system.
type disk struct{ durable.Disk }

func (d disk) List(dir string) ([]string, error) {
	names, err := d.Disk.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return names, err
}

func (disk) Read(name string, limit int) ([]byte, error) {
	f, err := config.OpenRegular(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return durable.ReadAll(f, name, limit)
}

func (disk) Create(name string) (file, error) {
	const flags = os.O_WRONLY | os.O_CREATE | os.O_EXCL
	f, err := os.OpenFile(name, flags, 0o600)
	if errors.Is(err, fs.ErrExist) {
		if err := os.Remove(name); err != nil {
			return nil, err
		}
		f, err = os.OpenFile(name, flags, 0o600)
	}
	if err != nil {
		return nil, err // not f: a nil *os.File would be no nil file
	}
	return f, nil
}

// Lock takes a lock that goes away with the process that holds it, however that ends.
// On a read-only file system a lock file that is there will do.
func (disk) Lock(name string) (io.Closer, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if errors.Is(err, syscall.EROFS) {
		if readable, e := os.Open(name); e == nil {
			f, err = readable, nil
		}
	}
	if err != nil {
		return nil, err
	}
	switch err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
	case errors.Is(err, syscall.EWOULDBLOCK):
		err = ErrLocked
	case err == nil:
		return f, nil
	}
	f.Close()
	return nil, &fs.PathError{Op: "lock", Path: name, Err: err}
}

// unwritable tells the errors of a file system that may be read and not be written.
func unwritable(err error) bool {
	return errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.ENOSPC) ||
		errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EIO)
}

// What is being made or taken away has a name of its own until it is whole or gone.
const (
	newSuffix  = durable.Suffix
	goneSuffix = ".gone"
)

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
