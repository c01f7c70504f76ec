package lines

import (
	"context"
	"log/slog"
)

// numbered is a handler whose records tell the line's number. What the handlers below make of
// an attribute in advance is half a kilobyte, and an idle line has nothing to say: they make it
// when there is a record.
type numbered struct {
	slog.Handler
	line int
}

func (h numbered) told() slog.Handler {
	return h.Handler.WithAttrs([]slog.Attr{slog.Int("line", h.line)})
}

// Handle implements slog.Handler.
func (h numbered) Handle(ctx context.Context, r slog.Record) error { return h.told().Handle(ctx, r) }

// WithAttrs implements slog.Handler.
func (h numbered) WithAttrs(attrs []slog.Attr) slog.Handler { return h.told().WithAttrs(attrs) }

// WithGroup implements slog.Handler.
func (h numbered) WithGroup(name string) slog.Handler { return h.told().WithGroup(name) }
