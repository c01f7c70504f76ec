package provisioning

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"time"

	"tipring/internal/config"
	"tipring/provisioning/fetch"
)

// Files fetches files as [provisioning] says.
type Files struct {
	Model, Version string
	Now            func() time.Time // the clock that certificates are judged by
	Newest         func() uint64    // version of the sealed file in force
	Log            *slog.Logger

	// Trust reads who may vouch for servers, nil for the system's, and the certificate that
	// the device shows; nil: none.
	Trust func(config.Provisioning) (*x509.CertPool, *tls.Certificate, error)
}

// Fetch brings a file.
func (f Files) Fetch(ctx context.Context, r Request, s Search) (File, error) {
	p := s.Config.Provisioning
	roots, certificate, err := f.Trust(p)
	if err != nil {
		return File{}, err
	}
	m := fetch.Macros{
		MAC: s.Identity.MAC, Serial: s.Identity.Serial, Account: s.Account, Arg: s.Arg, Model: f.Model, Version: f.Version,
	}
	url, err := fetch.Expand(r.URL, m)
	if err != nil {
		return File{}, err
	}
	client := fetch.New(fetch.Config{
		Roots: roots, Certificate: certificate, UserAgent: fetch.UserAgent(m), AllowClear: p.AllowClearSecrets, Now: f.Now, Log: f.Log,
	})
	got, err := client.Fetch(ctx, fetch.Request{URL: url, SHA256: r.SHA256, ETag: r.ETag, LastModified: r.LastModified})
	if err != nil {
		if got.RetryAfter > 0 {
			err = &RetryError{After: got.RetryAfter, Err: err}
		}
		return File{URL: got.URL}, err
	}
	return f.open(s, File{
		URL: got.URL, Data: got.Data, ETag: got.ETag, LastModified: got.LastModified, NotModified: got.NotModified, Secure: got.Secure,
	})
}
