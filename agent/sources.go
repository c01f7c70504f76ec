package agent

import (
	"crypto/tls"
	"crypto/x509"

	"tipring/internal/config"
	"tipring/provisioning"
	"tipring/provisioning/dhcp"
	"tipring/provisioning/pnp"
)

// model is what the device tells servers that it is.
const model = "tipring"

// finders are the sources of settings, by the words of [provisioning] order.
func (a *Agent) finders() map[string]provisioning.Finder {
	return map[string]provisioning.Finder{
		"radius": provisioning.Radius{Directory: a.directory},
		"dhcp":   provisioning.DHCP{Root: "/", Config: dhcp.Config{Log: a.log}},
		"pnp":    provisioning.PnP{Config: pnp.Config{Vendor: "tipring", Model: model, Version: a.opts.Version, Log: a.log}},
		"static": provisioning.Static{},
	}
}

// fetcher brings the files that sources name.
func (a *Agent) fetcher() provisioning.Fetcher {
	return provisioning.Files{
		Model: model, Version: a.opts.Version, Now: a.clock.Now, Log: a.log, Trust: trustOf,
		Newest: func() uint64 { return uint64(a.store.Memory().Seal) },
	}
}

// trustOf reads who may vouch for provisioning servers, and what this device shows them.
func trustOf(p config.Provisioning) (*x509.CertPool, *tls.Certificate, error) {
	t, err := readTrust(p.TLSCAFile)
	if err != nil || p.TLSCert == "" {
		return t.pool, nil, err
	}
	cert, err := readNamedFile(p.TLSCert)
	if err != nil {
		return nil, nil, err
	}
	key, err := readNamedFile(p.TLSKey)
	if err != nil {
		return nil, nil, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	return t.pool, &pair, err
}
