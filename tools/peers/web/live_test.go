package web

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/browser"
	"tipring/tools/peers/farend"
	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/phone"
	"tipring/tools/peers/tshark"
)

// A watched is a device with a telephone and a mailbox, a line at two servers, somebody at the
// far end, and a person at a desk who looks at the page.
type watched struct {
	t                         *testing.T
	host, p, b, farHost, desk *netlab.Host
	far                       *farend.UA
	agent                     *agent.Agent
	phone                     *phone.Phone
	address                   string // of the page
}

func newWatched(t *testing.T, failbackS int) *watched {
	t.Helper()
	lan := netlab.New(t)
	w := &watched{
		t: t, host: lan.Host("agent", 10), p: lan.Host("primary", 1), b: lan.Host("backup", 2),
		farHost: lan.Host("far", 20), desk: lan.Host("desk", 30),
	}
	w.far = farend.New(t, w.farHost, nil)
	kamailio.Start(t, w.p, kamailio.Options{Far: w.far.Addr, Other: w.b.Addr})
	kamailio.Start(t, w.b, kamailio.Options{Far: w.far.Addr, Other: w.p.Addr})
	w.agent = agent.Start(t, w.host, agent.Base(100).
		Set("web", "listen", ":8080").
		Set("sip1", "username", "1001").
		Set("sip1", "auth_password", kamailio.Password("1001")).
		Set("sip1", "register_addr", w.p.Addr).
		Set("sip1", "backup_addr", w.b.Addr).
		Set("sip1", "keepalive", "options").
		Set("sip1", "keepalive_interval_s", 1).
		Set("sip1", "failback_interval", failbackS).
		Set("sip1", "codecs", "pcmu").
		Set("port1", "line", 1).
		Set("port1", "driver", "unix:p1").
		Set("port1", "dial_plan", "(911|[2-8]xx|9x.|E:112|1900x.!)").
		Set("port2", "line", 1).
		Set("port2", "kind", "fax").
		Set("port2", "driver", "none"))
	w.phone = w.agent.Phone("p1")
	w.agent.WaitRegistered(browser.Patience, 1, "primary")
	w.address = "http://" + w.host.Addr.String() + ":8080"
	return w
}

// sit opens a window at the desk, logged in, on the status page.
func (w *watched) sit(look browser.Look) *browser.Browser {
	w.t.Helper()
	return signedIn(w.t, w.desk, look, w.agent, w.address)
}

// signedIn opens a window, makes the first visit in it or logs in, and shows the status page.
func signedIn(t *testing.T, host *netlab.Host, look browser.Look, a *agent.Agent, address string) *browser.Browser {
	t.Helper()
	b := browser.OpenIn(t, host, look)
	b.Go(address + "/")
	if b.Text("h1") == "Log in" {
		logIn(b, "admin", ownerWord)
	} else {
		setPassword(b, (&lab{t: t, agent: a}).claimCode(), ownerWord, ownerWord)
	}
	b.UntilText("h1", "Status")
	return b
}

// Marks of what a page shows: one of its own, which a page that is loaded anew does not have,
// and parts of the cards.
const (
	route  = `[data-live="line/1"] .route`
	probe  = `[data-live="line/1"] [data-countdown="failback_in_s"]`
	hook   = `[data-live="port/1"] svg`
	bell   = `[data-live="port/1"] [data-attr="ring"]`
	states = `[data-live="port/1"] [data-attr="state"]`
)

func mark(b *browser.Browser) {
	browser.Evaluate[bool](b, "marking the page", `() => { window.sameForAllTheTime = true; return true; }`)
}

func marked(b *browser.Browser) bool {
	return browser.Evaluate[bool](b, "the mark of the page", `() => window.sameForAllTheTime === true`)
}

// untilState waits until an element is drawn in a state.
func untilState(b *browser.Browser, selector, state string) {
	b.Until(selector+" "+state, `(selector, state) => document.querySelector(selector)?.dataset.state === state`, selector, state)
}

// seconds is a countdown (1:05), or -1 while it is hidden.
func seconds(b *browser.Browser, selector string) int {
	text := browser.Evaluate[string](b, selector, `(selector) => {
		const e = document.querySelector(selector);
		return e && e.offsetParent !== null ? e.innerText : "";
	}`, selector)
	minutes, s, ok := strings.Cut(text, ":")
	if !ok {
		return -1
	}
	m, _ := strconv.Atoi(minutes)
	n, _ := strconv.Atoi(s)
	return 60*m + n
}

// A person sees the line turn to the backup when its primary dies, why, and when the primary is
// tried again, counting down; and sees it come home. The page is not loaded anew for it. When
// the device is away the page says so, and goes on when it is there again.
func TestFailoverIsWatched(t *testing.T) {
	t.Parallel()
	w := newWatched(t, 20)
	b := w.sit(browser.Desktop)
	mark(b)
	untilState(b, route, "primary")
	b.UntilText(`[data-live="line/1"] .badge`, "Registered")
	if n := seconds(b, probe); n != -1 {
		t.Errorf("at the primary a probe of it counts down: %d s", n)
	}
	if text := b.Text(`[data-live="port/2"]`); !strings.Contains(text, "Mailbox for faxes") || strings.Contains(text, "No line card") {
		t.Errorf("of a mailbox the page says\n%s", text)
	}

	w.p.Reject(w.host.Addr, "icmp-port-unreachable")
	untilState(b, route, "backup")
	b.UntilText(`[data-live="line/1"] .why`, "backup")
	b.UntilText(`[data-live="line/1"] .why`, "primary")
	b.UntilText(`[data-live="line/1"]`, "Failovers 1")
	b.UntilText(`[data-live="line/1"]`, "The primary is tried again in")
	first := seconds(b, probe)
	if first <= 0 || first > 25 {
		t.Errorf("the next probe counts down from %d s, want about 20", first)
	}
	seen := map[int]bool{}
	if !netlab.Until(browser.Patience, func() bool { seen[seconds(b, probe)] = true; return len(seen) >= 4 }) {
		t.Errorf("the countdown stands still: %v", seen)
	}
	b.Shoot("failover-backup")

	w.p.Heal()
	b.Patiently(60*time.Second, "the line at home", `(selector) => document.querySelector(selector).dataset.state === "primary"`, route)
	b.UntilText(`[data-live="line/1"]`, "Failbacks 1")
	b.Until("no countdown", `(selector) => document.querySelector(selector).offsetParent === null`, probe)
	if !marked(b) {
		t.Error("the page was loaded anew")
	}

	w.agent.Kill()
	b.UntilText(".offline", "Not connected to the device.")
	b.Shoot("device-away")
	if !marked(b) {
		t.Error("the page was lost with the device")
	}
	w.agent.Run()
	// Sessions do not outlive the program: the page leads to the login, and back.
	b.Patiently(60*time.Second, "the login", `() => document.querySelector("h1")?.innerText === "Log in"`)
	logIn(b, "admin", ownerWord)
	b.UntilText("h1", "Status")
	untilState(b, route, "primary")
	if offline := browser.Evaluate[bool](b, "the note", `() => document.querySelector(".offline").offsetParent !== null`); offline {
		t.Error("the page says that it is not connected, and is")
	}
	for _, e := range b.Errors() {
		t.Errorf("script: %s", e)
	}
}

// The page at a network that comes and goes says so, and goes on by itself: where connections
// are cut, and where nothing says so.
func TestConnectionComesBack(t *testing.T) {
	t.Parallel()
	for name, fails := range map[string]func(*watched){
		"cut":  func(w *watched) { w.host.RefuseTCP(w.desk.Addr) },
		"dead": func(w *watched) { w.host.BlackHole(w.desk.Addr) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWatched(t, 60)
			b := w.sit(browser.Telephone)
			mark(b)
			untilState(b, route, "primary")
			fails(w)
			b.Patiently(2*time.Minute, "the note", `() => document.querySelector(".offline").offsetParent !== null`)
			w.phone.OffHook()
			w.agent.WaitPort(browser.Patience, 1, "dialling")
			w.host.Heal()
			b.Patiently(2*time.Minute, "no note", `() => document.querySelector(".offline").offsetParent === null`)
			untilState(b, hook, "off")
			if !marked(b) {
				t.Error("the page was loaded anew")
			}
		})
	}
}

// Lists stand as they are told: a warning that is worse than one that was there comes before it, and
// the focus stays where it is. What a stream does not tell of is taken away with its first sign of life.
func TestListsAreAsTheyAreTold(t *testing.T) {
	t.Parallel()
	w := newWatched(t, 60)
	b := w.sit(browser.Desktop)
	mark(b)
	if err := w.agent.Post("/api/v1/drain", nil); err != nil {
		t.Fatal(err)
	}
	b.UntilText(".warnings", "The device takes no new calls and faxes.")
	browser.Evaluate[bool](b, "a fax that is no more, and the focus", `() => {
		const list = document.querySelector("[data-list=fax]"), card = list.querySelector("template").content.firstElementChild.cloneNode(true);
		card.dataset.live = "fax/ghost";
		list.append(card);
		const warning = document.querySelector(".warning[data-key=draining]");
		warning.tabIndex = -1;
		warning.focus();
		return true;
	}`)
	browser.Evaluate[bool](b, "a line without a server", `(server) => {
		fetch("/api/v1/config", {
			method: "PATCH", headers: {"Content-Type": "application/merge-patch+json"}, body: JSON.stringify({sip2: {username: "1002", register_addr: server}}),
		});
		return true;
	}`, w.desk.Addr)
	b.Patiently(time.Minute, "the worst first", `() => {
		const keys = [...document.querySelectorAll(".warning[data-key]")].map(e => e.dataset.key).filter(Boolean);
		return keys.includes("line-2") && keys.indexOf("line-2") < keys.indexOf("draining");
	}`)
	if !browser.Evaluate[bool](b, "the focus", `() => document.activeElement.dataset.key === "draining"`) {
		t.Error("the focus is lost")
	}
	b.Patiently(time.Minute, "no ghost", `() => !document.querySelector('[data-live="fax/ghost"]')`)
	if !marked(b) {
		t.Error("the page was loaded anew")
	}
	for _, e := range b.Errors() {
		t.Errorf("script: %s", e)
	}
}

// A part of a page that is to be drawn anew stays as it is while the device answers with anything but
// that page, and is drawn by itself once it does not.
func TestPartThatCannotBeDrawnAnew(t *testing.T) {
	t.Parallel()
	w := newWatched(t, 60)
	b := w.sit(browser.Desktop)
	b.Go(w.address + "/provisioning")
	mark(b)
	const part, fetched = `#order`, `() => document.querySelector("#order").innerText`
	before := browser.Evaluate[string](b, part, fetched)
	for name, answer := range map[string]string{
		"a problem":    `new Response("busy", {status: 503})`,
		"the login":    `Object.defineProperty(new Response("<h1>Log in</h1>"), "redirected", {value: true})`,
		"nothing":      `Promise.reject(new TypeError("Failed to fetch"))`,
		"half of it":   `new Response(new ReadableStream({start: c => c.error(new TypeError("network error"))}))`,
		"another page": `new Response("<h1>Not Found</h1>", {status: 404})`,
	} {
		browser.Evaluate[bool](b, "answering with "+name, `() => {
			window.reallyFetch ??= window.fetch;
			window.asked = 0;
			window.fetch = async () => { window.asked++; return `+answer+`; };
			document.querySelector("[data-reload]").dataset.seen = "";
			return true;
		}`)
		if err := w.agent.Post("/api/v1/provision", nil); err != nil {
			t.Error(err)
		}
		b.Until("the page's question", `() => window.asked > 0`)
		if got := browser.Evaluate[string](b, part, fetched); got != before {
			t.Errorf("answered with %s the page has %q, had %q", name, got, before)
		}
	}
	browser.Evaluate[bool](b, "answering again", `() => {
		window.fetch = window.reallyFetch;
		document.querySelector("#order").dataset.old = "1";
		return true;
	}`)
	b.Until("the part anew", `() => document.querySelector("#order").dataset.old === undefined`)
	if !marked(b) {
		t.Error("the page was loaded anew")
	}
	for _, e := range b.Errors() {
		t.Errorf("script: %s", e)
	}
}

// A telephone is drawn as it is: lifted, ringing, in a call. A call shows how much is lost on
// the way while it is, and is hung up from the page.
func TestCallIsWatched(t *testing.T) {
	t.Parallel()
	w := newWatched(t, 60)
	b := w.sit(browser.Desktop)
	mark(b)
	untilState(b, hook, "on")
	w.phone.OffHook()
	untilState(b, hook, "off")
	untilState(b, states, "dialling")
	w.phone.WaitTone(browser.Patience, phone.DialTone...)
	w.phone.Dial("600#")
	untilState(b, states, "talking")
	call := w.far.WaitCall(browser.Patience, 1)
	call.Media.Say(1000, -12)
	w.phone.Say(700, -12)
	const card = `.call[data-live]`
	b.UntilText(card, "600")
	loss, jitter := card+` [data-field="quality.loss_pct"]`, card+` [data-field="quality.jitter_ms"]`
	b.Until("loss and jitter in numbers", `(...all) => all.every(s => /\d/.test(document.querySelector(s)?.innerText))`, loss, jitter)
	w.lose(0.2)
	lost, late := map[string]bool{}, map[string]bool{}
	if !netlab.Until(2*browser.Patience, func() bool {
		lost[b.Text(loss)], late[b.Text(jitter)] = true, true
		return len(lost) > 3 && len(late) > 1 && percent(b.Text(loss)) > 2
	}) {
		t.Errorf("while a fifth is lost the page shows loss %v and jitter %v", lost, late)
	}
	b.Shoot("call-with-loss")
	w.host.Heal()
	if !marked(b) {
		t.Error("the page was loaded anew")
	}

	b.Press("600")
	b.UntilText("h1", "600")
	here := browser.Evaluate[string](b, "the address", `() => location.href`)
	mark(b)
	b.Press("Hang up")
	if !call.Wait("BYE", browser.Patience) {
		t.Error("the far end gets no BYE")
	}
	b.Until("the page that follows", `() => !window.sameForAllTheTime && document.readyState === "complete"`)
	if len(b.Asked()) != 1 {
		t.Errorf("the page asked %q", b.Asked())
	}
	w.phone.OnHook()
	b.Go(here)
	b.UntilText("main", "Ended")
	if text := b.Text("main"); !regexp.MustCompile(`Loss\s+[0-9.]+ %`).MatchString(text) || !strings.Contains(text, "G.711") {
		t.Errorf("of a call that has ended the page says\n%s", text)
	}
	inOrder(t, rungs(b), "INVITE", "200", "ACK", "BYE", "200")
	for _, e := range b.Axe() {
		if e.Serious() {
			t.Errorf("%s: %v", here, e)
		}
	}
	b.Shoot("ladder")
	decoded := tshark.File(t, b.Save("Save the capture (pcap)")).Fields("sip", "sip.Method", "sip.Status-Code")
	var wire []string
	for _, row := range decoded {
		wire = append(wire, strings.Join(row, ""))
	}
	inOrder(t, wire, "INVITE", "200", "ACK", "BYE", "200")
	b.Go(w.address + "/calls")
	b.UntilText("#history", "600")
	if text := b.Text("#history tbody tr[data-live]"); !regexp.MustCompile(`[1-5]\.\d`).MatchString(text) {
		t.Errorf("the history has no quality: %s", text)
	}

	// A call comes in while the page is open.
	b.Go(w.address + "/")
	mark(b)
	untilState(b, hook, "on")
	done := make(chan int, 1)
	go func() {
		_, status := w.far.Dial(netip.AddrPortFrom(w.p.Addr, 5060), "1001", browser.Patience)
		done <- status
	}()
	untilState(b, bell, "true")
	untilState(b, states, "ringing")
	b.Shoot("ringing")
	w.phone.OffHook()
	untilState(b, states, "talking")
	untilState(b, bell, "false")
	untilState(b, hook, "off")
	if status := <-done; status != 200 {
		t.Errorf("the far end's call: %d", status)
	}
	w.phone.OnHook()
	untilState(b, hook, "on")
	untilState(b, states, "idle")
	b.Until("no running call", `(selector) => document.querySelector(selector) === null`, card)
	if !marked(b) {
		t.Error("the page was loaded anew")
	}

	// The primary is dead when somebody dials; what happened can be read.
	w.p.BlackHole(w.host.Addr)
	w.phone.OffHook()
	w.phone.WaitTone(browser.Patience, phone.DialTone...)
	w.phone.Dial("601#")
	if !w.far.Wait(browser.Patience, func() bool { all := w.far.Calls(); return all[len(all)-1].Number() == "601" }) {
		t.Fatal("the call does not arrive by the backup")
	}
	w.agent.WaitPort(browser.Patience, 1, "talking")
	w.phone.OnHook()
	w.agent.WaitPort(browser.Patience, 1, "idle")
	b.Go(w.address + "/calls")
	b.Press("601")
	b.UntilText("h1", "601")
	story := rungs(b)
	inOrder(t, story, "INVITE", "INVITE", "200", "ACK", "BYE")
	if text := b.Text(".ladder"); !strings.Contains(text, "primary") || !strings.Contains(text, "backup") {
		t.Errorf("the ladder of a failover has no primary or no backup:\n%s", text)
	}
	b.Shoot("ladder-failover")
	for _, e := range b.Errors() {
		t.Errorf("script: %s", e)
	}
}

// lose has the device not get a part of the far end's sound.
func (w *watched) lose(part float64) {
	w.t.Helper()
	if out, err := w.host.Run("iptables", "-w", "-A", "INPUT", "-p", "udp", "-s", w.farHost.Addr.String(), "!", "--sport", "5060",
		"-m", "statistic", "--mode", "random", "--probability", fmt.Sprint(part), "-j", "DROP"); err != nil {
		w.t.Fatalf("iptables: %v: %s", err, out)
	}
}

func percent(text string) float64 {
	v, _ := strconv.ParseFloat(strings.TrimSuffix(text, " %"), 64)
	return v
}

// rungs are the messages of the ladder on the page, from above to below.
func rungs(b *browser.Browser) []string {
	return browser.Evaluate[[]string](b, "the ladder", `() => [...document.querySelectorAll(".ladder li .what")].map(e => e.innerText.trim())`)
}

// inOrder wants words to begin some of the rows, one after the other.
func inOrder(t *testing.T, rows []string, words ...string) {
	t.Helper()
	rest := words
	for _, row := range rows {
		if len(rest) > 0 && strings.HasPrefix(row, rest[0]) {
			rest = rest[1:]
		}
	}
	if len(rest) > 0 {
		t.Errorf("no %s in its turn of %v:\n%s", rest[0], words, strings.Join(rows, "\n"))
	}
}

// Digits that are typed show what would be sent, after each key; without a script by the button.
func TestDialPlanIsTried(t *testing.T) {
	t.Parallel()
	w := newWatched(t, 60)
	b := w.sit(browser.Desktop)
	b.Go(w.address + "/ports#port-1")
	browser.Evaluate[bool](b, "opening", `() => { for (const more of document.querySelectorAll('[data-live="port/1"] details.more')) more.open = true; return true; }`)
	const answer = `[data-live="port/1"] [data-answer]`
	tries := []struct{ digits, state, says string }{
		{"6", "incomplete", "More digits are needed."},
		{"600", "complete", "600"},
		{"112", "complete", "An emergency number"},
		{"19005", "blocked", "The dial plan bars this number"},
		{"91", "matched", "is sent after"},
		{"0", "unmatched", "No rule of the dial plan fits"},
	}
	for _, try := range tries {
		b.Fill("", "Digits, as on the keypad", try.digits)
		untilState(b, answer, try.state)
		b.UntilText(answer, try.says)
	}
	b.Fill("", "Digits, as on the keypad", "600")
	untilState(b, answer, "complete")
	b.Shoot("dial-plan")
	if n := len(w.far.Calls()); n != 0 {
		t.Errorf("a dial plan that is tried makes %d calls", n)
	}
	for _, e := range b.Errors() {
		t.Errorf("script: %s", e)
	}

	plain := w.sit(browser.Look{Width: 1280, Height: 900, NoScript: true})
	for _, try := range tries {
		plain.Go(w.address + "/ports")
		plain.Press("Try the dial plan")
		plain.Fill("", "Digits, as on the keypad", try.digits)
		plain.Press("Try")
		untilState(plain, answer, try.state)
		plain.UntilText(answer, try.says)
	}
}

// What a device does can be read without a script.
func TestPagesWithoutScript(t *testing.T) {
	t.Parallel()
	w := newWatched(t, 60)
	b := w.sit(browser.Look{Width: 390, Height: 844, NoScript: true})
	w.phone.OffHook()
	w.phone.WaitTone(browser.Patience, phone.DialTone...)
	w.phone.Dial("600#")
	call := w.far.WaitCall(browser.Patience, 1)
	call.Media.Say(1000, -12)
	w.agent.WaitPort(browser.Patience, 1, "talking")
	b.Go(w.address + "/")
	for _, says := range []string{"Registered at the primary", "Next refresh", "Off-hook", "In a call", "Mailbox for faxes", "Connected", "600", "Everything works.", "Generation"} {
		if text := b.Text("main"); !strings.Contains(text, says) {
			t.Errorf("the status page does not say %q:\n%s", says, text)
		}
	}
	b.Shoot("status-without-script")
	b.Press("600")
	b.UntilText("h1", "600")
	b.Press("Hang up")
	if !call.Wait("BYE", browser.Patience) {
		t.Error("the far end gets no BYE")
	}
	w.phone.OnHook()
	w.agent.WaitPort(browser.Patience, 1, "idle")
	b.Go(w.address + "/calls")
	for _, says := range []string{"No call is running.", "600", "Line and port"} {
		if text := b.Text("main"); !strings.Contains(text, says) {
			t.Errorf("the calls page does not say %q:\n%s", says, text)
		}
	}
	b.Press("600")
	b.UntilText("h1", "600")
	inOrder(t, rungs(b), "INVITE", "200", "ACK", "BYE", "200")
	b.Go(w.address + "/fax")
	for _, says := range []string{"Send a document", "Fax number", "On its way", "Inbox", "Outbox"} {
		if text := b.Text("main"); !strings.Contains(text, says) {
			t.Errorf("the fax page does not say %q:\n%s", says, text)
		}
	}
	b.Shoot("fax-without-script")
}
