package faxjob

import (
	"errors"
	"os"
)

// An output is the file of a Sink. What was in it before stays until a page comes: the file's
// beginning, which is written first, is held back until then.
type output struct {
	*os.File
	made  bool   // by this job
	head  []byte // held back
	begun bool
}

func newOutput(name string) (*output, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	made := err == nil
	if errors.Is(err, os.ErrExist) {
		f, err = os.OpenFile(name, os.O_RDWR, 0)
	}
	if err != nil {
		return nil, err
	}
	return &output{File: f, made: made}, nil
}

// WriteAt implements io.WriterAt.
func (o *output) WriteAt(p []byte, at int64) (int, error) {
	switch {
	case o.begun:
	case o.head == nil:
		o.head = append([]byte{}, p...)
		return len(p), nil
	default:
		if err := o.begin(); err != nil {
			return 0, err
		}
	}
	return o.File.WriteAt(p, at)
}

func (o *output) begin() error {
	o.begun = true
	if info, err := o.Stat(); err == nil && info.Mode().IsRegular() { // a device has no length
		if err := o.Truncate(0); err != nil {
			return err
		}
	}
	_, err := o.File.WriteAt(o.head, 0)
	return err
}

// drop closes the file of a call without pages, and removes it if nobody has put anything in it.
func (o *output) drop() error {
	info, err := o.Stat()
	_ = o.Close()
	if err == nil && info.Mode().IsRegular() && (o.made || o.begun) {
		return os.Remove(o.Name())
	}
	return err
}
