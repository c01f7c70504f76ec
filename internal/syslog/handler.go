package syslog

import (
	"context"
	"log/slog"
	"slices"
)

// A handler puts records into a Sink.
type handler struct {
	sink  *Sink
	group string // of the attributes to come, with the point behind it
	attrs []byte // of the logger, as SD-PARAMs
}

// Handler is the Sink as part of a log. Its records are those of the Sink's level, while it
// has somebody to send them to.
func (s *Sink) Handler() slog.Handler { return handler{sink: s} }

func (h handler) Enabled(_ context.Context, l slog.Level) bool {
	return h.sink.on.Load() && l >= h.sink.opts.Level.Level()
}

func (h handler) Handle(_ context.Context, r slog.Record) error {
	h.sink.put(h.sink.format(r, h.group, h.attrs))
	return nil
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	p := params{text: slices.Clone(h.attrs), room: maxCommon}
	for _, a := range attrs {
		p.add(h.group, a)
	}
	h.attrs = p.text
	return h
}

func (h handler) WithGroup(name string) slog.Handler {
	if name != "" {
		h.group += name + "."
	}
	return h
}
