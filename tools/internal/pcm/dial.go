package pcm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"
)

const (
	patience = 5 * time.Second // for an other side that does not listen yet
	pause    = 100 * time.Millisecond
)

// network splits an address, HOST:PORT or unix:/PATH, into what package net wants.
func network(addr string) (kind, where string) {
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		return "unix", path
	}
	return "tcp", strings.TrimPrefix(addr, "tcp:")
}

// Await listens on an address and takes the first that connects. It tells notes where it listens.
func Await(ctx context.Context, addr string, notes io.Writer) (net.Conn, error) {
	kind, where := network(addr)
	l, err := new(net.ListenConfig).Listen(ctx, kind, where)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	fmt.Fprintln(notes, "listening on", l.Addr())
	conn, err := l.Accept()
	if ctx.Err() != nil {
		return nil, fmt.Errorf("nobody connected to %s: %w", addr, ctx.Err())
	}
	return conn, err
}

// Connect tries for some seconds, until the other side listens.
func Connect(ctx context.Context, addr string) (net.Conn, error) {
	kind, where := network(addr)
	var d net.Dialer
	return connect(ctx, func() (net.Conn, error) { return d.DialContext(ctx, kind, where) })
}

func connect(ctx context.Context, dial func() (net.Conn, error)) (net.Conn, error) {
	for end := time.Now().Add(patience); ; {
		conn, err := dial()
		absent := errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ENOENT)
		if !absent || time.Now().After(end) {
			return conn, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, err
		}
	}
}
