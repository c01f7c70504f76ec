package aaa

import (
	"context"
	"errors"
	"log/slog"
)

// Cached asks a Client and has a Cache for the time when nobody answers: an
// Access-Accept is kept, an Access-Reject forgets it, and without any answer the
// kept one is returned with Stored and its time.
//
// Questions with a User-Password go past the Cache: a kept answer to one would let
// any password in. So does accounting.
type Cached struct {
	Client interface {
		Exchange(context.Context, Request) (Response, error)
	}
	Cache *Cache
	Log   *slog.Logger // nil: none
}

// Exchange is Client's, with the Cache behind it. A fault of the Cache is logged and
// takes nothing from the answer.
func (c Cached) Exchange(ctx context.Context, r Request) (Response, error) {
	answer, err := c.Client.Exchange(ctx, r)
	if _, secret := r.Attributes.Lookup(UserPassword); secret || r.Code != AccessRequest {
		return answer, err
	}
	switch {
	case err == nil && answer.Code == AccessAccept:
		c.complain(c.Cache.Store(r, answer))
	case err == nil && answer.Code == AccessReject:
		c.complain(c.Cache.Remove(r))
	case errors.Is(err, ErrNoAnswer) && !errors.Is(err, context.Canceled):
		if kept, ok := c.Cache.Load(r); ok {
			c.log().Warn("RADIUS answer from the last good one", "server", kept.Server, "at", kept.At, "because", err)
			return kept, nil
		}
	}
	return answer, err
}

func (c Cached) complain(err error) {
	if err != nil {
		c.log().Error("RADIUS answer not kept", "error", err)
	}
}

func (c Cached) log() *slog.Logger {
	if c.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Log
}
