package agent

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tipring/registrar"
	"tipring/webui/api"
)

func TestLogbook(t *testing.T) {
	var b logbook
	level := new(slog.LevelVar)
	log := slog.New(b.handler(level)).With("line", 2)
	log.Debug("not wanted")
	log.Info("registered", "server", registrar.Backup, "registrar", netip.MustParseAddrPort("192.0.2.1:5060"), "expires_s", 300, "took", 1500*time.Millisecond, "secure", false)
	level.Set(slog.LevelDebug)
	log.WithGroup("sip").Debug("sent", "method", "REGISTER")
	log.Warn("lost", "err", errors.New(`no "answer" <at all>`), "level", "high", "keys", []string{"a", "b"})
	log.Error("broken")
	log.Info("no password yet", "claim_code", "06421482")
	for i, want := range []string{
		`{ID:1 Level:info Message:registered Attrs:{"line":2,"server":"backup","registrar":"192.0.2.1:5060","expires_s":300,"took":"1.5s","secure":false}}`,
		`{ID:2 Level:debug Message:sent Attrs:{"line":2,"sip":{"method":"REGISTER"}}}`,
		`{ID:3 Level:warn Message:lost Attrs:{"line":2,"err":"no \"answer\" <at all>","keys":["a","b"]}}`,
		`{ID:4 Level:error Message:broken Attrs:{"line":2}}`,
		`{ID:5 Level:info Message:no password yet Attrs:{"line":2,"claim_code":"********"}}`,
	} {
		l := b.all()[i]
		if got := fmt.Sprintf("{ID:%d Level:%s Message:%s Attrs:%s}", l.ID, l.Level, l.Message, l.Attrs); got != want || l.Time.IsZero() {
			t.Errorf("line %d at %v:\n%s\nwant\n%s", i, l.Time, got, want)
		}
	}
	if got := b.all()[2].Facts(); got != ` line=2 err=no "answer" <at all> keys=["a","b"]` {
		t.Errorf("to be read: %s", got)
	}
}

// What is remembered has bounds, whatever is logged.
func TestALogbookIsBounded(t *testing.T) {
	for _, tt := range []struct {
		name  string
		text  string
		lines int
	}{
		{"short lines", "x", bookLines},
		{"long lines", strings.Repeat("x", 1000), bookOctets / 1100},
		{"endless lines", strings.Repeat("x", 1<<20), 50},
	} {
		var b logbook
		log := slog.New(b.handler(slog.LevelDebug))
		for range 2 * bookLines {
			log.Info(tt.text, "text", tt.text)
		}
		all := b.all()
		octets := 0
		for _, l := range all {
			octets += octetsOf(l)
		}
		if octets > bookOctets || octets != b.octets || len(all) > bookLines || len(all) < tt.lines/2 || all[len(all)-1].ID != 2*bookLines {
			t.Errorf("%s: %d lines of %d octets (%d counted), the last %d", tt.name, len(all), octets, b.octets, all[len(all)-1].ID)
		}
	}
}

// Who follows the log is told the last lines and then each, once.
func TestTheLogIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b logbook
		h := newHub(newGallery(nil))
		h.recent, b.follow = b.all, h.log
		log := slog.New(b.handler(slog.LevelInfo))
		for i := range firstLines + 10 {
			log.Info(fmt.Sprint("early ", i))
		}
		l, err := h.Listen(api.TopicsOf(api.OnLog))
		if err != nil {
			t.Fatal(err)
		}
		<-l.Ready()
		events, _ := l.Take()
		if len(events) != firstLines || !strings.Contains(string(events[0]), `"message":"early 10"`) {
			t.Errorf("%d lines at first: %s", len(events), events[0])
		}
		var work sync.WaitGroup
		for range 10 {
			work.Go(func() { log.Info("late") })
		}
		work.Wait()
		if events, more := l.Take(); len(events) != 10 || !more {
			t.Errorf("%d lines later", len(events))
		}
		for range maxWaiting + 1 {
			log.Info("flood")
		}
		if _, more := l.Take(); more {
			t.Error("a reader who takes nothing is not cut")
		}
		l.Close()
		h.close()
	})
}

// What is never logged is never remembered: the log of a device with secrets holds none.
func TestNoSecretIsRemembered(t *testing.T) {
	const secret = "planted-swordfish"
	o := newRegistry(t)
	r := start(t, base+line(1, o.port)+"auth_user = x\nauth_password = "+secret+"\nproxy_password = "+secret+"\n[radius]\nsecret = "+secret+"\npassword = "+secret+"\n[device]\nlog_level = debug\n[port1]\ndriver = sim\n")
	r.until("registered", func() bool { return r.registered(1) })
	r.write(base + "[sip1]\nauth_password = " + secret + "\nregister_port = 70000\n")
	if err := r.Reload(); err == nil {
		t.Error("a file with a fault was applied")
	}
	all := r.book.all()
	if len(all) < 3 {
		t.Errorf("%d lines", len(all))
	}
	for _, l := range all {
		if strings.Contains(l.String(), secret) || strings.Contains(string(l.Attrs), secret) {
			t.Errorf("it is in %s", l)
		}
	}
}

func BenchmarkLogbook(b *testing.B) {
	var book logbook
	log := slog.New(book.handler(slog.LevelInfo))
	b.ReportAllocs()
	for b.Loop() {
		log.Info("registered", "line", 2, "aor", "sip:1002@pbx.example", "expires_s", 300)
	}
}
