// Package lab is the far side of a device, small enough to live in its own process: two
// SIP servers, primary and backup, each a registrar (RFC 3261 section 10) and a
// transaction-stateful proxy (section 16) with digest authentication, and a telephone at
// the far end whose calls sound back. The servers can die in several ways and come back.
// A RADIUS server that knows whose device it is, and a server of files for it, stand
// beside them where they are wanted.
// `tipring demo` and tests stand it up on loopback, on free ports.
//
// The servers know no DNS and open no connection: over TCP and TLS a subscriber is
// reached by the connection it made. A request is sent to one contact, the latest; what
// one server does not have bound it asks of the other.
package lab

import (
	"errors"
	"log/slog"
	"net/netip"

	"tipring/internal/ua/digest"
	"tipring/internal/ua/transaction"
)

// Config is what a lab is made of. The zero value of every field but Users works.
type Config struct {
	Users   map[string]string // passwords by user name; the same at both servers
	Domains []string          // names the servers answer to, besides their addresses
	TLS     bool              // listen for TLS too, with a certificate made for the occasion

	Radius *RadiusConfig // nil: no RADIUS server
	Files  *FilesConfig  // nil: no server of files

	Algorithms []digest.Algorithm // offered in challenges; empty: SHA-256, then MD5

	MinExpiresS, MaxExpiresS int // shorter bindings are refused by 423, longer ones cut; 0: 1 and 3600

	Timers transaction.Timers
	Hook   func(Event) // told what happens, on the servers' goroutines; must not block
	Log    *slog.Logger
}

// FarUser is the number of the far telephone.
const FarUser = "600"

// Addresses of the lab: all of loopback answers. Two servers that differ in more than a
// port look to a device as two servers do in the field.
var (
	primaryAddr = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	backupAddr  = netip.AddrFrom4([4]byte{127, 0, 0, 2})
	farAddr     = netip.AddrFrom4([4]byte{127, 0, 0, 3})
	radiusAddr  = netip.AddrFrom4([4]byte{127, 0, 0, 4})
	filesAddr   = netip.AddrFrom4([4]byte{127, 0, 0, 5})
)

// A Lab is two servers and a far telephone, and what else Config wants.
type Lab struct {
	Primary, Backup *Server
	Far             *FarEnd
	Radius          *Radius // nil: not wanted
	Files           *Files  // nil: not wanted
}

// Start stands the lab up.
func Start(cfg Config) (*Lab, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	l := &Lab{}
	if err := l.start(cfg); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (l *Lab) start(cfg Config) (err error) {
	if l.Primary, err = NewServer("primary", primaryAddr, cfg); err != nil {
		return err
	}
	if l.Backup, err = NewServer("backup", backupAddr, cfg); err != nil {
		return err
	}
	if l.Far, err = NewFarEnd(farAddr, cfg.Timers, cfg.Log); err != nil {
		return err
	}
	if cfg.Radius != nil {
		if l.Radius, err = NewRadius(radiusAddr, *cfg.Radius); err != nil {
			return err
		}
	}
	if cfg.Files != nil {
		if l.Files, err = NewFiles(filesAddr, *cfg.Files); err != nil {
			return err
		}
	}
	l.Primary.Join(l.Backup)
	l.Backup.Join(l.Primary)
	for _, s := range []*Server{l.Primary, l.Backup} {
		s.Route(FarUser, l.Far.Addr())
		s.Route(FaxUser, l.Far.Addr())
	}
	return nil
}

// Close takes everything down and waits for it.
func (l *Lab) Close() error {
	var errs []error
	if l.Files != nil {
		errs = append(errs, l.Files.Close())
	}
	if l.Radius != nil {
		errs = append(errs, l.Radius.Close())
	}
	if l.Far != nil {
		errs = append(errs, l.Far.Close())
	}
	for _, s := range []*Server{l.Primary, l.Backup} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(errs...)
}
