package agent

import (
	"io"
	"log/slog"

	"tipring/internal/config"
)

// newLog makes the log of [device] log_level and log_format. The level can be changed
// while it runs.
func newLog(w io.Writer, format string, level *slog.LevelVar) *slog.Logger {
	o := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
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
