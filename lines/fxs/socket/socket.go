// Package socket is the FXS driver for line cards that are programs: the one that owns
// the SLIC chip, or pretends to, connects to a unix or tcp socket of the agent. Both say
// HELLO; then the card sends AUDIO frames without pause, on-hook too, with HOOK frames
// between them where the loop changed, and the agent answers each AUDIO with one of the
// same length and commands the bell, the lamp and the loop in between.
//
// The package keeps the listening socket, lets one card in at a time, and hands it to
// the port's owner, who reads frames straight from the connection. What they mean to a
// telephone is the business of lines/fxs.
package socket

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"tipring/internal/unixsocket"
	"tipring/lines/fxs"
)

// Config is one port's socket.
type Config struct {
	Port    int
	Kind    string             // phone or fax
	Address string             // unix:/path or tcp:host:port
	Token   string             // what a card must know; tcp wants one
	Keeper  *unixsocket.Keeper // puts back the name of a unix socket; nil: nobody does
	Log     *slog.Logger
}

// Times of wall clock.
const (
	helloTime   = 5 * time.Second // for the card's HELLO
	audioTime   = 2 * time.Second // from one AUDIO frame to the next
	acceptPause = 100 * time.Millisecond
)

// maxStrangers is how many connections may be about to say HELLO at a time.
const maxStrangers = 4

var errSecond = errors.New("there is a line card already")

// Driver listens for the line card of one port.
type Driver struct {
	cfg    Config
	log    *slog.Logger
	listen net.Listener
	cards  chan fxs.Card
	closed chan struct{}
	work   sync.WaitGroup

	helloTime, audioTime time.Duration

	mu        sync.Mutex
	conn      net.Conn   // of the one card, which has said HELLO
	strangers []net.Conn // who have yet to say it, the oldest first
	guard     guard
	telling   *time.Timer // until the refusals of the minute are logged; nil: there are none
	untold    int         // of them
	why       error       // of the last

	close sync.Once
}

var _ fxs.Driver = (*Driver)(nil)

// New opens the socket and begins to wait for a card.
func New(cfg Config) (*Driver, error) { return newDriver(cfg, helloTime, audioTime) }

func newDriver(cfg Config, helloTime, audioTime time.Duration) (*Driver, error) {
	l, err := listen(cfg)
	if err != nil {
		return nil, fmt.Errorf("port %d: driver %s: %w", cfg.Port, cfg.Address, err)
	}
	d := &Driver{
		cfg:       cfg,
		log:       cfg.Log.With("port", cfg.Port),
		listen:    l,
		cards:     make(chan fxs.Card),
		closed:    make(chan struct{}),
		helloTime: helloTime,
		audioTime: audioTime,
	}
	d.work.Add(1)
	go d.accept()
	return d, nil
}

// Cards delivers each card that has said a proper HELLO and got its answer.
func (d *Driver) Cards() <-chan fxs.Card { return d.cards }

// Addr returns where the driver listens: of use when port 0 was asked for.
func (d *Driver) Addr() net.Addr { return d.listen.Addr() }

// Close ends listening and the card's connection, and removes the socket's file.
func (d *Driver) Close() (err error) {
	d.close.Do(func() {
		close(d.closed)
		err = d.listen.Close()
		d.mu.Lock()
		if d.conn != nil {
			d.conn.Close()
		}
		for _, conn := range d.strangers {
			conn.Close()
		}
		d.mu.Unlock()
		d.work.Wait()
		d.stopTelling()
		close(d.cards)
	})
	return err
}

func (d *Driver) accept() {
	defer d.work.Done()
	for {
		conn, err := d.listen.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // out of file descriptors
			d.log.Warn("line card not accepted", "error", err)
			select {
			case <-time.After(acceptPause):
			case <-d.closed:
				return
			}
		case d.guesser(conn):
			d.count(errToken, false)
			conn.Close()
		case !d.admit(conn):
			d.refused(conn, errSecond)
			conn.Close()
		default:
			d.work.Add(1)
			go d.greet(conn)
		}
	}
}

// guesser tells whether a connection is from somebody who guesses at the token.
func (d *Driver) guesser(conn net.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.cfg.Token != "" && d.guard.refuses(party(conn.RemoteAddr()), time.Now())
}

// admit lets a connection say HELLO. It has the place of the one card only after that, and those
// that are silent make room: who says nothing, or does not know the token, cannot keep the card out.
func (d *Driver) admit(conn net.Conn) bool {
	d.mu.Lock()
	select {
	case <-d.closed:
		d.mu.Unlock()
		return false
	default:
	}
	if !d.vacant() {
		d.mu.Unlock()
		return false
	}
	var silent net.Conn
	if len(d.strangers) == maxStrangers {
		silent = d.longestSilent()
		d.forget(silent)
	}
	d.strangers = append(d.strangers, conn)
	d.mu.Unlock()
	if silent != nil {
		d.refused(silent, errNoHello)
		silent.Close()
	}
	return true
}

// longestSilent is the oldest stranger of the party that has most of them.
func (d *Driver) longestSilent() net.Conn {
	oldest, most := 0, 0
	for i, conn := range d.strangers {
		n := 0
		for _, later := range d.strangers[i:] {
			if party(later.RemoteAddr()) == party(conn.RemoteAddr()) {
				n++
			}
		}
		if n > most {
			oldest, most = i, n
		}
	}
	return d.strangers[oldest]
}

// forget takes a connection off the strangers.
func (d *Driver) forget(conn net.Conn) {
	d.strangers = slices.DeleteFunc(d.strangers, func(c net.Conn) bool { return c == conn })
}

// vacant tells whether the place is free, or was left without its owner's notice: the card
// was restarted.
func (d *Driver) vacant() bool {
	if d.conn != nil && hungUp(d.conn) {
		d.conn.Close()
		d.conn = nil
	}
	return d.conn == nil
}

// take gives the place to a connection that has said a proper HELLO.
func (d *Driver) take(conn net.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forget(conn)
	if d.cfg.Token != "" {
		d.guard.right(party(conn.RemoteAddr()))
	}
	if !d.vacant() {
		return false
	}
	d.conn = conn
	return true
}

// release leaves the place to the next card and ends the connection, in this order:
// whoever sees it end may come back at once.
func (d *Driver) release(conn net.Conn) {
	d.mu.Lock()
	d.forget(conn)
	if d.conn == conn {
		d.conn = nil
	}
	d.mu.Unlock()
	conn.Close()
}

// greet exchanges HELLOs and hands the card over.
func (d *Driver) greet(conn net.Conn) {
	defer d.work.Done()
	c := &card{driver: d, conn: conn, frames: NewReader(conn)}
	name, err := d.hello(c)
	if err != nil {
		if !errors.Is(err, net.ErrClosed) { // by who has said why, or with the driver
			d.refused(conn, err)
		}
		d.release(conn)
		return
	}
	d.log.Info("line card connected", "name", name, "from", conn.RemoteAddr())
	select {
	case d.cards <- c:
	case <-d.closed:
		d.release(conn)
	}
}

func (d *Driver) hello(c *card) (name string, err error) {
	if err := c.conn.SetDeadline(time.Now().Add(d.helloTime)); err != nil {
		return "", err
	}
	if name, err = readHello(c.frames, d.cfg.Token); err != nil {
		return "", err
	}
	if !d.take(c.conn) {
		return "", errSecond
	}
	answer, err := json.Marshal(AgentHello{Protocol: Protocol, Name: "tipring", Port: d.cfg.Port, Kind: d.cfg.Kind})
	if err != nil {
		return "", err
	}
	if _, err := c.conn.Write(Append(nil, Hello, answer...)); err != nil {
		return "", err
	}
	return name, c.live()
}
