package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"tipring/internal/config"
	"tipring/webui/api"
)

// The bounds of what is remembered of the log.
const (
	bookLines  = 500
	bookOctets = 128 << 10
	lineCost   = 64 // octets that a line takes besides its text
)

// A logbook remembers the last lines of the log, for those who look at them on a page.
type logbook struct {
	mu     sync.Mutex
	lines  []api.LogLine // oldest first
	octets int
	last   int64        // id
	facts  bytes.Buffer // of the line that is being written

	follow func(api.LogLine) // is told of each line, on the goroutine that logs; nil: nobody
}

// handler is where a log is written so that the book remembers it.
func (b *logbook) handler(level slog.Leveler) slog.Handler {
	return bookHandler{b, slog.NewJSONHandler(&b.facts, &slog.HandlerOptions{Level: level, ReplaceAttr: factsOnly})}
}

// factsOnly leaves of a line what is not remembered beside its facts. The claim code is for who
// has the device at hand, and has been used when somebody can look at a page.
func factsOnly(groups []string, at slog.Attr) slog.Attr {
	if len(groups) == 0 && (at.Key == slog.TimeKey || at.Key == slog.LevelKey || at.Key == slog.MessageKey) {
		return slog.Attr{}
	}
	if at.Key == claimCode {
		at.Value = slog.StringValue(config.Mask)
	}
	if d, ok := at.Value.Any().(time.Duration); ok {
		at.Value = slog.StringValue(d.String())
	}
	return inWords(groups, at)
}

// A bookHandler writes into a book. Its JSON handler writes the facts of a line.
type bookHandler struct {
	book  *logbook
	facts slog.Handler
}

// Enabled implements slog.Handler.
func (h bookHandler) Enabled(ctx context.Context, l slog.Level) bool { return h.facts.Enabled(ctx, l) }

// WithAttrs implements slog.Handler.
func (h bookHandler) WithAttrs(as []slog.Attr) slog.Handler {
	return bookHandler{h.book, h.facts.WithAttrs(as)}
}

// WithGroup implements slog.Handler.
func (h bookHandler) WithGroup(name string) slog.Handler {
	return bookHandler{h.book, h.facts.WithGroup(name)}
}

// Handle implements slog.Handler.
func (h bookHandler) Handle(ctx context.Context, r slog.Record) error {
	b := h.book
	b.mu.Lock()
	b.facts.Reset()
	err := h.facts.Handle(ctx, r)
	line := api.LogLine{Time: api.At(r.Time), Level: levelName(r.Level), Message: cut(r.Message), Attrs: b.written()}
	if err == nil {
		line = b.add(line)
	}
	b.mu.Unlock()
	if err == nil && b.follow != nil {
		b.follow(line)
	}
	return err
}

// written is the facts of the line that was just written. A line that would take the room of
// too many others keeps none.
func (b *logbook) written() json.RawMessage {
	text := bytes.TrimSpace(b.facts.Bytes())
	if len(text) > bookOctets/16 || !json.Valid(text) {
		return json.RawMessage(`{}`)
	}
	return slices.Clone(text)
}

// cut bounds a message, which is a constant but for what others wrote.
func cut(message string) string {
	if len(message) <= bookOctets/64 {
		return message
	}
	return strings.ToValidUTF8(message[:bookOctets/64], "") + "…"
}

// add keeps a line. The lock is held.
func (b *logbook) add(l api.LogLine) api.LogLine {
	b.last++
	l.ID = b.last
	b.lines = append(b.lines, l)
	b.octets += octetsOf(l)
	first := 0
	for b.octets > bookOctets || len(b.lines)-first > bookLines {
		b.octets -= octetsOf(b.lines[first])
		first++
	}
	clear(b.lines[:first])
	b.lines = b.lines[first:] // append moves them to new room now and then
	return l
}

func octetsOf(l api.LogLine) int { return lineCost + len(l.Message) + len(l.Attrs) }

// all is what is remembered, the newest line last.
func (b *logbook) all() []api.LogLine {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.lines)
}

// levelName is the name of a level, as log_level has it.
func levelName(l slog.Level) string {
	switch {
	case l < slog.LevelInfo:
		return "debug"
	case l < slog.LevelWarn:
		return "info"
	case l < slog.LevelError:
		return "warn"
	}
	return "error"
}
