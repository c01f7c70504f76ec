package dhcp

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"tipring/provisioning/lan"
)

// Config says how Inform asks.
type Config struct {
	Interface   string     // to ask through; empty: the first that is up and no loopback
	Address     netip.Addr // one of its IPv4 addresses; not valid: the first
	VendorClass string     // option 60, by which a server may choose; empty: tipring
	Log         *slog.Logger
}

const defaultVendorClass = "tipring"

// Inform asks the DHCP servers of an interface's network for options, as who has an
// address already does (RFC 2131 sections 3.4 and 4.4.3). It asks four times, after 1, 2 and
// 4 s more, and waits 10 s in all. The first acknowledgment with an Offer in it is taken;
// when one without came, another server has a second to say more. Whoever may not
// bind UDP port 68 (root, or CAP_NET_BIND_SERVICE) gets an error that says so.
func Inform(ctx context.Context, c Config) (Options, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	i, err := lan.Pick(c.Interface, c.Address)
	if err != nil {
		return nil, fmt.Errorf("DHCPINFORM: %w", err)
	}
	if len(i.MAC) != 6 {
		return nil, fmt.Errorf("DHCPINFORM: interface %s has no Ethernet address", i.Name)
	}
	conn, err := listen(ctx, i)
	if err != nil {
		return nil, fmt.Errorf("DHCPINFORM on %s: %w", i.Name, err)
	}
	defer func() { _ = conn.Close() }()
	o, err := ask(ctx, conn, newInquiry(i, c.VendorClass), c.Log)
	if err != nil {
		return nil, fmt.Errorf("DHCPINFORM on %s from %v: %w", i.Name, i.Addr, err)
	}
	return o, nil
}

func ask(ctx context.Context, conn lan.Conn, q *inquiry, log *slog.Logger) (Options, error) {
	if err := lan.Run(ctx, conn, q, log); err != nil {
		return nil, err
	}
	return q.result()
}

const (
	serverPort = 67
	clientPort = 68
)

// When the question is asked again, and for how long an answer is waited for.
var pauses = [...]time.Duration{time.Second, 2 * time.Second, 4 * time.Second}

const (
	whole    = 10 * time.Second // from the first question
	patience = time.Second      // from an answer that offers nothing
)

// An inquiry is one DHCPINFORM with its answers. It is a lan.Machine.
type inquiry struct {
	from   lan.Interface
	vendor string
	xid    uint32

	started, next, end time.Time
	asked              int
	over               bool    // nothing more is waited for
	offering, silent   Options // of the first acknowledgment that offers something, and that offers nothing
	ignored            int
	last               string // why the last one was ignored
}

func newInquiry(from lan.Interface, vendorClass string) *inquiry {
	if vendorClass == "" || len(vendorClass) > 255 {
		vendorClass = defaultVendorClass
	}
	var b [4]byte
	rand.Read(b[:]) // never fails
	return &inquiry{from: from, vendor: vendorClass, xid: binary.BigEndian.Uint32(b[:])}
}

// Expire sends the question when it is time to.
func (q *inquiry) Expire(now time.Time) []lan.Datagram {
	if q.started.IsZero() {
		q.started, q.next, q.end = now, now, now.Add(whole)
	}
	if q.Done() || now.Before(q.next) {
		return nil
	}
	if !now.Before(q.end) {
		q.over = true
		return nil
	}
	wire := q.question(now)
	q.next = q.end
	if q.asked < len(pauses) {
		q.next = now.Add(pauses[q.asked])
	}
	q.asked++
	broadcast := netip.AddrPortFrom(netip.AddrFrom4([4]byte{255, 255, 255, 255}), serverPort)
	return []lan.Datagram{{To: broadcast, Wire: wire}}
}

// Deadline is when the question is sent again or given up.
func (q *inquiry) Deadline() time.Time { return q.next }

// Done reports an answer that offers something, or that no more is waited for.
func (q *inquiry) Done() bool { return q.over || q.offering != nil }

// question is the message of RFC 2131 table 5 for DHCPINFORM.
func (q *inquiry) question(now time.Time) []byte {
	b := make([]byte, atOption, 400)
	b[0], b[1], b[2] = opRequest, 1, byte(len(q.from.MAC)) // 1: Ethernet
	binary.BigEndian.PutUint32(b[atXID:], q.xid)
	binary.BigEndian.PutUint16(b[atSecs:], uint16(now.Sub(q.started)/time.Second))
	addr := q.from.Addr.As4()
	copy(b[atCIAddr:], addr[:])
	copy(b[atCHAddr:], q.from.MAC)
	binary.BigEndian.PutUint32(b[atCookie:], cookie)
	b = appendOption(b, optMessageType, []byte{typeInform})
	b = appendOption(b, optClientID, append([]byte{1}, q.from.MAC...))
	b = appendOption(b, optMaxSize, []byte{1500 >> 8, 1500 & 0xff})
	b = appendOption(b, optVendorClass, []byte(q.vendor))
	b = appendOption(b, optParameters, Wanted())
	b = append(b, optEnd)
	const shortest = 300 // RFC 1542 section 2.1: some relays drop less
	return append(b, make([]byte, max(0, shortest-len(b)))...)
}

// Receive takes an acknowledgment of this question and ignores everything else.
func (q *inquiry) Receive(now time.Time, from netip.AddrPort, data []byte) []lan.Datagram {
	m, err := parse(data)
	if err == nil {
		err = q.check(m, from)
	}
	if err != nil {
		q.ignored++
		q.last = fmt.Sprintf("%v: %v", from, err)
		return nil
	}
	if offers, _ := m.options.Offers(); len(offers) > 0 {
		q.offering = m.options
	} else if q.silent == nil {
		q.silent = m.options
		if soon := now.Add(patience); soon.Before(q.end) {
			q.end = soon
		}
		q.next = q.end
	}
	return nil
}

// check compares an answer with the question (RFC 2131 section 4.4.3).
func (q *inquiry) check(m message, from netip.AddrPort) error {
	switch {
	case from.Port() != serverPort:
		return errors.New("not from a server's port")
	case m.op != opReply:
		return errors.New("no reply")
	case m.xid != q.xid:
		return errors.New("another transaction id")
	case !bytes.Equal(m.chaddr, q.from.MAC):
		return errors.New("another hardware address")
	case m.ciaddr != q.from.Addr && !m.ciaddr.IsUnspecified():
		return errors.New("another client's address")
	case !bytes.Equal(m.options[optMessageType], []byte{typeACK}):
		return errors.New("no DHCPACK")
	case len(m.options[optServerID]) != 4:
		return errors.New("no server identifier")
	}
	return nil
}

func (q *inquiry) result() (Options, error) {
	switch {
	case q.offering != nil:
		return q.offering, nil
	case q.silent != nil:
		return q.silent, nil
	case q.ignored > 0:
		return nil, fmt.Errorf("no server answered within %v; %d datagrams were no answers, the last from %s", whole, q.ignored, q.last)
	}
	return nil, fmt.Errorf("no server answered within %v", whole)
}
