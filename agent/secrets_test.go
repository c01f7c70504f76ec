package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tipring/etc"
	"tipring/internal/config"
	"tipring/internal/ua/transaction"
	"tipring/internal/ua/transport"
	"tipring/lines/fxs"
	"tipring/lines/fxs/sim"
	"tipring/tools/lab"
	"tipring/webui/api"
)

// hush stands in every secret of the test, and must stand nowhere else.
const hush = "H-U-S-H"

// A device that has a secret everywhere where one can be, registers, is refused, calls,
// and is given faulty files: nothing that it says at level debug, and nothing that the
// interface shows, tells any of them.
func TestNoSecretIsTold(t *testing.T) {
	far, err := lab.Start(lab.Config{
		Users:  map[string]string{"201": hush + "201", "202": "another", "203": hush + "203"},
		Timers: transaction.WithT1(20e6),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	far.Far.RingFor(0)
	card := freePort(t)
	sealKey := strings.Repeat("5ec4e7", 11)[:64]
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			good := fmt.Sprintf(`[device]
log_level = debug
log_format = %s
[sip]
bind = 127.0.0.1
udp_port = 0
tcp_port = 0
tls_port = 0
t1_ms = 20
[sip1]
username = 201
auth_password = %[2]s201
register_addr = 127.0.0.1
register_port = %[3]d
[sip2]
username = 202
auth_password = %[2]s-which-is-wrong
proxy_user = somebody
proxy_password = %[2]sproxy
register_addr = 127.0.0.1
register_port = %[3]d
[port1]
line = 1
driver = sim
[port2]
line = 1
driver = tcp:127.0.0.1:%[4]d
driver_token = %[2]stoken
[radius]
servers = 127.0.0.1
secret = %[2]sradius
password = %[2]saccount
[provisioning]
url = https://device:%[2]surl@127.0.0.1/{mac}?token=%[2]stoken
seal_key = %[5]s
`, format, hush, far.Primary.Addr(transport.UDP).Port(), card, sealKey)
			r := start(t, good)
			r.until("registered, and refused", func() bool {
				u := r.unit(2)
				return r.registered(1) && u != nil && u.line.Snapshot().LastErr != nil
			})
			us, err := fxs.LoadCountry(etc.Tones, "us")
			if err != nil {
				t.Fatal(err)
			}
			stranger, err := sim.Connect(t.Context(), sim.Options{Address: fmt.Sprintf("tcp:127.0.0.1:%d", card), Token: hush + "guessed", Country: us})
			if err == nil {
				stranger.Close()
				t.Error("a line card with a wrong token was let in")
			}
			var said bytes.Buffer
			api := api.New(device{r.Agent}, r.metrics, r.Agent.log).Behind(api.Open{})
			ask := func(method, path string, body any) int {
				text, _ := json.Marshal(body)
				w := httptest.NewRecorder()
				api.ServeHTTP(w, httptest.NewRequest(method, path, bytes.NewReader(text)))
				said.Write(w.Body.Bytes())
				return w.Code
			}
			if code := ask("POST", "/api/v1/ports/1/call", map[string]string{"to": "sip:600:" + hush + "@127.0.0.1"}); code != http.StatusUnprocessableEntity {
				t.Errorf("an address with a password: %d", code)
			}
			if code := ask("POST", "/api/v1/ports/1/call", map[string]string{"to": "600"}); code != http.StatusAccepted {
				t.Errorf("call: %d\n%s", code, &said)
			}
			r.until("talking", func() bool {
				return r.port(1).show().State == "talking" && r.calls.all()[0].State.String() == "connected"
			})
			for _, bad := range []string{
				"[sip1]\nregister_addr = sip:201:" + hush + "@127.0.0.1",
				"[sip1]\nauth_password = " + hush + "1\nauth_password = " + hush + "2",
				"[sip1]\nauth_pasword = " + hush,
				"[sip1]\n" + hush,
				"[port2]\ndriver_token = " + hush + strings.Repeat("x", 300),
				"[radius]\nservers = 127.0.0.1 " + hush,
				"[provisioning]\nurl = gopher://u:" + hush + "@h/",
				"[" + hush + "]\nx = 1",
			} {
				r.write(bad + "\n")
				if r.Reload() == nil {
					t.Errorf("%s was taken", bad)
				}
				ask("GET", "/api/v1/status", nil)
			}
			r.reload(good)
			for _, path := range []string{"/api/v1/status", "/api/v1/lines", "/api/v1/ports", "/api/v1/calls", "/readyz?verbose", "/metrics"} {
				ask("GET", path, nil)
			}
			explained, err := json.Marshal(r.config().Explain())
			if err != nil {
				t.Fatal(err)
			}
			said.Write(explained)
			said.WriteString(r.config().Warnings.Error())
			said.WriteString(r.log.String())
			for _, secret := range []string{hush, sealKey, "nonce=", "response="} {
				for line := range strings.Lines(said.String()) {
					if strings.Contains(line, secret) {
						t.Errorf("%s is told: %.300s", secret, line)
					}
				}
			}
			if !strings.Contains(said.String(), "REGISTER") || !strings.Contains(said.String(), config.Mask) {
				t.Error("nothing was said at all")
			}
		})
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func TestOnlyNumbersAreDialled(t *testing.T) {
	for to, want := range map[string]string{
		"600": "", "*72": "", "+49301234": "", "600@pbx.example": "", "sip:600@pbx.example:5070": "", "sip:600@[2001:db8::1]": "",
		"":                       "no number",
		"6 00":                   "a number with blanks or control characters",
		"600\r\nVia: x":          "a number with blanks or control characters",
		"sip:600:pw@pbx.example": "an address with a password (RFC 3261 section 19.1.1)",
		"600:pw@pbx.example":     "an address with a password (RFC 3261 section 19.1.1)",
		strings.Repeat("1", 256): "a number of 256 characters, want at most 255",
	} {
		got := ""
		if err := dialable(to); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %q, want %q", to, got, want)
		}
	}
}
