package agent

import (
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tipring/internal/config"
	"tipring/internal/sipmsg"
	"tipring/internal/ua/transport"
	"tipring/registrar"
)

// Both formats tell the same, in words: a server's number in an enumeration, or what a
// type is made of, means nothing to whoever reads the log.
func TestBothLogFormatsSpeakInWords(t *testing.T) {
	facts := []any{
		"server", registrar.Backup, "transport", transport.TLS, "peer", netip.MustParseAddrPort("192.0.2.1:5060"),
		"kind", config.Added, "aor", sipmsg.URI{Scheme: "sip", User: "201", Host: "h"}, "err", errors.New("no answer"), "calls", 2, "on", true,
		"at", time.Date(2026, 3, 1, 9, 0, 0, 5e6, time.UTC),
	}
	for format, want := range map[string]string{
		"text": `level=INFO msg=registered server=backup transport=tls peer=192.0.2.1:5060 kind=added aor=sip:201@h err="no answer" calls=2 on=true at=2026-03-01T09:00:00.005Z` + "\n",
		"json": `"level":"INFO","msg":"registered","server":"backup","transport":"tls","peer":"192.0.2.1:5060","kind":"added","aor":"sip:201@h","err":"no answer","calls":2,"on":true,"at":"2026-03-01T09:00:00.005Z"}` + "\n",
	} {
		var b strings.Builder
		newLog(&b, format, new(slog.LevelVar)).Info("registered", facts...)
		if !strings.HasSuffix(b.String(), want) {
			t.Errorf("%s: %swant %s", format, b.String(), want)
		}
	}
}
