package agent

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"time"

	"tipring/internal/config"
	"tipring/internal/syslog"
)

// syslogTime is how long the end of the agent may take to send the last messages.
const syslogTime = time.Second

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

// newSyslog makes what sends the log to the syslog server, beside the log that is written and
// the one that is remembered. The claim code is for who has the device at hand: it is in the
// log that is written alone.
func newSyslog(written *slog.Logger, book *logbook, level *slog.LevelVar) (*syslog.Sink, *slog.Logger) {
	sink := syslog.New(syslog.Options{App: "tipring", Level: level, Log: written})
	return sink, slog.New(slog.NewMultiHandler(written.Handler(), book.handler(level), withoutClaim{sink.Handler()}))
}

// claimCode is the key of the claim code in a record.
const claimCode = "claim_code"

// A withoutClaim handler passes records on without the claim code.
type withoutClaim struct{ slog.Handler }

// Handle implements slog.Handler.
func (h withoutClaim) Handle(ctx context.Context, r slog.Record) error {
	masked := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	found := false
	r.Attrs(func(at slog.Attr) bool {
		if at.Key == claimCode {
			at.Value, found = slog.StringValue(config.Mask), true
		}
		masked.AddAttrs(at)
		return true
	})
	if found {
		r = masked
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h withoutClaim) WithAttrs(as []slog.Attr) slog.Handler {
	return withoutClaim{h.Handler.WithAttrs(as)}
}

// WithGroup implements slog.Handler.
func (h withoutClaim) WithGroup(name string) slog.Handler {
	return withoutClaim{h.Handler.WithGroup(name)}
}

// syslogTarget is where [device] has messages sent. The device calls itself by its MAC
// address, which its provider knows it by.
func syslogTarget(d config.Device, id config.Identity) syslog.Target {
	host, port, ok := config.SplitHostPort(d.Syslog)
	if !ok || d.Syslog == "" {
		return syslog.Target{}
	}
	t := syslog.Target{Server: net.JoinHostPort(host, strconv.Itoa(cmp.Or(port, syslog.Port)))}
	if t.Host = id.MAC.Upper(); id.MACSource == "" {
		t.Host, _ = os.Hostname()
	}
	return t
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
