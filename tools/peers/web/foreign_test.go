package web

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"tipring/tools/peers/browser"
	"tipring/tools/peers/netlab"
)

// evil is a page that tries, in the browser of somebody who is logged in at the device, to read
// and to do whatever a page can. What it could read it keeps in window.loot.
const evil = `<!DOCTYPE html><title>evil</title><body><script>
window.loot = []; window.over = 0; window.tried = 0;
const device = "http://DEVICE";
const took = (how, what) => loot.push(how + ": " + String(what).slice(0, 80));
const wait = (p) => { tried++; p.catch(() => {}).finally(() => over++); };
for (const path of ["/api/v1/status", "/api/v1/config", "/api/v1/backup", "/api/v1/session", "/api/v1/tokens", "/api/v1/log", "/metrics", "/", "/system/users"]) {
  wait(fetch(device + path, {credentials: "include"}).then(r => r.text()).then(t => took("fetch " + path, t)));
  wait(fetch(device + path, {credentials: "include", mode: "no-cors"}).then(r => r.text()).then(t => { if (t) took("no-cors " + path, t); }));
}
for (const [method, path, type, body] of [
  ["POST", "/api/v1/drain", "text/plain", "{}"], ["POST", "/api/v1/restart", "text/plain", '{"now":true}'], ["POST", "/api/v1/factory-reset", "text/plain", ""],
  ["POST", "/api/v1/provision", "text/plain", ""], ["POST", "/api/v1/users", "text/plain", '{"name":"evil","role":"admin","password":"evil evil evil"}'],
  ["POST", "/api/v1/tokens", "application/json", '{"name":"evil","role":"admin"}'], ["PATCH", "/api/v1/config", "application/merge-patch+json", '{"web":{"allow":"any"}}'],
  ["DELETE", "/api/v1/tokens/api-token", "", null], ["DELETE", "/api/v1/session", "", null], ["PUT", "/api/v1/config", "text/plain", "[web]\nallow = any\n"],
]) for (const mode of ["cors", "no-cors"]) {
  if (mode === "no-cors" && method !== "POST") continue;
  wait(fetch(device + path, {method, mode, credentials: "include", headers: type ? {"Content-Type": type} : {}, body}).then(r => r.text()).then(t => { if (t) took(method + path, t); }));
}
for (const tag of ["img", "script", "link", "iframe", "object", "embed", "video"]) for (const path of ["/api/v1/status", "/system/drain", "/static/app.js", "/"]) wait(new Promise(done => {
  const e = document.createElement(tag);
  e.onload = () => {
    try {
      if (tag === "iframe" && e.contentDocument && e.contentDocument.body.innerText) took(tag + path, e.contentDocument.body.innerText);
      if (tag === "script" || tag === "img" || tag === "video") took(tag + path, "loaded");
    } catch {}
    done();
  };
  e.onerror = done;
  setTimeout(done, 3000);
  if (tag === "link") { e.rel = "stylesheet"; e.href = device + path; } else if (tag === "object") e.data = device + path; else e.src = device + path;
  document.body.append(e);
}));
wait(new Promise(done => {
  const s = new EventSource(device + "/api/v1/events", {withCredentials: true});
  s.onopen = () => { took("events", "open"); done(); };
  s.onerror = () => { s.close(); done(); };
}));
wait(new Promise(done => {
  const s = new WebSocket("ws://DEVICE/api/v1/events");
  s.onopen = () => { took("socket", "open"); done(); };
  s.onerror = done;
}));
[["/system/drain", {action: "confirm"}, "x-www-form-urlencoded"], ["/system/restart", {action: "confirm", now: "1"}, "x-www-form-urlencoded"], ["/system/factory-reset", {action: "confirm", confirm: "1"}, "x-www-form-urlencoded"],
 ["/system/users", {name: "evil", role: "admin", password: "evil evil evil", again: "evil evil evil"}, "x-www-form-urlencoded"], ["/logout", {}, "x-www-form-urlencoded"], ["/api/v1/drain", {}, "plain"]].forEach(([path, values, kind], i) => {
  const f = document.createElement("form"), t = document.createElement("iframe");
  t.name = "frame" + i; f.target = t.name; f.method = "post"; f.action = device + path; f.enctype = kind === "plain" ? "text/plain" : "application/" + kind;
  for (const [name, value] of Object.entries(values)) { const e = document.createElement("input"); e.name = name; e.value = value; f.append(e); }
  document.body.append(t, f);
  wait(new Promise(done => { t.onload = done; setTimeout(done, 3000); f.submit(); }));
});
</script>`

// Another site's page in the browser where the owner is logged in: whether it comes from
// somewhere else or from another port of the device itself, to which his cookies go, too.
func TestOtherSitesPages(t *testing.T) {
	t.Parallel()
	s := besiege(t, nil)
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(strings.ReplaceAll(evil, "DEVICE", s.host()))) // the browser tells
	})
	serve := func(host *netlab.Host) string {
		var l net.Listener
		if err := host.Do(func() (err error) { l, err = net.Listen("tcp", host.Addr.String()+":9000"); return err }); err != nil {
			t.Fatal(err)
		}
		server := &http.Server{Handler: page}
		go func() { _ = server.Serve(l) }() // until the test ends
		t.Cleanup(func() { _ = server.Close() })
		return "http://" + l.Addr().String() + "/"
	}
	b := s.window(s.people)
	mine := len(s.agent.LogLines("logged out"))
	before := s.state()
	for _, url := range []string{serve(s.beyond), serve(s.device)} {
		b.Go(url)
		b.Patiently(2*browser.Patience, "the end of all tries", `() => window.tried > 60 && window.over === window.tried`)
		for _, loot := range browser.Evaluate[[]string](b, "the loot", `() => window.loot`) {
			t.Errorf("a page of %s: %s", url, loot)
		}
		s.unchanged(before)
	}
	if len(s.agent.LogLines("logged out")) != mine {
		t.Error("the owner was logged out")
	}
	// What it tried was worth a try: the same browser is still known at the device.
	b.Go("http://" + s.host() + "/system/users")
	b.UntilText("h1", "Users")
}
