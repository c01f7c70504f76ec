package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/farend"
	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/wire"
)

// openPages is how many status pages are watched at once.
const openPages = 50

// pageRows: what fifty open status pages cost an agent that has calls up, beside none.
func pageRows(t netlab.T) []row {
	const calls, minute = 8, time.Minute
	type cost struct{ cpu, rss, p99, worst float64 }
	var none, open cost
	var events int64
	if err := sub(t, func(t netlab.T) {
		lan := netlab.New(t)
		server, host, people := lan.Host("server", 1), lan.Host("device", 10), lan.Host("people", 30)
		far := farend.New(t, lan.Host("far", 20), nil)
		kamailio.Start(t, server, kamailio.Options{Far: far.Addr})
		w := wire.Listen(t, lan, t.TempDir())
		a := agent.Start(t, host, withPorts(calls).Set("web", "listen", ":8080"))
		for i := 1; i <= calls; i++ {
			a.WaitRegistered(20*time.Second, i, "")
			p := a.Phone(fmt.Sprintf("p%d", i))
			p.OffHook()
			p.Say(700, -12)
			if err := a.Post(fmt.Sprintf("/api/v1/ports/%d/call", i), map[string]string{"to": "600"}); err != nil {
				t.Fatalf("call: %v", err)
			}
		}
		if !netlab.Until(60*time.Second, func() bool { return acked(far) == calls }) {
			t.Fatalf("not all of %d calls came up", calls)
		}
		w.KeepRTP()
		watch := func() (c cost) {
			from, before := time.Now(), cpu(a.Pid())
			time.Sleep(minute)
			c.cpu, c.rss = (cpu(a.Pid())-before)/float64(minute.Milliseconds())*100, status(a.Pid(), "VmRSS")/1024
			late := lateOf(w.Events(func(e wire.Event) bool { return e.Kind == wire.RTP && e.Src.Addr() == host.Addr && e.At.After(from) }))
			c.p99, c.worst = quantile(late, 0.99), quantile(late, 1)
			return c
		}
		none = watch()
		b := newVisitor(t, people, fmt.Sprintf("http://%v:8080", host.Addr), filepath.Join(a.Dir, "state"))
		for range openPages {
			b.open(t, &events)
		}
		open = watch()
	}); err != nil {
		t.Fatalf("%v", err)
	}
	show := func(c cost) string {
		return fmt.Sprintf("%.2f %% CPU, %.1f MB, RTP late p99 %.2f max %.1f ms", c.cpu, c.rss, c.p99, c.worst)
	}
	return []row{
		{fmt.Sprintf("a minute with %d calls, no page open", calls), show(none), "-", "-", "-"},
		{fmt.Sprintf("  with %d status pages open (%d events)", openPages, events), show(open), "-", "-", "-"},
	}
}

// visitRows: what is left a minute after somebody has logged in, which takes 8 MiB for the password, and has looked at a page.
func visitRows(t netlab.T) []row {
	lan, host, w := lab(t)
	a := agent.Prepare(t, host, lines(8).Set("web", "listen", ":8080"))
	from := time.Now()
	a.Run()
	registered(t, w, a.Pid(), from, 8)
	v := newVisitor(t, lan.Host("people", 30), fmt.Sprintf("http://%v:8080", host.Addr), filepath.Join(a.Dir, "state"))
	v.see(t, "/")
	v.http.CloseIdleConnections()
	time.Sleep(time.Minute)
	return []row{{"RSS, 8 lines, a minute after a login and a page", fmt.Sprintf("%.1f MB", status(a.Pid(), "VmRSS")/1024), "-", "14 MB", "-"}}
}

// lateOf is the lateness of each stream's packets.
func lateOf(events []wire.Event) (late []float64) {
	streams := map[uint32][]wire.Event{}
	for _, e := range events {
		streams[e.RTP.SSRC] = append(streams[e.RTP.SSRC], e)
	}
	for _, s := range streams {
		late = append(late, lateness(s)...)
	}
	return late
}

// A visitor is somebody who has logged in at the page.
type visitor struct {
	base string
	http http.Client
}

// newVisitor sets the first password and logs in.
func newVisitor(t netlab.T, from *netlab.Host, base, state string) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatalf("%v", err)
	}
	v := &visitor{base: base, http: http.Client{Jar: jar, Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (c net.Conn, err error) {
		return c, from.Do(func() error { c, err = new(net.Dialer).DialContext(ctx, network, address); return err })
	}}}}
	var code []byte
	netlab.Until(10*time.Second, func() bool { code, err = os.ReadFile(filepath.Join(state, "claim-code")); return err == nil })
	const password = "a long enough one"
	v.send(t, "PUT", "/api/v1/password", map[string]string{"claim": strings.TrimSpace(string(code)), "new": password})
	v.send(t, "POST", "/api/v1/session", map[string]string{"user": "admin", "password": password})
	return v
}

func (v *visitor) send(t netlab.T, method, path string, body any) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatalf("%v", err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, v.base+path, bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%v", err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := v.http.Do(req)
	if err != nil {
		t.Fatalf("%v", err)
	}
	answer, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if res.StatusCode >= 300 {
		t.Fatalf("%s %s: %s %s", method, path, res.Status, answer)
	}
}

// followed are the kinds of events that a page has something of, as its script finds them.
func followed(page []byte) string {
	kinds := map[string]bool{}
	for _, part := range regexp.MustCompile(`data-(?:live|list)="([a-z]+)`).FindAllSubmatch(page, -1) {
		kinds[string(part[1])] = true
	}
	return strings.Join(slices.Sorted(maps.Keys(kinds)), ",")
}

// see fetches a page with what it is drawn with.
func (v *visitor) see(t netlab.T, page string) (shown []byte) {
	t.Helper()
	for _, path := range []string{"/static/app.js", "/login/style.css", page} {
		res, err := v.http.Get(v.base + path)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("GET %s: %v %v", path, res, err)
		}
		if shown, err = io.ReadAll(res.Body); err != nil {
			t.Fatalf("GET %s: %v", path, err)
		}
		_ = res.Body.Close()
	}
	return shown
}

// open opens a status page and listens until the lab ends to the events that its script asks for.
func (v *visitor) open(t netlab.T, events *int64) {
	t.Helper()
	shown := v.see(t, "/")
	res, err := v.http.Get(v.base + "/api/v1/events?only=" + followed(shown))
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("GET events: %v %v", res, err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { _ = res.Body.Close(); <-done })
	go func() {
		defer close(done)
		chunk := make([]byte, 16<<10)
		for {
			n, err := res.Body.Read(chunk)
			if err != nil {
				return
			}
			atomic.AddInt64(events, int64(bytes.Count(chunk[:n], []byte("\nevent:"))))
		}
	}()
}
