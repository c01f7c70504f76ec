package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tipring/tools/peers/netlab"
)

func TestMain(m *testing.M) { netlab.Main(nil, m.Run) }

// A site of one form, which says what it was sent, in a page with one fault for whoever
// cannot see its picture.
const form = `<!DOCTYPE html><html lang="en"><head><title>Form</title><meta name="viewport" content="width=device-width"></head><body><main>
<h1>Form</h1><p id="wide"></p><img src="data:image/gif;base64,R0lGODlhAQABAAAAACw="><form method="post"><fieldset><legend>Server 1</legend><label for="a1">Address</label><input id="a1" name="a1"></fieldset>
<fieldset><legend>Server 2</legend><label for="a2">Address</label><input id="a2" name="a2" value="old">
<label for="t">Transport</label><select id="t" name="t"><option value="0">UDP</option><option value="3">TLS</option></select>
<label for="on">Activate</label><input type="checkbox" id="on" name="on"></fieldset><button>Apply</button></form></main>
<script>document.getElementById("wide").textContent = innerWidth + (matchMedia("(prefers-color-scheme: dark)").matches ? " dark" : " light");</script></body></html>`

func site(t *testing.T) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "GET" {
			fmt.Fprint(w, form)
			return
		}
		fmt.Fprintf(w, "<!DOCTYPE html><title>Done</title><body>1=%s 2=%s t=%s on=%s", r.FormValue("a1"), r.FormValue("a2"), r.FormValue("t"), r.FormValue("on"))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestForm(t *testing.T) {
	url := site(t)
	for _, tt := range []struct {
		look Look
		wide string
	}{
		{Desktop, "1280 light"},
		{Look{Width: 390, Height: 844, Dark: true}, "390 dark"},
		{Look{Width: 1280, Height: 900, NoScript: true}, ""},
	} {
		b := Open(t, tt.look)
		b.Go(url)
		if got := b.Text("#wide"); got != tt.wide {
			t.Errorf("%+v: %q, want %q", tt.look, got, tt.wide)
		}
		b.Fill("Server 1", "Address", "192.0.2.1")
		b.Fill("Server 2", "Address", "192.0.2.2")
		b.Choose("", "Transport", "TLS")
		b.Tick("Server 2", "Activate", true)
		b.Press("Apply")
		b.UntilText("body", "1=192.0.2.1 2=192.0.2.2 t=3 on=on")
	}
}

// A button that is drawn anew while it is pressed is pressed again, once.
func TestPressOfWhatIsDrawnAnew(t *testing.T) {
	b := Open(t, Desktop)
	b.Go(site(t))
	b.act("having the button drawn anew", `() => {
		window.sent = 0;
		document.querySelector("form").addEventListener("submit", e => { window.sent++; e.preventDefault(); });
		document.addEventListener("mousedown", e => e.target.replaceWith(e.target.cloneNode(true)), {once: true});
	}`)
	b.Press("Apply")
	if sent := Evaluate[int](b, "counting", `() => window.sent`); sent != 1 {
		t.Errorf("the form was sent %d times", sent)
	}
}

// A fault that is there is found, and nothing else.
func TestAxe(t *testing.T) {
	b := Open(t, Desktop)
	b.Go(site(t))
	found := b.Axe()
	if len(found) != 1 || found[0].ID != "image-alt" || !found[0].Serious() || !strings.Contains(found[0].String(), "R0lGODlh") {
		t.Errorf("%v", found)
	}
}
