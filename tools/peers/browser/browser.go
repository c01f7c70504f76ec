// Package browser opens pages as a person does: in Debian's Chromium, headless, at a
// telephone's or a desktop's width, light or dark, with or without scripts. It takes
// pictures of what it sees, and asks axe-core how the page is for people who use a
// keyboard or a screen reader.
package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/netlab"
)

// A Look is how a page is looked at.
type Look struct {
	Width, Height int64 // CSS pixels
	Dark          bool
	NoScript      bool
	Language      string // of Accept-Language; empty: en
	Hosts         string // what names stand for: "MAP box.example 10.9.0.10"; empty: what the host says
}

// The usual looks.
var (
	Desktop   = Look{Width: 1280, Height: 900}
	Telephone = Look{Width: 390, Height: 844}
)

// A Browser is one window. Its methods fail the test when the page does not do what they
// wait for within Patience.
type Browser struct {
	t      netlab.T
	ctx    context.Context
	look   Look
	mu     sync.Mutex
	errors []string // of scripts, and of what the page's policy forbade
	asked  []string // by dialogues
}

// Patience is how long a page may take to become what a step waits for.
const Patience = 30 * time.Second

// Open opens a window, which ends with the test.
func Open(t netlab.T, look Look) *Browser {
	t.Helper()
	return open(t, look)
}

// OpenIn opens a window on a host of a lab.
func OpenIn(t netlab.T, host *netlab.Host, look Look) *Browser {
	t.Helper()
	return open(t, look, chromedp.ModifyCmdFunc(func(c *exec.Cmd) {
		c.Args = append([]string{"nsenter", "--net=" + host.Namespace()}, c.Args...)
		c.Path = "/usr/bin/nsenter"
	}))
}

func open(t netlab.T, look Look, more ...chromedp.ExecAllocatorOption) *Browser {
	t.Helper()
	allocated, end := chromedp.NewExecAllocator(context.Background(), append(append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath("/usr/bin/chromium"), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.IgnoreCertErrors,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("no-proxy-server", true),
		chromedp.Flag("lang", language(look)), chromedp.Flag("accept-lang", language(look)),
		chromedp.Flag("host-resolver-rules", look.Hosts), chromedp.UserDataDir(netlab.WorkDir(t)), chromedp.WindowSize(int(look.Width), int(look.Height)),
	), more...)...)
	b := &Browser{t: t, look: look}
	ctx, closeWindow := chromedp.NewContext(allocated, chromedp.WithListener(b.heard))
	b.ctx = ctx
	t.Cleanup(func() {
		closeWindow()
		end()
	})
	// The browser lives as long as the context of the first step.
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("chromium: %v", err)
	}
	var viewport []chromedp.EmulateViewportOption
	if look.Width < 600 {
		viewport = append(viewport, chromedp.EmulateMobile, chromedp.EmulateTouch)
	}
	b.do("opening a window", chromedp.EmulateViewport(look.Width, look.Height, viewport...), chromedp.Func(b.furnish))
	return b
}

// furnish gives the window its colours, and takes its scripts away.
func (b *Browser) furnish(ctx context.Context, _ *chromedp.Target) error {
	scheme := "light"
	if b.look.Dark {
		scheme = "dark"
	}
	_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	if err != nil {
		return err
	}
	_, err = chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: b.look.NoScript})
	return err
}

func language(l Look) string {
	if l.Language == "" {
		return "en"
	}
	return l.Language
}

// heard keeps what a person would find in the browser's console.
func (b *Browser) heard(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.errors = append(b.errors, exception(e.ExceptionDetails))
	case *page.EventJavascriptDialogOpening:
		go b.agree(e.Message)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError {
			b.errors = append(b.errors, fmt.Sprintf("console: %s", e.Args[0].Value))
		}
	}
}

func exception(d *runtime.ExceptionDetails) string {
	if d.Exception != nil && d.Exception.Description != "" {
		return d.Exception.Description
	}
	return d.Text
}

// Errors are the script errors so far.
func (b *Browser) Errors() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.errors...)
}

// do takes steps that give nothing.
func (b *Browser) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	give(b, what, chromedp.Steps(steps...))
}

// give takes a step and returns what it gives.
func give[T any](b *Browser, what string, a chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, Patience)
	defer cancel()
	value, err := chromedp.Run(ctx, a)
	if err != nil {
		b.t.Fatalf("%s: %v\nthe page: %s", what, err, b.text())
	}
	return value
}

// text is what stands on the page, for a failure.
func (b *Browser) text() string {
	ctx, cancel := context.WithTimeout(b.ctx, 5*time.Second)
	defer cancel()
	at, _ := chromedp.Run(ctx, chromedp.Location())
	text, _ := chromedp.Run(ctx, chromedp.Text(chromedp.CSS("body"))) // it is a failure already
	return at + "\n" + text
}

// Go opens an address and waits for the page.
func (b *Browser) Go(url string) {
	b.t.Helper()
	b.do("opening "+url, chromedp.Navigate(url), chromedp.WaitReady(chromedp.CSS("body")))
}

// Text is what a person reads at the first element that a selector finds; the whole page
// without one.
func (b *Browser) Text(selector string) string {
	b.t.Helper()
	if selector == "" {
		selector = "body"
	}
	return give(b, "reading "+selector, chromedp.Text(chromedp.CSS(selector)))
}

// Fill types into the control with a label, in the fieldset with a legend (empty: anywhere), once the
// page is all there.
func (b *Browser) Fill(legend, label, value string) {
	b.t.Helper()
	b.Until("the whole page", `() => document.readyState === "complete"`)
	b.act("emptying "+label, `(id) => { const c = document.getElementById(id); c.value = ""; c.focus(); }`, b.control(legend, label))
	b.do("filling "+label, chromedp.KeyEvent(value))
}

// Choose picks the option with these words.
func (b *Browser) Choose(legend, label, option string) {
	b.t.Helper()
	b.act("choosing "+option, `(id, option) => {
		const s = document.getElementById(id), o = [...s.options].find(o => o.text.trim() === option);
		if (!o) throw new Error("no option " + option + " among " + [...s.options].map(o => o.text));
		s.value = o.value; s.dispatchEvent(new Event("change", {bubbles: true}));
	}`, b.control(legend, label), option)
}

// Tick sets a checkbox.
func (b *Browser) Tick(legend, label string, on bool) {
	b.t.Helper()
	b.act("ticking "+label, `(id, on) => { const c = document.getElementById(id); if (c.checked !== on) c.click(); }`, b.control(legend, label), on)
}

// Press presses the first enabled button or link with these words, which may still come. A page
// that is drawn anew at this moment takes it away under the finger: then the one in its place is
// pressed.
func (b *Browser) Press(words string) {
	b.t.Helper()
	// What is still being laid out moves away from under a finger.
	b.Until("the whole page", `() => document.readyState === "complete"`)
	var spot place
	if !netlab.Until(Patience, func() bool {
		spot = Evaluate[place](b, "looking for the button "+words, seek, words)
		if spot.None != "" {
			return false
		}
		b.do("pressing "+words, chromedp.MouseClickXY(spot.X, spot.Y))
		return !b.missed()
	}) {
		b.t.Fatalf("no button %s to press among %s\nthe page: %s", words, spot.None, b.text())
	}
}

// missed tells that the last press went beside what it was for. A page that goes was pressed; one
// whose scripts are off is not drawn anew.
func (b *Browser) missed() bool {
	if b.look.NoScript {
		return false
	}
	ctx, cancel := context.WithTimeout(b.ctx, Patience)
	defer cancel()
	missed, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`window.missed === true`))
	return err == nil && missed
}

// A place is where a button is in the window, or what there is instead.
type place struct {
	X, Y float64
	None string
}

// seek marks the button with these words, brings it into the middle of the window, and has the page
// note whether it is missed.
const seek = `(words) => {
	document.querySelectorAll("[data-pressed]").forEach(e => delete e.dataset.pressed);
	const all = [...document.querySelectorAll("button, a[href], input[type=submit], summary")], say = e => (e.innerText || e.value || "").trim();
	const e = all.find(e => !e.disabled && e.offsetParent !== null && say(e) === words);
	if (!e) return {None: all.map(say).join(" | ")};
	e.dataset.pressed = "1";
	window.missed = true;
	e.addEventListener("click", () => { window.missed = false; }, {capture: true, once: true});
	e.scrollIntoView({block: "center", behavior: "instant"});
	const box = e.getClientRects()[0];
	return {X: box.x + box.width / 2, Y: box.y + box.height / 2};
}`

// control is the id of the control with a label.
func (b *Browser) control(legend, label string) string {
	b.t.Helper()
	return Evaluate[string](b, "looking for "+label, `(legend, label) => {
		let root = document;
		if (legend) {
			const l = [...document.querySelectorAll("legend")].find(l => l.innerText.trim() === legend);
			if (!l) throw new Error("no fieldset " + legend);
			root = l.closest("fieldset");
		}
		const found = [...root.querySelectorAll("label")].find(l => l.innerText.trim() === label);
		if (!found) throw new Error("no label " + label + " among " + [...root.querySelectorAll("label")].map(l => l.innerText.trim()).join(" | "));
		return found.htmlFor || found.querySelector("input,select,textarea").id;
	}`, legend, label)
}

// Evaluate calls a function in the page with args, and returns what it returns. Pages without
// scripts are looked at in the same way: their own scripts are off, and not the browser's.
func Evaluate[T any](b *Browser, what, function string, args ...any) T {
	b.t.Helper()
	return give(b, what, chromedp.Evaluate[T](b.called(function, args)))
}

// called is the call of a function with args.
func (b *Browser) called(function string, args []any) string {
	b.t.Helper()
	words := make([]string, len(args))
	for i, a := range args {
		text, err := json.Marshal(a)
		if err != nil {
			b.t.Fatalf("%s: %v", function, err)
		}
		words[i] = string(text)
	}
	return "(" + function + ")(" + strings.Join(words, ",") + ")"
}

// act calls a function that returns nothing.
func (b *Browser) act(what, function string, args ...any) {
	b.t.Helper()
	Evaluate[bool](b, what, "(...args) => { ("+function+")(...args); return true; }", args...)
}

// Until waits until a function in the page returns true. The page may go and another one come
// while it is asked.
func (b *Browser) Until(what, function string, args ...any) {
	b.t.Helper()
	call := b.called(function, args)
	var err error
	if !netlab.Until(Patience, func() (ok bool) {
		ctx, cancel := context.WithTimeout(b.ctx, Patience)
		defer cancel()
		ok, err = chromedp.Run(ctx, chromedp.Evaluate[bool](call))
		return err == nil && ok
	}) {
		b.t.Fatalf("waited in vain for %s: %v\nthe page: %s", what, err, b.text())
	}
}

// UntilText waits until a person reads these words at a selector.
func (b *Browser) UntilText(selector, words string) {
	b.t.Helper()
	b.Until(words+" at "+selector, `(selector, words) => {
		const e = document.querySelector(selector);
		return e !== null && e.innerText.includes(words);
	}`, selector, words)
}

// Shoot takes a picture of the whole page, from its top, kept in build/screens/NAME.png.
func (b *Browser) Shoot(name string) {
	b.t.Helper()
	// What clings to the window's lower end would lie across the middle of the whole page.
	b.act("going to the top", `() => {
		scrollTo(0, 0);
		document.querySelectorAll("img[loading=lazy]").forEach(i => { i.loading = "eager"; });
		document.querySelectorAll(".apply").forEach(e => { e.style.position = "static"; });
	}`)
	b.Until("the pictures on the page", `() => [...document.images].every(i => i.complete)`)
	picture := give(b, "taking a picture", chromedp.FullScreenshot(100))
	b.act("going on", `() => document.querySelectorAll(".apply").forEach(e => { e.style.position = ""; })`)
	top, err := agent.Top()
	if err != nil {
		b.t.Fatalf("%v", err)
	}
	dir := filepath.Join(top, "build", "screens")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.t.Fatalf("%v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644); err != nil {
		b.t.Fatalf("%v", err)
	}
}

// A Finding is what axe-core has to say against a page.
type Finding struct {
	ID, Impact, Help string
	Nodes            []struct {
		HTML   string
		Target []any
	}
}

// Serious tells the findings that keep people from using the page.
func (f Finding) Serious() bool { return f.Impact == "serious" || f.Impact == "critical" }

// String is the finding with the first places of it.
func (f Finding) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s): %s", f.ID, f.Impact, f.Help)
	for i, n := range f.Nodes {
		if i == 5 {
			break
		}
		fmt.Fprintf(&b, "\n    %v %s", n.Target, n.HTML)
	}
	return b.String()
}

// Axe asks axe-core about the page as it is now.
func (b *Browser) Axe() []Finding {
	b.t.Helper()
	top, err := agent.Top()
	if err != nil {
		b.t.Fatalf("%v", err)
	}
	script, err := os.ReadFile(filepath.Join(top, "build", "axe", "axe.min.js"))
	if err != nil {
		b.t.Fatalf("axe-core: %v: tools/setup/axe.sh fetches it", err)
	}
	Evaluate[bool](b, "loading axe", "() => {"+string(script)+"; return true; }")
	return give(b, "axe", chromedp.Evaluate[[]Finding](`axe.run(document, {resultTypes: ["violations"]}).then(r => r.violations.map(v =>
		({ID: v.id, Impact: v.impact, Help: v.help, Nodes: v.nodes.map(n => ({HTML: n.html.slice(0, 200), Target: n.target}))})))`, chromedp.EvalAwaitPromise))
}

// Reload loads the page anew.
func (b *Browser) Reload() {
	b.t.Helper()
	b.do("reloading", chromedp.Reload(), chromedp.WaitReady(chromedp.CSS("body")))
}
