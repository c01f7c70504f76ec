package main

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

// network splits an address into what package net wants.
func network(addr string) (kind, where string) {
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		return "unix", path
	}
	return "tcp", strings.TrimPrefix(addr, "tcp:")
}

// dial finds the other side.
func (o *options) dial(ctx context.Context, notes io.Writer) (net.Conn, error) {
	ctx, stop := context.WithTimeout(ctx, time.Duration(o.TimeoutS)*time.Second)
	defer stop()
	if o.listen != "" {
		return await(ctx, o.listen, notes)
	}
	return connect(ctx, o.connect)
}

// await takes the first that connects.
func await(ctx context.Context, addr string, notes io.Writer) (net.Conn, error) {
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

// connect tries until the other side listens.
func connect(ctx context.Context, addr string) (net.Conn, error) {
	kind, where := network(addr)
	var d net.Dialer
	for end := time.Now().Add(patience); ; {
		conn, err := d.DialContext(ctx, kind, where)
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
