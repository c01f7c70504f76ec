package lines

import (
	"bytes"
	"log/slog"
	"testing"
)

func TestRecordsTellTheLine(t *testing.T) {
	var out bytes.Buffer
	plain := slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})
	log := slog.New(numbered{plain, 7})
	log.Info("registered", "aor", "sip:7@pbx.example")
	log.With("server", "primary").Warn("gone")
	log.WithGroup("call").Info("ended", "id", 3)
	log.Debug("nothing")
	want := "level=INFO msg=registered line=7 aor=sip:7@pbx.example\n" +
		"level=WARN msg=gone line=7 server=primary\n" +
		"level=INFO msg=ended line=7 call.id=3\n"
	if got := out.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
