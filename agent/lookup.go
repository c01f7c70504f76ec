package agent

import (
	"context"
	"errors"
	"fmt"

	"tipring/internal/aaa"
	"tipring/internal/faxback"
	"tipring/internal/faxback/lookup"
	"tipring/webui/api"
)

// directory is the provider's, as the HTTP interface asks it: the servers themselves, and not
// what they answered once.
type directory struct{ a *Agent }

func (d directory) Lookup(ctx context.Context, q lookup.Question) (lookup.Answer, error) {
	asked, _, err := d.a.servers()
	switch {
	case err != nil:
		return lookup.Answer{}, fmt.Errorf("%w: %w", err, api.ErrConflict)
	case asked == nil:
		return lookup.Answer{}, fmt.Errorf("[radius] has no servers: %w", api.ErrConflict)
	}
	r := d.a.config().Radius
	f := lookup.Ask(ctx, asked, q, lookup.Self{Account: r.Account, Password: r.Password, Version: d.a.opts.Version})
	if f.Reply.Answered {
		return f.Answer(), nil
	}
	return lookup.Answer{}, refusal(f)
}

// refusal is why nobody answered.
func refusal(f lookup.Finding) error {
	switch {
	case !f.Asked():
		return fmt.Errorf("%w: %w", f.Err, api.ErrInvalid)
	case errors.Is(f.Err, lookup.ErrNoAccount), errors.Is(f.Err, faxback.ErrNotNumbered):
		return fmt.Errorf("%w: %w", f.Err, api.ErrConflict)
	case errors.Is(f.Err, aaa.ErrClosed):
		return fmt.Errorf("%w: %w", f.Err, api.ErrUnavailable)
	}
	return fmt.Errorf("%w: %w", f.Err, api.ErrNoAnswer)
}
