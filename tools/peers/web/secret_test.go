package web

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"mime/multipart"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/browser"
	"tipring/tools/peers/freeradius"
	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
)

// A device with a secret wherever there can be one, each of which was used: it registers, is
// asked for its password, calls, asks its RADIUS server, and its owner logs in, changes what can
// be changed, and makes mistakes. None stands on a page, in an answer, in what is told live, in
// a ladder or a capture, in the metrics, in the log, or in the clear in a backup.
func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	sealKey := strings.Repeat("5ea1", 16)
	secrets := map[string]string{
		"SIP password": kamailio.Password("1001"), "proxy password": "Proxy-P4ssw0rd", "RADIUS secret": freeradius.Secret, "RADIUS password": "Radius-P4ssw0rd",
		"driver token": "Dr1ver-T0ken-0123456789abcdef", "seal key": sealKey, "first password": "F1rst-Passw0rd", "page password": masterWord, "URL password": "Ur1-P4ssw0rd",
		"backup password": "B4ckup-P4ssword", "another's password": "An0ther-Passw0rd", "wrong password": "Wr0ng-Passw0rd", "new SIP password": "New-S1p-Passw0rd",
	}
	var radius *freeradius.Server
	s := besiegeWith(t, func(lan *netlab.Lan, s *besieged) {
		kamailio.Start(t, s.beyond, kamailio.Options{Algorithm: "MD5", Other: s.people.Addr})
		radius = freeradius.Start(t, lan.Host("radius", 40), freeradius.Options{Signs: true, Users: "provider Cleartext-Password := \"" + secrets["RADIUS password"] + "\"\n"})
	}, func(c agent.Ini) {
		c.Set("sip1", "auth_password", secrets["SIP password"]).
			Set("sip1", "server_name", kamailio.Realm).
			Set("sip1", "proxy_password", secrets["proxy password"]).
			Set("radius", "servers", radius.Auth.String()).
			Set("radius", "secret", secrets["RADIUS secret"]).
			Set("radius", "account", "provider").
			Set("radius", "password", secrets["RADIUS password"]).
			Set("port3", "line", 1).Set("port3", "driver", "tcp:127.0.0.1:7001").Set("port3", "driver_token", secrets["driver token"]).
			Set("provisioning", "seal_key", secrets["seal key"]).
			Set("provisioning", "order", "static").
			Set("provisioning", "url", "http://u:"+secrets["URL password"]+"@10.9.0.30:9/x.ini").
			Set("web", "first_password", secrets["first password"])
	})
	secrets["claim code"] = s.claim
	s.agent.WaitRegistered(browser.Patience, 1, "")
	secrets["token of the file"] = s.stateFile("api-token")
	var heard bytes.Buffer
	var live []byte
	events := s.visitor(s.people)
	events.http.Timeout = 12 * time.Second
	told := make(chan bool)
	go func() {
		defer close(told)
		r := events.send("GET", "/api/v1/events?only=line,port,call,fax,provisioning,config,warning,log", "", nil, "Authorization", "Bearer "+secrets["token of the file"])
		live = []byte(r.text)
	}()
	keep := func(what string, a said) said {
		fmt.Fprintf(&heard, "\n=== %s: %d\n%v\n%s", what, a.status, a.header, a.text)
		return a
	}
	// What goes to the right one alone is not kept: cookies, and a token that is just made.
	stranger := s.visitor(s.beyond)
	keep("wrong login", stranger.ask("POST", "/api/v1/session", map[string]string{"user": secrets["wrong password"], "password": secrets["wrong password"]}))
	keep("wrong login on the page", stranger.send("POST", "/login", "application/x-www-form-urlencoded", strings.NewReader(url.Values{"user": {"admin"}, "password": {secrets["wrong password"]}}.Encode())))
	keep("user", s.owner.ask("POST", "/api/v1/users", map[string]string{"name": "other", "role": "user", "password": secrets["another's password"]}))
	var token struct{ Secret string }
	s.owner.must(201, "POST", "/api/v1/tokens", map[string]string{"name": "program", "role": "admin"}).into(t, &token)
	secrets["made token"] = token.Secret
	secrets["session"] = s.owner.cookies["tipring_session"].Value
	keep("lookup", s.owner.ask("POST", "/api/v1/radius/lookup", map[string]string{"command": "login"}))
	keep("call", s.owner.ask("POST", "/api/v1/ports/1/call", map[string]string{"to": "600"}))
	keep("provision", s.owner.ask("POST", "/api/v1/provision", map[string]any{"dry_run": true}))
	form := url.Values{"auth_password": {secrets["new SIP password"]}, "username": {"1001"}, "register_port": {"70000"}}
	keep("a form with a fault", s.owner.send("POST", "/line/1/sip", "application/x-www-form-urlencoded", strings.NewReader(form.Encode())))
	form.Set("register_port", "5060")
	keep("a form", s.owner.send("POST", "/line/1/sip", "application/x-www-form-urlencoded", strings.NewReader(form.Encode())))
	for _, body := range []string{
		`{"sip1":{"auth_password":"` + secrets["new SIP password"] + `"}}`, `{"provisioning":{"seal_key":"` + secrets["wrong password"] + `"}}`, `{"sip1":{"auth_passwort":"` + secrets["wrong password"] + `"}}`,
		`{"sip1":{"auth_password":["` + secrets["wrong password"] + `"]}}`, `{"provisioning":{"url":"ftp://u:` + secrets["wrong password"] + `@h/"}}`, `{"sip1":{"auth_password":"` + secrets["wrong password"] + `\n"}}`,
	} {
		keep("check", s.owner.send("POST", "/api/v1/config/check", "application/merge-patch+json", strings.NewReader(body)))
		keep("patch", s.owner.send("PATCH", "/api/v1/config", "application/merge-patch+json", strings.NewReader(body)))
	}
	keep("put", s.owner.send("PUT", "/api/v1/config", "text/plain", strings.NewReader("[sip1]\nauth_password = "+secrets["new SIP password"]+"\n# proxy_password = "+secrets["wrong password"]+"\n")))
	backup := s.owner.ask("POST", "/api/v1/backup", map[string]string{"password": secrets["backup password"]})
	if backup.status != 200 {
		t.Errorf("backup: %d %s", backup.status, backup.text)
	}
	keep("backup", backup)
	for _, wrong := range []string{secrets["wrong password"], secrets["backup password"]} {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		_ = w.WriteField("password", wrong)
		file, _ := w.CreateFormFile("file", "x")
		_, _ = io.WriteString(file, backup.text[:len(backup.text)-1]+"x")
		_ = w.Close() // a buffer
		if got := keep("a tampered backup", s.owner.send("POST", "/api/v1/restore", w.FormDataContentType(), &b)); got.status != 422 {
			t.Errorf("a tampered backup: %d %s", got.status, got.text)
		}
	}
	for _, call := range s.agent.Calls() {
		for _, path := range []string{"/api/v1/calls/" + call.ID + "/ladder", "/api/v1/calls/" + call.ID + "/trace.pcap", "/calls/" + call.ID} {
			keep(path, s.owner.ask("GET", path, nil))
		}
	}
	for _, x := range s.targets() {
		if x.method == "GET" && x.path != "/api/v1/events" {
			keep(x.path, s.owner.ask("GET", x.path, nil))
		}
	}
	pages := s.owner.pages()
	for _, path := range pages {
		keep(path, s.owner.ask("GET", path, nil))
	}
	for _, path := range []string{"/line/1/messages", "/metrics", "/readyz?verbose", "/api/v1/log?limit=500"} {
		keep(path, s.owner.ask("GET", path, nil))
	}
	<-told
	if !bytes.Contains(live, []byte("event: log")) && !bytes.Contains(live, []byte("event: line")) {
		t.Errorf("nothing was told live: %.300s", live)
	}
	log, err := os.ReadFile(s.agent.Log)
	if err != nil {
		t.Fatal(err)
	}
	for _, must := range []string{"REGISTER", "=== /api/v1/lines/1/ladder: 200", "WWW-Authenticate", "tipring_build_info", "auth_password"} {
		if !strings.Contains(heard.String(), must) {
			t.Errorf("nothing like %s was heard", must)
		}
	}
	t.Logf("%d secrets sought in %d KiB of %d pages and all answers, %d KiB of events, %d KiB of log", len(secrets), heard.Len()>>10, len(pages), len(live)>>10, len(log)>>10)
	for name, secret := range secrets {
		for where, text := range map[string]string{"answers": heard.String(), "events": string(live), "log": string(log)} {
			if name == "claim code" && where == "log" {
				continue // where its owner finds it, until it is used
			}
			for _, form := range forms4(secret) {
				if i := strings.Index(text, form); i >= 0 {
					from := max(strings.LastIndex(text[:i], "\n===")+1, i-200, 0)
					title := text[max(strings.LastIndex(text[:i], "\n===")+1, 0):]
					title, _, _ = strings.Cut(title, "\n")
					t.Errorf("the %s stands in the %s (%s): …%s", name, where, title, text[from:min(i+len(form), len(text))])
					break
				}
			}
		}
	}
	s.noSecretFiles(secrets)
}

// forms4 are a secret as it could stand somewhere.
func forms4(s string) []string {
	return []string{s, url.QueryEscape(s), base64.StdEncoding.EncodeToString([]byte(s)), hex.EncodeToString([]byte(s)), strings.ReplaceAll(s, "'", "&#39;")}
}

// noSecretFiles looks for what is never kept, but as a hash: not even on the device's own disk.
func (s *besieged) noSecretFiles(secrets map[string]string) {
	s.t.Helper()
	files := 0
	err := filepath.WalkDir(filepath.Join(s.agent.Dir, "state"), func(path string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		if info, err := e.Info(); err == nil && info.Mode().Perm()&0o077 != 0 && e.Name() != "web-certificate.pem" {
			s.t.Errorf("%s may be read by others: %v", e.Name(), info.Mode())
		}
		for _, name := range []string{"page password", "another's password", "wrong password", "backup password", "made token", "session", "claim code"} {
			if bytes.Contains(text, []byte(secrets[name])) && name != "wrong password" {
				s.t.Errorf("the %s stands in the file %s", name, e.Name())
			}
		}
		return nil
	})
	if err != nil || files == 0 {
		s.t.Errorf("%d files, %v", files, err)
	}
}
