package webui

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// How long to wait for an address that cannot be had.
const (
	soon       = 100 * time.Millisecond // for an address that is just being left
	firstRetry = time.Second
	lastRetry  = time.Minute
)

// A door is one address that is listened on, or will be.
type door struct {
	s       *Server
	addr    string
	secure  bool
	server  *http.Server
	conns   *conns
	closing context.Context // done when it is being left
	shut    context.CancelFunc
	done    chan struct{} // closed when serving has ended

	listener net.Listener // nil: not yet
	at       atomic.Pointer[net.Addr]
}

func (s *Server) newDoor(addr string, secure bool) *door {
	d := &door{s: s, addr: addr, secure: secure, done: make(chan struct{}), conns: newConns(s.allows)}
	d.closing, d.shut = context.WithCancel(context.Background())
	d.server = s.serverOf(d.closing, d.conns)
	return d
}

// open tries once to have the address.
func (d *door) open() error {
	listener, err := new(net.ListenConfig).Listen(d.closing, "tcp", d.addr)
	if err != nil {
		return err
	}
	at := listener.Addr()
	d.at.Store(&at)
	d.listener = &limited{listener, d.conns}
	if d.secure {
		d.listener = tls.NewListener(d.listener, d.s.tlsConfig())
	}
	return nil
}

// run serves, once there is the address.
func (d *door) run() {
	go func() {
		defer close(d.done)
		if !d.wait() {
			return
		}
		d.s.o.Log.Info("web "+d.url(), "listen", d.addr)
		if err := d.server.Serve(d.listener); !errors.Is(err, http.ErrServerClosed) {
			d.s.o.Log.Error("the page is not served any more", "listen", d.addr, "err", err)
		}
	}()
}

// wait tries until it has the address, or is to be left. What stands in the way is told once.
func (d *door) wait() bool {
	for delay, told := soon, ""; d.listener == nil; delay = min(lastRetry, max(firstRetry, 2*delay)) {
		select {
		case <-time.After(delay):
		case <-d.closing.Done():
			return false
		}
		if err := d.open(); err != nil && d.closing.Err() == nil && err.Error() != told {
			told = err.Error()
			d.s.o.Log.Warn("the page cannot be served there yet", "listen", d.addr, "err", err)
		}
	}
	return true
}

func (d *door) url() string {
	if at := d.at.Load(); at != nil {
		return urlOf(*at, d.secure)
	}
	return ""
}

// end stops listening, gives running requests a moment, and waits. shut was called.
func (d *door) end() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	if err := d.server.Shutdown(ctx); err != nil {
		d.server.Close()
	}
	<-d.done
	if d.listener != nil {
		d.listener.Close() // when serving had not begun
	}
}
