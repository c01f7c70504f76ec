package agent

import (
	"errors"
	"log/slog"
	"net"
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

// A receiver takes syslog messages on loopback.
type receiver struct {
	addr string
	msgs chan string
}

func newReceiver(t *testing.T) receiver {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := receiver{conn.LocalAddr().String(), make(chan string, 1000)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 2048)
		for {
			n, _, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			r.msgs <- string(buf[:n])
		}
	}()
	t.Cleanup(func() { conn.Close(); <-done })
	return r
}

// until takes messages up to one that ends so.
func (r receiver) until(t *testing.T, end string) (all string) {
	t.Helper()
	for late := time.After(patience); ; {
		select {
		case m := <-r.msgs:
			if all += m + "\n"; strings.HasSuffix(m, end) {
				return all
			}
		case <-late:
			t.Fatalf("not received: %s\n%s", end, all)
		}
	}
}

// Every record goes to standard error and to the syslog server, from the first to the last;
// a reload changes the server.
func TestLogIsSentToSyslog(t *testing.T) {
	first, second := newReceiver(t), newReceiver(t)
	device := func(more string) string { return "[device]\nmac = 0c:38:3e:00:ab:01\n" + more + base }
	var r *rig
	t.Run("agent", func(t *testing.T) {
		r = start(t, device("syslog = "+first.addr+"\n"))
		got := first.until(t, " started")
		if !strings.HasPrefix(got, "<134>1 ") || !strings.Contains(got, " 0C383E00AB01 tipring ") || !strings.Contains(got, `version="test" mac="0C383E00AB01"`) {
			t.Error(got)
		}
		r.reload(device("syslog = " + second.addr + "\n"))
		if got := second.until(t, " configuration changed"); !strings.Contains(got, `section="device" kind="changed" keys="[syslog\]"`) {
			t.Error(got)
		}
		r.reload(device(""))
		r.reload(device("log_level = debug\n"))
		r.reload(device("syslog = " + first.addr + "\nlog_level = debug\n"))
		r.write(device("syslog = 10.0.0.256\n"))
		if err := r.Reload(); err == nil {
			t.Error("a server that cannot be meant was taken")
		}
		if got := first.until(t, " configuration refused"); !strings.Contains(got, `<131>1 `) || !strings.Contains(got, "syslog = 10.0.0.256") {
			t.Error(got)
		}
	})
	if got := first.until(t, " stopped"); strings.Contains(got, "syslog messages lost") {
		t.Error(got)
	}
	if len(second.msgs) > 0 || r.syslog.Lost() != 0 {
		t.Errorf("%d messages after the change of the server, %d lost", len(second.msgs), r.syslog.Lost())
	}
	if !r.logged("msg=stopped") || !r.logged("msg=started") {
		t.Error(r.log)
	}
}
