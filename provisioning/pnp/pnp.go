// Package pnp finds where the device's configuration is by SIP plug and play: it subscribes
// to the ua-profile of this device at the multicast group 224.0.1.75 (RFC 6080, RFC
// 6665), as telephones of several makers do, and takes the URL out of the NOTIFY that
// whoever serves the network's devices sends. It fetches nothing, and registers nothing.
//
// Any host of the network can answer. So a URL counts only when it comes out of the
// subscription asked for: responses are matched by branch, Call-ID, CSeq and tag, a NOTIFY
// by Call-ID and tags, and by the host that accepted the subscription; whoever else sends
// one gets a 481. What the URL may be, provisioning/lan says; whether a stranger is to
// be asked at all is for the caller to decide (devices that are configured should not).
package pnp

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"

	"tipring/internal/config"
	"tipring/provisioning/lan"
)

// Config says who asks.
type Config struct {
	MAC                    config.MAC // of the device, which may be another than the interface's
	Vendor, Model, Version string     // parameters of the Event; left out when empty
	Interface              string     // to ask through; empty: the first that is up and no loopback
	Address                netip.Addr // one of its IPv4 addresses; not valid: the first
	Log                    *slog.Logger
}

// An Offer is where a configuration is said to be.
type Offer struct {
	URL     string // tftp, http or https, with macros
	Server  string // the address of the host that said so
	Refused int    // NOTIFYs of others that were turned away
}

// Group is where devices ask (RFC 3261 section 18.1.1, sip.mcast.net).
var Group = netip.AddrPortFrom(netip.AddrFrom4([4]byte{224, 0, 1, 75}), 5060)

// Ask asks once, repeating the SUBSCRIBE for 5 s; whoever accepts it has as long again for
// the NOTIFY. The error says who answered what.
func Ask(ctx context.Context, c Config) (Offer, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	i, err := lan.Pick(c.Interface, c.Address)
	if err != nil {
		return Offer{}, fmt.Errorf("SIP PnP: %w", err)
	}
	conn, local, err := listen(ctx, i)
	if err != nil {
		return Offer{}, fmt.Errorf("SIP PnP on %s: %w", i.Name, err)
	}
	defer func() { _ = conn.Close() }()
	offer, err := ask(ctx, conn, c, local)
	if err != nil {
		return offer, fmt.Errorf("SIP PnP on %s from %v: %w", i.Name, local, err)
	}
	return offer, nil
}

func ask(ctx context.Context, conn lan.Conn, c Config, local netip.AddrPort) (Offer, error) {
	q, err := newInquiry(c, local)
	if err != nil {
		return Offer{}, err
	}
	if err := lan.Run(ctx, conn, q, c.Log); err != nil {
		return Offer{}, err
	}
	return q.result()
}
