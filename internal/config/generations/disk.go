package generations

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"tipring/internal/config"
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

type file interface {
	io.WriteCloser
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
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Readdirnames(-1)
}

func (disk) Read(name string, limit int) ([]byte, error) {
	f, err := config.OpenRegular(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err != nil {
		return nil, err
	}
	if len(data) > limit {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fmt.Errorf("%w: %d octets", errTooLong, limit)}
	}
	return data, nil
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
	newSuffix  = ".new"
	goneSuffix = ".gone"
)

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
