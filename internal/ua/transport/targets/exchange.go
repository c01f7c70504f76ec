package targets

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// errRefusal is in the errors of a server that answered, but not the question.
var errRefusal = errors.New("no answer to the question")

// exchange asks one server: over UDP, again without EDNS where it does not know that,
// and over TCP when the answer was cut.
func (r *Resolver) exchange(ctx context.Context, server netip.AddrPort, q question, timeout time.Duration) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	a, err := roundTrip(ctx, "udp", server, q, true)
	if err == nil && (a.rcode == dnsmessage.RCodeFormatError || a.rcode == dnsmessage.RCodeNotImplemented) {
		a, err = roundTrip(ctx, "udp", server, q, false)
	}
	if err == nil && a.cut {
		var whole *answer
		if whole, err = roundTrip(ctx, "tcp", server, q, true); err == nil {
			a = whole
		} else if !a.empty() {
			err = nil // what there is will do
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", server, plain(err))
	}
	r.answered(server)
	switch {
	case a.lame:
		return nil, fmt.Errorf("%s: %w: knows nothing of it", server, errRefusal)
	case a.rcode != dnsmessage.RCodeSuccess && a.rcode != dnsmessage.RCodeNameError:
		return nil, fmt.Errorf("%s: %w: %s", server, errRefusal, rcodeName(a.rcode))
	}
	return a, nil
}

func rcodeName(c dnsmessage.RCode) string {
	switch c {
	case dnsmessage.RCodeFormatError:
		return "FORMERR"
	case dnsmessage.RCodeServerFailure:
		return "SERVFAIL"
	case dnsmessage.RCodeNotImplemented:
		return "NOTIMP"
	case dnsmessage.RCodeRefused:
		return "REFUSED"
	}
	return fmt.Sprintf("rcode %d", c)
}

// plain takes the words off an error that its reader knows already.
func plain(err error) error {
	var op *net.OpError
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		return errors.New("no answer in time")
	case errors.As(err, &op):
		return op.Err
	}
	return err
}

// roundTrip sends the question and waits for its answer.
func roundTrip(ctx context.Context, network string, server netip.AddrPort, q question, edns bool) (*answer, error) {
	var random [2]byte
	if _, err := rand.Read(random[:]); err != nil {
		return nil, err
	}
	id := binary.BigEndian.Uint16(random[:])
	query, err := q.ask(id, edns)
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, server.String())
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if network == "tcp" {
		return q.overTCP(conn, query, id)
	}
	return q.overUDP(conn, query, id)
}

// overUDP takes the first answer to the question. What else comes may be a forgery, and
// is passed over.
func (q question) overUDP(conn net.Conn, query []byte, id uint16) (*answer, error) {
	if _, err := conn.Write(query); err != nil {
		return nil, err
	}
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return nil, err
		}
		a, err := q.parse(buf[:n], id)
		if err == nil {
			return a, nil
		}
		if id == idOf(buf[:n]) && !errors.Is(err, errNotOurs) {
			return nil, fmt.Errorf("%w: %v", errRefusal, err)
		}
	}
}

func idOf(msg []byte) uint16 {
	if len(msg) < 2 {
		return 0
	}
	return binary.BigEndian.Uint16(msg)
}

// overTCP frames messages with their length (RFC 1035 section 4.2.2).
func (q question) overTCP(conn net.Conn, query []byte, id uint16) (*answer, error) {
	framed := append(binary.BigEndian.AppendUint16(nil, uint16(len(query))), query...)
	if _, err := conn.Write(framed); err != nil {
		return nil, err
	}
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil, err
	}
	msg := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(conn, msg); err != nil {
		return nil, err
	}
	a, err := q.parse(msg, id)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", errRefusal, err)
	}
	a.cut = false
	return a, nil
}

// hasIPv6 reports an interface with an IPv6 address that reaches beyond its link.
func hasIPv6() bool {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return true
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() == nil && n.IP.IsGlobalUnicast() {
			return true
		}
	}
	return false
}
