package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"
)

// dialStream connects and, for TLS, shakes hands.
func (l *Layer) dialStream(ctx context.Context, t Target) (net.Conn, error) {
	d := net.Dialer{
		KeepAliveConfig: keepAlive,
		Control: func(_, _ string, c syscall.RawConn) error {
			return control(c, func(fd int) error {
				mark(fd, l.cfg.DSCP)
				return streamOptions(fd, t.Device, l.cfg.UserTimeout)
			})
		},
	}
	if bind := l.cfg.Bind; bind.IsValid() && !bind.IsUnspecified() {
		d.LocalAddr = &net.TCPAddr{IP: bind.AsSlice(), Zone: bind.Zone()}
	}
	conn, err := d.DialContext(ctx, "tcp", t.Addr.String())
	if err != nil {
		return nil, connectError(err)
	}
	if t.Proto != TLS {
		return conn, nil
	}
	secure := tls.Client(conn, l.clientTLS(t))
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, handshakeError(err)
	}
	return secure, nil
}

// keepAlive has the kernel notice, on a connection where nothing is said for long, that
// its far end is gone: after 90 s.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 60 * time.Second, Interval: 10 * time.Second, Count: 3}

func connectError(err error) error {
	if errors.Is(err, context.DeadlineExceeded) || isTimeout(err) {
		return errors.New("connect: no answer in time")
	}
	return fmt.Errorf("connect: %w", cause(err))
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// clientTLS is the configuration for connections to t, whose certificate must be valid
// for its name, or for its address where it was asked for by address.
func (l *Layer) clientTLS(t Target) *tls.Config {
	cfg := &tls.Config{}
	if l.cfg.TLS != nil {
		cfg = l.cfg.TLS.Clone()
	}
	cfg.ServerName = t.Name
	if cfg.ServerName == "" {
		cfg.ServerName = t.Addr.Addr().WithZone("").String()
	}
	cfg.InsecureSkipVerify = false
	if cfg.MinVersion < tls.VersionTLS12 {
		cfg.MinVersion = tls.VersionTLS12
	}
	return cfg
}

// handshakeError says why a server was not believed.
func handshakeError(err error) error {
	var (
		invalid x509.CertificateInvalidError
		unknown x509.UnknownAuthorityError
		host    x509.HostnameError
		op      *net.OpError
	)
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil:
		return fmt.Errorf("TLS: certificate of %q is valid from %s to %s, not now: %w",
			invalid.Cert.Subject.CommonName, day(invalid.Cert.NotBefore), day(invalid.Cert.NotAfter), err)
	case errors.As(err, &unknown) && unknown.Cert != nil:
		return fmt.Errorf("TLS: certificate of %q is signed by %q, an authority that is not trusted here: %w",
			unknown.Cert.Subject.CommonName, unknown.Cert.Issuer.CommonName, err)
	case errors.As(err, &host):
		return fmt.Errorf("TLS: certificate is for another server: %w", err)
	case errors.As(err, &op) && op.Op == "remote error":
		return fmt.Errorf("TLS: refused by the server: %w", op.Err)
	case errors.Is(err, context.DeadlineExceeded) || isTimeout(err):
		return errors.New("TLS: handshake not finished in time")
	case errors.Is(err, io.EOF):
		return errors.New("TLS: closed by the far end in the handshake")
	}
	return fmt.Errorf("TLS: %w", err)
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02") }
