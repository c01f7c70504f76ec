package provisioning

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tipring/internal/config"
	"tipring/internal/faxback"
	"tipring/provisioning/dhcp"
	"tipring/provisioning/pnp"
)

// Static is the source of [provisioning] url.
type Static struct{}

// Find tells the URL, if there is one.
func (Static) Find(_ context.Context, s Search) (Finding, error) {
	url := s.Config.Provisioning.URL
	if url == "" {
		return Finding{}, nil
	}
	return Finding{Source: "static", Offers: []Offer{{Source: "static", URL: url}}}, nil
}

// Radius is the source of RADIUS: the account of this device, its argument, and its
// numbers.
type Radius struct {
	// Directory is the one to ask; nil without servers.
	Directory func() (*faxback.Directory, error)
}

// Find asks by MAC address and serial number.
func (r Radius) Find(ctx context.Context, s Search) (Finding, error) {
	d, err := r.Directory()
	if d == nil || err != nil {
		return Finding{}, err
	}
	p, err := d.Provision(ctx, s.Identity.MAC.Upper(), s.Identity.Serial)
	var flag *faxback.FlagError
	state := accountState(p, err)
	if err != nil && !errors.As(err, &flag) {
		return Finding{State: state}, err
	}
	f := Finding{Source: p.Source(), State: state, Account: p.Account.Name, Arg: p.Argument.Opaque, Clear: !p.Secure}
	if p.Account.Profiled() {
		f.Profile = &p.Account.Profile
	}
	details, notes := p.Settings(len(s.Config.Ports))
	f.Details = s.open(details)
	for _, n := range append(p.Notes, notes...) {
		f.Notes = append(f.Notes, NotUnderstood{Source: f.Source, Text: n})
	}
	if flag != nil {
		f.Notes = append(f.Notes, NotUnderstood{Source: f.Source, Text: flag.Error()})
	}
	if p.Argument.Secrets() && !p.Secure && !s.Config.Provisioning.AllowClearSecrets {
		return f, fmt.Errorf("FB-Provisioning-Arg: %w", ErrClear)
	}
	f.Settings = p.Argument.Settings
	if p.Argument.URL != "" {
		f.Offers = []Offer{{Source: f.Source, URL: p.Argument.URL, SHA256: p.Argument.SHA256}}
	}
	return f, nil
}

// open leaves out of what an account's numbers mean what the device says itself: a line
// may have a user name that is not its number, and a port another line.
func (s Search) open(details []config.Setting) (left []config.Setting) {
	for _, d := range details {
		if (d.Key == "username" || d.Key == "line") && s.said(d.Section, d.Key) {
			continue
		}
		left = append(left, d)
	}
	return left
}

// said reports a value that the device's own files have, or a person on it.
func (s Search) said(section, key string) bool {
	source, _, ok := s.Config.Source(section, key)
	return ok && (source == "local" || strings.HasPrefix(source, "factory:") || strings.HasPrefix(source, "file:"))
}

// DHCP is the source of DHCP: the lease of the system's client, and what the servers say
// when they are asked, should that say nothing.
type DHCP struct {
	Root   string // where the clients keep their leases: / on a device
	Config dhcp.Config
}

// Find reads the lease, and asks the servers when that says nothing, or when its client does
// not keep whole what they said.
func (d DHCP) Find(ctx context.Context, s Search) (Finding, error) {
	found, err := dhcp.Find(d.Root, d.Config.Interface, time.Now())
	f := d.read(s, found.Options, found.Notes)
	if f.ends() && len(found.Lost) == 0 {
		return f, nil
	}
	options, e := dhcp.Inform(ctx, d.Config)
	if e != nil {
		if err == nil || errors.Is(err, dhcp.ErrNoLease) {
			err = e
		}
		if f.ends() || len(f.Details) > 0 {
			return f, nil // the lease said something
		}
		return f, err
	}
	return d.read(s, options, nil), nil
}

// read makes a finding of options.
func (d DHCP) read(s Search, o dhcp.Options, notes []string) Finding {
	f := Finding{Source: "dhcp"}
	offers, more := o.Offers()
	for _, n := range append(notes, more...) {
		f.Notes = append(f.Notes, NotUnderstood{Source: "dhcp", Text: n})
	}
	for _, offer := range offers {
		source := fmt.Sprintf("dhcp:%d", offer.Option)
		if offer.URL != "" {
			f.Offers = append(f.Offers, Offer{Source: source, URL: offer.URL})
			continue
		}
		f.Source = source
		f.Details = append(f.Details, s.servers(offer.SIPServers)...)
	}
	return f
}

// servers gives lines that have no server the ones of option 120: the first for the
// primary, the second for the backup.
func (s Search) servers(servers []string) (details []config.Setting) {
	for _, line := range s.Config.Lines {
		section := fmt.Sprintf("sip%d", line.N)
		for i, key := range []string{"register_addr", "backup_addr"} {
			if i < len(servers) && s.lacks(section, key) {
				details = append(details, config.Setting{Section: section, Key: key, Value: servers[i]})
			}
		}
	}
	return details
}

// lacks reports a value that is empty, or came by DHCP before.
func (s Search) lacks(section, key string) bool {
	value, _ := s.Config.Value(section, key)
	source, _, _ := s.Config.Source(section, key)
	return value == "" || strings.HasPrefix(source, "dhcp:")
}

// PnP is the source of SIP plug and play. Any host of the network may answer, so that a
// device which has a line is not to be told where its settings are, unless it says so.
type PnP struct {
	Config pnp.Config
}

// Find asks the network.
func (p PnP) Find(ctx context.Context, s Search) (Finding, error) {
	switch s.Config.Provisioning.PnP {
	case "off":
		return Finding{}, nil
	case "unconfigured":
		if configured(s.Config) {
			return Finding{}, nil
		}
	}
	c := p.Config
	c.MAC = s.Identity.MAC
	offer, err := pnp.Ask(ctx, c)
	if err != nil {
		return Finding{}, err
	}
	source := "pnp:" + offer.Server
	f := Finding{Source: source, Offers: []Offer{{Source: source, URL: offer.URL}}}
	if offer.Refused > 0 {
		f.Notes = []NotUnderstood{{Source: source, Text: fmt.Sprintf("%d NOTIFYs of other hosts were turned away", offer.Refused)}}
	}
	return f, nil
}

// configured reports a device with a line that has a server.
func configured(c *config.Config) bool {
	for _, l := range c.Lines {
		if l.Enabled && l.RegisterAddr != "" {
			return true
		}
	}
	return false
}
