package agent

import (
	"fmt"
	"io"
	"log/slog"
	"time"

	"tipring/internal/config"
)

// newLog makes the log of [device] log_level and log_format. The level can be changed
// while it runs.
func newLog(w io.Writer, format string, level *slog.LevelVar) *slog.Logger {
	o := &slog.HandlerOptions{Level: level}
	if format == "json" {
		o.ReplaceAttr = inWords
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// inWords gives JSON what text has: values that know their own words (a server, a state,
// an address) in those, and the time in milliseconds.
func inWords(_ []string, at slog.Attr) slog.Attr {
	switch v := at.Value.Any().(type) {
	case time.Time:
		at.Value = slog.StringValue(v.Format("2006-01-02T15:04:05.000Z07:00"))
	case time.Duration, slog.Level, error: // slog has their words
	case fmt.Stringer:
		at.Value = slog.StringValue(v.String())
	}
	return at
}

// setLevel takes over log_level.
func setLevel(level *slog.LevelVar, d config.Device) {
	switch d.LogLevel {
	case "debug":
		level.Set(slog.LevelDebug)
	case "warn":
		level.Set(slog.LevelWarn)
	case "error":
		level.Set(slog.LevelError)
	default:
		level.Set(slog.LevelInfo)
	}
}
