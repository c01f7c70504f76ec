//go:build !linux

package unixsocket

import "errors"

// watcher does not exist here.
type watcher struct{}

func newWatcher() (*watcher, error) { return nil, errors.ErrUnsupported }

func (*watcher) add(string) error           { return errors.ErrUnsupported }
func (*watcher) run(func(dir, name string)) {}
func (*watcher) Close()                     {}
